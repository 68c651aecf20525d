"""What each rule costs: how often it was tried, how often it held, and the CPU time that this took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.model.batch import I32, I64


class Clock(NamedTuple):
    """now_ns: runs on, and is quick to read. cpu_ns: CPU time of the thread."""

    now_ns: Callable[[], int]
    cpu_ns: Callable[[], int]


NO_CLOCK: Final = Clock(lambda: 0, lambda: 0)
"""Nothing is measured."""


PORTION: Final = 64
"""Evaluations after which it is asked whether a rule must stop: one may take tens of milliseconds, and a
batch may have thousands."""
PORTION_NS: Final = 500_000_000
"""Time after which it is asked whatever their number: one may take seconds."""


class RuleProfile:
    """Sums since the engine started, by rule number.

    The clock is read once a candidate (0.2 microseconds in all, where an evaluation takes several), so
    nothing is sampled. That clock runs on while others have the processor; what it says is therefore scaled
    to the CPU time of the batch's evaluations.
    """

    def __init__(self, rules: int) -> None:
        self.checks: I64 = np.zeros(rules, np.int64)
        """int64[n]: candidates that the compiled loops let through."""
        self.matches: I64 = np.zeros(rules, np.int64)
        """int64[n]: times all of the rule held, before thresholds."""
        self.cpu_ns: I64 = np.zeros(rules, np.int64)
        """int64[n]: spent on evaluating candidates; 0 for rules that the compiled loops decide."""

    def checked(self, rule: I32) -> None:
        """rule: int32[candidates], number of each one's rule; the same in the other methods."""
        np.add.at(self.checks, rule, 1)

    def matched(self, rule: I32) -> None:
        np.add.at(self.matches, rule, 1)

    def spent(self, rule: I32, stamps: Sequence[int], cpu_ns: int) -> None:
        """stamps: ns, when the evaluation of each candidate began, and when the last one ended.

        cpu_ns: CPU time from the first to the last.
        """
        wall_ns = stamps[-1] - stamps[0]
        if wall_ns > 0:
            times = np.array(stamps, np.int64)
            scale = min(cpu_ns / wall_ns, 1.0)
            np.add.at(self.cpu_ns, rule, ((times[1:] - times[:-1]) * scale).astype(np.int64))

    def take_over(self, before: RuleProfile, numbers: I64) -> None:
        """Go on from the sums of an earlier set. numbers: int64[its rules], their numbers here, -1 = gone."""
        stays = np.flatnonzero(numbers >= 0)
        for name in ("checks", "matches", "cpu_ns"):
            getattr(self, name)[numbers[stays]] = getattr(before, name)[stays]


class Meter:
    """Measures the evaluations of one batch, and lets a judge stop rules in the middle of it.

    rule: int32[candidates]. judge: asked for numbers of rules that shall stop.
    """

    def __init__(
        self, profile: RuleProfile, clock: Clock, rule: I32, judge: Callable[[], Iterable[int]]
    ) -> None:
        self._profile, self._clock, self._rule, self._judge = profile, clock, rule, judge
        self._now_ns = clock.now_ns
        self._done = 0
        self._stamps: list[int] = []
        self._cpu_ns = clock.cpu_ns()
        self.stopped: set[int] = set()
        """Rules of which the rest of the batch is not tried."""

    def next(self) -> None:
        """The evaluation of the next candidate begins."""
        stamps, now_ns = self._stamps, self._now_ns()
        if len(stamps) == PORTION or (stamps and now_ns - stamps[0] > PORTION_NS):
            self.pause()
            self.stopped.update(self._judge())
            stamps, now_ns = self._stamps, self._now_ns()
        stamps.append(now_ns)

    def pause(self) -> None:
        """Note what was spent so far."""
        count, cpu_ns = len(self._stamps), self._clock.cpu_ns()
        self._stamps.append(self._now_ns())
        self._profile.spent(self._rule[self._done : self._done + count], self._stamps, cpu_ns - self._cpu_ns)
        self._done, self._stamps, self._cpu_ns = self._done + count, [], cpu_ns
