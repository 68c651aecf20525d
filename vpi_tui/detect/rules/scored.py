"""Addresses and networks with scores: a million of them become a few columns."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.rules import atoms
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.sets import Spans
from vpi_tui.model import edges
from vpi_tui.model.batch import I64, U8, U64
from vpi_tui.model.edges import Edges

I16 = NDArray[np.int16]
MOST_SCORE: Final = 127
MOST_OF_RANGES: Final = 1 << 20
"""Networks that `first-last` may stand for in one category: a single line may stand for 250."""

_NONE: Final = -1
_BITS: Final = 128
_V4_BITS: Final = 96
"""Of the 128 of an address, those that say that it is one of IPv4."""
_EVERYTHING: Final = 0xFF
"""Stands for the prefix of `any`, which is wider than ::/0: this is about IPv6 alone."""
_V4_BEFORE: Final = atoms.V4_BASE.to_bytes(16)[:12]
_V4: Final = edges.edges_of(atoms.IPV4)
_V4_PREFIXES: Final = {str(bits): _V4_BITS + bits for bits in range(33)}
_V6_PREFIXES: Final = {str(bits): bits for bits in range(_BITS + 1)}


class Scored(NamedTuple):
    """What is said of all addresses of a category."""

    begin: Edges
    """From here on to the next one …"""
    score: I16
    """… this is said; _NONE = nothing."""

    def within(self, scores: Spans) -> Edges:
        """The addresses whose score lies in one of these spans."""
        held = np.zeros(self.score.size, np.bool_)
        for low, high in scores:
            held |= (self.score >= max(low, 0)) & (self.score <= high)
        return edges.changes(self.begin, held)


class _Entries:
    """Addresses in 16 bytes, one behind the other; their scores; of networks the bits of their prefixes."""

    def __init__(self) -> None:
        self.keys = bytearray()
        self.scores = bytearray()
        self.bits = bytearray()


class ScoredBuilder:
    """Takes the lines of one category."""

    def __init__(self) -> None:
        self._hosts = _Entries()
        self._networks = _Entries()
        self._of_ranges = 0

    def add_usual(self, word: str, score: int) -> bool:
        """False: the word is no address or network as they are usually written."""
        base, slash, size = word.partition("/")
        try:
            if ":" in base:
                key, bits = socket.inet_pton(socket.AF_INET6, base), _V6_PREFIXES[size] if slash else 0
            else:
                key = _V4_BEFORE + socket.inet_pton(socket.AF_INET, base)
                bits = _V4_PREFIXES[size] if slash else 0
        except (OSError, ValueError, KeyError):
            return False
        if slash:
            self._put_network(key, bits, score)
        else:
            self._put_host(key, score)
        return True

    def add(self, word: str, score: int) -> bool:
        """False: the word is no address, network or range, in any way that the rule language knows."""
        if self.add_usual(word, score):
            return True
        try:
            spans = atoms.address(word)
        except Refused:
            return False
        low, high = spans[0]
        if word.lower() == "any":
            self._put_network(bytes(16), _EVERYTHING, score)
        elif "/" in word:
            whole = (spans[-1][1] - low).bit_length()
            self._put_network(low.to_bytes(16), _BITS - whole, score)
        elif low == high:
            self._put_host(low.to_bytes(16), score)
        else:
            return self._add_range(low, high, score)
        return True

    def finish(self) -> Scored:
        """What was said; the builder is of no use afterwards."""
        hosts, networks = self._hosts, self._networks
        self._hosts = self._networks = _Entries()
        found = _of_hosts(np.frombuffer(hosts.keys, edges.KEY), np.frombuffer(hosts.scores, np.uint8))
        if not networks.keys:
            return found
        keys, scores = np.frombuffer(networks.keys, edges.KEY), np.frombuffer(networks.scores, np.uint8)
        return _over(found, _of_networks(keys, np.frombuffer(networks.bits, np.uint8), scores))

    def _add_range(self, low: int, high: int, score: int) -> bool:
        networks = list(_networks_of(low, high))
        if self._of_ranges + len(networks) > MOST_OF_RANGES:
            return False
        self._of_ranges += len(networks)
        for first, bits in networks:
            self._put_network(first.to_bytes(16), bits, score)
        return True

    def _put_host(self, key: bytes, score: int) -> None:
        self._hosts.keys += key
        self._hosts.scores.append(score)

    def _put_network(self, key: bytes, bits: int, score: int) -> None:
        self._networks.keys += key
        self._networks.bits.append(bits)
        self._networks.scores.append(score)


def _networks_of(low: int, high: int) -> Iterator[tuple[int, int]]:
    """(first address, bits of the prefix) of the fewest networks that are this range."""
    while low <= high:
        size = min((low & -low or 1 << _BITS).bit_length(), (high - low + 1).bit_length()) - 1
        yield low, _BITS - size
        low += 1 << size


def _of_hosts(keys: Edges, scores: U8) -> Scored:
    """Of an address that is there twice the last score counts."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    last = np.append(keys[1:] != keys[:-1], True)[: keys.size]
    keys, scores = keys[last], scores[order[last]]
    return _apart(keys, edges.next_of(keys), scores)


def _apart(low: Edges, behind: Edges, scores: U8) -> Scored:
    """Of spans that are sorted and do not overlap. behind: the address behind each, 0 behind the last one."""
    begin = np.column_stack((low, behind)).reshape(-1)
    score = np.column_stack((scores.astype(np.int16), np.full(scores.size, _NONE, np.int16))).reshape(-1)
    kept = np.ones(begin.size, np.bool_)
    kept[1:-1:2] = behind[:-1] != low[1:]
    kept[-1:] = behind[-1:] != np.zeros(1, edges.KEY)
    return Scored(begin[kept], score[kept])


def _over(narrow: Scored, wide: Scored) -> Scored:
    """What the narrow one says, and where it says nothing what the wide one does."""
    begin = edges.merged(narrow.begin, wide.begin)
    first, second = _at(narrow, begin), _at(wide, begin)
    return Scored(begin, np.where(first == _NONE, second, first))


def _at(scored: Scored, keys: Edges) -> I16:
    said = np.append(np.int16(_NONE), scored.score)
    return said[np.searchsorted(scored.begin, keys, "right")]


def _of_networks(keys: Edges, bits: U8, scores: U8) -> Scored:
    """Widest networks first, so that a narrower one has the last word. Of equal ones the first counts."""
    low, behind, row = _spans_of(keys, bits)
    begin = edges.merged(np.sort(low), np.sort(behind[behind != np.zeros(1, edges.KEY)]))
    score = np.full(begin.size, _NONE, np.int16)
    wideness = np.where(bits == _EVERYTHING, -1, bits.astype(np.int16))[row]
    for size in np.unique(wideness):
        here = np.flatnonzero(wideness == size)
        firsts, at = np.unique(low[here], return_index=True)
        chosen = here[at]
        first = np.searchsorted(begin, firsts)
        end = np.searchsorted(begin, behind[chosen])
        end[behind[chosen] == np.zeros(1, edges.KEY)] = begin.size
        count = end - first
        score[_each(first, count)] = np.repeat(scores[row[chosen]], count)
    return Scored(begin, score)


def _each(first: I64, count: I64) -> I64:
    """The places first, first + 1 … of each, count of them, one behind the other."""
    skipped = np.cumsum(count) - count
    places: I64 = np.arange(int(count.sum())) + np.repeat(first - skipped, count)
    return places


def _spans_of(keys: Edges, bits: U8) -> tuple[Edges, Edges, I64]:
    """(first address, address behind, number of the network). One around those of IPv4 is two spans."""
    mask = _masks(np.where(bits == _EVERYTHING, 0, bits))
    low = edges.keys_of(edges.halves_of(keys) & mask)
    behind = edges.next_of(edges.keys_of(edges.halves_of(low) | ~mask))
    row = np.arange(bits.size)
    ends_behind = (behind > _V4[1]) | (behind == np.zeros(1, edges.KEY))
    around = np.flatnonzero((low < _V4[0]) & ends_behind & (bits != _EVERYTHING))
    upper = behind[around]
    behind[around] = _V4[0]
    return (
        np.concatenate((low, np.repeat(_V4[1:], around.size))),
        np.concatenate((behind, upper)),
        np.concatenate((row, around)),
    )


def _masks(bits: NDArray[np.integer]) -> U64:
    """uint64[n, 2]: bits that say the network."""
    high = np.minimum(bits, 64).astype(np.uint64)
    low = np.maximum(bits.astype(np.int16) - 64, 0).astype(np.uint64)
    return np.column_stack([_high_bits(high), _high_bits(low)])


def _high_bits(count: U64) -> U64:
    """So many set bits from the highest on, at most 64."""
    ones = ~np.uint64(0)
    return np.where(count == 0, np.uint64(0), ones << (np.uint64(64) - np.maximum(count, np.uint64(1))))
