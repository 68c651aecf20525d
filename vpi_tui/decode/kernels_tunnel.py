"""Tunnels: what they carry, and the number by which the flows inside are kept apart.

Sources: RFC 2784 and 2890 (GRE), 7348 (VXLAN), 2003 and 2473 (IP in IP), draft-foschiano-erspan.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, U64, be8, be16, be32
from vpi_tui.decode.kernels_l4 import IPPROTO_UDP, VXLAN_PORT
from vpi_tui.decode.kernels_link import IPV4, IPV6, LINK_ETHERNET, LINK_IPV4, LINK_IPV6, LINK_PPP
from vpi_tui.model.batch import DecoderEvent, TunnelKind
from vpi_tui.model.jit import helper

IPPROTO_IPIP = 4
IPPROTO_IPV6 = 41
IPPROTO_GRE = 47
GRE_PPP = 0x880B

EV_GRE_SMALL = 1 << DecoderEvent.GRE_PKT_TOO_SMALL
EV_GRE_INVALID = 1 << DecoderEvent.GRE_INVALID
EV_VXLAN = 1 << DecoderEvent.VXLAN_HEADER_INVALID

TUNNEL_GRE = int(TunnelKind.GRE) << 24
TUNNEL_VXLAN = int(TunnelKind.VXLAN) << 24
TUNNEL_IP = int(TunnelKind.IP_IN_IP) << 24
KIND_MASK = 0xFF << 24
NO_ID = 1 << 32
"""Above kind and id: the tunnel's header says nothing that tells it from others."""


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
    key = be32(buf, key_at) & 0xFFFFFF if flags & 0x2000 else I64(NO_ID)
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
    if kind == GRE_PPP:
        return I64(LINK_PPP)
    return I64(-1)


@helper
def tunnel_inside(buf, at, payload, end, proto, dest_port):
    """What a tunnel carries: (link type or -1, position, TunnelKind << 24 | id or NO_ID, event)."""
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
        return I64(LINK_IPV4), payload, I64(TUNNEL_IP | NO_ID), I64(0)
    if proto == IPPROTO_IPV6:
        return I64(LINK_IPV6), payload, I64(TUNNEL_IP | NO_ID), I64(0)
    return I64(-1), payload, I64(0), I64(0)
