"""Sliding windows over rows that add up: buckets of one second, ten seconds and a minute, and all time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow.facts import FACT_DTYPE, merged, total_bytes
from vpi_tui.model.snapshot import Window

_SECOND = 1_000_000_000
_MERGE_AFTER = 8


Rows = NDArray[Any]
"""structured[k] with a column `key`."""


class Merge(Protocol):
    def __call__(self, rows: Rows, *, same_tick: bool = False) -> Rows:
        """One row a key. same_tick: what was active in one tick adds up; else the busiest tick counts."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is kept in windows. weight: by which rows are cut where there are too many, the heaviest stay.

    room: times as many as SPANS says.
    """

    dtype: np.dtype[Any]
    merged: Merge
    weight: Callable[[Rows], NDArray[np.uint64]]
    room: int = 1

    def heaviest(self, rows: Rows, count: int) -> Rows:
        """At most `count` rows."""
        if len(rows) <= count:
            return rows
        kept = np.argpartition(self.weight(rows), len(rows) - count)[len(rows) - count :]
        return rows[kept]


FACTS = Kind(FACT_DTYPE, merged, total_bytes)


@dataclass(slots=True)
class _Bucket:
    """Rows of one stretch of time, at most `limit` after merging."""

    kind: Kind
    number: int
    limit: int
    parts: list[Rows] = field(default_factory=list)
    dropped: int = 0
    """Keys that were cut off so far."""

    def add(self, rows: Rows) -> None:
        self.parts.append(rows)
        if len(self.parts) >= _MERGE_AFTER:
            self.rows()

    def rows(self) -> Rows:
        if len(self.parts) != 1:
            kind = self.kind
            whole = kind.merged(np.concatenate(self.parts)) if self.parts else np.zeros(0, kind.dtype)
            kept = kind.heaviest(whole, self.limit)
            self.dropped += len(whole) - len(kept)
            self.parts = [kept]
        return self.parts[0]


@dataclass(frozen=True, slots=True)
class _Span:
    seconds: int
    """Length of one bucket."""
    count: int
    limit: int
    """Rows a bucket keeps."""


SPANS: dict[Window, _Span] = {"10s": _Span(1, 10, 512), "1m": _Span(10, 6, 1024), "10m": _Span(60, 10, 2048)}
ALL_TIME_LIMIT = 8192
TICK_LIMIT = 4 * ALL_TIME_LIMIT
"""Rows taken of one tick: a bucket holds a few ticks before it merges them."""


class Windows:
    """Rows by window. Time that runs backwards counts in the newest bucket."""

    def __init__(self, kind: Kind = FACTS) -> None:
        self._kind = kind
        self._rings: dict[Window, deque[_Bucket]] = {name: deque() for name in SPANS}
        self._all_time = _Bucket(kind, 0, kind.room * ALL_TIME_LIMIT)
        self._now = 0
        self._dropped = 0

    def add(self, parts: Iterable[Rows], now_ns: int) -> None:
        """Rows of the tick that ends at packet time `now_ns`, each part already merged."""
        self._now = max(self._now, now_ns)
        rows = self._joined(parts)
        for name, span in SPANS.items():
            ring = self._rings[name]
            number = self._now // (span.seconds * _SECOND)
            self._forget(ring, number - span.count)
            if not ring or ring[-1].number != number:
                ring.append(_Bucket(self._kind, number, self._kind.room * span.limit))
            ring[-1].add(rows)
        self._all_time.add(rows)

    def _joined(self, parts: Iterable[Rows]) -> Rows:
        """One table of a tick's parts, cut as it grows."""
        kind = self._kind
        whole = np.zeros(0, kind.dtype)
        for part in parts:
            whole = kind.merged(np.concatenate((whole, part)), same_tick=True) if len(whole) else part
            kept = kind.heaviest(whole, kind.room * TICK_LIMIT)
            self._dropped += len(whole) - len(kept)
            whole = kept
        return whole

    def _forget(self, ring: deque[_Bucket], last: int) -> None:
        while ring and ring[0].number <= last:
            self._dropped += ring.popleft().dropped

    def rows(self, window: Window) -> Rows:
        """Merged rows of a window that ends now."""
        if window == "all":
            return self._all_time.rows()
        parts = [bucket.rows() for bucket in self._rings[window]]
        return self._kind.merged(np.concatenate(parts)) if parts else np.zeros(0, self._kind.dtype)

    def since(self, window: Window) -> int:
        """Start of a window that ends now, nanoseconds of packet time; 0 = all that was."""
        if window == "all":
            return 0
        span = SPANS[window]
        return (self._now // (span.seconds * _SECOND) - span.count + 1) * span.seconds * _SECOND

    def rewrite(self, change: Callable[[Rows], Rows]) -> None:
        """Put other rows, each key once, in the place of all that is kept."""
        for bucket in (self._all_time, *(bucket for ring in self._rings.values() for bucket in ring)):
            bucket.parts = [change(bucket.rows())]

    def dropped(self) -> int:
        """Keys cut off because a bucket was full."""
        live = sum(bucket.dropped for ring in self._rings.values() for bucket in ring)
        return self._dropped + live + self._all_time.dropped
