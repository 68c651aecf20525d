"""From rows behind an alert to events: the packets that a rule with `tag` has told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from vpi_tui.engine.seen import SeenBatch
from vpi_tui.model.event import TaggedPacket
from vpi_tui.record.evidence import FRAME_LIMIT

MOST: Final = 1_024
"""Packets of one batch that are told: a tag may be of a host that sends for ever."""


class Tagged(NamedTuple):
    """left_out: packets that are not told."""

    packets: list[TaggedPacket]
    left_out: int


def tagged_packets(batch: SeenBatch, rows: Sequence[int]) -> Tagged:
    """rows: ascending."""
    return Tagged([_of_row(batch, row) for row in rows[:MOST]], max(0, len(rows) - MOST))


def _of_row(batch: SeenBatch, row: int) -> TaggedPacket:
    packets, number = batch.packets, int(batch.decoded.packet[row])
    start = int(packets.offset[number])
    frame = packets.buf[start : start + min(int(packets.caplen[number]), FRAME_LIMIT)].tobytes()
    return TaggedPacket(batch.packet(row), frame, int(packets.link_type[number]))
