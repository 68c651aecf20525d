"""Sets of addresses as the places where they begin and end: what is done with a million of them at once.

Edges are sorted and different: from one with an even number on addresses are in the set, from the next one on
they are not. A set that goes on to the last address has no edge behind it. They are numbers of 128 bits in 16
bytes, big-endian, which numpy sorts and compares as text of a fixed length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import U32, U64

Edges = NDArray[np.bytes_]
Bools = NDArray[np.bool_]
KEY: Final = np.dtype("S16")
_SIZE: Final = 16
_PIECE: Final = 1 << 16
_BEHIND: Final = 1 << 128


def keys_of(halves: U64) -> Edges:
    """bytes16[n] of uint64[n, 2], the higher half first."""
    return np.ascontiguousarray(halves, ">u8").view(KEY).reshape(-1)


def halves_of(keys: Edges) -> U64:
    """uint64[n, 2]"""
    return big_halves_of(keys).astype(np.uint64)


def big_halves_of(keys: Edges) -> U64:
    """The same, big-endian: the keys themselves, to be copied into an array."""
    return np.ascontiguousarray(keys).view(">u8").reshape(-1, 2)


def edges_of(spans: Iterable[tuple[int, int]]) -> Edges:
    """Of sorted, disjoint, inclusive spans that are not adjacent."""
    ends = [end for low, high in spans for end in (low, high + 1)]
    return np.frombuffer(b"".join(end.to_bytes(_SIZE) for end in ends if end != _BEHIND), KEY)


def spans_of(edges: Edges) -> tuple[tuple[int, int], ...]:
    ends = [high << 64 | low for high, low in halves_of(edges).tolist()]
    ends += [_BEHIND] * (len(ends) % 2)
    return tuple((low, end - 1) for low, end in zip(ends[::2], ends[1::2], strict=True))


def bounds_of(edges: Edges) -> tuple[U64, U64]:
    """uint64[spans, 2] each: first and last addresses, in halves."""
    low, high = halves_of(edges[::2]), halves_of(edges[1::2])
    high[:, 0] -= high[:, 1] == 0
    high[:, 1] -= np.uint64(1)  # of 0 it is all ones
    if len(high) < len(low):
        high = np.concatenate((high, np.full((1, 2), ~np.uint64(0))))
    return low, high


def next_of(keys: Edges) -> Edges:
    """The addresses behind; 0 behind the last one."""
    halves = halves_of(keys)
    halves[:, 1] += np.uint64(1)
    halves[:, 0] += halves[:, 1] == 0
    return keys_of(halves)


def holds(edges: Edges, value: int) -> bool:
    return bool(edges.searchsorted(np.bytes_(value.to_bytes(_SIZE)), "right") & 1)


def inside(edges: Edges, keys: Edges) -> Bools:
    """Is each address in the set? Quickest for sorted ones."""
    return (before(edges, keys) & np.uint32(1)).astype(np.bool_)


def before(edges: Edges, keys: Edges) -> U32:
    """uint32[keys]: how many edges are there up to each key?"""
    found = np.empty(keys.size, np.uint32)
    for at in range(0, keys.size, _PIECE):
        found[at : at + _PIECE] = np.searchsorted(edges, keys[at : at + _PIECE], "right")
    return found


def changes(keys: Edges, held: Bools) -> Edges:
    """The edges of a set that holds addresses from each key on, or does not; before the first it does not."""
    found: Edges = keys[held != np.concatenate((np.zeros(1, np.bool_), held[:-1]))]
    return found


def merged(*runs: Edges) -> Edges:
    """All of them, sorted and once each. Quickest for runs that are sorted."""
    keys = np.concatenate(runs)
    keys.sort(kind="stable")
    kept = np.ones(keys.size, np.bool_)
    kept[1:] = keys[1:] != keys[:-1]
    return keys if kept.all() else keys[kept]


def combined(one: Edges, other: Edges, operation: Callable[[Bools, Bools], Any]) -> Edges:
    """operation: what holds of an address by whether it is in each set; in neither, it may not hold."""
    keys = merged(one, other)
    return changes(keys, operation(inside(one, keys), inside(other, keys)))


def complement(edges: Edges) -> Edges:
    """All other addresses."""
    zero = np.zeros(1, KEY)
    return edges[1:] if edges.size and edges[0] == zero[0] else np.concatenate((zero, edges))


def meet(one: Edges, other: Edges) -> bool:
    """Have two sets an address in common?"""
    first, end = np.searchsorted(one, other[::2], "right"), np.searchsorted(one, other[1::2], "left")
    end = np.append(end, one.size)[: first.size]
    return bool(np.any((first & 1 == 1) | (end > first)))
