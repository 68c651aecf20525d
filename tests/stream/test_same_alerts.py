"""A capture that is changed in a way that must not matter gives the same alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from tests.decode.encapsulated import ERSPAN_2, geneve
from tests.stream.scanning import CLIENT, SERVER, Connection, scan
from vpi_tui.engine import pacing

RAW, ETHERNET = 101, 1
RULES = [
    'alert http any any -> any any (msg:"m"; http.uri; content:"/secret"; flowbits:set,asked; sid:1;)',
    'alert http any any -> any any (msg:"m"; flowbits:isset,asked; http.response_body; content:"it"; sid:2;)',
    'alert tcp any any -> any 80 (msg:"m"; content:"/secret HTTP"; sid:3;)',
    'alert tcp any 80 -> any any (msg:"m"; content:"said it"; sid:4;)',
    'alert dns any any -> any any (msg:"m"; dns.query; content:"example"; sid:5;)',
    'alert udp any any -> any 53 (msg:"m"; content:"|07|example|03|org"; sid:6;)',
]
REQUEST = b"GET /secret HTTP/1.1\r\nHost: example.org\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nthe said it"
Packets = list[Packet]


def capture() -> Packets:
    """HTTP whose messages lie in two segments each, with timestamps that run; and DNS."""
    sent, said = len(REQUEST), len(ANSWER)
    talk = Connection().open().at(0, REQUEST[:8], "A").at(8, REQUEST[8:]).acked(sent)
    talk.server_next, talk.client_next = 7001, 1001 + sent
    talk.answer(0, ANSWER[:-4], "A").answer(said - 4, ANSWER[-4:])
    talk.server_next = 7001 + said
    talk.at(sent, b"", "A").at(sent, b"", "FA")
    talk.client_next += 1
    talk.answer(said, b"", "FA")
    for number, packet in enumerate(talk.packets):
        packet[TCP].options = [("Timestamp", (100 + number, 99 + number if number else 0))]
    query = IP(src=CLIENT[0], dst=SERVER[0]) / UDP(sport=40001, dport=53) / DNS(qd=DNSQR(qname="example.org"))
    query.time = talk.packets[-1].time + 0.01
    return [*talk.packets, query]


def each(change: Callable[[Packet], Packet]) -> Callable[[Packets], Packets]:
    """Packet by packet."""

    def changed(packets: Packets) -> Packets:
        made = []
        for packet in packets:
            made.append(change(packet))
            made[-1].time = packet.time
        return made

    return changed


def as_ip6(packet: Packet) -> Packet:
    return IPv6(src=f"2001:db8::{packet.src}", dst=f"2001:db8::{packet.dst}") / packet.payload.copy()


def cut(packets: Packets) -> Packets:
    """Into IP fragments."""
    parts = []
    for number, packet in enumerate(packets):
        whole = packet.copy()
        whole.id = number + 1
        for part in fragment(whole, 24):
            part.time = packet.time
            parts.append(part)
    return parts


def has_data(packet: Packet) -> bool:
    return TCP in packet and len(packet[TCP].payload) > 0


def swapped(packets: Packets) -> Packets:
    """Of two segments of a message the second one comes first."""
    made = list(packets)
    for at, (first, second) in enumerate(pairwise(packets)):
        if has_data(first) and has_data(second) and first.src == second.src:
            made[at], made[at + 1] = second.copy(), first.copy()
            made[at].time, made[at + 1].time = first.time, second.time
    return made


def slower(packets: Packets) -> Packets:
    start = packets[0].time
    made = [packet.copy() for packet in packets]
    for packet, before in zip(made, packets, strict=True):
        packet.time = start + 3 * (before.time - start)
    return made


def tunnel(*outer: Packet) -> Callable[[Packet], Packet]:
    def inside(packet: Packet) -> Packet:
        whole = packet
        for layer in reversed(outer):
            whole = layer.copy() / whole
        return whole

    return inside


def udp_tunnel(port: int, header: bytes) -> Callable[[Packet], Packet]:
    return tunnel(OUTER, UDP(sport=50000, dport=port, chksum=0), Raw(header))


OUTER = IP(src="192.0.2.1", dst="192.0.2.2")
FRAME = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
VXLAN_HEADER = bytes(VXLAN(vni=7))
SAME: dict[str, tuple[int, Callable[[Packets], Packets]]] = {
    "ip6": (RAW, each(as_ip6)),
    "ethernet": (ETHERNET, each(tunnel(FRAME))),
    "vlan": (ETHERNET, each(tunnel(FRAME, Dot1Q(vlan=7)))),
    "two tags": (ETHERNET, each(tunnel(FRAME, Dot1AD(vlan=7), Dot1Q(vlan=8)))),
    "gre": (RAW, each(tunnel(OUTER, GRE()))),
    "ip in ip": (RAW, each(tunnel(OUTER))),
    "vxlan": (RAW, each(udp_tunnel(4789, VXLAN_HEADER + bytes(FRAME / IP())[:14]))),
    "geneve": (RAW, each(udp_tunnel(6081, geneve(0x0800)))),
    "erspan": (RAW, each(tunnel(OUTER, GRE(proto=0x88BE, seqnum_present=1), Raw(ERSPAN_2), FRAME))),
    "teredo": (RAW, lambda packets: each(udp_tunnel(3544, b""))(each(as_ip6)(packets))),
    "fragments": (RAW, cut),
    "fragments in a tunnel": (RAW, lambda packets: each(tunnel(OUTER, GRE()))(cut(packets))),
    "a tunnel in fragments": (RAW, lambda packets: cut(each(tunnel(OUTER, GRE()))(packets))),
    "segments twice": (
        RAW,
        lambda packets: [packet for packet in packets for _ in range(1 + (TCP in packet))],
    ),
    "swapped": (RAW, swapped),
    "swapped, in fragments": (RAW, lambda packets: cut(swapped(packets))),
    "slower": (RAW, slower),
}


@pytest.mark.parametrize("name", SAME)
def test_what_must_not_matter_does_not(tmp_path: Path, name: str) -> None:
    link, change = SAME[name]
    alerts, _ = scan(tmp_path, RULES, change(capture()), link=link)
    assert Counter(alert.sid for alert in alerts) == dict.fromkeys(range(1, 7), 1)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_batches_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(pacing, "SLICE", size)
    alerts, _ = scan(tmp_path, RULES, capture())
    assert Counter(alert.sid for alert in alerts) == dict.fromkeys(range(1, 7), 1)
