"""What the kernel of a guest gave its application is what rules saw: evasions against a real receiver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, IPOption, fragment

from tests.lab.net import Lab
from tests.lab.rawclient import Client, WebServer, Wire
from tests.stream.scanning import scan

pytestmark = pytest.mark.lab

ATTACK = b"GET /secret-word HTTP/1.1\r\nHost: shop\r\n\r\n"
PLAIN = b"GET /nothing-odd HTTP/1.1\r\nHost: shop\r\n\r\n"[: len(ATTACK)]
SIZE = len(ATTACK)
RULE = 'alert http any any -> any any (flow:established,to_server; http.uri; content:"secret-word"; sid:1;)'


def _decoy(**header: object) -> Callable[[Client], object]:
    """Another request in the place of the attack, in a segment that the server is to throw away."""
    return lambda c: c.open().send(0, PLAIN, **header).send(0, ATTACK)  # type: ignore[arg-type]


def _decoy_in_ip(**header: object) -> Callable[[Client], object]:
    def send(client: Client) -> None:
        packet = client.open().segment(0, PLAIN)
        for name, value in header.items():
            setattr(packet[IP], name, value)
        client.wire.send(packet)
        client.send(0, ATTACK)

    return send


def _pieces(order: Callable[[list[int]], list[int]], size: int) -> Callable[[Client], object]:
    def send(client: Client) -> None:
        client.open()
        for place in order(list(range(0, SIZE, size))):
            client.send(place, ATTACK[place : place + size])

    return send


def _fragments(backwards: bool) -> Callable[[Client], object]:
    def send(client: Client) -> None:
        pieces = fragment(client.open().segment(0, ATTACK), 24)
        for piece in pieces[::-1] if backwards else pieces:
            client.wire.send(piece)

    return send


def _other_card(client: Client) -> None:
    client.wire.send(client.open().segment(0, PLAIN), "ff:ff:ff:ff:ff:ff")
    client.send(0, ATTACK)


def _late_ack_jump(client: Client) -> None:
    client.open().send(0, PLAIN)
    client.ack = client.wire.answer(client.port, "PA").seq + 40
    client.send(SIZE - 1, flags="A", options=[("Timestamp", (900_000, client.echo))]).send(SIZE, ATTACK)


def _fast_syn(client: Client) -> None:
    client.send(-1, PLAIN, "S", options=[(34, b"12345678")])
    client.ack = client.wire.answer(client.port, "SA").seq + 1
    client.send(0, flags="A", options=[]).send(0, ATTACK, options=[])


STRATEGIES: dict[str, Callable[[Client], object]] = {
    "one segment": lambda c: c.open().send(0, ATTACK),
    "bytes by themselves": _pieces(lambda places: places, 1),
    "backwards": _pieces(lambda places: places[::-1], 3),
    "twice": _pieces(lambda places: places + places, 5),
    "around 2^32": _pieces(lambda places: places[::-1], 7),
    "the first copy is plain": lambda c: c.open().send(5, PLAIN[5:]).send(0, ATTACK),
    "the first copy attacks": lambda c: c.open().send(5, ATTACK[5:]).send(0, PLAIN),
    "a copy of what is there": lambda c: c.open().send(0, ATTACK[:9]).send(0, PLAIN[:9]).send(9, ATTACK[9:]),
    "an end out of order": lambda c: c.open().send(9, ATTACK[9:], "FPA").send(0, ATTACK[:9]),
    "an end far ahead": lambda c: c.open().send(5_000, flags="FA").send(0, ATTACK),
    "resets beside the next number": lambda c: (
        c.open().send(1, flags="R").send(-1, flags="RA").send(0, ATTACK)
    ),
    "a reset with a wrong checksum": lambda c: c.open().send(0, flags="R", chksum=1).send(0, ATTACK),
    "another SYN": lambda c: c.open().send(90_000, flags="S").send(0, ATTACK),
    "wrong checksum": _decoy(chksum=1),
    "no flags": _decoy(flags=""),
    "no acknowledgement": _decoy(flags="FPU"),
    "acknowledges what was not sent": lambda c: c.open().send(0, PLAIN, ack=c.ack + 1).send(0, ATTACK),
    "acknowledges less than the SYN": lambda c: c.open().send(0, PLAIN, ack=c.ack - 2).send(0, ATTACK),
    "old timestamp": lambda c: c.open().send(0, PLAIN, options=[("Timestamp", (9, c.echo))]).send(0, ATTACK),
    "signed": _decoy(options=[(19, bytes(16))]),
    "beyond the window": lambda c: c.open().send(1 << 20, PLAIN).send(0, ATTACK),
    "a timestamp that nobody keeps": _late_ack_jump,
    "to everybody": _other_card,
    "wrong checksum of IP": _decoy_in_ip(chksum=1),
    "source route": _decoy_in_ip(options=[IPOption(b"\x83\x07\x04\x0a\x4d\x00\x02\x00")]),
    "part of a datagram": _decoy_in_ip(flags="MF"),
    "longer than its frame": _decoy_in_ip(len=20 + 32 + SIZE + 10),
    "fragments": _fragments(False),
    "fragments backwards": _fragments(True),
    "a fast SYN without a cookie": _fast_syn,
    "reset, no attack": lambda c: c.open().send(0, flags="R").send(0, PLAIN),
    "no attack": lambda c: c.open().send(0, PLAIN),
}


HARMLESS = {"the first copy attacks", "reset, no attack", "no attack"}


def test_rules_see_what_the_guest_was_given(lab: Lab, tmp_path: Path) -> None:
    client, server = lab.guests[:2]
    web = WebServer(server)
    ports = {name: 20_000 + number for number, name in enumerate(STRATEGIES)}
    with Wire(client, server) as wire:
        for name, strategy in STRATEGIES.items():
            strategy(Client(wire, ports[name], (1 << 32) - 20 if "2^32" in name else 1000))
    web.close()
    alerts, _ = scan(
        tmp_path, [RULE], (frame for frame in wire.frames if TCP in frame or IP in frame), link=1
    )
    attacked = {name for name, port in ports.items() if b"secret-word" in web.given.get(port, b"")}
    told = {alert.src_port for alert in alerts}
    assert {name for name, port in ports.items() if port in told} == attacked
    assert attacked == STRATEGIES.keys() - HARMLESS
