"""What all parts of a signature are made of, and the sets of addresses and ports that they share.

Parts are msgspec structs: half as large as dataclasses, made three times as quickly, and encoded without a
line of code. They hold no cycles, so the garbage collector need not know of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np

from vpi_tui.model import edges
from vpi_tui.model.batch import U64
from vpi_tui.model.edges import Edges

IP_MAX: Final = (1 << 128) - 1
PORT_MAX: Final = 0xFFFF
FEW_RANGES: Final = 4_096
"""As many are kept as numbers."""


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A value of some fields."""


class Part(Record, frozen=True, gc=False, array_like=True, tag=True):
    """One of several that may stand in the same place; encoded with its name."""


class Ranges:
    """A set of integers as sorted, disjoint, inclusive ranges; negation is already resolved.

    Addresses live in the 128-bit space (IPv4 as ::ffff:a.b.c.d), ports in 0..65535. Never changed. No struct:
    most rules share a few ($HOME_NET, any), which are encoded once and not with each rule. Few ranges are
    kept as numbers, many as columns.
    """

    __slots__ = ("_edges", "_hash", "_spans")

    def __init__(self, spans: tuple[tuple[int, int], ...]) -> None:
        many = len(spans) > FEW_RANGES
        self._spans = None if many else spans
        self._edges = edges.edges_of(spans) if many else None
        self._hash: int | None = None

    @classmethod
    def of(cls, ends: Edges) -> Ranges:
        """Of the places where they begin and end."""
        made = cls(edges.spans_of(ends) if ends.size <= 2 * FEW_RANGES else ())
        if ends.size > 2 * FEW_RANGES:
            made._spans, made._edges = None, ends
        return made

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """As numbers: of many ranges it takes a while."""
        return edges.spans_of(self.edges) if self._spans is None else self._spans

    @property
    def edges(self) -> Edges:
        """The places where they begin and end."""
        return edges.edges_of(self.spans) if self._edges is None else self._edges

    @property
    def is_large(self) -> bool:
        """Are there so many that they are kept as edges?"""
        return self._spans is None

    @property
    def count(self) -> int:
        return len(self._spans) if self._spans is not None else (self.edges.size + 1) // 2

    def first(self, count: int) -> tuple[tuple[int, int], ...]:
        """So many of them."""
        return edges.spans_of(self.edges[: 2 * count]) if self._spans is None else self._spans[:count]

    def bounds(self) -> tuple[U64, U64]:
        """uint64[count, 2] each: first and last numbers, in halves."""
        return edges.bounds_of(self.edges)

    def test(self) -> Callable[[int], bool]:
        """Tells of numbers whether they are in it."""
        if self._spans is None:
            return partial(edges.holds, self.edges)
        spans, lows = self._spans, [low for low, _ in self._spans]

        def is_inside(value: int) -> bool:
            at = bisect_right(lows, value) - 1
            return at >= 0 and value <= spans[at][1]

        return is_inside

    def __contains__(self, value: int) -> bool:
        return self.test()(value)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Ranges) or self._spans != other._spans:
            return False
        return self._spans is not None or np.array_equal(self.edges, other.edges)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self._spans) if self._spans is not None else _digest(self.edges)
        return self._hash

    def __repr__(self) -> str:
        return f"Ranges({self.first(4)!r}{', ...' * (self.count > 4)})"


def _digest(ends: Edges) -> int:
    """The same in each process, as the hash of numbers is."""
    return hash(int.from_bytes(blake2b(ends.tobytes(), digest_size=8).digest()))


ANY_ADDRESS: Final = Ranges(((0, IP_MAX),))
ANY_PORT: Final = Ranges(((0, PORT_MAX),))
