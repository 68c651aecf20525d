"""ntp: the header of a request."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.messages import MessageTransaction
from vpi_tui.detect.applayer.ntp import Message


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    message: Message | None = transaction.message
    if message is None:
        return {}
    return {
        "ntp": {
            "version": message.version,
            "mode": message.mode,
            "stratum": message.stratum,
            "reference_id": message.reference.hex(":"),
        }
    }
