"""Compiled loop over the blocks of a pcapng file (draft-ietf-opsawg-pcapng)."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.capture.kernels_words import u16, u32
from vpi_tui.model.batch import I64, U16, U64
from vpi_tui.model.jit import helper, kernel

MAX_CAPLEN = 262_144
MAX_BLOCK = 1 << 20
"""Longest block that is read as a whole; a longer one is skipped, or a fault when it holds a packet."""
MAX_TS_NS = 1 << 62
"""Times after the year 2116 are taken for this one, so that sums of times stay in 64 bits."""

MAX_SECONDS = MAX_TS_NS // 1_000_000_000

BLOCK_SECTION = 0x0A0D0D0A
BLOCK_INTERFACE = 1
BLOCK_PACKET = 2
BLOCK_SIMPLE = 3
BLOCK_ENHANCED = 6

NEED_MORE = 0
FULL = 1
STRUCTURE = 2
"""A section header or an interface description stands at the returned position."""
SKIP = 3
"""A block that reaches beyond the buffer and is of no interest stands there."""
BAD_BLOCK_LENGTH = 4
BAD_TRAILER = 5
BAD_CAPLEN = 6
NO_INTERFACE = 7


class Section(NamedTuple):
    """What the current section says of all its blocks."""

    big_endian: bool
    first_interface: int
    """Row of its interface 0 in the InterfaceTable, which holds those of all sections."""
    interfaces: int
    """Interfaces described so far."""


class InterfaceTable(NamedTuple):
    """One row an interface of the file; longer than the number of interfaces."""

    link_type: U16
    snaplen: I64
    """Bytes; 2**62 when the file sets no limit."""
    offset_ns: I64
    """if_tsoffset, added to every time."""
    shift: I64
    """Time unit 2**-shift seconds, or -1: ticks // divisor * multiplier are nanoseconds."""
    divisor: U64
    multiplier: U64
    max_ticks: U64
    """Largest value (after the division) that gives no time after MAX_TS_NS."""


@helper
def _to_ns(ticks, row, table):
    """Nanoseconds since 1970 of `ticks` (uint64) of interface `row`, kept within 0 and MAX_TS_NS."""
    shift = table.shift[row]
    if shift < 0:
        if table.divisor[row] != 1:
            ticks = ticks // table.divisor[row]
        ns = np.int64(MAX_TS_NS)
        if ticks <= table.max_ticks[row]:
            ns = np.int64(ticks * table.multiplier[row])
    else:
        seconds = min(ticks >> np.uint64(shift), np.uint64(MAX_SECONDS + 1))
        fraction = ticks & ((np.uint64(1) << np.uint64(shift)) - np.uint64(1))
        # 30 bits of fraction are a nanosecond; more would not fit when multiplied.
        if shift > 30:
            fraction = fraction >> np.uint64(shift - 30)
            shift = np.int64(30)
        ns = np.int64(seconds) * 1_000_000_000 + (np.int64(fraction) * 1_000_000_000 >> shift)
        ns = min(ns, np.int64(MAX_TS_NS))
    return min(max(ns + table.offset_ns[row], np.int64(0)), np.int64(MAX_TS_NS))


@helper
def _fields(buf, pos, kind, total, big, section, table, last_ns):
    """One packet block: frame position, caplen, length, interface row, time, fault or 0."""
    if kind == BLOCK_ENHANCED or kind == BLOCK_PACKET:
        if total < 32:
            return 0, 0, 0, 0, last_ns, BAD_BLOCK_LENGTH
        number = u32(buf, pos + 8, big) if kind == BLOCK_ENHANCED else u16(buf, pos + 8, big)
        if number >= section.interfaces:
            return 0, 0, 0, 0, last_ns, NO_INTERFACE
        row = section.first_interface + number
        ticks = np.uint64(u32(buf, pos + 12, big)) << np.uint64(32) | np.uint64(u32(buf, pos + 16, big))
        caplen = u32(buf, pos + 20, big)
        if caplen > MAX_CAPLEN or caplen > total - 32:
            return 0, 0, 0, 0, last_ns, BAD_CAPLEN
        return pos + 28, caplen, u32(buf, pos + 24, big), row, _to_ns(ticks, row, table), 0
    # A simple packet block has no time (it gets that of the packet before) and belongs to the
    # section's first interface, whose snap length is the only word on how much was captured.
    if total < 16:
        return 0, 0, 0, 0, last_ns, BAD_BLOCK_LENGTH
    if section.interfaces == 0:
        return 0, 0, 0, 0, last_ns, NO_INTERFACE
    row = section.first_interface
    length = u32(buf, pos + 8, big)
    caplen = min(length, table.snaplen[row])
    if caplen > MAX_CAPLEN or caplen > total - 16:
        return 0, 0, 0, 0, last_ns, BAD_CAPLEN
    return pos + 12, caplen, length, row, last_ns, 0


@kernel
def index_pcapng(buf, pos, end, section, table, last_ns, cols, count):
    """Rows for the packet blocks in buf[pos:end], written from row `count` on.

    section: a Section; table: an InterfaceTable; last_ns: time of the packet before. Writes all
    columns but vlan_tci and flags; ifindex is the row in `table`. Returns rows in all, the position
    of the first block that is not done, the time of the last packet, and a status (see above).
    """
    big = section.big_endian
    capacity = cols.offset.shape[0]
    while pos + 12 <= end:
        kind = u32(buf, pos, big)
        if kind == BLOCK_SECTION or kind == BLOCK_INTERFACE:
            return count, pos, last_ns, STRUCTURE
        total = u32(buf, pos + 4, big)
        if total < 12 or total & 3:
            return count, pos, last_ns, BAD_BLOCK_LENGTH
        is_packet = kind == BLOCK_ENHANCED or kind == BLOCK_SIMPLE or kind == BLOCK_PACKET
        if total > MAX_BLOCK:
            return count, pos, last_ns, BAD_BLOCK_LENGTH if is_packet else SKIP
        if pos + total > end:
            break
        if u32(buf, pos + total - 4, big) != total:
            return count, pos, last_ns, BAD_TRAILER
        if is_packet:
            if count == capacity:
                return count, pos, last_ns, FULL
            frame, caplen, length, row, last_ns, fault = _fields(
                buf, pos, kind, total, big, section, table, last_ns
            )
            if fault:
                return count, pos, last_ns, fault
            cols.offset[count] = frame
            cols.caplen[count] = caplen
            cols.length[count] = max(min(length, np.int64(0x7FFFFFFF)), caplen)
            cols.ts_ns[count] = last_ns
            cols.link_type[count] = table.link_type[row]
            cols.ifindex[count] = row
            count += 1
        pos += total
    return count, pos, last_ns, NEED_MORE
