"""Tests of candidates that are neither packet columns nor bytes: counters of the flow, sets of addresses.

All candidates of a batch are decided at once, a rule at a time, before any step is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.candidates import Batch, Candidates
from vpi_tui.detect.match.countries import country_of
from vpi_tui.detect.match.flow_counters import Counted
from vpi_tui.detect.match.ordering import is_protocol_only
from vpi_tui.detect.match.subjects import Subjects
from vpi_tui.model.applications import APP_FAILED
from vpi_tui.model.batch import I32, I64, U8, U64
from vpi_tui.model.signature import AddressIn, CountryIn, FlowNumber, FlowProtocol, Signature

Bools = NDArray[np.bool_]
Lookup = Callable[[int, int], bool]
"""(high, low half of an address) -> is it meant?"""
ADDRESSES_KEPT: Final = 16_384
_COUNTED: Final = (1 << 63) - 1
"""Bits that a counter may have, of the 64 that a rule may name."""


class Recognised(NamedTuple):
    """Applications of flows, by number."""

    sides: U8
    """uint8[slots, 3]: before the flow changed its protocol, to the server, to the client; 0 = not known."""
    since: I32
    """int32[slots, 3]: row of this batch with which it became known; -1 = before."""
    telling: Callable[[], U8]
    """Gives uint8[rows] of the batch: 1 = the packet is the first of its direction since that was judged."""


class FlowChecks:
    """The checks of all rules that have any."""

    def __init__(self, special: Mapping[int, Signature], rules: int) -> None:
        """rules: how many there are, those without a check included."""
        self._of_rule = {n: s.checks for n, s in special.items() if s.checks}
        self._has_any: Bools = np.zeros(rules, np.bool_)
        self._has_any[list(self._of_rule)] = True
        about_protocols = [n for n in self._of_rule if is_protocol_only(special[n])]
        self._is_once: Bools = np.zeros(rules, np.bool_)
        self._is_once[about_protocols] = True
        """Rules that are looked at once it is known what a direction looks like."""
        self._lookup = lru_cache(maxsize=1024)(_lookup)
        """Rules share sets of addresses; those of a list that is not in use any more go with its rules."""
        self.needs_counters = any(isinstance(c, FlowNumber) for own in self._of_rule.values() for c in own)

    def hold(
        self,
        rule: NDArray[np.int32],
        subjects: Subjects,
        counted: Callable[[], Counted | None],
        sides_of: Callable[[], U8] | None = None,
    ) -> Bools | None:
        """bool per candidate; None = no rule among them has a check.

        counted: of each candidate. sides_of: gives `known_sides` of each; None = nobody looked.
        """
        asked = self._has_any[rule]
        if not asked.any():
            return None
        held = np.ones(rule.size, np.bool_)
        counters, sides = counted(), None
        for number in np.unique(rule[asked]).tolist():
            at = np.flatnonzero(rule == number)
            for check in self._of_rule[number]:
                if isinstance(check, FlowNumber):
                    held[at] &= _number_holds(check, counters, at)
                elif isinstance(check, FlowProtocol):
                    sides = sides_of() if sides is None and sides_of is not None else sides
                    held[at] &= _protocol_holds(check, sides, subjects.direction, at)
                else:
                    test = self._lookup(check)
                    held[at] &= _addresses_hold(check.side, test, subjects.src_ip[at], subjects.dest_ip[at])
        return held

    def told(self, found: Candidates, recognised: Recognised | None) -> Bools | None:
        """bool per candidate: the time of rules about protocols alone has come; None = there are none."""
        asked = self._is_once[found.rule]
        if not asked.any():
            return None
        telling = recognised.telling() if recognised is not None else np.zeros(0, np.uint8)
        here = (found.row >= 0) & (found.row < telling.size)
        due = np.zeros(len(found), np.bool_)
        due[here] = telling[found.row[here]] != 0
        held: Bools = ~asked | due
        return held


def _number_holds(check: FlowNumber, counted: Counted | None, at: I64) -> Bools:
    if counted is None:
        return np.zeros(at.size, np.bool_)
    if check.counter == "age":
        return _inside(counted.age[at], check)
    sides = (counted.pkts if check.counter == "pkts" else counted.bytes)[at]
    if check.side == "either":
        return _inside(sides[:, 0], check) | _inside(sides[:, 1], check)
    if check.side == "both":
        return _inside(sides[:, 0], check) & _inside(sides[:, 1], check)
    return _inside(sides[:, 0 if check.side == "toserver" else 1], check)


def _inside(values: I64, check: FlowNumber) -> Bools:
    held = np.zeros(values.size, np.bool_)
    if check.mask is not None:
        values = values & np.int64(check.mask & _COUNTED)
    for low, high in check.spans:
        held |= (values >= low) & (values <= high)
    return held


_COLUMNS: Final = {
    "original": [0], "to_server": [1], "to_client": [2], "either": [1, 2], "neither": [1, 2], "final": [3]
}  # fmt: skip
_UDP: Final = 17
_NO_FLOW: Final = 0xFE
"""Is no application, nor one that is not known yet."""


def known_sides(recognised: Recognised, batch: Batch, found: Candidates, subjects: Subjects) -> U8:
    """uint8[candidates, 4]: what of Recognised.sides was known when the packet of each had come, and what the
    flow was taken for then.

    That counts for both sides where none is known (UDP), of which a first datagram decides.
    """
    flow, row = subjects.flow, found.row
    at = np.maximum(flow, 0)
    sides = recognised.sides[at]
    sides[(recognised.since[at] > row[:, None]) & (row >= 0)[:, None]] = 0
    final = batch.view.app[at]
    of_packet = (row >= 0) & (found.stream < 0) & (found.entry < 0)
    final[of_packet] = batch.flows.app[row[of_packet]]
    is_udp = of_packet.copy()
    is_udp[of_packet] = batch.decoded.proto[row[of_packet]] == _UDP
    nothing = is_udp | (sides[:, 1:] == APP_FAILED).any(axis=1)
    final[(final == 0) | (final == APP_FAILED)] = 0
    final[(final == 0) & nothing] = APP_FAILED
    unseen = ~sides.any(axis=1)
    sides[unseen, 1:] = final[unseen, None]
    sides = np.column_stack((sides, final))
    sides[flow < 0] = _NO_FLOW
    return sides


def _protocol_holds(check: FlowProtocol, sides: U8 | None, direction: U8, at: I64) -> Bools:
    if sides is None:
        return np.zeros(at.size, np.bool_)
    asked = sides[at, direction[at]] if check.mode == "direction" else sides[at][:, _COLUMNS[check.mode]]
    found = np.asarray(np.isin(asked.reshape(at.size, -1), list(check.numbers)).any(axis=1))
    if check.mode == "neither":
        known: Bools = (asked != 0).any(axis=1) & (asked != _NO_FLOW).all(axis=1)
        return known & ~found
    return found


_SIDES: Final[dict[str, Callable[[bool, bool], bool]]] = {
    "src": lambda src, _dest: src,
    "dst": lambda _src, dest: dest,
    "any": lambda src, dest: src or dest,
    "both": lambda src, dest: src and dest,
}


def _addresses_hold(side: str, lookup: Lookup, src_ip: U64, dest_ip: U64) -> Bools:
    combine = _SIDES[side]
    pairs = zip(src_ip.tolist(), dest_ip.tolist(), strict=True)
    return np.array([combine(lookup(*src), lookup(*dest)) for src, dest in pairs], np.bool_)


def _lookup(check: AddressIn | CountryIn) -> Lookup:
    test = check.ranges.test() if isinstance(check, AddressIn) else _in_countries(check)

    @lru_cache(maxsize=ADDRESSES_KEPT)
    def lookup(high: int, low: int) -> bool:
        return test(high << 64 | low)

    return lookup


def _in_countries(check: CountryIn) -> Callable[[int], bool]:
    country_of_address = country_of(check.database)

    def test(address: int) -> bool:
        code = country_of_address(address)
        return bool(code) and (code in check.codes) != check.negated

    return test
