"""Sequence numbers of TCP, which begin again behind 2^32 - 1."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import shared

I64 = np.int64


@shared
def distance(seq, base):
    """seq - base modulo 2^32, as a signed number (RFC 9293, 3.4)."""
    ahead = (I64(seq) - I64(base)) & 0xFFFFFFFF
    return ahead - 0x100000000 if ahead >= 0x80000000 else ahead
