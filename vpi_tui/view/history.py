"""Rates and curves from counters that only grow.

Live, time is the engine's clock; in a replay or the demo it is the time of the packets, so that a
file played at sixty times real speed still shows the rates it was captured at. Samples lie at least
`spacing` seconds apart; the newest one floats until it does. Curves are read at aligned bin edges,
so a graph moves by whole columns and what was drawn once stays as it was.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from vpi_tui.model.snapshot import Counters, Snapshot

NS = 1_000_000_000
Field = Literal["pkts_in", "pkts_out", "bytes_in", "bytes_out", "inside_bytes"]
FIELDS: tuple[Field, ...] = ("pkts_in", "pkts_out", "bytes_in", "bytes_out", "inside_bytes")
RATE_S = 2.0
"""Over so many seconds is every rate "now", so that two of the same thing on one screen are the same."""
STEPS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
"""Seconds that one column of a graph may stand for."""


@dataclass(frozen=True, slots=True)
class Rates:
    """A second: packets and bytes, `in` = from the subject, `out` = to it."""

    pkts_in: float = 0.0
    pkts_out: float = 0.0
    bytes_in: float = 0.0
    bytes_out: float = 0.0
    inside_bytes: float = 0.0

    @property
    def pkts(self) -> float:
        return self.pkts_in + self.pkts_out

    @property
    def bytes(self) -> float:
        return self.bytes_in + self.bytes_out


@dataclass(frozen=True, slots=True)
class Series:
    """Rates a second, oldest first; each value covers `step` seconds. Unknown times are 0."""

    values: tuple[float, ...]
    step: float

    @property
    def span(self) -> float:
        return self.step * len(self.values)


class _Track:
    """The samples of one subject, one array a field, indexed like `History` times from `first` on."""

    __slots__ = ("columns", "first")

    def __init__(self, first: int) -> None:
        self.first = first
        self.columns = tuple(array("q") for _ in FIELDS)


class History:
    """The last `depth` samples of at most `subjects` switches and guests."""

    def __init__(self, *, depth: int = 600, spacing: float = 1.0, subjects: int = 2000) -> None:
        self._depth = depth
        self._spacing = int(spacing * NS)
        self._subjects = subjects
        self._base = 0
        self._times: list[int] = []
        self._tracks: dict[str, _Track] = {}
        self._still = False
        self.ignored = 0
        """Switches and guests of the last snapshot that found no room."""

    def column_number(self, points: int) -> int:
        """Number of the newest whole column since 1970; grows by one each time that a graph moves on."""
        return self.now_ns // (self.step(points) * NS)

    @property
    def now_ns(self) -> int:
        """Time of the newest sample; 0 = none."""
        return self._times[-1] if self._times else 0

    def add(self, snapshot: Snapshot) -> None:
        """Take the counters of one snapshot."""
        now = snapshot.taken_ns if snapshot.mode == "live" else snapshot.packet_ns
        if now <= 0:
            return
        if self._times and now < self._times[-1]:
            self.clear()
        self._still = snapshot.state in ("finished", "failed", "paused")
        self._advance(now)
        self.ignored = 0
        self._put("", snapshot.total.counters)
        for switch in snapshot.switches:
            self._put(f"switch:{switch.name}", switch.counters)
        for guest in snapshot.guests:
            self._put(f"guest:{guest.name}", guest.counters)
        self._forget_the_gone()

    def clear(self) -> None:
        """Forget all: another engine, or time went backwards."""
        self._times.clear()
        self._tracks.clear()
        self._base = 0

    def _advance(self, now: int) -> None:
        times = self._times
        if len(times) >= 2 and now - times[-2] < self._spacing:
            times[-1] = now
            return
        times.append(now)
        if len(times) > 2 * self._depth:
            cut = len(times) - self._depth
            del times[:cut]
            self._base += cut
            for track in self._tracks.values():
                drop = max(0, self._base - track.first)
                for column in track.columns:
                    del column[:drop]
                track.first += drop

    def _put(self, key: str, counters: Counters) -> None:
        position = self._base + len(self._times) - 1
        track = self._tracks.get(key)
        if track is None:
            if len(self._tracks) >= self._subjects:
                self.ignored += 1
                return
            track = self._tracks[key] = _Track(position)
        values = [getattr(counters, name) for name in FIELDS]
        if any(c and v < c[-1] for c, v in zip(track.columns, values, strict=True)):
            track = self._tracks[key] = _Track(position)
        missing = position - (track.first + len(track.columns[0]))
        for column, value in zip(track.columns, values, strict=True):
            if missing < 0:
                column[-1] = value
            else:
                column.extend([column[-1] if column else value] * missing)
                column.append(value)

    def _forget_the_gone(self) -> None:
        """A subject not sampled for a whole depth makes room."""
        oldest = self._base + len(self._times) - self._depth
        if oldest <= 0:
            return
        for key in [k for k, t in self._tracks.items() if t.first + len(t.columns[0]) < oldest]:
            del self._tracks[key]

    def rates(self, key: str, window: float = RATE_S) -> Rates:
        """Mean rates over about the last `window` seconds; zeros when nothing moves any more."""
        track = self._tracks.get(key)
        if track is None or self._still or len(track.columns[0]) < 2:
            return Rates()
        last = track.first + len(track.columns[0]) - 1
        if last != self._base + len(self._times) - 1:
            return Rates()
        end = self._times[last - self._base]
        start = last - 1
        while start > track.first and end - self._times[start - self._base] < 0.8 * window * NS:
            start -= 1
        seconds = (end - self._times[start - self._base]) / NS
        if seconds <= 0:
            return Rates()
        old, new = start - track.first, last - track.first
        return Rates(*(max(0.0, (c[new] - c[old]) / seconds) for c in track.columns))

    def step(self, points: int) -> int:
        """Seconds that a column should stand for, so that `points` of them suit the pace of the samples."""
        if len(self._times) < 3 or points < 1:
            return STEPS[0]
        recent = self._times[-min(len(self._times), 32) :]
        pace = (recent[-1] - recent[0]) / (len(recent) - 1) / NS
        return next((s for s in STEPS if s >= pace * 0.75), STEPS[-1])

    def series(self, key: str, field: Field, points: int) -> Series:
        """The last `points` whole bins of one field as rates a second."""
        step = self.step(points)
        track = self._tracks.get(key)
        if track is None or not track.columns[0] or points < 1:
            return Series((0.0,) * max(points, 0), step)
        width = step * NS
        last_edge = self._times[-1] // width * width
        edges = [last_edge - width * i for i in range(points, -1, -1)]
        column = track.columns[FIELDS.index(field)]
        start = track.first - self._base
        at = _Reader(column, self._times[start : start + len(column)])
        totals = [at(edge) for edge in edges]
        return Series(tuple(max(0.0, (b - a) / step) for a, b in pairwise(totals)), step)


class _Reader:
    """A counter at any time, by straight lines between samples; flat outside of them."""

    __slots__ = ("column", "times")

    def __init__(self, column: array[int], times: list[int]) -> None:
        self.column = column
        self.times = times

    def __call__(self, when: int) -> float:
        i = bisect_left(self.times, when)
        if i == 0:
            return float(self.column[0])
        if i == len(self.times):
            return float(self.column[-1])
        t0, t1 = self.times[i - 1], self.times[i]
        v0, v1 = self.column[i - 1], self.column[i]
        return v0 + (v1 - v0) * (when - t0) / (t1 - t0)
