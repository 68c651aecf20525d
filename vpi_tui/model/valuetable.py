"""Many values in little memory: what a file lists, a million indicators say, found by a hash and compared.

A set of Python takes a hundred bytes a value and as long to make as to read the file; this takes twelve bytes
and the value itself, and is mapped from the stored rules as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

import numpy as np

from vpi_tui.model.batch import I32, U8, U32

_HASH_BITS: Final = 32
FEW: Final = 4_096
EVEN: Final = 64
"""Values in one bucket at most, or somebody has chosen them; by chance a dozen of millions meet in one."""


class ValueTable:
    """Different values, which do not change. Each has a place: the number of its first or only line.

    blob: the bytes of all, uint8. start: uint32[places + 1], where each begins in it. order: uint32[values],
    the places by bucket. index: uint32[buckets + 1], where each bucket begins in `order`; buckets are a power
    of two. Of a value that was given twice the first place is in `order`.
    """

    __slots__ = ("_blob", "_index", "_order", "_shift", "_start", "arrays")

    def __init__(self, blob: U8, start: U32, order: U32, index: U32) -> None:
        """Raises ValueError for tables that do not fit together."""
        buckets = index.size - 1
        if buckets < 1 or buckets & (buckets - 1) or not start.size:
            raise ValueError("no table of values")
        self.arrays = blob, start, order, index
        """As they are stored."""
        # Single elements are read from a memoryview twice as quickly as from an array.
        self._blob, self._start, self._order, self._index = blob.data, start.data, order.data, index.data
        self._shift = _HASH_BITS - (buckets.bit_length() - 1)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[bytes]:
        blob, start = self._blob, self._start
        return (bytes(blob[start[place] : start[place + 1]]) for place in self._order)

    def __contains__(self, value: bytes) -> bool:
        return self.place(value) >= 0

    def place(self, value: bytes) -> int:
        """-1 = it is not there."""
        bucket = crc32(value) >> self._shift
        at, end = self._index[bucket], self._index[bucket + 1]
        while at < end:
            place = self._order[at]
            if self._blob[self._start[place] : self._start[place + 1]] == value:
                return place
            at += 1
        return -1

    @property
    def places(self) -> int:
        return len(self._start) - 1

    @property
    def is_even(self) -> bool:
        """Are the values spread over the buckets, so that none takes long to find?"""
        return int(np.diff(self.arrays[3]).max()) <= EVEN


class ScoreTable:
    """A score for each value. score: int32[places]."""

    __slots__ = ("score", "values")

    def __init__(self, values: ValueTable, score: I32) -> None:
        """Raises ValueError for scores of other values."""
        if score.size != values.places:
            raise ValueError("no scores of these values")
        self.values = values
        self.score = score

    def get(self, value: bytes) -> int | None:
        """None = it has none."""
        place = self.values.place(value)
        return int(self.score[place]) if place >= 0 else None

    def items(self) -> Iterator[tuple[bytes, int]]:
        return zip(self.values, self.score[self.values.arrays[2]].tolist(), strict=True)


class TextTable:
    """A text for each value, b"" = none. blob: the bytes of all, uint8. start: uint32[places + 1]."""

    __slots__ = ("_blob", "_start", "arrays", "values")

    def __init__(self, values: ValueTable, blob: U8, start: U32) -> None:
        """Raises ValueError for texts of other values."""
        if start.size != values.places + 1:
            raise ValueError("no texts of these values")
        self.values = values
        self.arrays = *values.arrays, blob, start
        """As they are stored."""
        self._blob, self._start = blob.data, start.data

    def get(self, value: bytes) -> bytes | None:
        """None = the value is not there."""
        place = self.values.place(value)
        return self._text(place) if place >= 0 else None

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        return zip(self.values, map(self._text, self.values.arrays[2].tolist()), strict=True)

    def _text(self, place: int) -> bytes:
        return bytes(self._blob[self._start[place] : self._start[place + 1]])


def few_or_uneven(table: ValueTable) -> bool:
    """Is a set of Python the better choice? It finds a value of few sooner, and no choice of values makes it
    slow."""
    return len(table) <= FEW or not table.is_even


class TableBuilder:
    """Takes values piece by piece, so that no more than a piece is ever there as objects of Python."""

    def __init__(self) -> None:
        self._blob = bytearray()
        self._sizes: list[U32] = []
        self._hashes: list[U32] = []

    def add(self, values: Sequence[bytes]) -> None:
        self._blob += b"".join(values)
        self._sizes.append(np.fromiter(map(len, values), np.uint32, len(values)))
        self._hashes.append(np.fromiter(map(crc32, values), np.uint32, len(values)))

    def table(self) -> ValueTable:
        """Of all that came; the builder is of no use afterwards."""
        sizes = np.concatenate(self._sizes) if self._sizes else np.zeros(0, np.uint32)
        start = np.zeros(sizes.size + 1, np.uint32)
        np.cumsum(sizes, out=start[1:])
        hashes = np.concatenate(self._hashes) if self._hashes else np.zeros(0, np.uint32)
        order = np.argsort(hashes, kind="stable").astype(np.uint32)
        hashes = hashes[order]
        again = self._again(hashes, order, start)
        order, hashes = order[~again], hashes[~again]
        bits = max(order.size - 1, 1).bit_length()
        buckets = np.arange((1 << bits) + 1, dtype=np.uint32)
        index = np.searchsorted(hashes >> np.uint32(_HASH_BITS - bits), buckets).astype(np.uint32)
        return ValueTable(np.frombuffer(self._blob, np.uint8), start, order, index)

    def _again(self, hashes: U32, order: U32, start: U32) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """bool[values]: was there before this place."""
        again = np.zeros(hashes.size, np.bool_)
        same = hashes[1:] == hashes[:-1]
        shared = np.flatnonzero(np.append(same, False) | np.append(False, same))
        seen: set[bytes] = set()
        before = -1
        for at in shared.tolist():
            place, of = int(order[at]), int(hashes[at])
            if of != before:
                seen.clear()
                before = of
            value = bytes(self._blob[start[place] : start[place + 1]])
            again[at] = value in seen
            seen.add(value)
        return again
