"""Sets of patterns, laid out for the scan."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from vpi_tui.detect.match.kernels_scan import SHORTEST, PatternSets, fill_set
from vpi_tui.model.batch import I32, I64, U8, U64

_SIEVES: Final = {4: (3, 2), 5: (3, 3), 6: (4, 3), 7: (4, 4)}
"""Length of the shortest pattern: (bytes a look, bytes from look to look); longer: (4, 5)."""
_ROOM: Final = 64
"""Bits of a sieve for each that is set: one look in so many passes by chance."""
_SIEVE_BITS: Final = (1 << 12, 1 << 22)


def starts(lists: Sequence[Sized]) -> I32:
    """int32[lists + 1]: where each list begins when all are put in a row."""
    return np.concatenate(([0], np.cumsum([len(found) for found in lists], dtype=np.int64))).astype(np.int32)


@dataclass(slots=True)
class _Set:
    """One set: its sieve and its table; short: numbers of its short patterns."""

    gram: int
    stride: int
    lengths: int
    sieve: U64
    heads: U64
    key: U64
    length: U8
    pattern: I32
    short: list[int]


@dataclass(slots=True)
class PatternSetBuilder:
    """Collects sets of patterns. Patterns are global: numbers into one list, given folded."""

    patterns: Sequence[bytes]
    sets: list[_Set] = field(default_factory=list)
    known: dict[frozenset[int], int] = field(default_factory=dict)
    keys: U64 = field(init=False)
    lengths: U8 = field(init=False)

    def __post_init__(self) -> None:
        self.keys = np.array([int.from_bytes(p, "little") for p in self.patterns], np.uint64)
        self.lengths = np.array([len(p) for p in self.patterns], np.uint8)

    def add(self, chosen: frozenset[int]) -> int:
        """Number of the set; -1 for the empty one."""
        if not chosen:
            return -1
        if chosen not in self.known:
            self.known[chosen] = len(self.sets)
            self.sets.append(self._build(np.array(sorted(chosen), np.int64)))
        return self.known[chosen]

    def _build(self, chosen: I64) -> _Set:
        is_long = self.lengths[chosen] >= SHORTEST
        behind, short = chosen[is_long], chosen[~is_long].tolist()
        if not behind.size:
            nothing = np.zeros(0, np.uint64)
            return _Set(
                0, 0, 0, nothing, nothing, nothing, np.zeros(0, np.uint8), np.zeros(0, np.int32), short
            )
        sizes = np.unique(self.lengths[behind]).tolist()
        gram, stride = _SIEVES.get(sizes[0], (4, 5))
        bits = min(max(_power(behind.size * stride * _ROOM), _SIEVE_BITS[0]), _SIEVE_BITS[1])
        places = _power(2 * behind.size)
        made = _Set(
            gram,
            stride,
            sum(1 << size - SHORTEST for size in sizes),
            np.zeros(bits // 64, np.uint64),
            np.zeros(bits // 64, np.uint64),
            np.zeros(places, np.uint64),
            np.zeros(places, np.uint8),
            np.zeros(places, np.int32),
            short,
        )
        fill_set(
            behind, self.keys, self.lengths, gram, stride, made.sieve, made.heads, np.uint64(bits - 1),
            made.key, made.length, made.pattern, np.uint64(places - 1),
        )  # fmt: skip
        return made

    def finish(self, rules_of: Sequence[Sequence[int]]) -> PatternSets:
        """All sets. rules_of: for each pattern, the rules that look for it."""
        sets = self.sets
        short = [number for one in sets for number in one.short]
        return PatternSets(
            gram=np.array([one.gram for one in sets], np.uint8),
            stride=np.array([one.stride for one in sets], np.uint8),
            lengths=np.array([one.lengths for one in sets], np.uint8),
            sieve_start=starts([one.sieve for one in sets])[:-1].astype(np.int64),
            sieve_mask=np.array([max(0, 64 * one.sieve.size - 1) for one in sets], np.uint64),
            sieve=np.concatenate([np.zeros(0, np.uint64), *(one.sieve for one in sets)]),
            heads=np.concatenate([np.zeros(0, np.uint64), *(one.heads for one in sets)]),
            place_start=starts([one.key for one in sets])[:-1].astype(np.int64),
            place_mask=np.array([max(0, one.key.size - 1) for one in sets], np.uint64),
            place_key=np.concatenate([np.zeros(0, np.uint64), *(one.key for one in sets)]),
            place_length=np.concatenate([np.zeros(0, np.uint8), *(one.length for one in sets)]),
            place_pattern=np.concatenate([np.zeros(0, np.int32), *(one.pattern for one in sets)]),
            short_start=starts([one.short for one in sets]),
            short_bytes=np.array([_bytes_of(self.patterns[n]) for n in short], np.uint8).reshape(-1, 4),
            short_length=self.lengths[short],
            short_key=self.keys[short],
            short_pattern=np.array(short, np.int32),
            rule_start=starts(rules_of),
            rule=np.array([rule for found in rules_of for rule in found], np.int32),
        )


def _power(count: int) -> int:
    """The least power of two that is not less."""
    return 1 << max(0, count - 1).bit_length()


def _bytes_of(short: bytes) -> tuple[int, ...]:
    """PatternSets.short_bytes of a pattern."""
    pair = short[:1], short[1:2] or short[:1]
    return tuple(case[0] for byte in pair for case in (byte, byte.upper()))
