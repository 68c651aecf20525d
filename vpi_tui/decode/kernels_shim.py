"""What may lie between link and network header: PPPoE, MPLS, NSH, VN-Tag, E-Tag, provider bridges.

None of these opens a row of its own: they are read over, as Suricata does. Sources: RFC 2516 (PPPoE), 3032
and 4385 (MPLS, pseudowires), 8300 (NSH), IEEE 802.1BR (E-Tag), 802.1ah; VN-Tag as proposed for 802.1Qbh.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.decode.kernels_bytes import I64, be8, be16, be32, be64, note
from vpi_tui.decode.kernels_link import (
    ARP,
    IPV4,
    IPV6,
    MAC_MASK,
    S16,
    is_vlan,
    ppp_protocol,
    version_ethertype,
    vlan_tags,
)
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.jit import helper

PPPOE_DISCOVERY = 0x8863
PPPOE_SESSION = 0x8864
MPLS = 0x8847
MPLS_MULTICAST = 0x8848
NSH = 0x894F
VN_TAG = 0x8926
E_TAG = 0x893F
PROVIDER_BRIDGE = 0x88E7
FABRIC_PATH = 0x8903
MAX_LAYERS = 16

ETHERNET = 1
"""In place of an ethertype: a whole Ethernet frame follows. (No ethertype is below 0x600.)"""
NOTHING = 0
"""In place of an ethertype: what follows is not read."""

EV_TOO_MANY = 1 << DecoderEvent.LAYERS_TOO_MANY
EV_ETHER_SMALL = 1 << DecoderEvent.ETHERNET_PKT_TOO_SMALL
ETHER_UNKNOWN = int(DecoderEvent.ETHERNET_UNKNOWN_ETHERTYPE)
VLAN_UNKNOWN = int(DecoderEvent.VLAN_UNKNOWN_TYPE)
VN_TAG_UNKNOWN = int(DecoderEvent.VNTAG_UNKNOWN_TYPE)
VN_TAG_SMALL = int(DecoderEvent.VNTAG_HEADER_TOO_SMALL)
E_TAG_UNKNOWN = int(DecoderEvent.ETAG_UNKNOWN_TYPE)
E_TAG_SMALL = int(DecoderEvent.ETAG_HEADER_TOO_SMALL)
BRIDGE_SMALL = int(DecoderEvent.IEEE8021AH_HEADER_TOO_SMALL)
DCE_SMALL = int(DecoderEvent.DCE_PKT_TOO_SMALL)
PPPOE_SMALL = int(DecoderEvent.PPPOE_PKT_TOO_SMALL)
PPPOE_CODE = int(DecoderEvent.PPPOE_WRONG_CODE)
PPPOE_TAGS = int(DecoderEvent.PPPOE_MALFORMED_TAGS)
MPLS_SMALL = int(DecoderEvent.MPLS_HEADER_TOO_SMALL)
MPLS_SHORT = int(DecoderEvent.MPLS_PKT_TOO_SMALL)
MPLS_ALERT = int(DecoderEvent.MPLS_BAD_LABEL_ROUTER_ALERT)
MPLS_NULL = int(DecoderEvent.MPLS_BAD_LABEL_IMPLICIT_NULL)
MPLS_RESERVED = int(DecoderEvent.MPLS_BAD_LABEL_RESERVED)
MPLS_UNKNOWN = int(DecoderEvent.MPLS_UNKNOWN_PAYLOAD_TYPE)
NSH_SMALL = int(DecoderEvent.NSH_HEADER_TOO_SMALL)
NSH_VERSION = int(DecoderEvent.NSH_UNSUPPORTED_VERSION)
NSH_LENGTH = int(DecoderEvent.NSH_BAD_HEADER_LENGTH)
NSH_RESERVED = int(DecoderEvent.NSH_RESERVED_TYPE)
NSH_TYPE = int(DecoderEvent.NSH_UNSUPPORTED_TYPE)
NSH_PAYLOAD = int(DecoderEvent.NSH_UNKNOWN_PAYLOAD)

# Each of these returns (position, ethertype, ETHERNET or NOTHING).


@helper
def pppoe_session(buf, at, end, d, r):
    if end - at < 8:
        note(d, r, PPPOE_SMALL)
        return at, I64(NOTHING)
    if be8(buf, at + 1) != 0:
        note(d, r, PPPOE_CODE)
        return at, I64(NOTHING)
    return at + 8, ppp_protocol(buf, at + 8, end, be16(buf, at + 6), d, r)


@helper
def pppoe_discovery(buf, at, end, d, r):
    """Only looked at for what is odd: codes PADI, PADO, PADR, PADS, PADT, and tags that fill the length."""
    if end - at < 6:
        note(d, r, PPPOE_SMALL)
        return at, I64(NOTHING)
    code = be8(buf, at + 1)
    if code != 0x09 and code != 0x07 and code != 0x19 and code != 0x65 and code != 0xA7:
        note(d, r, PPPOE_CODE)
        return at, I64(NOTHING)
    size = be16(buf, at + 4)
    stop = at + 6 + size
    at += 6
    if stop > end:
        note(d, r, PPPOE_TAGS)
        return at, I64(NOTHING)
    while at + 4 <= stop:
        at += 4 + be16(buf, at + 2)
    if at > stop:
        note(d, r, PPPOE_TAGS)
    return stop, I64(NOTHING)


@helper
def mpls(buf, at, end, d, r):
    """The label stack, and what follows: said by a reserved label or by the first four bits."""
    while True:
        if end - at < 4:
            note(d, r, MPLS_SMALL)
            return at, I64(NOTHING)
        shim = be32(buf, at)
        at += 4
        if (shim >> 8) & 1:
            break
    label = shim >> 12
    if label == 0:
        return at, I64(IPV4)
    if label == 2:
        return at, I64(IPV6)
    if label < 15:
        if label == 1:
            note(d, r, MPLS_ALERT)
        elif label == 3:
            note(d, r, MPLS_NULL)
        else:
            note(d, r, MPLS_RESERVED)
        return at, I64(NOTHING)
    if end - at < 4:
        note(d, r, MPLS_SHORT)
        return at, I64(NOTHING)
    if be8(buf, at) >> 4 == 0:  # the control word of a pseudowire
        return at + 4, I64(ETHERNET)
    ethertype = version_ethertype(buf, at)
    if ethertype == 0:
        note(d, r, MPLS_UNKNOWN)
    return at, ethertype


@helper
def service_header(buf, at, end, d, r):
    """NSH with metadata of type 1 (fixed length) or 2."""
    if end - at < 8:
        note(d, r, NSH_SMALL)
        return at, I64(NOTHING)
    if be8(buf, at) >> 6 != 0:
        note(d, r, NSH_VERSION)
        return at, I64(NOTHING)
    size = (be8(buf, at + 1) & 0x3F) << 2
    kind = be8(buf, at + 2)
    if size >= end - at or size < 8:
        note(d, r, NSH_LENGTH)
        return at, I64(NOTHING)
    if kind == 0 or kind == 15:
        note(d, r, NSH_RESERVED)
        return at, I64(NOTHING)
    if kind == 1 and size != 24:
        note(d, r, NSH_LENGTH)
        return at, I64(NOTHING)
    if kind > 2:
        note(d, r, NSH_TYPE)
        return at, I64(NOTHING)
    following = be8(buf, at + 3)
    at += size
    if following == 1:
        return at, I64(IPV4)
    if following == 2:
        return at, I64(IPV6)
    if following == 3:
        return at, I64(ETHERNET)
    if following == 5:
        return at, I64(MPLS)
    note(d, r, NSH_PAYLOAD)
    return at, I64(NOTHING)


@helper
def tagged(buf, at, end, size, d, r, event):
    """A tag of a fixed size whose last two bytes are the ethertype of what follows."""
    if end - at < size:
        note(d, r, event)
        return at, I64(NOTHING)
    return at + size, be16(buf, at + size - 2)


@helper
def one_shim(buf, at, end, ethertype, d, r):
    if ethertype == PPPOE_SESSION:
        return pppoe_session(buf, at, end, d, r)
    if ethertype == MPLS or ethertype == MPLS_MULTICAST:
        return mpls(buf, at, end, d, r)
    if ethertype == NSH:
        return service_header(buf, at, end, d, r)
    if ethertype == VN_TAG:
        return tagged(buf, at, end, 6, d, r, VN_TAG_SMALL)
    if ethertype == E_TAG:
        return tagged(buf, at, end, 8, d, r, E_TAG_SMALL)
    if ethertype == PROVIDER_BRIDGE:
        return tagged(buf, at, end, 18, d, r, BRIDGE_SMALL)
    if ethertype == FABRIC_PATH:
        if end - at < 2:
            note(d, r, DCE_SMALL)
            return at, I64(NOTHING)
        return at + 2, I64(ETHERNET)
    return pppoe_discovery(buf, at, end, d, r)


@helper
def is_shim(ethertype):
    return (
        ethertype == PPPOE_SESSION
        or ethertype == PPPOE_DISCOVERY
        or ethertype == MPLS
        or ethertype == MPLS_MULTICAST
        or ethertype == NSH
        or ethertype == VN_TAG
        or ethertype == E_TAG
        or ethertype == PROVIDER_BRIDGE
        or ethertype == FABRIC_PATH
    )


@helper
def unknown_type(d, r, ethertype, before):
    """Note that nothing is known of an ethertype.

    before: that of the header which names it; 0 = Ethernet, -1 = another link layer, which has 0 for what it
    does not carry on.
    """
    if before >= 0 or ethertype != 0:
        note(d, r, ETHER_UNKNOWN)
    if before == VN_TAG:
        note(d, r, VN_TAG_UNKNOWN)
    elif before == E_TAG:
        note(d, r, E_TAG_UNKNOWN)
    elif is_vlan(before):
        note(d, r, VLAN_UNKNOWN)


@helper
def shims(buf, at, end, ethertype, before, d, r):
    """Read over all of them: (position or -1, ethertype, event). before: as for `unknown_type`."""
    events = I64(0)
    for _ in range(MAX_LAYERS):
        if ethertype == IPV4 or ethertype == IPV6 or ethertype == ARP:
            return at, ethertype, events
        if is_vlan(ethertype):
            layers = I64(d.vlan_layers[r])
            first = I64(d.vlan[r, 0]) if layers else I64(0)
            second = I64(d.vlan[r, 1]) if layers else I64(0)
            before = ethertype
            at, ethertype, first, second, layers, event = vlan_tags(
                buf, at, end, ethertype, first, second, layers
            )
            d.vlan[r, 0], d.vlan[r, 1] = first, second
            d.vlan_layers[r] = layers
            events |= event
            if at < 0:
                return at, ethertype, events
        elif is_shim(ethertype):
            at, inside = one_shim(buf, at, end, ethertype, d, r)
            if inside == NOTHING:
                return I64(-1), ethertype, events
            before, ethertype = ethertype, inside
            if inside == ETHERNET:
                if end - at < 14:
                    return I64(-1), I64(0), events | EV_ETHER_SMALL
                d.src_mac[r] = be64(buf, at + 4) & MAC_MASK
                d.dest_mac[r] = be64(buf, at) >> S16
                before, ethertype = I64(0), be16(buf, at + 12)
                at += 14
        else:
            unknown_type(d, r, ethertype, before)
            return I64(-1), ethertype, events
    return I64(-1), ethertype, events | EV_TOO_MANY
