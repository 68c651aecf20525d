"""Frames whose way to the IP header leads through what scapy reads otherwise or not at all: made by hand."""

from __future__ import annotations

import struct

from scapy.layers.inet import UDP
from scapy.layers.l2 import GRE, Dot1Q, Ether

from tests.decode.samples import DATA, IN_L2, L2, ip, ip6, udp
from vpi_tui.model.batch import LinkType, TunnelKind

INNER = bytes(ip() / udp() / DATA)
INNER6 = bytes(ip6() / udp() / DATA)
FRAME = bytes(Ether(**IN_L2) / ip() / udp() / DATA)


def framed(ethertype: int, rest: bytes) -> bytes:
    return bytes(Ether(**L2, type=ethertype)) + rest


def label(number: int, *, bottom: bool = True) -> bytes:
    return struct.pack("!I", number << 12 | bottom << 8 | 64)


def nsh(kind: int, following: int, metadata: bytes) -> bytes:
    words = (8 + len(metadata)) // 4
    return struct.pack("!HBBI", words, kind, following, 0x000102) + metadata


def geneve(ethertype: int, options: bytes = b"", vni: int = 0x4711) -> bytes:
    return struct.pack("!BBHI", len(options) // 4, 0, ethertype, vni << 8) + options


def tunnelled(port: int, rest: bytes) -> bytes:
    return bytes(Ether(**L2) / ip() / UDP(sport=50000, dport=port, chksum=0) / rest)


def gre(flags: int, kind: int, rest: bytes) -> bytes:
    return bytes(Ether(**L2) / ip(proto=47) / (struct.pack("!HH", flags, kind) + rest))


PPP = b"\xff\x03\x00\x21" + INNER
ERSPAN_2 = struct.pack("!HHI", 1 << 12 | 77, 5, 0)

IN_PLACE: dict[str, tuple[int, bytes]] = {
    "mpls": (1, framed(0x8847, label(100, bottom=False) + label(200) + INNER)),
    "mpls_ip6": (1, framed(0x8848, label(16) + INNER6)),
    "mpls_explicit_null": (1, framed(0x8847, label(0) + INNER)),
    "mpls_pseudowire": (1, framed(0x8847, label(16) + bytes(4) + FRAME)),
    "pppoe": (1, framed(0x8864, b"\x11\x00\x00\x01" + struct.pack("!HH", len(INNER) + 2, 0x21) + INNER)),
    "nsh_1": (1, framed(0x894F, nsh(1, 1, bytes(16)) + INNER)),
    "nsh_2": (1, framed(0x894F, nsh(2, 2, bytes(8)) + INNER6)),
    "nsh_ethernet": (1, framed(0x894F, nsh(2, 3, b"") + FRAME)),
    "nsh_mpls": (1, framed(0x894F, nsh(2, 5, b"") + label(16) + INNER)),
    "vn_tag": (1, framed(0x8926, b"\x00\x01\x00\x02\x08\x00" + INNER)),
    "e_tag": (1, framed(0x893F, b"\x00\x01\x00\x02\x00\x00\x08\x00" + INNER)),
    "vn_tag_vlan": (1, framed(0x8926, b"\x00\x01\x00\x02\x81\x00" + b"\x00\x07\x08\x00" + INNER)),
    "provider_bridge": (1, framed(0x88E7, bytes(4) + bytes(12) + b"\x08\x00" + INNER)),
    "fabric_path": (1, framed(0x8903, b"\x00\x01" + FRAME)),
    "c_hdlc": (int(LinkType.C_HDLC), b"\x0f\x00\x08\x00" + INNER),
    "ppp": (int(LinkType.PPP), PPP),
    "ppp_compressed": (int(LinkType.PPP), b"\x21" + INNER),
    "ppp_van_jacobson": (int(LinkType.PPP), b"\xff\x03\x00\x2f" + INNER),
}
"""Name -> (link type, frame) in which a UDP datagram to port 53 is found, in one row."""

IN_TUNNELS: dict[str, tuple[TunnelKind, bytes]] = {
    "geneve": (TunnelKind.GENEVE, tunnelled(6081, geneve(0x6558) + FRAME)),
    "geneve_ip_options": (
        TunnelKind.GENEVE,
        tunnelled(6081, geneve(0x0800, b"\x01\x08\x00\x01abcd") + INNER),
    ),
    "geneve_ip6": (TunnelKind.GENEVE, tunnelled(6081, geneve(0x86DD) + INNER6)),
    "teredo": (TunnelKind.TEREDO, tunnelled(3544, INNER6)),
    "teredo_origin": (TunnelKind.TEREDO, tunnelled(3544, bytes(8) + INNER6)),
    "vxlan_answer": (
        TunnelKind.VXLAN,
        bytes(
            Ether(**L2) / ip() / UDP(sport=4789, dport=50000, chksum=0) / (b"\x08\0\0\0\0\0\x01\0" + FRAME)
        ),
    ),
    "erspan_1": (TunnelKind.GRE, gre(0, 0x88BE, FRAME)),
    "erspan_2": (TunnelKind.GRE, gre(0x1000, 0x88BE, bytes(4) + ERSPAN_2 + FRAME)),
    "gre_vlan": (TunnelKind.GRE, gre(0, 0x8100, bytes(Dot1Q(vlan=7, type=0x0800)) + INNER)),
    "gre_routed": (
        TunnelKind.GRE,
        gre(0x4000, 0x0800, bytes(4) + b"\x08\x00\x00\x04abcd" + bytes(4) + INNER),
    ),
    "pptp": (TunnelKind.GRE, gre(0x3001, 0x880B, struct.pack("!HHI", len(PPP), 9, 1) + PPP)),
    "pptp_acknowledged": (TunnelKind.GRE, gre(0x3081, 0x880B, struct.pack("!HHII", len(PPP), 9, 1, 2) + PPP)),
    "pptp_ppp": (TunnelKind.GRE, bytes(Ether(**L2) / ip() / GRE(proto=0x880B) / PPP)),
}
"""Name -> (kind, frame) in which a UDP datagram to port 53 is found in the second row."""
