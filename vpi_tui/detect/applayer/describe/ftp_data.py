"""ftp_data: which command a data connection serves, and the file."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.describe.text import filled
from vpi_tui.detect.applayer.ftp.data import FtpDataTransaction


def describe(transaction: FtpDataTransaction) -> dict[str, Any]:
    return {"ftp_data": filled(command=transaction.command, filename=transaction.file_name)}
