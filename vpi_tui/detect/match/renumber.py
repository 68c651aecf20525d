"""Rule numbers of an earlier set as numbers of the one that runs now.

Transactions remember rules by number. When the rules were loaded anew their numbers are others, and a
transaction that is still open is brought up to date when it next progresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.detect.match.identity import Identity, numbers_of
from vpi_tui.model.batch import I64

MOST_SETS: Final = 16
"""Earlier sets whose numbers are known; what is older has forgotten which rules it met."""


def new_numbers(before: Identity, now: Identity) -> I64:
    """int64[rules before]: number now of the rule with the same gid and sid; -1 = there is none."""
    return numbers_of(before.keys(), now.keys())


class Renumbering:
    """serial: counts the sets from 0, as Transaction.rules_of does."""

    def __init__(self, serial: int = 0, maps: dict[int, I64] | None = None) -> None:
        self.serial = serial
        self._maps = maps or {}

    def then(self, numbers: I64) -> Renumbering:
        """After one more set. numbers: as of `new_numbers`."""
        behind = np.append(numbers, -1)  # -1 stays -1
        maps = {serial: behind[known] for serial, known in self._maps.items()}
        maps[self.serial] = numbers
        maps.pop(self.serial - MOST_SETS, None)
        return Renumbering(self.serial + 1, maps)

    def update(self, progress: Iterable[Progress]) -> None:
        """Bring the transactions up to date that an earlier set has met."""
        if not self.serial:
            return
        for one in progress:
            if one.transaction.rules_of != self.serial:
                self._translate(one.transaction)

    def _translate(self, transaction: Transaction) -> None:
        known = self._maps.get(transaction.rules_of)

        def now(numbers: Iterable[int]) -> set[int]:
            return set() if known is None else {new for n in numbers if (new := int(known[n])) >= 0}

        # New lists: a frame shares its own with the longer one that follows it.
        transaction.pending = [now(numbers) for numbers in transaction.pending]
        transaction.alerted = [now(numbers) for numbers in transaction.alerted]
        transaction.parts = {
            (new, direction): parts
            for (rule, direction), parts in transaction.parts.items()
            for new in now((rule,))
        }
        transaction.rules_of = self.serial
