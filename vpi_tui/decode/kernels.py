"""The decode loop: one turn a packet, one inner turn a layer of tunnels."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, U64, be16, note
from vpi_tui.decode.kernels_icmp import icmp_header
from vpi_tui.decode.kernels_ip import NO_FRAGMENT, arp_header, ipv4_header
from vpi_tui.decode.kernels_ip6 import ipv6_header
from vpi_tui.decode.kernels_l4 import (
    EV_ESP_SMALL,
    EV_SCTP_SMALL,
    IPPROTO_ESP,
    IPPROTO_ICMP,
    IPPROTO_ICMPV6,
    IPPROTO_SCTP,
    IPPROTO_TCP,
    IPPROTO_UDP,
    tcp_header,
    transport_sum_event,
    udp_header,
)
from vpi_tui.decode.kernels_link import (
    ARP,
    FIRST_ETHERTYPE,
    IPV4,
    IPV6,
    LINK_ETHERNET,
    is_vlan,
    link_header,
    vlan_tags,
)
from vpi_tui.decode.kernels_shim import shims
from vpi_tui.decode.kernels_tunnel import (
    IPPROTO_GRE,
    IPPROTO_IPIP,
    IPPROTO_IPV6,
    tunnel_inside,
    tunnel_number,
)
from vpi_tui.model.batch import DecoderEvent, PacketFlag, TunnelKind
from vpi_tui.model.decoder_events import WORD, bits
from vpi_tui.model.jit import helper, inlined, kernel

MAX_TUNNELS = 6
"""As deep as Suricata goes with its limit of 16 layers, two for each tunnel."""
MAX_ROWS_A_PACKET = MAX_TUNNELS + 1

CHECKSUM_NOT_READY = int(PacketFlag.CHECKSUM_NOT_READY)
KIND_VXLAN, KIND_GENEVE, KIND_TEREDO = int(TunnelKind.VXLAN), int(TunnelKind.GENEVE), int(TunnelKind.TEREDO)
ICMP_6_IN_4 = int(DecoderEvent.IPV4_ICMPV6)
EV_TOO_DEEP = 1 << DecoderEvent.TUNNEL_TOO_DEEP
EV_INVALID = bits(
    frozenset(
        {
            DecoderEvent.ETHERNET_PKT_TOO_SMALL,
            DecoderEvent.VLAN_HEADER_TOO_SMALL,
            DecoderEvent.VLAN_TOO_MANY_LAYERS,
            DecoderEvent.ARP_PKT_TOO_SMALL,
            DecoderEvent.IPV4_PKT_TOO_SMALL,
            DecoderEvent.IPV4_HLEN_TOO_SMALL,
            DecoderEvent.IPV4_IPLEN_SMALLER_THAN_HLEN,
            DecoderEvent.IPV4_TRUNC_PKT,
            DecoderEvent.IPV4_WRONG_IP_VER,
            DecoderEvent.IPV4_OPT_INVALID_LEN,
            DecoderEvent.IPV4_OPT_MALFORMED,
            DecoderEvent.IPV6_PKT_TOO_SMALL,
            DecoderEvent.IPV6_TRUNC_PKT,
            DecoderEvent.IPV6_TRUNC_EXTHDR,
            DecoderEvent.IPV6_EXTHDR_TOO_MANY,
            DecoderEvent.IPV6_WRONG_IP_VER,
            DecoderEvent.TCP_PKT_TOO_SMALL,
            DecoderEvent.TCP_HLEN_TOO_SMALL,
            DecoderEvent.TCP_INVALID_OPTLEN,
            DecoderEvent.TCP_OPT_INVALID_LEN,
            DecoderEvent.UDP_PKT_TOO_SMALL,
            DecoderEvent.UDP_HLEN_INVALID,
            DecoderEvent.UDP_HLEN_TOO_SMALL,
            DecoderEvent.ICMPV4_PKT_TOO_SMALL,
            DecoderEvent.ICMPV6_PKT_TOO_SMALL,
            DecoderEvent.SCTP_PKT_TOO_SMALL,
            DecoderEvent.GRE_PKT_TOO_SMALL,
            DecoderEvent.ESP_PKT_TOO_SMALL,
        }
    )
)
"""Events of malformed packets, which are counted in decoder.invalid; the others are of odd ones."""
# Places in the array of counts; events follow at C_EVENTS + DecoderEvent.
C_BYTES, C_INVALID, C_IPV4, C_IPV6, C_ARP, C_VLAN, C_VLAN_QINQ, C_VXLAN, C_GRE, C_IPINIP = range(10)
C_TCP, C_UDP, C_ICMPV4, C_ICMPV6, C_SCTP, C_FRAGMENTS, C_TEREDO, C_GENEVE, C_ESP, C_EVENTS = range(10, 20)
N_COUNTS = C_EVENTS + 3 * WORD


@helper
def count_events(counts, events, first):
    """Count the events of one word, the first of which has the number `first`."""
    for number in range(64):
        if (events >> U64(number)) & U64(1):
            counts[C_EVENTS + first + number] += 1


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
    if proto == IPPROTO_ESP:
        counts[C_ESP] += 1
        if end - at < 8:
            return at, stop, I64(EV_ESP_SMALL)
        return at + 8, stop, I64(0)
    if version == 4 and proto == IPPROTO_ICMPV6:
        note(d, r, ICMP_6_IN_4)
    return at, stop, I64(0)


@helper
def has_checksum(proto, version):
    if proto == IPPROTO_TCP or proto == IPPROTO_UDP:
        return True
    return proto == IPPROTO_ICMP if version == 4 else proto == IPPROTO_ICMPV6


@helper
def has_payload(proto, version):
    """Do rules see what follows the header? As in Suricata not for protocols that it does not take apart."""
    return has_checksum(proto, version) or proto == IPPROTO_SCTP or proto == IPPROTO_ESP


@inlined
def count_tunnel(counts, proto, tunnel):
    if proto == IPPROTO_GRE:
        counts[C_GRE] += 1
    elif proto == IPPROTO_UDP:
        kind = (tunnel >> 24) & 0xFF
        counts[C_VXLAN] += kind == KIND_VXLAN
        counts[C_GENEVE] += kind == KIND_GENEVE
        counts[C_TEREDO] += kind == KIND_TEREDO
    else:
        counts[C_IPINIP] += 1


@inlined
def open_tunnel(buf, at, payload, end, d, r, proto, depth, ports, counts):
    """Look for a tunnel in row r. Returns (link type inside or -1, position, tunnel, VLAN tag, events)."""
    kinds = I64(0)
    if proto == IPPROTO_UDP:
        kinds = I64(ports[d.src_port[r]] | ports[d.dest_port[r]])
    elif not (proto == IPPROTO_GRE or proto == IPPROTO_IPIP or proto == IPPROTO_IPV6):
        return I64(-1), I64(0), I64(0), I64(0), I64(0)
    if proto == IPPROTO_UDP and kinds == 0:
        return I64(-1), I64(0), I64(0), I64(0), I64(0)
    link, inner, tunnel, tag, events = tunnel_inside(buf, at, payload, end, proto, kinds, d, r)
    count_tunnel(counts, proto, tunnel)
    if proto == IPPROTO_GRE and inner < 0:
        d.payload_off[r] = -1
        d.payload_len[r] = 0
    if link < 0:
        return link, inner, I64(0), tag, events
    if depth == MAX_TUNNELS:
        return I64(-1), inner, I64(0), tag, events | EV_TOO_DEEP
    tunnel = tunnel_number(
        tunnel, I64(d.tunnel[r]), d.src_ip[r, 0], d.src_ip[r, 1], d.dest_ip[r, 0], d.dest_ip[r, 1]
    )
    return link, inner, tunnel, tag, events


@inlined
def datagram(buf, at, end, wire_end, d, r, version, depth, verify, zero_is_rest, ports, counts):
    """An IP datagram into row r.

    Returns what is inside when it is a tunnel: (link type or -1, position, captured end, end on
    the wire, tunnel, VLAN tag), and the events of this row.
    """
    routed = I64(0)
    if version == 4:
        counts[C_IPV4] += 1
        l4, stop, proto, fragment, events = ipv4_header(buf, at, end, wire_end, d, r, verify, zero_is_rest)
    else:
        counts[C_IPV6] += 1
        l4, stop, proto, fragment, routed, events = ipv6_header(buf, at, end, wire_end, d, r, zero_is_rest)
    if l4 < 0:
        return I64(-1), at, end, wire_end, I64(0), I64(0), events
    d.l4_off[r] = l4
    if fragment != NO_FRAGMENT:  # what it carries is looked at when the datagram is whole
        counts[C_FRAGMENTS] += 1
        return I64(-1), at, end, wire_end, I64(0), I64(0), events
    captured = min(stop, end)
    payload, payload_stop, event = transport(
        buf, l4, captured, stop, d, r, version, proto, zero_is_rest, counts
    )
    events |= event
    if payload < 0:
        return I64(-1), at, end, wire_end, I64(0), I64(0), events
    inner_end = min(payload_stop, captured)
    d.payload_off[r] = payload
    d.payload_len[r] = inner_end - payload if has_payload(proto, version) else 0
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
    link, inner, tunnel, tag, event = open_tunnel(
        buf, l4, payload, inner_end, d, r, proto, depth, ports, counts
    )
    return link, inner, inner_end, payload_stop, tunnel, tag, events | event


@inlined
def outermost_tags(buf, at, end, ethertype, stripped, d, r, counts):
    """The VLAN tags right behind the link header: (position or -1, ethertype, event)."""
    layers = I64(1) if stripped != 0 else I64(0)
    at, ethertype, first, second, layers, event = vlan_tags(
        buf, at, end, ethertype, stripped & 0xFFF, I64(0), layers
    )
    d.vlan[r, 0] = first
    d.vlan[r, 1] = second
    d.vlan_layers[r] = layers
    counts[C_VLAN] += 1
    counts[C_VLAN_QINQ] += layers > 1
    return at, ethertype, event


@kernel
def decode_rows(p, d, counts, ports, verify_checksums, zero_is_rest):
    """Decode the PacketBatch `p` into the columns of `d`, which hold 0 (offsets: -1) before.

    counts: int64[N_COUNTS], added to. ports: uint8[65536], ON_* bits of kernels_tunnel for each UDP port.
    Returns the number of rows, or -1 when `d` is too short.
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
            before = I64(0) if link == LINK_ETHERNET else I64(-1)
            at, ethertype, events = link_header(buf, at, end, link, d, r)
            if at >= 0 and (stripped != 0 or is_vlan(ethertype)):
                before = ethertype if is_vlan(ethertype) else before
                at, ethertype, event = outermost_tags(buf, at, end, ethertype, stripped, d, r, counts)
                events |= event
            if at >= 0 and not (ethertype == IPV4 or ethertype == IPV6 or ethertype == ARP):
                at, ethertype, event = shims(buf, at, end, ethertype, before, d, r)
                events |= event
            link = I64(-1)
            if ethertype >= FIRST_ETHERTYPE:  # below: the length field of 802.3
                d.ethertype[r] = ethertype
            stripped = I64(0)
            if at >= 0:
                if ethertype == IPV4 or ethertype == IPV6:
                    version = I64(4) if ethertype == IPV4 else I64(6)
                    link, at, end, wire_end, tunnel, stripped, event = datagram(
                        buf, at, end, wire_end, d, r, version, depth, verify, zero_is_rest, ports, counts
                    )
                    events |= event
                elif ethertype == ARP:
                    counts[C_ARP] += 1
                    events |= arp_header(buf, at, end, d, r)
            if events:
                d.events[r] = U64(events)
                count_events(counts, U64(events), 0)
                invalid = invalid or events & EV_INVALID != 0
            if d.oddities[r, 0] | d.oddities[r, 1]:
                count_events(counts, d.oddities[r, 0], WORD)
                count_events(counts, d.oddities[r, 1], 2 * WORD)
            r += 1
            if link < 0:
                break
            depth += 1
        counts[C_INVALID] += invalid
    return r
