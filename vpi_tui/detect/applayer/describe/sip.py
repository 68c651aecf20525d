"""sip: the first line of a request or response."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.describe.text import filled
from vpi_tui.detect.applayer.sip.parser import SipTransaction


def describe(transaction: SipTransaction) -> dict[str, Any]:
    message = transaction.message
    if message is None:
        return {}
    if message.method:
        return {
            "sip": filled(
                method=message.method,
                uri=message.uri,
                version=message.protocol,
                request_line=message.line,
            )
        }
    return {
        "sip": filled(
            version=message.protocol, code=message.code, reason=message.reason, response_line=message.line
        )
    }
