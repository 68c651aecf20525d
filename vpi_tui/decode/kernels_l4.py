"""Transport headers and tunnels, from the first byte after the IP headers.

Sources: RFC 9293 (TCP), 768 (UDP), 792, 4443 (ICMP), 9260 (SCTP), 2784 and 2890 (GRE), 7348
(VXLAN), draft-foschiano-erspan. A header function returns (payload position, -1 = malformed;
payload end on the wire; events).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.decode.kernels_bytes import I64, U64, be8, be16, be32, fold16, word_sum
from vpi_tui.decode.kernels_link import IPV4, IPV6, LINK_ETHERNET, LINK_IPV4, LINK_IPV6
from vpi_tui.model.batch import DecoderEvent, TunnelKind
from vpi_tui.model.icmp import ANSWER_V4, ANSWER_V6
from vpi_tui.model.jit import helper, inlined

IPPROTO_ICMP = 1
IPPROTO_IPIP = 4
IPPROTO_TCP = 6
IPPROTO_UDP = 17
IPPROTO_IPV6 = 41
IPPROTO_GRE = 47
IPPROTO_ICMPV6 = 58
IPPROTO_SCTP = 132

EV_TCP_SMALL = 1 << DecoderEvent.TCP_PKT_TOO_SMALL
EV_TCP_HLEN = 1 << DecoderEvent.TCP_HLEN_TOO_SMALL
EV_TCP_OPT = 1 << DecoderEvent.TCP_INVALID_OPTLEN
EV_TCP_SUM = 1 << DecoderEvent.TCP_CSUM_INVALID
EV_UDP_SMALL = 1 << DecoderEvent.UDP_PKT_TOO_SMALL
EV_UDP_HLEN = 1 << DecoderEvent.UDP_HLEN_INVALID
EV_UDP_SUM = 1 << DecoderEvent.UDP_CSUM_INVALID
EV_ICMP4_SMALL = 1 << DecoderEvent.ICMPV4_PKT_TOO_SMALL
EV_ICMP4_SUM = 1 << DecoderEvent.ICMPV4_CSUM_INVALID
EV_ICMP6_SMALL = 1 << DecoderEvent.ICMPV6_PKT_TOO_SMALL
EV_ICMP6_SUM = 1 << DecoderEvent.ICMPV6_CSUM_INVALID
EV_SCTP_SMALL = 1 << DecoderEvent.SCTP_PKT_TOO_SMALL
EV_GRE_SMALL = 1 << DecoderEvent.GRE_PKT_TOO_SMALL
EV_GRE_INVALID = 1 << DecoderEvent.GRE_INVALID
EV_VXLAN = 1 << DecoderEvent.VXLAN_HEADER_INVALID

TUNNEL_GRE = int(TunnelKind.GRE) << 24
TUNNEL_VXLAN = int(TunnelKind.VXLAN) << 24
TUNNEL_IP = int(TunnelKind.IP_IN_IP) << 24
VXLAN_PORT = 4789

ANSWER4 = np.array(ANSWER_V4, np.int16)
ANSWER6 = np.array(ANSWER_V6, np.int16)

SYN = 2
NOP_NOP_TIMESTAMP = 0x0101080A


@helper
def tcp_options(buf, at, stop):
    """(MSS or 0, event) of the options in buf[at:stop]."""
    mss = I64(0)
    while at < stop:
        kind = be8(buf, at)
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        size = be8(buf, at + 1) if at + 1 < stop else I64(0)
        if size < 2 or at + size > stop:
            return mss, I64(EV_TCP_OPT)
        if kind == 2 and size == 4:
            mss = be16(buf, at + 2)
        at += size
    return mss, I64(0)


@inlined
def tcp_header(buf, at, end, stop, d, r):
    if end - at < 20:
        return I64(-1), stop, I64(EV_TCP_SMALL)
    word = be16(buf, at + 12)
    header = (word >> 12) << 2
    if header < 20 or at + header > end:
        return I64(-1), stop, I64(EV_TCP_HLEN)
    flags = word & 0x1FF
    d.src_port[r] = be16(buf, at)
    d.dest_port[r] = be16(buf, at + 2)
    d.tcp_flags[r] = flags
    d.tcp_seq[r] = be32(buf, at + 4)
    d.tcp_ack[r] = be32(buf, at + 8)
    d.tcp_window[r] = be16(buf, at + 14)
    events = I64(0)
    if header > 20 and not (header == 32 and be32(buf, at + 20) == NOP_NOP_TIMESTAMP):
        mss, events = tcp_options(buf, at + 20, at + header)
        if flags & SYN:
            d.tcp_mss[r] = mss
    return at + header, stop, events


@inlined
def udp_header(buf, at, end, stop, d, r, whole, zero_is_rest):
    """whole: False for a first fragment, whose length field covers what is not here."""
    if end - at < 8:
        return I64(-1), stop, I64(EV_UDP_SMALL)
    size = be16(buf, at + 4)
    if size == 0 and zero_is_rest:
        size = stop - at
    if size < 8:
        return I64(-1), stop, I64(EV_UDP_HLEN)
    if whole:
        if at + size > stop:
            return I64(-1), stop, I64(EV_UDP_SMALL)
        stop = at + size
    d.src_port[r] = be16(buf, at)
    d.dest_port[r] = be16(buf, at + 2)
    return at + 8, stop, I64(0)


@helper
def icmp_answer(kind, version):
    answer = ANSWER4[kind] if version == 4 else ANSWER6[kind]
    return I64(answer)


@inlined
def icmp_header(buf, at, end, stop, d, r, version):
    if end - at < 8:
        return I64(-1), stop, I64(EV_ICMP4_SMALL) if version == 4 else I64(EV_ICMP6_SMALL)
    kind = be8(buf, at)
    code = be8(buf, at + 1)
    answer = icmp_answer(kind, version)
    d.icmp_type[r] = kind
    d.icmp_code[r] = code
    d.src_port[r] = kind
    d.dest_port[r] = answer if answer >= 0 else code
    if answer >= 0 and (kind == 128 or kind == 129 if version == 6 else kind != 9 and kind != 10):
        d.icmp_id[r] = be16(buf, at + 4)
        d.icmp_seq[r] = be16(buf, at + 6)
    return at + 8, stop, I64(0)


@helper
def pseudo_sum(source_high, source_low, dest_high, dest_low, version, proto, size):
    """Sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1); the v4-mapped prefix is left out."""
    low32 = U64(0xFFFFFFFF)
    total = (source_low & low32) + (dest_low & low32) + U64(proto) + U64(size)
    if version == 6:
        total += (source_high & low32) + (dest_high & low32)
        total += (source_high >> U64(32)) + (dest_high >> U64(32))
        total += (source_low >> U64(32)) + (dest_low >> U64(32))
    return total


@helper
def transport_sum_event(buf, at, stop, src_high, src_low, dest_high, dest_low, version, proto, udp_stop):
    """The event of a wrong TCP, UDP, ICMP or ICMPv6 checksum, or 0.

    A UDP checksum of 0 says "none": with IPv4 (RFC 768), and with IPv6 for tunnels (RFC 6935).
    """
    if proto == IPPROTO_UDP:
        stop = udp_stop
        if be16(buf, at + 6) == 0 and (version == 4 or be16(buf, at + 2) == VXLAN_PORT):
            return I64(0)
    size = stop - at
    total = word_sum(buf, at, size)
    if proto != IPPROTO_ICMP:
        total += pseudo_sum(src_high, src_low, dest_high, dest_low, version, proto, size)
    if fold16(total) == U64(0xFFFF):
        return I64(0)
    if proto == IPPROTO_TCP:
        return I64(EV_TCP_SUM)
    if proto == IPPROTO_UDP:
        return I64(EV_UDP_SUM)
    return I64(EV_ICMP4_SUM) if proto == IPPROTO_ICMP else I64(EV_ICMP6_SUM)


@helper
def gre_header(buf, at, end):
    """(payload position or -1, ethertype inside or 0, tunnel, event). Version 0; 1 (PPTP) is not
    opened; source routes are refused (RFC 2784 2.2)."""
    if end - at < 4:
        return I64(-1), I64(0), I64(0), I64(EV_GRE_SMALL)
    flags = be16(buf, at)
    kind = be16(buf, at + 2)
    if flags & 7 == 1:
        return at + 4, I64(0), I64(0), I64(0)
    if flags & 7 != 0 or flags & 0x4000:
        return I64(-1), I64(0), I64(0), I64(EV_GRE_INVALID)
    key_at = at + 4 + (4 if flags & 0x8000 else 0)
    after = key_at + (4 if flags & 0x2000 else 0) + (4 if flags & 0x1000 else 0)
    if kind == 0x88BE and flags & 0x1000:  # ERSPAN type II: 8 bytes before the frame
        after += 8
    elif kind == 0x22EB:  # ERSPAN type III: 12 bytes, and 8 more when its O bit is set
        after += 12
        if after <= end and be8(buf, after - 1) & 1:
            after += 8
    if after > end:
        return I64(-1), I64(0), I64(0), I64(EV_GRE_SMALL)
    key = be32(buf, key_at) & 0xFFFFFF if flags & 0x2000 else I64(0)
    return after, kind, I64(TUNNEL_GRE) | key, I64(0)


@helper
def gre_link(kind):
    """The link type of what a GRE packet with this protocol type carries; -1 = not opened."""
    if kind == IPV4:
        return I64(LINK_IPV4)
    if kind == IPV6:
        return I64(LINK_IPV6)
    if kind == 0x6558 or kind == 0x88BE or kind == 0x22EB:
        return I64(LINK_ETHERNET)
    return I64(-1)


@helper
def tunnel_inside(buf, at, payload, end, proto, dest_port):
    """What a tunnel carries: (link type or -1, position, TunnelKind << 24 | id, event)."""
    if proto == IPPROTO_UDP:
        if dest_port != VXLAN_PORT:
            return I64(-1), payload, I64(0), I64(0)
        if end - payload < 8 or be8(buf, payload) & 0x08 == 0:
            return I64(-1), payload, I64(0), I64(EV_VXLAN)
        return I64(LINK_ETHERNET), payload + 8, I64(TUNNEL_VXLAN) | (be32(buf, payload + 4) >> 8), I64(0)
    if proto == IPPROTO_GRE:
        after, kind, tunnel, event = gre_header(buf, at, end)
        return gre_link(kind) if after >= 0 else I64(-1), after, tunnel, event
    if proto == IPPROTO_IPIP:
        return I64(LINK_IPV4), payload, I64(TUNNEL_IP), I64(0)
    if proto == IPPROTO_IPV6:
        return I64(LINK_IPV6), payload, I64(TUNNEL_IP), I64(0)
    return I64(-1), payload, I64(0), I64(0)
