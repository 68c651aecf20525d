"""Tests of candidates that are neither packet columns nor bytes: counters of the flow, sets of addresses.

All candidates of a batch are decided at once, a rule at a time, before any step is evaluated.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.countries import country_of
from vpi_tui.detect.match.flow_counters import Counted
from vpi_tui.model.batch import I64, U64
from vpi_tui.model.signature import AddressIn, CountryIn, FlowNumber, Ranges, Signature

Bools = NDArray[np.bool_]
ADDRESSES_KEPT: Final = 16_384


class FlowChecks:
    """The checks of all rules that have any."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        self._of_rule = {n: s.checks for n, s in enumerate(signatures) if s.checks}
        self._rules = np.array(sorted(self._of_rule), np.int32)
        self.needs_counters = any(isinstance(c, FlowNumber) for s in signatures for c in s.checks)

    def hold(
        self, rule: NDArray[np.int32], src_ip: U64, dest_ip: U64, counted: Callable[[], Counted | None]
    ) -> Bools | None:
        """bool per candidate; None = no rule among them has a check. counted: of each candidate."""
        if not self._rules.size:
            return None
        asked = np.intersect1d(rule, self._rules)
        if not asked.size:
            return None
        held = np.ones(rule.size, np.bool_)
        counters = counted()
        for number in asked.tolist():
            at = np.flatnonzero(rule == number)
            for check in self._of_rule[number]:
                if isinstance(check, FlowNumber):
                    held[at] &= _number_holds(check, counters, at)
                else:
                    held[at] &= _addresses_hold(check, src_ip[at], dest_ip[at])
        return held


def _number_holds(check: FlowNumber, counted: Counted | None, at: I64) -> Bools:
    if counted is None:
        return np.zeros(at.size, np.bool_)
    if check.counter == "age":
        return _inside(counted.age[at], check.spans)
    sides = (counted.pkts if check.counter == "pkts" else counted.bytes)[at]
    if check.side == "either":
        return _inside(sides[:, 0], check.spans) | _inside(sides[:, 1], check.spans)
    return _inside(sides[:, 0 if check.side == "toserver" else 1], check.spans)


def _inside(values: I64, spans: Sequence[tuple[int, int]]) -> Bools:
    held = np.zeros(values.size, np.bool_)
    for low, high in spans:
        held |= (values >= low) & (values <= high)
    return held


_SIDES: Final[dict[str, Callable[[bool, bool], bool]]] = {
    "src": lambda src, _dest: src,
    "dst": lambda _src, dest: dest,
    "any": lambda src, dest: src or dest,
    "both": lambda src, dest: src and dest,
}


def _addresses_hold(check: AddressIn | CountryIn, src_ip: U64, dest_ip: U64) -> Bools:
    combine, lookup = _SIDES[check.side], _lookup(check)
    pairs = zip(src_ip.tolist(), dest_ip.tolist(), strict=True)
    return np.array([combine(lookup(*src), lookup(*dest)) for src, dest in pairs], np.bool_)


@lru_cache(maxsize=1024)
def _lookup(check: AddressIn | CountryIn) -> Callable[[int, int], bool]:
    """(high, low half of an address) -> is it meant?"""
    test = _in_ranges(check.ranges) if isinstance(check, AddressIn) else _in_countries(check)

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


def _in_ranges(ranges: Ranges) -> Callable[[int], bool]:
    lows = [low for low, _ in ranges.spans]

    def test(address: int) -> bool:
        at = bisect_right(lows, address) - 1
        return at >= 0 and address <= ranges.spans[at][1]

    return test
