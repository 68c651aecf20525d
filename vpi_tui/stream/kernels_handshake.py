"""The beginning of a connection, to its last acknowledgement: three ways, four, one-sided, in the middle.

Sides: `i` sent the segment, `i ^ 1` takes it; even numbers are clients. Source: RFC 9293 (states).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.model.sequence import distance
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
    E_SYN_FLOOD,
    E_SYN_SEQ,
    E_SYNACK_ACK,
    E_SYNACK_DIR,
    E_SYNACK_SERVER,
    E_SYNACK_WRONG,
    E_TS,
    ESTABLISHED,
    FAST_OPEN,
    FIN,
    FIN_WAIT1,
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
MOST_SYNS, MOST_SYNACKS = 10, 5
"""Others than the one that is believed, as stream.max-syn-queued and max-synack-queued are by default."""


@helper
def begin_with_syn(t, slot, i, s):
    own = t.sides[i]
    t.sessions[slot]["state"] = SYN_SENT
    own["isn"], own["next_seq"], own["last_ack"] = s.seq, plus(s.seq, 1), s.seq
    if s.fast_open:
        t.sessions[slot]["flags"] |= FAST_OPEN
        own["next_seq"] = plus(s.seq, 1 + s.size)
    announce(t, i, s)


@helper
def announce(t, i, s):
    """What a SYN says of its sender."""
    own = t.sides[i]
    t.sides[i ^ 1]["window"] = s.window
    own["scale"] = max(s.scale, I64(0))
    own["flags"] = SENT_TS if s.stamped else 0
    own["last_ts"] = s.value if s.stamped else 0


@helper
def another_syn(t, slot, i, s):
    """The latest is believed; of those with other timestamps some are remembered."""
    session, own = t.sessions[slot], t.sides[i]
    event = I64(0)
    if s.stamped and own["flags"] & SENT_TS and s.value != own["last_ts"]:
        if session["queued"] >= MOST_SYNS:
            event = I64(E_SYN_FLOOD)
        else:
            session["queued"] += 1
    announce(t, i, s)
    return event


@helper
def begin_midstream(t, slot, i, s):
    """The first segment that is seen is not the first: nothing is known of windows."""
    own, peer = t.sides[i], t.sides[i ^ 1]
    synack = s.flags & (SYN | ACK) == SYN | ACK
    t.sessions[slot]["state"] = SYN_RECV if synack else (FIN_WAIT1 if s.flags & FIN else ESTABLISHED)
    t.sessions[slot]["flags"] = MIDSTREAM
    own["isn"] = s.seq if synack else plus(s.seq, -1)
    own["next_seq"] = plus(s.seq, s.size + (1 if synack or s.flags & FIN else 0))
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
    if s.flags & FIN:
        if not options.midstream or s.size == 0:
            return I64(E_FIN_NONE)
        begin_midstream(t, slot, i, s)
    elif s.flags & (SYN | ACK) == SYN:
        begin_with_syn(t, slot, i, s)
    elif s.flags & ACK and (options.midstream or (options.one_sided and s.flags & SYN)):
        begin_midstream(t, slot, i, s)
    return I64(0)


@helper
def believe_synack(t, slot, i, s):
    """Side i answers a SYN."""
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    session["state"] = SYN_RECV
    session["queued"] = 0
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
def stamped_wrong(peer, s):
    """Does an answer to a SYN echo a timestamp that was not sent?"""
    if not (s.stamped and s.echo):
        return False
    sent = peer["flags"] & SENT_TS != 0
    return not sent or (peer["last_ts"] != 0 and s.echo != peer["last_ts"])


@helper
def synack_after_syn(t, slot, i, s):
    """Of the server, as it should be."""
    session, peer = t.sessions[slot], t.sides[i ^ 1]
    fast_open = s.fast_open != 0 or session["flags"] & FAST_OPEN != 0
    first = distance(s.ack, plus(peer["isn"], 1)) == 0
    if not first and not (fast_open and distance(s.ack, peer["next_seq"]) == 0):
        return I64(E_SYNACK_WRONG)
    ignored = first and distance(s.ack, peer["next_seq"]) != 0
    event = I64(E_IGNORED) if ignored else I64(0)
    if ignored:
        peer["next_seq"] = peer["isn"]
    if fast_open:
        session["flags"] |= FAST_OPEN
    if stamped_wrong(peer, s):
        return event | E_TS
    believe_synack(t, slot, i, s)
    session["flags"] &= 0xFF ^ FOUR_WAY
    return event


@helper
def synack_of_client(t, slot, i, s):
    """The client answers the server's SYN: the handshake has four ways."""
    own, peer = t.sides[i], t.sides[i ^ 1]
    if not t.sessions[slot]["flags"] & FOUR_WAY:
        return I64(E_SYNACK_DIR)
    if distance(s.ack, plus(peer["isn"], 1)) != 0:
        return I64(E_4_ACK)
    if distance(s.seq, own["isn"]) != 0:
        return I64(E_4_SYN)
    believe_synack(t, slot, i, s)
    return I64(0)


@helper
def after_syn(t, slot, i, s, options):
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    answer = i & 1 == 1
    if s.flags & (SYN | ACK) == SYN | ACK:
        return synack_after_syn(t, slot, i, s) if answer else synack_of_client(t, slot, i, s)
    if answer and stamped_wrong(peer, s):
        return I64(E_TS)
    if s.flags & RST:
        return reset(t, slot, i, s)
    if s.flags & FIN:
        return I64(0)
    if s.flags & SYN:
        if not answer:
            return another_syn(t, slot, i, s)
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
def another_synack(t, slot, s):
    """With another sequence number: the client will say which one it believes."""
    session = t.sessions[slot]
    if session["queued"] and distance(s.seq, session["other_isn"]) == 0:
        return I64(0)
    if session["queued"] >= MOST_SYNACKS:
        return I64(E_FLOOD)
    session["queued"] += 1
    session["other_isn"] = s.seq
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
            return another_synack(t, slot, s)
        return I64(0)
    if i & 1:
        return I64(E_SYN_CLIENT)
    return I64(E_SYN_SEQ) if distance(s.seq, own["isn"]) != 0 else I64(0)


@helper
def believe_other(t, slot, s):
    """Does the client acknowledge a SYN/ACK that came later? Then that is the server's."""
    session, client, server = t.sessions[slot], t.sides[2 * slot], t.sides[2 * slot + 1]
    other = session["other_isn"]
    if distance(s.ack, plus(other, 1)) == 0 and distance(s.seq, client["last_ack"]) == 0:
        server["isn"], server["next_seq"], server["last_ack"] = other, plus(other, 1), plus(other, 1)
        server["next_win"] = plus(server["last_ack"], I64(server["window"]))


@helper
def fits_handshake(t, slot, i, s, options):
    """0 = the acknowledgement in SYN_RECV is sound, else the event. Of the server's there is one when the
    client's was lost."""
    session, client, server = t.sessions[slot], t.sides[2 * slot], t.sides[2 * slot + 1]
    ahead, acked = distance(s.seq, client["next_seq"]), distance(s.ack, server["next_seq"])
    if ahead == 0 and acked == 0:
        return I64(0)
    if options.one_sided and distance(s.seq, server["next_seq"]) == 0:
        session["flags"] |= ASYNCHRONOUS
        return I64(0)
    if ahead == 0:
        return I64(E_EVASION)
    if i & 1 and not options.inline and ahead > 0 and distance(s.ack, client["last_ack"]) > 0:
        return I64(0)
    if ahead > 0 and acked == 0 and distance(s.seq, client["next_win"]) <= 0:
        return I64(0)
    follows = distance(s.seq, server["next_seq"]) == 0 and distance(s.ack, client["last_ack"]) == 0
    return I64(0) if i & 1 and follows else I64(E_BOTH_WRONG)


@helper
def last_of_handshake(t, slot, i, s, options):
    session, own = t.sessions[slot], t.sides[i]
    if session["queued"] and i & 1 == 0:
        believe_other(t, slot, s)
    if session["flags"] & FOUR_WAY and i & 1:
        if distance(s.seq, own["next_seq"]) != 0:
            return I64(E_4_SEQ)
        if not sound_ack(t, slot, i ^ 1, s):
            return I64(E_4_INVALID | E_ACK)
    elif i & 1 and options.inline and not session["flags"] & (MIDSTREAM | FAST_OPEN):
        return I64(E_ACK_DIR)
    else:
        event = fits_handshake(t, slot, i, s, options)
        if event:
            return event
    session["state"] = ESTABLISHED
    accept(t, i, s, s.size)
    return I64(0)
