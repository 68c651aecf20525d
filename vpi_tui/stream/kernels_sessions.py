"""The state of a TCP connection, and which segments do not belong there.

States and events are those of Suricata's stream engine; sources: RFC 9293 (states), 7323 (timestamps and
window scales). A segment that is judged wrong changes nothing. Sides: `i` sent the segment, `i ^ 1` takes
it; even numbers are clients. The handshake is in kernels_handshake.py, the end in kernels_shutdown.py.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.batch import FirstSeen
from vpi_tui.model.jit import helper, kernel
from vpi_tui.model.sequence import distance
from vpi_tui.model.stream_events import INVALID
from vpi_tui.stream.kernels_doubts import acknowledges_unseen, is_odd, may_be_refused, note_syn
from vpi_tui.stream.kernels_handshake import after_syn, in_none, last_of_handshake, syn_on_syn_recv
from vpi_tui.stream.kernels_options import Segment, options_of
from vpi_tui.stream.kernels_session_words import (
    ACK,
    ASYNCHRONOUS,
    CLOSE_WAIT,
    CLOSED,
    CONFIRMED,
    DOUBTFUL,
    E_ACK,
    E_BEFORE,
    E_BROKEN,
    E_EST_ACK,
    E_EST_SA,
    E_EST_SA_ACK,
    E_EST_SA_SEQ,
    E_EST_SA_SERVER,
    E_EST_SYN,
    E_EST_SYN_CLIENT,
    E_EST_SYN_SEQ,
    E_INJECT,
    E_OUT,
    E_PROBE,
    E_SPURIOUS,
    E_TS,
    E_WINDOW,
    ESTABLISHED,
    FIN,
    GOT_RST,
    INVALID_SEGMENT,
    LOST,
    LOST_CLIENT,
    LOST_SERVER,
    NONE,
    PROBED,
    RST,
    SEEN,
    SYN,
    SYN_RECV,
    SYN_SENT,
    TAKEN,
    THROWN_AWAY,
    UNPROVEN,
)
from vpi_tui.stream.kernels_shutdown import first_fin, in_shutdown, in_window
from vpi_tui.stream.kernels_sound import accept, note_hole, plus, reset, sound_ack, sound_time

I64 = np.int64
TCP = 6
OF_FLOW = int(FirstSeen.OF_FLOW)
SMALL_WINDOW, MARGIN = 1024, 32
"""A window above the one may shrink by the other more than what was acknowledged says."""


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
def is_before(own, s):
    """Is all of it before what was acknowledged, and not a keep-alive?

    What was acknowledged and not seen may come again.
    """
    end = plus(s.seq, s.size)
    if distance(end, own["last_ack"]) >= 0 or is_one_back(own, s):
        return False
    return distance(own["last_ack"], own["next_seq"]) <= 0 or distance(end, own["next_seq"]) <= 0


@helper
def is_one_back(own, s):
    return s.size <= 1 and distance(s.seq, plus(own["next_seq"], -1)) == 0


@helper
def in_established(t, slot, i, s):
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    if i & 1 and s.flags & ACK:
        session["flags"] |= CONFIRMED
    event = I64(0)
    if s.flags & ACK and peer["flags"] & PROBED and distance(s.ack, plus(peer["next_seq"], 1)) == 0:
        event = I64(E_PROBE)
    elif not sound_ack(t, slot, i ^ 1, s):
        return I64(E_EST_ACK | E_ACK)
    peer["flags"] &= 0xFF ^ PROBED
    if not session["flags"] & ASYNCHRONOUS and is_before(own, s):
        return event | E_BEFORE
    if s.size == 1 and own["window"] == 0 and distance(s.seq, own["next_seq"]) == 0:
        own["flags"] |= PROBED
        return event
    if not in_window(t, slot, i, s):
        return event | E_OUT
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
def keeps_alive(own, peer, s):
    """Nothing, or one byte that was sent before, to be answered."""
    plain = s.flags & (SYN | FIN | RST) == 0
    return plain and is_one_back(own, s) and distance(s.ack, peer["last_ack"]) == 0


@helper
def bad_window_update(state, own, peer, s):
    """From ahead of all that was sent, about what was never sent: the window shrinks by more than that."""
    shrunk = I64(peer["window"]) - (s.window << I64(own["scale"]))
    acked, ahead = distance(s.ack, peer["next_seq"]), distance(s.seq, own["next_seq"])
    if shrunk <= s.size or acked <= 0 or ahead <= 0:
        return False
    if state >= CLOSE_WAIT and s.flags == ACK and s.size == 0 and acked == 1 and ahead == 1:
        return False  # the last acknowledgement, behind both FINs
    margin = MARGIN if s.window << I64(own["scale"]) > SMALL_WINDOW else 0
    return shrunk > distance(s.ack, peer["last_ack"]) + margin


@helper
def is_outdated(own, peer, s):
    """Is it an empty acknowledgement of less than is acknowledged already?"""
    if s.size or distance(s.ack, peer["last_ack"]) >= 0:
        return False
    return distance(s.seq, own["next_seq"]) == 0


@helper
def is_spurious(own, s):
    """Sent once more, although all of it was acknowledged."""
    return s.size > 0 and distance(plus(s.seq, s.size), own["last_ack"]) <= 0


@helper
def hears_both(t, slot, i):
    """A connection of which both sides are seen is not one-sided any more."""
    t.sides[i]["flags"] |= SEEN
    if t.sides[i ^ 1]["flags"] & SEEN:
        t.sessions[slot]["flags"] &= 0xFF ^ ASYNCHRONOUS


@helper
def by_state(t, slot, i, s, options, state):
    session = t.sessions[slot]
    if state == SYN_SENT:
        return after_syn(t, slot, i, s, options)
    if s.flags & RST:
        return reset(t, slot, i, s)
    if (s.flags & FIN or not s.flags & SYN) and not sound_time(t, slot, i, s):
        return I64(E_TS)
    note_hole(t.sides[i], s)
    if state > ESTABLISHED:
        return in_shutdown(t, slot, i, s)
    if s.flags & FIN:
        return first_fin(t, slot, i, s)
    if state == SYN_RECV:
        if s.flags & SYN:
            return syn_on_syn_recv(t, slot, i, s)
        return last_of_handshake(t, slot, i, s, options) if s.flags & ACK else I64(0)
    if s.flags & SYN:
        return syn_on_established(t, i, s, session["flags"] & CONFIRMED)
    return in_established(t, slot, i, s)


@helper
def judge(t, slot, i, s, options):
    """The events of one segment; the session follows it."""
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    state = I64(session["state"])
    events = I64(0)
    if not s.flags & ACK and s.ack != 0:
        events |= E_BROKEN
    if state == NONE:
        return events | in_none(t, slot, i, s, options)
    if session["flags"] & ASYNCHRONOUS:
        hears_both(t, slot, i)
    if state == CLOSED and not s.flags & RST and peer["flags"] & GOT_RST and not own["flags"] & GOT_RST:
        session["state"] = session["before"]
        state = I64(session["before"])
    live = state != CLOSED and not keeps_alive(own, peer, s)
    if live and state >= ESTABLISHED:
        if s.flags & (SYN | FIN | RST) == 0 and s.flags & ACK:
            if bad_window_update(state, own, peer, s):
                events |= E_WINDOW
                live = False
            elif is_outdated(own, peer, s):
                live = False
        if live and is_spurious(own, s):
            events |= E_SPURIOUS
    if live:
        events |= by_state(t, slot, i, s, options, state)
    return events | after_reset(t, i, s)


@helper
def lacks_ack(session, s):
    """Has it no acknowledgement, though a SYN was answered? Then it is dropped (RFC 9293, 3.10.7.4).

    Suricata lets a FIN behind a FIN close the connection without one, and names what is odd about it then.
    """
    return session["state"] >= SYN_RECV and s.flags & (SYN | RST | ACK) == 0


@helper
def forget(t, slot):
    t.sessions[slot]["state"] = NONE
    t.sessions[slot]["flags"] = 0
    t.sessions[slot]["queued"] = 0
    t.sessions[slot]["before"] = NONE
    t.sessions[slot]["other_isn"] = 0
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
        own["next_mac"] = 0


@helper
def is_foreign(session, i, invalid):
    """Does the receiver of a segment throw it away? invalid: it should.

    When the latest segments of both sides are invalid, it was not their ends that lost what came before, but
    this sensor: what it knows of them is outdated, and they are taken until they are valid again.
    """
    if not invalid:
        session["flags"] &= 0xFF ^ LOST
        return False
    session["flags"] |= LOST_SERVER if i & 1 else LOST_CLIENT
    return I64(session["flags"]) & LOST != LOST


@helper
def is_unasked(session, s):
    """Are these bytes of a connection that nobody has agreed to, as far as was seen?

    Behind a SYN they are of the stream once their receiver acknowledges them: then its SYN/ACK was lost
    here. Of a connection that is not followed they never are.
    """
    return s.size > 0 and s.flags & SYN == 0 and session["state"] <= SYN_SENT


@kernel
def judge_rows(t, packets, d, flows, options, foreign):
    """Set the stream events of the TCP rows of a batch. t: sessions.Sessions; options: SessionOptions.

    foreign: uint8[rows], to be filled: TAKEN, THROWN_AWAY, ... of kernels_session_words.
    """
    for r in range(len(d.packet)):
        foreign[r] = TAKEN
        slot = I64(flows.flow[r])
        if d.proto[r] != TCP or slot < 0 or d.payload_off[r] < 0:
            continue
        if flows.first[r] & OF_FLOW:
            forget(t, slot)
        if I64(d.events[r]) & options.bad_events:
            continue
        at, stop = I64(d.l4_off[r]) + 20, I64(d.payload_off[r])
        scale, stamped, value, echo, fast_open, signed = options_of(packets.buf, at, stop)
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
            signed,
        )
        i = 2 * slot + I64(flows.direction[r]) - 1
        if lacks_ack(t.sessions[slot], segment):
            foreign[r] = THROWN_AWAY
            broken = I64(E_BROKEN if segment.ack else 0)
            both = segment.flags & FIN and t.sessions[slot]["state"] > ESTABLISHED
            d.stream_events[r] |= np.uint64(judge(t, slot, i, segment, options) if both else broken)
            continue
        kind = TAKEN
        if segment.size > 0:
            if is_odd(packets.buf, t.sides[i], d, r) or may_be_refused(t, slot, i, segment):
                kind = DOUBTFUL
            elif acknowledges_unseen(t, slot, i, segment):
                kind = UNPROVEN
        events = judge(t, slot, i, segment, options)
        d.stream_events[r] |= np.uint64(events)
        unasked = is_unasked(t.sessions[slot], segment)
        if unasked and t.sessions[slot]["state"] == NONE:
            kind = THROWN_AWAY
        elif is_foreign(t.sessions[slot], i, unasked or events & INVALID != 0):
            kind = INVALID_SEGMENT
        foreign[r] = kind
        if segment.flags & SYN:
            note_syn(t, i, d, r, segment)
