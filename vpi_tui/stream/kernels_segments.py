"""Segments that came before the bytes in front of them: a list a direction, sorted by sequence number.

Where two segments overlap, the one that begins first gives its bytes; of two that begin at the same
place, the one that came first. That is the BSD policy, Suricata's default; another target's policy
would sort or trim otherwise in `insert`.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.stream.kernels_cells import free_chain, store
from vpi_tui.stream.layout import N_SEGMENTS_FREE, N_SEGMENTS_TOP

I64 = np.int64


@helper
def distance(seq, base):
    """seq - base modulo 2^32, as a signed number (RFC 9293, 3.4)."""
    ahead = (I64(seq) - I64(base)) & 0xFFFFFFFF
    return ahead - 0x100000000 if ahead >= 0x80000000 else ahead


@helper
def take_segment(p):
    """A free segment, 0 when there is none."""
    number = p.numbers[N_SEGMENTS_FREE]
    if number:
        p.numbers[N_SEGMENTS_FREE] = p.segments[number]["following"]
    elif p.numbers[N_SEGMENTS_TOP] < len(p.segments) - 1:
        p.numbers[N_SEGMENTS_TOP] += 1
        number = p.numbers[N_SEGMENTS_TOP]
    return number


@helper
def insert(p, i, number, seq, source, begin, count):
    """Keep bytes as segment `number` of direction i. There must be cells enough."""
    own = p.directions[i]
    chain, _ = store(p, I64(0), I64(0), source, begin, count)
    new = p.segments[number]
    new["seq"] = seq
    new["length"] = count
    new["chain"] = chain
    before, after = I64(0), I64(own["early"])
    last = I64(own["early_last"])
    if last and distance(seq, p.segments[last]["seq"]) >= 0:
        before, after = last, I64(0)
    while after and distance(seq, p.segments[after]["seq"]) >= 0:
        before, after = after, I64(p.segments[after]["following"])
    new["following"] = after
    if before:
        p.segments[before]["following"] = number
    else:
        own["early"] = number
    if not after:
        own["early_last"] = number
    own["early_count"] += 1
    own["early_bytes"] += count


@helper
def drop_first(p, i):
    """Free the first segment of direction i."""
    own = p.directions[i]
    number = I64(own["early"])
    first = p.segments[number]
    free_chain(p, first["chain"])
    own["early"] = first["following"]
    own["early_count"] -= 1
    own["early_bytes"] -= first["length"]
    if not own["early"]:
        own["early_last"] = 0
    first["chain"] = 0
    first["following"] = p.numbers[N_SEGMENTS_FREE]
    p.numbers[N_SEGMENTS_FREE] = number
