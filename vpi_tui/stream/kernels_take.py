"""The payload of one segment into its stream: in order, behind a hole, or once more."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper, inlined
from vpi_tui.model.sequence import distance
from vpi_tui.model.stream_events import StreamEvent
from vpi_tui.stream.kernels_cells import cells_left, cells_of, store, unroll
from vpi_tui.stream.kernels_held import dequeue, enqueue
from vpi_tui.stream.kernels_overlaps import note_beginning, put_back, rewrite, tell_different, was_different
from vpi_tui.stream.kernels_parked import drop_parked
from vpi_tui.stream.kernels_release import (
    add,
    advance,
    begin,
    drop_chain,
    finish,
    give_up_hole,
    join_early,
    keep_early,
    release,
    settle_inline,
    show_again,
    show_early,
    skip_hole,
    stop_at_depth,
    tell,
)
from vpi_tui.stream.kernels_segments import (
    drop_first,
    insert,
    is_apart,
    is_crowded,
    last_before,
    settle,
    take_segment,
)
from vpi_tui.stream.layout import (
    ACKED,
    CHUNK,
    EARLY_BYTES,
    EARLY_SEGMENTS,
    FARTHEST,
    FULL,
    GAP,
    LOST,
    N_DROPPED,
    N_EARLY,
    N_EVICT_HAND,
    N_EVICTED,
    N_HELD_FIRST,
    N_LOST,
    N_MIDSTREAM,
    N_OUTSIDE,
    N_OVERLAP,
    N_RETRANSMITTED,
    N_SESSIONS,
    N_TOP_DIRECTION,
    N_URGENT,
    SYNCED,
)

I64 = np.int64
SEQUENCE_GAP = np.uint64(1 << StreamEvent.REASSEMBLY_SEQ_GAP)
NO_SEGMENT = np.uint64(1 << StreamEvent.REASSEMBLY_NO_SEGMENT)
URG = 32
URGENT_POINTER = 18
"""Its place in the header of TCP."""
EVICT_TRIES = 128
EVICT_LOOKS = 32


@helper
def drop_bytes(p, i):
    """Free all cells of a direction; what was not inspected is counted as lost."""
    own = p.directions[i]
    pending = I64(own["kept"]) - I64(own["window"])
    p.numbers[N_LOST] += pending + own["early_bytes"]
    if pending:
        own["flags"] |= GAP | LOST
    while own["early"]:
        drop_first(p, i)
    drop_parked(p, i)
    drop_chain(p, i)
    dequeue(p, i)


@helper
def heaviest_waiting(p, i):
    """Of the first that wait, the direction with most bytes behind a hole, not of i's flow; -1 = none."""
    number, heaviest = p.numbers[N_HELD_FIRST], I64(-1)
    for _ in range(EVICT_LOOKS):
        if not number:
            break
        other = p.directions[number - 1]
        if other["early"] and (number - 1) >> 1 != i >> 1:
            if heaviest < 0 or other["early_bytes"] > p.directions[heaviest]["early_bytes"]:
                heaviest = number - 1
        number = I64(other["held_after"])
    return heaviest


@helper
def reserve(p, i, bytes_wanted):
    """Make sure of cells for some bytes of direction i, at the cost of others. False = no memory.

    What waits behind a hole makes room first: it costs a sender nothing, and nobody has it yet.
    """
    wanted = cells_of(bytes_wanted) + 1
    tries = 0
    while cells_left(p) < wanted:
        top = p.numbers[N_TOP_DIRECTION]
        if tries >= EVICT_TRIES or not top:
            return False
        tries += 1
        waiting = heaviest_waiting(p, i)
        if waiting >= 0:
            p.numbers[N_EVICTED] += 1
            drop_bytes(p, waiting)
            continue
        hand = p.numbers[N_EVICT_HAND] + 1
        hand = hand if hand < top else I64(0)
        p.numbers[N_EVICT_HAND] = hand
        other = p.directions[hand]
        if hand >> 1 == i >> 1 or not (other["chain"] or other["early"] or p.parked[hand]):
            continue
        p.numbers[N_EVICTED] += 1
        drop_bytes(p, hand)
    return True


@inlined
def in_order(p, i, row, seq, source, at, old, count, push, now, limits, policy, out):
    """A segment whose first `old` bytes were there: give out the next ones, or keep them until there is more.

    Returns whether segments that had waited say something else.
    """
    own = p.directions[i]
    end = (seq + count) & 0xFFFFFFFF
    at, count = at + old, min(count - old, limits.depth - I64(own["offset"]))
    joins, different = False, False
    if own["early"]:
        following = (I64(own["next_seq"]) + count) & 0xFFFFFFFF
        joins = distance(p.segments[own["early"]]["seq"], following) <= 0
    pending = I64(own["kept"]) - I64(own["window"]) + count
    full = I64(own["offset"]) + count >= limits.depth
    if joins or push or full or pending >= CHUNK or not reserve(p, i, count):
        start = begin(p, i, out)
        add(p, i, source, at, count, out)
        if joins:
            different = keep_early(p, i, seq, end, policy, out)
            join_early(p, i, limits.depth, out)
        finish(p, i, start, row, out)
        stop_at_depth(p, i, limits.depth, row, out)
        return different
    note_beginning(p, i)
    first, last = store(p, own["last"], I64(own["kept"]), source, at, count)
    if not own["chain"]:
        own["chain"] = first
    own["last"] = last
    own["kept"] += count
    advance(own, count)
    enqueue(p, i, now)
    return different


@helper
def hold_early(p, i, seq, source, at, count, now, policy):
    """Keep a segment that came too early. Returns (its number, 0 = no memory; does another one differ)."""
    apart = is_apart(p, i, seq)
    before = I64(p.directions[i]["early_last"]) if apart else last_before(p, i, seq)
    number = I64(0)
    if (apart or not is_crowded(p, i, before, seq, count)) and reserve(p, i, count):
        number = take_segment(p)
    if not number:
        p.numbers[N_DROPPED] += 1
        return number, False
    insert(p, i, before, number, seq, source, at, count)
    p.numbers[N_EARLY] += 1
    enqueue(p, i, now)
    return number, not apart and settle(p, i, before, number, policy)


@helper
def has_room_for(own, count):
    return own["early_count"] < EARLY_SEGMENTS and own["early_bytes"] + count <= EARLY_BYTES


@inlined
def synchronise(p, i, seq, limits):
    """Start to follow a direction at its first data; False when its beginning had to be seen."""
    own = p.directions[i]
    if own["flags"] & SYNCED:
        return True
    peer = p.directions[i ^ 1]
    if not limits.midstream and not peer["flags"] & SYNCED:
        return False
    if not peer["flags"] & SYNCED:
        p.numbers[N_MIDSTREAM] += 1
        p.numbers[N_SESSIONS] += 1
    own["flags"] |= SYNCED
    own["next_seq"] = seq
    own["offset"] = 0
    return True


@inlined
def take_data(p, i, row, seq, source, at, count, push, now, limits, policy, out):
    """A segment's payload. Returns 1 when its bytes are inspected as part of the stream: not those that the
    peer has had already, which Suricata looks at once more as a packet's. An inline sensor inspects at once
    what comes too early, with what waits beside it, once more what comes again, and rewrites packets that say
    something else."""
    own = p.directions[i]
    if not synchronise(p, i, seq, limits) or own["flags"] & FULL:
        return 0
    ahead = distance(seq, own["next_seq"])
    if ahead > FARTHEST:
        p.numbers[N_OUTSIDE] += 1
        return 0
    if ahead > 0 and own["flags"] & ACKED and distance(own["acked"], seq) >= 0:
        tell(out, row, SEQUENCE_GAP)
        skip_hole(p, i, seq, row, out)
        ahead = I64(0)
        stop_at_depth(p, i, limits.depth, row, out)
    while ahead > 0 and own["early"] and not has_room_for(own, count):
        give_up_hole(p, i, row, limits, out)
        ahead = distance(seq, own["next_seq"])
    if own["flags"] & FULL:
        return 0
    if ahead > 0:
        held, different = hold_early(p, i, seq, source, at, count, now, policy)
        if not held:
            tell(out, row, NO_SEGMENT)
        if different:
            tell_different(p, row, limits, out)
            if limits.inline:
                unroll(p, p.segments[held]["chain"], I64(0), count, source, at)
        if held and limits.inline:
            show_early(p, i, row, held, out)
        return 1 if held and (limits.inline or not different) else 0
    old = -ahead
    different = False
    if old > 0:
        different = was_different(p, i, old, source, at, count)
        if different and limits.inline:
            put_back(p, i, old, source, at, count)
        elif different:
            rewrite(p, i, seq, source, at, count, policy)
        p.numbers[N_RETRANSMITTED if old >= count else N_OVERLAP] += 1
    if old < count:
        others = in_order(p, i, row, seq, source, at, old, count, push, now, limits, policy, out)
        different = different or others
    if different:
        tell_different(p, row, limits, out)
    if limits.inline and old < count:
        settle_inline(p, old, source, at, count, out)
        return 1
    if limits.inline:
        return show_again(p, i, row, old, out)
    had = old >= count and own["flags"] & ACKED and distance(own["acked"], seq) >= count
    return 0 if different or had else 1


@helper
def urgent_of(p, i, buf, d, r, seq, count, limits):
    """Place in the payload of the byte that goes past the stream, the last urgent one; -1 = none does.

    RFC 6093, 3.1: so it is with most hosts, though the RFC wants it in line. Of segments that do not come in
    order all bytes count.
    """
    if not limits.out_of_band or not d.tcp_flags[r] & URG:
        return I64(-1)
    at = I64(d.l4_off[r]) + URGENT_POINTER
    place = (I64(buf[at]) << 8 | I64(buf[at + 1])) - 1
    own = p.directions[i]
    in_line = own["flags"] & SYNCED and distance(seq, own["next_seq"]) == 0
    return place if in_line and place < count else I64(-1)


@helper
def take_around(p, i, row, seq, source, at, urgent, count, push, now, limits, policy, out):
    """A payload without its byte at place `urgent`. What is before it does not wait: a place in what waits is
    told by a sequence number."""
    own = p.directions[i]
    release(p, i, row, out)
    if urgent > 0:
        take_data(p, i, row, seq, source, at, urgent, True, now, limits, policy, out)
    if distance(seq, own["next_seq"]) != -urgent:
        return
    p.numbers[N_URGENT] += 1
    own["next_seq"] = (I64(own["next_seq"]) + 1) & 0xFFFFFFFF
    rest = count - urgent - 1
    if rest > 0:
        after = (seq + urgent + 1) & 0xFFFFFFFF
        take_data(p, i, row, after, source, at + urgent + 1, rest, push, now, limits, policy, out)
