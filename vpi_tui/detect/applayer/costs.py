"""What it costs to follow what two hosts say to each other, and what a guest says to all."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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


def renumbered(who: Speaker, guests: Mapping[int, int]) -> Speaker | None:
    """The same one by the position that guests have now, None = it is gone. guests: by those of before."""
    return guests.get(who) if isinstance(who, int) else who


def pair_of(ends: Ends, slot: int) -> Pair:
    return Pair(*ends.addresses(slot), int(ends.place[slot]))


class _Collector:
    """Time that Python's collector of garbage has taken: a third of a second at once where many flows are
    followed, for which the one is not to blame that is looked at just then."""

    def __init__(self) -> None:
        self._ns = 0
        self._began_ns = 0
        """0 = it is not at work. A thread may be asked for the time while it works in another one."""
        gc.callbacks.append(self._hear)

    def _hear(self, phase: str, _info: object) -> None:
        now_ns = perf_counter_ns()
        if phase == "start":
            self._began_ns = now_ns
        else:
            self._ns += now_ns - self._began_ns
            self._began_ns = 0

    def time_without(self) -> int:
        """Nanoseconds; they stand still while it works, so that none are given back later."""
        return (self._began_ns or perf_counter_ns()) - self._ns


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
        return self._collector.time_without()

    def add(self, slot: int, nanoseconds: int, ends: Ends | None) -> None:
        """ends: None = nobody knows whose it is, and nobody is told of it."""
        self._note(slot, nanoseconds, ends)
        if self._unjudged_ns > JUDGED_NS:
            self._unjudged_ns = 0
            self.judge()

    def share(self, slots: Sequence[int], nanoseconds: int, ends: Ends) -> None:
        """Divide it by these flows, of which each may be there several times.

        The judge hears of it with what is added next: between the flow table's look at a batch and that of
        the parsers, a slot is another flow's already than the one that is followed in it.
        """
        each = nanoseconds // max(len(slots), 1)
        for slot in slots:
            self._note(slot, each, ends)

    def _note(self, slot: int, nanoseconds: int, ends: Ends | None) -> None:
        spent = self.of[slot] = self.of.get(slot, 0) + nanoseconds
        self._unjudged_ns += nanoseconds
        if ends is None:
            return
        if spent >= LEAST_NS and slot not in self._pairs:
            self._pairs[slot] = pair_of(ends, slot)
        guest = int(ends.guest[slot])
        if guest >= 0:
            self._spent[guest] += nanoseconds

    def forget(self, slots: I32) -> None:
        """These are another flow's now, which is not blamed for what the one before has cost."""
        for slot in self.of.keys() & set(slots.tolist()):
            self._settle(slot)

    def renumber(self, guests: Mapping[int, int]) -> None:
        """They have other positions in the topology: those of now by those of before."""
        now = ((renumbered(who, guests), spent) for who, spent in self._spent.items())
        self._spent = Counter({who: spent for who, spent in now if who is not None})

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
