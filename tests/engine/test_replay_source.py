"""Several capture files as one source."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.utils import wrpcap

from vpi_tui.engine.sources.replay import BACK_NS, ReplayFeed
from vpi_tui.engine.spec import EngineSpec

DAY_NS = 86_400_000_000_000
START_NS = 20_000 * DAY_NS


def capture(path: Path, *times_ns: int) -> str:
    packets = [IP() / UDP() for _ in times_ns]
    for packet, at in zip(packets, times_ns, strict=True):
        packet.time = at // 1000 / 1e6
    wrpcap(str(path), packets, linktype=101)
    return str(path)


@pytest.mark.parametrize(("begins", "told"), [(-DAY_NS, True), (-BACK_NS // 2, False), (DAY_NS, False)])
def test_a_file_from_before_the_one_ahead_of_it_is_told(tmp_path: Path, begins: int, told: bool) -> None:
    first = capture(tmp_path / "first.pcap", START_NS - 2 * DAY_NS, START_NS)
    second = capture(tmp_path / "second.pcap", START_NS + begins, START_NS + 2 * DAY_NS)
    source = ReplayFeed(EngineSpec("replay", files=(first, second), speed=0))
    packets = 0
    while not source.finished:
        batch = source.read(0.0)
        packets += len(batch.ts_ns) if batch is not None else 0
    source.close()
    assert packets == 4
    assert [text.split()[0] for text in source.notices] == ["second.pcap"] * told
