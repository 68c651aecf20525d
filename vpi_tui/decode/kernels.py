"""The decode loop: one turn a packet, one inner turn a layer of tunnels."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, U64, be16
from vpi_tui.decode.kernels_ip import (
    NO_FRAGMENT,
    arp_header,
    ipv4_header,
    ipv6_header,
)
from vpi_tui.decode.kernels_l4 import (
    EV_SCTP_SMALL,
    IPPROTO_ICMP,
    IPPROTO_ICMPV6,
    IPPROTO_SCTP,
    IPPROTO_TCP,
    IPPROTO_UDP,
    VXLAN_PORT,
    icmp_header,
    tcp_header,
    transport_sum_event,
    udp_header,
)
from vpi_tui.decode.kernels_link import (
    IPV4,
    IPV6,
    MPLS,
    MPLS_MULTICAST,
    PPPOE_SESSION,
    encapsulated,
    is_vlan,
    link_header,
    vlan_tags,
)
from vpi_tui.decode.kernels_tunnel import (
    IPPROTO_GRE,
    IPPROTO_IPIP,
    IPPROTO_IPV6,
    tunnel_inside,
    tunnel_number,
)
from vpi_tui.model.batch import DecoderEvent, PacketFlag
from vpi_tui.model.jit import helper, inlined, kernel

ARP = 0x0806
FIRST_ETHERTYPE = 0x600
MAX_TUNNELS = 3
MAX_ROWS_A_PACKET = MAX_TUNNELS + 1

CHECKSUM_NOT_READY = int(PacketFlag.CHECKSUM_NOT_READY)
EV_TOO_DEEP = 1 << DecoderEvent.TUNNEL_TOO_DEEP
EV_CHECKSUMS = (
    1 << DecoderEvent.IPV4_CSUM_INVALID
    | 1 << DecoderEvent.TCP_CSUM_INVALID
    | 1 << DecoderEvent.UDP_CSUM_INVALID
    | 1 << DecoderEvent.ICMPV4_CSUM_INVALID
    | 1 << DecoderEvent.ICMPV6_CSUM_INVALID
)
EV_NOT_INVALID = (
    EV_CHECKSUMS
    | EV_TOO_DEEP
    | 1 << DecoderEvent.LINK_UNKNOWN
    | 1 << DecoderEvent.VXLAN_HEADER_INVALID
    | 1 << DecoderEvent.IPV6_EXTHDR_DUPL_FH
    | 1 << DecoderEvent.IPV6_EXTHDR_USELESS_FH
)
"""Events of packets that are odd but not malformed: not counted in decoder.invalid."""

# Places in the array of counts; events follow at C_EVENTS + DecoderEvent.
C_BYTES, C_INVALID, C_IPV4, C_IPV6, C_ARP, C_VLAN, C_VLAN_QINQ, C_VXLAN, C_GRE, C_IPINIP = range(10)
C_TCP, C_UDP, C_ICMPV4, C_ICMPV6, C_SCTP, C_FRAGMENTS, C_LINK, C_EVENTS = range(10, 18)
N_COUNTS = C_EVENTS + 64


@helper
def count_events(counts, events):
    for number in range(64):
        if (events >> number) & 1:
            counts[C_EVENTS + number] += 1


@inlined
def transport(buf, at, end, stop, d, r, version, proto, zero_is_rest, counts):
    """Fill the transport columns of row r. Returns (payload position or -1, end on the wire, events)."""
    if proto == IPPROTO_TCP:
        counts[C_TCP] += 1
        return tcp_header(buf, at, end, stop, d, r)
    if proto == IPPROTO_UDP:
        counts[C_UDP] += 1
        return udp_header(buf, at, end, stop, d, r, zero_is_rest)
    if (proto == IPPROTO_ICMP and version == 4) or (proto == IPPROTO_ICMPV6 and version == 6):
        counts[C_ICMPV4 if version == 4 else C_ICMPV6] += 1
        return icmp_header(buf, at, end, stop, d, r, version)
    if proto == IPPROTO_SCTP:
        counts[C_SCTP] += 1
        if end - at < 12:
            return I64(-1), stop, I64(EV_SCTP_SMALL)
        d.src_port[r] = be16(buf, at)
        d.dest_port[r] = be16(buf, at + 2)
        return at + 12, stop, I64(0)
    return at, stop, I64(0)


@helper
def has_checksum(proto, version):
    if proto == IPPROTO_TCP or proto == IPPROTO_UDP:
        return True
    return proto == IPPROTO_ICMP if version == 4 else proto == IPPROTO_ICMPV6


@helper
def may_be_tunnel(proto, dest_port):
    return (
        proto == IPPROTO_GRE
        or proto == IPPROTO_IPIP
        or proto == IPPROTO_IPV6
        or (proto == IPPROTO_UDP and dest_port == VXLAN_PORT)
    )


@inlined
def open_tunnel(buf, at, payload, end, d, r, proto, depth, counts):
    """Look for a tunnel in row r. Returns (link type inside or -1, position, tunnel, events)."""
    if not may_be_tunnel(proto, d.dest_port[r]):
        return I64(-1), I64(0), I64(0), I64(0)
    link, inner, tunnel, events = tunnel_inside(buf, at, payload, end, proto, I64(d.dest_port[r]))
    if proto == IPPROTO_GRE:
        counts[C_GRE] += 1
        if inner < 0:
            d.payload_off[r] = -1
            d.payload_len[r] = 0
    elif proto == IPPROTO_UDP:
        counts[C_VXLAN] += 1
    else:
        counts[C_IPINIP] += 1
    if link < 0:
        return link, inner, I64(0), events
    if depth == MAX_TUNNELS:
        return I64(-1), inner, I64(0), events | EV_TOO_DEEP
    tunnel = tunnel_number(
        tunnel, I64(d.tunnel[r]), d.src_ip[r, 0], d.src_ip[r, 1], d.dest_ip[r, 0], d.dest_ip[r, 1]
    )
    return link, inner, tunnel, events


@inlined
def datagram(buf, at, end, wire_end, d, r, version, depth, verify, zero_is_rest, counts):
    """An IP datagram into row r.

    Returns what is inside when it is a tunnel: (link type or -1, position, captured end, end on
    the wire, tunnel), and the events of this row.
    """
    routed = I64(0)
    if version == 4:
        counts[C_IPV4] += 1
        l4, stop, proto, fragment, events = ipv4_header(buf, at, end, wire_end, d, r, verify, zero_is_rest)
    else:
        counts[C_IPV6] += 1
        l4, stop, proto, fragment, routed, events = ipv6_header(buf, at, end, wire_end, d, r, zero_is_rest)
    if l4 < 0:
        return I64(-1), at, end, wire_end, I64(0), events
    d.l4_off[r] = l4
    if fragment != NO_FRAGMENT:  # what it carries is looked at when the datagram is whole
        counts[C_FRAGMENTS] += 1
        return I64(-1), at, end, wire_end, I64(0), events
    captured = min(stop, end)
    payload, payload_stop, event = transport(
        buf, l4, captured, stop, d, r, version, proto, zero_is_rest, counts
    )
    events |= event
    if payload < 0:
        return I64(-1), at, end, wire_end, I64(0), events
    inner_end = min(payload_stop, captured)
    d.payload_off[r] = payload
    d.payload_len[r] = inner_end - payload
    if verify and stop <= end and routed == 0 and has_checksum(proto, version):
        events |= transport_sum_event(
            buf,
            l4,
            stop,
            d.src_ip[r, 0],
            d.src_ip[r, 1],
            d.dest_ip[r, 0],
            d.dest_ip[r, 1],
            version,
            proto,
            payload_stop,
        )
    link, inner, tunnel, event = open_tunnel(buf, l4, payload, inner_end, d, r, proto, depth, counts)
    return link, inner, inner_end, payload_stop, tunnel, events | event


@kernel
def decode_rows(p, d, counts, verify_checksums, zero_is_rest):
    """Decode the PacketBatch `p` into the columns of `d`, which hold 0 (offsets: -1) before.

    counts: int64[N_COUNTS], added to. Returns the number of rows, or -1 when `d` is too short.
    """
    buf = p.buf
    capacity = len(d.packet)
    r = I64(0)
    for i in range(len(p.offset)):
        if r + MAX_ROWS_A_PACKET > capacity:
            return -1
        at = I64(p.offset[i])
        end = at + I64(p.caplen[i])
        wire_end = at + max(I64(p.length[i]), I64(p.caplen[i]))
        link = I64(p.link_type[i])
        verify = verify_checksums and p.flags[i] & CHECKSUM_NOT_READY == 0
        counts[C_BYTES] += wire_end - at
        stripped = I64(p.vlan_tci[i])
        tunnel = I64(0)
        depth = I64(0)
        invalid = False
        while True:
            d.packet[r] = i
            if tunnel != 0:
                d.tunnel[r] = tunnel
                d.vlan[r, 0] = d.vlan[r - 1, 0]
                d.vlan[r, 1] = d.vlan[r - 1, 1]
            after, ethertype, src_mac, dest_mac, events = link_header(buf, at, end, link)
            d.src_mac[r] = src_mac
            d.dest_mac[r] = dest_mac
            if after >= 0 and (stripped != 0 or is_vlan(ethertype)):
                layers = I64(1) if stripped != 0 else I64(0)
                after, ethertype, first, second, layers, event = vlan_tags(
                    buf, after, end, ethertype, stripped & 0xFFF, layers
                )
                events |= event
                d.vlan[r, 0] = first
                d.vlan[r, 1] = second
                d.vlan_layers[r] = layers
                counts[C_VLAN] += 1
                counts[C_VLAN_QINQ] += layers > 1
            if after >= 0 and (
                ethertype == PPPOE_SESSION or ethertype == MPLS or ethertype == MPLS_MULTICAST
            ):
                after, ethertype = encapsulated(buf, after, end, ethertype)
            at = after
            link = I64(-1)
            if ethertype >= FIRST_ETHERTYPE:  # below: the length field of 802.3
                d.ethertype[r] = ethertype
            if at >= 0:
                if ethertype == IPV4 or ethertype == IPV6:
                    version = I64(4) if ethertype == IPV4 else I64(6)
                    link, at, end, wire_end, tunnel, event = datagram(
                        buf, at, end, wire_end, d, r, version, depth, verify, zero_is_rest, counts
                    )
                    events |= event
                elif ethertype == ARP:
                    counts[C_ARP] += 1
                    events |= arp_header(buf, at, end, d, r)
            if events:
                d.events[r] = U64(events)
                count_events(counts, events)
                invalid = invalid or events & ~EV_NOT_INVALID != 0
            r += 1
            if link < 0:
                break
            stripped = I64(0)
            depth += 1
        counts[C_INVALID] += invalid
    return r
