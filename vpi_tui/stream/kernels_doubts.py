"""Segments that fit into their connection, and that hardly any receiver takes.

Sources: RFC 9293, 3.10.7.4 (an acknowledgement of what was never sent), 5961, 5.2 (one that is too old), 2385
and 5925 (signatures), 7126 (options of IPv4), 8200, 4 (extension headers, and options that say that who does
not know them is to discard the packet). Sides: as in kernels_sessions.py.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.jit import helper
from vpi_tui.model.sequence import distance
from vpi_tui.stream.kernels_session_words import (
    ACK,
    ASYNCHRONOUS,
    CLOSE_WAIT,
    CLOSED,
    ESTABLISHED,
    MIDSTREAM,
    SIGNED,
)
from vpi_tui.stream.kernels_sound import plus

I64 = np.int64
U64 = np.uint64
BROKEN_OPTIONS = U64(
    1 << DecoderEvent.TCP_OPT_INVALID_LEN
    | 1 << DecoderEvent.IPV4_OPT_INVALID_LEN
    | 1 << DecoderEvent.IPV4_OPT_MALFORMED
    | 1 << DecoderEvent.IPV4_OPT_DUPLICATE
)
LOOSE_ROUTE, STRICT_ROUTE = 131, 137
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
MUST_KNOW = 0xC0
"""Bits of an option: who does not know it discards the packet."""


@helper
def note_syn(t, i, d, r, s):
    """What later segments of its sender are compared with.

    Cards tell something where the one answers that the SYN was for.
    """
    own, peer = t.sides[i], t.sides[i ^ 1]
    own["next_mac"] = d.dest_mac[r]
    if s.flags & ACK and peer["next_mac"] != d.src_mac[r]:
        own["next_mac"], peer["next_mac"] = 0, 0
    if s.signed:
        own["flags"] |= SIGNED


@helper
def has_source_route(buf, at, stop):
    """Names an option of IPv4, of those in buf[at:stop], the way? Hosts refuse that."""
    while at < stop and buf[at] != 0:
        kind = buf[at]
        if kind == LOOSE_ROUTE or kind == STRICT_ROUTE:
            return True
        at += 1 if kind == 1 or at + 1 >= stop else max(I64(buf[at + 1]), 2)
    return False


@helper
def has_bad_options(buf, at, stop):
    """Has a header of options, buf[at:stop], broken ones, or some that its receiver must know?"""
    while at < stop:
        kind = I64(buf[at])
        if kind == 0:
            at += 1
            continue
        if kind & MUST_KNOW or at + 1 >= stop or at + 2 + I64(buf[at + 1]) > stop:
            return True
        at += 2 + I64(buf[at + 1])
    return False


@helper
def has_bad_extensions(buf, at, l4):
    """Does a host give up at the extension headers of the IPv6 packet at buf[at]? It reads options, in their
    place, and a routing header that has been followed."""
    kind, here = I64(buf[at + 6]), at + 40
    while here < l4:
        stop = here + ((I64(buf[here + 1]) + 1) << 3)
        if kind == ROUTING:
            bad = buf[here + 3] != 0
        elif kind == DESTINATION or (kind == HOP_BY_HOP and here == at + 40):
            bad = has_bad_options(buf, here + 2, min(stop, l4))
        else:
            bad = kind != FRAGMENT
            stop = here + 8
        if bad:
            return True
        kind, here = I64(buf[here]), stop
    return False


@helper
def is_odd(buf, own, d, r):
    """Goes it to another card than the SYN, or has it options that hosts refuse?"""
    if own["next_mac"] != 0 and d.dest_mac[r] != own["next_mac"]:
        return True
    if d.events[r] & BROKEN_OPTIONS:
        return True
    at, l4 = I64(d.ip_off[r]), I64(d.l4_off[r])
    if d.ip_v[r] == 4:
        return l4 > at + 20 and has_source_route(buf, at + 20, l4)
    return l4 > at + 40 and has_bad_extensions(buf, at, l4)


@helper
def may_be_refused(t, slot, i, s):
    """Is it signed, though its SYN was not, or does it acknowledge less than the SYN?"""
    session, own, peer = t.sessions[slot], t.sides[i], t.sides[i ^ 1]
    if not s.flags & ACK or session["flags"] & (MIDSTREAM | ASYNCHRONOUS):
        return False
    if s.signed and not own["flags"] & SIGNED:
        return True
    first = plus(peer["isn"], 1)
    older = distance(s.ack, first) < 0 and distance(peer["last_ack"], first) >= 0
    return session["state"] >= ESTABLISHED and older


@helper
def acknowledges_unseen(t, slot, i, s):
    """Does it acknowledge what was not seen? To be asked before it is judged.

    A FIN has no number of its own in `next_seq`.
    """
    session, peer = t.sessions[slot], t.sides[i ^ 1]
    if session["state"] < ESTABLISHED or session["state"] == CLOSED or not s.flags & ACK:
        return False
    if session["flags"] & (MIDSTREAM | ASYNCHRONOUS):
        return False
    return distance(s.ack, peer["next_seq"]) > (1 if session["state"] >= CLOSE_WAIT else 0)
