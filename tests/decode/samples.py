"""Packets of every kind that decode knows, built by scapy."""

from __future__ import annotations

import socket
from typing import Any

from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert, IPOption_RR
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    ICMPv6ND_NS,
    ICMPv6ParamProblem,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import (
    ARP,
    GRE,
    LLC,
    SNAP,
    CookedLinux,
    CookedLinuxV2,
    Dot1AD,
    Dot1Q,
    Dot3,
    Ether,
    Loopback,
)
from scapy.layers.sctp import SCTP, SCTPChunkInit
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Padding, Raw

from vpi_tui.model.batch import LinkType

L2 = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
IN_L2 = {"src": "02:00:00:00:00:0a", "dst": "02:00:00:00:00:0b"}
V4 = {"src": "10.1.2.3", "dst": "192.0.2.77"}
V6 = {"src": "2001:db8::1:2", "dst": "2001:db8:ffff::9"}
DATA = Raw(bytes(range(1, 48)))


def ether() -> Packet:
    return Ether(**L2)


def ip(**fields: Any) -> Packet:
    return IP(**{**V4, "id": 0x1234, "ttl": 61, "tos": 0x28, **fields})


def ip6(**fields: Any) -> Packet:
    return IPv6(**{**V6, "hlim": 33, "tc": 0xB8, **fields})


def tcp(**fields: Any) -> Packet:
    return TCP(
        **{"sport": 40000, "dport": 443, "seq": 0xDEADBEEF, "ack": 0x01020304, "window": 4096, **fields}
    )


def udp(**fields: Any) -> Packet:
    return UDP(**{"sport": 5353, "dport": 53, **fields})


SYN_OPTIONS = [("MSS", 1360), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]

ETHERNET: dict[str, Packet] = {
    "tcp": ether() / ip() / tcp(flags="PA") / DATA,
    "tcp_syn_options": ether() / ip(flags="DF") / tcp(flags="S", options=SYN_OPTIONS),
    "tcp_timestamps": ether()
    / ip()
    / tcp(options=[("NOP", None), ("NOP", None), ("Timestamp", (7, 8))])
    / DATA,
    "tcp_all_flags": ether() / ip() / tcp(flags="FSRPAUECN"),
    "tcp_padded": ether() / ip() / tcp(flags="A") / Padding(b"\xee" * 6),
    "tcp6": ether() / ip6() / tcp(flags="PA") / DATA,
    "udp": ether() / ip() / udp() / DATA,
    "udp_odd": ether() / ip() / udp() / Raw(b"odd"),
    "udp_empty": ether() / ip() / udp(),
    "udp6": ether() / ip6() / udp() / DATA,
    "icmp_echo": ether() / ip() / ICMP(type=8, id=77, seq=5) / DATA,
    "icmp_unreachable": ether() / ip() / ICMP(type=3, code=1) / ip() / udp() / Raw(b"12345678"),
    "icmp_timestamp": ether() / ip() / ICMP(type=13, id=9, seq=1),
    "icmp6_echo": ether() / ip6() / ICMPv6EchoRequest(id=3, seq=4, data=b"ping"),
    "icmp6_ns": ether() / ip6(hlim=255) / ICMPv6ND_NS(tgt="2001:db8::5"),
    "icmp6_problem": ether() / ip6() / ICMPv6ParamProblem(code=1, ptr=40) / DATA,
    "sctp": ether() / ip() / SCTP(sport=2905, dport=3868, tag=1) / SCTPChunkInit(),
    "sctp6": ether() / ip6() / SCTP(sport=2905, dport=3868, tag=1) / SCTPChunkInit(),
    "ip_other_protocol": ether() / ip(proto=89) / DATA,
    "ip_options": ether()
    / ip(options=[IPOption_Router_Alert(), IPOption_RR(routers=["0.0.0.0"] * 2)])
    / udp()
    / DATA,
    "fragment_first": ether() / ip(flags="MF", proto=17) / udp(len=200, chksum=0x1111) / Raw(b"a" * 24),
    "fragment_later": ether() / ip(flags="MF", frag=185, proto=17) / Raw(b"b" * 32),
    "fragment_last": ether() / ip(frag=370, proto=6) / Raw(b"c" * 11),
    "ip6_hop_by_hop": ether() / ip6() / IPv6ExtHdrHopByHop() / udp() / DATA,
    "ip6_destination_options": ether() / ip6() / IPv6ExtHdrDestOpt() / tcp() / DATA,
    "ip6_routing": ether() / ip6() / IPv6ExtHdrRouting(addresses=["2001:db8::7"], segleft=0) / udp() / DATA,
    "ip6_chain": ether()
    / ip6()
    / IPv6ExtHdrHopByHop()
    / IPv6ExtHdrDestOpt()
    / IPv6ExtHdrDestOpt()
    / tcp()
    / DATA,
    "ip6_fragment_first": ether()
    / ip6()
    / IPv6ExtHdrFragment(m=1, id=0xCAFE0001)
    / udp(len=99)
    / Raw(b"d" * 16),
    "ip6_fragment_later": ether() / ip6() / IPv6ExtHdrFragment(m=1, offset=90, id=7, nh=17) / Raw(b"e" * 16),
    "ip6_fragment_atomic": ether() / ip6() / IPv6ExtHdrFragment(id=7) / udp() / DATA,
    "ip6_no_next_header": ether() / ip6(nh=59) / DATA,
    "vlan": ether() / Dot1Q(vlan=42, prio=3) / ip() / tcp() / DATA,
    "qinq": ether() / Dot1AD(vlan=100) / Dot1Q(vlan=4094) / ip6() / udp() / DATA,
    "vlan_three": ether() / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / ip() / udp(),
    "arp_request": ether() / ARP(op=1, psrc="10.0.0.1", pdst="10.0.0.2", hwsrc=L2["src"]),
    "arp_in_vlan": ether() / Dot1Q(vlan=9) / ARP(op=2, psrc="10.0.0.9", pdst="10.0.0.2", hwsrc=L2["src"]),
    "llc": Dot3(**L2) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / DATA,
    "snap": Dot3(**L2) / LLC() / SNAP() / DATA,
    "unknown_ethertype": Ether(**L2, type=0x88CC) / DATA,
    "gre_ip": ether() / ip() / GRE() / ip(src="172.16.0.1", dst="172.16.0.2") / tcp() / DATA,
    "gre_key_checksum_ip6": ether()
    / ip()
    / GRE(key_present=1, key=0xABCDEF, chksum_present=1)
    / ip6()
    / udp()
    / DATA,
    "gre_sequence_bridge": ether()
    / ip()
    / GRE(proto=0x6558, seqnum_present=1)
    / Ether(**IN_L2)
    / ip()
    / udp()
    / DATA,
    "gre_over_ip6": ether() / ip6() / GRE() / ip() / udp() / DATA,
    "gre_pptp": ether() / ip() / GRE(proto=0x880B, version=1, key_present=1) / DATA,
    "gre_unknown": ether() / ip() / GRE(proto=0x88CC) / DATA,
    "erspan": ether()
    / ip()
    / GRE(proto=0x88BE, seqnum_present=1)
    / ERSPAN_II()
    / Ether(**IN_L2)
    / ip()
    / udp()
    / DATA,
    "erspan_3": ether()
    / ip()
    / GRE(proto=0x22EB, seqnum_present=1)
    / ERSPAN_III()
    / Ether(**IN_L2)
    / ip()
    / udp()
    / DATA,
    "erspan_3_long": ether()
    / ip()
    / GRE(proto=0x22EB, seqnum_present=1)
    / ERSPAN_III(o=1)
    / ERSPAN_PlatformSpecific()
    / Ether(**IN_L2)
    / ip()
    / udp()
    / DATA,
    "vxlan": ether()
    / ip()
    / UDP(sport=50000, dport=4789)
    / VXLAN(vni=0x123456)
    / Ether(**IN_L2)
    / ip()
    / tcp()
    / DATA,
    "vxlan_vlan_inside": ether()
    / ip()
    / UDP(dport=4789)
    / VXLAN(vni=5)
    / Ether(**IN_L2)
    / Dot1Q(vlan=7)
    / ip6()
    / udp(),
    "vxlan_arp_inside": ether()
    / ip()
    / UDP(dport=4789)
    / VXLAN(vni=6)
    / Ether(**IN_L2)
    / ARP(psrc="10.0.0.1"),
    "ip_in_ip": ether() / Dot1Q(vlan=3) / ip() / ip(src="172.16.0.1", dst="172.16.0.2") / udp() / DATA,
    "ip6_in_ip": ether() / ip() / ip6() / tcp() / DATA,
    "ip6_in_ip6": ether() / ip6() / ip6(src="fd00::1") / tcp() / DATA,
    "three_tunnels": ether() / ip() / ip() / ip() / ip() / udp() / DATA,
}

SLL = {"pkttype": 0, "lladdrlen": 6, "src": bytes.fromhex("020000000001")}
LINKED: dict[str, tuple[int, Packet]] = {
    "raw4": (LinkType.RAW, ip() / tcp() / DATA),
    "raw6": (LinkType.RAW, ip6() / udp() / DATA),
    "ipv4": (LinkType.IPV4, ip() / udp() / DATA),
    "ipv6": (LinkType.IPV6, ip6() / udp() / DATA),
    "sll": (LinkType.LINUX_SLL, CookedLinux(**SLL) / ip() / tcp() / DATA),
    "sll_vlan": (LinkType.LINUX_SLL, CookedLinux(**SLL) / Dot1Q(vlan=8) / ip6() / udp() / DATA),
    "sll2": (LinkType.LINUX_SLL2, CookedLinuxV2(lladdrlen=6, src=SLL["src"]) / ip() / udp() / DATA),
    "null_v4": (LinkType.NULL, Loopback(type=2) / ip() / udp() / DATA),
    "null_v6": (LinkType.NULL, Loopback(type=socket.AF_INET6) / ip6() / udp() / DATA),
}

SAMPLES: dict[str, tuple[int, bytes]] = {
    **{name: (int(LinkType.ETHERNET), bytes(packet)) for name, packet in ETHERNET.items()},
    **{name: (int(link), bytes(packet)) for name, (link, packet) in LINKED.items()},
}
"""Name -> (link type, frame)."""

ODD: dict[str, set[str]] = {
    "icmp6_problem": {"ICMPV6_IPV6_UNKNOWN_VERSION"},
    "ip6_hop_by_hop": {"IPV6_HOPOPTS_ONLY_PADDING"},
    "ip6_destination_options": {"IPV6_DSTOPTS_ONLY_PADDING"},
    "ip6_routing": {"IPV6_RH_TYPE_0"},
    "ip6_chain": {"IPV6_HOPOPTS_ONLY_PADDING", "IPV6_DSTOPTS_ONLY_PADDING"},
    "ip6_fragment_atomic": {"IPV6_EXTHDR_USELESS_FH"},
    "ip6_no_next_header": {"IPV6_DATA_AFTER_NONE_HEADER"},
    "llc": {"ETHERNET_UNKNOWN_ETHERTYPE"},
    "snap": {"ETHERNET_UNKNOWN_ETHERTYPE"},
    "unknown_ethertype": {"ETHERNET_UNKNOWN_ETHERTYPE"},
}
"""Events of frames that are sound and odd."""
