"""The IPv4 header, and ARP. IPv4 options are in kernels_ip4_options.py, IPv6 in kernels_ip6.py.

Sources: RFC 791, RFC 826. `end` is the end of what was captured,
`wire_end` of what was on the wire; they differ when a capture was cut short.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, U64, be8, be16, be32, be64, note, word_sum
from vpi_tui.decode.kernels_ip4_options import ipv4_options
from vpi_tui.model.batch import DecoderEvent, Fragment
from vpi_tui.model.jit import helper, inlined

MAPPED_V4 = U64(0xFFFF_0000_0000)
NO_FRAGMENT = int(Fragment.NONE)
FIRST_FRAGMENT = int(Fragment.FIRST)
LATER_FRAGMENT = int(Fragment.LATER)

EV_ARP_SMALL = 1 << DecoderEvent.ARP_PKT_TOO_SMALL
EV_V4_SMALL = 1 << DecoderEvent.IPV4_PKT_TOO_SMALL
EV_V4_HLEN = 1 << DecoderEvent.IPV4_HLEN_TOO_SMALL
EV_V4_IPLEN = 1 << DecoderEvent.IPV4_IPLEN_SMALLER_THAN_HLEN
EV_V4_TRUNC = 1 << DecoderEvent.IPV4_TRUNC_PKT
EV_V4_VERSION = 1 << DecoderEvent.IPV4_WRONG_IP_VER
EV_V4_SUM = 1 << DecoderEvent.IPV4_CSUM_INVALID
ARP_HARDWARE = int(DecoderEvent.ARP_UNSUPPORTED_HARDWARE)
ARP_PROTOCOL = int(DecoderEvent.ARP_UNSUPPORTED_PROTOCOL)
ARP_HARDWARE_SIZE = int(DecoderEvent.ARP_INVALID_HARDWARE_SIZE)
ARP_PROTOCOL_SIZE = int(DecoderEvent.ARP_INVALID_PROTOCOL_SIZE)
ARP_OPERATION = int(DecoderEvent.ARP_UNSUPPORTED_OPCODE)
ARP_SHORT = int(DecoderEvent.ARP_INVALID_PKT)
ARP_SIZE = 28


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
    total = be16(buf, at + 2)
    rest = total == 0 and zero_is_rest
    if total < header and not rest:
        return header, I64(0), I64(EV_V4_IPLEN)
    if at + header > end:
        return header, I64(0), I64(EV_V4_TRUNC)
    return header, wire_end if rest else at + total, I64(0)


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
def odd_arp(buf, at, end, d, r):
    """Note the first thing that is not that of IPv4 over Ethernet."""
    if be16(buf, at) != 1:
        note(d, r, ARP_HARDWARE)
    elif be16(buf, at + 2) != 0x0800:
        note(d, r, ARP_PROTOCOL)
    elif at + ARP_SIZE > end:
        note(d, r, ARP_SHORT)
    elif be8(buf, at + 4) != 6:
        note(d, r, ARP_HARDWARE_SIZE)
    else:
        note(d, r, ARP_PROTOCOL_SIZE)


@helper
def arp_header(buf, at, end, d, r):
    """Ethernet / IPv4 ARP: sender and target into src_ip and dest_ip. Returns the event."""
    if end - at < 8:
        return I64(EV_ARP_SMALL)
    if be64(buf, at) >> U64(16) != U64(0x0001_0800_0604) or at + ARP_SIZE > end:
        odd_arp(buf, at, end, d, r)
        return I64(0)
    d.ip_off[r] = at
    d.ip_len[r] = ARP_SIZE
    d.payload_off[r] = at
    d.payload_len[r] = ARP_SIZE
    d.src_ip[r, 1] = MAPPED_V4 | U64(be32(buf, at + 14))
    d.dest_ip[r, 1] = MAPPED_V4 | U64(be32(buf, at + 24))
    operation = be16(buf, at + 6)
    if operation == 0 or operation > 4:
        note(d, r, ARP_OPERATION)
    return I64(0)
