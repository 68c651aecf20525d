"""GRE: its two versions, and what they carry.

Sources: RFC 1701 (source routes), 2784 and 2890 (version 0), 2637 (version 1, PPTP), draft-foschiano-erspan.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, be8, be16, be32, note
from vpi_tui.decode.kernels_link import ARP, IPV4, IPV6, LINK_ETHERNET, LINK_ETHERTYPE, LINK_PPP, is_vlan
from vpi_tui.model.batch import DecoderEvent, TunnelKind
from vpi_tui.model.jit import helper

PPP = 0x880B
BRIDGE = 0x6558
ERSPAN_1_2 = 0x88BE
ERSPAN_3 = 0x22EB
CHECKSUM, ROUTE, KEY, SEQUENCE, STRICT, RECURSION = 0x8000, 0x4000, 0x2000, 0x1000, 0x0800, 0x0700
FLAGS, ACKNOWLEDGED, VERSION = 0x0078, 0x0080, 0x0007

TUNNEL_GRE = int(TunnelKind.GRE) << 24
NO_ID = 1 << 32
"""Above kind and id: the tunnel's header says nothing that tells it from others."""

EV_SMALL = 1 << DecoderEvent.GRE_PKT_TOO_SMALL
WRONG_VERSION = int(DecoderEvent.GRE_WRONG_VERSION)
V0_RECURSION = int(DecoderEvent.GRE_VERSION0_RECUR)
V0_FLAGS = int(DecoderEvent.GRE_VERSION0_FLAGS)
V0_BIG = int(DecoderEvent.GRE_VERSION0_HDR_TOO_BIG)
V0_ROUTE = int(DecoderEvent.GRE_VERSION0_MALFORMED_SRE_HDR)
V1_CHECKSUM = int(DecoderEvent.GRE_VERSION1_CHKSUM)
V1_ROUTE = int(DecoderEvent.GRE_VERSION1_ROUTE)
V1_STRICT = int(DecoderEvent.GRE_VERSION1_SSR)
V1_RECURSION = int(DecoderEvent.GRE_VERSION1_RECUR)
V1_FLAGS = int(DecoderEvent.GRE_VERSION1_FLAGS)
V1_NO_KEY = int(DecoderEvent.GRE_VERSION1_NO_KEY)
V1_PROTOCOL = int(DecoderEvent.GRE_VERSION1_WRONG_PROTOCOL)
V1_BIG = int(DecoderEvent.GRE_VERSION1_HDR_TOO_BIG)
ERSPAN_SMALL = int(DecoderEvent.ERSPAN_HEADER_TOO_SMALL)
ERSPAN_VERSION = int(DecoderEvent.ERSPAN_UNSUPPORTED_VERSION)
ERSPAN_TAGS = int(DecoderEvent.ERSPAN_TOO_MANY_VLAN_LAYERS)
MAX_TAGS = 3
"""VLAN tags that Suricata has room for: those around the tunnel and that which ERSPAN tells."""


@helper
def source_routes(buf, at, end):
    """Position after the source route entries, -1 = they do not end."""
    while True:
        if at + 4 > end:
            return I64(-1)
        family, size = be16(buf, at), be8(buf, at + 3)
        at += 4
        if family == 0 and size == 0:
            return at
        at += size
        if at > end:
            return I64(-1)


@helper
def version_0(buf, at, end, flags, d, r):
    """(position of what is carried or -1, tunnel)."""
    if flags & RECURSION:
        note(d, r, V0_RECURSION)
        return I64(-1), I64(0)
    if flags & FLAGS:
        note(d, r, V0_FLAGS)
        return I64(-1), I64(0)
    key_at = at + 4 + (4 if flags & (CHECKSUM | ROUTE) else 0)
    after = key_at + (4 if flags & KEY else 0) + (4 if flags & SEQUENCE else 0)
    if after > end:
        note(d, r, V0_BIG)
        return I64(-1), I64(0)
    tunnel = I64(TUNNEL_GRE) | (be32(buf, key_at) & 0xFFFFFF if flags & KEY else I64(NO_ID))
    if flags & ROUTE:
        after = source_routes(buf, after, end)
        if after < 0:
            note(d, r, V0_ROUTE)
    return after, tunnel


@helper
def wrong_in_version_1(flags, kind):
    """The event of the first rule of RFC 2637, 4.1 that is broken; 0 = none."""
    if flags & CHECKSUM:
        return I64(V1_CHECKSUM)
    if flags & ROUTE:
        return I64(V1_ROUTE)
    if flags & STRICT:
        return I64(V1_STRICT)
    if flags & RECURSION:
        return I64(V1_RECURSION)
    if flags & FLAGS:
        return I64(V1_FLAGS)
    if kind != PPP:
        return I64(V1_PROTOCOL)
    return I64(0) if flags & KEY else I64(V1_NO_KEY)


@helper
def version_1(at, end, flags, kind, d, r):
    """As `version_0`. The key is the length of what is carried and a call id, which differs by direction, so
    the tunnel is told by its ends."""
    wrong = wrong_in_version_1(flags, kind)
    if wrong:
        note(d, r, wrong)
        return I64(-1), I64(0)
    after = at + 8 + (4 if flags & SEQUENCE else 0) + (4 if flags & ACKNOWLEDGED else 0)
    if after > end:
        note(d, r, V1_BIG)
        return I64(-1), I64(0)
    return after, I64(TUNNEL_GRE | NO_ID)


@helper
def erspan(buf, at, end, flags, kind, tunnel, d, r):
    """(link type or -1, position, tunnel, VLAN tag as the kernel strips it) of a mirrored frame.

    Type I has no header of its own and no sequence number; II and III have, with the session and the VLAN.
    """
    if kind == ERSPAN_1_2 and not flags & SEQUENCE:
        return I64(LINK_ETHERNET), at, tunnel, I64(0)
    size = I64(8) if kind == ERSPAN_1_2 else I64(12)
    if end - at < size:
        note(d, r, ERSPAN_SMALL)
        return I64(-1), at, tunnel, I64(0)
    word = be16(buf, at)
    if word >> 12 != (1 if kind == ERSPAN_1_2 else 2):
        note(d, r, ERSPAN_VERSION)
        return I64(-1), at, tunnel, I64(0)
    if kind == ERSPAN_3 and be8(buf, at + 11) & 1:
        size += 8
    if end - at < size:
        note(d, r, ERSPAN_SMALL)
        return I64(-1), at, tunnel, I64(0)
    number = word & 0xFFF
    if number and d.vlan_layers[r] >= MAX_TAGS:
        note(d, r, ERSPAN_TAGS)
        return I64(-1), at, tunnel, I64(0)
    return I64(LINK_ETHERNET), at + size, tunnel, number | 0x10000 if number else I64(0)


@helper
def gre_inside(buf, at, end, d, r):
    """(link type or -1, position or -1 = malformed, tunnel, VLAN tag or 0, event)."""
    if end - at < 4:
        return I64(-1), I64(-1), I64(0), I64(0), I64(EV_SMALL)
    flags = be16(buf, at)
    kind = be16(buf, at + 2)
    if flags & VERSION == 0:
        after, tunnel = version_0(buf, at, end, flags, d, r)
    elif flags & VERSION == 1:
        after, tunnel = version_1(at, end, flags, kind, d, r)
    else:
        note(d, r, WRONG_VERSION)
        after, tunnel = I64(-1), I64(0)
    if after < 0:
        return I64(-1), after, I64(0), I64(0), I64(0)
    if kind == ERSPAN_1_2 or kind == ERSPAN_3:
        link, after, tunnel, tag = erspan(buf, after, end, flags, kind, tunnel, d, r)
        return link, after, tunnel, tag, I64(0)
    link = I64(-1)
    if kind == IPV4 or kind == IPV6 or kind == ARP or is_vlan(kind):
        link = LINK_ETHERTYPE + kind
    elif kind == BRIDGE:
        link = I64(LINK_ETHERNET)
    elif kind == PPP and (flags & VERSION == 0 or be16(buf, at + 4) != 0):  # 0: an acknowledgement alone
        link = I64(LINK_PPP)
    return link, after, tunnel, I64(0), I64(0)
