"""websocket: the frame's header. Payloads are in alerts, where asked for."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.websocket.frames import FIN
from vpi_tui.detect.applayer.websocket.transaction import WebSocketTransaction

_OPCODES: Final = {
    0: "continuation", 1: "text", 2: "binary", 8: "connection_close", 9: "ping", 10: "pong",
}  # fmt: skip


def describe(transaction: WebSocketTransaction) -> dict[str, Any]:
    masked = {} if transaction.mask is None else {"mask": transaction.mask}
    opcode = _OPCODES.get(transaction.opcode, f"unknown-{transaction.opcode}")
    return {"websocket": {"fin": bool(transaction.flags & FIN), **masked, "opcode": opcode}}
