"""One TCP segment as the state of its connection sees it, and the options of its header.

Sources: RFC 9293 (header), 7323 (window scale, timestamps), 7413 (Fast Open), 6994 (experimental kinds), 2385
and 5925 (signatures).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from typing import NamedTuple

import numpy as np

from vpi_tui.model.jit import helper

I64 = np.int64
MOST_SCALE = 14
O_SCALE, O_TIMES, O_DIGEST, O_AUTHENTICATION, O_FAST_OPEN, O_EXPERIMENT_1, O_EXPERIMENT_2 = (
    3, 8, 19, 29, 34, 253, 254,
)  # fmt: skip
FAST_OPEN_MAGIC = 0xF989


class Segment(NamedTuple):
    """One segment, all int64."""

    flags: np.int64
    seq: np.int64
    ack: np.int64
    window: np.int64
    """As announced, before it is scaled."""
    size: np.int64
    """Bytes of payload."""
    scale: np.int64
    """-1 = the segment has no such option."""
    stamped: np.int64
    """1 = it has timestamps: `value` and the `echo` of the peer's."""
    value: np.int64
    echo: np.int64
    fast_open: np.int64
    """1 = it asks for, or brings, a cookie of TCP Fast Open (RFC 7413)."""
    signed: np.int64
    """1 = only who has a key can tell whether it is genuine."""


@helper
def options_of(buf, at, stop):
    """(window scale or -1, 1 = has timestamps, value, echo, 1 = Fast Open, 1 = signed) of the options in
    buf[at:stop]."""
    scale, stamped, value, echo, fast_open, signed = I64(-1), I64(0), I64(0), I64(0), I64(0), I64(0)
    while at + 1 < stop:
        kind = buf[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        size = I64(buf[at + 1])
        if size < 2 or at + size > stop:
            break
        if kind == O_SCALE and size == 3:
            scale = min(I64(buf[at + 2]), I64(MOST_SCALE))
        elif kind == O_FAST_OPEN:
            fast_open = I64(1)
        elif (kind == O_DIGEST and size == 18) or (kind == O_AUTHENTICATION and size >= 4):
            signed = I64(1)
        elif (kind == O_EXPERIMENT_1 or kind == O_EXPERIMENT_2) and size >= 4:
            if I64(buf[at + 2]) << 8 | I64(buf[at + 3]) == FAST_OPEN_MAGIC:
                fast_open = I64(1)
        elif kind == O_TIMES and size == 10:
            stamped = I64(1)
            for k in range(4):
                value = value << 8 | I64(buf[at + 2 + k])
                echo = echo << 8 | I64(buf[at + 6 + k])
        at += size
    return scale, stamped, value, echo, fast_open, signed
