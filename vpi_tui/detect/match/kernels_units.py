"""Which bytes to scan with which automaton, and which rules to look at without a pattern.

Traffic is sorted by *selector*: class of protocol x direction x (packets and starts of streams |
packets whose payload a stream took | later parts of streams). Within a selector, rules for few ports
are looked for only on those ports, and patterns near the start only there.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.detect.match.kernels_rules import rule_holds
from vpi_tui.model.batch import I32, U8
from vpi_tui.model.jit import inlined, kernel

# Unit kinds (units.UnitKind): numbers of the bits in FastContents.kinds.
PACKET, TAKEN, STREAM_START, STREAM_LATER = 0, 1, 2, 3
SELECTORS = 10
UNITS_AN_ENTRY = 4
"""Destination and source port, patterns anywhere and patterns near the start."""


class Selectors(NamedTuple):
    """Automata by selector and port; -1 = nothing to scan for."""

    port_group: U8
    """uint8[20, 65536]: selector * 2 (+ 1 for source ports) and port -> group, 0 = none special."""
    automaton: I32
    """int32[2, 20, 256]: automata of a group, of patterns anywhere and of those that end early; for
    destination ports group 0 = the rules for any port."""
    limit: I32
    """int32[20, 256]: none of the patterns that end early ends behind so many bytes."""
    lookback: I32
    """int32[20, 256]: bytes of a stream before fresh ones to scan again."""


class PacketRules(NamedTuple):
    """Lists of rules without a fast pattern, by what a packet's key byte is.

    The key byte is the low byte of tcp_flags, or the ICMP type: most such rules test it.
    """

    list_of: I32
    """int32[4, 3, 256]: class (tcp, udp, icmp, other), direction, key -> number of a list."""
    list_start: I32
    list_rule: I32
    once_of: I32
    """int32[4, 3]: class, direction -> list of rules inspected once a flow and direction."""
    needs: U8
    """uint8[n]: 0 = a packet as it is; else bits 1 << unit kind: wants a payload of that kind."""
    stream_of: I32
    """int32[3]: direction -> list of the rules that inspect stretches without a fast pattern."""


@inlined
def protocol_class(kinds):
    """0 tcp, 1 udp, 2 icmp, 3 all others."""
    if kinds & np.uint16(1):
        return 0
    if kinds & np.uint16(2):
        return 1
    if kinds & np.uint16(8 | 16):
        return 2
    return 3


@inlined
def _selector(kinds, direction, kind):
    """tcp 0-5 (direction, then kind), udp 6-7, others 8-9. Without a direction: as to server."""
    client = 1 if direction == 2 else 0
    if kinds & np.uint16(1):
        if kind == TAKEN:
            return client + 2
        return client + 4 if kind == STREAM_LATER else client
    return (6 if kinds & np.uint16(2) else 8) + client


@inlined
def _put(units, n, selectors, side, port, start, end, fresh, entry, kind):
    """Add the units for one side's automata; returns the new count."""
    group = selectors.port_group[side, port]
    if group == 0 and side & 1:
        return n
    begin = max(start, fresh - np.int64(selectors.lookback[side, group]))
    for early in range(2):
        automaton = selectors.automaton[early, side, group]
        last = min(end, start + np.int64(selectors.limit[side, group])) if early else end
        if automaton < 0 or begin >= last:
            continue
        units.start[n] = start
        units.begin[n] = begin
        units.end[n] = end
        units.last[n] = last
        units.fresh[n] = fresh
        units.automaton[n] = automaton
        units.entry[n] = entry
        units.kind[n] = kind
        n += 1
    return n


@kernel
def packet_units(decoded, subject, taken, selectors, units):
    """Fill `units` (room for UNITS_AN_ENTRY times the rows) from packet payloads; returns how many.

    taken: uint8[rows], or of length 0 when no stream is followed.
    """
    n = 0
    for row in range(subject.kinds.size):
        length = np.int64(decoded.payload_len[row])
        if length <= 0 or decoded.payload_off[row] < 0 or subject.kinds[row] == 0 or subject.valid[row] == 0:
            continue
        kind = TAKEN if taken.size > row and taken[row] else PACKET
        side = 2 * _selector(subject.kinds[row], subject.direction[row], kind)
        start = decoded.payload_off[row]
        end = start + length
        n = _put(units, n, selectors, side, subject.dest_port[row], start, end, start, row, kind)
        n = _put(units, n, selectors, side + 1, subject.src_port[row], start, end, start, row, kind)
    return n


@kernel
def stream_units(streams, subject, selectors, units):
    """The same for stretches of streams."""
    n = 0
    for i in range(subject.kinds.size):
        start, end = streams.start[i], streams.end[i]
        if end <= start or subject.kinds[i] == 0:
            continue
        kind = STREAM_START if streams.stream_offset[i] == 0 else STREAM_LATER
        side = 2 * _selector(subject.kinds[i], subject.direction[i], kind)
        fresh = streams.fresh[i]
        n = _put(units, n, selectors, side, subject.dest_port[i], start, end, fresh, i, kind)
        n = _put(units, n, selectors, side + 1, subject.src_port[i], start, end, fresh, i, kind)
    return n


@inlined
def _check_list(lists, number, kind, enabled, rules, subject, entry, decoded, first, out, n):
    """Add the rules of one list that hold for an entry. kind: unit kind, or -1 = no payload."""
    for k in range(lists.list_start[number], lists.list_start[number + 1]):
        rule = np.int64(lists.list_rule[k])
        if enabled[rule] == 0:
            continue
        if lists.needs[rule] and (kind < 0 or (lists.needs[rule] >> kind) & 1 == 0):
            continue
        if rule_holds(rules, rule, subject, entry, decoded, first):
            if n < out.shape[0]:
                out[n, 0] = entry
                out[n, 1] = rule
            n += 1
    return n


@kernel
def check_packets(decoded, flows, subject, taken, lists, enabled, rules, out):
    """Candidates (row, rule) of the rules without a fast pattern; returns how many (see scan)."""
    n = 0
    for row in range(subject.kinds.size):
        kinds = subject.kinds[row]
        if kinds == 0:
            continue
        group = protocol_class(kinds)
        key = np.int64(0)
        if subject.layer4[row]:
            if group == 0:
                key = np.int64(decoded.tcp_flags[row]) & 0xFF
            elif group == 2:
                key = np.int64(decoded.icmp_type[row])
        direction = subject.direction[row]
        if flows.flow[row] < 0 or flows.first[row] & 2:
            number = lists.once_of[group, direction]
            if number:
                n = _check_list(lists, number, -1, enabled, rules, subject, row, decoded, flows.first, out, n)
        number = lists.list_of[group, direction, key]
        if number:
            kind = -1
            if decoded.payload_len[row] > 0 and decoded.payload_off[row] >= 0:
                kind = TAKEN if taken.size > row and taken[row] else PACKET
            n = _check_list(lists, number, kind, enabled, rules, subject, row, decoded, flows.first, out, n)
    return n


@kernel
def check_streams(streams, subject, lists, enabled, rules, decoded, first, out):
    """The same for stretches: rules of stream data that have no fast pattern."""
    n = 0
    for i in range(subject.kinds.size):
        number = lists.stream_of[streams.direction[i]]
        if number and subject.kinds[i] and streams.end[i] > streams.start[i]:
            kind = STREAM_START if streams.stream_offset[i] == 0 else STREAM_LATER
            n = _check_list(lists, number, kind, enabled, rules, subject, i, decoded, first, out, n)
    return n
