"""Payload that nobody can read: behind the first encrypted bytes of a connection no rule looks at any.

Neither packets nor streams of it are searched; rules about headers, transactions and frames go on. Source:
FlowSetNoPayloadInspectionFlag and PacketCreateMask in the source of Suricata 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from vpi_tui.detect.applayer.progress import Sealed
from vpi_tui.detect.match.candidates import Batch
from vpi_tui.detect.match.kernels_sealed import (
    Rows,
    SealedFlows,
    Stretches,
    Told,
    seal_rows,
    seal_stretches,
)
from vpi_tui.model.batch import U32, StreamBatch

_NOTHING: Final = Told(
    np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0, np.uint8)
)


class Seals:
    """Remembers which flows are encrypted. inline: what a packet brings is known when it comes, not when the
    peer acknowledges it."""

    def __init__(self, *, inline: bool = False) -> None:
        self._inline = int(inline)
        self._has_any = False
        """Has there been one at all? Many networks have none, and need no room for them."""
        self._flows = _flows_for(1)

    def take_over(self, before: Seals) -> None:
        """Go on from those of an earlier set of rules."""
        self._has_any, self._flows = before._has_any, before._flows

    def mark(self, batch: Batch, sealed: Sequence[Sealed], generation: U32) -> None:
        """Take out of a batch what is not to be looked at. sealed: what has become encrypted in it.

        generation: uint32[slots], of the flows now.
        """
        self._has_any = self._has_any or bool(sealed)
        if not self._has_any:
            return
        if generation.size > self._flows.told.size:
            self._flows = _grown(self._flows, generation.size)
        told = _told(sealed, batch.streams) if sealed else _NOTHING
        rows, stretches = _rows_of(batch), _stretches_of(batch)
        seal_rows(self._flows, rows, generation, told, self._inline)
        if stretches is not None:
            seal_stretches(self._flows, rows, stretches, self._inline)
        self._flows.since[told.flow] = 0


def _rows_of(batch: Batch) -> Rows:
    decoded, flows = batch.decoded, batch.flows
    return Rows(
        flow=flows.flow,
        direction=flows.direction,
        proto=decoded.proto,
        tcp_flags=decoded.tcp_flags,
        tcp_seq=decoded.tcp_seq,
        tcp_ack=decoded.tcp_ack,
        payload_len=decoded.payload_len,
        born=batch.born,
        taken=batch.taken,
        kinds=batch.subject.kinds,
    )


def _stretches_of(batch: Batch) -> Stretches | None:
    streams, subject = batch.streams, batch.stream_subject
    if streams is None or subject is None:
        return None
    return Stretches(streams.flow, streams.row, streams.direction, batch.stream_born, subject.kinds)


def _told(sealed: Sequence[Sealed], streams: StreamBatch | None) -> Told:
    """In order of rows; what no packet has released lies behind the rows of the stretches before it."""
    ordered = sorted((_row_of(one, streams), one.flow, one.direction, one.bypassed) for one in sealed)
    row, flow, way, bypassed = zip(*ordered, strict=True)
    return Told(
        np.array(flow, np.int32),
        np.array(row, np.int32),
        np.array(way, np.uint8),
        np.array(bypassed, np.uint8),
    )


def _row_of(one: Sealed, streams: StreamBatch | None) -> int:
    if one.row >= 0 or streams is None:
        return one.row
    here = np.flatnonzero((streams.flow == one.flow) & (streams.row < 0))
    return int(streams.row[: here[-1]].max(initial=-1)) if here.size else -1


def _flows_for(slots: int) -> SealedFlows:
    return SealedFlows(
        told=np.zeros(slots, np.uint32),
        since=np.zeros(slots, np.int32),
        way=np.zeros(slots, np.uint8),
        end=np.zeros(slots, np.uint32),
        sealed=np.zeros(slots, np.uint32),
        bypassed=np.zeros(slots, np.uint8),
    )


def _grown(flows: SealedFlows, slots: int) -> SealedFlows:
    grown = _flows_for(slots)
    for column in SealedFlows._fields:
        before = getattr(flows, column)
        getattr(grown, column)[: before.size] = before
    return grown
