"""What rules see of WebSocket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, Buffer
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.detect.applayer.websocket.transaction import WebSocketTransaction


def _buffer(name: str, get: Callable[[WebSocketTransaction], bytes | None]) -> Buffer:
    def instances(transaction: WebSocketTransaction, direction: int) -> Sequence[bytes]:
        value = get(transaction) if direction == transaction.direction else None
        return () if value is None else (value,)

    return Buffer(name, BOTH, Stage.DONE, instances)


BUFFERS: Final = (
    _buffer("websocket.payload", lambda t: t.payload),
    _buffer("websocket.flags", lambda t: bytes((t.flags,))),
    _buffer("websocket.opcode", lambda t: bytes((t.opcode,))),
    _buffer("websocket.mask", lambda t: None if t.mask is None else t.mask.to_bytes(4)),
)
