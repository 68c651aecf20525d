"""What the log says of a file that a transaction carries."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.describe.text import MOST_LISTED, text
from vpi_tui.detect.applayer.files import File
from vpi_tui.detect.applayer.transaction import Transaction


def describe_file(file: File, tx_id: int) -> dict[str, Any]:
    """Digests are those that rules asked for; no file is stored."""
    return {
        "filename": text(file.name),
        "gaps": file.gaps,
        "state": file.state.value,
        **{name: digest.hex() for name, digest in file.digests.items()},
        "stored": False,
        "size": file.size,
        **({"start": file.span[0], "end": file.span[1]} if file.span is not None else {}),
        "tx_id": tx_id,
    }


def describe_files(transaction: Transaction, direction: int) -> list[dict[str, Any]]:
    """Those of one Direction, in the order in which they began."""
    listed = [file for file in transaction.files if file.direction == direction][:MOST_LISTED]
    return [describe_file(file, max(0, transaction.number)) for file in listed]
