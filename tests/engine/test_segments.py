"""The policy and the baseline in a whole pipeline, over the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpi_tui.capture.demo import hosts
from vpi_tui.capture.demo.source import DemoSource
from vpi_tui.config import paths
from vpi_tui.detect.behaviour.segmentation import MAX_FINDINGS
from vpi_tui.engine.log import NoLog
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.publisher import Publisher
from vpi_tui.engine.questions import alert_detail
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.segments import DEMO_POLICY
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import Watch
from vpi_tui.model.batch import FlowState
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Snapshot

NS = 1_000_000_000
SID = (2, 25)


class Demo:
    """The stages over the demo's traffic, without a process."""

    def __init__(self, seconds: float, policy: str = "", rules: tuple[str, ...] = ()) -> None:
        self.spec = EngineSpec(
            "demo", demo_start_ns=NS, policy=policy, rules=rules, rules_dir=str(paths.rules_dir())
        )
        self._source = DemoSource(seed=1, start_ns=NS, speed=0, loops=2)
        self._source.open()
        self.source = EngineSource(self._source, hosts.topology())
        self.book = RuleBook.load(self.spec)
        self.pipeline = Pipeline(self.spec, self.book, self.source)
        self.alerts: list[Alert] = []
        self.go(seconds)

    def go(self, seconds: float) -> None:
        until = max(self.pipeline.packet_ns, NS) + int(seconds * NS)
        while self.pipeline.packet_ns < until:
            batch = self.source.read(0.0)
            assert batch is not None
            self.alerts += self.pipeline.process(batch)
        self.pipeline.tick()

    def broke(self) -> list[Alert]:
        return [alert for alert in self.alerts if (alert.gid, alert.sid) == SID]

    def snapshot(self) -> Snapshot:
        publisher = Publisher(self.spec)
        publisher.attach(self.pipeline, self.book, self.source)
        return publisher.snapshot("running", "", Watch(matrix=True, matrix_window="all"), 0, NoLog())


@pytest.fixture(scope="module")
def no_rules(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    file = tmp_path_factory.mktemp("rules") / "one.rules"
    file.write_text('alert tcp any any -> any any (msg:"never"; content:"xyzzyplugh"; sid:1; rev:1;)\n')
    return (str(file),)


def test_the_demo_breaks_its_policy_where_it_is_staged(no_rules: tuple[str, ...]) -> None:
    demo = Demo(53, rules=no_rules)
    raid = next(alert for alert in demo.broke() if alert.dest_port == 5432)
    assert (raid.src_guest, raid.dest_guest, raid.locality) == ("web-01", "db-01", "east-west")
    line = next(n for n, text in enumerate(DEMO_POLICY.read_text().splitlines(), 1) if "default" in text)
    assert raid.msg.startswith(
        f"policy.yaml:{line}: no line allows web-01 > db-01 tcp/5432; nearest: policy.yaml:"
    )
    assert "tag:app > tag:db tcp/5432" in raid.msg
    assert {alert.src_guest for alert in demo.broke()} == {"web-01"}
    told = demo.snapshot()
    marked = {(row.src, row.dest): row.broken for row in told.matrix if row.broken}
    assert marked["web-01", "db-01"] == f"policy.yaml:{line}"
    assert told.segmentation.policy == str(DEMO_POLICY)
    assert told.segmentation.violations >= len(demo.broke()) > 0
    assert not demo.pipeline.segments.judge.notices
    proposal = demo.pipeline.segments.proposal()
    assert (proposal.path, proposal.current) == ("", DEMO_POLICY.read_text())


def test_a_baseline_becomes_a_policy_that_what_comes_after_breaks(
    no_rules: tuple[str, ...], tmp_path: Path
) -> None:
    nothing = tmp_path / "all.yaml"
    nothing.write_text("default: allow\n")
    demo = Demo(2, str(nothing), no_rules)
    segments = demo.pipeline.segments
    assert segments.proposal().text == ""
    assert segments.learn(False, 1).severity == "warning"
    segments.learn(True, demo.pipeline.packet_ns)
    since = f"# since 1970-01-01 00:00:{demo.pipeline.packet_ns // NS:02} UTC"
    demo.go(7)
    assert demo.snapshot().segmentation.learning_since_ns > 0
    assert f"{since}, still learning.\n" in segments.proposal().text
    segments.learn(False, demo.pipeline.packet_ns)
    proposal = segments.proposal()
    until = f"until 1970-01-01 00:00:{demo.pipeline.packet_ns // NS:02} UTC"
    assert f"{since}, {until}.\n" in proposal.text
    assert proposal.current == "default: allow\n"
    assert "tag:web" in proposal.text
    assert "tcp/5432" in proposal.text
    assert segments.use(str(tmp_path / "made.yaml"), proposal.text).severity == "information"
    assert not demo.broke()
    demo.go(12)  # the port scan
    scanned = {alert.dest_guest for alert in demo.broke() if alert.src_guest == "web-01"}
    assert {"db-01", "win-fs01"} <= scanned
    assert any(row.new for row in demo.snapshot().matrix if row.src == "web-01" and row.dest == "win-fs01")


def test_a_policy_that_cannot_be_read_stops_the_start_but_not_a_running_sensor(
    no_rules: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("allow:\n- {from: a}\n")
    with pytest.raises(ConfigError, match=r"policy.yaml:2: "):
        Demo(0, str(file), no_rules)
    file.write_text("default: allow\n")
    segments = Demo(0, str(file), no_rules).pipeline.segments
    file.write_text("default: deny\n")
    assert segments.reload().severity == "information"  # type: ignore[union-attr]
    assert segments.judge.policy.default == "deny"  # type: ignore[union-attr]
    file.write_text("default: never\n")
    assert segments.reload().severity == "error"  # type: ignore[union-attr]
    assert segments.use("x.yaml", "{").severity == "error"
    assert segments.judge.policy.default == "deny"  # type: ignore[union-attr]


def test_flows_that_live_when_a_policy_comes_into_force_are_judged_once(
    no_rules: tuple[str, ...], tmp_path: Path
) -> None:
    nothing = tmp_path / "all.yaml"
    nothing.write_text("default: allow\n")
    demo = Demo(20, str(nothing), no_rules)
    segments, table = demo.pipeline.segments, demo.pipeline.table
    assert not demo.broke()
    told = segments.use(str(tmp_path / "none.yaml"), "default: deny\n")
    assert "live are judged" in told.text
    found: list[Alert] = []
    while more := demo.pipeline.idle():  # no packet is needed
        assert len(more) <= MAX_FINDINGS
        found += more
    rows = table.used()
    live = {int(flow) for flow in rows["flow_id"][rows["state"] != FlowState.CLOSED]} - {0}
    assert "no packet of it" in alert_detail(demo.pipeline, found[0].number).reason
    assert found
    assert all((alert.gid, alert.sid) == SID and alert.flow_id in live for alert in found)
    assert all(alert.msg.startswith("none.yaml:1: ") for alert in found)
    kinds = [(a.src_guest or a.src_ip, a.dest_guest or a.dest_ip, a.proto, a.dest_port) for a in found]
    assert len(kinds) == len(set(kinds))
    assert demo.snapshot().segmentation.violations >= len(found)
    assert not demo.pipeline.idle()


def test_a_file_in_which_nothing_is_new_judges_nothing_again(
    no_rules: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("default: allow\n")
    demo = Demo(20, str(file), no_rules)
    file.write_text("default: deny\n")
    assert demo.pipeline.segments.reload() is not None
    while demo.pipeline.idle():
        pass
    assert demo.pipeline.segments.reload() is None
    assert not demo.pipeline.idle()
