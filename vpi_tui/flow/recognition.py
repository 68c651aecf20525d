"""What each direction of a TCP connection looks like by itself, and what is odd about the two together.

Only made when a rule asks. Entered for the first bytes of each direction, for a change of protocol, and where
detection gives up: a few times a connection. Events as in Suricata's detection of protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from vpi_tui.model.applications import APP_FAILED, APP_PROTOS
from vpi_tui.model.batch import U8, U64, DecodedBatch, Direction, FlowBatch, StreamBatch
from vpi_tui.model.detection_events import DetectionEvent

ENOUGH: Final = 32
"""First bytes after which a direction that looks like nothing is taken for that."""
GIVEN_UP: Final = 100_000
"""Bytes of one direction after which nothing is waited for from the other."""
ORIGINAL: Final = 0
"""Column of the protocol that the connection changed from; the other columns are those of Direction."""
_CLIENT_FIRST: Final = frozenset(APP_PROTOS.index(name) for name in ("http", "tls", "dcerpc", "modbus"))
"""Protocols in which a server does not speak unasked."""
_TLS: Final = APP_PROTOS.index("tls")
_TLS_HANDSHAKE: Final = 0x16
_OTHER: Final[dict[int, int]] = {
    Direction.TO_SERVER: Direction.TO_CLIENT,
    Direction.TO_CLIENT: Direction.TO_SERVER,
}


class Recognition:
    """max_flows: slots of the flow table. look: FlowTable.recognise_starts."""

    def __init__(self, max_flows: int, look: Callable[[StreamBatch], U8]) -> None:
        self.seen: U8 = np.zeros((max_flows, 3), np.uint8)
        """uint8[slots, ORIGINAL | Direction]: applications; 0 = not known, APP_FAILED = none of them."""
        self._look = look
        self._first: U8 = np.zeros(max_flows, np.uint8)
        """uint8[slots]: what was recognised first."""
        self._spoke_first: U8 = np.zeros(max_flows, np.uint8)
        """uint8[slots]: Direction of the first data; 0 = there was none."""
        self._awaits_tls: dict[int, int] = {}
        """Slots that were to change to TLS in this batch or before, and the row that said so; -1 = before."""

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
        self._forget(flows)
        for slot, row in changed.items():
            if app_of[slot] == _TLS:
                self._awaits_tls[slot] = row
        self._judge(decoded.oddities[:, 1], streams, app_of)
        for slot in changed:
            self.seen[slot, ORIGINAL] = self._first[slot]
        for slot in self._awaits_tls:
            self._awaits_tls[slot] = -1

    def released(self, streams: StreamBatch, app_of: U8) -> None:
        """Stretches that no packet released."""
        self._judge(np.empty(0, np.uint64), streams, app_of)

    def _forget(self, flows: FlowBatch) -> None:
        opened = flows.flow[flows.new_rows]
        self.seen[opened] = 0
        self._first[opened] = 0
        self._spoke_first[opened] = 0
        if self._awaits_tls:
            for slot in self._awaits_tls.keys() & set(opened.tolist()):
                del self._awaits_tls[slot]

    def _judge(self, events: U64, streams: StreamBatch, app_of: U8) -> None:
        size = streams.end - streams.start
        begins = streams.stream_offset == 0
        last = streams.stream_offset + size
        gives_up = (last >= GIVEN_UP) & (streams.stream_offset + streams.fresh - streams.start < GIVEN_UP)
        chosen = (streams.flow >= 0) & (begins | gives_up)
        if self._awaits_tls:
            chosen |= np.isin(streams.flow, list(self._awaits_tls))
        if not chosen.any():
            return
        looks = self._look(streams)
        places = np.flatnonzero(chosen)
        columns = (
            streams.flow, streams.direction, streams.row, begins, gives_up, looks, size, app_of[streams.flow]
        )  # fmt: skip
        for k, slot, direction, row, first, last_look, look, length, app in zip(
            places.tolist(), *(column[places].tolist() for column in columns), strict=True
        ):
            found: list[DetectionEvent] = []
            if first:
                found += self._start(slot, direction, look, length, app)
            if last_look and not self.seen[slot, _OTHER[direction]] and not app:
                found.append(DetectionEvent.APPLAYER_PROTO_DETECTION_SKIPPED)
            if slot in self._awaits_tls and row > self._awaits_tls[slot]:
                found += self._upgrade(slot, int(streams.buf[streams.fresh[k]]))
            if row >= 0:
                for event in found:
                    events[row] |= np.uint64(1 << event)

    def _start(self, slot: int, direction: int, looks: int, size: int, app: int) -> list[DetectionEvent]:
        """The first bytes of a direction, perhaps more of them than before."""
        if not self._spoke_first[slot]:
            self._spoke_first[slot] = direction
        seen = self.seen[slot].tolist()
        if seen[direction]:
            return []
        other = seen[_OTHER[direction]]
        now = looks or (APP_FAILED if size >= ENOUGH else 0)
        if now:
            self.seen[slot, direction] = now
        if (looks or app) and not self._first[slot]:
            self._first[slot] = looks or app
        found: list[DetectionEvent] = []
        if looks and other not in (0, APP_FAILED, looks):
            found.append(DetectionEvent.APPLAYER_MISMATCH_PROTOCOL_BOTH_DIRECTIONS)
        if APP_FAILED in (now, other) and {now, other} - {0, APP_FAILED}:
            found.append(DetectionEvent.APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION)
        unasked = self._spoke_first[slot] == Direction.TO_CLIENT
        if looks in _CLIENT_FIRST and unasked:
            found.append(DetectionEvent.APPLAYER_WRONG_DIRECTION_FIRST_DATA)
        return found

    def _upgrade(self, slot: int, first: int) -> list[DetectionEvent]:
        """The first byte behind an agreement to go on with TLS."""
        del self._awaits_tls[slot]
        if first == _TLS_HANDSHAKE:
            return []
        return [DetectionEvent.APPLAYER_NO_TLS_AFTER_STARTTLS, DetectionEvent.APPLAYER_UNEXPECTED_PROTOCOL]
