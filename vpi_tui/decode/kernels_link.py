"""Link layers: from the first byte of a frame to the network header.

Each function returns (position, ethertype, src_mac, dest_mac, events); position -1 = stop here.
Sources: IEEE 802.3 / 802.1Q / 802.1ad, RFC 1661 and 1662 (PPP), RFC 2516 (PPPoE), RFC 3032 (MPLS),
https://www.tcpdump.org/linktypes.html (NULL, LOOP, SLL, SLL2).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, U64, be8, be16, be32, be64
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
PPPOE_SESSION = 0x8864
MPLS = 0x8847
MPLS_MULTICAST = 0x8848
FIRST_ETHERTYPE = 0x600
MAX_VLAN_DECODED = 8
MAX_VLAN_EXPECTED = 3
MAX_LABELS = 8

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
def ppp_header(buf, at, end):
    """(position, ethertype, event): with or without address and control, protocol of one byte or two."""
    if end - at >= 2 and be16(buf, at) == 0xFF03:
        at += 2
    if end - at < 2:
        return I64(-1), I64(0), I64(EV_TOO_SMALL)
    carried = be8(buf, at)
    at += 1
    if carried & 1 == 0:
        carried = (carried << 8) | be8(buf, at)
        at += 1
    return at, I64(IPV4) if carried == 0x21 else (I64(IPV6) if carried == 0x57 else I64(0)), I64(0)


@helper
def other_link(buf, at, end, link):
    """Every link type but Ethernet."""
    size = end - at
    if link == LINK_IPV4:
        return at, I64(IPV4), NO_MAC, NO_MAC, I64(0)
    if link == LINK_IPV6:
        return at, I64(IPV6), NO_MAC, NO_MAC, I64(0)
    if link == LINK_RAW:
        if size < 1:
            return I64(-1), I64(0), NO_MAC, NO_MAC, I64(EV_TOO_SMALL)
        return at, version_ethertype(buf, at), NO_MAC, NO_MAC, I64(0)
    if link == LINK_NULL or link == LINK_LOOP:
        if size < 4:
            return I64(-1), I64(0), NO_MAC, NO_MAC, I64(EV_TOO_SMALL)
        family = be32(buf, at)
        if family > 0xFFFF:  # the other byte order: families are small numbers
            family = be8(buf, at) | (be8(buf, at + 1) << 8) | (be16(buf, at + 2) << 16)
        return at + 4, family_ethertype(family), NO_MAC, NO_MAC, I64(0)
    if link == LINK_SLL:
        if size < 16:
            return I64(-1), I64(0), NO_MAC, NO_MAC, I64(EV_TOO_SMALL)
        mac = be64(buf, at + 6) >> S16 if be16(buf, at + 4) == 6 else NO_MAC
        return at + 16, be16(buf, at + 14), mac, NO_MAC, I64(0)
    if link == LINK_SLL2:
        if size < 20:
            return I64(-1), I64(0), NO_MAC, NO_MAC, I64(EV_TOO_SMALL)
        mac = be64(buf, at + 12) >> S16 if be8(buf, at + 11) == 6 else NO_MAC
        return at + 20, be16(buf, at), mac, NO_MAC, I64(0)
    if link == LINK_PPP:
        at, ethertype, event = ppp_header(buf, at, end)
        return at, ethertype, NO_MAC, NO_MAC, event
    return I64(-1), I64(0), NO_MAC, NO_MAC, I64(EV_LINK_UNKNOWN)


@inlined
def link_header(buf, at, end, link):
    """Position and ethertype after the link header, before tags."""
    if link == LINK_ETHERNET:
        if end - at < 14:
            return I64(-1), I64(0), NO_MAC, NO_MAC, I64(EV_TOO_SMALL)
        return at + 14, be16(buf, at + 12), be64(buf, at + 4) & MAC_MASK, be64(buf, at) >> S16, I64(0)
    return other_link(buf, at, end, link)


@helper
def is_vlan(ethertype):
    return ethertype == VLAN or ethertype == VLAN_SERVICE or ethertype == VLAN_OLD_STACKED


@helper
def vlan_tags(buf, at, end, ethertype, first, layers):
    """Skip tags. Returns (position, ethertype, first id, second id, layers, events).

    first, layers: what the kernel already stripped (id and 1, or 0 and 0).
    """
    second = I64(0)
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


@helper
def mpls_labels(buf, at, end):
    """(position, ethertype) after the label stack, judged by the IP version; 0 = unknown."""
    for _ in range(MAX_LABELS):
        if end - at < 5:
            break
        bottom = be8(buf, at + 2) & 1
        at += 4
        if bottom:
            return at, version_ethertype(buf, at)
    return at, I64(0)


@helper
def encapsulated(buf, at, end, ethertype):
    """PPPoE sessions and MPLS: (position, ethertype of what they carry), unchanged if unknown."""
    if ethertype == PPPOE_SESSION and end - at >= 8 and be16(buf, at) == 0x1100:
        carried = be16(buf, at + 6)
        if carried == 0x0021:
            return at + 8, I64(IPV4)
        if carried == 0x0057:
            return at + 8, I64(IPV6)
    elif ethertype == MPLS or ethertype == MPLS_MULTICAST:
        inner, carried = mpls_labels(buf, at, end)
        if carried != 0:
            return inner, carried
    return at, ethertype
