"""Bytes of one direction into the arena, where they are inspected."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper, inlined
from vpi_tui.model.sequence import distance
from vpi_tui.model.stream_events import StreamEvent
from vpi_tui.stream.kernels_cells import (
    cells_left,
    cells_of,
    copy_bytes,
    differs,
    free_chain,
    store,
    take_cell,
    unroll,
)
from vpi_tui.stream.kernels_held import dequeue
from vpi_tui.stream.kernels_policies import later_wins
from vpi_tui.stream.kernels_segments import drop_first
from vpi_tui.stream.layout import (
    CELL,
    CHUNK,
    FULL,
    GAP,
    LOOKS_BACK,
    LOST,
    N_ARENA,
    N_DEEP,
    N_GAPS,
    N_STRETCHES,
)

I64 = np.int64


DEPTH_REACHED = np.uint64(1 << StreamEvent.REASSEMBLY_DEPTH_REACHED)


@helper
def tell(out, row, event):
    """Set an event of a row; -1 = no packet is to blame."""
    if row >= 0:
        out.events[row] |= event


@helper
def drop_chain(p, i):
    own = p.directions[i]
    free_chain(p, own["chain"])
    own["chain"] = 0
    own["last"] = 0
    own["kept"] = 0
    own["window"] = 0
    own["flags"] &= 0xFF ^ LOOKS_BACK


@inlined
def unhold(p, i):
    """Leave the queue when nothing waits any more."""
    own = p.directions[i]
    if not own["early"] and not p.parked[i] and own["kept"] == I64(own["window"]):
        dequeue(p, i)


@inlined
def begin_message(p, i):
    """What comes next is another message: the peer has spoken, or bytes before it are missing."""
    own = p.directions[i]
    own["message"] = I64(own["offset"]) & 0xFFFFFFFF


@inlined
def begin(p, i, out):
    """Lay what is kept at the end of the arena; returns where. `finish` must follow."""
    start = p.numbers[N_ARENA]
    kept = I64(p.directions[i]["kept"])
    unroll(p, p.directions[i]["chain"], I64(0), kept, out.arena, start)
    p.numbers[N_ARENA] = start + kept
    return start


@inlined
def add(p, i, source, begin_at, count, out):
    """Lay the next bytes of the stream behind."""
    own = p.directions[i]
    copy_bytes(out.arena, p.numbers[N_ARENA], source, begin_at, count)
    p.numbers[N_ARENA] += count
    advance(own, count)


@inlined
def advance(own, count):
    own["next_seq"] = (I64(own["next_seq"]) + count) & 0xFFFFFFFF
    own["offset"] += count


@inlined
def keep_window(p, i, out, end, count):
    """Remember the last `count` bytes before `end` of the arena in place of all that was kept."""
    own = p.directions[i]
    cell = I64(own["chain"])
    if cell:
        free_chain(p, p.following[cell])
        p.following[cell] = 0
    if count <= 0 or cells_left(p) + (cell != 0) < cells_of(count):
        drop_chain(p, i)
        return
    if not cell:
        cell = take_cell(p)
    first = min(count, I64(CELL))
    copy_bytes(p.cells, cell * CELL, out.arena, end - count, first)
    own["chain"] = cell
    own["last"] = cell
    if first < count:
        _, own["last"] = store(p, cell, first, out.arena, end - count + first, count - first)
    own["kept"] = count
    own["window"] = count


@inlined
def finish(p, i, start, row, out):
    """Give the stretch from `start` to the end of the arena out; what is inspected again of it is kept.

    That is what patterns across the edge need, and all of a window of CHUNK bytes until these are there: of a
    message, or where no parser divides the stream, of whatever was said. Of what no rule inspects nothing is.
    """
    own = p.directions[i]
    end = p.numbers[N_ARENA]
    k = p.numbers[N_STRETCHES]
    fresh, lookback = start + I64(own["window"]), I64(own["wanted"]) - 1
    window = min(start + lookback, fresh) if own["flags"] & LOOKS_BACK else start
    near = max(start, fresh - lookback)
    out.row[k] = row
    out.flow[k] = i >> 1
    out.direction[k] = 1 + (i & 1)
    out.start[k] = near
    out.fresh[k] = fresh
    out.end[k] = end
    out.stream_offset[k] = own["offset"] - (end - near)
    undivided = row < 0 or out.undivided[row] != 0
    if not undivided:
        message = end - ((I64(own["offset"]) - I64(own["message"])) & 0xFFFFFFFF)
        window = message if message >= start else I64(-1)
    out.window[k] = window
    out.gap[k] = 1 if own["flags"] & GAP else 0
    p.numbers[N_STRETCHES] = k + 1
    own["flags"] &= 0xFF ^ GAP
    keep = lookback
    if window >= 0 and end - window < CHUNK and (undivided or lookback > 0):
        keep = end - start if undivided else max(end - window, lookback)
    else:
        begin_message(p, i)
        own["flags"] |= LOOKS_BACK
    keep_window(p, i, out, end, min(end - start, keep))
    unhold(p, i)


@helper
def show_again(p, i, row, old, out):
    """Give what is kept out once more around a segment that begins `old` bytes back and says nothing new.

    Returns 1, or 0 when its bytes are not kept any more.
    """
    own = p.directions[i]
    kept = I64(own["kept"])
    if old > kept:
        return 0
    start = begin(p, i, out)
    show(p, i, row, start, start + kept - old, out)
    return 1


@helper
def show(p, i, row, start, window, out):
    """Give out the arena from `start` on, nothing of it new. window: where the segment of `row` is."""
    k, end = p.numbers[N_STRETCHES], p.numbers[N_ARENA]
    out.row[k] = row
    out.flow[k] = i >> 1
    out.direction[k] = 1 + (i & 1)
    out.start[k] = start
    out.fresh[k] = end
    out.end[k] = end
    out.stream_offset[k] = p.directions[i]["offset"] - (end - start)
    out.window[k] = window
    out.gap[k] = 0
    p.numbers[N_STRETCHES] = k + 1


@helper
def show_early(p, i, row, held, out):
    """Give out segment `held`, which waits, with those beside it: up to the next hole, and no more than a
    window away."""
    new, start = p.segments[held], p.numbers[N_ARENA]
    length = I64(new["length"])
    low = high = I64(-CHUNK)  # of what is laid, as seen from the first byte of `held`
    number = I64(p.directions[i]["early"])
    while number:
        other = p.segments[number]
        ahead = distance(other["seq"], new["seq"])
        if ahead >= length + CHUNK or (ahead > 0 and ahead > high):
            break
        if ahead > high:
            low = high = ahead
        if ahead + I64(other["length"]) > -CHUNK:
            low = min(low, ahead)
            unroll(p, other["chain"], I64(0), I64(other["length"]), out.arena, start + ahead - low)
            high = max(high, ahead + I64(other["length"]))
        number = I64(other["following"])
    p.numbers[N_ARENA] = start + high - low
    show(p, i, row, start, start - low, out)


@helper
def settle_inline(p, old, source, at, count, out):
    """Of a segment that begins `old` bytes before the fresh ones of the last stretch: note where, and put the
    bytes that count in place of its own."""
    k = p.numbers[N_STRETCHES] - 1
    out.window[k] = max(out.start[k], out.fresh[k] - old)
    copy_bytes(source, at + old, out.arena, out.fresh[k], min(count - old, out.end[k] - out.fresh[k]))


@helper
def release(p, i, row, out):
    """Give out what is in order and waits."""
    own = p.directions[i]
    if own["kept"] > I64(own["window"]):
        finish(p, i, begin(p, i, out), row, out)


@helper
def keep_early(p, i, seq, end, policy, out):
    """A segment [seq, end) was laid over beginnings of those that waited: put back where their bytes count.

    Returns whether any says something else.
    """
    number, differ = I64(p.directions[i]["early"]), False
    while number:
        other = p.segments[number]
        over = distance(p.directions[i]["next_seq"], other["seq"])
        if over <= 0:
            break
        count = min(over, I64(other["length"]))
        place = p.numbers[N_ARENA] - over
        if differs(p, other["chain"], I64(0), out.arena, place, count):
            differ = True
            behind = (I64(other["seq"]) + I64(other["length"])) & 0xFFFFFFFF
            if not later_wins(policy, distance(seq, other["seq"]), distance(end, behind)):
                unroll(p, other["chain"], I64(0), count, out.arena, place)
        number = I64(other["following"])
    return differ


@helper
def join_early(p, i, depth, out):
    """Lay the segments behind that now are in order."""
    own = p.directions[i]
    while own["early"]:
        first = p.segments[own["early"]]
        late = -distance(first["seq"], own["next_seq"])
        if late < 0:
            break
        count = min(I64(first["length"]) - late, depth - I64(own["offset"]))
        if count > 0:
            unroll(p, first["chain"], late, count, out.arena, p.numbers[N_ARENA])
            p.numbers[N_ARENA] += count
            advance(own, count)
        drop_first(p, i)


@helper
def skip_hole(p, i, seq, row, out):
    """Bytes up to seq will not come: inspect what was before, go on behind the hole."""
    own = p.directions[i]
    release(p, i, row, out)
    drop_chain(p, i)
    own["offset"] += distance(seq, own["next_seq"])
    own["next_seq"] = seq
    begin_message(p, i)
    own["flags"] |= GAP | LOST
    p.numbers[N_GAPS] += 1


@helper
def give_up_hole(p, i, row, limits, out):
    """Skip the first hole and give out what follows it."""
    own = p.directions[i]
    skip_hole(p, i, p.segments[own["early"]]["seq"], row, out)
    start = begin(p, i, out)
    join_early(p, i, limits.depth, out)
    if p.numbers[N_ARENA] > start:
        finish(p, i, start, row, out)
    stop_at_depth(p, i, limits.depth, row, out)
    unhold(p, i)


@helper
def stop_at_depth(p, i, depth, row, out):
    """Beyond the depth nothing is followed or kept."""
    own = p.directions[i]
    if own["offset"] >= depth and not own["flags"] & FULL:
        own["flags"] |= FULL
        p.numbers[N_DEEP] += 1
        tell(out, row, DEPTH_REACHED)
        while own["early"]:
            drop_first(p, i)
        drop_chain(p, i)
        unhold(p, i)
