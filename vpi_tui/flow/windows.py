"""Sliding windows over facts: buckets of one second, ten seconds and a minute, and all time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from vpi_tui.flow.facts import FACT_DTYPE, Facts, largest, merged
from vpi_tui.model.snapshot import Window

_SECOND = 1_000_000_000
_MERGE_AFTER = 8


@dataclass(slots=True)
class _Bucket:
    """Facts of one stretch of time, at most `limit` after merging."""

    number: int
    limit: int
    parts: list[Facts] = field(default_factory=list)
    dropped: int = 0
    """Keys that were cut off so far."""

    def add(self, facts: Facts) -> None:
        self.parts.append(facts)
        if len(self.parts) >= _MERGE_AFTER:
            self.facts()

    def facts(self) -> Facts:
        if len(self.parts) != 1:
            whole = merged(np.concatenate(self.parts)) if self.parts else np.zeros(0, FACT_DTYPE)
            kept = largest(whole, self.limit)
            self.dropped += len(whole) - len(kept)
            self.parts = [kept]
        return self.parts[0]


@dataclass(frozen=True, slots=True)
class _Span:
    seconds: int
    """Length of one bucket."""
    count: int
    limit: int
    """Facts a bucket keeps."""


SPANS: dict[Window, _Span] = {"10s": _Span(1, 10, 512), "1m": _Span(10, 6, 1024), "10m": _Span(60, 10, 2048)}
ALL_TIME_LIMIT = 8192
TICK_LIMIT = 4 * ALL_TIME_LIMIT
"""Facts taken of one tick: a bucket holds a few ticks before it merges them."""


class Windows:
    """Facts by window. Time that runs backwards counts in the newest bucket."""

    def __init__(self) -> None:
        self._rings: dict[Window, deque[_Bucket]] = {name: deque() for name in SPANS}
        self._all_time = _Bucket(0, ALL_TIME_LIMIT)
        self._now = 0
        self._dropped = 0

    def add(self, parts: Iterable[Facts], now_ns: int) -> None:
        """Facts of the tick that ends at packet time `now_ns`, each part already merged."""
        self._now = max(self._now, now_ns)
        facts = self._joined(parts)
        for name, span in SPANS.items():
            ring = self._rings[name]
            number = self._now // (span.seconds * _SECOND)
            self._forget(ring, number - span.count)
            if not ring or ring[-1].number != number:
                ring.append(_Bucket(number, span.limit))
            ring[-1].add(facts)
        self._all_time.add(facts)

    def _joined(self, parts: Iterable[Facts]) -> Facts:
        """One table of a tick's parts, cut as it grows."""
        whole = np.zeros(0, FACT_DTYPE)
        for part in parts:
            whole = merged(np.concatenate((whole, part)), same_tick=True) if len(whole) else part
            kept = largest(whole, TICK_LIMIT)
            self._dropped += len(whole) - len(kept)
            whole = kept
        return whole

    def _forget(self, ring: deque[_Bucket], last: int) -> None:
        while ring and ring[0].number <= last:
            self._dropped += ring.popleft().dropped

    def facts(self, window: Window) -> Facts:
        """Merged facts of a window that ends now."""
        if window == "all":
            return self._all_time.facts()
        parts = [bucket.facts() for bucket in self._rings[window]]
        return merged(np.concatenate(parts)) if parts else np.zeros(0, FACT_DTYPE)

    def dropped(self) -> int:
        """Keys cut off because a bucket was full."""
        live = sum(bucket.dropped for ring in self._rings.values() for bucket in ring)
        return self._dropped + live + self._all_time.dropped
