"""What a receiver throws away takes no request's place, and what it took all the same is of the stream."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, IPOption
from scapy.layers.inet6 import (
    HBHOptUnknown,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from tests.stream.scanning import CLIENT, Connection, scan

BROKEN_OPTION = b"\x47\xff\0\0"
"""As part of a header it is said to be longer than that."""
ALIGNED = [("NOP", None), ("NOP", None), ("Timestamp", (5_001, 9_000))]
DECOYS: dict[str, Callable[[Connection], Packet]] = {
    "acknowledges what was never sent": lambda talk: _decoy(talk, ack=7001 + (1 << 20)),
    "is older than what came before": lambda talk: _decoy(talk, stamp=4_000),
    "lies behind the window": lambda talk: _decoy(talk, ack=7001 - (1 << 20)),
    "has a wrong checksum": lambda talk: _decoy(talk, chksum=1),
    "acknowledges nothing": lambda talk: _decoy(talk, ack=0, flags="P"),
    "acknowledges nothing and says that it is the last": lambda talk: _decoy(talk, ack=0, flags="FPU"),
    "acknowledges a little more than was sent": lambda talk: _decoy(talk, ack=7002),
    "acknowledges less than the SYN": lambda talk: _decoy(talk, ack=6990),
    "is signed": lambda talk: _decoy(talk, options=[(19, bytes(16)), ("Timestamp", (5_001, 9_000))]),
    "has broken options": lambda talk: _decoy(talk, dataofs=9, options=ALIGNED),
    "is to go another way": lambda talk: _source_routed(_decoy(talk)),
}


def _source_routed(packet: Packet) -> Packet:
    packet[IP].options = [IPOption(b"\x83\x07\x04\x0a\x00\x00\x02\x00")]
    return packet


def _decoy(talk: Connection, *, ack: int = 7001, stamp: int = 5_001, **header: object) -> Packet:
    """What the server throws away, in the place of the request."""
    talk.at(0, b"GET /nothing-odd HTTP/1.1\r\n", ack=ack)
    packet = talk.packets[-1]
    packet[TCP].options = [("Timestamp", (stamp, 9_000))]
    for name, value in header.items():
        setattr(packet[TCP], name, value)
    if "dataofs" in header:
        packet[Raw].load = BROKEN_OPTION + packet[Raw].load
    return packet


@pytest.mark.parametrize("kind", DECOYS)
def test_what_the_receiver_throws_away_hides_no_request(tmp_path: Path, kind: str) -> None:
    talk = Connection().open()
    for packet, stamps in zip(talk.packets, ((5_000, 0), (9_000, 5_000), (5_000, 9_000)), strict=True):
        packet[TCP].options = [("Timestamp", stamps)]
    DECOYS[kind](talk)
    talk.at(0, b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n")
    talk.packets[-1][TCP].options = [("Timestamp", (5_002, 9_000))]
    rule = 'alert http any any -> any any (http.uri; content:"secret-word"; sid:1;)'
    alerts, _ = scan(tmp_path, [rule], talk.packets, checksums="all")
    assert len(alerts) == 1


@pytest.mark.parametrize("kind", DECOYS)
def test_but_it_counts_when_the_receiver_acknowledges_it(tmp_path: Path, kind: str) -> None:
    """Where nothing else is in its place: a receiver may take what most do not."""
    talk = Connection().open()
    for packet, stamps in zip(talk.packets, ((5_000, 0), (9_000, 5_000), (5_000, 9_000)), strict=True):
        packet[TCP].options = [("Timestamp", stamps)]
    talk.at(0, b"GET /secret-")
    talk.packets[-1][TCP].options = [("Timestamp", (5_001, 9_000))]
    packet = DECOYS[kind](talk)
    rest = b"word HTTP/1.1\r\nHost: a\r\n\r\n"
    packet[TCP].seq = talk.isn + 1 + 12
    packet[Raw].load = BROKEN_OPTION + rest if packet[TCP].dataofs else rest
    talk.acked(12 + len(rest))
    rule = 'alert http any any -> any any (http.uri; content:"secret-word"; sid:1;)'
    taken = kind != "has a wrong checksum" and not kind.startswith("acknowledges nothing")
    assert len(scan(tmp_path, [rule], talk.packets, checksums="all")[0]) == taken


def test_another_card_gets_no_request(tmp_path: Path) -> None:
    """A frame to another card than that of the SYN, or to a group, takes no request's place."""
    request = b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n"
    rule = 'alert http any any -> any any (http.uri; content:"secret-word"; sid:1;)'
    for card in ("02:00:00:00:00:09", "33:33:00:00:00:01"):
        talk = Connection().open().at(0, b"GET /nothing-odd HTTP/1.1\r\n").at(0, request)
        cards = ("02:00:00:00:00:01", "02:00:00:00:00:02")
        frames = [
            Ether(src=cards[p[TCP].sport == 80], dst=cards[p[TCP].sport != 80]) / p for p in talk.packets
        ]
        for frame, packet in zip(frames, talk.packets, strict=True):
            frame.time = packet.time
        frames[3].dst = card
        assert len(scan(tmp_path, [rule], frames, link=1)[0]) == 1


@pytest.mark.parametrize(
    ("extension", "refused"),
    [
        (IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x9E, optdata=b"1234")]), True),
        (IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x1E, optdata=b"1234")]), False),
        (IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x1E, optlen=40, optdata=b"1234")]), True),
        (IPv6ExtHdrDestOpt() / IPv6ExtHdrHopByHop(), True),
        (IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt(), False),
        (IPv6ExtHdrRouting(type=4, segleft=1, addresses=["fd00::2"]), True),
        (IPv6ExtHdrRouting(type=4, segleft=0, addresses=["fd00::2"]), False),
        (IPv6ExtHdrFragment(id=7), False),
    ],
)
def test_extension_headers_that_hosts_refuse_hide_no_request(
    tmp_path: Path, extension: Packet, refused: bool
) -> None:
    talk = Connection().open().at(0, b"GET /nothing-odd HTTP/1.1\r\n")
    talk.at(0, b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n")
    packets = []
    for number, packet in enumerate(talk.packets):
        ends = ("fd00::1", "fd00::2") if packet[IP].src == CLIENT[0] else ("fd00::2", "fd00::1")
        head = IPv6(src=ends[0], dst=ends[1])
        packets.append((head / extension if number == 3 else head) / packet[TCP])
        packets[-1].time = packet.time
    rule = 'alert http any any -> any any (http.uri; content:"secret-word"; sid:1;)'
    assert len(scan(tmp_path, [rule], packets, checksums="none")[0]) == refused


def test_what_a_server_does_not_take_of_a_fast_syn_is_no_request(tmp_path: Path) -> None:
    request = b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n"
    talk = Connection().raw("S", 1000, b"GET /nothing-odd HTTP/1.1\r\n", ack=0)
    talk.packets[0][TCP].options = [(34, b"12345678")]
    talk.raw("SA", 7000, ack=1001, client=False)
    talk.client_next, talk.server_next = 1001, 7001
    talk.raw("A", 1001).at(0, request)
    rule = 'alert http any any -> any any (flow:established; http.uri; content:"secret-word"; sid:1;)'
    assert len(scan(tmp_path, [rule], talk.packets)[0]) == 1


def test_what_was_acknowledged_before_takes_no_place_of_a_fast_syn(tmp_path: Path) -> None:
    talk = Connection().raw("S", 1000, b"GET /secret-", ack=0)
    talk.packets[0][TCP].options = [(34, b"12345678")]
    talk.raw("SA", 7000, ack=1013, client=False)
    talk.client_next, talk.server_next = 1013, 7001
    talk.at(0, b"GET /nothing").at(12, b"word HTTP/1.1\r\nHost: a\r\n\r\n")
    rule = 'alert http any any -> any any (http.uri; content:"secret-word"; sid:1;)'
    assert len(scan(tmp_path, [rule], talk.packets)[0]) == 1


def test_a_request_in_a_fast_syn_is_of_an_established_connection(tmp_path: Path) -> None:
    """Also when the client never says that it has the server's SYN."""
    request = b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n"
    rule = 'alert http any any -> any any (flow:established; http.uri; content:"secret-word"; sid:1;)'
    for last in ("client", "server"):
        talk = Connection().raw("S", 1000, request, ack=0)
        talk.packets[0][TCP].options = [(34, b"12345678")]
        talk.raw("SA", 7000, ack=1001 + len(request), client=False)
        talk.client_next, talk.server_next = 1001 + len(request), 7001
        if last == "client":
            talk.raw("A", talk.client_next)
        else:
            talk.answer(0, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert len(scan(tmp_path, [rule], talk.packets)[0]) == 1
