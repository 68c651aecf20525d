"""Counts over time: how much was added in the shortest window that tells enough."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from vpi_tui.coverage.seen import SeenCount
from vpi_tui.model.coverage import TrueCount

SHORT_S, LONG_S = 2.0, 30.0
"""A window is no shorter, so that one frame does not decide, and no longer, so that it is of now."""
FIRST_S = 0.9
"""Enough while there is nothing older."""
ANSWERS_FIRST, ANSWERS = 10, 40
"""A window is also so many times as long as an answer took, the first one and those after it: what passed
meanwhile may be counted or not. LONG_S is still the bound."""
ENOUGH_BYTES = 1_500
"""With as many true bytes in it a window need not be longer."""
SAMPLES = 64
WRAP = 1 << 32
"""Some managers of guests count in 32 bits."""
_COUNTERS = ("in_bytes", "out_bytes", "in_packets", "out_packets")


@dataclass(frozen=True, slots=True)
class Sample:
    """One port at one moment. drops: packets that the kernel has dropped so far because our ring was full.

    began: what was seen when the count was asked for, where the answer took its time.
    """

    ns: int
    true: TrueCount
    seen: SeenCount
    drops: int
    began: SeenCount | None = None

    @property
    def answer_s(self) -> float:
        return max(0.0, (self.true.told_ns - self.true.asked_ns) / 1e9)


@dataclass(frozen=True, slots=True)
class Window:
    """What was added between two samples. seen: the most that it can have been."""

    seconds: float
    true: TrueCount
    seen: SeenCount
    drops: int


class History:
    """Samples of one port, oldest first; begins anew when its counters do."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._raw: TrueCount | None = None
        self.reset = False
        """True from a reset until there is a window again."""

    def forget(self) -> None:
        """What was counted says nothing of what comes: it is watched in another way."""
        self._samples.clear()
        self._raw = None

    def expire(self, ns: int) -> None:
        """Forget what was counted when nobody has told more for longer than a window: that is of now."""
        if self._samples:
            newest = self._samples[-1]
            if (ns - newest.ns) / 1e9 > max(LONG_S, ANSWERS * newest.answer_s):
                self.forget()

    @property
    def truth(self) -> str:
        """Who counts; "" = nobody so far, or nobody any more."""
        return self._raw.truth if self._raw is not None else ""

    def add(self, sample: Sample) -> None:
        """Of two samples of one moment the first one counts. Time that steps back begins anew."""
        if self._samples and sample.ns == self._samples[-1].ns:
            return
        if self._samples and sample.ns < self._samples[-1].ns:
            self.forget()
        raw, before = sample.true, self._raw
        if before is not None and before.truth != raw.truth:
            before = None
            self._samples.clear()
        self._raw = raw
        if before is None or not self._samples:
            self._samples.append(sample)
            return
        grown = _grown(before, raw)
        if grown is None:
            self._samples.clear()
            self._samples.append(sample)
            self.reset = True
            return
        self._samples.append(replace(sample, true=_sum(self._samples[-1].true, grown)))

    def window(self) -> Window | None:
        """None = there is too little of it yet."""
        if not self._samples:
            return None
        newest = self._samples[-1]
        first = max(FIRST_S, ANSWERS_FIRST * newest.answer_s)
        short = max(SHORT_S, ANSWERS * newest.answer_s)
        chosen = None
        for sample in reversed(self._samples):
            age = (newest.ns - sample.ns) / 1e9
            if age < min(first, LONG_S):
                continue
            if age > LONG_S and chosen is not None:
                break
            chosen = sample
            true = newest.true.in_bytes - sample.true.in_bytes + newest.true.out_bytes - sample.true.out_bytes
            if age >= short and true >= ENOUGH_BYTES:
                break
        if chosen is None:
            return None
        self.reset = False
        return Window(
            (newest.ns - chosen.ns) / 1e9,
            _difference(newest.true, chosen.true),
            _seen_difference(newest.seen, chosen.began or chosen.seen),
            newest.drops - chosen.drops,
        )


def _grown(before: TrueCount, now: TrueCount) -> TrueCount | None:
    """What was added, a counter of 32 bits that began again included; None = all of it began anew."""
    added = {}
    for name in _COUNTERS:
        difference = getattr(now, name) - getattr(before, name)
        if difference < 0:
            difference += WRAP
            if getattr(before, name) >= WRAP or not 0 <= difference < WRAP // 2:
                return None
        added[name] = difference
    return replace(now, **added)


def _sum(total: TrueCount, more: TrueCount) -> TrueCount:
    return replace(more, **{name: getattr(total, name) + getattr(more, name) for name in _COUNTERS})


def _difference(now: TrueCount, before: TrueCount) -> TrueCount:
    return replace(now, **{name: getattr(now, name) - getattr(before, name) for name in _COUNTERS})


def _seen_difference(now: SeenCount, before: SeenCount) -> SeenCount:
    return SeenCount(
        now.into - before.into,
        now.out - before.out,
        now.out_maybe - before.out_maybe,
        now.copied_into - before.copied_into,
        now.copied_out - before.copied_out,
        now.copied_maybe - before.copied_maybe,
    )
