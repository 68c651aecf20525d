"""pop3: a command and its reply, the first lines of it."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.pop3 import Pop3Transaction


def describe(transaction: Pop3Transaction) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if transaction.command:
        arguments = [text(one) for one in transaction.arguments]
        request = {"command": text(transaction.command), "args": arguments}
    return {"pop3": filled(request=request, response=_response(transaction) if transaction.status else {})}


def _response(transaction: Pop3Transaction) -> dict[str, Any]:
    return {
        "success": transaction.status == b"+OK",
        "status": text(transaction.status[1:]),
        "header": text(transaction.header),
        "data": [text(line) for line in transaction.lines],
    }
