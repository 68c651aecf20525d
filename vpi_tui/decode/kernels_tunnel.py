"""Tunnels: what they carry, and the number by which the flows inside are kept apart.

Sources: RFC 7348 (VXLAN), 8926 (GENEVE), 4380 (Teredo), 2003 and 2473 (IP in IP); kernels_gre.py for GRE.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, U64, be8, be16, be32, note
from vpi_tui.decode.kernels_gre import BRIDGE, NO_ID, gre_inside
from vpi_tui.decode.kernels_l4 import IPPROTO_UDP
from vpi_tui.decode.kernels_link import (
    ARP,
    IPV4,
    IPV6,
    LINK_ETHERNET,
    LINK_ETHERTYPE,
    LINK_IPV4,
    LINK_IPV6,
    is_vlan,
)
from vpi_tui.model.batch import DecoderEvent, TunnelKind
from vpi_tui.model.jit import helper

IPPROTO_IPIP = 4
IPPROTO_IPV6 = 41
IPPROTO_GRE = 47

# Bits of the table of UDP ports: what is looked for there.
ON_VXLAN, ON_GENEVE, ON_TEREDO = 1, 2, 4

EV_VXLAN = 1 << DecoderEvent.VXLAN_HEADER_INVALID
VXLAN_UNKNOWN = int(DecoderEvent.VXLAN_UNKNOWN_PAYLOAD_TYPE)
GENEVE_UNKNOWN = int(DecoderEvent.GENEVE_UNKNOWN_PAYLOAD_TYPE)
SMALL_4_IN_6 = int(DecoderEvent.IPV6_IPV4_IN_IPV6_TOO_SMALL)
WRONG_4_IN_6 = int(DecoderEvent.IPV6_IPV4_IN_IPV6_WRONG_VERSION)
SMALL_6_IN_6 = int(DecoderEvent.IPV6_IPV6_IN_IPV6_TOO_SMALL)
WRONG_6_IN_6 = int(DecoderEvent.IPV6_IPV6_IN_IPV6_WRONG_VERSION)

TUNNEL_VXLAN = int(TunnelKind.VXLAN) << 24
TUNNEL_IP = int(TunnelKind.IP_IN_IP) << 24
TUNNEL_GENEVE = int(TunnelKind.GENEVE) << 24
TUNNEL_TEREDO = int(TunnelKind.TEREDO) << 24
KIND_MASK = 0xFF << 24


@helper
def mixed(value):
    """The finaliser of splitmix64: each bit of the result depends on every bit of the value."""
    value = (value ^ (value >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> U64(27))) * U64(0x94D049BB133111EB)
    return value ^ (value >> U64(31))


@helper
def tunnel_number(tunnel, around, src_high, src_low, dest_high, dest_low):
    """TunnelKind << 24 | 24 bits for the flows inside a tunnel, the same in both directions.

    tunnel: what the header says, with NO_ID when it names no id; around: the number of the tunnel that this
    one is in. The bits are the header's id when it has one and no other tunnel is around it. Else they are
    a hash: of the id and the tunnel around, or of the addresses of the two ends and the tunnel around. The
    hash is no secret. Who makes up ends whose hash is that of others could as well make up their addresses.
    """
    if around == 0 and tunnel < NO_ID:
        return tunnel
    if tunnel < NO_ID:
        own = mixed(U64(tunnel))
    else:
        own = mixed(mixed(src_high) + src_low) + mixed(mixed(dest_high) + dest_low)
    return tunnel & KIND_MASK | I64(mixed(own ^ (U64(around) << U64(32))) >> U64(40))


@helper
def geneve_inside(buf, at, end, d, r):
    """(link type or -1, position, tunnel); anything that is no sound header is taken for other UDP."""
    if end - at < 8:
        return I64(-1), at, I64(0)
    size = (be8(buf, at) & 0x3F) << 2
    stop = at + 8 + size
    if be8(buf, at) >> 6 != 0 or be8(buf, at + 1) & 0x3F or be8(buf, at + 7) or stop > end:
        return I64(-1), at, I64(0)
    option = at + 8
    while option + 4 <= stop:
        option += 4 + ((be8(buf, option + 3) & 0x1F) << 2)
    if option != stop:
        return I64(-1), at, I64(0)
    tunnel = I64(TUNNEL_GENEVE) | (be32(buf, at + 4) >> 8)
    kind = be16(buf, at + 2)
    if kind == IPV4 or kind == IPV6 or kind == ARP:
        return LINK_ETHERTYPE + kind, stop, tunnel
    if kind == BRIDGE:
        return I64(LINK_ETHERNET), stop, tunnel
    note(d, r, GENEVE_UNKNOWN)
    return I64(-1), at, I64(0)


@helper
def vxlan_inside(buf, at, end, d, r):
    """(link type or -1, position, tunnel, event). What is no IP, ARP or VLAN tag inside is an event, and read
    as far as it is known."""
    if end - at < 22 or be8(buf, at) & 0x08 == 0 or be8(buf, at + 7) != 0:
        return I64(-1), at, I64(0), I64(EV_VXLAN)
    kind = be16(buf, at + 20)
    if not (kind == IPV4 or kind == IPV6 or kind == ARP or is_vlan(kind)):
        note(d, r, VXLAN_UNKNOWN)
    return I64(LINK_ETHERNET), at + 8, I64(TUNNEL_VXLAN) | (be32(buf, at + 4) >> 8), I64(0)


@helper
def teredo_inside(buf, at, end):
    """(link type or -1, position): an IPv6 packet that fills the datagram, behind origin indications."""
    while end - at >= 48 and be16(buf, at) == 0:
        at += 8
    if end - at >= 40 and be8(buf, at) >> 4 == 6 and at + 40 + be16(buf, at + 4) == end:
        return I64(LINK_IPV6), at
    return I64(-1), at


@helper
def udp_inside(buf, at, end, kinds, d, r):
    """(link type or -1, position, tunnel, event). kinds: ON_* bits of the two ports."""
    event = I64(0)
    if kinds & ON_VXLAN:
        link, inner, tunnel, event = vxlan_inside(buf, at, end, d, r)
        if link >= 0:
            return link, inner, tunnel, event
    if kinds & ON_GENEVE:
        link, inner, tunnel = geneve_inside(buf, at, end, d, r)
        if link >= 0:
            return link, inner, tunnel, event
    if kinds & ON_TEREDO:
        link, inner = teredo_inside(buf, at, end)
        if link >= 0:
            return link, inner, I64(TUNNEL_TEREDO | NO_ID), event
    return I64(-1), at, I64(0), event


@helper
def ip_inside(buf, at, end, version, inside, d, r):
    """The link type of the packet of IP version `inside` in one of `version`, -1 = there is none."""
    if version == 6:
        if end - at < (20 if inside == 4 else 40):
            note(d, r, SMALL_4_IN_6 if inside == 4 else SMALL_6_IN_6)
            return I64(-1)
        if be8(buf, at) >> 4 != inside:
            note(d, r, WRONG_4_IN_6 if inside == 4 else WRONG_6_IN_6)
            return I64(-1)
    return I64(LINK_IPV4) if inside == 4 else I64(LINK_IPV6)


@helper
def tunnel_inside(buf, at, payload, end, proto, kinds, d, r):
    """What a tunnel carries: (link type or -1, position, TunnelKind << 24 | id or NO_ID, VLAN tag, event)."""
    if proto == IPPROTO_UDP:
        link, inner, tunnel, event = udp_inside(buf, payload, end, kinds, d, r)
        return link, inner, tunnel, I64(0), event
    if proto == IPPROTO_GRE:
        return gre_inside(buf, at, end, d, r)
    inside = I64(4) if proto == IPPROTO_IPIP else I64(6)
    link = ip_inside(buf, payload, end, I64(d.ip_v[r]), inside, d, r)
    return link, payload, I64(TUNNEL_IP | NO_ID), I64(0), I64(0)
