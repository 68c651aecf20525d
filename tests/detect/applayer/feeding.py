"""What tests of parsers share: what rules would see of a transaction."""

from __future__ import annotations

from vpi_tui.detect.applayer.application import HOOKS, Application
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Pieces = list[tuple[int, bytes]]
"""(direction, bytes) in order."""
Seen = dict[tuple[str, int], list[bytes]]


def seen(application: Application, transaction: Transaction) -> Seen:
    """The instances of every buffer that holds some by now, by name and direction; hooks hold nothing."""
    return {
        (name, direction): list(data)
        for name, buffer in application.buffers.items()
        for direction in (SERVER, CLIENT)
        if name not in HOOKS
        and transaction.stage[direction] >= max(buffer.stage, Stage.HEAD)
        and buffer.directions >> direction & 1
        and (data := buffer.get(transaction, direction))
    }


def values(application: Application, transaction: Transaction, buffer: str, direction: int) -> list[bytes]:
    """The instances of one buffer, however far the transaction is."""
    return list(application.buffers[buffer].get(transaction, direction))
