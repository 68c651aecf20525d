"""What it costs to follow what two hosts say to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.expectations import Ends
from vpi_tui.model.batch import I32

LEAST_NS: Final = 20_000
"""A flow that took less tells nothing."""
JUDGED_NS: Final = 100_000_000
"""The judge is asked as soon as so much was spent: a batch of what is made for it takes half a minute."""


class Pair(NamedTuple):
    """Two hosts, and where one came from: whoever pretends to be it elsewhere is another pair."""

    client: bytes
    """Its address, 16 bytes."""
    server: bytes
    place: int
    """Of the client, as of Ends."""


def pair_of(ends: Ends, slot: int) -> Pair:
    return Pair(*ends.addresses(slot), int(ends.place[slot]))


class Costs:
    """Time that parsers took for each flow since it was asked last."""

    __slots__ = ("_of_pairs", "_pairs", "_unjudged_ns", "judge", "of")

    def __init__(self) -> None:
        self.of: dict[int, int] = {}
        """Nanoseconds by slot of the flow table."""
        self._pairs: dict[int, Pair] = {}
        """Whose those flows are that took more than the least."""
        self._of_pairs: Counter[Pair] = Counter()
        """Of flows that are over: who begins ever new ones pays for all of them."""
        self.judge: Callable[[], object] = int
        """Told in the middle of a batch that much was spent."""
        self._unjudged_ns = 0

    def add(self, slot: int, nanoseconds: int, ends: Ends | None) -> None:
        """ends: None = nobody knows whose it is, and nobody is told of it."""
        spent = self.of[slot] = self.of.get(slot, 0) + nanoseconds
        if spent >= LEAST_NS and slot not in self._pairs and ends is not None:
            self._pairs[slot] = pair_of(ends, slot)
        self._unjudged_ns += nanoseconds
        if self._unjudged_ns > JUDGED_NS:
            self._unjudged_ns = 0
            self.judge()

    def forget(self, slots: I32) -> None:
        """These are another flow's now, which is not blamed for what the one before has cost."""
        for slot in self.of.keys() & set(slots.tolist()):
            self._settle(slot)

    def take(self) -> dict[Pair, int]:
        """Nanoseconds by the two hosts; what follows is counted anew."""
        for slot in list(self.of):
            self._settle(slot)
        found, self._of_pairs = self._of_pairs, Counter()
        return found

    def _settle(self, slot: int) -> None:
        spent, pair = self.of.pop(slot), self._pairs.pop(slot, None)
        if pair is not None:
            self._of_pairs[pair] += spent
