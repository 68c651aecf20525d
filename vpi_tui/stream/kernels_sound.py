"""Whether a segment may belong to a connection, and what both sides know once it does.

Sides: `i` sent the segment, `i ^ 1` takes it; even numbers are clients. Sources: RFC 9293, 7323 (PAWS).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.model.sequence import distance
from vpi_tui.stream.kernels_session_words import (
    ACK,
    AHEAD,
    ASYNCHRONOUS,
    CLOSED,
    E_ACK,
    E_RST_ACK,
    E_RST_DATA,
    E_TS,
    GOT_RST,
    RST,
    SYN_SENT,
    TIMESTAMPS,
)

I64 = np.int64


@helper
def plus(seq, count):
    return (I64(seq) + count) & 0xFFFFFFFF


@helper
def sound_ack(t, slot, j, s):
    """May side j have sent what is acknowledged? `s`: the segment."""
    acked, session = t.sides[j], t.sessions[slot]
    if not s.flags & ACK:
        return True
    ahead = distance(s.ack, acked["last_ack"])
    if ahead == 0 or (ahead > 0 and distance(s.ack, acked["next_win"]) <= 0):
        return True
    if ahead < 0:
        return acked["window"] == 0 or -ahead <= I64(acked["window"])
    if session["flags"] & ASYNCHRONOUS:
        return True
    if session["state"] > SYN_SENT:
        return False
    return not (s.flags & RST) or distance(s.ack, plus(acked["isn"], 1)) == 0


@helper
def sound_time(t, slot, i, s):
    """Is the timestamp not older than the last (PAWS)?"""
    own = t.sides[i]
    if not (t.sessions[slot]["flags"] & TIMESTAMPS and s.stamped):
        return True
    return own["last_ts"] == 0 or distance(s.value, own["last_ts"]) >= 0


@helper
def note_hole(own, s):
    """To be asked before what its sender has sent is moved on."""
    if distance(s.seq, own["next_seq"]) > 0:
        own["flags"] |= AHEAD
    elif own["flags"] & AHEAD and distance(own["last_ack"], own["next_seq"]) >= 0:
        own["flags"] &= 0xFF ^ AHEAD


@helper
def dates(own, s):
    """Does the receiver compare later timestamps with that of this segment?

    Not while it waits for what was sent before (RFC 7323, 4.3): else a segment that was overtaken would be
    too old, and who sends the second one first would leave a hole that is none.
    """
    return not own["flags"] & AHEAD or distance(s.seq, own["last_ack"]) <= 0


@helper
def accept(t, i, s, count):
    """A sound segment with `count` sequence numbers: what its sender has sent, and both sides take now."""
    own = t.sides[i]
    end = plus(s.seq, count)
    if distance(end, own["next_seq"]) > 0:
        own["next_seq"] = end
    take_ack(t, i, s)


@helper
def catch_up(peer, s):
    """What is acknowledged was sent, seen or not."""
    if s.flags & ACK and distance(s.ack, peer["next_seq"]) > 0:
        peer["next_seq"] = s.ack


@helper
def take_ack(t, i, s):
    own, peer = t.sides[i], t.sides[i ^ 1]
    if s.flags & ACK:
        peer["window"] = min(s.window << I64(own["scale"]), 0xFFFFFFFF)
        if distance(s.ack, peer["last_ack"]) > 0:
            peer["last_ack"] = s.ack
        edge = plus(peer["last_ack"], I64(peer["window"]))
        if distance(edge, peer["next_win"]) > 0:
            peer["next_win"] = edge
    newer = s.stamped and (own["last_ts"] == 0 or distance(s.value, own["last_ts"]) > 0)
    if newer and dates(own, s):
        own["last_ts"] = s.value


@helper
def reset(t, slot, i, s):
    """A RST is believed at the next number (BSD), of a one-sided connection also behind it; before the answer
    to a SYN only from the server."""
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    if not sound_time(t, slot, i, s):
        return I64(E_TS)
    event = I64(E_RST_DATA) if s.size > 0 else I64(0)
    if s.ack != 0 and not sound_ack(t, slot, i ^ 1, s):
        return event | E_RST_ACK | E_ACK
    opening = session["state"] == SYN_SENT
    if s.signed:
        peer["flags"] |= GOT_RST
    ahead = distance(s.seq, own["next_seq"])
    if ahead != 0 and not (session["flags"] & ASYNCHRONOUS and ahead > 0):
        return event
    if opening and i & 1 == 0:
        return event
    if opening:
        peer["flags"] |= GOT_RST
    session["before"] = session["state"]
    session["state"] = CLOSED
    return event
