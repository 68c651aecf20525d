"""What was seen of ports at the moments before, to look up what it was when somebody far away counted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import astuple

from vpi_tui.coverage.seen import PortKey, SeenCount

MOMENTS = 160
"""That are remembered: half a minute, at four a second."""


class SeenPast:
    """`add` moments in order; `at` reads between two of them as if traffic had been even there."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._seen: list[dict[PortKey, SeenCount]] = []

    def add(self, ns: int, seen: Mapping[PortKey, SeenCount], keys: Collection[PortKey]) -> None:
        """Time that steps back begins anew."""
        if self._times and ns <= self._times[-1]:
            if ns == self._times[-1]:
                return
            self._times.clear()
            self._seen.clear()
        self._times.append(ns)
        self._seen.append({key: seen[key] for key in keys if key in seen})
        del self._times[:-MOMENTS], self._seen[:-MOMENTS]

    def at(self, key: PortKey, ns: int) -> SeenCount | None:
        """None = the moment is not between two that are remembered."""
        after = bisect_left(self._times, ns)
        if after == len(self._times) or (after == 0 and self._times[0] != ns):
            return None
        later = self._seen[after].get(key)
        if self._times[after] == ns or later is None:
            return later
        earlier = self._seen[after - 1].get(key)
        if earlier is None:
            return None
        begin, end = self._times[after - 1], self._times[after]
        share = (ns - begin) / (end - begin)
        pairs = zip(astuple(earlier), astuple(later), strict=True)
        return SeenCount(*(one + round(share * (other - one)) for one, other in pairs))
