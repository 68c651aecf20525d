"""The loop over the rows of a batch: each TCP segment into its stream."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper, inlined, kernel
from vpi_tui.model.sequence import distance
from vpi_tui.stream.kernels_held import dequeue, enqueue
from vpi_tui.stream.kernels_options import options_of
from vpi_tui.stream.kernels_parked import let_go, park, settle_parked
from vpi_tui.stream.kernels_policies import policy_of
from vpi_tui.stream.kernels_release import (
    begin_message,
    drop_chain,
    give_up_hole,
    release,
    tell,
)
from vpi_tui.stream.kernels_session_words import DOUBTFUL, TAKEN, THROWN_AWAY, UNPROVEN
from vpi_tui.stream.kernels_take import SEQUENCE_GAP, drop_bytes, take_around, take_data, urgent_of
from vpi_tui.stream.layout import (
    ACKED,
    FARTHEST,
    FULL,
    N_ARENA,
    N_DUE,
    N_HELD_FIRST,
    N_NOW,
    N_OVER,
    N_SESSIONS,
    N_STRETCHES,
    N_TOP_DIRECTION,
    PATIENCE,
    ROW_ROOM,
    ROW_STRETCHES,
    SYNCED,
)

I64 = np.int64
TCP, FIN, SYN, RST, PSH, ACK = 6, 1, 2, 4, 8, 16


@helper
def forget_flow(p, slot):
    if (p.directions[2 * slot]["flags"] | p.directions[2 * slot + 1]["flags"]) & SYNCED:
        p.numbers[N_OVER] += 1
    for i in (2 * slot, 2 * slot + 1):
        if p.directions[i]["flags"]:
            drop_bytes(p, i)
            p.directions[i]["flags"] = 0


@inlined
def acknowledged(p, j, ack, flags, row, limits, out):
    """The peer has all up to ack: a hole before that is our loss, nobody will fill it.

    What it took of a SYN is looked at with the next segment: by then the connection is established.
    """
    own = p.directions[j]
    if not own["flags"] & SYNCED or distance(ack, own["next_seq"]) > FARTHEST:
        return
    if not own["flags"] & ACKED or distance(ack, own["acked"]) > 0:
        own["acked"] = ack
        own["flags"] |= ACKED
    if p.parked[j] and not flags & SYN:
        settle_parked(p, j, I64(own["acked"]), False, row, limits, out)
    while own["early"] and distance(own["acked"], p.segments[own["early"]]["seq"]) >= 0:
        tell(out, row, SEQUENCE_GAP)
        give_up_hole(p, j, row, limits, out)


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
def set_aside(p, i, buf, d, r, kind, now, limits):
    """Park the bytes of a segment that its receiver may not take. False = there are none, or no room.

    What was acknowledged before it came says nothing about it: its bytes are not kept.

    kind: what sessions say of it.
    """
    own, count = p.directions[i], I64(d.payload_len[r])
    if kind == THROWN_AWAY or limits.inline or count <= 0 or not own["wanted"]:
        return False
    if own["flags"] & (SYNCED | FULL) != SYNCED or d.tcp_flags[r] & (SYN | RST):
        return False
    end = (I64(d.tcp_seq[r]) + count) & 0xFFFFFFFF
    if own["flags"] & ACKED and distance(own["acked"], end) >= 0:
        return True
    return park(p, i, I64(d.tcp_seq[r]), buf, I64(d.payload_off[r]), count, kind, now)


@helper
def ended(p, i, seq, flags, row, limits, out):
    """FIN or RST (seq: its own): nothing will follow what is in order.

    Bytes in a RST are no part of the stream (RFC 9293, 3.5.3), and one that is not next ends nothing
    (RFC 5961, 3.2): what waits behind a hole may still be joined.
    """
    own = p.directions[i]
    if not own["flags"] & SYNCED or distance(seq, own["next_seq"]) != 0:
        return
    if flags & RST:
        let_go(p, i ^ 1, row, limits, out)
        let_go(p, i, row, limits, out)
    else:
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
    """Give out what waits since HOLD_NS; give up holes after PATIENCE looks, unless the peer waits as well.

    False = no room left.
    """
    now = newest(p, now)
    while now >= p.numbers[N_DUE]:
        if no_room(p, out):
            return False
        i = p.numbers[N_HELD_FIRST] - 1
        own = p.directions[i]
        waited = min(I64(own["waited"]) + 1, I64(PATIENCE))
        release(p, i, I64(-1), out)
        if waited >= PATIENCE and not own["flags"] & ACKED:
            let_go(p, i, I64(-1), limits, out)
        dequeue(p, i)
        if own["early"] or p.parked[i]:
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

    foreign: uint8[rows], what sessions say of the segment. Returns the row at which the output had
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
        if I64(d.events[r]) & limits.bad_events:
            continue
        flags = I64(d.tcp_flags[r])
        seq = I64(d.tcp_seq[r])
        count = I64(d.payload_len[r])
        if foreign[r] != TAKEN:
            parked = set_aside(p, i, packets.buf, d, r, I64(foreign[r]), now, limits)
            if foreign[r] < DOUBTFUL:
                continue
            if parked:
                flags, count = flags & (0xFFFF ^ FIN), I64(0)
                taken[r] = 1 if foreign[r] == UNPROVEN else 0
        if flags & SYN:
            handshake(p, i, seq)
            seq = (seq + 1) & 0xFFFFFFFF
            if count > 0 and not (own_wanted and opens_with_data(packets.buf, d, r)):
                count = I64(0)
            if count > 0 and not limits.inline:  # the server says whether it takes them
                park(p, i, seq, packets.buf, I64(d.payload_off[r]), count, I64(UNPROVEN), now)
                taken[r], count = 1, I64(0)
        elif p.parked[i] and p.directions[i]["flags"] & ACKED:
            settle_parked(p, i, I64(p.directions[i]["acked"]), False, I64(r), limits, out)
        if flags & ACK:
            acknowledged(p, i ^ 1, d.tcp_ack[r], flags, I64(r), limits, out)
        if count > 0:
            if p.directions[i ^ 1]["kept"] > I64(p.directions[i ^ 1]["window"]):
                release(p, i ^ 1, I64(r), out)
            begin_message(p, i ^ 1)
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
        let_go(p, i, I64(-1), limits, out)
        drop_chain(p, i)
        dequeue(p, i)
