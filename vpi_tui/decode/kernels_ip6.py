"""The IPv6 header and its extension headers.

Sources: RFC 8200, RFC 4302 (AH), 5095 (routing headers of type 0), 2711, 2675, 6275 (options). `end` is the
end of what was captured, `wire_end` of what was on the wire.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, be8, be16, be32, be64, note
from vpi_tui.decode.kernels_ip import FIRST_FRAGMENT, LATER_FRAGMENT, NO_FRAGMENT
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.jit import helper, inlined

MAX_EXTENSIONS = 256
"""Beyond what fits in a packet of ordinary size, so that nobody hides behind many."""

EV_V6_SMALL = 1 << DecoderEvent.IPV6_PKT_TOO_SMALL
EV_V6_TRUNC = 1 << DecoderEvent.IPV6_TRUNC_PKT
EV_V6_EXT = 1 << DecoderEvent.IPV6_TRUNC_EXTHDR
EV_V6_MANY = 1 << DecoderEvent.IPV6_EXTHDR_TOO_MANY
EV_V6_VERSION = 1 << DecoderEvent.IPV6_WRONG_IP_VER
EV_V6_TWICE = 1 << DecoderEvent.IPV6_EXTHDR_DUPL_FH
EV_V6_USELESS = 1 << DecoderEvent.IPV6_EXTHDR_USELESS_FH
ICMP_4 = int(DecoderEvent.IPV6_ICMPV4)
ROUTING_TWICE = int(DecoderEvent.IPV6_EXTHDR_DUPL_RH)
HOPS_TWICE = int(DecoderEvent.IPV6_EXTHDR_DUPL_HH)
DESTINATION_TWICE = int(DecoderEvent.IPV6_EXTHDR_DUPL_DH)
AUTHENTICATION_TWICE = int(DecoderEvent.IPV6_EXTHDR_DUPL_AH)
OPTION_LENGTH = int(DecoderEvent.IPV6_EXTHDR_INVALID_OPTLEN)
AUTHENTICATION_RESERVED = int(DecoderEvent.IPV6_EXTHDR_AH_RES_NOT_NULL)
HOPS_UNKNOWN = int(DecoderEvent.IPV6_HOPOPTS_UNKNOWN_OPT)
HOPS_PADDING = int(DecoderEvent.IPV6_HOPOPTS_ONLY_PADDING)
DESTINATION_UNKNOWN = int(DecoderEvent.IPV6_DSTOPTS_UNKNOWN_OPT)
DESTINATION_PADDING = int(DecoderEvent.IPV6_DSTOPTS_ONLY_PADDING)
ROUTING_0 = int(DecoderEvent.IPV6_RH_TYPE_0)
EMPTY_PAD = int(DecoderEvent.IPV6_ZERO_LEN_PADN)
FRAGMENT_RESERVED = int(DecoderEvent.IPV6_FH_NON_ZERO_RESERVED_FIELD)
AFTER_NONE = int(DecoderEvent.IPV6_DATA_AFTER_NONE_HEADER)
UNKNOWN_NEXT = int(DecoderEvent.IPV6_UNKNOWN_NEXT_HEADER)

HOP_BY_HOP = 0
ROUTING = 43
FRAGMENT = 44
AUTHENTICATION = 51
DESTINATION = 60
NO_NEXT_HEADER = 59
MOBILITY = 135
HOST_IDENTITY = 139
SHIM6 = 140

IPV6_INSIDE, GRE_INSIDE = 41, 47

PAD_1, PAD_N, ROUTER_ALERT, JUMBO, HOME_ADDRESS = 0, 1, 5, 0xC2, 0xC9

SEEN_HOPS, SEEN_ROUTING, SEEN_AUTHENTICATION, SEEN_DESTINATION, SEEN_DESTINATION_TWICE = 1, 2, 4, 8, 16


@helper
def is_extension(proto):
    return (
        proto == HOP_BY_HOP
        or proto == ROUTING
        or proto == FRAGMENT
        or proto == AUTHENTICATION
        or proto == DESTINATION
        or proto == MOBILITY
        or proto == HOST_IDENTITY
        or proto == SHIM6
    )


@helper
def is_read(proto):
    """TCP, UDP, ICMPv6, SCTP, and the tunnels."""
    return (
        proto == 6
        or proto == 17
        or proto == 58
        or proto == 132
        or proto == 4
        or proto == 41
        or proto == 47
        or proto == 50
    )


@helper
def odd_next_header(proto, left, d, r):
    """Note what is not read on. What is behind extension headers may be no tunnel but IPv4."""
    if proto == 1:
        note(d, r, ICMP_4)
    elif proto == NO_NEXT_HEADER:
        if left > 0:
            note(d, r, AFTER_NONE)
    else:
        note(d, r, UNKNOWN_NEXT)


@helper
def option_least(kind):
    """Least length of the data of a known option; -1 = not known."""
    if kind == ROUTER_ALERT:
        return I64(2)
    if kind == JUMBO:
        return I64(4)
    return I64(16) if kind == HOME_ADDRESS else I64(-1)


@helper
def odd_options(buf, at, stop, proto, d, r):
    """Note what is odd in the options of a hop-by-hop or destination header: buf[at:stop]."""
    padding = False
    others = False
    while at < stop:
        kind = be8(buf, at)
        if kind == PAD_1:
            padding = True
            at += 1
            continue
        if at + 1 >= stop or at + 1 + be8(buf, at + 1) > stop:
            note(d, r, OPTION_LENGTH)
            break
        size = be8(buf, at + 1)
        if kind == PAD_N:
            padding = True
            if size == 0:
                note(d, r, EMPTY_PAD)
        else:
            least = option_least(kind)
            if size < least:
                note(d, r, OPTION_LENGTH)
                break
            if least < 0:
                if proto == HOP_BY_HOP:
                    note(d, r, HOPS_UNKNOWN)
                else:
                    note(d, r, DESTINATION_UNKNOWN)
            others = others or kind != JUMBO
        at += 2 + size
    if padding and not others:
        if proto == HOP_BY_HOP:
            note(d, r, HOPS_PADDING)
        else:
            note(d, r, DESTINATION_PADDING)


@helper
def odd_extension(buf, at, stop, proto, seen, d, r):
    """Note what is odd about one extension header, buf[at:stop]. Returns `seen` with this one."""
    if proto == HOP_BY_HOP:
        if seen & SEEN_HOPS:
            note(d, r, HOPS_TWICE)
        else:
            odd_options(buf, at + 2, stop, proto, d, r)
        return seen | SEEN_HOPS
    if proto == DESTINATION:  # there may be two: before a routing header, and at the end
        if seen & SEEN_DESTINATION_TWICE:
            note(d, r, DESTINATION_TWICE)
        else:
            odd_options(buf, at + 2, stop, proto, d, r)
        return seen | (SEEN_DESTINATION_TWICE if seen & SEEN_DESTINATION else SEEN_DESTINATION)
    if proto == ROUTING:
        if seen & SEEN_ROUTING:
            note(d, r, ROUTING_TWICE)
        elif be8(buf, at + 2) == 0:
            note(d, r, ROUTING_0)
        return seen | SEEN_ROUTING
    if proto == AUTHENTICATION:
        if be16(buf, at + 2) != 0:
            note(d, r, AUTHENTICATION_RESERVED)
        if seen & SEEN_AUTHENTICATION:
            note(d, r, AUTHENTICATION_TWICE)
        return seen | SEEN_AUTHENTICATION
    if proto == FRAGMENT and be8(buf, at + 1) != 0:
        note(d, r, FRAGMENT_RESERVED)
    return seen


@helper
def ipv6_extensions(buf, at, stop, proto, d, r):
    """Walk the extension headers of buf[at:stop].

    Returns (position or -1, protocol, fragment header position or -1, 1 = a routing header with
    segments left, events). The header of a fragment ends the walk: what follows is data.
    """
    fragment_at = I64(-1)
    routed = I64(0)
    events = I64(0)
    seen = I64(0)
    for walked in range(MAX_EXTENSIONS + 1):
        if not is_extension(proto):
            if walked and proto != NO_NEXT_HEADER and at + 2 > stop:
                return I64(-1), proto, fragment_at, routed, events | EV_V6_EXT
            return at, proto, fragment_at, routed, events
        if walked == MAX_EXTENSIONS:
            break
        if at + 8 > stop:
            return I64(-1), proto, fragment_at, routed, events | EV_V6_EXT
        following = be8(buf, at)
        size = (be8(buf, at + 1) + 1) << 3
        part = False
        if proto == FRAGMENT:  # only the first one counts
            size = I64(8)
            if fragment_at >= 0:
                events |= EV_V6_TWICE
            else:
                part = be16(buf, at + 2) & 0xFFF9 != 0
                events |= 0 if part else EV_V6_USELESS
                fragment_at = at
        elif proto == AUTHENTICATION:
            size = max((be8(buf, at + 1) + 2) << 2, I64(12))
        elif proto == ROUTING and be8(buf, at + 3) != 0:
            routed = I64(1)
        if at + size > stop:
            return I64(-1), proto, fragment_at, routed, events | EV_V6_EXT
        seen = odd_extension(buf, at, at + size, proto, seen, d, r)
        proto = following
        at += size
        if part:
            return at, proto, fragment_at, routed, events
    return I64(-1), proto, fragment_at, routed, events | EV_V6_MANY


@helper
def is_jumbogram(buf, at, end, proto):
    """Is its length in the first option of the first header (RFC 2675), as hosts write it?"""
    return proto == HOP_BY_HOP and at + 8 <= end and be8(buf, at + 2) == JUMBO and be8(buf, at + 3) == 4


@inlined
def ipv6_header(buf, at, end, wire_end, d, r, zero_is_rest):
    """Like ipv4_header; the fifth value is 1 when a routing header hides the last destination."""
    if end - at < 40:
        return I64(-1), I64(0), I64(0), I64(0), I64(0), I64(EV_V6_SMALL)
    first = be32(buf, at)
    if first >> 28 != 6:
        return I64(-1), I64(0), I64(0), I64(0), I64(0), I64(EV_V6_VERSION)
    size = be16(buf, at + 4)
    proto = be8(buf, at + 6)
    stop = at + 40 + size
    if size == 0 and (zero_is_rest or is_jumbogram(buf, at + 40, end, proto)):
        stop = wire_end
    d.ip_v[r] = 6
    d.ip_off[r] = at
    d.ip_len[r] = min(stop, end) - at
    d.src_ip[r, 0] = be64(buf, at + 8)
    d.src_ip[r, 1] = be64(buf, at + 16)
    d.dest_ip[r, 0] = be64(buf, at + 24)
    d.dest_ip[r, 1] = be64(buf, at + 32)
    d.tos[r] = (first >> 20) & 0xFF
    d.ttl[r] = be8(buf, at + 7)
    d.proto[r] = proto
    if stop > wire_end:
        return I64(-1), stop, proto, I64(0), I64(0), I64(EV_V6_TRUNC)
    fragment = I64(NO_FRAGMENT)
    routed = I64(0)
    events = I64(0)
    after = at + 40
    if is_extension(proto):
        after, proto, fragment_at, routed, events = ipv6_extensions(buf, after, min(stop, end), proto, d, r)
        d.proto[r] = proto
        if fragment_at >= 0:
            word = be16(buf, fragment_at + 2)
            d.ip_id[r] = be32(buf, fragment_at + 4)
            d.frag_bits[r] = word & 1
            d.frag_offset[r] = word >> 3
            if word >> 3 != 0:
                fragment = I64(LATER_FRAGMENT)
            elif word & 1:
                fragment = I64(FIRST_FRAGMENT)
            d.fragment[r] = fragment
    if after >= 0 and fragment == NO_FRAGMENT:
        behind = after > at + 40 and (proto == IPV6_INSIDE or proto == GRE_INSIDE)
        if behind or not is_read(proto):
            odd_next_header(proto, min(stop, end) - after, d, r)
    return after, stop, proto, fragment, routed, events
