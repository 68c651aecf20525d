"""What each end of a TCP connection has sent, and which ends of it their receiver believes.

A RST that is not next in line changes nothing at its receiver (RFC 5961, 3.2), nor does a segment with a
wrong checksum, or without an acknowledgement where one must be (RFC 9293, 3.10.7.4); a FIN means nothing
before all in front of it is there. Were any of them believed here, a sender could make the sensor forget a
connection that goes on.

FINs that are ahead are rare: their numbers are kept beside the records, in `fins` of a fixed size. An entry
is uint64: slot and direction above, the number below. The lowest bits of the former are its place, and where
several want the same one the latest has it.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.flow.kernels_index import I64, U64
from vpi_tui.flow.kernels_track import ACK, FIN, RST, SYN, TO_CLIENT, TO_SERVER
from vpi_tui.model.jit import inlined
from vpi_tui.model.sequence import distance

AWAITED_FIN = 2
"""Shift of the Directions in `sent` whose FIN came before all in front of it; its number is in `fins`."""

_S32 = U64(32)
_LOW32 = U64(0xFFFFFFFF)


@inlined
def next_of(flow, direction):
    """Number behind what was sent in a direction; -1 = nothing was."""
    if I64(flow["sent"]) & direction == 0:
        return I64(-1)
    return I64(flow["next_toserver"]) if direction == TO_SERVER else I64(flow["next_toclient"])


@inlined
def set_next(flow, direction, number):
    flow["sent"] = I64(flow["sent"]) | direction
    if direction == TO_SERVER:
        flow["next_toserver"] = number
    else:
        flow["next_toclient"] = number


@inlined
def is_heeded(flow, d, r, flags, direction, bad_events):
    """Does the receiver of a segment let it end something?

    bad_events: bits of DecoderEvent with which no segment does.
    """
    if flags & (FIN | RST) == 0:
        return True
    if I64(d.events[r]) & bad_events:
        return False
    awaited = next_of(flow, direction)
    return flags & RST == 0 or awaited < 0 or awaited == I64(d.tcp_seq[r])


@inlined
def judge_fin(t, slot, direction, number):
    """The direction, when its FIN with this number ends what was sent, else 0. One ahead is awaited."""
    flow = t.records[slot]
    bit = direction << AWAITED_FIN
    beyond = distance(next_of(flow, direction), number)
    if beyond < 0:
        key = slot << 1 | direction >> 1
        t.fins[key & (len(t.fins) - 1)] = U64(key) << _S32 | U64(number)
        flow["sent"] = I64(flow["sent"]) | bit
        return I64(0)
    flow["sent"] = I64(flow["sent"]) & ~bit
    if beyond == 0:
        set_next(flow, direction, (number + 1) & 0xFFFFFFFF)
    return I64(direction) if beyond <= 1 else I64(0)


@inlined
def judge_awaited(t, slot, direction):
    """As judge_fin, for the FIN that a direction awaits, if any; forgotten when another took its place."""
    flow = t.records[slot]
    bit = direction << AWAITED_FIN
    if I64(flow["sent"]) & bit == 0:
        return I64(0)
    key = slot << 1 | direction >> 1
    entry = t.fins[key & (len(t.fins) - 1)]
    if entry >> _S32 != U64(key):
        flow["sent"] = I64(flow["sent"]) & ~bit
        return I64(0)
    return judge_fin(t, slot, direction, I64(entry & _LOW32))


@inlined
def reached_fins(t, slot, d, r, flags, direction, payload):
    """Directions, as bits, whose FIN is now the end of all that was sent or acknowledged.

    To be asked once the segment was noted. One that is further ahead waits for what is missing before it.
    """
    reached = I64(0)
    if flags & (FIN | SYN | RST | ACK) == FIN | ACK:
        number = (I64(d.tcp_seq[r]) + max(payload, I64(0))) & 0xFFFFFFFF
        reached = judge_fin(t, slot, direction, number)
    if I64(t.records[slot]["sent"]) >> AWAITED_FIN == 0:
        return reached
    return reached | judge_awaited(t, slot, I64(TO_SERVER)) | judge_awaited(t, slot, I64(TO_CLIENT))


@inlined
def is_newest(flow, d, r, direction, payload, bad_events):
    """Did a segment, which was noted, bring the latest bytes of its sender, with no hole before them?"""
    end = (I64(d.tcp_seq[r]) + payload) & 0xFFFFFFFF
    return next_of(flow, direction) == end and I64(d.events[r]) & bad_events == 0


@inlined
def note_sent(flow, d, r, flags, direction, payload, bad_events):
    """What its sender has sent without a hole, or what was acknowledged, unless the receiver throws it away.

    Bytes of a SYN count when they are acknowledged: most hosts leave them out, and they are sent again.
    """
    if I64(d.events[r]) & bad_events or flags & (SYN | RST | ACK) == 0:
        return
    seq = I64(d.tcp_seq[r])
    end = seq + 1 if flags & SYN else seq + max(payload, I64(0)) + (flags & FIN)
    sent = next_of(flow, direction)
    if sent < 0 or (distance(seq, sent) <= 0 and distance(end, sent) > 0):
        set_next(flow, direction, end & 0xFFFFFFFF)
    if flags & ACK:
        other = direction ^ 3
        acked = I64(d.tcp_ack[r])
        sent = next_of(flow, other)
        if sent >= 0 and distance(acked, sent) > 0:
            set_next(flow, other, acked)
