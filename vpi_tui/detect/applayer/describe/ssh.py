"""ssh: both banners and their HASSH."""

from __future__ import annotations

import hashlib
from typing import Any

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.ssh import SshTransaction
from vpi_tui.model.batch import Direction


def describe(transaction: SshTransaction) -> dict[str, Any]:
    return {
        "ssh": filled(
            client=_side(transaction, Direction.TO_SERVER), server=_side(transaction, Direction.TO_CLIENT)
        )
    }


def _side(transaction: SshTransaction, direction: int) -> dict[str, Any]:
    string = transaction.hassh[direction]
    digest = hashlib.md5(string, usedforsecurity=False).hexdigest()
    return filled(
        proto_version=transaction.proto[direction],
        software_version=transaction.software[direction],
        hassh={"hash": digest, "string": text(string)} if string else {},
    )
