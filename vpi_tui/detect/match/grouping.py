"""Sorting rules into groups, so that a packet meets only what could match it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.app_classes import AppClasses
from vpi_tui.detect.match.columns import KIND_ICMP4, KIND_ICMP6, KIND_OTHER, KIND_SCTP, KIND_TCP, KIND_UDP
from vpi_tui.detect.match.gates import Gate, GateBuilder
from vpi_tui.detect.match.kernels_units import (
    ANYWHERE,
    BY_BOTH,
    BY_DEST,
    BY_SRC,
    CLASSES,
    EARLY,
    GATED,
    SELECTORS,
    SIDES,
    WAYS,
    Selectors,
)
from vpi_tui.detect.match.pattern_sets import PatternSetBuilder
from vpi_tui.detect.match.units import UnitKind, mask
from vpi_tui.detect.match.ways import Ways
from vpi_tui.model.signature import ANY_PORT, Header, Ranges, Signature

MOST_PORTS: Final = 2048
"""A set of more ports than this is no help in sorting."""
MOST_GROUPS: Final = 64
MOST_PORT_GROUPS: Final = 256
"""Of ports that lie in the same sets."""
MOST_PIECES: Final = 40_000
"""Patterns of all groups of a selector together: each group repeats those for any port."""

_MAIN = mask(UnitKind.PACKET, UnitKind.STREAM_START)
_TAKEN = mask(UnitKind.TAKEN, UnitKind.STREAM_WINDOW)
_LATER = mask(UnitKind.STREAM_LATER)
_STREAMS = mask(UnitKind.STREAM_START, UnitKind.STREAM_LATER)
_TO_SERVER, _TO_CLIENT = 0b011, 0b100
_OTHER = KIND_SCTP | KIND_ICMP4 | KIND_ICMP6 | KIND_OTHER
# (kinds of packet, directions, unit kinds) of each selector; see kernels_units._selector.
_SELECTOR: Final = (
    (KIND_TCP, _TO_SERVER, _MAIN),
    (KIND_TCP, _TO_CLIENT, _MAIN),
    (KIND_TCP, _TO_SERVER, _TAKEN),
    (KIND_TCP, _TO_CLIENT, _TAKEN),
    (KIND_TCP, _TO_SERVER, _LATER),
    (KIND_TCP, _TO_CLIENT, _LATER),
    (KIND_UDP, _TO_SERVER, _MAIN),
    (KIND_UDP, _TO_CLIENT, _MAIN),
    (_OTHER, _TO_SERVER, _MAIN),
    (_OTHER, _TO_CLIENT, _MAIN),
)


@dataclass(frozen=True, slots=True)
class ScanRule:
    """What the grouping needs of a rule with a fast pattern."""

    pattern: int
    """Number of the piece."""
    kinds: int
    directions: int
    units: int
    limit: int
    """Latest end of the content in the payload; -1 = anywhere."""
    extent: int
    """Bytes of a stream before fresh ones that the rule needs."""
    ports: Ranges | None
    """The few ports that it is about; None = many."""
    to_port: bool
    from_port: bool
    """Whether those are destination ports, source ports, or (bidirectional) either."""
    lanes: int
    """Bits 1 << lane for the lanes that its addresses and its protocol word allow (lanes_of)."""
    gate: Gate | None
    """What the payload must begin with; None = nothing that is quick to see."""

    @property
    def order(self) -> int:
        """The class of patterns that its own is of."""
        if self.limit >= 0:
            return EARLY
        return ANYWHERE if self.gate is None else GATED


def narrow_ports(signature: Signature) -> tuple[Ranges | None, bool, bool]:
    """(ports, are they of the destination, of the source) by which to sort a rule."""
    header = signature.header
    for ports, to_port in ((header.dest_port, True), (header.src_port, False)):
        if ports != ANY_PORT and sum(high - low + 1 for low, high in ports.spans) <= MOST_PORTS:
            return ports, to_port or header.bidirectional, not to_port or header.bidirectional
    return None, False, False


def lanes_of(header: Header, classes: AppClasses, ways: Ways) -> int:
    """Bits 1 << (class of application * WAYS + way) for the traffic that a rule may be about."""
    of_ways = ways.of(header)
    return sum(of_ways << WAYS * number for number in classes.of(header.protocol))


def build_selectors(
    rules: Iterable[ScanRule], classes: AppClasses, ways: Ways, builder: PatternSetBuilder
) -> Selectors:
    """Groups and pattern sets of all selectors. Rules that do not fit in a group go to all ports."""
    all_rules = list(rules)
    gates = GateBuilder()
    places = classes.count * WAYS, SELECTORS, SIDES, MOST_PORT_GROUPS
    made = Selectors(
        np.zeros((SELECTORS, 2, 65536), np.uint8),
        np.full((*places, CLASSES), -1, np.int32),
        np.full(places, -1, np.int32),
        np.zeros(places, np.int32),
        np.full(places, -1, np.int32),
        gates.finish(),
        classes.of_app,
        *ways.bounds(),
    )
    most = 1
    for number, (kinds, directions, units) in enumerate(_SELECTOR):
        chosen = [
            rule
            for rule in all_rules
            if rule.kinds & kinds and rule.directions & directions and rule.units & units
        ]
        kept = _kept_ranges(chosen)
        anywhere = [rule for rule in chosen if rule.ports not in kept]
        for side, wanted in ((BY_DEST, "to_port"), (BY_SRC, "from_port")):
            placed = [rule for rule in chosen if rule.ports in kept and getattr(rule, wanted)]
            ranges = {rule.ports for rule in placed if rule.ports}
            groups, members = _port_groups(ranges, made.port_group[number, side])
            most = max(most, groups)
            for group in range(groups):
                here = [rule for rule in placed if rule.ports in members[group]]
                if side == BY_SRC:
                    _set_group(made, (number, BY_SRC, group), here, builder, gates)
                _set_group(made, (number, _WITH_ANY[side], group), anywhere + here, builder, gates)
    return made._replace(
        patterns=made.patterns[:, :, :, :most].copy(),
        limit=made.limit[:, :, :, :most].copy(),
        lookback=made.lookback[:, :, :, :most].copy(),
        gate=made.gate[:, :, :, :most].copy(),
        gates=gates.finish(),
    )


_WITH_ANY: Final = {BY_DEST: BY_DEST, BY_SRC: BY_BOTH}
"""Where the rules of a group are put together with those for any port."""


def _set_group(
    made: Selectors,
    place: tuple[int, int, int],
    rules: Sequence[ScanRule],
    builder: PatternSetBuilder,
    gates: GateBuilder,
) -> None:
    """place: selector, side, group."""
    for lane in range(made.gate.shape[0]):
        here = [rule for rule in rules if rule.lanes >> lane & 1]
        for order in range(CLASSES):
            patterns = frozenset(rule.pattern for rule in here if rule.order == order)
            made.patterns[lane, *place, order] = builder.add(patterns)
        early = (rule.limit for rule in here if rule.order == EARLY)
        made.limit[lane, *place] = max(early, default=-1)
        behind = frozenset(rule.gate for rule in here if rule.gate is not None and rule.order == GATED)
        made.gate[lane, *place] = gates.add(behind) if behind else -1
        of_streams = (rule.extent for rule in here if rule.units & _STREAMS)
        made.lookback[lane, *place] = max(of_streams, default=0)


def _kept_ranges(rules: Sequence[ScanRule]) -> set[Ranges | None]:
    """The port sets worth a group of their own: the most used, as long as memory allows."""
    used = Counter(rule.ports for rule in rules if rule.ports is not None)
    ranked = [ports for ports, _ in used.most_common(MOST_GROUPS)]
    anywhere = len(rules) - sum(used[ports] for ports in ranked)
    while ranked and anywhere * len(ranked) > MOST_PIECES:
        anywhere += used[ranked.pop()]
    return set(ranked)


def _port_groups(
    ranges: set[Ranges], port_group: NDArray[np.uint8]
) -> tuple[int, list[frozenset[Ranges | None]]]:
    """Fill in each port's group; (number of groups, the port sets that each group is in).

    Ports that lie in the same sets form a group; group 0 lies in none. With more than 255 groups
    (port sets that overlap in many ways) neighbours are merged: a group may hold too many rules,
    never too few.
    """
    members: dict[int, set[Ranges]] = defaultdict(set)
    for one in ranges:
        for low, high in one.spans:
            for port in range(low, high + 1):
                members[port].add(one)
    numbers: dict[frozenset[Ranges], int] = {}
    groups: list[set[Ranges]] = [set()]
    for port, found in sorted(members.items()):
        key = frozenset(found)
        if key not in numbers:
            if len(groups) < MOST_PORT_GROUPS:
                groups.append(set())
            numbers[key] = len(groups) - 1
        groups[numbers[key]] |= key
        port_group[port] = numbers[key]
    return len(groups), [frozenset(group) for group in groups]
