"""The compiled loop over DNS datagrams: which are plain, and what plain queries ask for (RFC 1035, 4)."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from __future__ import annotations

import numpy as np

from vpi_tui.model.jit import helper, kernel

HEADER = 12
MOST_STEPS, MOST_BYTES = 64, 255
"""Labels and jumps, and bytes, of a plain name (RFC 1035, 2.3.4)."""
MOST_RECORDS = 64
"""Questions and records of a plain message."""
RESPONSE, Z_BIT = 0x8000, 0x0040
OPERATIONS, FIRST_UNKNOWN = 0x7800, 0x3800
NS, CNAME, SOA, PTR, MX, SRV, DNAME = 2, 5, 6, 12, 15, 33, 39
ODD, SILENT, ASKS = 0, 1, 2
TO_SERVER = 1


@helper
def _u16(buf, at):
    return np.int64(buf[np.uint64(at)]) << 8 | np.int64(buf[np.uint64(at + 1)])


@helper
def _behind_name(buf, base, end, at):
    """Where what follows a name begins; -1 = it is not plain. base: of the message. Jumps go back only."""
    behind, size = np.int64(-1), np.int64(0)
    for _ in range(MOST_STEPS):
        if at >= end:
            return np.int64(-1)
        length = np.int64(buf[np.uint64(at)])
        if length == 0:
            return at + 1 if behind < 0 else behind
        if length >= 0xC0:
            if at + 2 > end:
                return np.int64(-1)
            target = base + (_u16(buf, at) & 0x3FFF)
            if target >= at or target < base + HEADER:
                return np.int64(-1)
            behind = at + 2 if behind < 0 else behind
            at = target
            continue
        at += 1 + length
        size += 1 + length
        if length > 63 or size > MOST_BYTES:
            return np.int64(-1)
    return np.int64(-1)


@helper
def _names_are_plain(buf, base, end, kind, at, size):
    """The names in the data of a record. at, size: of the data."""
    if size == 0:
        return True
    if kind == SOA:
        at = _behind_name(buf, base, end, at)
        return at >= 0 and _behind_name(buf, base, end, at) >= 0
    before = np.int64(-1)
    if kind in (NS, CNAME, PTR, DNAME):
        before = np.int64(0)
    elif kind == MX:
        before = np.int64(2)
    elif kind == SRV:
        before = np.int64(6)
    return before < 0 or size <= before or _behind_name(buf, base, end, at + before) >= 0


@helper
def _records_are_plain(buf, base, end, at, count):
    for _ in range(count):
        at = _behind_name(buf, base, end, at)
        if at < 0 or at + 10 > end:
            return False
        kind, size = _u16(buf, at), _u16(buf, at + 8)
        at += 10
        if at + size > end or not _names_are_plain(buf, base, end, kind, at, size):
            return False
        at += size
    return True


@kernel
def plain_messages(buf, start, size, direction, verdict, names, name_end):
    """verdict, uint8[n]: ASKS = a query of one name, SILENT = an answer, and ODD = neither, or not plain.

    Plain is what the parser reads to its end without an anomaly: it goes the way that it should, and its
    names are far from any limit. start, size: int64[n], of the datagrams in `buf`; direction: uint8[n].
    names: room for so many bytes as all have; there name k lies behind name k-1 and ends at name_end[k],
    int64[n]: with dots, and empty unless its message ASKS.
    """
    put = np.int64(0)
    for i in range(start.size):
        verdict[i] = ODD
        name_end[i] = first = put
        base, end = start[i], start[i] + size[i]
        if size[i] < HEADER:
            continue
        flags, asks = _u16(buf, base + 2), direction[i] == TO_SERVER
        if flags & Z_BIT or flags & OPERATIONS >= FIRST_UNKNOWN or (flags & RESPONSE == 0) != asks:
            continue
        questions = _u16(buf, base + 4)
        records = _u16(buf, base + 6) + _u16(buf, base + 8) + _u16(buf, base + 10)
        if questions + records > MOST_RECORDS or (asks and questions != 1):
            continue
        at = base + HEADER
        for _ in range(questions):
            at = _behind_name(buf, base, end, at)
            at = np.int64(-1) if at < 0 or at + 4 > end else at + 4
            if at < 0:
                break
        if at < 0 or not _records_are_plain(buf, base, end, at, records):
            continue
        verdict[i] = ASKS if asks else SILENT
        if not asks:
            continue
        at = base + HEADER  # nothing is there to jump back to: these are labels to the end
        while buf[np.uint64(at)]:
            length = np.int64(buf[np.uint64(at)])
            for k in range(length):
                names[put + k] = buf[np.uint64(at + 1 + k)]
            names[put + length] = ord(".")
            put += length + 1
            at += length + 1
        put = max(first, put - 1)  # without the last dot
        name_end[i] = put
