"""IP headers: IPv4 with options, IPv6 with extension headers, ARP.

Sources: RFC 791, RFC 8200, RFC 4302 (AH), RFC 826. `end` is the end of what was captured,
`wire_end` of what was on the wire; they differ when a capture was cut short.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.decode.ipopts import BITS_BY_NUMBER
from vpi_tui.decode.kernels_bytes import I64, U64, be8, be16, be32, be64, word_sum
from vpi_tui.model.batch import DecoderEvent, Fragment
from vpi_tui.model.jit import helper, inlined

MAPPED_V4 = U64(0xFFFF_0000_0000)
MAX_EXTENSIONS = 8
NO_FRAGMENT = int(Fragment.NONE)
FIRST_FRAGMENT = int(Fragment.FIRST)
LATER_FRAGMENT = int(Fragment.LATER)

EV_ARP_SMALL = 1 << DecoderEvent.ARP_PKT_TOO_SMALL
EV_V4_SMALL = 1 << DecoderEvent.IPV4_PKT_TOO_SMALL
EV_V4_HLEN = 1 << DecoderEvent.IPV4_HLEN_TOO_SMALL
EV_V4_IPLEN = 1 << DecoderEvent.IPV4_IPLEN_SMALLER_THAN_HLEN
EV_V4_TRUNC = 1 << DecoderEvent.IPV4_TRUNC_PKT
EV_V4_OPT = 1 << DecoderEvent.IPV4_OPT_INVALID
EV_V4_VERSION = 1 << DecoderEvent.IPV4_WRONG_IP_VER
EV_V4_SUM = 1 << DecoderEvent.IPV4_CSUM_INVALID
EV_V6_SMALL = 1 << DecoderEvent.IPV6_PKT_TOO_SMALL
EV_V6_TRUNC = 1 << DecoderEvent.IPV6_TRUNC_PKT
EV_V6_EXT = 1 << DecoderEvent.IPV6_TRUNC_EXTHDR
EV_V6_MANY = 1 << DecoderEvent.IPV6_EXTHDR_TOO_MANY
EV_V6_VERSION = 1 << DecoderEvent.IPV6_WRONG_IP_VER
EV_V6_TWICE = 1 << DecoderEvent.IPV6_EXTHDR_DUPL_FH
EV_V6_USELESS = 1 << DecoderEvent.IPV6_EXTHDR_USELESS_FH

OPTION_BITS = np.array(BITS_BY_NUMBER, np.int64)

HOP_BY_HOP = 0
ROUTING = 43
FRAGMENT = 44
AUTHENTICATION = 51
DESTINATION = 60
NO_NEXT_HEADER = 59
MOBILITY = 135


@helper
def ipv4_options(buf, at, end):
    """(bits of the options seen, event): a length below 2 or past the header ends the walk."""
    bits = I64(0)
    while at < end:
        kind = be8(buf, at)
        bits |= OPTION_BITS[kind]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        size = be8(buf, at + 1) if at + 1 < end else I64(0)
        if size < 2 or at + size > end:
            return bits, I64(EV_V4_OPT)
        at += size
    return bits, I64(0)


@helper
def ipv4_bounds(buf, at, end, wire_end, zero_is_rest):
    """(header length, end of the datagram on the wire, event); any event but 0 means stop."""
    if end - at < 20:
        return I64(0), I64(0), I64(EV_V4_SMALL)
    first = be8(buf, at)
    header = (first & 15) << 2
    if first >> 4 != 4:
        return header, I64(0), I64(EV_V4_VERSION)
    if header < 20:
        return header, I64(0), I64(EV_V4_HLEN)
    if at + header > end:
        return header, I64(0), I64(EV_V4_SMALL)
    total = be16(buf, at + 2)
    if total == 0 and zero_is_rest:
        return header, wire_end, I64(0)
    if total < header:
        return header, I64(0), I64(EV_V4_IPLEN)
    return header, at + total, I64(0)


@inlined
def ipv4_header(buf, at, end, wire_end, d, r, verify, zero_is_rest):
    """Fill row r. Returns (first byte after the header, -1 = stop; datagram end on the wire;
    protocol; fragment; events)."""
    header, stop, events = ipv4_bounds(buf, at, end, wire_end, zero_is_rest)
    if events:
        return I64(-1), stop, I64(0), I64(0), events
    d.ip_v[r] = 4
    d.ip_off[r] = at
    d.ip_len[r] = min(stop, end) - at
    d.src_ip[r, 0] = 0
    d.src_ip[r, 1] = MAPPED_V4 | U64(be32(buf, at + 12))
    d.dest_ip[r, 0] = 0
    d.dest_ip[r, 1] = MAPPED_V4 | U64(be32(buf, at + 16))
    d.tos[r] = be8(buf, at + 1)
    d.ttl[r] = be8(buf, at + 8)
    d.ip_id[r] = be16(buf, at + 4)
    proto = be8(buf, at + 9)
    d.proto[r] = proto
    word = be16(buf, at + 6)
    d.frag_bits[r] = word >> 13
    offset = word & 0x1FFF
    fragment = I64(NO_FRAGMENT)
    if offset != 0 or word & 0x2000:
        fragment = I64(LATER_FRAGMENT) if offset != 0 else I64(FIRST_FRAGMENT)
        d.frag_offset[r] = offset
        d.fragment[r] = fragment
    if header > 20:
        bits, event = ipv4_options(buf, at + 20, at + header)
        d.ip_opts[r] = bits
        events |= event
    if verify and word_sum(buf, at, header) != U64(0xFFFF):
        events |= EV_V4_SUM
    if stop > wire_end:
        return I64(-1), stop, proto, fragment, events | EV_V4_TRUNC
    return at + header, stop, proto, fragment, events


@helper
def is_extension(proto):
    return (
        proto == HOP_BY_HOP
        or proto == ROUTING
        or proto == FRAGMENT
        or proto == AUTHENTICATION
        or proto == DESTINATION
        or proto == MOBILITY
    )


@helper
def ipv6_extensions(buf, at, stop, proto):
    """Walk the extension headers of buf[at:stop].

    Returns (position or -1, protocol, fragment header position or -1, 1 = a routing header with
    segments left, events). The header of a fragment ends the walk: what follows is data.
    """
    fragment_at = I64(-1)
    routed = I64(0)
    events = I64(0)
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
        if proto == FRAGMENT:
            size = I64(8)
            events |= EV_V6_TWICE if fragment_at >= 0 else 0
            events |= 0 if be16(buf, at + 2) & 0xFFF9 else EV_V6_USELESS
            fragment_at = at
        elif proto == AUTHENTICATION:
            size = (be8(buf, at + 1) + 2) << 2
        elif proto == ROUTING and be8(buf, at + 3) != 0:
            routed = I64(1)
        if at + size > stop:
            return I64(-1), proto, fragment_at, routed, events | EV_V6_EXT
        part = proto == FRAGMENT and be16(buf, at + 2) & 0xFFF9 != 0
        proto = following
        at += size
        if part:
            return at, proto, fragment_at, routed, events
    return I64(-1), proto, fragment_at, routed, events | EV_V6_MANY


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
    if size == 0 and (zero_is_rest or proto == HOP_BY_HOP):  # a jumbogram, or offload
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
        after, proto, fragment_at, routed, events = ipv6_extensions(buf, after, min(stop, end), proto)
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
    return after, stop, proto, fragment, routed, events


@helper
def arp_header(buf, at, end, d, r):
    """Ethernet / IPv4 ARP: sender and target into src_ip and dest_ip. Returns the event."""
    if end - at < 8:
        return I64(EV_ARP_SMALL)
    known = be64(buf, at) >> U64(16) == U64(0x0001_0800_0604)
    size = I64(28) if known else 8 + 2 * (be8(buf, at + 4) + be8(buf, at + 5))
    if at + size > end:
        return I64(EV_ARP_SMALL)
    d.ip_off[r] = at
    d.ip_len[r] = size
    d.payload_off[r] = at
    d.payload_len[r] = size
    if known:
        d.src_ip[r, 1] = MAPPED_V4 | U64(be32(buf, at + 14))
        d.dest_ip[r, 1] = MAPPED_V4 | U64(be32(buf, at + 24))
    return I64(0)
