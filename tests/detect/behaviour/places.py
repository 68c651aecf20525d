"""A switch with guests, and frames that enter it at its ports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet

from vpi_tui.decode.decoder import Decoder
from vpi_tui.decode.neighbours import Neighbours
from vpi_tui.detect.behaviour.base import Behaviour
from vpi_tui.flow.table import FlowTable
from vpi_tui.model.batch import LinkType, PacketBatch
from vpi_tui.model.topology import Guest, Port, Switch, Topology

HOST, WEB, DB, NEW, UPLINK, SECOND_UPLINK = 2, 3, 4, 5, 6, 7
"""ifindexes of br0 and of its ports."""
WEB_MAC, DB_MAC, NEW_MAC, HOST_MAC, WORLD_MAC = (
    "52:54:00:00:00:01",
    "52:54:00:00:00:02",
    "52:54:00:00:00:09",
    "02:00:00:00:00:fe",
    "00:11:22:33:44:55",
)
WEB_IP, DB_IP, HOST_IP, BMC_IP = "10.0.0.1", "10.0.0.2", "10.0.0.254", "10.0.0.66"
SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
Entering = tuple[int, Packet]
"""ifindex, frame"""


def number(mac: str) -> int:
    return int(mac.replace(":", ""), 16)


def topology(
    *, without: Iterable[int] = (), new: Guest | None = None, known: bool = True, more: Sequence[Guest] = ()
) -> Topology:
    """web and db are named with their MACs; of whom is behind vnet9 nobody knows anything."""
    source = "static" if known else "probe"
    guests = [
        Guest(
            "web", "br0", (number(WEB_MAC),), (WEB_IP,), source=source, own_macs=(number(WEB_MAC),) * known
        ),
        Guest("db", "br0", (number(DB_MAC),), (DB_IP,), source=source, own_macs=(number(DB_MAC),) * known),
        new or Guest("vnet9", "br0", (number(NEW_MAC),)),
        *more,
    ]
    ports = (
        Port(WEB, "vnet0", "br0", "web"),
        Port(DB, "vnet1", "br0", "db"),
        Port(NEW, "vnet9", "br0", guests[2].name),
        Port(UPLINK, "eno1", "br0", uplink=True),
        Port(SECOND_UPLINK, "eno2", "br0", uplink=True),
    )
    kept = tuple(port for port in ports if port.ifindex not in without)
    return Topology(1, (Switch("br0", "bridge", ifindex=HOST),), kept, tuple(guests), host_ips=(HOST_IP,))


def frame(mac: str, vlan: int = 0) -> Packet:
    """Any frame with that sender."""
    packet = Ether(src=mac, dst="52:54:00:00:00:77")
    return (packet / Dot1Q(vlan=vlan) if vlan else packet) / IP(src="10.0.0.8", dst="10.0.0.9") / UDP(dport=9)


def arp(mac: str, ip: str, operation: int = 2) -> Packet:
    return Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / ARP(op=operation, hwsrc=mac, psrc=ip, pdst=ip)


def advertisement(mac: str, target: str, hop_limit: int = 255) -> Packet:
    packet = Ether(src=mac, dst="33:33:00:00:00:01") / IPv6(src=target, dst="ff02::1", hlim=hop_limit)
    return packet / ICMPv6ND_NA(tgt=target) / ICMPv6NDOptDstLLAddr(lladdr=mac)


def solicitation(mac: str, source: str) -> Packet:
    return Ether(src=mac) / IPv6(src=source, dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt="fe80::99")


def syn(mac: str, source: str, target: str, port: int) -> Packet:
    return Ether(src=mac, dst=HOST_MAC) / IP(src=source, dst=target) / TCP(sport=40000, dport=port, flags="S")


def datagram(mac: str, source: str, target: str, port: int) -> Packet:
    return Ether(src=mac, dst=HOST_MAC) / IP(src=source, dst=target) / UDP(sport=40000, dport=port) / b"x"


def batch(entering: Sequence[Entering], ts_ns: int = START) -> PacketBatch:
    data = [bytes(packet) for _, packet in entering]
    return raw_batch(data, [ifindex for ifindex, _ in entering], ts_ns)


def raw_batch(data: Sequence[bytes], ifindexes: Sequence[int], ts_ns: int = START) -> PacketBatch:
    sizes = np.array([len(one) for one in data], np.int32)
    n = len(data)
    return PacketBatch(
        np.frombuffer(bytearray(b"".join(data)), np.uint8),
        np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64),
        sizes,
        sizes,
        np.full(n, ts_ns, np.int64),
        np.full(n, LinkType.ETHERNET, np.uint16),
        np.array(ifindexes, np.int32),
        np.zeros(n, np.uint32),
        np.zeros(n, np.uint8),
        0,
        0,
    )


class Watched:
    """A behaviour with the stages before it."""

    def __init__(self, behaviour: Behaviour, seen: Topology | None = None) -> None:
        self.behaviour = behaviour
        self.behaviour.follow(seen or topology())
        self._table = FlowTable(4096)

    def sees(self, *entering: Entering, at: float = 0.0) -> list[tuple[int, str]]:
        """What is found when these enter, `at` seconds after the beginning: sid and sentence."""
        return self.take(batch(entering, START + round(at * SECOND)))

    def take(self, packets: PacketBatch) -> list[tuple[int, str]]:
        decoded = Decoder().decode(packets)
        flows = self._table.update(packets, decoded)
        found = self.behaviour.observe(packets, decoded, flows)
        found += self.behaviour.heed(Neighbours().hear(packets, decoded))
        assert all(0 <= finding.row < len(decoded.packet) for finding in found)
        return [(finding.sid, finding.detail) for finding in found]

    def sids(self, *entering: Entering, at: float = 0.0) -> list[int]:
        return [sid for sid, _ in self.sees(*entering, at=at)]
