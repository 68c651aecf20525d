"""Segments that came before the bytes in front of them: a list a direction, sorted by sequence number.

Where two segments overlap, the policy of the host that takes them says whose bytes count
(kernels_policies). Both segments then keep these, so whichever is joined first gives the right ones.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.model.sequence import distance
from vpi_tui.stream.kernels_cells import free_chain, store, transfer
from vpi_tui.stream.kernels_policies import later_wins
from vpi_tui.stream.layout import MOST_OVERLAPS, N_SEGMENTS_FREE, N_SEGMENTS_TOP

I64 = np.int64


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
def is_apart(p, i, seq):
    """Does a segment begin behind all that wait? Most do, and overlap none."""
    last = I64(p.directions[i]["early_last"])
    return not last or distance(seq, p.segments[last]["reach"]) >= 0


@helper
def last_before(p, i, seq):
    """Of the segments that end at `seq` or before it, as all in front of them do, the last one; 0 = none."""
    before, number = I64(0), I64(p.directions[i]["early"])
    while number and distance(p.segments[number]["reach"], seq) <= 0:
        before, number = number, I64(p.segments[number]["following"])
    return before


@helper
def behind(p, i, before):
    """The segment behind another one (0 = the first)."""
    return I64(p.segments[before]["following"]) if before else I64(p.directions[i]["early"])


@helper
def is_crowded(p, i, before, seq, count):
    """Would a segment overlap more of those that wait, behind `before`, than can be settled?"""
    number, overlaps = behind(p, i, before), 0
    while number:
        other = p.segments[number]
        ahead = distance(other["seq"], seq)
        if ahead >= count:
            break
        overlaps += ahead + I64(other["length"]) > 0
        number = I64(other["following"])
    return overlaps > MOST_OVERLAPS


@helper
def settle(p, i, before, own, policy):
    """Segment `own` of direction i came last: give it and those that it overlaps, which are all behind
    `before`, the bytes that count.

    A byte is that of `own` when it wins over all segments that had it before. Returns whether any copy
    said something else.
    """
    new = p.segments[own]
    count, differs = I64(new["length"]), False
    for later in range(2):
        number = behind(p, i, before)
        while number:
            other = p.segments[number]
            ahead = distance(other["seq"], new["seq"])
            if ahead >= count:
                break
            ends = count - ahead - I64(other["length"])
            if number != own and ahead + I64(other["length"]) > 0:
                into, skip = max(ahead, I64(0)), max(-ahead, I64(0))
                size = min(count - into, I64(other["length"]) - skip)
                wins = later_wins(policy, -ahead, ends)
                if later and wins:
                    differs = transfer(p, new["chain"], into, other["chain"], skip, size) or differs
                elif not later and not wins:
                    differs = transfer(p, other["chain"], skip, new["chain"], into, size) or differs
            number = I64(other["following"])
    return differs


@helper
def extend_reach(p, before, number):
    """Segment `number` was put behind `before` (0 = at the front)."""
    end = (I64(p.segments[number]["seq"]) + I64(p.segments[number]["length"])) & 0xFFFFFFFF
    if before and distance(p.segments[before]["reach"], end) > 0:
        end = I64(p.segments[before]["reach"])
    p.segments[number]["reach"] = end
    after = I64(p.segments[number]["following"])
    while after and distance(p.segments[after]["reach"], end) < 0:
        p.segments[after]["reach"] = end
        after = I64(p.segments[after]["following"])


@helper
def insert(p, i, before, number, seq, source, begin, count):
    """Keep bytes as segment `number` of direction i, behind `before`. There must be cells enough."""
    fill(p, number, seq, source, begin, count)
    link(p, i, before, number)


@helper
def fill(p, number, seq, source, begin, count):
    """Bytes into a segment that is in no list yet. There must be cells enough."""
    chain, _ = store(p, I64(0), I64(0), source, begin, count)
    new = p.segments[number]
    new["seq"] = seq
    new["length"] = count
    new["chain"] = chain


@helper
def link(p, i, before, number):
    """Put a segment into the list of direction i, behind `before`."""
    own, new = p.directions[i], p.segments[number]
    after = behind(p, i, before)
    while after and distance(new["seq"], p.segments[after]["seq"]) >= 0:
        before, after = after, I64(p.segments[after]["following"])
    new["following"] = after
    if before:
        p.segments[before]["following"] = number
    else:
        own["early"] = number
    if not after:
        own["early_last"] = number
    extend_reach(p, before, number)
    own["early_count"] += 1
    own["early_bytes"] += new["length"]


@helper
def drop_first(p, i):
    """Free the first segment of direction i."""
    own = p.directions[i]
    number = I64(own["early"])
    first = p.segments[number]
    own["early"] = first["following"]
    own["early_count"] -= 1
    own["early_bytes"] -= first["length"]
    if not own["early"]:
        own["early_last"] = 0
    free_segment(p, number)


@helper
def free_segment(p, number):
    """Give back a segment that is in no list any more."""
    segment = p.segments[number]
    free_chain(p, segment["chain"])
    segment["chain"] = 0
    segment["following"] = p.numbers[N_SEGMENTS_FREE]
    p.numbers[N_SEGMENTS_FREE] = number
