"""Batches of TCP segments for the reassembly, and its stretches as the twin's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.detect.match.build import Packet, decoded_of
from tests.stream.twin import Segment, Stretch
from vpi_tui.model.batch import StreamBatch
from vpi_tui.stream.reassembly import Reassembler

NO_SLOTS = np.empty(0, np.int32)


def wanted(lookback: int) -> NDArray[np.uint16]:
    """Every stream, with so many bytes given again."""
    return np.full((2, 2, 65536), 1 + lookback, np.uint16)


def packets_of(segments: Sequence[Segment]) -> list[Packet]:
    return [
        Packet(
            s.data,
            flow=s.flow,
            direction=s.direction,
            first=int(s.first),
            ts_ns=s.ts_ns,
            src_port=80 if s.direction == 2 else 40000,
            dest_port=40000 if s.direction == 2 else 80,
            more={"tcp_flags": s.flags, "tcp_seq": s.seq, "tcp_ack": s.ack},
        )
        for s in segments
    ]


def feed(
    streams: Reassembler, segments: Sequence[Segment], ended: Sequence[int] = ()
) -> tuple[list[Stretch], list[int]]:
    """One batch: its stretches, and for each row whether the stream took it."""
    slots = np.array(ended, np.int32) if ended else NO_SLOTS
    batch = streams.update(*decoded_of(packets_of(segments)), slots)
    return stretches_of(batch), batch.reassembled.tolist()


def finish(streams: Reassembler) -> list[Stretch]:
    found: list[Stretch] = []
    while (batch := streams.release_all()) is not None:
        found += stretches_of(batch)
    return found


def stretches_of(batch: StreamBatch) -> list[Stretch]:
    columns = (batch.row, batch.flow, batch.direction, batch.start, batch.fresh, batch.end, batch.window)
    rows = zip(*(column.tolist() for column in (*columns, batch.stream_offset, batch.gap)), strict=True)
    return [
        Stretch(
            row,
            flow,
            side,
            batch.buf[start:fresh].tobytes(),
            batch.buf[fresh:end].tobytes(),
            offset,
            bool(gap),
            fresh - window,
        )
        for row, flow, side, start, fresh, end, window, offset, gap in rows
    ]
