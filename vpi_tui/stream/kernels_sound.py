"""Whether a segment may belong to a connection, and what both sides know once it does.

Sides: `i` sent the segment, `i ^ 1` takes it; even numbers are clients. Sources: RFC 9293, 7323 (PAWS).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.stream.kernels_segments import distance
from vpi_tui.stream.kernels_session_words import (
    ACK,
    ASYNCHRONOUS,
    CLOSED,
    E_ACK,
    E_RST_ACK,
    E_TS,
    GOT_RST,
    MIDSTREAM,
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
def accept(t, i, s, count):
    """A sound segment with `count` sequence numbers: what both sides have sent and take now."""
    own, peer = t.sides[i], t.sides[i ^ 1]
    end = plus(s.seq, count)
    if distance(end, own["next_seq"]) > 0:
        own["next_seq"] = end
    if s.flags & ACK:
        peer["window"] = min(s.window << I64(own["scale"]), 0xFFFFFFFF)
        if distance(s.ack, peer["last_ack"]) > 0:
            peer["last_ack"] = s.ack
        if distance(s.ack, peer["next_seq"]) > 0:
            peer["next_seq"] = s.ack
        edge = plus(peer["last_ack"], I64(peer["window"]))
        if distance(edge, peer["next_win"]) > 0:
            peer["next_win"] = edge
    if s.stamped and (own["last_ts"] == 0 or distance(s.value, own["last_ts"]) > 0):
        own["last_ts"] = s.value


@helper
def reset(t, slot, i, s):
    """A RST is believed at the next number (BSD), or as the answer to a SYN."""
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    if not sound_time(t, slot, i, s):
        return I64(E_TS)
    if session["state"] == SYN_SENT:
        if i & 1 and distance(s.ack, plus(peer["isn"], 1)) != 0:
            return I64(E_RST_ACK | E_ACK)
    else:
        if not sound_ack(t, slot, i ^ 1, s):
            return I64(E_RST_ACK | E_ACK)
        if distance(s.seq, own["next_seq"]) != 0 and not session["flags"] & (MIDSTREAM | ASYNCHRONOUS):
            return I64(0)
    peer["flags"] |= GOT_RST
    session["state"] = CLOSED
    return I64(0)
