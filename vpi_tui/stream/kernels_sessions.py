"""The state of a TCP connection, and which segments do not belong there.

States and events are those of Suricata's stream engine; sources: RFC 9293 (states), 7323 (timestamps and
window scales). A segment that is judged wrong changes nothing. Sides: `i` sent the segment, `i ^ 1` takes
it; even numbers are clients.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import FirstSeen
from vpi_tui.model.jit import helper, kernel
from vpi_tui.model.stream_events import StreamEvent
from vpi_tui.stream.kernels_segments import distance

I64 = np.int64
TCP, FIN, SYN, RST, ACK = 6, 1, 2, 4, 16
OF_FLOW = int(FirstSeen.OF_FLOW)
MIDSTREAM_SCALE = 14
MOST_SYNACKS = 5
MOST_SCALE = 14

(
    NONE, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSING, CLOSE_WAIT, LAST_ACK, TIME_WAIT,
    CLOSED,
) = range(11)  # fmt: skip
MIDSTREAM, FOUR_WAY, ASYNCHRONOUS, TIMESTAMPS, CONFIRMED, FAST_OPEN = (1 << k for k in range(6))
O_SCALE, O_TIMES, O_FAST_OPEN, O_EXPERIMENT_1, O_EXPERIMENT_2 = 3, 8, 34, 253, 254
FAST_OPEN_MAGIC = 0xF989
SENT_TS, GOT_RST = 1, 2

E_ = {event.name: 1 << int(event) for event in StreamEvent}
E_ACK_DIR = E_["WHS3_ACK_IN_WRONG_DIR"]
E_ASYNC_SEQ = E_["WHS3_ASYNC_WRONG_SEQ"]
E_EVASION = E_["WHS3_RIGHT_SEQ_WRONG_ACK_EVASION"]
E_SYNACK_DIR = E_["WHS3_SYNACK_IN_WRONG_DIRECTION"]
E_SYNACK_ACK = E_["WHS3_SYNACK_RESEND_WITH_DIFFERENT_ACK"]
E_SYNACK_SEQ = E_["WHS3_SYNACK_RESEND_WITH_DIFF_SEQ"]
E_SYNACK_SERVER = E_["WHS3_SYNACK_TOSERVER_ON_SYN_RECV"]
E_SYNACK_WRONG = E_["WHS3_SYNACK_WITH_WRONG_ACK"]
E_FLOOD = E_["WHS3_SYNACK_FLOOD"]
E_SYN_SEQ = E_["WHS3_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV"]
E_SYN_CLIENT = E_["WHS3_SYN_TOCLIENT_ON_SYN_RECV"]
E_BOTH_WRONG = E_["WHS3_WRONG_SEQ_WRONG_ACK"]
E_4_ACK = E_["WHS4_SYNACK_WITH_WRONG_ACK"]
E_4_SYN = E_["WHS4_SYNACK_WITH_WRONG_SYN"]
E_4_SEQ = E_["WHS4_WRONG_SEQ"]
E_4_INVALID = E_["WHS4_INVALID_ACK"]
E_OUT = E_["EST_PACKET_OUT_OF_WINDOW"]
E_BEFORE = E_["EST_PKT_BEFORE_LAST_ACK"]
E_EST_ACK = E_["EST_INVALID_ACK"]
E_EST_SA = E_["EST_SYNACK_RESEND"]
E_EST_SA_ACK = E_["EST_SYNACK_RESEND_WITH_DIFFERENT_ACK"]
E_EST_SA_SEQ = E_["EST_SYNACK_RESEND_WITH_DIFF_SEQ"]
E_EST_SA_SERVER = E_["EST_SYNACK_TOSERVER"]
E_EST_SYN = E_["EST_SYN_RESEND"]
E_EST_SYN_SEQ = E_["EST_SYN_RESEND_DIFF_SEQ"]
E_EST_SYN_CLIENT = E_["EST_SYN_TOCLIENT"]
E_FIN_ACK = E_["FIN_INVALID_ACK"]
E_FIN_OUT = E_["FIN_OUT_OF_WINDOW"]
E_FIN_NONE = E_["FIN_BUT_NO_SESSION"]
E_FIN_SYN = E_["FIN_SYN"]
E_RST_NONE = E_["RST_BUT_NO_SESSION"]
E_RST_ACK = E_["RST_INVALID_ACK"]
E_SHUT_SYN = E_["SHUTDOWN_SYN_RESEND"]
E_TS = E_["PKT_INVALID_TIMESTAMP"]
E_ACK = E_["PKT_INVALID_ACK"]
E_BROKEN = E_["PKT_BROKEN_ACK"]
E_AGAIN = E_["PKT_RETRANSMISSION"]
E_INJECT = E_["SUSPECTED_RST_INJECT"]
E_SPURIOUS = E_["PKT_SPURIOUS_RETRANSMISSION"]
E_IGNORED = E_["WHS3_SYNACK_TFO_DATA_IGNORED"]
E_WINDOW = E_["PKT_BAD_WINDOW_UPDATE"]
E_CW_OUT = E_["CLOSEWAIT_ACK_OUT_OF_WINDOW"]
E_CW_BEFORE = E_["CLOSEWAIT_PKT_BEFORE_LAST_ACK"]

INVALID_ACK = np.zeros(11, np.int64)
"""State -> event of an acknowledgement that cannot be; the same for the next two tables."""
FIN_WRONG = np.zeros(11, np.int64)
ACK_WRONG = np.zeros(11, np.int64)
for _state, _name in (
    (FIN_WAIT1, "FIN1"), (FIN_WAIT2, "FIN2"), (CLOSING, "CLOSING"), (CLOSE_WAIT, "CLOSEWAIT"),
    (LAST_ACK, "LASTACK"), (TIME_WAIT, "TIMEWAIT"),
):  # fmt: skip
    INVALID_ACK[_state] = E_[f"{_name}_INVALID_ACK"]
    ACK_WRONG[_state] = E_.get(f"{_name}_ACK_WRONG_SEQ", 0)
    FIN_WRONG[_state] = E_.get(f"{_name}_FIN_WRONG_SEQ", 0)
FIN_WRONG[CLOSE_WAIT] = E_["CLOSEWAIT_FIN_OUT_OF_WINDOW"]


class Segment(NamedTuple):
    """One segment, all int64."""

    flags: np.int64
    seq: np.int64
    ack: np.int64
    window: np.int64
    """As announced, before it is scaled."""
    size: np.int64
    """Bytes of payload."""
    scale: np.int64
    """-1 = the segment has no such option."""
    stamped: np.int64
    """1 = it has timestamps: `value` and the `echo` of the peer's."""
    value: np.int64
    echo: np.int64
    fast_open: np.int64
    """1 = it asks for, or brings, a cookie of TCP Fast Open (RFC 7413)."""


@helper
def plus(seq, count):
    return (I64(seq) + count) & 0xFFFFFFFF


@helper
def options_of(buf, at, stop):
    """(window scale or -1, 1 = has timestamps, value, echo, 1 = Fast Open) of the options in buf[at:stop]."""
    scale, stamped, value, echo, fast_open = I64(-1), I64(0), I64(0), I64(0), I64(0)
    while at + 1 < stop:
        kind = buf[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        size = I64(buf[at + 1])
        if size < 2 or at + size > stop:
            break
        if kind == O_SCALE and size == 3:
            scale = min(I64(buf[at + 2]), I64(MOST_SCALE))
        elif kind == O_FAST_OPEN:
            fast_open = I64(1)
        elif (kind == O_EXPERIMENT_1 or kind == O_EXPERIMENT_2) and size >= 4:
            if I64(buf[at + 2]) << 8 | I64(buf[at + 3]) == FAST_OPEN_MAGIC:
                fast_open = I64(1)
        elif kind == O_TIMES and size == 10:
            stamped = I64(1)
            for k in range(4):
                value = value << 8 | I64(buf[at + 2 + k])
                echo = echo << 8 | I64(buf[at + 6 + k])
        at += size
    return scale, stamped, value, echo, fast_open


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
