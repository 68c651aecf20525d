"""Sets of patterns, laid out for the scan."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from vpi_tui.detect.match.fast_pattern import surprise
from vpi_tui.detect.match.kernels_scan import LONGEST, SHORTEST, SMALL, PatternSets, fill_set
from vpi_tui.model.batch import I32, I64, U8, U64

_SIEVES: Final = {4: (3, 2), 5: (3, 3), 6: (4, 3), 7: (4, 4)}
"""Length of the shortest pattern: (bytes a look, bytes from look to look); longer: (4, 5)."""
_ROOM: Final = 64
"""Bits of a sieve for each that is set: one look in so many passes by chance."""
_SEEK: Final = 0.06
"""What it costs to seek one pattern by itself at a byte, where one look at a sieve costs 1."""
_SIEVE_BITS: Final = (1 << 12, 1 << 22)


def starts(lists: Sequence[Sized]) -> I32:
    """int32[lists + 1]: where each list begins when all are put in a row."""
    return np.concatenate(([0], np.cumsum([len(found) for found in lists], dtype=np.int64))).astype(np.int32)


@dataclass(slots=True)
class _Set:
    """One set: its sieve and its table."""

    gram: int
    stride: int
    lengths: int
    sieve: U64
    heads: U64
    key: U64
    length: U8
    pattern: I32
    short: list[int]
    """Those that are sought one by one."""


@dataclass(slots=True)
class Patterns:
    """All that is scanned for, folded, by number, each with the rules that look for it."""

    pieces: list[bytes] = field(default_factory=list)
    rules_of: list[list[int]] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    """Latest end in a payload at which one of its rules may want it; -1 = anywhere."""
    _numbers: dict[bytes, int] = field(default_factory=dict)

    def add(self, piece: bytes, rule: int, limit: int) -> int:
        """A rule wants a piece that ends at `limit` at the latest; returns the number of the piece."""
        number = self._numbers.setdefault(piece, len(self.pieces))
        if number == len(self.pieces):
            self.pieces.append(piece)
            self.rules_of.append([])
            self.limits.append(limit)
        self.rules_of[number].append(rule)
        before = self.limits[number]
        self.limits[number] = -1 if min(before, limit) < 0 else max(before, limit)
        return number


@dataclass(slots=True)
class PatternSetBuilder:
    """Collects sets of patterns, which are numbers of those given."""

    patterns: Patterns
    sets: list[_Set] = field(default_factory=list)
    known: dict[frozenset[int], int] = field(default_factory=dict)
    keys: U64 = field(init=False)
    lengths: U8 = field(init=False)

    def __post_init__(self) -> None:
        self.keys = np.array([int.from_bytes(p, "little") for p in self.patterns.pieces], np.uint64)
        self.lengths = np.array([len(p) for p in self.patterns.pieces], np.uint8)

    def add(self, chosen: frozenset[int]) -> int:
        """Number of the set; -1 for the empty one."""
        if not chosen:
            return -1
        if chosen not in self.known:
            self.known[chosen] = len(self.sets)
            self.sets.append(self._build(np.array(sorted(chosen), np.int64)))
        return self.known[chosen]

    def _build(self, chosen: I64) -> _Set:
        is_long = self.lengths[chosen] >= _shortest_behind_sieve(self.lengths[chosen])
        behind, short = chosen[is_long], chosen[~is_long].tolist()
        if not behind.size:
            nothing = np.zeros(0, np.uint64)
            return _Set(
                0, 0, 0, nothing, nothing, nothing, np.zeros(0, np.uint8), np.zeros(0, np.int32), short
            )
        sizes = np.unique(self.lengths[behind]).tolist()
        gram, stride = _looks(sizes[0])
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

    def finish(self) -> PatternSets:
        """All sets."""
        sets, rules_of = self.sets, self.patterns.rules_of
        short = [number for one in sets for number in one.short]
        pairs = [_pair_of(self.patterns.pieces[number]) for number in short]
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
            short_at=np.array([at for at, _ in pairs], np.uint8),
            short_bytes=np.array([pair for _, pair in pairs], np.uint8).reshape(-1, 2) | SMALL,
            short_length=self.lengths[short],
            short_key=self.keys[short],
            short_pattern=np.array(short, np.int32),
            short_limit=np.array([self.patterns.limits[n] for n in short], np.int32),
            rule_start=starts(rules_of),
            rule=np.array([rule for found in rules_of for rule in found], np.int32),
        )


def _shortest_behind_sieve(lengths: U8) -> int:
    """The length from which on patterns are put behind a sieve: the shorter these are, the more often it is
    looked at, so that it pays to seek a few by themselves."""

    def cost(least: int) -> float:
        behind = lengths[lengths >= least]
        looks = 1 / _looks(int(behind.min()))[1] if behind.size else 0
        return _SEEK * (lengths.size - behind.size) + looks

    return min(range(SHORTEST, LONGEST + 2), key=cost)


def _looks(shortest: int) -> tuple[int, int]:
    """(bytes a look, bytes from look to look) for patterns of at least so many bytes."""
    return _SIEVES.get(shortest, (4, 5))


def _power(count: int) -> int:
    """The least power of two that is not less."""
    return 1 << max(0, count - 1).bit_length()


def _pair_of(piece: bytes) -> tuple[int, tuple[int, int]]:
    """(where, which) two neighbours of a piece are the rarest; of a piece of one byte that byte twice."""
    at = max(range(max(len(piece) - 1, 1)), key=lambda at: surprise(piece[at : at + 2]))
    return at, (piece[at], piece[min(at + 1, len(piece) - 1)])
