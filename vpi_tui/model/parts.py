"""What all parts of a signature are made of, and the sets of addresses and ports that they share.

Parts are msgspec structs: half as large as dataclasses, made three times as quickly, and encoded without a
line of code. They hold no cycles, so the garbage collector need not know of them.
"""

from __future__ import annotations

from typing import Final

import msgspec

IP_MAX: Final = (1 << 128) - 1
PORT_MAX: Final = 0xFFFF


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A value of some fields."""


class Part(Record, frozen=True, gc=False, array_like=True, tag=True):
    """One of several that may stand in the same place; encoded with its name."""


class Ranges:
    """A set of integers as sorted, disjoint, inclusive ranges; negation is already resolved.

    Addresses live in the 128-bit space (IPv4 as ::ffff:a.b.c.d), ports in 0..65535. Never changed. No struct:
    most rules share a few ($HOME_NET, any), which are encoded once and not with each rule.
    """

    __slots__ = ("_hash", "spans")

    def __init__(self, spans: tuple[tuple[int, int], ...]) -> None:
        self.spans = spans
        self._hash = hash(spans)

    def __contains__(self, value: int) -> bool:
        return any(low <= value <= high for low, high in self.spans)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Ranges) and self.spans == other.spans)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Ranges({self.spans!r})"


ANY_ADDRESS: Final = Ranges(((0, IP_MAX),))
ANY_PORT: Final = Ranges(((0, PORT_MAX),))
