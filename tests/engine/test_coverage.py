"""When what is seen is compared with what was counted."""

from __future__ import annotations

from pathlib import Path

from scapy.layers.inet import IP, UDP
from scapy.utils import wrpcap

from vpi_tui.capture.files import FileSource
from vpi_tui.engine.coverage import LATE_S, Coverage
from vpi_tui.engine.sources import EngineSource
from vpi_tui.model.topology import Topology

NOW_NS = 1_700_000_000_000_000_000
"""Time of the first packet."""


def coverage_of(folder: Path, moments: list[int], *, live: bool = False) -> Coverage:
    """Of a capture whose packets have come so far at each poll; 0 = none has come."""
    wrpcap(str(folder / "some.pcap"), [IP() / UDP()], linktype=101)
    times = iter(moments)
    source = EngineSource(FileSource(folder / "some.pcap"), Topology())
    source.live = live
    return Coverage(source, clock_ns=lambda: next(times))


def test_before_the_first_packet_nothing_is_late(tmp_path: Path) -> None:
    coverage = coverage_of(tmp_path, [0, 0, NOW_NS, NOW_NS + 1])
    for second in range(4):
        coverage.poll(float(second))
        assert not coverage.notice


def test_an_engine_that_is_late_says_so(tmp_path: Path) -> None:
    late = LATE_S + 1
    coverage = coverage_of(tmp_path, [NOW_NS + n for n in range(4)], live=True)
    coverage.poll(0.0)
    coverage.poll(late)
    assert f"judged {late:.0f} s late" in coverage.notice
    told = coverage.notice
    coverage.poll(2 * late - 1)
    assert coverage.notice == told
    coverage.poll(2 * late)
    assert f"judged {2 * late:.0f} s late" in coverage.notice


def test_a_replay_that_is_held_is_not_late(tmp_path: Path) -> None:
    coverage = coverage_of(tmp_path, [NOW_NS, NOW_NS, NOW_NS])
    for second in (0.0, 1.0, 10 * LATE_S):
        coverage.poll(second)
        assert not coverage.notice


def test_packets_that_come_faster_than_they_did_are_not_late(tmp_path: Path) -> None:
    coverage = coverage_of(tmp_path, [NOW_NS, NOW_NS + 60_000_000_000])
    for second in range(2):
        coverage.poll(float(second))
        assert not coverage.notice
