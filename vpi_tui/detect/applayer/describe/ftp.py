"""ftp: one command and what was answered."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.ftp.parser import FtpTransaction
from vpi_tui.model.batch import Direction


def describe(transaction: FtpTransaction) -> dict[str, Any]:
    named = transaction.is_named
    return {
        "ftp": filled(
            command=transaction.command if named else None,
            command_data=transaction.argument if named else None,
            command_truncated=Direction.TO_SERVER in transaction.cut
            if named and transaction.argument
            else None,
            reply=[text(line) for line in transaction.replies],
            completion_code=[text(code) for code in transaction.codes],
            reply_received="yes" if transaction.answered else "no",
            reply_truncated=Direction.TO_CLIENT in transaction.cut,
            mode=transaction.mode,
            dynamic_port=transaction.port or None,
        )
    }
