"""The demo counts itself: every port is seen but the one that is deliberately not watched."""

from __future__ import annotations

from vpi_tui.capture.demo.hosts import BLIND_GUEST
from vpi_tui.capture.demo.source import DemoSource
from vpi_tui.engine.coverage import Coverage
from vpi_tui.engine.sources.demo import StagedFeed
from vpi_tui.model.coverage import Verdict


def test_all_ports_are_seen_but_one() -> None:
    now = [0]
    demo = DemoSource(start_ns=10**18, clock=lambda: now[0], wait=lambda _seconds: None)
    demo.open()
    feed = StagedFeed(demo)
    coverage = Coverage(feed, clock_ns=lambda: 10**18 + now[0])
    for second in range(8):
        coverage.poll(float(second))
        now[0] += 10**9
        while feed.read(0.0) is not None:
            pass
    judged = {port.port: port for port in coverage._board.verdicts}
    blind = [port.guest for port in judged.values() if port.verdict is Verdict.BLIND]
    assert blind == [BLIND_GUEST]
    assert sum(port.verdict is Verdict.SEEN for port in judged.values()) >= 12
    assert {port.verdict for port in judged.values()} <= {Verdict.SEEN, Verdict.BLIND, Verdict.UNKNOWN}
    assert {port.truth for port in judged.values()} == {"the demo's script"}
