"""What progressed and what is whole, in order, until it is handed out to rules and log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vpi_tui.detect.applayer.base import Transaction
from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS, is_complete
from vpi_tui.detect.applayer.followed import Followed
from vpi_tui.detect.applayer.progress import Finished, Progress
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.model.batch import Direction

MOST_OPEN: Final = 256
"""Transactions of one flow that wait for their end to be logged; the oldest is logged as it is."""
_BOTH_WAYS: Final = int(Direction.TO_SERVER), int(Direction.TO_CLIENT)


class Outbox:
    """logged: names of the protocols whose whole transactions are kept for `take_finished`."""

    def __init__(self, logged: Iterable[str]) -> None:
        self.logged = frozenset(logged) & DESCRIPTIONS.keys()
        self.transactions = 0
        """How many have begun, of all flows."""
        self._progress: list[Progress] = []
        self._finished: list[Finished] = []

    def note(self, slot: int, followed: Followed, moved: Iterable[Transaction]) -> int:
        """Hand out what is new of these transactions. How many were there?"""
        told = 0
        logs = followed.application.name in self.logged
        for transaction in moved:
            told += 1
            if transaction.number < 0 and not transaction.is_frame:
                transaction.number = followed.transactions
                followed.transactions += 1
                if logs:
                    followed.open[transaction] = None
            for direction in _BOTH_WAYS:
                stage = transaction.stage[direction]
                if not stage:
                    continue
                before, grown = transaction.inspected[direction], transaction.grown(direction)
                if stage > before or grown:
                    transaction.inspected[direction] = stage
                    self.transactions += before == 0 and direction == Direction.TO_SERVER
                    of = transaction.application
                    application = by_name()[of] if of else followed.application
                    self._progress.append(
                        Progress(
                            application, transaction, slot, direction, followed.row, before, stage,
                            followed.udp, followed.sent[direction], grown, len(transaction.files),
                        )
                    )  # fmt: skip
            if logs and transaction in followed.open:
                description = DESCRIPTIONS[followed.application.name]
                if is_complete(description, transaction):
                    self.log(slot, followed, transaction)
                elif len(followed.open) > MOST_OPEN:
                    self.log(slot, followed, next(iter(followed.open)))
        return told

    def log(self, slot: int, followed: Followed, transaction: Transaction) -> None:
        del followed.open[transaction]
        self._finished.append(Finished(followed.application, transaction, slot, followed.row))

    def log_open(self, slot: int, followed: Followed) -> None:
        """The flow is over: what it has not ended is logged as it is."""
        for transaction in list(followed.open):
            self.log(slot, followed, transaction)

    def take_finished(self) -> list[Finished]:
        out, self._finished = self._finished, []
        return out

    def take_progress(self) -> list[Progress]:
        out, self._progress = self._progress, []
        return out
