"""Which way a rule looks across the edge of the network that most rules name, as a rule $HOME_NET.

Most rules are about what comes in or what goes out. Each way has pattern sets of its own, so traffic that
stays inside (between the guests of a host) or outside is scanned for the few patterns of rules about any
address.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np

from vpi_tui.detect.rules.atoms import IPV4, IPV6
from vpi_tui.detect.rules.sets import subtract
from vpi_tui.model import edges
from vpi_tui.model.batch import U64
from vpi_tui.model.signature import ANY_ADDRESS, IP_MAX, Header, Ranges

NOWHERE: Final = Ranges(())
FAMILIES: Final = (Ranges(IPV4), Ranges(IPV6))
_HALF: Final = (1 << 64) - 1


def most_named(headers: Iterable[Header]) -> Ranges:
    """The set of addresses that rules name most, as they are or negated; NOWHERE when they name none.

    A list of thousands is none of them: nobody's network looks so.
    """
    all_ends = (ends for header in headers for ends in (header.src, header.dest))
    named = Counter(ends for ends in all_ends if not ends.is_large and ends != ANY_ADDRESS)
    best, most = NOWHERE, 0
    for ends, count in named.items():
        total = count + named.get(negated(ends), 0) if count * 2 > most else 0
        if total > most:
            best, most = ends, total
    return best


def negated(ends: Ranges) -> Ranges:
    """What a rule means that says `!` before a set: the other addresses of the versions of IP in it."""
    others = outside(ends).spans
    for family in FAMILIES:
        if not _meet(ends, family):
            others = subtract(others, family.spans)
    return Ranges(others)


def returning(ways: int) -> int:
    """The ways of what is said back. ways: bits 1 << way, like what is given."""
    return ways & 0b1001 | (ways & 0b0010) << 1 | (ways & 0b0100) >> 1


def outside(ends: Ranges) -> Ranges:
    """All other addresses."""
    if ends.is_large:
        return Ranges.of(edges.complement(ends.edges))
    spans, at = [], 0
    for low, high in ends.spans:
        if low > at:
            spans.append((at, low - 1))
        at = high + 1
    if at <= IP_MAX:
        spans.append((at, IP_MAX))
    return Ranges(tuple(spans))


class Ways:
    """Sorts headers by way, for one `home`."""

    def __init__(self, home: Ranges) -> None:
        self.home = home
        self._sides = outside(home), home
        self._known: dict[Ranges, tuple[bool, bool]] = {}

    def of(self, header: Header) -> int:
        """Bits 1 << way for the ways that may hold (numbered in kernels_units)."""
        header = header.looked_for
        src, dest = self._reaches(header.src), self._reaches(header.dest)
        return sum(
            1 << 2 * a + b
            for a in (0, 1)
            for b in (0, 1)
            if (src[a] and dest[b]) or (header.bidirectional and src[b] and dest[a])
        )

    def _reaches(self, ends: Ranges) -> tuple[bool, bool]:
        """Does a set have addresses outside, and inside?"""
        found = self._known.get(ends)
        if found is None:
            found = self._known[ends] = _meet(ends, self._sides[0]), _meet(ends, self._sides[1])
        return found

    def bounds(self) -> tuple[U64, U64]:
        """uint64[spans, 2] each: the first and the last addresses of `home`, in halves."""
        halves = [[(one >> 64, one & _HALF) for one in ends] for ends in zip(*self.home.spans, strict=True)]
        low, high = halves or ([], [])
        return np.array(low, np.uint64).reshape(-1, 2), np.array(high, np.uint64).reshape(-1, 2)


class Edge:
    """Tells which way one address speaks to another. low, high: as of Ways.bounds."""

    def __init__(self, low: U64, high: U64) -> None:
        self._low, self._high = ([a << 64 | b for a, b in halves.tolist()] for halves in (low, high))

    def way(self, source: int, target: int) -> int:
        """source, target: addresses as numbers of 128 bits."""
        return 2 * self._is_inside(source) + self._is_inside(target)

    def _is_inside(self, address: int) -> bool:
        at = bisect_right(self._low, address) - 1
        return at >= 0 and address <= self._high[at]


def _meet(one: Ranges, other: Ranges) -> bool:
    """Have two sets an address in common?"""
    if one.is_large or other.is_large:
        return edges.meet(one.edges, other.edges)
    a, b = 0, 0
    while a < len(one.spans) and b < len(other.spans):
        (low, high), (first, last) = one.spans[a], other.spans[b]
        if low <= last and first <= high:
            return True
        if high < last:
            a += 1
        else:
            b += 1
    return False
