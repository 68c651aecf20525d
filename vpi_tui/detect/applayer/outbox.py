"""What progressed and what is whole, in order, until it is handed out to rules and log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS, is_complete
from vpi_tui.detect.applayer.files import FILE, NOTHING_GROWN, File
from vpi_tui.detect.applayer.followed import Followed
from vpi_tui.detect.applayer.progress import Finished, Progress
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.detect.applayer.transaction import A_TRANSACTION, Transaction
from vpi_tui.model.batch import Direction

MOST_OPEN: Final = 256
"""Transactions of one flow that wait for their end to be logged; the oldest is logged as it is."""
_NEVER: Final = 0, 0, 0
_TO_SERVER: Final = int(Direction.TO_SERVER)
_BOTH_WAYS: Final = _TO_SERVER, int(Direction.TO_CLIENT)


class Outbox:
    """logged: names of the protocols whose whole transactions are kept for `take_finished`."""

    def __init__(self, logged: Iterable[str]) -> None:
        self.logged = frozenset(logged) & DESCRIPTIONS.keys()
        self.transactions = 0
        """How many have begun, of all flows."""
        self.begun: Counter[tuple[str, bool]] = Counter()
        """How many of each application, and whether over UDP, parsers have begun."""
        self.due: Mapping[str, Sequence[int]] | None = None
        """As of Demand."""
        self._told = 0
        """Numbers of Progress that are taken."""
        self._progress: list[Progress] = []
        self._finished: list[Finished] = []
        self._late: tuple[list[Progress], list[Finished]] = [], []
        """What is handed out with the next part of the batch."""
        self.weight = 0
        """Bytes, roughly, that all cost which was ever to be handed out."""

    def note(self, slot: int, followed: Followed, moved: Iterable[Transaction], *, over: bool = False) -> int:
        """Hand out what is new of these transactions. How many were there? over: the flow is."""
        told = 0
        logs = followed.application.name in self.logged
        for transaction in moved:
            told += 1
            if transaction.number < 0 and not transaction.is_frame:
                transaction.number = followed.transactions
                followed.transactions += 1
                self.begun[followed.application.apps[0], followed.udp] += 1
                if logs:
                    followed.open[transaction] = None
            self._tell(slot, followed, transaction, over=over)
            if logs and transaction in followed.open:
                description = DESCRIPTIONS[followed.application.name]
                if is_complete(description, transaction):
                    self.log(slot, followed, transaction)
                elif len(followed.open) > MOST_OPEN:
                    self.log(slot, followed, next(iter(followed.open)))
        return told

    def _tell(self, slot: int, followed: Followed, transaction: Transaction, *, over: bool) -> None:
        """What rules have not seen of it, if one may find something there."""
        may_grow = transaction.grows or transaction.files
        of = transaction.application
        application = by_name()[of] if of else followed.application
        stages, inspected = transaction.stage, transaction.inspected
        for direction in _BOTH_WAYS:
            stage, before = stages[direction], inspected[direction]
            if not stage:
                continue
            grown = transaction.grown(direction) if may_grow else NOTHING_GROWN
            if not grown and stage <= before:
                continue
            inspected[direction] = stage
            if over:
                transaction.keep_own(direction)
            if not before and direction == _TO_SERVER:
                self.transactions += 1
            if grown or self._is_shown(application.name, transaction, direction, before, stage):
                self._told += 1
                self.weight += transaction.weight()
                if grown:
                    self.weight += sum(len(one.data) for windows in grown.values() for one in windows)
                    if FILE in grown:
                        _close(transaction.files, direction, self._told)
                sent = followed.sent[direction].take() if followed.sent is not None else b""
                self._progress.append(
                    Progress(
                        application, transaction, slot, direction, followed.row, before, stage,
                        followed.udp, sent, grown, len(transaction.files), self._told, followed.origin,
                    )
                )  # fmt: skip

    def _is_shown(self, name: str, transaction: Transaction, direction: int, before: int, stage: int) -> bool:
        """May a rule find something in what it has come to?"""
        if self.due is None or transaction.is_frame:
            return True
        if transaction.told[direction] or transaction.files or transaction.pending[direction]:
            return True
        passed = (2 << stage) - (2 << before)
        return bool(self.due.get(name, _NEVER)[direction] & passed)

    def log(self, slot: int, followed: Followed, transaction: Transaction) -> None:
        del followed.open[transaction]
        self.weight += A_TRANSACTION
        row, origin = followed.row, followed.origin
        self._finished.append(Finished(followed.application, transaction, slot, row, origin))

    def log_open(self, slot: int, followed: Followed) -> None:
        """The flow is over: what it has not ended is logged as it is."""
        for transaction in list(followed.open):
            self.log(slot, followed, transaction)

    def hold_back(self, row: int) -> None:
        """Keep what this row of the batch or a later one brought about until `go_on`; from there on rows are
        counted from this one."""
        progress = [one for one in self._progress if one.row >= row]
        finished = [one for one in self._finished if one.row >= row]
        self._progress = [one for one in self._progress if one.row < row]
        self._finished = [one for one in self._finished if one.row < row]
        self._late = (
            [replace(one, row=one.row - row) for one in progress],
            [one._replace(row=one.row - row) for one in finished],
        )

    def go_on(self) -> None:
        """What was held back is of the part that is worked on now."""
        progress, finished = self._late
        if progress or finished:
            self._progress, self._finished = progress + self._progress, finished + self._finished
            self._late = [], []

    def take_finished(self) -> list[Finished]:
        out, self._finished = self._finished, []
        return out

    def take_progress(self) -> list[Progress]:
        out, self._progress = self._progress, []
        return out


def _close(files: Iterable[File], direction: int, number: int) -> None:
    """The ends of files that no Progress before has told are told by this one."""
    for file in files:
        if file.direction == direction and not file.closed_at and not file.is_open:
            file.closed_at = number
