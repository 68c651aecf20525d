"""What it costs to follow what two hosts say to each other, and what a guest says to all."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from time import perf_counter_ns
from typing import Final, NamedTuple, TypeAlias

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


Speaker: TypeAlias = Pair | int
"""Whose words are followed or not: those of two hosts, or all with which a guest, by its position in the
topology, turns to others."""


def pair_of(ends: Ends, slot: int) -> Pair:
    return Pair(*ends.addresses(slot), int(ends.place[slot]))


class _Collector:
    """Time that Python's collector of garbage has taken: a third of a second at once where many flows are
    followed, for which the one is not to blame that is looked at just then."""

    def __init__(self) -> None:
        self.ns = 0
        self._began_ns = 0
        gc.callbacks.append(self._hear)

    def _hear(self, phase: str, _info: object) -> None:
        if phase == "start":
            self._began_ns = perf_counter_ns()
        else:
            self.ns += perf_counter_ns() - self._began_ns


_collector = cache(_Collector)


class Costs:
    """Time that each flow took of parsers, and of the log of what they found, since it was asked last."""

    __slots__ = ("_collector", "_pairs", "_spent", "_unjudged_ns", "judge", "of")

    def __init__(self) -> None:
        self.of: dict[int, int] = {}
        """Nanoseconds by slot of the flow table."""
        self._pairs: dict[int, Pair] = {}
        """Whose those flows are that took more than the least."""
        self._spent: Counter[Speaker] = Counter()
        """Of two hosts' flows that are over: who begins ever new ones pays for all of them. And of all flows
        that a guest began: who speaks to ever other hosts, or as ever others, pays too."""
        self.judge: Callable[[], object] = int
        """Told in the middle of a batch that much was spent."""
        self._unjudged_ns = 0
        self._collector = _collector()

    def clock(self) -> int:
        """Nanoseconds that passed, but for those of the collector of garbage."""
        return perf_counter_ns() - self._collector.ns

    def add(self, slot: int, nanoseconds: int, ends: Ends | None) -> None:
        """ends: None = nobody knows whose it is, and nobody is told of it."""
        spent = self.of[slot] = self.of.get(slot, 0) + nanoseconds
        if ends is not None:
            if spent >= LEAST_NS and slot not in self._pairs:
                self._pairs[slot] = pair_of(ends, slot)
            guest = int(ends.guest[slot])
            if guest >= 0:
                self._spent[guest] += nanoseconds
        self._unjudged_ns += nanoseconds
        if self._unjudged_ns > JUDGED_NS:
            self._unjudged_ns = 0
            self.judge()

    def share(self, slots: Sequence[int], nanoseconds: int, ends: Ends) -> None:
        """Divide it by these flows, of which each may be there several times."""
        each = nanoseconds // max(len(slots), 1)
        for slot in slots:
            self.add(slot, each, ends)

    def forget(self, slots: I32) -> None:
        """These are another flow's now, which is not blamed for what the one before has cost."""
        for slot in self.of.keys() & set(slots.tolist()):
            self._settle(slot)

    def forget_guests(self) -> None:
        """Their positions are others' now."""
        for guest in [who for who in self._spent if isinstance(who, int)]:
            del self._spent[guest]

    def take(self) -> dict[Speaker, int]:
        """Nanoseconds by the two hosts, and by guest; what follows is counted anew."""
        for slot in list(self.of):
            self._settle(slot)
        found, self._spent = self._spent, Counter()
        return found

    def _settle(self, slot: int) -> None:
        spent, pair = self.of.pop(slot), self._pairs.pop(slot, None)
        if pair is not None:
            self._spent[pair] += spent
