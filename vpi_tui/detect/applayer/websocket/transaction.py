"""One WebSocket frame as rules see it."""

from __future__ import annotations

from vpi_tui.detect.applayer.transaction import Stage, Transaction


class WebSocketTransaction(Transaction):
    """flags: the upper half of the first byte. mask: None = not masked. payload: in the plain."""

    __slots__ = ("direction", "flags", "mask", "opcode", "payload")

    def __init__(self, direction: int, flags: int, opcode: int, mask: int | None, payload: bytes) -> None:
        super().__init__()
        self.stage[direction] = Stage.DONE
        self.direction = direction
        self.flags = flags
        self.opcode = opcode
        self.mask = mask
        self.payload = payload
