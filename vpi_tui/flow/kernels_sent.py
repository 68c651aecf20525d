"""What each end of a TCP connection has sent, and which ends of it their receiver believes.

A RST that is not next in line changes nothing at its receiver (RFC 5961, 3.2), nor does a segment with a
wrong checksum. Were either believed here, a sender could make the sensor forget a connection that goes on.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.flow.kernels_index import I64
from vpi_tui.flow.kernels_track import ACK, FIN, RST, SYN, TO_SERVER
from vpi_tui.model.jit import inlined
from vpi_tui.model.sequence import distance


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
def is_newest(flow, d, r, direction, payload, bad_events):
    """Did a segment, which was noted, bring the latest bytes of its sender, with no hole before them?"""
    end = (I64(d.tcp_seq[r]) + payload) & 0xFFFFFFFF
    return next_of(flow, direction) == end and I64(d.events[r]) & bad_events == 0


@inlined
def note_sent(flow, d, r, flags, direction, payload, bad_events):
    """What its sender has sent without a hole, or what was acknowledged, unless the receiver throws it away.

    Bytes of a SYN count when they are acknowledged: most hosts leave them out, and they are sent again.
    """
    if I64(d.events[r]) & bad_events:
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
