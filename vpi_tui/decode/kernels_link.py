"""Link layers: from the first byte of a frame to the network header.

A position of -1 = stop here. What lies between the tags and the network header is in kernels_shim.py.
Sources: IEEE 802.3 / 802.1Q / 802.1ad, RFC 1661 and 1662 (PPP), 1547 (Cisco HDLC),
https://www.tcpdump.org/linktypes.html (NULL, LOOP, SLL, SLL2).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, U64, be8, be16, be32, be64, note
from vpi_tui.model.batch import DecoderEvent, LinkType
from vpi_tui.model.jit import helper, inlined

MAC_MASK = U64((1 << 48) - 1)
NO_MAC = U64(0)
S16 = U64(16)

IPV4 = 0x0800
IPV6 = 0x86DD
VLAN = 0x8100
VLAN_SERVICE = 0x88A8
VLAN_OLD_STACKED = 0x9100
ARP = 0x0806
FIRST_ETHERTYPE = 0x600
MAX_VLAN_DECODED = 8
MAX_VLAN_EXPECTED = 3

EV_LINK_UNKNOWN = 1 << DecoderEvent.LINK_UNKNOWN
EV_TOO_SMALL = 1 << DecoderEvent.ETHERNET_PKT_TOO_SMALL
EV_VLAN_SMALL = 1 << DecoderEvent.VLAN_HEADER_TOO_SMALL
EV_VLAN_MANY = 1 << DecoderEvent.VLAN_TOO_MANY_LAYERS

LINK_NULL = int(LinkType.NULL)
LINK_ETHERNET = int(LinkType.ETHERNET)
LINK_PPP = int(LinkType.PPP)
LINK_RAW = int(LinkType.RAW)
LINK_LOOP = int(LinkType.LOOP)
LINK_SLL = int(LinkType.LINUX_SLL)
LINK_IPV4 = int(LinkType.IPV4)
LINK_IPV6 = int(LinkType.IPV6)
LINK_SLL2 = int(LinkType.LINUX_SLL2)
LINK_C_HDLC = int(LinkType.C_HDLC)
LINK_ETHERTYPE = 1 << 16
"""Above it: no link header, what follows is of the ethertype that the low bits name. Inside tunnels only."""

PPP_IPV4, PPP_IPV6, PPP_VJ_UNCOMPRESSED = 0x21, 0x57, 0x2F
PPP_CONTROL = (0xFD, 0x8021, 0x8057, 0x80FD, 0x8207, 0xC021, 0xC023, 0xC025, 0xC029, 0xC223)
"""What keeps a link up, or is compressed: expected there, and not read (IANA, "PPP DLL Protocol Numbers")."""
PPP_OTHERS = (
    0x23, 0x25, 0x27, 0x29, 0x2B, 0x2D, 0x31, 0x33, 0x35, 0x201, 0x231, 0x233, 0x281, 0x283, 0x8023, 0x8025,
    0x8027, 0x8029, 0x802B, 0x8033, 0x8035, 0x8281,
)  # fmt: skip
"""Assigned protocols that carry no IP and that nothing here reads."""

PPP_SMALL = int(DecoderEvent.PPP_PKT_TOO_SMALL)
PPP_IP4_SMALL = int(DecoderEvent.PPP_IP4_PKT_TOO_SMALL)
PPP_IP6_SMALL = int(DecoderEvent.PPP_IP6_PKT_TOO_SMALL)
PPP_VJU_SMALL = int(DecoderEvent.PPP_VJU_PKT_TOO_SMALL)
PPP_UNSUPPORTED = int(DecoderEvent.PPP_UNSUP_PROTO)
PPP_WRONG = int(DecoderEvent.PPP_WRONG_TYPE)
RAW_VERSION = int(DecoderEvent.IPRAW_INVALID_IP_VERSION)
NULL_SMALL = int(DecoderEvent.LTNULL_PKT_TOO_SMALL)
NULL_TYPE = int(DecoderEvent.LTNULL_UNSUPPORTED_TYPE)
SLL_SMALL = int(DecoderEvent.SLL_PKT_TOO_SMALL)
SLL2_SMALL = int(DecoderEvent.SLL2_PKT_TOO_SMALL)
C_HDLC_SMALL = int(DecoderEvent.CHDLC_PKT_TOO_SMALL)


@helper
def family_ethertype(family):
    """Ethertype of an address family; AF_INET6 has another number on each system."""
    if family == 2:
        return I64(IPV4)
    if family == 10 or family == 24 or family == 28 or family == 30:
        return I64(IPV6)
    return I64(0)


@helper
def version_ethertype(buf, at):
    version = be8(buf, at) >> 4
    return I64(IPV4) if version == 4 else (I64(IPV6) if version == 6 else I64(0))


@helper
def ppp_protocol(buf, at, end, carried, d, r):
    """The ethertype of what PPP calls `carried` and that begins at `at`; 0 = none that is read on."""
    if carried == PPP_IPV4:
        if end - at < 20:
            note(d, r, PPP_IP4_SMALL)
            return I64(0)
        return I64(IPV4)
    if carried == PPP_IPV6:
        if end - at < 40:
            note(d, r, PPP_IP6_SMALL)
            return I64(0)
        return I64(IPV6)
    if carried == PPP_VJ_UNCOMPRESSED:
        if end - at < 20:
            note(d, r, PPP_VJU_SMALL)
        elif be8(buf, at) >> 4 == 4:
            return I64(IPV4)
        return I64(0)
    for control in PPP_CONTROL:
        if carried == control:
            return I64(0)
    known = False
    for other in PPP_OTHERS:
        known = known or carried == other
    if known:
        note(d, r, PPP_UNSUPPORTED)
    else:
        note(d, r, PPP_WRONG)
    return I64(0)


@helper
def ppp_header(buf, at, end, d, r):
    """(position or -1, ethertype): with or without address and control, protocol of one byte or two."""
    if end > at and be8(buf, at) == 0xFF:
        at += 2
    if end - at < 1 or (be8(buf, at) & 1 == 0 and end - at < 2):
        note(d, r, PPP_SMALL)
        return I64(-1), I64(0)
    carried = be8(buf, at)
    at += 1
    if carried & 1 == 0:
        carried = (carried << 8) | be8(buf, at)
        at += 1
    elif carried != PPP_IPV4 and carried != PPP_IPV6 and carried != PPP_VJ_UNCOMPRESSED:
        note(d, r, PPP_UNSUPPORTED)
        return at, I64(0)
    return at, ppp_protocol(buf, at, end, carried, d, r)


@helper
def raw_ip(buf, at, end, d, r):
    ethertype = version_ethertype(buf, at) if end > at else I64(0)
    if ethertype == 0:
        note(d, r, RAW_VERSION)
        return I64(-1), I64(0)
    return at, ethertype


@helper
def loopback(buf, at, end, d, r):
    if end - at < 4:
        note(d, r, NULL_SMALL)
        return I64(-1), I64(0)
    family = be32(buf, at)
    if family > 0xFFFF:  # the other byte order: families are small numbers
        family = be8(buf, at) | (be8(buf, at + 1) << 8) | (be16(buf, at + 2) << 16)
    ethertype = family_ethertype(family)
    if ethertype == 0:
        note(d, r, NULL_TYPE)
    return at + 4, ethertype


@helper
def other_link(buf, at, end, link, d, r):
    """Every link type but Ethernet: (position or -1, ethertype, source MAC, event)."""
    size = end - at
    if link >= LINK_ETHERTYPE:
        return at, link - LINK_ETHERTYPE, NO_MAC, I64(0)
    if link == LINK_IPV4:
        return at, I64(IPV4), NO_MAC, I64(0)
    if link == LINK_IPV6:
        return at, I64(IPV6), NO_MAC, I64(0)
    if link == LINK_RAW:
        at, ethertype = raw_ip(buf, at, end, d, r)
        return at, ethertype, NO_MAC, I64(0)
    if link == LINK_NULL or link == LINK_LOOP:
        at, ethertype = loopback(buf, at, end, d, r)
        return at, ethertype, NO_MAC, I64(0)
    if link == LINK_SLL:
        if size < 16:
            note(d, r, SLL_SMALL)
            return I64(-1), I64(0), NO_MAC, I64(0)
        mac = be64(buf, at + 6) >> S16 if be16(buf, at + 4) == 6 else NO_MAC
        return at + 16, be16(buf, at + 14), mac, I64(0)
    if link == LINK_SLL2:
        if size < 20:
            note(d, r, SLL2_SMALL)
            return I64(-1), I64(0), NO_MAC, I64(0)
        mac = be64(buf, at + 12) >> S16 if be8(buf, at + 11) == 6 else NO_MAC
        return at + 20, be16(buf, at), mac, I64(0)
    if link == LINK_PPP:
        at, ethertype = ppp_header(buf, at, end, d, r)
        return at, ethertype, NO_MAC, I64(0)
    if link == LINK_C_HDLC:
        if size < 4:
            note(d, r, C_HDLC_SMALL)
            return I64(-1), I64(0), NO_MAC, I64(0)
        return at + 4, be16(buf, at + 2), NO_MAC, I64(0)
    return I64(-1), I64(0), NO_MAC, I64(EV_LINK_UNKNOWN)


@inlined
def link_header(buf, at, end, link, d, r):
    """(position or -1, ethertype, event) after the link header, before tags; fills the MACs of row r."""
    if link == LINK_ETHERNET:
        if end - at < 14:
            return I64(-1), I64(0), I64(EV_TOO_SMALL)
        d.src_mac[r] = be64(buf, at + 4) & MAC_MASK
        d.dest_mac[r] = be64(buf, at) >> S16
        return at + 14, be16(buf, at + 12), I64(0)
    at, ethertype, mac, event = other_link(buf, at, end, link, d, r)
    d.src_mac[r] = mac
    return at, ethertype, event


@helper
def is_vlan(ethertype):
    return ethertype == VLAN or ethertype == VLAN_SERVICE or ethertype == VLAN_OLD_STACKED


@helper
def vlan_tags(buf, at, end, ethertype, first, second, layers):
    """Skip tags. Returns (position, ethertype, first id, second id, layers, events).

    first, second, layers: ids of the tags before these, and how many there are; 0 = none.
    """
    events = I64(0)
    while is_vlan(ethertype):
        if end - at < 4:
            return I64(-1), ethertype, first, second, layers, events | EV_VLAN_SMALL
        number = be16(buf, at) & 0xFFF
        if layers == 0:
            first = number
        elif layers == 1:
            second = number
        layers += 1
        ethertype = be16(buf, at + 2)
        at += 4
        if layers > MAX_VLAN_EXPECTED:
            events |= EV_VLAN_MANY
            if layers >= MAX_VLAN_DECODED:
                return I64(-1), ethertype, first, second, layers, events
    return at, ethertype, first, second, layers, events
