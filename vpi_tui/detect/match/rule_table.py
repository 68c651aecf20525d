"""Headers and column tests of all rules as the arrays of kernels_rules.RuleTable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from vpi_tui.detect.match.columns import (
    COLUMN_ID,
    IP_VERSIONS,
    KIND_OTHER,
    KIND_PORTS,
    PROTO_NUMBERS,
    PROTOCOL_KINDS,
    implied_kinds,
    needs_layer4,
)
from vpi_tui.detect.match.kernels_rules import RuleTable
from vpi_tui.model.applications import app_numbers
from vpi_tui.model.batch import I32, U64, Direction
from vpi_tui.model.decoder_events import is_about_broken
from vpi_tui.model.signature import ANY_ADDRESS, ANY_PORT, ColumnTest, Ranges, Signature
from vpi_tui.model.topology import Locality

_ALL_BITS = (1 << 64) - 1
_LOCALITY = {"east-west": Locality.EAST_WEST, "north-south": Locality.NORTH_SOUTH}
_OTHER_NUMBERS = frozenset(range(256)) - frozenset(PROTO_NUMBERS.values())
ANY_DIRECTION = 0b111


def directions_of(signature: Signature) -> int:
    """Bit 1 << Direction for each direction that the rule's tests of `direction` allow."""
    allowed = ANY_DIRECTION
    for test in signature.columns:
        if test.column == "direction":
            allowed &= sum(1 << d for d in Direction if _holds(test, int(d)))
    return allowed


def _holds(test: ColumnTest, value: int) -> bool:
    value &= _ALL_BITS if test.mask is None else test.mask
    return any(low <= value <= high for low, high in test.spans) != test.negated


def allows(signature: Signature, column: str, value: int) -> bool:
    """Do all of the rule's tests of one column hold for a value?"""
    return all(_holds(test, value) for test in signature.columns if test.column == column)


def kinds_of(signature: Signature) -> int:
    """Bits of columns.KIND_* for the packets that can match at all."""
    header = signature.header
    kinds = PROTOCOL_KINDS[header.protocol]
    if header.src_port != ANY_PORT or header.dest_port != ANY_PORT:
        kinds &= KIND_PORTS | 0xFF00
    for test in signature.columns:
        kinds &= implied_kinds(test.column)
        if test.column == "ip_v":
            kinds &= ~sum(bit for bit, version in IP_VERSIONS.items() if not _holds(test, version))
        elif test.column == "proto":
            kinds &= ~sum(bit for bit, number in PROTO_NUMBERS.items() if not _holds(test, number))
            if not any(_holds(test, number) for number in _OTHER_NUMBERS):
                kinds &= ~KIND_OTHER
    return kinds


def tests_of(signature: Signature) -> list[ColumnTest]:
    """The tests that run per packet: those that `directions_of` and `kinds_of` say all of are left
    out, the scope's locality is added."""
    said = {"direction", "ip_v"} if kinds_of(signature) & KIND_OTHER else {"direction", "ip_v", "proto"}
    tests = [test for test in signature.columns if test.column not in said]
    if signature.scope.direction != "any":
        value = int(_LOCALITY[signature.scope.direction])
        tests.append(ColumnTest("locality", ((value, value),)))
    numbers = app_numbers(signature.application or signature.header.protocol)
    if numbers:
        tests.append(ColumnTest("app_proto", tuple((number, number) for number in numbers)))
    return tests


def _sees_malformed(signature: Signature) -> bool:
    return signature.header.protocol == "pkthdr" or any(
        is_about_broken(test.column, test.mask) for test in signature.columns
    )


@dataclass(slots=True)
class _Sets:
    """Sets of integers, each kept once: number by its spans."""

    number_of: dict[Ranges, int] = field(default_factory=dict)

    def number(self, ranges: Ranges, everything: Ranges) -> int:
        if ranges == everything:
            return -1
        return self.number_of.setdefault(ranges, len(self.number_of))

    def bounds(self) -> tuple[U64, U64]:
        """uint64[spans, 2] each: the first and the last numbers of all, in halves."""
        starts = self.starts
        low, high = (np.zeros((int(starts[-1]), 2), np.uint64) for _ in range(2))
        for number, ranges in enumerate(self.number_of):
            here = slice(int(starts[number]), int(starts[number + 1]))
            low[here], high[here] = ranges.bounds()
        return low, high

    @property
    def starts(self) -> I32:
        return _starts([ranges.count for ranges in self.number_of])


def _clipped(value: int) -> int:
    return min(max(value, 0), _ALL_BITS)


def build_rule_table(signatures: Sequence[Signature]) -> RuleTable:
    """The table; every protocol must be in PROTOCOL_KINDS and every column in COLUMN_ID."""
    addresses, ports = _Sets(), _Sets()
    headers = [signature.header.looked_for for signature in signatures]
    src = [addresses.number(h.src, ANY_ADDRESS) for h in headers]
    dest = [addresses.number(h.dest, ANY_ADDRESS) for h in headers]
    src_port = [ports.number(h.src_port, ANY_PORT) for h in headers]
    dest_port = [ports.number(h.dest_port, ANY_PORT) for h in headers]
    tests = [tests_of(signature) for signature in signatures]
    flat = [test for own in tests for test in own]
    spans = [span for test in flat for span in test.spans]
    low, high = addresses.bounds()
    port_low, port_high = ports.bounds()
    return RuleTable(
        kinds=np.array([kinds_of(s) for s in signatures], np.uint16),
        directions=np.array([directions_of(s) for s in signatures], np.uint8),
        layer4=np.array([any(needs_layer4(t.column) for t in own) for own in tests], np.uint8),
        malformed=np.array([_sees_malformed(s) for s in signatures], np.uint8),
        bidirectional=np.array([h.bidirectional for h in headers], np.uint8),
        src=np.array(src, np.int32),
        dest=np.array(dest, np.int32),
        src_port=np.array(src_port, np.int32),
        dest_port=np.array(dest_port, np.int32),
        set_start=addresses.starts,
        low=low,
        high=high,
        port_start=ports.starts,
        port_low=port_low[:, 1].astype(np.uint16),
        port_high=port_high[:, 1].astype(np.uint16),
        test_start=_starts([len(own) for own in tests]),
        test_column=np.array([COLUMN_ID[test.column] for test in flat], np.uint8),
        test_mask=np.array([_ALL_BITS if t.mask is None else t.mask & _ALL_BITS for t in flat], np.uint64),
        test_negated=np.array([test.negated for test in flat], np.uint8),
        span_start=_starts([len(test.spans) for test in flat]),
        span_low=np.array([_clipped(low) for low, _ in spans], np.uint64),
        span_high=np.array([_clipped(high) for _, high in spans], np.uint64),
    )


def _starts(lengths: Sequence[int]) -> I32:
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int32)
