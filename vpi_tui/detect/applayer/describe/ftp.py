"""ftp: one command and what was answered."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.ftp.parser import FtpTransaction


def describe(transaction: FtpTransaction) -> dict[str, Any]:
    return {
        "ftp": filled(
            command=transaction.command,
            command_data=transaction.argument,
            reply=[text(line) for line in transaction.replies],
            completion_code=[text(code) for code in transaction.codes],
            reply_received="yes" if transaction.answered else "no",
            mode=transaction.mode,
            dynamic_port=transaction.port or None,
        )
    }
