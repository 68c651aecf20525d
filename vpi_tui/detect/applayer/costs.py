"""What it costs to follow what two hosts say to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vpi_tui.detect.applayer.expectations import Ends
from vpi_tui.model.batch import I32

Pair = tuple[bytes, bytes]
"""Addresses of (client, server), 16 bytes each."""
LEAST_NS: Final = 20_000
"""A flow that took less tells nothing."""
JUDGED_NS: Final = 100_000_000
"""The judge is asked as soon as so much was spent: a batch of what is made for it takes half a minute."""


class Costs:
    """Time that parsers took for each flow since it was asked last."""

    __slots__ = ("_unjudged_ns", "judge", "of")

    def __init__(self) -> None:
        self.of: dict[int, int] = {}
        """Nanoseconds by slot of the flow table."""
        self.judge: Callable[[], object] = int
        """Told in the middle of a batch that much was spent."""
        self._unjudged_ns = 0

    def add(self, slot: int, nanoseconds: int) -> None:
        self.of[slot] = self.of.get(slot, 0) + nanoseconds
        self._unjudged_ns += nanoseconds
        if self._unjudged_ns > JUDGED_NS:
            self._unjudged_ns = 0
            self.judge()

    def forget(self, slots: I32) -> None:
        """These are another flow's now, and nobody is blamed for what the one before has cost."""
        for slot in self.of.keys() & set(slots.tolist()):
            del self.of[slot]

    def take(self, ends: Ends) -> dict[Pair, int]:
        """Nanoseconds by the two hosts; what follows is counted anew."""
        found: dict[Pair, int] = {}
        for slot, spent in self.of.items():
            if spent >= LEAST_NS:
                pair = ends.addresses(slot)
                found[pair] = found.get(pair, 0) + spent
        self.of.clear()
        return found
