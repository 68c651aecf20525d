"""WebSocket: both directions of one connection."""

from __future__ import annotations

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.detect.applayer.websocket.frames import CONTROL, FrameReader, WireFrame
from vpi_tui.detect.applayer.websocket.messages import Messages
from vpi_tui.detect.applayer.websocket.transaction import WebSocketTransaction


class WebSocketParser(Parser):
    """One connection."""

    def __init__(self, _limits: Limits | None = None) -> None:
        self._readers = (FrameReader(), FrameReader(), FrameReader())
        self._messages = (Messages(), Messages(), Messages())
        self._over = False
        """Bytes were missing: as in Suricata neither side is read any more."""

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        self._over = self._over or gap > 0
        if self._over:
            return []
        return [self._take(direction, frame) for frame in self._readers[direction].feed(data)]

    def finish(self) -> list[Transaction]:
        return []

    def held(self) -> int:
        return sum(one.held() for one in (*self._readers, *self._messages))

    def over(self) -> bool:
        return self._over

    def _take(self, direction: int, frame: WireFrame) -> WebSocketTransaction:
        messages = self._messages[direction]
        of_message = not frame.opcode & CONTROL
        payload = messages.payload(frame) if of_message else frame.payload
        made = WebSocketTransaction(direction, frame.flags, frame.opcode, frame.mask, payload)
        if frame.cut:
            made.event(direction, "websocket.skip_end_of_payload")
        if of_message and messages.limited:
            made.event(direction, "websocket.reassembly_limit_reached")
        self.frames.add(direction, "header", frame.header)
        self.frames.add(direction, "data", frame.sent)
        self.frames.add(direction, "pdu", frame.header + frame.sent)
        return made
