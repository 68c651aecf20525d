"""The beginning of a connection, to its last acknowledgement: three ways, four, one-sided, in the middle.

Sides: `i` sent the segment, `i ^ 1` takes it; even numbers are clients. Source: RFC 9293 (states).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.stream.kernels_segments import distance
from vpi_tui.stream.kernels_session_words import (
    ACK,
    ASYNCHRONOUS,
    E_4_ACK,
    E_4_INVALID,
    E_4_SEQ,
    E_4_SYN,
    E_ACK,
    E_ACK_DIR,
    E_ASYNC_SEQ,
    E_BOTH_WRONG,
    E_EVASION,
    E_FIN_NONE,
    E_FLOOD,
    E_IGNORED,
    E_RST_NONE,
    E_SYN_CLIENT,
    E_SYN_SEQ,
    E_SYNACK_ACK,
    E_SYNACK_DIR,
    E_SYNACK_SEQ,
    E_SYNACK_SERVER,
    E_SYNACK_WRONG,
    E_TS,
    ESTABLISHED,
    FAST_OPEN,
    FIN,
    FOUR_WAY,
    MIDSTREAM,
    RST,
    SENT_TS,
    SYN,
    SYN_RECV,
    SYN_SENT,
    TIMESTAMPS,
)
from vpi_tui.stream.kernels_sound import accept, plus, reset, sound_ack

I64 = np.int64
MIDSTREAM_SCALE = 14
MOST_SYNACKS = 5


@helper
def begin_with_syn(t, slot, i, s):
    own = t.sides[i]
    t.sessions[slot]["state"] = SYN_SENT
    t.sessions[slot]["flags"] |= FAST_OPEN if s.fast_open and s.size > 0 else 0
    own["isn"], own["next_seq"], own["last_ack"] = s.seq, plus(s.seq, 1), s.seq
    t.sides[i ^ 1]["window"] = s.window
    own["scale"] = max(s.scale, I64(0))
    own["flags"] = SENT_TS if s.stamped else 0
    own["last_ts"] = s.value if s.stamped else 0


@helper
def begin_midstream(t, slot, i, s):
    """The first segment that is seen is not the first: nothing is known of windows."""
    own, peer = t.sides[i], t.sides[i ^ 1]
    synack = s.flags & (SYN | ACK) == SYN | ACK
    t.sessions[slot]["state"] = SYN_RECV if synack else ESTABLISHED
    t.sessions[slot]["flags"] = MIDSTREAM
    own["isn"] = s.seq if synack else plus(s.seq, -1)
    own["next_seq"] = plus(s.seq, s.size + (1 if synack else 0))
    own["last_ack"] = plus(s.seq, 1 if synack else 0)
    own["scale"] = max(s.scale, I64(0)) if synack else I64(MIDSTREAM_SCALE)
    peer["isn"], peer["next_seq"], peer["last_ack"] = plus(s.ack, -1), s.ack, s.ack
    peer["scale"] = MIDSTREAM_SCALE
    peer["window"] = min(s.window << I64(own["scale"]), 0xFFFFFFFF)
    peer["next_win"] = plus(peer["last_ack"], I64(peer["window"]))
    own["next_win"] = plus(own["next_seq"], 0xFFFF << MIDSTREAM_SCALE)
    own["last_ts"] = s.value


@helper
def in_none(t, slot, i, s, options):
    if s.flags & RST:
        return I64(E_RST_NONE)
    if s.flags & FIN and (not options.midstream or s.size == 0):
        return I64(E_FIN_NONE)
    if s.flags & (SYN | ACK) == SYN:
        begin_with_syn(t, slot, i, s)
    elif options.midstream and s.flags & ACK:
        begin_midstream(t, slot, i, s)
    return I64(0)


@helper
def believe_synack(t, slot, i, s):
    """Side i answers a SYN."""
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    session["state"] = SYN_RECV
    own["isn"], own["next_seq"], own["last_ack"] = s.seq, plus(s.seq, 1), plus(s.seq, 1)
    if s.scale >= 0:
        own["scale"] = s.scale
    else:
        own["scale"], peer["scale"] = 0, 0
    own["next_win"] = plus(own["last_ack"], I64(own["window"]))
    peer["window"], peer["last_ack"] = s.window, s.ack
    peer["next_win"] = plus(s.ack, s.window)
    if s.stamped and peer["flags"] & SENT_TS:
        session["flags"] |= TIMESTAMPS
        own["last_ts"] = s.value
    if distance(s.ack, peer["next_seq"]) > 0:
        peer["next_seq"] = s.ack


@helper
def after_syn(t, slot, i, s, options):
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    answer = i & 1 == 1
    if answer and s.stamped and s.echo:
        sent = peer["flags"] & SENT_TS and peer["last_ts"]
        if (sent and s.echo != peer["last_ts"]) or not peer["flags"] & SENT_TS:
            return I64(E_TS)
    if s.flags & RST:
        return reset(t, slot, i, s)
    if s.flags & (SYN | ACK) == SYN | ACK:
        if session["flags"] & FOUR_WAY and not answer:
            if distance(s.ack, plus(peer["isn"], 1)) != 0:
                return I64(E_4_ACK)
            if distance(s.seq, own["isn"]) != 0:
                return I64(E_4_SYN)
            believe_synack(t, slot, i, s)
            return I64(0)
        if not answer:
            return I64(E_SYNACK_DIR)
        if distance(s.ack, plus(peer["isn"], 1)) != 0 and distance(s.ack, peer["next_seq"]) != 0:
            return I64(E_SYNACK_WRONG)
        believe_synack(t, slot, i, s)
        if session["flags"] & FAST_OPEN and distance(s.ack, plus(peer["isn"], 1)) == 0:
            return I64(E_IGNORED)
    elif s.flags & SYN:
        if answer:
            session["flags"] |= FOUR_WAY
            own["isn"], own["next_seq"], own["scale"] = s.seq, plus(s.seq, 1), max(s.scale, I64(0))
    elif s.flags & ACK and not answer and options.one_sided:
        if distance(s.seq, own["next_seq"]) != 0:
            return I64(E_ASYNC_SEQ)
        session["flags"] |= ASYNCHRONOUS
        session["state"] = ESTABLISHED
        peer["isn"], peer["next_seq"], peer["last_ack"] = plus(s.ack, -1), s.ack, s.ack
        accept(t, i, s, s.size)
    return I64(0)


@helper
def syn_on_syn_recv(t, slot, i, s):
    own, peer = t.sides[i], t.sides[i ^ 1]
    if s.flags & ACK:
        if i & 1 == 0:
            return I64(E_SYNACK_SERVER)
        if distance(s.ack, peer["last_ack"]) != 0:
            return I64(E_SYNACK_ACK)
        if distance(s.seq, own["isn"]) != 0:
            session = t.sessions[slot]
            if session["synacks"] >= MOST_SYNACKS:
                return I64(E_SYNACK_SEQ | E_FLOOD)
            session["synacks"] += 1
            return I64(E_SYNACK_SEQ)
        return I64(0)
    if i & 1:
        return I64(E_SYN_CLIENT)
    return I64(E_SYN_SEQ) if distance(s.seq, own["isn"]) != 0 else I64(0)


@helper
def last_of_handshake(t, slot, i, s, options):
    """The acknowledgement in SYN_RECV: from the client, and from the server when something was missed."""
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    right = distance(s.seq, own["next_seq"]) == 0
    acked = distance(s.ack, peer["next_seq"]) == 0
    missed = False
    if session["flags"] & FOUR_WAY and i & 1:
        if not right:
            return I64(E_4_SEQ)
        if not sound_ack(t, slot, i ^ 1, s):
            return I64(E_4_INVALID | E_ACK)
    elif i & 1 and not session["flags"] & MIDSTREAM:
        if not (right and distance(s.ack, peer["last_ack"]) == 0 and s.size > 0):
            return I64(E_ACK_DIR)
        missed = True
    if right and (acked or missed or session["flags"] & (MIDSTREAM | FOUR_WAY)):
        session["state"] = ESTABLISHED
    elif options.one_sided and distance(s.seq, peer["next_seq"]) == 0:
        session["flags"] |= ASYNCHRONOUS
        session["state"] = ESTABLISHED
    elif right:
        return I64(E_EVASION)
    elif acked and distance(s.seq, own["next_seq"]) > 0 and distance(s.seq, own["next_win"]) <= 0:
        session["state"] = ESTABLISHED
    else:
        return I64(E_BOTH_WRONG)
    accept(t, i, s, s.size)
    return I64(0)
