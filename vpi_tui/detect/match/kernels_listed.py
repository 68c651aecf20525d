"""Rules that no pattern finds: lists of them, each sorted by the addresses or ports that its rules name.

A list of thousands of addresses of ill repute costs a packet two binary searches, not thousands of tests.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.detect.match.kernels_sealed import SEALED
from vpi_tui.detect.match.kernels_units import (
    OTHER_PROTOCOLS,
    PACKET,
    STREAM_WINDOW,
    TAKEN,
    is_in_window,
    kind_of_stretch,
    protocol_class,
)
from vpi_tui.model.batch import I32, I64, U8, U16, U64, DecodedBatch, FlowBatch
from vpi_tui.model.jit import helper, inlined, kernel

BY_DEST, BY_SRC, BY_DEST_PORT, BY_SRC_PORT = 0, 1, 2, 3
INDEXES = 4


class RuleLists(NamedTuple):
    """Lists of rules. Number 0 is the empty list; so is run 0."""

    whole: I32
    """int32[lists]: number of the run of rules that have to be tried on whatever packet."""
    bound_start: I32
    """int32[lists * INDEXES + 1]: where the bounds of an index (list * INDEXES + BY_*) begin."""
    bound: U64
    """uint64[bounds, 2]: an address or a port, sorted in each index: from here on to the next bound the
    rules of `run` may hold."""
    run: I32
    """int32[bounds]"""
    run_start: I32
    """int32[runs + 1]"""
    rule: I32


class PacketRules(NamedTuple):
    """Lists of rules without a fast pattern, by what a packet's key byte is.

    The key byte is the low byte of tcp_flags, or the ICMP type: most such rules test it.
    """

    lists: RuleLists
    list_of: I32
    """int32[4, 3, 256]: class (tcp, udp, icmp, other), direction, key -> number of a list."""
    odd_of: I32
    """int32[4, 3]: class, direction -> list of the rules that only hold for packets with some event."""
    events: U64
    """uint64[4]: by event column (listing.EVENT_COLUMNS), the bits of which such a rule needs one."""
    once_of: I32
    """int32[4, 3]: class, direction -> list of rules inspected once a flow and direction."""
    needs: U8
    """uint8[n]: 0 = a packet as it is; else bits 1 << unit kind: wants a payload of that kind."""
    stream_of: I32
    """int32[3]: direction -> list of the rules that inspect stretches without a fast pattern."""


class Rows(NamedTuple):
    """Columns of a batch that are read, as handing a kernel all of them costs more than the loop."""

    flow: I32
    first: U8
    proto: U8
    tcp_flags: U16
    icmp_type: U8
    payload_off: I64
    payload_len: I32
    events: U64
    oddities: U64
    stream_events: U64

    @classmethod
    def of(cls, decoded: DecodedBatch, flows: FlowBatch) -> Rows:
        return cls(flows.flow, flows.first, *(getattr(decoded, name) for name in cls._fields[2:]))


@helper
def _run_of(lists, index, high, low):
    """Number of the run for a key (two halves) in one index."""
    first = np.int64(lists.bound_start[index])
    left, right = first, np.int64(lists.bound_start[index + 1])
    while left < right:
        middle = (left + right) >> 1
        bound_high = lists.bound[middle, 0]
        if bound_high < high or (bound_high == high and lists.bound[middle, 1] <= low):
            left = middle + 1
        else:
            right = middle
    return np.int64(lists.run[left - 1]) if left > first else np.int64(0)


@helper
def _in_run(lists, number, rule):
    for k in range(lists.run_start[number], lists.run_start[number + 1]):
        if lists.rule[k] == rule:
            return True
    return False


@helper
def _put_run(lists, number, before, kind, needs, enabled, bidirectional, entry, out, n):
    """Add the rules of a run that look at such an entry. kind: unit kind, or -1 = no payload.

    before: the run that the entry's other end led to; a rule for both ends is in both.
    """
    for k in range(lists.run_start[number], lists.run_start[number + 1]):
        rule = np.int64(lists.rule[k])
        if enabled[rule] == 0:
            continue
        if needs[rule] and (kind < 0 or (needs[rule] >> kind) & 1 == 0):
            continue
        if bidirectional[rule] and before and _in_run(lists, before, rule):
            continue
        if n < out.shape[0]:
            out[n, 0], out[n, 1] = entry, rule
        n += 1
    return n


@inlined
def _put_list(lists, number, kind, needs, enabled, bidirectional, subject, entry, out, n):
    """Add the rules of one list that may hold for an entry. Most runs are empty."""
    none = np.int64(0)
    run = np.int64(lists.whole[number])
    if run:
        n = _put_run(lists, run, none, kind, needs, enabled, bidirectional, entry, out, n)
    index = np.int64(number) * INDEXES
    if lists.bound_start[index] < lists.bound_start[index + 2]:
        dest = _run_of(lists, index, subject.dest_ip[entry, 0], subject.dest_ip[entry, 1])
        src = _run_of(lists, index + 1, subject.src_ip[entry, 0], subject.src_ip[entry, 1])
        if dest:
            n = _put_run(lists, dest, none, kind, needs, enabled, bidirectional, entry, out, n)
        if src:
            n = _put_run(lists, src, dest, kind, needs, enabled, bidirectional, entry, out, n)
    if lists.bound_start[index + 2] < lists.bound_start[index + 4] and subject.layer4[entry]:
        zero = np.uint64(0)
        dest = _run_of(lists, index + 2, zero, np.uint64(subject.dest_port[entry]))
        src = _run_of(lists, index + 3, zero, np.uint64(subject.src_port[entry]))
        if dest:
            n = _put_run(lists, dest, none, kind, needs, enabled, bidirectional, entry, out, n)
        if src:
            n = _put_run(lists, src, dest, kind, needs, enabled, bidirectional, entry, out, n)
    return n


@inlined
def counts_as_flow(proto, group):
    """Has a packet of this protocol a flow to Suricata? Besides TCP, UDP, ICMP and SCTP only IP in IP and
    ESP: rules about addresses alone are held against each packet of GRE, OSPF and all others."""
    return group != OTHER_PROTOCOLS or proto == 4 or proto == 41 or proto == 50 or proto == 132


@inlined
def _is_odd(rows, row, events):
    """Has the packet any event that some rule asks for? Many have a wrong checksum, which few rules do."""
    either = (rows.events[row] & events[0]) | (rows.oddities[row, 0] & events[1])
    either |= (rows.oddities[row, 1] & events[2]) | (rows.stream_events[row] & events[3])
    return either != 0


@kernel
def check_packets(rows, subject, taken, listed, enabled, bidirectional, out):
    """Candidates (row, rule) of the rules without a fast pattern, whose headers are not looked at yet
    (kernels_rules.keep_holding); returns how many (see scan). bidirectional: RuleTable's."""
    n, lists, needs = np.int64(0), listed.lists, listed.needs
    for row in range(subject.kinds.size):
        kinds = subject.kinds[row]
        if kinds == 0:
            continue
        group = protocol_class(kinds)
        key = np.int64(0)
        if subject.layer4[row]:
            if group == 0:
                key = np.int64(rows.tcp_flags[row]) & 0xFF
            elif group == 2:
                key = np.int64(rows.icmp_type[row])
        direction = subject.direction[row]
        once = np.int64(0)
        if rows.flow[row] < 0 or rows.first[row] & 2 or not counts_as_flow(rows.proto[row], group):
            once = np.int64(listed.once_of[group, direction])
        usual = np.int64(listed.list_of[group, direction, key])
        odd = np.int64(listed.odd_of[group, direction] if _is_odd(rows, row, listed.events) else 0)
        if not (once or usual or odd):
            continue
        kind = np.int64(-1)
        is_sealed = taken.size > row and taken[row] == SEALED
        if rows.payload_len[row] > 0 and rows.payload_off[row] >= 0 and not is_sealed:
            kind = np.int64(TAKEN if taken.size > row and taken[row] else PACKET)
        for number, payload in ((once, np.int64(-1)), (usual, kind), (odd, kind)):
            if number:
                n = _put_list(lists, number, payload, needs, enabled, bidirectional, subject, row, out, n)
    return n


@kernel
def check_streams(streams, subject, listed, enabled, bidirectional, out):
    """The same for stretches: rules of stream data that have no fast pattern."""
    n, lists, needs = np.int64(0), listed.lists, listed.needs
    for i in range(subject.kinds.size):
        number = np.int64(listed.stream_of[streams.direction[i]])
        if number and subject.kinds[i] and streams.end[i] > streams.start[i]:
            kind = np.int64(kind_of_stretch(streams, i))
            n = _put_list(lists, number, kind, needs, enabled, bidirectional, subject, i, out, n)
            if is_in_window(streams, i):
                kind = np.int64(STREAM_WINDOW)
                n = _put_list(lists, number, kind, needs, enabled, bidirectional, subject, i, out, n)
    return n
