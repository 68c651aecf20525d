"""What each rule costs is measured, and one that eats the engine is switched off and can come back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import PcapWriter

from tests.engine.runs import answer, engine, order, reached, until
from vpi_tui.capture.demo.source import DemoSource
from vpi_tui.config import paths
from vpi_tui.detect.applayer import costs
from vpi_tui.detect.applayer.costs import LEAST_NS, Costs, Pair, Speaker
from vpi_tui.detect.applayer.expectations import Ends
from vpi_tui.detect.match.profile import PORTION, PORTION_NS, Clock, Meter, RuleProfile
from vpi_tui.engine import budget
from vpi_tui.engine.budget import AVOIDED_NS, ParseBudget, RuleBudget
from vpi_tui.engine.flow_columns import ends_of
from vpi_tui.engine.names import Names
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.engine.transactions import Logged, charged
from vpi_tui.engine.worker import _what
from vpi_tui.feed.messages import GetRules, RulesMessage, Toggle, ToggledMessage
from vpi_tui.model.event import TransactionRecord
from vpi_tui.model.topology import Guest, Switch, Topology

FRAMES = 1_000
SLOW = 'alert udp any any -> any 9999 (msg:"slow"; content:"a"; pcre:"/^(?:a|aa)+[b-d]x/R"; sid:1; rev:1;)\n'
QUICK = 'alert udp any any -> any 9999 (msg:"quick"; content:"query"; pcre:"/query[0-9]/"; sid:2; rev:1;)\n'


@pytest.fixture(scope="module")
def slow_traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each datagram makes the expression go as far as its limit of steps, behind each `a` anew."""
    path = tmp_path_factory.mktemp("slow") / "slow.pcap"
    payload = b"a" * 60 + b"x query"
    with PcapWriter(str(path)) as writer:
        for n in range(FRAMES):
            frame = Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=5000, dport=9999) / payload
            frame.time = 1_700_000_000 + n / 1000
            writer.write(frame)
    return path


def test_a_rule_that_eats_the_engine_is_switched_off(tmp_path: Path, slow_traffic: Path) -> None:
    rules = tmp_path / "slow.rules"
    rules.write_text(SLOW + QUICK)
    files = (str(slow_traffic),) * 16
    state = tmp_path / "state"
    spec = order(
        "replay", files=files, rules=(str(rules),), rule_budget=20.0, speed=0.0, interval=0.1,
        state_dir=str(state),
    )  # fmt: skip
    with engine(spec) as client:
        end = reached(client, "finished")
        cost = {r.sid: r for r in end.rules}
        assert 100 < cost[1].checks < cost[2].checks == len(files) * FRAMES, "it was stopped on the way"
        dear, cheap = (cost[sid].cpu_ns / cost[sid].checks for sid in (1, 2))
        assert dear > 10 * cheap
        assert cost[1].cpu_ns / 1e9 < sum(v for k, v in end.stats.items() if k.startswith("stage."))
        (told,) = (text for text in end.notices if "1:1" in text)
        assert "(slow)" in told
        assert "--rule-budget allows 20 %" in told
        assert "Space on the Rules screen" in told
        row = {r.sid: r for r in answer(client, GetRules(), RulesMessage).rules if r.gid == 1}
        assert (row[1].enabled, row[1].why_off) == (False, "budget")
        assert (row[2].enabled, row[2].why_off) == (True, "")
        assert not list(state.iterdir()), "it is not the operator's switch"
        assert answer(client, Toggle(True, ((1, 1),)), ToggledMessage).changed == 1
        until(lambda: (s := client.latest()) is not None and s.rules_enabled == end.rules_enabled + 1)


class Watched:
    """A ParseBudget with clocks set by hand. Flows 0 and 1 go from host 1 to host 9, flow 2 from host 2, flow
    3 from host 3; the guest web sends the last three, whoever they are from."""

    ONE, TWO, THREE = (Pair(bytes(15) + bytes([client]), bytes(15) + bytes([9]), 0) for client in (1, 2, 3))
    NAMES = Names(Topology(guests=(Guest("db", "s"), Guest("web", "s"))))

    def __init__(self, monkeypatch: pytest.MonkeyPatch, percent: float = 30.0) -> None:
        self._cpu = self._wall = 0
        monkeypatch.setattr(budget.time, "thread_time_ns", lambda: self._cpu)
        monkeypatch.setattr(budget.time, "monotonic_ns", lambda: self._wall)
        self._ends = Ends(
            np.array([[0, 1], [0, 1], [0, 2], [0, 3]], np.uint64),
            np.full((4, 2), (0, 9), np.uint64),
            np.zeros(4, np.uint16),
            np.zeros(4, np.int32),
            np.array([-1, 1, 1, 1], np.int16),
        )
        self.costs, self.budget = Costs(), ParseBudget(percent)

    @property
    def avoided(self) -> frozenset[Speaker]:
        return self.budget.avoided(self.NAMES)

    def after(
        self, cpu_s: float, wall_s: float, spent: dict[int, float], *, behind: bool = True
    ) -> list[object]:
        self._cpu, self._wall = self._cpu + int(cpu_s * 1e9), self._wall + int(wall_s * 1e9)
        for slot, seconds in spent.items():
            self.costs.add(slot, int(seconds * 1e9), self._ends)
        return [one.who for one in self.budget.exceeded_by(self.costs, self.NAMES, behind=behind)]


def test_what_two_hosts_say_is_avoided_when_the_engine_falls_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watched(monkeypatch)
    assert watch.after(2, 2, {0: 0.4, 1: 0.4, 2: 0.5}) == [watch.ONE], "all flows of the two count together"
    assert watch.avoided == {watch.ONE}
    assert watch.after(2, 2, {0: 0.4, 1: 0.4, 2: 0.5}) == [], "it is told once"
    assert watch.after(2, 2, {0: 0.7, 2: 1.0}) == [watch.TWO]
    assert watch.after(2, AVOIDED_NS / 1e9, {}) == []
    assert watch.avoided == frozenset(), "they are parsed again"


def test_the_dearest_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watched(monkeypatch)
    assert watch.after(2, 2, {0: 0.7, 2: 1.0}) == [watch.TWO, watch.ONE]


def test_an_engine_that_keeps_up_or_has_time_avoids_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watched(monkeypatch)
    assert watch.after(2, 2, {0: 1.9}, behind=False) == []
    assert watch.after(2, 2, {2: 0.5}) == [], "what was spent while it kept up is forgotten"
    assert watch.after(0.5, 0.5, {0: 0.5}) == [], "the window is not full"
    assert watch.after(0.4, 10, {0: 0.4}) == [], "the engine was idle"
    assert watch.after(1, 1, {}) == []
    assert watch.avoided == frozenset()


def test_how_many_are_avoided_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watched(monkeypatch)
    monkeypatch.setattr(budget, "MOST_AVOIDED", 1)
    watch.after(2, 2, {0: 1.0})
    watch.after(2, 2, {2: 1.0})
    assert watch.avoided == {watch.TWO}


def test_a_guest_that_speaks_as_ever_others_is_avoided_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watched(monkeypatch)
    assert watch.after(2, 2, {1: 0.4, 2: 0.4, 3: 0.4}) == [], "it may take twice what two hosts may"
    assert watch.after(2, 2, {0: 0.1, 1: 0.4, 2: 0.4, 3: 0.39}) == [], "what is no guest's is not its own"
    assert watch.after(2, 2, {1: 0.4, 2: 0.7, 3: 0.4}) == [watch.TWO], "two hosts first: that may be enough"
    assert watch.after(2, 2, {1: 0.41, 3: 0.8}, behind=False) == []
    assert watch.after(2, 2, {1: 0.5, 2: 0.5, 3: 0.5}) == ["web"]
    assert watch.after(2, 2, {1: 0.5, 2: 0.5, 3: 0.5}) == [], "it is told once"
    assert watch.avoided == {watch.TWO, 1}
    assert watch.after(2, AVOIDED_NS / 1e9, {}) == []
    assert watch.avoided == frozenset()


def test_a_guest_is_avoided_by_the_number_that_it_has_now(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watched(monkeypatch)
    watch.after(2, 2, {1: 0.5, 2: 0.5, 3: 0.5})
    assert watch.budget.avoided(Names(Topology(guests=(Guest("web", "s"), Guest("db", "s"))))) == {0}
    assert watch.budget.avoided(Names(Topology())) == frozenset(), "it is gone, and nobody else is meant"


@pytest.mark.parametrize(("numbers", "blamed"), [({0: 1, 1: 0}, ["db"]), ({1: 1}, ["web"]), ({0: 1}, [])])
def test_what_a_guest_took_goes_with_its_number(
    monkeypatch: pytest.MonkeyPatch, numbers: dict[int, int], blamed: list[str]
) -> None:
    """Not to another that has it then; and it is not forgotten: the wire tells of ever new guests."""
    watch = Watched(monkeypatch)
    assert watch.after(0.1, 0.1, {1: 0.5, 2: 0.5, 3: 0.5}) == [], "the window is not full"
    watch.costs.renumber(numbers)
    assert watch.after(2, 2, {}) == blamed


def test_who_forges_another_host_for_each_window_is_avoided_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = Watched(monkeypatch)
    assert watch.after(2, 2, {2: 1.3}) == [watch.TWO]
    assert watch.after(2, 2, {0: 0.7}) == [watch.ONE], "that was no guest's"
    assert watch.after(2, 2, {3: 1.3}) == [watch.THREE, "web"]
    assert watch.avoided == {watch.ONE, watch.TWO, watch.THREE, 1}
    for spent, pause_s in ((1.1, 2), (1.3, AVOIDED_NS / 1e9)):  # less than twice as much, and long ago
        fresh = Watched(monkeypatch)
        assert fresh.after(2, 2, {2: spent}) == [fresh.TWO]
        assert fresh.after(2, pause_s, {}) == []
        assert fresh.after(2, 2, {3: 1.3}) == [fresh.THREE]


def test_names_tell_where_guests_are_now() -> None:
    now = Names(Topology(guests=(Guest("new", "s"), Guest("web", "s"), Guest("more", "s"))))
    assert now.numbers_since(Watched.NAMES) == {1: 1}
    assert Watched.NAMES.numbers_since(now) == {1: 1}


def test_a_topology_that_changes_takes_those_with_it_that_are_avoided() -> None:
    spec = EngineSpec("live", parse_budget=25.0, rules_dir=str(paths.rules_dir()))
    guests = Guest("a", "s"), Guest("b", "s"), Guest("c", "s")
    source = EngineSource(DemoSource(seed=1, start_ns=0, speed=0, loops=1), Topology(1, guests=guests))
    pipeline = Pipeline(spec, RuleBook.load(spec), source, logged=Logged(frozenset({"dns"})))
    assert pipeline.app_layer is not None
    pipeline.app_layer.avoid(frozenset({0, 2, Watched.ONE}))
    assert pipeline.parse_costs is not None
    pipeline.parse_costs.add(0, 7, ends_of(columns(guest=2)))
    pipeline.follow(Topology(2, guests=guests[::-1][:2]))
    assert pipeline.parse_costs.take() == {0: 7}
    assert pipeline.app_layer._feeder.avoided == {0, Watched.ONE}, (
        "c is first now, a is gone, and b is not meant"
    )


def test_only_a_busy_engine_and_enough_evaluations_count(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = wall = 0
    monkeypatch.setattr(budget.time, "thread_time_ns", lambda: cpu)
    monkeypatch.setattr(budget.time, "monotonic_ns", lambda: wall)
    profile, watch = RuleProfile(3), RuleBudget(30.0)

    def after(cpu_s: float, wall_s: float, spent: dict[int, float], checks: int) -> list[int]:
        nonlocal cpu, wall
        cpu, wall = cpu + int(cpu_s * 1e9), wall + int(wall_s * 1e9)
        for rule, seconds in spent.items():
            profile.cpu_ns[rule] += int(seconds * 1e9)
            profile.checks[rule] += checks
        return [found.rule for found in watch.exceeded_by(profile)]

    assert after(0, 0, {}, 0) == []
    assert after(4, 4, {0: 1.3, 1: 1.1, 2: 1.4}, 500) == [2, 0]
    assert after(4, 4, {0: 1.1, 1: 1.1}, 500) == []
    assert after(4, 4, {0: 2.0}, budget.FEWEST_CHECKS - 1) == [], "too few to tell"
    assert after(4, 4, {0: 2.0}, 20) == [0], "a tenth of a second each"
    assert after(1, 11, {0: 1.0}, 500) == [], "the engine was idle"
    assert after(2.5, 2.5, {0: 2.0}, 500) == [], "the window is not full"
    assert after(1, 1, {}, 0) == [0]
    profile = RuleProfile(3)  # other rules
    assert after(4, 4, {0: 4.0}, 500) == []
    assert RuleBudget(0.0).exceeded_by(profile) == []


def test_what_others_took_of_the_processor_is_not_the_rules() -> None:
    profile = RuleProfile(2)
    profile.spent(np.array([0, 1, 0], np.int32), [0, 1_000, 3_000, 10_000], 5_000)
    assert profile.cpu_ns.tolist() == [4_000, 1_000]
    profile.spent(np.array([], np.int32), [7], 100)
    assert profile.cpu_ns.tolist() == [4_000, 1_000]


def test_a_rule_is_stopped_in_the_middle_of_a_batch() -> None:
    """The judge hears what each rule has cost by then, and is asked every PORTION evaluations."""
    now = 0
    profile = RuleProfile(2)
    rules = np.array([0, 1] * PORTION, np.int32)
    meter = Meter(
        profile,
        Clock(lambda: now, lambda: now),
        rules,
        lambda: np.flatnonzero(profile.cpu_ns > 2_000).tolist(),
    )
    tried = []
    for rule in rules.tolist():
        meter.next()
        if rule not in meter.stopped:
            tried.append(rule)
            now += 100 if rule else 10
    meter.pause()
    assert tried.count(1) == PORTION // 2
    assert tried.count(0) == PORTION
    assert profile.cpu_ns.tolist() == [10 * PORTION, 100 * PORTION // 2]


def test_one_evaluation_of_seconds_is_not_waited_for_sixty_times() -> None:
    """The judge is asked as soon as a portion has taken long, however few there are in it."""
    now, tried = [0], []
    meter = Meter(
        RuleProfile(1),
        Clock(lambda: now[0], lambda: now[0]),
        np.zeros(10, np.int32),
        lambda: [0] * (len(tried) > 0),
    )
    for _ in range(10):
        meter.next()
        if 0 not in meter.stopped:
            now[0] += PORTION_NS + 1
            tried.append(0)
    assert len(tried) == 1


def columns(guest: int) -> dict[str, Any]:
    """Three flows as the flow table has them, from three hosts to a fourth; the guest begins them."""
    return {
        "src_ip": np.array([[0, 1], [0, 2], [0, 3]], np.uint64),
        "dest_ip": np.full((3, 2), (0, 9), np.uint64),
        "dest_port": np.zeros(3, np.uint16),
        "ifindex_client": np.zeros(3, np.int32),
        "src_guest": np.full(3, guest, np.int16),
        "dest_guest": np.full(3, 8, np.int16),
    }


def test_what_is_done_for_transactions_is_put_to_the_flow_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns = 0
    monkeypatch.setattr(costs, "perf_counter_ns", lambda: now_ns)
    spent = Costs()
    finished: Any = [SimpleNamespace(flow=0), SimpleNamespace(flow=1), SimpleNamespace(flow=1)]
    with charged(spent, finished, columns(guest=4)):
        now_ns += 3 * LEAST_NS
    assert spent.take() == {Watched.ONE: LEAST_NS, Watched.TWO: 2 * LEAST_NS, 4: 3 * LEAST_NS}


def test_a_notice_names_two_hosts_or_a_guest() -> None:
    one, two = (bytes(10) + b"\xff\xff" + bytes([10, 0, 0, last]) for last in (1, 2))
    assert _what(Pair(one, two, 0)) == "What 10.0.0.1 says to 10.0.0.2"
    assert _what("web") == "What web begins to say to others"


def test_what_the_log_takes_is_put_to_those_whose_words_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes while the log writes, and stands still else."""
    now_ns, told = 0, 0
    monkeypatch.setattr(costs, "perf_counter_ns", lambda: now_ns)
    spec = EngineSpec("live", parse_budget=25.0, rules_dir=str(paths.rules_dir()))
    demo = DemoSource(seed=1, start_ns=0, speed=0, loops=1)
    demo.open()
    source = EngineSource(demo, Topology(1, (Switch("s", "demo"),)))
    pipeline = Pipeline(spec, RuleBook.load(spec), source, logged=Logged(frozenset({"dns"})))

    def write(records: Sequence[TransactionRecord]) -> None:
        nonlocal now_ns, told
        now_ns += len(records) * LEAST_NS
        told += len(records)

    pipeline.on_transactions = write
    while (batch := source.read(0.0)) is not None:
        pipeline.process(batch)
    assert pipeline.parse_costs is not None
    spent = pipeline.parse_costs.take()
    assert told > 10
    assert sum(ns for who, ns in spent.items() if isinstance(who, Pair)) == told * LEAST_NS
