"""Which bytes to scan with which set of patterns.

Traffic is sorted by *selector*: class of protocol x direction x (packets and starts of streams |
packets whose payload a stream took, and windows | later parts of streams), and by its *lane*: class of
application (app_classes.py) x way (ways.py). Within a selector, rules for few ports are looked for only on
those ports, and patterns near the start only there. Most rules whose pattern may lie anywhere want something
else near the start, or a short payload: where that is missing, the payload is not scanned for them.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.detect.match.kernels_rules import in_spans
from vpi_tui.detect.match.kernels_scan import is_at
from vpi_tui.detect.match.kernels_sealed import SEALED
from vpi_tui.model.batch import I32, U8, U64
from vpi_tui.model.jit import helper, inlined, kernel

# Unit kinds (units.UnitKind): numbers of the bits in FastContents.kinds.
PACKET, TAKEN, STREAM_START, STREAM_LATER, STREAM_WINDOW = 0, 1, 2, 3, 4
SELECTORS = 10
ANYWHERE, EARLY, GATED = 0, 1, 2
CLASSES = 3
"""Patterns that may lie anywhere, that end near the start, and that are behind a gate."""
UNITS_AN_ENTRY = 2 * 2 * CLASSES
"""Stretch and window, destination and source port, each with patterns of each class."""


# Sides of a selector: which port a group is found by, and which patterns a unit is scanned for.
BY_DEST, BY_SRC, BY_BOTH = 0, 1, 2
SIDES = 3
WAYS = 4
"""Ways are numbered 2 * (is the source inside?) + (is the destination?): see ways.py."""


class Gates(NamedTuple):
    """What payloads must begin with for some rules to hold: `g` gates with `a` ways through."""

    start: I32
    """int32[g + 1]: where the ways through a gate begin."""
    most: I32
    """int32[a]: bytes of payload at most."""
    byte_start: I32
    """int32[a]: where the content begins in `data`."""
    length: I32
    """int32[a]: 0 = whatever content."""
    low: I32
    """int32[a]: earliest start in the payload."""
    high: I32
    """int32[a]: latest end in the payload."""
    nocase: U8
    data: U8


class Selectors(NamedTuple):
    """Pattern sets by lane (class of application * WAYS + way), selector and port; -1 = nothing to scan for.

    Groups of destination ports hold the rules for any port too. Where no rule names the destination port, so
    do those of BY_BOTH, which are the groups of source ports: the bytes are scanned once for both.
    """

    port_group: U8
    """uint8[10, 2, 65536]: selector, BY_DEST | BY_SRC, port -> group, 0 = none special."""
    patterns: I32
    """int32[lanes, 10, 3, groups, 3]: pattern sets of a group, by class."""
    limit: I32
    """int32[lanes, 10, 3, groups]: none of the patterns that end early ends behind so many bytes."""
    lookback: I32
    """int32[lanes, 10, 3, groups]: bytes of a stream before fresh ones to scan again."""
    gate: I32
    """int32[lanes, 10, 3, groups]: number of the gate in front of the patterns of class GATED."""
    gates: Gates
    app_class: U8
    """uint8[256]: class of each application (model.applications)."""
    home_low: U64
    """uint64[spans, 2]: first addresses of the network whose edge tells the ways apart (ways.Ways)."""
    home_high: U64


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
        if kind == TAKEN or kind == STREAM_WINDOW:
            return client + 2
        return client + 4 if kind == STREAM_LATER else client
    return (6 if kinds & np.uint16(2) else 8) + client


@helper
def _way(lows, highs, subject, i):
    """Number of the way in which an entry crosses the edge."""
    end, first = np.int64(lows.shape[0]), np.int64(0)
    src = in_spans(lows, highs, first, end, subject.src_ip[i, 0], subject.src_ip[i, 1])
    dest = in_spans(lows, highs, first, end, subject.dest_ip[i, 0], subject.dest_ip[i, 1])
    return np.int64(2 * src + dest)


@kernel
def fill_ways(lows, highs, subject, out):
    """out: uint8[n], the way of each entry."""
    for i in range(out.size):
        out[i] = _way(lows, highs, subject, i)


@helper
def _is_open(gates, gate, buf, start, end):
    """May a payload hold for some rule behind the gate?"""
    for k in range(gates.start[gate], gates.start[gate + 1]):
        if end - start > gates.most[k]:
            continue
        length = np.int64(gates.length[k])
        begin, nocase = np.int64(gates.byte_start[k]), gates.nocase[k] != 0
        for at in range(start + gates.low[k], min(end, start + gates.high[k]) - length + 1):
            if is_at(gates.data, begin, length, nocase, buf, at):
                return True
    return False


@inlined
def _put(units, n, selectors, buf, lane, number, side, group, start, end, fresh, entry, kind):
    """Add the units for one side; returns the new count."""
    begin = max(start, fresh - np.int64(selectors.lookback[lane, number, side, group]))
    for order in range(CLASSES):
        patterns = selectors.patterns[lane, number, side, group, order]
        last = end
        if order == EARLY:
            last = min(end, start + np.int64(selectors.limit[lane, number, side, group]))
        if patterns < 0 or begin >= last:
            continue
        if order == GATED:
            gate = np.int64(selectors.gate[lane, number, side, group])
            if not _is_open(selectors.gates, gate, buf, start, end):
                continue
        units.start[n] = start
        units.begin[n] = begin
        units.end[n] = end
        units.last[n] = last
        units.fresh[n] = fresh
        units.patterns[n] = patterns
        units.entry[n] = entry
        units.kind[n] = kind
        n += 1
    return n


@inlined
def _put_sides(units, n, selectors, buf, subject, i, number, start, end, fresh, kind):
    """Add the units of an entry; returns the new count."""
    lane = np.int64(selectors.app_class[subject.app[i]]) * WAYS
    lane += _way(selectors.home_low, selectors.home_high, subject, i)
    by_dest = selectors.port_group[number, BY_DEST, subject.dest_port[i]]
    by_src = selectors.port_group[number, BY_SRC, subject.src_port[i]]
    if by_dest == 0 and by_src:
        return _put(units, n, selectors, buf, lane, number, BY_BOTH, by_src, start, end, fresh, i, kind)
    n = _put(units, n, selectors, buf, lane, number, BY_DEST, by_dest, start, end, fresh, i, kind)
    if by_src:
        n = _put(units, n, selectors, buf, lane, number, BY_SRC, by_src, start, end, fresh, i, kind)
    return n


@inlined
def is_in_window(streams, i):
    """Is the stretch of a window behind the first one, which is the start of the stream?"""
    window = streams.window[i]
    return window >= 0 and (streams.stream_offset[i] != 0 or window > streams.start[i])


@inlined
def kind_of_stretch(streams, i):
    return STREAM_START if streams.stream_offset[i] == 0 and not is_in_window(streams, i) else STREAM_LATER


@kernel
def packet_units(buf, payload_off, payload_len, subject, taken, selectors, units):
    """Fill `units` (room for UNITS_AN_ENTRY times the rows) from packet payloads in `buf`; returns how many.

    payload_off, payload_len: of the DecodedBatch. taken: as of candidates.Batch.
    """
    n = 0
    for row in range(subject.kinds.size):
        length = np.int64(payload_len[row])
        if length <= 0 or payload_off[row] < 0 or subject.kinds[row] == 0 or subject.valid[row] == 0:
            continue
        if taken.size > row and taken[row] == SEALED:
            continue
        kind = TAKEN if taken.size > row and taken[row] else PACKET
        number = _selector(subject.kinds[row], subject.direction[row], kind)
        start = payload_off[row]
        n = _put_sides(units, n, selectors, buf, subject, row, number, start, start + length, start, kind)
    return n


@kernel
def stream_units(streams, subject, selectors, units):
    """The same for stretches of streams."""
    n = 0
    for i in range(subject.kinds.size):
        start, end = streams.start[i], streams.end[i]
        if end <= start or subject.kinds[i] == 0:
            continue
        kind = kind_of_stretch(streams, i)
        number = _selector(subject.kinds[i], subject.direction[i], kind)
        fresh = streams.fresh[i]
        n = _put_sides(units, n, selectors, streams.buf, subject, i, number, start, end, fresh, kind)
        if is_in_window(streams, i):
            kind, start = STREAM_WINDOW, streams.window[i]
            number = _selector(subject.kinds[i], subject.direction[i], kind)
            n = _put_sides(units, n, selectors, streams.buf, subject, i, number, start, end, fresh, kind)
    return n
