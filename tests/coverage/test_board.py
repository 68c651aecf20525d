"""Samples over time: windows, counters that begin anew, ports that come and go, mirrors taken away."""

from __future__ import annotations

from dataclasses import replace

from tests.coverage.build import mac, port, topology
from vpi_tui.coverage.arrangement import SensorLink, Setting
from vpi_tui.coverage.board import Board, whole, worst
from vpi_tui.coverage.seen import PortKey, SeenCount, Watched
from vpi_tui.model.coverage import PortCoverage, TrueCount, Verdict
from vpi_tui.model.topology import Mirror, Port, Topology

SECOND = 10**9
TWO = topology(port(1), port(2), own={"br0": 9})
ALL = Setting(Watched(frozenset({1, 2}), frozenset({9})))
RATE = 100_000


class Sim:
    """A board that is fed once a second. share: of the traffic of each port that is seen."""

    def __init__(self, where: Topology = TWO, setting: Setting = ALL) -> None:
        self.board = Board()
        self.board.follow(where, setting)
        self.where = where
        self.second = 0
        self.true: dict[PortKey, int] = {}
        self.seen: dict[PortKey, int] = {}
        self.base = 0
        """What the counters had counted before."""
        self.copies = False

    def run(self, seconds: int, share: float = 1.0, rate: int = RATE, drops: int = 0) -> None:
        for _ in range(seconds):
            self.second += 1
            for one in self.where.ports:
                key = one.switch, one.name
                self.true[key] = self.true.get(key, 0) + rate
                self.seen[key] = self.seen.get(key, 0) + round(rate * share)
            counts = [
                TrueCount(*key, self.base + n, self.base + n, n // 1000, n // 1000)
                for key, n in self.true.items()
            ]
            seen = {
                key: SeenCount(copied_into=n, copied_out=n) if self.copies else SeenCount(n, n)
                for key, n in self.seen.items()
            }
            self.board.add(self.second * SECOND, counts, seen, drops)

    def of(self, number: int = 1) -> PortCoverage:
        return next(one for one in self.board.verdicts if one.port == f"vnet{number}")


def test_a_verdict_comes_with_the_second_sample_and_follows_within_three() -> None:
    sim = Sim()
    assert sim.of().verdict is Verdict.UNKNOWN
    assert "Nobody else counts" in sim.of().cause
    sim.run(1)
    assert "a few seconds" in sim.of().cause
    sim.run(1)
    assert (sim.of().verdict, sim.of().percent) == (Verdict.SEEN, 100.0)
    sim.run(3, share=0.0)
    assert sim.of().verdict is Verdict.BLIND
    sim.run(3)
    assert sim.of().verdict is Verdict.SEEN


def test_little_traffic_is_judged_over_a_longer_window() -> None:
    sim = Sim()
    sim.run(20, rate=150)
    judged = sim.of()
    assert (judged.verdict, judged.window_s > 3) == (Verdict.SEEN, True)
    sim.run(40, rate=0)
    assert sim.of().verdict is Verdict.SEEN
    assert sim.of().cause.startswith("No traffic in the last 30 s.")


def test_counters_that_begin_anew_or_wrap() -> None:
    sim = Sim()
    sim.run(4)
    sim.true = dict.fromkeys(sim.true, 0)
    sim.run(1)
    assert sim.of().verdict is Verdict.UNKNOWN
    assert "anew" in sim.of().cause
    sim.run(2)
    assert sim.of().verdict is Verdict.SEEN
    wrapping = Sim()
    wrapping.base = (1 << 32) - 3 * RATE - 50
    wrapping.run(3)
    wrapping.base -= 1 << 32
    wrapping.run(1)
    assert (wrapping.of().verdict, wrapping.of().true_in) == (Verdict.SEEN, 2 * RATE)


def test_of_two_counts_of_one_moment_the_first_holds_and_time_may_step_back() -> None:
    sim = Sim()
    sim.run(4)
    key = ("br0", "vnet1")
    late = TrueCount(*key, 1, 1, truth="Open vSwitch")
    sim.board.add(sim.second * SECOND, [late], {})
    assert (sim.of().verdict, sim.of().truth) == (Verdict.SEEN, "interface counters")
    sim.second -= 100
    sim.run(4)
    assert sim.of().verdict is Verdict.SEEN
    assert sim.of().window_s < 4


def test_a_port_that_comes_begins_and_one_that_goes_is_gone() -> None:
    sim = Sim()
    sim.run(3)
    more = topology(port(1), port(2), port(3), own={"br0": 9})
    sim.where = more
    sim.board.follow(more, Setting(Watched(frozenset({1, 2, 3}), frozenset({9}))))
    sim.run(1)
    assert (sim.of(1).verdict, sim.of(3).verdict) == (Verdict.SEEN, Verdict.UNKNOWN)
    sim.run(2)
    assert sim.of(3).verdict is Verdict.SEEN
    sim.board.follow(TWO, ALL)
    assert [one.port for one in sim.board.verdicts] == ["vnet1", "vnet2"]


def test_drops_of_the_window_are_ours() -> None:
    sim = Sim()
    sim.run(3)
    sim.run(1, share=0.3, drops=70)
    assert sim.of().verdict is Verdict.PARTIAL
    assert "dropped 70 packets" in sim.of().cause


def mirrored() -> tuple[Topology, Setting]:
    where = topology(
        port(1, "br-int", macs=(mac(1),)), port(2, "br-int", macs=(mac(2),)), Port(20, "mon0", "mon0"),
        kinds={"br-int": "ovs", "mon0": "interface"},
    )  # fmt: skip
    where = replace(where, mirrors=(Mirror("m0", "br-int", "mon0", all_ports=True),))
    return where, Setting(Watched(frozenset({20})), ("mon0",), (SensorLink("mon0", 20),))


def test_a_mirror_that_is_taken_away_and_comes_back() -> None:
    where, setting = mirrored()
    sim = Sim(where, setting)
    sim.copies = True
    sim.run(4)
    assert sim.of().verdict is Verdict.SEEN
    assert "copied to mon0" in sim.of().cause
    sim.board.follow(replace(where, mirrors=()), setting)
    sim.run(3, share=0.0)
    assert sim.of().verdict is Verdict.BLIND
    assert "m0" in sim.of().cause
    assert "create Mirror name=m0 select-all=true output-port=@out" in sim.of().mend
    sim.board.follow(where, setting)
    sim.run(3)
    assert sim.of().verdict is Verdict.SEEN


def test_a_port_that_is_idle_when_its_mirror_goes_is_not_called_seen_any_more() -> None:
    where, setting = mirrored()
    sim = Sim(where, setting)
    sim.copies = True
    sim.run(4)
    sim.run(40, rate=0)
    assert sim.of().verdict is Verdict.SEEN
    sim.board.follow(replace(where, mirrors=()), setting)
    assert sim.of().verdict is Verdict.UNKNOWN


def test_the_worst_port_speaks_for_its_guest_and_not_for_the_whole() -> None:
    def one(verdict: Verdict, truth: str = "counters") -> PortCoverage:
        return PortCoverage("br0", "p", "g", verdict, ".", truth=truth)

    seen, blind, idle = one(Verdict.SEEN), one(Verdict.BLIND), one(Verdict.UNKNOWN)
    assert worst([seen, blind]) is Verdict.BLIND
    assert whole([seen, blind]) is Verdict.PARTIAL
    assert whole([blind, blind]) is Verdict.BLIND
    assert worst([seen, idle]) is whole([seen, idle]) is Verdict.SEEN
    assert worst([seen, one(Verdict.UNKNOWN, "")]) is Verdict.PARTIAL
    assert worst([idle]) is whole([]) is Verdict.UNKNOWN
    hint = replace(one(Verdict.UNKNOWN, ""), inferred=True)
    assert whole([seen, hint]) is Verdict.SEEN
    assert whole([hint]) is Verdict.UNKNOWN
