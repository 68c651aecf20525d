"""States behind the first FIN, and resets.

Sides: `i` sent the segment, `i ^ 1` takes it; even numbers are clients. A client's FIN has no sequence number
in `next_seq`, a server's has one: so it is in Suricata's stream engine, whose states and events these are.
Source: RFC 9293 (states).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.model.sequence import distance
from vpi_tui.stream.kernels_session_words import (
    ACK,
    ACK_WRONG,
    ASYNCHRONOUS,
    CLOSE_WAIT,
    CLOSED,
    CLOSING,
    E_ACK,
    E_AGAIN,
    E_CW_BEFORE,
    E_CW_OUT,
    E_FIN_ACK,
    E_FIN_OUT,
    E_FIN_SYN,
    E_SHUT_SYN,
    FIN,
    FIN_WAIT1,
    FIN_WAIT2,
    FIN_WRONG,
    INVALID_ACK,
    LAST_ACK,
    MIDSTREAM,
    SYN,
    TIME_WAIT,
)
from vpi_tui.stream.kernels_sound import catch_up, plus, sound_ack, take_ack

I64 = np.int64


@helper
def first_fin(t, slot, i, s):
    """In SYN_RECV and ESTABLISHED."""
    session, own = t.sessions[slot], t.sides[i]
    if not sound_ack(t, slot, i ^ 1, s):
        return I64(E_FIN_ACK | E_ACK)
    end = plus(s.seq, s.size)
    inside = distance(s.seq, own["last_ack"]) >= 0 and distance(end, own["next_win"]) <= 0
    if not inside and not session["flags"] & (MIDSTREAM | ASYNCHRONOUS):
        return I64(E_FIN_OUT)
    if s.flags & SYN:
        return I64(E_FIN_SYN)
    session["state"] = FIN_WAIT1 if i & 1 else CLOSE_WAIT
    own["next_seq"] = plus(end, i & 1)
    catch_up(t.sides[i ^ 1], s)
    take_ack(t, i, s)
    return I64(0)


@helper
def sent_again(own, s):
    """Some of it was acknowledged, or all of it was sent before."""
    if s.size == 0:
        return False
    acked = distance(s.seq, own["last_ack"]) < 0
    return acked or distance(plus(s.seq, s.size), own["next_seq"]) <= 0


@helper
def fin_out(own, s, slack):
    """slack: of so many numbers before the next one a FIN may be."""
    before = distance(s.seq, plus(own["next_seq"], -slack)) < 0
    return before or distance(s.seq, plus(own["last_ack"], I64(own["window"]))) > 0


@helper
def is_fin_again(state, i, own, peer, s):
    """The FIN that was seen, once more: nothing is odd about that."""
    if not (state == FIN_WAIT2 or (state == FIN_WAIT1 and i & 1)):
        return False
    return distance(s.seq, plus(own["next_seq"], -1)) == 0 and distance(s.ack, peer["last_ack"]) == 0


@helper
def after_fin(state, i, s):
    """The state behind one more FIN."""
    if state == FIN_WAIT1:
        return TIME_WAIT if s.flags & ACK else CLOSING
    if state == FIN_WAIT2:
        return TIME_WAIT
    return LAST_ACK if i & 1 else state


@helper
def further_fin(t, slot, i, s):
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    state = I64(session["state"])
    known = is_fin_again(state, i, own, peer, s)
    event = I64(E_AGAIN) if not known and sent_again(own, s) else I64(0)
    again = known or event != 0
    if not again and fin_out(own, s, 1 if state == FIN_WAIT1 else 0):
        return FIN_WRONG[state]
    if not sound_ack(t, slot, i ^ 1, s):
        return event | INVALID_ACK[state] | E_ACK
    if not again:
        session["state"] = after_fin(state, i, s)
        if distance(s.seq, own["next_seq"]) == 0 and state != CLOSE_WAIT:
            own["next_seq"] = plus(s.seq, s.size)
    catch_up(peer, s)
    take_ack(t, i, s)
    return event


@helper
def in_window(t, slot, i, s):
    unknown = t.sessions[slot]["flags"] & (MIDSTREAM | ASYNCHRONOUS)
    return unknown or distance(plus(s.seq, s.size), t.sides[i]["next_win"]) <= 0


@helper
def ack_in_wait1(t, slot, i, s, again):
    """An acknowledgement of the server's FIN opens FIN_WAIT2; others are of what was sent before."""
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    if not sound_ack(t, slot, i ^ 1, s):
        return INVALID_ACK[FIN_WAIT1] | E_ACK
    if again or (i & 1 == 0 and distance(s.ack, peer["next_seq"]) != 0):
        return I64(0)
    if not in_window(t, slot, i, s):
        return ACK_WRONG[FIN_WAIT1]
    if distance(s.seq, plus(own["next_seq"], -(i & 1))) == 0:
        session["state"] = FIN_WAIT2
    return I64(0)


@helper
def ack_in_close_wait(t, slot, i, s):
    own = t.sides[i]
    if s.size > 0 and distance(plus(s.seq, s.size), own["last_ack"]) <= 0:
        return I64(E_CW_BEFORE)
    if distance(s.seq, plus(own["last_ack"], I64(own["window"]))) > 0:
        if not t.sessions[slot]["flags"] & (MIDSTREAM | ASYNCHRONOUS):
            return I64(E_CW_OUT)
    return I64(0) if sound_ack(t, slot, i ^ 1, s) else INVALID_ACK[CLOSE_WAIT] | E_ACK


@helper
def ack_in_closing(t, slot, i, s, again):
    if distance(s.seq, t.sides[i]["next_seq"]) != 0:
        return ACK_WRONG[CLOSING]
    if not sound_ack(t, slot, i ^ 1, s):
        return INVALID_ACK[CLOSING] | E_ACK
    if not again:
        t.sessions[slot]["state"] = TIME_WAIT
    return I64(0)


@helper
def ack_at_the_end(t, slot, i, s, again):
    """In LAST_ACK and TIME_WAIT: what closes the connection is at the next number, or behind the FIN."""
    session, own = t.sessions[slot], t.sides[i]
    state = I64(session["state"])
    ahead = distance(s.seq, own["next_seq"]) + (i & 1)
    if not sound_ack(t, slot, i ^ 1, s):
        return INVALID_ACK[state] | E_ACK
    if again or (ahead < 0 and state == LAST_ACK):
        return I64(0)
    if ahead != 0 and ahead != 1:
        return ACK_WRONG[state]
    session["state"] = CLOSED
    return I64(0)


@helper
def in_shutdown(t, slot, i, s):
    session, own = t.sessions[slot], t.sides[i]
    state = I64(session["state"])
    at_the_end = state == LAST_ACK or state == TIME_WAIT
    if s.flags & FIN and state != CLOSING:
        return I64(0) if at_the_end else further_fin(t, slot, i, s)
    if s.flags & SYN:
        return I64(E_SHUT_SYN)
    if not s.flags & ACK or (state == LAST_ACK and i & 1):
        return I64(0)
    again = sent_again(own, s)
    event = I64(E_AGAIN) if again else I64(0)
    if state == FIN_WAIT1:
        wrong = ack_in_wait1(t, slot, i, s, again)
    elif state == CLOSE_WAIT:
        wrong = ack_in_close_wait(t, slot, i, s)
    elif state == CLOSING:
        wrong = ack_in_closing(t, slot, i, s, again)
    elif at_the_end:
        wrong = ack_at_the_end(t, slot, i, s, again)
    elif not sound_ack(t, slot, i ^ 1, s):
        wrong = INVALID_ACK[FIN_WAIT2] | E_ACK
    else:
        wrong = I64(0) if again or in_window(t, slot, i, s) else ACK_WRONG[FIN_WAIT2]
    if wrong:
        return event | wrong
    if distance(s.seq, own["next_seq"]) == 0:
        own["next_seq"] = plus(s.seq, s.size)
    catch_up(t.sides[i ^ 1], s)
    take_ack(t, i, s)
    return event
