"""The state of a TCP connection, and which segments do not belong there.

States and events are those of Suricata's stream engine; sources: RFC 9293 (states), 7323 (timestamps and
window scales). A segment that is judged wrong changes nothing. Sides: `i` sent the segment, `i ^ 1` takes
it; even numbers are clients. The handshake is in kernels_handshake.py.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.batch import FirstSeen
from vpi_tui.model.jit import helper, kernel
from vpi_tui.stream.kernels_handshake import after_syn, in_none, last_of_handshake, syn_on_syn_recv
from vpi_tui.stream.kernels_options import Segment, options_of
from vpi_tui.stream.kernels_segments import distance
from vpi_tui.stream.kernels_session_words import (
    ACK,
    ACK_WRONG,
    ASYNCHRONOUS,
    CLOSE_WAIT,
    CLOSED,
    CLOSING,
    CONFIRMED,
    E_ACK,
    E_AGAIN,
    E_BEFORE,
    E_BROKEN,
    E_CW_BEFORE,
    E_CW_OUT,
    E_EST_ACK,
    E_EST_SA,
    E_EST_SA_ACK,
    E_EST_SA_SEQ,
    E_EST_SA_SERVER,
    E_EST_SYN,
    E_EST_SYN_CLIENT,
    E_EST_SYN_SEQ,
    E_FIN_ACK,
    E_FIN_OUT,
    E_FIN_SYN,
    E_INJECT,
    E_OUT,
    E_SHUT_SYN,
    E_SPURIOUS,
    E_TS,
    E_WINDOW,
    ESTABLISHED,
    FIN,
    FIN_WAIT1,
    FIN_WAIT2,
    FIN_WRONG,
    GOT_RST,
    INVALID_ACK,
    LAST_ACK,
    MIDSTREAM,
    NONE,
    RST,
    SYN,
    SYN_RECV,
    SYN_SENT,
    TIME_WAIT,
)
from vpi_tui.stream.kernels_sound import accept, plus, reset, sound_ack, sound_time

I64 = np.int64
TCP = 6
OF_FLOW = int(FirstSeen.OF_FLOW)


@helper
def syn_on_established(t, i, s, confirmed):
    own, peer = t.sides[i], t.sides[i ^ 1]
    if s.flags & ACK:
        if i & 1 == 0:
            return I64(E_EST_SA_SERVER)
        if distance(s.ack, peer["last_ack"]) != 0:
            return I64(E_EST_SA_ACK)
        if distance(s.seq, own["isn"]) != 0:
            return I64(E_EST_SA_SEQ)
        return I64(E_EST_SA) if confirmed else I64(0)
    if i & 1:
        return I64(E_EST_SYN_CLIENT)
    return I64(E_EST_SYN_SEQ) if distance(s.seq, own["isn"]) != 0 else I64(E_EST_SYN)


@helper
def in_window(t, slot, i, s):
    unknown = t.sessions[slot]["flags"] & (MIDSTREAM | ASYNCHRONOUS)
    return unknown or distance(plus(s.seq, s.size), t.sides[i]["next_win"]) <= 0


@helper
def keeps_alive(own, s):
    return s.size <= 1 and distance(s.seq, plus(own["next_seq"], -1)) == 0


@helper
def in_established(t, slot, i, s):
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    if not sound_ack(t, slot, i ^ 1, s):
        return I64(E_EST_ACK | E_ACK)
    end = plus(s.seq, s.size)
    if not keeps_alive(own, s) and distance(end, own["last_ack"]) < 0 and not session["flags"] & ASYNCHRONOUS:
        missing = distance(own["last_ack"], own["next_seq"]) > 0 and distance(end, own["next_seq"]) > 0
        if not missing:
            return I64(E_BEFORE)
    probe = s.size == 1 and own["window"] == 0 and distance(s.seq, own["next_seq"]) == 0
    if not probe and not in_window(t, slot, i, s):
        return I64(E_OUT)
    if i & 1 and s.flags & ACK and distance(s.ack, plus(peer["isn"], 1)) > 0:
        session["flags"] |= CONFIRMED
    accept(t, i, s, s.size)
    return I64(0)


@helper
def fin_out(own, s):
    before = distance(s.seq, own["next_seq"]) < 0
    return before or distance(s.seq, plus(own["last_ack"], I64(own["window"]))) > 0


@helper
def first_fin(t, slot, i, s):
    own = t.sides[i]
    if not sound_ack(t, slot, i ^ 1, s):
        return I64(E_FIN_ACK | E_ACK)
    if fin_out(own, s) and not t.sessions[slot]["flags"] & (MIDSTREAM | ASYNCHRONOUS):
        return I64(E_FIN_OUT)
    t.sessions[slot]["state"] = FIN_WAIT1 if i & 1 else CLOSE_WAIT
    accept(t, i, s, s.size)
    return I64(0)


@helper
def sent_again(own, s):
    return s.size > 0 and distance(plus(s.seq, s.size), own["next_seq"]) <= 0


@helper
def further_fin(t, slot, i, s, again):
    session, own = t.sessions[slot], t.sides[i]
    state = I64(session["state"])
    if not sound_ack(t, slot, i ^ 1, s):
        return INVALID_ACK[state] | E_ACK
    if not again and FIN_WRONG[state] and fin_out(own, s) and not is_own_fin(own, s):
        return FIN_WRONG[state]
    if not again and not is_own_fin(own, s):
        if state == CLOSE_WAIT and i & 1:
            session["state"] = LAST_ACK
        elif state == FIN_WAIT1 and i & 1 == 0:
            session["state"] = TIME_WAIT if s.flags & ACK else CLOSING
        elif state == FIN_WAIT2 and i & 1 == 0:
            session["state"] = TIME_WAIT
    accept(t, i, s, s.size)
    return I64(0)


@helper
def is_own_fin(own, s):
    """The FIN that was seen, once more."""
    return distance(s.seq, own["next_seq"]) == -1 or (
        s.size > 0 and distance(plus(s.seq, s.size), own["next_seq"]) == 0
    )


@helper
def strict_place(own, s):
    """Is the segment right behind what was sent, or behind the FIN?"""
    ahead = distance(s.seq, own["next_seq"])
    return ahead == 0 or ahead == 1


@helper
def in_shutdown(t, slot, i, s):
    """States behind the first FIN."""
    session, own = t.sessions[slot], t.sides[i]
    state = I64(session["state"])
    if s.flags & SYN:
        return I64(E_SHUT_SYN)
    again = sent_again(own, s)
    event = I64(E_AGAIN) if again else I64(0)
    if s.flags & FIN:
        return event | further_fin(t, slot, i, s, again)
    if not s.flags & ACK:
        return event
    if not sound_ack(t, slot, i ^ 1, s):
        return event | INVALID_ACK[state] | E_ACK
    unknown = session["flags"] & (MIDSTREAM | ASYNCHRONOUS)
    if state == CLOSE_WAIT:
        if s.size > 0 and distance(plus(s.seq, s.size), own["last_ack"]) <= 0:
            return event | E_CW_BEFORE
        if distance(s.seq, plus(own["last_ack"], I64(own["window"]))) > 0 and not unknown:
            return event | E_CW_OUT
    elif state == FIN_WAIT1 or state == FIN_WAIT2:
        if not in_window(t, slot, i, s):
            return event | ACK_WRONG[state]
        if state == FIN_WAIT1 and i & 1 == 0 and not again:
            session["state"] = FIN_WAIT2
    elif not again:
        if not strict_place(own, s) and not unknown:
            return event | ACK_WRONG[state]
        if state == CLOSING:
            session["state"] = TIME_WAIT
        elif i & 1 == 0 or state == TIME_WAIT:
            session["state"] = CLOSED
    accept(t, i, s, s.size)
    return event


@helper
def after_reset(t, i, s):
    """Who sends on after a reset did not send the reset."""
    peer = t.sides[i ^ 1]
    if s.flags & RST or not peer["flags"] & GOT_RST:
        return I64(0)
    peer["flags"] &= 0xFF ^ GOT_RST
    return I64(E_INJECT)


@helper
def bad_window_update(t, slot, i, s):
    """An empty acknowledgement of old data from ahead of all that was sent, with a smaller window."""
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    state = I64(session["state"])
    if state < ESTABLISHED or state == CLOSED or s.size or s.flags & (SYN | FIN | RST) or not s.flags & ACK:
        return False
    shrunk = s.window << I64(own["scale"]) < I64(peer["window"])
    return (
        s.window != 0
        and shrunk
        and distance(s.ack, peer["last_ack"]) < 0
        and distance(s.seq, own["next_seq"]) > 0
    )


@helper
def is_spurious(own, s):
    """Sent once more, although all of it was acknowledged."""
    return s.size > 0 and distance(plus(s.seq, s.size), own["last_ack"]) <= 0


@helper
def judge(t, slot, i, s, options):
    """The events of one segment; the session follows it."""
    session = t.sessions[slot]
    state = I64(session["state"])
    events = I64(0)
    if not s.flags & ACK and s.ack != 0:
        events |= E_BROKEN
    if s.flags & (SYN | FIN) == SYN | FIN:
        events |= E_FIN_SYN
    if state == NONE:
        return events | in_none(t, slot, i, s, options)
    events |= after_reset(t, i, s)
    if state == SYN_SENT:
        return events | after_syn(t, slot, i, s, options)
    if bad_window_update(t, slot, i, s):
        return events | E_WINDOW
    if state == CLOSED:
        return events
    if s.flags & RST:
        return events | reset(t, slot, i, s)
    if not s.flags & SYN and not sound_time(t, slot, i, s):
        return events | E_TS
    if state >= ESTABLISHED and is_spurious(t.sides[i], s):
        events |= E_SPURIOUS
    if state == SYN_RECV:
        if s.flags & SYN:
            return events | syn_on_syn_recv(t, slot, i, s)
        if s.flags & FIN:
            return events | first_fin(t, slot, i, s)
        return events | last_of_handshake(t, slot, i, s, options) if s.flags & ACK else events
    if state == ESTABLISHED:
        if s.flags & SYN:
            return events | syn_on_established(t, i, s, session["flags"] & CONFIRMED)
        return events | (first_fin(t, slot, i, s) if s.flags & FIN else in_established(t, slot, i, s))
    return events | in_shutdown(t, slot, i, s)


@helper
def forget(t, slot):
    t.sessions[slot]["state"] = NONE
    t.sessions[slot]["flags"] = 0
    t.sessions[slot]["synacks"] = 0
    for i in (2 * slot, 2 * slot + 1):
        own = t.sides[i]
        own["isn"] = 0
        own["next_seq"] = 0
        own["last_ack"] = 0
        own["next_win"] = 0
        own["window"] = 0
        own["last_ts"] = 0
        own["scale"] = 0
        own["flags"] = 0


@kernel
def judge_rows(t, packets, d, flows, options):
    """Set the stream events of the TCP rows of a batch. t: sessions.Sessions; options: SessionOptions."""
    for r in range(len(d.packet)):
        slot = I64(flows.flow[r])
        if d.proto[r] != TCP or slot < 0 or d.payload_off[r] < 0:
            continue
        if flows.first[r] & OF_FLOW:
            forget(t, slot)
        if I64(d.events[r]) & options.bad_events:
            continue
        at, stop = I64(d.l4_off[r]) + 20, I64(d.payload_off[r])
        scale, stamped, value, echo, fast_open = options_of(packets.buf, at, stop)
        segment = Segment(
            I64(d.tcp_flags[r]),
            I64(d.tcp_seq[r]),
            I64(d.tcp_ack[r]),
            I64(d.tcp_window[r]),
            max(I64(d.payload_len[r]), I64(0)),
            scale,
            stamped,
            value,
            echo,
            fast_open,
        )
        i = 2 * slot + I64(flows.direction[r]) - 1
        d.stream_events[r] |= np.uint64(judge(t, slot, i, segment, options))
