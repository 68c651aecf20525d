"""tftp: which file is asked for, or is going to be written."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.describe.text import filled
from vpi_tui.detect.applayer.messages import MessageTransaction
from vpi_tui.detect.applayer.tftp import Request


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    request: Request = transaction.message
    return {"tftp": filled(packet=request.packet, file=request.file, mode=request.mode)}
