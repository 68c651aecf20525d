"""Which bytes to scan with which set of patterns.

Traffic is sorted by *selector*: class of protocol x direction x (packets and starts of streams |
packets whose payload a stream took | later parts of streams). Within a selector, rules for few ports
are looked for only on those ports, and patterns near the start only there.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I32, U8
from vpi_tui.model.jit import inlined, kernel

# Unit kinds (units.UnitKind): numbers of the bits in FastContents.kinds.
PACKET, TAKEN, STREAM_START, STREAM_LATER = 0, 1, 2, 3
SELECTORS = 10
UNITS_AN_ENTRY = 4
"""Destination and source port, patterns anywhere and patterns near the start."""


class Selectors(NamedTuple):
    """Pattern sets by selector and port; -1 = nothing to scan for."""

    port_group: U8
    """uint8[20, 65536]: selector * 2 (+ 1 for source ports) and port -> group, 0 = none special."""
    patterns: I32
    """int32[2, 20, 256]: pattern sets of a group, of patterns anywhere and of those that end early; for
    destination ports group 0 = the rules for any port."""
    limit: I32
    """int32[20, 256]: none of the patterns that end early ends behind so many bytes."""
    lookback: I32
    """int32[20, 256]: bytes of a stream before fresh ones to scan again."""


OTHER_PROTOCOLS = 3


@inlined
def protocol_class(kinds):
    """0 tcp, 1 udp, 2 icmp, OTHER_PROTOCOLS."""
    if kinds & np.uint16(1):
        return 0
    if kinds & np.uint16(2):
        return 1
    if kinds & np.uint16(8 | 16):
        return 2
    return OTHER_PROTOCOLS


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
    """Add the units for one side; returns the new count."""
    group = selectors.port_group[side, port]
    if group == 0 and side & 1:
        return n
    begin = max(start, fresh - np.int64(selectors.lookback[side, group]))
    for early in range(2):
        number = selectors.patterns[early, side, group]
        last = min(end, start + np.int64(selectors.limit[side, group])) if early else end
        if number < 0 or begin >= last:
            continue
        units.start[n] = start
        units.begin[n] = begin
        units.end[n] = end
        units.last[n] = last
        units.fresh[n] = fresh
        units.patterns[n] = number
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
