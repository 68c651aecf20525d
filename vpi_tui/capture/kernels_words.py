"""Numbers of a file or a ring whose byte order is known when it is read."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from vpi_tui.model.jit import helper


@helper
def u16(buf, pos, big):
    a = np.int64(buf[pos])
    b = np.int64(buf[pos + 1])
    return a << 8 | b if big else b << 8 | a


@helper
def u32(buf, pos, big):
    a = np.int64(buf[pos])
    b = np.int64(buf[pos + 1])
    c = np.int64(buf[pos + 2])
    d = np.int64(buf[pos + 3])
    if big:
        return a << 24 | b << 16 | c << 8 | d
    return d << 24 | c << 16 | b << 8 | a
