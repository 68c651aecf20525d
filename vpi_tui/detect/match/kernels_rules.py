"""Does a rule's header (protocol, direction, addresses, ports) and do its column tests hold?

A *subject* is what is inspected: the rows of a DecodedBatch, or the stretches of a StreamBatch in
the shape of rows. All entries of one Subject are of one of these two sorts.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I32, U8, U16, U32, U64, DecoderEvent
from vpi_tui.model.jit import allocating_kernel, helper, inlined, kernel

KIND_NOT_IP = 1 << 10
NO_FRAGMENT_HEADER = 1 << 16
"""Offset of an IPv6 packet that is no fragment: none that a rule may ask for."""
_WHOLE_FRAGMENT = np.uint64(1 << DecoderEvent.IPV6_EXTHDR_USELESS_FH)
"""The header of a fragment is there and divides nothing."""


class Subject(NamedTuple):
    """Columns of what is inspected, one entry each; for packets these are views on the batches."""

    src_ip: U64
    dest_ip: U64
    src_port: U16
    dest_port: U16
    kinds: U16
    """uint16[n]: bits of columns.KIND_*; 0 = never inspected (the flow was passed)."""
    layer4: U8
    """uint8[n]: 1 = its layer-4 header is here."""
    valid: U8
    """uint8[n]: 0 = malformed; only rules about decoder events look at it."""
    direction: U8
    state: U8
    locality: U8
    app: U8
    client_size: U32
    """uint32[n]: bytes that the client has sent; empty unless a rule asks. The same for server_size."""
    server_size: U32
    row: I32
    """int32[n]: row of the DecodedBatch; -1 = none."""


class RuleTable(NamedTuple):
    """The compiled headers and column tests of `n` rules."""

    kinds: U16
    """uint16[n]: bits of columns.KIND_* that the rule looks at."""
    directions: U8
    """uint8[n]: bit 1 << Direction for each direction in which the rule holds."""
    layer4: U8
    """uint8[n]: 1 = needs the layer-4 header."""
    malformed: U8
    """uint8[n]: 1 = also looks at malformed packets."""
    bidirectional: U8
    src: I32
    """int32[n]: number of an address set; -1 = any. The same for dest, and for port sets."""
    dest: I32
    src_port: I32
    dest_port: I32
    set_start: I32
    """int32[sets + 1]: where the spans of an address set begin."""
    low: U64
    """uint64[spans, 2], sorted in each set; high is inclusive."""
    high: U64
    port_start: I32
    """int32[sets + 1]: likewise for ports."""
    port_low: U16
    port_high: U16
    test_start: I32
    """int32[n + 1]: where the tests of a rule begin."""
    test_column: U8
    test_mask: U64
    test_negated: U8
    span_start: I32
    """int32[tests + 1]"""
    span_low: U64
    span_high: U64


@helper
def in_spans(lows, highs, first, end, high, low):
    """Is the address (two halves) in the spans first to end? Binary search for the last span before it."""
    left, right = first, end
    while left < right:
        middle = (left + right) >> 1
        bound_high = lows[middle, 0]
        if bound_high < high or (bound_high == high and lows[middle, 1] <= low):
            left = middle + 1
        else:
            right = middle
    if left == first:
        return False
    top = highs[left - 1, 0]
    return high < top or (high == top and low <= highs[left - 1, 1])


@helper
def in_addresses(table, number, high, low):
    first, end = np.int64(table.set_start[number]), np.int64(table.set_start[number + 1])
    return in_spans(table.low, table.high, first, end, high, low)


@helper
def in_ports(table, number, port):
    first = np.int64(table.port_start[number])
    left, right = first, np.int64(table.port_start[number + 1])
    while left < right:
        middle = (left + right) >> 1
        if table.port_low[middle] <= port:
            left = middle + 1
        else:
            right = middle
    return left > first and port <= table.port_high[left - 1]


@helper
def endpoints_hold(table, rule, subject, i, swapped):
    """Addresses and ports. A fragment has no ports: only `any` holds for it."""
    src_port, dest_port = table.src_port[rule], table.dest_port[rule]
    if swapped:
        src_port, dest_port = dest_port, src_port
    if src_port >= 0 or dest_port >= 0:
        if subject.layer4[i] == 0:
            return False
        if dest_port >= 0 and not in_ports(table, dest_port, subject.dest_port[i]):
            return False
        if src_port >= 0 and not in_ports(table, src_port, subject.src_port[i]):
            return False
    src, dest = table.src[rule], table.dest[rule]
    if swapped:
        src, dest = dest, src
    if src >= 0 and not in_addresses(table, src, subject.src_ip[i, 0], subject.src_ip[i, 1]):
        return False
    return dest < 0 or in_addresses(table, dest, subject.dest_ip[i, 0], subject.dest_ip[i, 1])


@helper
def fragment_offset(decoded, row):
    """As fragoffset sees it: of IPv4 in units of 8 bytes, of IPv6 in bytes."""
    offset = np.uint64(decoded.frag_offset[row])
    if decoded.ip_v[row] != 6:
        return offset
    divided = decoded.fragment[row] == 1 or decoded.fragment[row] == 2
    if divided or (decoded.events[row] & _WHOLE_FRAGMENT) != 0:
        return offset << np.uint64(3)
    return np.uint64(NO_FRAGMENT_HEADER)


@helper
def column_value(decoded, first, row, column):
    """Value of a packet's column by its number in columns.COLUMN_NAMES."""
    if column == 18:
        return np.uint64(decoded.tcp_flags[row])
    if column == 0:
        return np.uint64(decoded.ip_v[row])
    if column == 1:
        return np.uint64(decoded.ethertype[row])
    if column == 2:
        return np.uint64(decoded.src_port[row])
    if column == 3:
        return np.uint64(decoded.dest_port[row])
    if column == 4:
        return np.uint64(decoded.proto[row])
    if column == 5:
        return np.uint64(decoded.vlan[row, 0])
    if column == 6:
        return np.uint64(decoded.vlan_layers[row])
    if column == 7:
        return np.uint64(decoded.src_mac[row])
    if column == 8:
        return np.uint64(decoded.dest_mac[row])
    if column == 9:
        return np.uint64(max(decoded.ip_len[row], 0))
    if column == 10:
        return np.uint64(max(decoded.payload_len[row], 0))
    if column == 11:
        return np.uint64(decoded.ttl[row])
    if column == 12:
        return np.uint64(decoded.tos[row])
    if column == 13:
        return np.uint64(decoded.ip_id[row])
    if column == 14:
        return np.uint64(decoded.frag_bits[row])
    if column == 15:
        return fragment_offset(decoded, row)
    if column == 16:
        return np.uint64(decoded.fragment[row])
    if column == 17:
        return np.uint64(decoded.ip_opts[row])
    if column == 19:
        return np.uint64(decoded.tcp_seq[row])
    if column == 20:
        return np.uint64(decoded.tcp_ack[row])
    if column == 21:
        return np.uint64(decoded.tcp_window[row])
    if column == 22:
        return np.uint64(decoded.tcp_mss[row])
    if column == 23:
        return np.uint64(decoded.icmp_type[row])
    if column == 24:
        return np.uint64(decoded.icmp_code[row])
    if column == 25:
        return np.uint64(decoded.icmp_id[row])
    if column == 26:
        return np.uint64(decoded.icmp_seq[row])
    if column == 27:
        return np.uint64(decoded.tunnel[row])
    if column == 28:
        return np.uint64(decoded.events[row])
    if column == 30:
        return np.uint64(first[row])
    if column == 32:
        return np.uint64(decoded.vlan[row, 1])
    if column == 39:
        return decoded.oddities[row, 0]
    if column == 40:
        return decoded.oddities[row, 1]
    if column == 41:
        return decoded.stream_events[row]
    same = (
        decoded.src_ip[row, 0] == decoded.dest_ip[row, 0]
        and decoded.src_ip[row, 1] == decoded.dest_ip[row, 1]
    )
    return np.uint64(1) if same and decoded.ip_v[row] else np.uint64(0)


@helper
def value_holds(table, test, value):
    """`((value & mask) in spans) != negated`."""
    value = value & table.test_mask[test]
    inside = False
    for k in range(table.span_start[test], table.span_start[test + 1]):
        if table.span_low[k] <= value <= table.span_high[k]:
            inside = True
            break
    return inside != (table.test_negated[test] != 0)


@helper
def _vlan_holds(table, test, decoded, row):
    """vlan_any: the id stands in one of the (two) layers kept; negated: in none of them."""
    negated = table.test_negated[test] != 0
    for layer in range(min(np.int64(decoded.vlan_layers[row]), 2)):
        if value_holds(table, test, np.uint64(decoded.vlan[row, layer])) != negated:
            return not negated
    return negated


@helper
def test_holds(table, test, subject, i, decoded, first):
    """One column test; a stretch without a row fails every test of a packet's own column."""
    column = np.int64(table.test_column[test])
    if column == 29:
        return value_holds(table, test, np.uint64(subject.state[i]))
    if column == 31:
        return value_holds(table, test, np.uint64(subject.locality[i]))
    if column == 35:
        return value_holds(table, test, np.uint64(subject.app[i]))
    if column == 36:
        return value_holds(table, test, np.uint64(subject.client_size[i]))
    if column == 37:
        return value_holds(table, test, np.uint64(subject.server_size[i]))
    if column == 38:
        client = value_holds(table, test, np.uint64(subject.client_size[i]))
        return client or value_holds(table, test, np.uint64(subject.server_size[i]))
    if column == 0:
        version = np.uint64(4) if subject.kinds[i] & np.uint16(1 << 8) else np.uint64(6)
        if subject.kinds[i] & np.uint16(KIND_NOT_IP):
            version = np.uint64(0)
        return value_holds(table, test, version)
    row = np.int64(subject.row[i])
    if row < 0:
        return column == 4 and value_holds(table, test, np.uint64(6))
    if column == 33:
        return _vlan_holds(table, test, decoded, row)
    return value_holds(table, test, column_value(decoded, first, row, column))


@inlined
def _rule_holds(table, rule, subject, i, decoded, first):
    """Header and column tests of a rule against entry `i`, cheapest first."""
    both = table.kinds[rule] & subject.kinds[i]
    if (both & np.uint16(0xFF)) == 0 or (both & np.uint16(0xFF00)) == 0:
        return False
    if (table.directions[rule] >> subject.direction[i]) & 1 == 0:
        return False
    if table.layer4[rule] > subject.layer4[i]:
        return False
    if subject.valid[i] == 0 and table.malformed[rule] == 0:
        return False
    for test in range(table.test_start[rule], table.test_start[rule + 1]):
        if not test_holds(table, test, subject, i, decoded, first):
            return False
    if endpoints_hold(table, rule, subject, i, False):
        return True
    return table.bidirectional[rule] != 0 and endpoints_hold(table, rule, subject, i, True)


@kernel
def keep_holding(table, subject, decoded, first, entry_of, out):
    """Of the candidates in `out`, int64[n, 2] of (place, rule), those whose rules' headers and column tests
    hold move to its front. Returns how many.

    entry_of: int32[places], the subject's entry; empty = a place is an entry. Loops that find candidates
    leave this to one call behind them: to hand all these columns to a function costs more than most of
    its tests.
    """
    n = np.int64(0)
    for i in range(out.shape[0]):
        place, rule = out[i, 0], out[i, 1]
        entry = np.int64(entry_of[place]) if entry_of.size else place
        if _rule_holds(table, rule, subject, entry, decoded, first):
            out[n, 0], out[n, 1] = place, rule
            n += 1
    return n


_KIND_OF_PROTO = np.full(256, 1 << 5, dtype=np.uint16)
for _number, _kind in ((6, 1), (17, 2), (132, 4), (1, 8), (58, 16)):
    _KIND_OF_PROTO[_number] = _kind


@allocating_kernel
def packet_subject(decoded, flows, locality_of, generation, passed, malformed_events, broken_layer4):
    """The Subject of all rows of a batch, and each row's flow generation (uint32[m]).

    generation: uint32[slots], grows by one whenever a row opens a flow in that slot, so that what
    is remembered of an earlier flow in the slot is known to be stale. passed: uint32[slots], the
    generation that a pass rule let through (0 = none). Both may be longer than the flow table.
    malformed_events, broken_layer4: uint64, bits of DecoderEvent.
    """
    rows = decoded.packet.size
    kinds = np.empty(rows, np.uint16)
    layer4 = np.empty(rows, np.uint8)
    valid = np.empty(rows, np.uint8)
    locality = np.zeros(rows, np.uint8)
    numbers = np.empty(rows, np.int32)
    born = np.zeros(rows, np.uint32)
    for row in range(rows):
        version = decoded.ip_v[row]
        if version == 4:
            kind = _KIND_OF_PROTO[decoded.proto[row]] | np.uint16(1 << 8)
        elif version == 6:
            kind = _KIND_OF_PROTO[decoded.proto[row]] | np.uint16(1 << 9)
        else:
            kind = np.uint16((1 << 5) | KIND_NOT_IP)
        fragment = decoded.fragment[row] == 1 or decoded.fragment[row] == 2
        layer4[row] = 1 if decoded.l4_off[row] >= 0 and not fragment else 0
        if decoded.events[row] & broken_layer4:
            kind = np.uint16(1 << 5) | (kind & np.uint16(0xFF00))
            layer4[row] = 0
        valid[row] = 1 if (decoded.events[row] & malformed_events) == 0 else 0
        slot = np.int64(flows.flow[row])
        if slot >= 0:
            if flows.first[row] & 1:
                generation[slot] += np.uint32(1)
            born[row] = generation[slot]
            if slot < locality_of.size:
                locality[row] = locality_of[slot]
            if passed[slot] == born[row] and born[row] != 0:
                kind = np.uint16(0)
        kinds[row] = kind
        numbers[row] = row
    subject = Subject(
        decoded.src_ip,
        decoded.dest_ip,
        decoded.src_port,
        decoded.dest_port,
        kinds,
        layer4,
        valid,
        flows.direction,
        flows.state,
        locality,
        flows.app,
        np.empty(0, np.uint32),
        np.empty(0, np.uint32),
        numbers,
    )
    return subject, born


@allocating_kernel
def stream_subject(streams, flows, view, generation, born_of_row, passed):
    """The Subject of all stretches: ends and direction from the flow table, the rest from the row.

    Also uint32[k]: the generation of the flow of each stretch.
    """
    count = streams.row.size
    src_ip = np.zeros((count, 2), np.uint64)
    dest_ip = np.zeros((count, 2), np.uint64)
    src_port = np.zeros(count, np.uint16)
    dest_port = np.zeros(count, np.uint16)
    kinds = np.zeros(count, np.uint16)
    state = np.ones(count, np.uint8)
    locality = np.zeros(count, np.uint8)
    app = np.zeros(count, np.uint8)
    born = np.zeros(count, np.uint32)
    for i in range(count):
        slot, row = np.int64(streams.flow[i]), np.int64(streams.row[i])
        if slot < 0 or slot >= view.client_port.size:
            continue
        born[i] = born_of_row[row] if row >= 0 and flows.flow[row] == slot else generation[slot]
        if passed[slot] == born[i] and born[i] != 0:
            continue
        if streams.direction[i] == 2:
            src, dest = view.server_ip, view.client_ip
            src_port[i], dest_port[i] = view.server_port[slot], view.client_port[slot]
        else:
            src, dest = view.client_ip, view.server_ip
            src_port[i], dest_port[i] = view.client_port[slot], view.server_port[slot]
        for half in range(2):
            src_ip[i, half] = src[slot, half]
            dest_ip[i, half] = dest[slot, half]
        mapped = src_ip[i, 0] == 0 and (src_ip[i, 1] >> np.uint64(32)) == np.uint64(0xFFFF)
        kinds[i] = np.uint16(1 | (1 << 8)) if mapped else np.uint16(1 | (1 << 9))
        locality[i] = view.locality[slot]
        app[i] = view.app[slot]
        if row >= 0:
            state[i] = flows.state[row]
    return (
        Subject(
            src_ip,
            dest_ip,
            src_port,
            dest_port,
            kinds,
            np.ones(count, np.uint8),
            np.ones(count, np.uint8),
            streams.direction,
            state,
            locality,
            app,
            np.empty(0, np.uint32),
            np.empty(0, np.uint32),
            streams.row,
        ),
        born,
    )
