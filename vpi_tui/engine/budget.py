"""Which rules, and which conversations, take more of the engine than they are allowed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from vpi_tui.detect.applayer.costs import Costs, Pair, Speaker
from vpi_tui.detect.match.profile import RuleProfile
from vpi_tui.engine.names import GONE, Names

WINDOW_CPU_NS: Final = 3_000_000_000
"""CPU time of the engine over which shares are judged."""
WINDOW_NS: Final = 10_000_000_000
"""An engine that takes longer for that is not busy, whatever share of the little a rule has."""
FEWEST_CHECKS: Final = 100
"""Evaluations in the window below which a share says nothing, unless one takes DEAR_NS."""
DEAR_NS: Final = 100_000_000
"""CPU time of an evaluation that no traffic but what is made for it costs."""
HASTE: Final = 1 / 3
"""Of the window in which a rule is judged, as packets are lost meanwhile."""
AVOIDED_NS: Final = 300_000_000_000
"""So long what two hosts say, or one guest, is not parsed once it was too much."""
MOST_AVOIDED: Final = 256
"""Of these at a time; the one that was avoided first is parsed again."""
OF_A_GUEST: Final = 2
"""All that a guest says may take so many times what it may say to one other host."""


class BusyWindow:
    """A stretch of time in which the engine spends WINDOW_CPU_NS, or a part of that and of WINDOW_NS.

    It belongs to the thread that asks.
    """

    def __init__(self, part: float = 1.0) -> None:
        self._full_ns, self._longest_ns = WINDOW_CPU_NS * part, WINDOW_NS * part
        self._began_ns = self._cpu_ns = 0

    def begin(self) -> None:
        self._began_ns, self._cpu_ns = time.monotonic_ns(), time.thread_time_ns()

    def spent_ns(self) -> int:
        """CPU time that the engine took since it began; 0 = not enough yet; -1 = too little for too long."""
        taken_ns = time.thread_time_ns() - self._cpu_ns
        if taken_ns >= self._full_ns:
            return taken_ns
        return -1 if time.monotonic_ns() - self._began_ns > self._longest_ns else 0


class Spent(NamedTuple):
    """What one rule took of the engine in one window."""

    rule: int
    percent: float
    checks: int
    seconds: float
    """CPU time of the engine in the window."""


class RuleBudget:
    """percent: of the engine's CPU time that one rule may take; 0 = as much as it likes."""

    def __init__(self, percent: float) -> None:
        self._percent = percent
        self._window = BusyWindow()
        self._profile: RuleProfile | None = None
        self._spent = self._checks = np.zeros(0, np.int64)

    def exceeded_by(self, profile: RuleProfile) -> list[Spent]:
        """To be asked now and then by the thread that evaluates: the rules above, the dearest first."""
        if not self._percent:
            return []
        if profile is not self._profile:  # the rules were loaded anew, and have other numbers
            self._begin(profile)
            return []
        taken_ns = self._window.spent_ns()
        if taken_ns <= 0:
            if taken_ns < 0:
                self._begin(profile)
            return []
        spent, checks = profile.cpu_ns - self._spent, profile.checks - self._checks
        self._begin(profile)
        percent = 100 * spent / taken_ns
        enough = (checks >= FEWEST_CHECKS) | (spent >= DEAR_NS * np.maximum(checks, 1))
        over = np.flatnonzero((percent > self._percent) & enough)
        found = [Spent(int(n), float(percent[n]), int(checks[n]), taken_ns / 1e9) for n in over]
        return sorted(found, key=lambda one: -one.percent)

    def _begin(self, profile: RuleProfile) -> None:
        self._window.begin()
        self._profile = profile
        self._spent, self._checks = profile.cpu_ns.copy(), profile.checks.copy()


class Dear(NamedTuple):
    """What parsing somebody's words took of the engine in one window."""

    who: Pair | str
    """Two hosts; or the name of a guest, of all that it says."""
    percent: float
    allowed: float
    """Percent."""


class ParseBudget:
    """percent: of the CPU time of an engine that falls behind which parsing what two hosts say may take."""

    def __init__(self, percent: float) -> None:
        self._percent = percent
        self._window = BusyWindow(HASTE)
        self._until: dict[Pair | str, int] = {}
        self._warned: dict[str, int] = {}
        """Guests that took too much while two hosts of theirs were blamed, and until when that is known."""

    def avoided(self, names: Names) -> frozenset[Speaker]:
        """Whose words are not to be parsed now. names: of the guests, as they are numbered now."""
        found = {names.number_of_guest(who) if isinstance(who, str) else who for who in self._until}
        return frozenset(found - {GONE})

    def exceeded_by(self, costs: Costs, names: Names, *, behind: bool) -> list[Dear]:
        """To be asked now and then by the thread that parses: those above, the dearest first.

        behind: does traffic come faster than the engine looks at it? A guest is blamed as a whole when no two
        hosts are, as where each datagram comes from another forged address; or when it was as dear before:
        who forges another one for each window would never be.
        """
        now_ns = time.monotonic_ns()
        _drop_past(self._until, now_ns)
        _drop_past(self._warned, now_ns)
        taken_ns = self._window.spent_ns()
        if not taken_ns:
            return []
        self._window.begin()
        spent = costs.take()
        if taken_ns < 0 or not behind:
            return []
        shares = {_named(who, names): 100 * nanoseconds / taken_ns for who, nanoseconds in spent.items()}
        found = self._above(shares, Pair, self._percent)
        guests = self._above(shares, str, OF_A_GUEST * self._percent)
        if found:
            known = self._warned.copy()
            self._warned |= {str(one.who): now_ns + AVOIDED_NS for one in guests}
            guests = [one for one in guests if one.who in known]
        found += guests
        for one in found:
            self._until[one.who] = now_ns + AVOIDED_NS
        while len(self._until) > MOST_AVOIDED:
            del self._until[next(iter(self._until))]
        return sorted(found, key=lambda one: -one.percent)

    def _above(self, shares: Mapping[Pair | str, float], kind: type, allowed: float) -> list[Dear]:
        return [
            Dear(who, percent, allowed)
            for who, percent in shares.items()
            if isinstance(who, kind) and percent > allowed and who not in self._until
        ]


def _drop_past(until: dict[Any, int], now_ns: int) -> None:
    for who in [who for who, until_ns in until.items() if until_ns <= now_ns]:
        del until[who]


def _named(who: Speaker, names: Names) -> Pair | str:
    """Guests may have other numbers tomorrow."""
    return names.guest(who) if isinstance(who, int) else who
