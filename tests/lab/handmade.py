"""A TCP conversation built by hand: for guests whose kernel has no VLAN device."""

from __future__ import annotations

import socket
from typing import Any

from tests.lab.net import Guest, inside


def tagged_request(
    client: Guest, server: Guest, vlan: int, path: str, ports: tuple[int, int], *, mirror: str = ""
) -> None:
    """Handshake, request, answer and end, each frame sent by the guest that would send it.

    mirror: a namespace that sends all of them instead, as the mirror port of a switch does.
    """
    sent = {guest: inside(mirror or guest.name, _raw_socket) for guest in (client, server)}
    try:
        for sender, frame in _conversation(client, server, vlan, path, ports):
            sent[sender].send(frame)
    finally:
        for sock in sent.values():
            sock.close()


def _raw_socket() -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind(("eth0", 0))
    return sock


def _conversation(
    client: Guest, server: Guest, vlan: int, path: str, ports: tuple[int, int]
) -> list[tuple[Guest, bytes]]:
    request = f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    ask, reply = len(request), len(answer)

    def up(flags: str, seq: int, ack: int, data: bytes = b"") -> tuple[Guest, bytes]:
        return client, _frame(client, server, vlan, ports, flags, 1000 + seq, 5000 + ack if ack else 0, data)

    def down(flags: str, seq: int, ack: int, data: bytes = b"") -> tuple[Guest, bytes]:
        return server, _frame(server, client, vlan, ports[::-1], flags, 5000 + seq, 1000 + ack, data)

    return [
        up("S", 0, 0),
        down("SA", 0, 1),
        up("A", 1, 1),
        up("PA", 1, 1, request),
        down("PA", 1, 1 + ask, answer),
        up("FA", 1 + ask, 1 + reply),
        down("FA", 1 + reply, 2 + ask),
        up("A", 2 + ask, 2 + reply),
    ]


def _frame(
    sender: Guest,
    receiver: Guest,
    vlan: int,
    ports: tuple[int, int],
    flags: str,
    seq: int,
    ack: int,
    data: bytes,
) -> bytes:
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Dot1Q, Ether

    segment: Any = TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq, ack=ack, window=8192)
    head: Any = Ether(src=sender.mac, dst=receiver.mac) / Dot1Q(vlan=vlan)
    return bytes(head / IP(src=sender.ip4, dst=receiver.ip4) / segment / data)
