"""Transport headers, from the first byte after the IP headers.

Sources: RFC 9293 (TCP), 2385, 5925, 7413 (its options), 768 (UDP), 9260 (SCTP); ICMP is in kernels_icmp.py.
A header function returns (payload position, -1 = malformed; payload end on the wire; events).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.decode.kernels_bytes import I64, U64, be8, be16, be32, fold16, word_sum
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.jit import helper, inlined

IPPROTO_ICMP = 1
IPPROTO_TCP = 6
IPPROTO_UDP = 17
IPPROTO_ESP = 50
IPPROTO_ICMPV6 = 58
IPPROTO_SCTP = 132

EV_TCP_SMALL = 1 << DecoderEvent.TCP_PKT_TOO_SMALL
EV_TCP_HLEN = 1 << DecoderEvent.TCP_HLEN_TOO_SMALL
EV_TCP_OPTIONS = 1 << DecoderEvent.TCP_INVALID_OPTLEN
EV_TCP_OPT = 1 << DecoderEvent.TCP_OPT_INVALID_LEN
EV_TCP_TWICE = 1 << DecoderEvent.TCP_OPT_DUPLICATE
EV_TCP_SUM = 1 << DecoderEvent.TCP_CSUM_INVALID
EV_UDP_NO_HEADER = 1 << DecoderEvent.UDP_HLEN_TOO_SMALL
EV_UDP_SMALL = 1 << DecoderEvent.UDP_PKT_TOO_SMALL
EV_UDP_HLEN = 1 << DecoderEvent.UDP_HLEN_INVALID
EV_UDP_SUM = 1 << DecoderEvent.UDP_CSUM_INVALID
EV_ICMP4_SUM = 1 << DecoderEvent.ICMPV4_CSUM_INVALID
EV_ICMP6_SUM = 1 << DecoderEvent.ICMPV6_CSUM_INVALID
EV_ESP_SMALL = 1 << DecoderEvent.ESP_PKT_TOO_SMALL
EV_SCTP_SMALL = 1 << DecoderEvent.SCTP_PKT_TOO_SMALL

VXLAN_PORT = 4789
GENEVE_PORT = 6081

OPT_MSS, OPT_SCALE, OPT_SACK_OK, OPT_SACK, OPT_TIMESTAMP = 2, 3, 4, 5, 8
OPT_DIGEST, OPT_AUTHENTICATION, OPT_FAST_OPEN, OPT_EXPERIMENT_1, OPT_EXPERIMENT_2 = 19, 29, 34, 253, 254
FAST_OPEN_MAGIC = 0xF989
OPT_ONCE = 1 << OPT_MSS | 1 << OPT_SCALE | 1 << OPT_SACK_OK | 1 << OPT_SACK | 1 << OPT_TIMESTAMP
OPT_SIZE = np.zeros(16, np.int64)
"""Length of the TCP options of one length; 0 = of any."""
OPT_SIZE[[OPT_MSS, OPT_SCALE, OPT_SACK_OK, OPT_TIMESTAMP]] = 4, 3, 2, 10

SYN = 2
NOP_NOP_TIMESTAMP = 0x0101080A


@helper
def sound_option(kind, size):
    """Has a TCP option up to kind 8 the length that it must have?"""
    if kind == OPT_SACK:
        return size == 2 or (10 <= size <= 34 and (size - 2) & 7 == 0)
    wanted = OPT_SIZE[kind]
    return wanted == 0 or size == wanted


@helper
def is_fast_open(buf, at, kind):
    """Also as it was tried out, under a number for experiments."""
    experiment = kind == OPT_EXPERIMENT_1 or kind == OPT_EXPERIMENT_2
    return kind == OPT_FAST_OPEN or (experiment and be16(buf, at + 2) == FAST_OPEN_MAGIC)


@helper
def sound_rare_option(kind, size):
    """`sound_option` for kinds above 8."""
    if kind == OPT_FAST_OPEN:
        return size == 2 or (6 <= size <= 18 and size & 1 == 0)
    if kind == OPT_EXPERIMENT_1 or kind == OPT_EXPERIMENT_2:
        return size == 4 or size == 12
    if kind == OPT_DIGEST:
        return size == 18
    return kind != OPT_AUTHENTICATION or size >= 4


@helper
def tcp_options(buf, at, stop):
    """(MSS or 0, events) of the options in buf[at:stop]."""
    mss = I64(0)
    seen = I64(0)
    events = I64(0)
    while at < stop:
        kind = be8(buf, at)
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if at + 1 == stop:
            break
        size = be8(buf, at + 1)
        if size < 2 or at + size > stop:
            return mss, events | EV_TCP_OPT
        if kind > OPT_TIMESTAMP:
            if not sound_rare_option(kind, size):
                events |= EV_TCP_OPT
            elif is_fast_open(buf, at, kind):
                events |= EV_TCP_TWICE if seen >> OPT_FAST_OPEN & 1 else 0
                seen |= 1 << OPT_FAST_OPEN
        elif not sound_option(kind, size):
            events |= EV_TCP_OPT
        else:
            if seen >> kind & 1 and OPT_ONCE >> kind & 1:
                events |= EV_TCP_TWICE
            elif kind == OPT_MSS:
                mss = be16(buf, at + 2)
            if size > 2 or kind != OPT_SACK:  # empty ones are common, and say nothing
                seen |= 1 << kind
        at += size
    return mss, events


@inlined
def tcp_header(buf, at, end, stop, d, r):
    if end - at < 20:
        return I64(-1), stop, I64(EV_TCP_SMALL)
    word = be16(buf, at + 12)
    header = (word >> 12) << 2
    if at + header > end:
        return I64(-1), stop, I64(EV_TCP_HLEN)
    if header < 20:
        return I64(-1), stop, I64(EV_TCP_OPTIONS)
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
        if mss:
            d.tcp_mss[r] = mss
    return at + header, stop, events


@inlined
def udp_header(buf, at, end, stop, d, r, zero_is_rest):
    if end - at < 8:
        return I64(-1), stop, I64(EV_UDP_NO_HEADER)
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
        tunnelled = be16(buf, at + 2) == VXLAN_PORT or be16(buf, at + 2) == GENEVE_PORT
        if be16(buf, at + 6) == 0 and (version == 4 or tunnelled):
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
