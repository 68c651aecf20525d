"""Segments that their receiver should throw away, but it alone knows whether it did.

Each is parked. Where a sound one comes in its place, that one counts. Where none came and the receiver
acknowledges bytes there, it has taken what is parked, and this goes into the stream.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.model.sequence import distance
from vpi_tui.stream.kernels_cells import cells_left, cells_of
from vpi_tui.stream.kernels_held import enqueue
from vpi_tui.stream.kernels_release import (
    begin,
    finish,
    give_up_hole,
    join_early,
    release,
    stop_at_depth,
)
from vpi_tui.stream.kernels_segments import (
    fill,
    free_segment,
    is_crowded,
    last_before,
    link,
    settle,
    take_segment,
)
from vpi_tui.stream.kernels_session_words import DOUBTFUL
from vpi_tui.stream.layout import FARTHEST, MOST_PARKED, N_ARENA

I64 = np.int64
FIRST_COPY = 0
"""A policy under which no later bytes win."""


@helper
def park(p, i, seq, source, at, count, kind, now):
    """Keep a segment aside. False = there is no room."""
    number, parked = I64(p.parked[i]), 0
    while number:
        parked += 1
        number = I64(p.segments[number]["following"])
    far = abs(distance(seq, p.directions[i]["next_seq"])) > FARTHEST
    if parked >= MOST_PARKED or far or cells_left(p) < cells_of(count) + 1:
        return False
    number = take_segment(p)
    if not number:
        return False
    fill(p, number, seq, source, at, count)
    p.segments[number]["reach"] = kind
    p.segments[number]["following"] = p.parked[i]
    p.parked[i] = number
    if kind >= DOUBTFUL:
        enqueue(p, i, now)
    return True


@helper
def drop_parked(p, i):
    while p.parked[i]:
        number = I64(p.parked[i])
        p.parked[i] = p.segments[number]["following"]
        free_segment(p, number)


@helper
def take_parked(p, i, number, end):
    """A parked segment, as far as `end`, in among those that came too early, whose bytes count more."""
    segment = p.segments[number]
    segment["length"] = distance(end, segment["seq"])
    before = last_before(p, i, segment["seq"])
    if is_crowded(p, i, before, segment["seq"], I64(segment["length"])):
        free_segment(p, number)
        return
    link(p, i, before, number)
    settle(p, i, before, number, FIRST_COPY)


@helper
def settle_parked(p, i, acked, everything, row, limits, out):
    """The receiver has all up to `acked`: it took what is parked there and did not come otherwise.

    everything: nothing more is heard of it. Doubtful segments then count, others do not.
    """
    own, number, kept = p.directions[i], I64(p.parked[i]), I64(0)
    while number:
        segment, after = p.segments[number], I64(p.segments[number]["following"])
        end = (I64(segment["seq"]) + I64(segment["length"])) & 0xFFFFFFFF
        if distance(end, own["next_seq"]) <= 0 or (everything and segment["reach"] < DOUBTFUL):
            free_segment(p, number)
        elif everything or distance(acked, end) >= 0:
            take_parked(p, i, number, end)
        elif distance(acked, own["next_seq"]) > 0 and distance(acked, segment["seq"]) > 0:
            take_parked(p, i, number, acked)
        else:
            segment["following"] = 0
            if kept:
                p.segments[kept]["following"] = number
            else:
                p.parked[i] = number
            kept = number
        number = after
    if not kept:
        p.parked[i] = 0
    if own["early"] and distance(p.segments[own["early"]]["seq"], own["next_seq"]) <= 0:
        start = begin(p, i, out)
        fresh = p.numbers[N_ARENA]
        join_early(p, i, limits.depth, out)
        if p.numbers[N_ARENA] > fresh or own["kept"] > I64(own["window"]):
            finish(p, i, start, row, out)
        stop_at_depth(p, i, limits.depth, row, out)


@helper
def let_go(p, i, row, limits, out):
    """Give out all that waits, holes or not."""
    release(p, i, row, out)
    if p.parked[i]:
        settle_parked(p, i, I64(0), True, row, limits, out)
    while p.directions[i]["early"]:
        give_up_hole(p, i, row, limits, out)
