"""Which rules take more of the engine than they are allowed."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.detect.match.profile import RuleProfile

WINDOW_CPU_NS: Final = 3_000_000_000
"""CPU time of the engine over which shares are judged."""
WINDOW_NS: Final = 10_000_000_000
"""An engine that takes longer for that is not busy, whatever share of the little a rule has."""
FEWEST_CHECKS: Final = 100
"""Evaluations in the window below which a share says nothing, unless one takes DEAR_NS."""
DEAR_NS: Final = 100_000_000
"""CPU time of an evaluation that no traffic but what is made for it costs."""


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
        self._began_ns = self._cpu_ns = 0
        self._profile: RuleProfile | None = None
        self._spent = self._checks = np.zeros(0, np.int64)

    def exceeded_by(self, profile: RuleProfile) -> list[Spent]:
        """To be asked now and then by the thread that evaluates: the rules above, the dearest first."""
        if not self._percent:
            return []
        now_ns, cpu_ns = time.monotonic_ns(), time.thread_time_ns()
        if profile is not self._profile:  # the rules were loaded anew, and have other numbers
            self._begin(profile, now_ns, cpu_ns)
            return []
        taken_ns = cpu_ns - self._cpu_ns
        if taken_ns < WINDOW_CPU_NS:
            if now_ns - self._began_ns > WINDOW_NS:
                self._begin(profile, now_ns, cpu_ns)
            return []
        spent, checks = profile.cpu_ns - self._spent, profile.checks - self._checks
        self._begin(profile, now_ns, cpu_ns)
        percent = 100 * spent / taken_ns
        enough = (checks >= FEWEST_CHECKS) | (spent >= DEAR_NS * np.maximum(checks, 1))
        over = np.flatnonzero((percent > self._percent) & enough)
        found = [Spent(int(n), float(percent[n]), int(checks[n]), taken_ns / 1e9) for n in over]
        return sorted(found, key=lambda one: -one.percent)

    def _begin(self, profile: RuleProfile, now_ns: int, cpu_ns: int) -> None:
        self._profile, self._began_ns, self._cpu_ns = profile, now_ns, cpu_ns
        self._spent, self._checks = profile.cpu_ns.copy(), profile.checks.copy()
