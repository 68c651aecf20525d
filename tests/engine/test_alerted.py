"""Alerts in the matrix: of the two ends as known at the next tick, not as known when they came."""

from __future__ import annotations

import numpy as np
import pytest

from vpi_tui.capture.demo.source import DemoSource
from vpi_tui.config import paths
from vpi_tui.engine.alerted import AlertedFlows
from vpi_tui.engine.closed import ClosedFlows
from vpi_tui.engine.learning import Learning
from vpi_tui.engine.log import NoLog
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.publisher import Publisher
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import Watch
from vpi_tui.flow.records import FLOW_DTYPE
from vpi_tui.model.topology import End, Switch, Topology

NS = 1_000_000_000


def test_ends_that_became_known_hold_also_of_flows_that_ended() -> None:
    live = np.zeros(3, FLOW_DTYPE)
    live["flow_id"], live["src_guest"] = [11, 12, 13], int(End.WORLD)
    closed = ClosedFlows(kept=4)
    alerted = AlertedFlows(live, closed)
    alerted.add([0, 1])
    alerted.add([1, 2])
    live["src_guest"] = [5, 6, 7]
    closed.add(live[1:].copy())
    live["flow_id"][1:], live["src_guest"][1:] = [21, 0], [8, 9]  # one slot is another flow's, one is free
    rows = alerted.take()
    assert rows["flow_id"].tolist() == [11, 12, 12, 13]
    assert rows["src_guest"].tolist() == [5, 6, 6, 7]
    assert not len(alerted.take())


def test_hosts_that_are_learned_after_the_alert_take_it_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay at full speed: much is read before hosts are named anew."""
    monkeypatch.setattr(Learning, "is_due", lambda *_: False)
    spec = EngineSpec("replay", rules_dir=str(paths.rules_dir()))
    demo = DemoSource(seed=1, start_ns=NS, speed=0, loops=1)
    demo.open()
    source = EngineSource(demo, Topology(1, (Switch("monday.pcap", "file"),)))
    source.learns = True
    book = RuleBook.load(spec)
    pipeline = Pipeline(spec, book, source)
    alerts = 0
    while (batch := source.read(0.0)) is not None:
        alerts += len(pipeline.process(batch))
    pipeline.tick()
    publisher = Publisher(spec)
    publisher.attach(pipeline, book, source)
    matrix = publisher.snapshot("running", "", Watch(matrix=True, matrix_window="all"), 0, NoLog()).matrix
    assert alerts > 10
    assert sum(row.alerts for row in matrix) > 10
    assert not [(row.src, row.dest) for row in matrix if row.alerts and not row.flows]
