"""Sorting the rules that no pattern finds, so that a packet meets those that name its ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.columns import KIND_ICMP4, KIND_ICMP6, KIND_OTHER, KIND_SCTP, KIND_TCP, KIND_UDP
from vpi_tui.detect.match.kernels_listed import (
    BY_DEST,
    BY_DEST_PORT,
    BY_SRC,
    BY_SRC_PORT,
    INDEXES,
    PacketRules,
    RuleLists,
)
from vpi_tui.detect.match.units import UnitKind, mask
from vpi_tui.model import edges
from vpi_tui.model.batch import I32, U64
from vpi_tui.model.edges import Edges
from vpi_tui.model.signature import ANY_PORT, IP_MAX, ColumnTest, Header, Ranges, Signature

FEW_ADDRESSES: Final = 1 << 16
"""A set of more IPv4 addresses than this sorts no better than ports do."""
MOST_ADDRESSES: Final = 1 << 23
"""A set of more than this (10.0.0.0/8) is no help in sorting; nor is a network of IPv6 larger than a /48."""
FEW_PORTS: Final = 2048
_IPV4_END: Final = 0xFFFF_FFFF_FFFF
_IPV6_SITE_BITS: Final = 80
_HALF: Final = (1 << 64) - 1
_CLASS_KINDS: Final = (KIND_TCP, KIND_UDP, KIND_ICMP4 | KIND_ICMP6, KIND_SCTP | KIND_OTHER)
EVENT_COLUMNS: Final = ("events", "oddities0", "oddities1", "stream_events")
"""Columns that are 0 for almost all packets."""
_ALL_EVENTS: Final = (1 << 64) - 1
_KEY_COLUMN: Final = {0: "tcp_flags", 2: "icmp_type"}

Run = tuple[int, ...]
"""Rule numbers."""


@dataclass(frozen=True, slots=True)
class ListedRule:
    """What the sorting needs of a rule without a fast pattern."""

    number: int
    signature: Signature
    kinds: int
    directions: int
    once: bool
    units: int
    """Mask of UnitKind for rules that want a payload; 0 = none."""


def build_packet_rules(rules: Sequence[ListedRule], total: int) -> PacketRules:
    """The lists of rules to check per packet. total: number of all rules."""
    lists = ListBuilder((rule.number, rule.signature.header) for rule in rules)
    list_of = np.zeros((4, 3, 256), np.int32)
    odd_of, once_of = np.zeros((4, 3), np.int32), np.zeros((4, 3), np.int32)
    stream_of = np.zeros(3, np.int32)
    packets = mask(UnitKind.PACKET, UnitKind.TAKEN)
    per_packet = [rule for rule in rules if not rule.once and (not rule.units or rule.units & packets)]
    for group, kinds in enumerate(_CLASS_KINDS):
        for direction in range(3):
            once = (r.number for r in rules if r.once and r.kinds & kinds and r.directions >> direction & 1)
            once_of[group, direction] = lists.add(tuple(once))
            here = [r for r in per_packet if r.kinds & kinds and r.directions >> direction & 1]
            usual = [rule for rule in here if _wanted_event(rule.signature) is None]
            list_of[group, direction] = _by_key(usual, _KEY_COLUMN.get(group, ""), lists)
            odd_of[group, direction] = lists.add(tuple(r.number for r in here if _wanted_event(r.signature)))
    for direction in range(3):
        streams = (r.number for r in rules if r.units & ~packets and r.directions >> direction & 1)
        stream_of[direction] = lists.add(tuple(streams))
    needs = np.zeros(total, np.uint8)
    for rule in rules:
        needs[rule.number] = rule.units
    return PacketRules(lists.finish(), list_of, odd_of, _events(per_packet), once_of, needs, stream_of)


def one_list(rules: Iterable[tuple[int, Header]], total: int) -> PacketRules:
    """One list of rules without a need of payload, for stretches of both directions."""
    headers = dict(rules)
    lists = ListBuilder(headers.items())
    number = lists.add(tuple(headers))
    return PacketRules(
        lists=lists.finish(),
        list_of=np.zeros((4, 3, 256), np.int32),
        odd_of=np.zeros((4, 3), np.int32),
        events=np.zeros(len(EVENT_COLUMNS), np.uint64),
        once_of=np.zeros((4, 3), np.int32),
        needs=np.zeros(total, np.uint8),
        stream_of=np.full(3, number, np.int32),
    )


def _wanted_event(signature: Signature) -> ColumnTest | None:
    """A test that fails for every packet without an event."""
    for test in signature.columns:
        if test.column in EVENT_COLUMNS and not test.negated and all(low > 0 for low, _ in test.spans):
            return test
    return None


def _events(rules: Iterable[ListedRule]) -> U64:
    """PacketRules.events: without one of the bits that a test looks at it finds 0."""
    wanted = dict.fromkeys(EVENT_COLUMNS, 0)
    for rule in rules:
        test = _wanted_event(rule.signature)
        if test is not None:
            wanted[test.column] |= _ALL_EVENTS if test.mask is None else test.mask
    return np.array(list(wanted.values()), np.uint64)


def _by_key(rules: Sequence[ListedRule], column: str, lists: ListBuilder) -> I32:
    """int32[256]: the list for each key byte: the rules whose tests of the column it can pass."""
    allowed = np.array([_key_allowed(rule.signature, column) for rule in rules]).reshape(-1, 256)
    found = np.zeros(256, np.int32)
    for key in range(256):
        found[key] = lists.add(tuple(rules[k].number for k in np.flatnonzero(allowed[:, key]).tolist()))
    return found


def _key_allowed(signature: Signature, column: str) -> NDArray[np.bool_]:
    """bool[256]: may a packet with this low byte in the column pass the rule's tests of it?"""
    allowed = np.ones(256, np.bool_)
    for test in signature.columns:
        if test.column == column:
            either = np.zeros(256, np.bool_)
            for ninth_bit in (0, 0x100):
                values = np.arange(256) + ninth_bit
                if test.mask is not None:
                    values &= test.mask & 0x1FF
                inside = np.zeros(256, np.bool_)
                for low, high in test.spans:
                    inside |= (values >= min(low, 0x7FFF)) & (values <= min(high, 0x7FFF))
                either |= inside != test.negated
            allowed &= either
    return allowed


class _Index(NamedTuple):
    """Sorted bounds, and the number of the run that may hold from each of them on."""

    bound: Edges
    run: I32


_EMPTY: Final = _Index(np.zeros(0, edges.KEY), np.zeros(0, np.int32))


class ListBuilder:
    """Collects lists of rules; equal ones are kept once."""

    def __init__(self, headers: Iterable[tuple[int, Header]]) -> None:
        size_of = cache(_addresses)  # rules share sets, and large ones take a while
        self._places = {number: _places_of(header, size_of) for number, header in headers}
        self._lists: dict[Run, int] = {(): 0}
        self._runs: dict[Run, int] = {(): 0}
        self._rules: list[Run] = [()]
        """By number of the run."""
        self._whole = [0]
        self._indexes = [_EMPTY] * INDEXES
        """By list and BY_*."""

    def add(self, rules: Run) -> int:
        """Number of the list."""
        number = self._lists.setdefault(rules, len(self._lists))
        if number == len(self._whole):
            self._whole.append(self._run(tuple(r for r in rules if not self._places[r])))
            placed: list[list[tuple[int, Ranges]]] = [[] for _ in range(INDEXES)]
            for rule in rules:
                for by, ranges in self._places[rule]:
                    placed[by].append((rule, ranges))
            self._indexes += [self._index(own) for own in placed]
        return number

    def _run(self, rules: Run) -> int:
        number = self._runs.setdefault(rules, len(self._rules))
        if number == len(self._rules):
            self._rules.append(rules)
        return number

    def _index(self, rules: Sequence[tuple[int, Ranges]]) -> _Index:
        few = self._swept((rule, ranges) for rule, ranges in rules if not ranges.is_large)
        large: dict[Ranges, list[int]] = defaultdict(list)
        for rule, ranges in rules:
            if ranges.is_large:
                large[ranges].append(rule)
        return self._with(few, large) if large else few

    def _with(self, few: _Index, large: Mapping[Ranges, Sequence[int]]) -> _Index:
        """And of rules about very many addresses, all of whose bounds are put in at once."""
        bound = edges.merged(few.bound, *(ranges.edges for ranges in large))
        run = np.append(np.int32(0), few.run)[edges.before(few.bound, bound)]
        for ranges, rules in large.items():
            held = edges.inside(ranges.edges, bound)
            numbers, which = np.unique(run[held], return_inverse=True)
            longer = [self._run(tuple(sorted((*self._rules[one], *rules)))) for one in numbers.tolist()]
            run[held] = np.array(longer, np.int32)[which]
        return _Index(bound, run)

    def _swept(self, rules: Iterable[tuple[int, Ranges]]) -> _Index:
        """Sweep over all spans: at each bound some rules begin to hold and some end."""
        begins: dict[int, list[int]] = defaultdict(list)
        ends: dict[int, list[int]] = defaultdict(list)
        for rule, ranges in rules:
            for low, high in ranges.spans:
                begins[low].append(rule)
                ends[high + 1].append(rule)
        active: set[int] = set()
        # Nothing is behind the last address, and its number would not fit.
        bounds, runs = sorted({*begins, *ends} - {IP_MAX + 1}), []
        for bound in bounds:
            active.difference_update(ends.get(bound, ()))
            active.update(begins.get(bound, ()))
            runs.append(self._run(tuple(sorted(active))))
        halves = np.array([(bound >> 64, bound & _HALF) for bound in bounds], np.uint64)
        return _Index(edges.keys_of(halves.reshape(-1, 2)), np.array(runs, np.int32)) if runs else _EMPTY

    def finish(self) -> RuleLists:
        bound_start = _starts([index.run.size for index in self._indexes])
        bound = np.zeros((int(bound_start[-1]), 2), np.uint64)
        run = np.zeros(bound.shape[0], np.int32)
        for number, index in enumerate(self._indexes):
            if index is not _EMPTY:
                here = slice(int(bound_start[number]), int(bound_start[number + 1]))
                bound[here], run[here] = edges.big_halves_of(index.bound), index.run
                self._indexes[number] = _EMPTY  # large ones are not needed twice
        return RuleLists(
            whole=np.array(self._whole, np.int32),
            bound_start=bound_start,
            bound=bound,
            run=run,
            run_start=_starts([len(run) for run in self._rules]),
            rule=np.array([rule for run in self._rules for rule in run], np.int32),
        )


def _starts(lengths: Sequence[int]) -> I32:
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int32)


def _places_of(header: Header, size_of: Callable[[Ranges], int]) -> list[tuple[int, Ranges]]:
    """(BY_*, set) of the index in which to file a rule; empty when nothing that it names is narrow.

    A rule for both directions is filed under both ends: it may hold with them changed. size_of: of a set, as
    _addresses.
    """
    header = header.looked_for
    ends = [
        (size_of(header.dest), BY_DEST, BY_SRC, header.dest),
        (size_of(header.src), BY_SRC, BY_DEST, header.src),
    ]
    ports = [
        (by, other, named)
        for by, other, named in (
            (BY_DEST_PORT, BY_SRC_PORT, header.dest_port),
            (BY_SRC_PORT, BY_DEST_PORT, header.src_port),
        )
        if named != ANY_PORT and sum(high - low + 1 for low, high in named.spans) <= FEW_PORTS
    ]
    size, by, other, named = min(ends, key=lambda end: end[0])
    if size > FEW_ADDRESSES and ports:
        by, other, named = ports[0]
    elif size > MOST_ADDRESSES:
        return []
    return [(by, named), (other, named)] if header.bidirectional else [(by, named)]


def _addresses(ranges: Ranges) -> int:
    """How many addresses of IPv4 a set holds; a site of IPv6 counts as one, more as too many."""
    if ranges.is_large:
        return _many_addresses(*ranges.bounds())
    count = 0
    for low, high in ranges.spans:
        size = high - low + 1
        count += size if high <= _IPV4_END else 1 + (size >> _IPV6_SITE_BITS) * MOST_ADDRESSES
    return count


def _many_addresses(low: U64, high: U64) -> int:
    """The same of uint64[spans, 2] each: first and last addresses."""
    is_v4 = (high[:, 0] == 0) & (high[:, 1] <= _IPV4_END)
    size = high[~is_v4, 0] - low[~is_v4, 0] - (high[~is_v4, 1] < low[~is_v4, 1])
    size = np.minimum(size, np.uint64(_HALF - 1)) + np.uint64(1)
    sites = np.minimum(size >> np.uint64(_IPV6_SITE_BITS - 64), np.uint64(1))
    of_v4 = high[is_v4, 1] - low[is_v4, 1]
    return int(of_v4.sum()) + len(high) + int(sites.sum()) * MOST_ADDRESSES
