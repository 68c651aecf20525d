"""Compiled loop over the records of a classic capture file."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from vpi_tui.capture.kernels_words import u32
from vpi_tui.model.jit import kernel

MAX_CAPLEN = 262_144
"""MAXIMUM_SNAPLEN of libpcap: no record holds more."""

NEED_MORE = 0
"""The next record is not whole yet."""
FULL = 1
"""The columns, or the limit on bytes, are used up."""
BAD_CAPLEN = 2


@kernel
def index_pcap(buf, pos, end, big, header, subsecond_ns, cols, count):
    """Rows for the records in buf[pos:end], written from row `count` on.

    header: bytes of a record header, 16 or 24. subsecond_ns: nanoseconds of one unit of the second
    time field. Writes offset, caplen, length and ts_ns. Returns rows in all, the position of the
    first record without a row, and one of NEED_MORE, FULL, BAD_CAPLEN.
    """
    capacity = cols.offset.shape[0]
    while pos + header <= end:
        if count == capacity:
            return count, pos, FULL
        caplen = u32(buf, pos + 8, big)
        if caplen > MAX_CAPLEN:
            return count, pos, BAD_CAPLEN
        frame = pos + header
        if frame + caplen > end:
            break
        length = min(u32(buf, pos + 12, big), np.int64(0x7FFFFFFF))
        cols.offset[count] = frame
        cols.caplen[count] = caplen
        # Some writers put a smaller number here; a frame is at least what was captured of it.
        cols.length[count] = max(length, caplen)
        seconds = u32(buf, pos, big)
        cols.ts_ns[count] = seconds * 1_000_000_000 + u32(buf, pos + 4, big) * subsecond_ns
        count += 1
        pos = frame + caplen
    return count, pos, NEED_MORE
