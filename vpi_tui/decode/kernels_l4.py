"""Transport headers, from the first byte after the IP headers.

Sources: RFC 9293 (TCP), 768 (UDP), 792, 4443 (ICMP), 9260 (SCTP). A header function returns (payload
position, -1 = malformed; payload end on the wire; events).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.decode.kernels_bytes import I64, U64, be8, be16, be32, fold16, word_sum
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.icmp import ANSWER_V4, ANSWER_V6
from vpi_tui.model.jit import helper, inlined

IPPROTO_ICMP = 1
IPPROTO_TCP = 6
IPPROTO_UDP = 17
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
def udp_header(buf, at, end, stop, d, r, zero_is_rest):
    if end - at < 8:
        return I64(-1), stop, I64(EV_UDP_SMALL)
    size = be16(buf, at + 4)
    if size == 0 and zero_is_rest:
        size = stop - at
    if size < 8:
        return I64(-1), stop, I64(EV_UDP_HLEN)
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
