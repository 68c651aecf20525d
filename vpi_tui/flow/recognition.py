"""What each direction of a TCP connection looks like by itself, and what is odd about the two together.

Only made when a rule asks. Judged by a compiled loop for the first bytes of each direction and where
detection gives up. Python is entered for a change to TLS. Events as in Suricata's detection of protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from vpi_tui.flow.kernels_recognition import Looks, judge_starts, tell_late, tell_rows
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import I32, U8, U64, DecodedBatch, FlowBatch, StreamBatch
from vpi_tui.model.detection_events import DetectionEvent

ORIGINAL: Final = 0
"""Column of the protocol that the connection changed from; the other columns are those of Direction."""
_TLS: Final = APP_PROTOS.index("tls")
_TLS_HANDSHAKE: Final = 0x16
_MOST_AWAITED: Final = 4_096
"""Bytes behind a change to TLS that may look like nothing."""
_NO_TLS: Final = np.uint64(
    1 << DetectionEvent.APPLAYER_NO_TLS_AFTER_STARTTLS | 1 << DetectionEvent.APPLAYER_UNEXPECTED_PROTOCOL
)


class Recognition:
    """max_flows: slots of the flow table. look: FlowTable.recognise_starts."""

    def __init__(self, max_flows: int, look: Callable[[StreamBatch], U8]) -> None:
        self.seen: U8 = np.zeros((max_flows, 3), np.uint8)
        """uint8[slots, ORIGINAL | Direction]: applications; 0 = not known, APP_FAILED = none of them."""
        self.since: I32 = np.full((max_flows, 3), -1, np.int32)
        """int32[slots, 3]: row of the batch that was judged last which brought it; -1 = an earlier batch."""
        self._look = look
        first, spoke_first, given_up, pending = np.zeros((4, max_flows), np.uint8)
        self._looks = Looks(self.seen, first, spoke_first, self.since, given_up, pending)
        self.telling: U8 = np.zeros(0, np.uint8)
        """uint8[rows]: 1 = the packet is the first one of its direction since that was judged."""
        self._judged: list[I32] = []
        """Slots about which `since` may name a row."""
        self._awaits_tls: dict[int, int] = {}
        """Slots that were to change to TLS in this batch or before, and the row that said so; -1 = before."""
        self._awaited: dict[int, int] = {}
        """Bytes that have come of them since and look like nothing."""

    def update(
        self,
        decoded: DecodedBatch,
        flows: FlowBatch,
        streams: StreamBatch,
        app_of: U8,
        changed: Mapping[int, int],
    ) -> None:
        """Judge one batch; sets bits of `decoded.oddities`.

        app_of: uint8[slots], the flow table's. changed: slots that changed their protocol in this batch, and
        the rows that brought it about.
        """
        self._begin(flows)
        for slot, row in changed.items():
            if app_of[slot] == _TLS:
                self._awaits_tls[slot] = row
        told = self._judge(decoded.oddities, streams, app_of)
        self.telling = np.zeros(flows.flow.size, np.uint8)
        tell_rows(flows, decoded.proto, streams, told, self._looks, self.telling)
        for slot, row in changed.items():
            self.seen[slot, ORIGINAL] = self._looks.first[slot]
            self.since[slot, ORIGINAL] = row
        if changed:
            self._judged.append(np.array(list(changed), np.int32))
        for slot in self._awaits_tls:
            self._awaits_tls[slot] = -1

    def released(self, streams: StreamBatch, app_of: U8) -> None:
        """Stretches that no packet released."""
        told = self._judge(np.empty((0, 2), np.uint64), streams, app_of)
        tell_late(streams, told, self._looks)

    def _begin(self, flows: FlowBatch) -> None:
        """What is known is known to all of this batch, but to flows that open in it."""
        for slots in self._judged:
            self.since[slots] = -1
        self._judged.clear()
        opened = flows.flow[flows.new_rows]
        looks = self._looks
        for column in (self.seen, looks.first, looks.spoke_first, looks.given_up):
            column[opened] = 0
        if self._awaits_tls:
            for slot in self._awaits_tls.keys() & set(opened.tolist()):
                self._await_no_more(slot)

    def _judge(self, oddities: U64, streams: StreamBatch, app_of: U8) -> U8:
        """uint8[stretches]: bits of the directions that each tells of."""
        told = np.zeros(streams.flow.size, np.uint8)
        if not streams.flow.size:
            return told
        judge_starts(streams, self._look(streams), app_of, self._looks, oddities, told)
        self._judged.append(streams.flow[((streams.stream_offset == 0) | (told != 0)) & (streams.flow >= 0)])
        if self._awaits_tls:
            awaited = np.isin(streams.flow, list(self._awaits_tls)) & (streams.fresh < streams.end)
            for k in np.flatnonzero(awaited).tolist():
                slot, row = int(streams.flow[k]), int(streams.row[k])
                if slot in self._awaits_tls and row > self._awaits_tls[slot] and self._is_no_tls(streams, k):
                    oddities[row, 1] |= _NO_TLS
        return told

    def _is_no_tls(self, streams: StreamBatch, k: int) -> bool:
        """Is it known now that a flow which was to change to TLS has not? Few bytes may yet become some."""
        slot, look = int(streams.flow[k]), int(self._look(_fresh_of(streams, k))[0])
        if slot not in self._awaited and streams.buf[streams.fresh[k]] == _TLS_HANDSHAKE:
            look = _TLS  # the rest of the record may come later
        size = self._awaited.get(slot, 0) + int(streams.end[k] - streams.fresh[k])
        if look == 0 and size < _MOST_AWAITED:
            self._awaited[slot] = size
            return False
        self._await_no_more(slot)
        return look != _TLS

    def _await_no_more(self, slot: int) -> None:
        del self._awaits_tls[slot]
        self._awaited.pop(slot, None)


def _fresh_of(streams: StreamBatch, k: int) -> StreamBatch:
    """The fresh bytes of one stretch as if a stream began with them."""
    here = slice(k, k + 1)
    return streams._replace(
        flow=streams.flow[here],
        direction=streams.direction[here],
        start=streams.fresh[here],
        end=streams.end[here],
        stream_offset=np.zeros(1, np.int64),
    )
