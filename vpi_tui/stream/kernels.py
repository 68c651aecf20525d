"""The loop over the rows of a batch: each TCP segment into its stream."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.batch import FirstSeen
from vpi_tui.model.jit import helper, inlined, kernel
from vpi_tui.model.sequence import distance
from vpi_tui.model.stream_events import StreamEvent
from vpi_tui.stream.kernels_cells import cells_left, cells_of, store, unroll
from vpi_tui.stream.kernels_held import dequeue, enqueue
from vpi_tui.stream.kernels_options import options_of
from vpi_tui.stream.kernels_overlaps import note_beginning, put_back, rewrite, tell_different, was_different
from vpi_tui.stream.kernels_policies import policy_of
from vpi_tui.stream.kernels_release import (
    add,
    advance,
    begin,
    drop_chain,
    finish,
    flush,
    give_up_hole,
    join_early,
    keep_early,
    release,
    settle_inline,
    show_again,
    skip_hole,
    stop_at_depth,
    tell,
)
from vpi_tui.stream.kernels_segments import (
    drop_first,
    insert,
    is_apart,
    is_crowded,
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
    N_ARENA,
    N_DROPPED,
    N_DUE,
    N_EARLY,
    N_EVICT_HAND,
    N_EVICTED,
    N_HELD_FIRST,
    N_LOST,
    N_MIDSTREAM,
    N_NOW,
    N_OUTSIDE,
    N_OVERLAP,
    N_RETRANSMITTED,
    N_SESSIONS,
    N_STRETCHES,
    N_TOP_DIRECTION,
    PATIENCE,
    ROW_ROOM,
    ROW_STRETCHES,
    SYNCED,
)

I64 = np.int64
SEQUENCE_GAP = np.uint64(1 << StreamEvent.REASSEMBLY_SEQ_GAP)
NO_SEGMENT = np.uint64(1 << StreamEvent.REASSEMBLY_NO_SEGMENT)
TCP, FIN, SYN, RST, PSH, ACK, URG = 6, 1, 2, 4, 8, 16, 32
URGENT_POINTER = 18
"""Its place in the header of TCP."""
OF_FLOW = int(FirstSeen.OF_FLOW)
EVICT_TRIES = 128
RESET_WINDOW = 1 << 20
"""A reset within so many bytes of the next one is believed (RFC 5961 is stricter)."""


@helper
def drop_bytes(p, i):
    """Free all cells of a direction; what was not inspected is counted as lost."""
    own = p.directions[i]
    pending = I64(own["kept"]) - I64(own["window"])
    p.numbers[N_LOST] += pending + own["early_bytes"]
    if pending:
        own["flags"] |= GAP
    while own["early"]:
        drop_first(p, i)
    drop_chain(p, i)
    dequeue(p, i)


@helper
def forget_flow(p, slot):
    for i in (2 * slot, 2 * slot + 1):
        if p.directions[i]["flags"]:
            drop_bytes(p, i)
            p.directions[i]["flags"] = 0


@helper
def reserve(p, i, bytes_wanted):
    """Make sure of cells for some bytes of direction i, at the cost of others. False = no memory."""
    wanted = cells_of(bytes_wanted) + 1
    tries = 0
    while cells_left(p) < wanted:
        top = p.numbers[N_TOP_DIRECTION]
        if tries >= EVICT_TRIES or not top:
            return False
        tries += 1
        hand = p.numbers[N_EVICT_HAND] + 1
        hand = hand if hand < top else I64(0)
        p.numbers[N_EVICT_HAND] = hand
        other = p.directions[hand]
        if hand >> 1 == i >> 1 or not (other["chain"] or other["early"]):
            continue
        p.numbers[N_EVICTED] += 1
        drop_bytes(p, hand)
    return True


@inlined
def acknowledged(p, j, ack, row, limits, out):
    """The peer has all up to ack: a hole before that is our loss, nobody will fill it."""
    own = p.directions[j]
    if not own["flags"] & SYNCED or distance(ack, own["next_seq"]) > FARTHEST:
        return
    if not own["flags"] & ACKED or distance(ack, own["acked"]) > 0:
        own["acked"] = ack
        own["flags"] |= ACKED
    while own["early"] and distance(own["acked"], p.segments[own["early"]]["seq"]) >= 0:
        tell(out, row, SEQUENCE_GAP)
        give_up_hole(p, j, row, limits, out)


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
    number = I64(0)
    if (apart or not is_crowded(p, i, seq, count)) and reserve(p, i, count):
        number = take_segment(p)
    if not number:
        p.numbers[N_DROPPED] += 1
        return number, False
    insert(p, i, number, seq, source, at, count)
    p.numbers[N_EARLY] += 1
    enqueue(p, i, now)
    return number, not apart and settle(p, i, number, policy)


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
    peer has had already, which Suricata looks at once more as a packet's. An inline sensor inspects by itself
    what comes too early, once more what comes again, and rewrites packets that say something else."""
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
        return 1 if held and not different and not limits.inline else 0
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
    own["next_seq"] = (I64(own["next_seq"]) + 1) & 0xFFFFFFFF
    rest = count - urgent - 1
    if rest > 0:
        after = (seq + urgent + 1) & 0xFFFFFFFF
        take_data(p, i, row, after, source, at + urgent + 1, rest, push, now, limits, policy, out)


@inlined
def handshake(p, i, seq):
    """A SYN: its direction starts behind it, unless data was seen already."""
    own = p.directions[i]
    if own["flags"] & SYNCED and (own["offset"] or own["kept"] or own["early"]):
        return
    if not (own["flags"] | p.directions[i ^ 1]["flags"]) & SYNCED:
        p.numbers[N_SESSIONS] += 1
    own["flags"] = (own["flags"] | SYNCED) & (0xFF ^ ACKED)
    own["offset"] = 0
    own["next_seq"] = (seq + 1) & 0xFFFFFFFF


@helper
def opens_with_data(buf, d, r):
    """Are the bytes of a SYN the first of the stream? Only with TCP Fast Open; else they come again."""
    if d.tcp_flags[r] & ACK:
        return False
    _, _, _, _, fast_open, _ = options_of(buf, I64(d.l4_off[r]) + 20, I64(d.payload_off[r]))
    return fast_open != 0


@helper
def ended(p, i, seq, flags, row, limits, out):
    """FIN or RST (seq: its own): nothing will follow what is in order.

    Bytes in a RST are no part of the stream (RFC 9293, 3.5.3).
    """
    own = p.directions[i]
    if not own["flags"] & SYNCED:
        return
    ahead = distance(seq, own["next_seq"])
    if flags & RST:
        if -1 <= ahead <= RESET_WINDOW:
            flush(p, i ^ 1, row, limits, out)
            flush(p, i, row, limits, out)
    elif ahead == 0:
        release(p, i, row, out)
        if not own["early"]:
            drop_chain(p, i)


@inlined
def newest(p, now):
    """Time never runs backwards, so that the queue stays in order."""
    p.numbers[N_NOW] = max(p.numbers[N_NOW], now)
    return p.numbers[N_NOW]


@helper
def look_again(p, now, limits, out):
    """Give out what waits since HOLD_NS; give up holes after PATIENCE looks. False = no room left."""
    now = newest(p, now)
    while now >= p.numbers[N_DUE]:
        if no_room(p, out):
            return False
        i = p.numbers[N_HELD_FIRST] - 1
        own = p.directions[i]
        waited = I64(own["waited"]) + 1
        release(p, i, I64(-1), out)
        if waited >= PATIENCE:
            while own["early"]:
                give_up_hole(p, i, I64(-1), limits, out)
        dequeue(p, i)
        if own["early"]:
            enqueue(p, i, now)
            own["waited"] = waited
    return True


@inlined
def no_room(p, out):
    """May the next row need more than what is left of the output?"""
    return p.numbers[N_ARENA] + ROW_ROOM > len(out.arena) or p.numbers[N_STRETCHES] + ROW_STRETCHES > len(
        out.row
    )


@kernel
def forget_flows(p, slots):
    for k in range(len(slots)):
        forget_flow(p, I64(slots[k]))


@kernel
def open_flows(p, d, flows, wanted):
    """Forget what was kept of slots that are given to new flows, and note what rules want of these.

    wanted: uint16[2, 2, 65536]: direction, (destination, source) port: 0 = no rule inspects such a
    stream, else 1 + the bytes before fresh ones that its rules need.
    """
    for k in range(len(flows.new_rows)):
        row = flows.new_rows[k]
        slot = I64(flows.flow[row])
        forget_flow(p, slot)
        if d.proto[row] == TCP:
            side = I64(flows.direction[row]) - 1
            src, dest = d.src_port[row], d.dest_port[row]
            p.directions[2 * slot + side]["wanted"] = max(wanted[side, 0, dest], wanted[side, 1, src])
            p.directions[2 * slot + 1 - side]["wanted"] = max(
                wanted[1 - side, 0, src], wanted[1 - side, 1, dest]
            )
        p.numbers[N_TOP_DIRECTION] = max(p.numbers[N_TOP_DIRECTION], 2 * slot + 2)


@kernel
def update_rows(p, packets, d, flows, foreign, first_row, limits, hosts, taken, out):
    """Put the segments of the rows from first_row on into their streams.

    foreign: uint8[rows]: 1 = its receiver does not take the segment. Returns the row at which the output had
    no room left, or the number of rows.
    """
    for r in range(first_row, len(d.packet)):
        taken[r] = 0
        if d.proto[r] != TCP or flows.flow[r] < 0:
            continue
        i = 2 * I64(flows.flow[r]) + I64(flows.direction[r]) - 1
        own_wanted = p.directions[i]["wanted"]
        if not own_wanted and not p.directions[i ^ 1]["wanted"]:
            continue
        now = newest(p, packets.ts_ns[d.packet[r]])
        if no_room(p, out) or (now >= p.numbers[N_DUE] and not look_again(p, now, limits, out)):
            return r
        if d.fragment[r] != 0 or I64(d.events[r]) & limits.bad_events:
            continue
        if foreign[r] != 0:
            continue
        flags = I64(d.tcp_flags[r])
        seq = I64(d.tcp_seq[r])
        count = I64(d.payload_len[r])
        if flags & SYN:
            handshake(p, i, seq)
            seq = (seq + 1) & 0xFFFFFFFF
            if count > 0 and not opens_with_data(packets.buf, d, r):
                count = I64(0)
        if flags & ACK:
            acknowledged(p, i ^ 1, d.tcp_ack[r], I64(r), limits, out)
        if count > 0:
            if p.directions[i ^ 1]["kept"] > I64(p.directions[i ^ 1]["window"]):
                release(p, i ^ 1, I64(r), out)
            if own_wanted and not flags & RST:
                push = flags & (PSH | FIN) != 0 or limits.inline != 0
                policy = policy_of(hosts, hosts.tcp, d.dest_ip[r, 0], d.dest_ip[r, 1])
                at = I64(d.payload_off[r])
                urgent = urgent_of(p, i, packets.buf, d, r, seq, count, limits)
                if urgent >= 0:
                    take_around(
                        p, i, I64(r), seq, packets.buf, at, urgent, count, push, now, limits, policy, out
                    )
                else:
                    taken[r] = take_data(
                        p, i, I64(r), seq, packets.buf, at, count, push, now, limits, policy, out
                    )
        if flags & (FIN | RST):
            last = seq if flags & RST else (seq + max(count, I64(0))) & 0xFFFFFFFF
            ended(p, i, last, flags, I64(r), limits, out)
    return len(d.packet)


@kernel
def release_held(p, now, everything, limits, out):
    """Give out what waits: what is due, or everything. Some may be left when the output is full."""
    look_again(p, now, limits, out)
    while everything and p.numbers[N_HELD_FIRST] and not no_room(p, out):
        i = p.numbers[N_HELD_FIRST] - 1
        flush(p, i, I64(-1), limits, out)
        dequeue(p, i)
