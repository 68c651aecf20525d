"""A TCP client by hand, and a web server on a guest's own kernel that keeps what it was given."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from typing import Any

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from tests.lab.net import Guest, ip, until
from tests.lab.ovs import without_offload
from vpi_tui.lab.namespaces import inside

ADDRESS = "10.77.0.250"
"""Of the client: no kernel has it, so none answers what the server sends there."""
ETH_P_ALL = 3
SHORTLY = 0.002


class Wire:
    """All frames at the server's card, in order. Use as a context manager."""

    def __init__(self, client: Guest, server: Guest) -> None:
        self.frames: list[Packet] = []
        self.numbers = itertools.count(1)
        """Identifications of datagrams."""
        self.server = server
        without_offload(server.name, "eth0")
        ip(
            "-n",
            server.name,
            "neigh",
            "replace",
            ADDRESS,
            "lladdr",
            client.mac,
            "dev",
            "eth0",
            "nud",
            "permanent",
        )
        self._client = client
        self._sender, self._tap = (inside(guest.name, _packet_socket) for guest in (client, server))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Wire:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(10 * SHORTLY)
        self._over.set()
        self._thread.join()
        self._sender.close()
        self._tap.close()

    def _listen(self) -> None:
        self._tap.settimeout(10 * SHORTLY)
        while not self._over.is_set():
            try:
                frame = Ether(self._tap.recv(65536))
            except TimeoutError:
                continue
            frame.time = time.time()
            self.frames.append(frame)

    def send(self, packet: Packet, card: str = "") -> None:
        self._sender.send(bytes(Ether(src=self._client.mac, dst=card or self.server.mac) / packet))
        time.sleep(SHORTLY)

    def answer(self, port: int, flags: str) -> Packet:
        """What the server sent to a port of the client with all of these flags."""

        def found() -> list[Packet]:
            segments = [frame[TCP] for frame in list(self.frames) if TCP in frame]
            return [s for s in segments if s.dport == port and set(flags) <= set(str(s.flags))]

        segments = until(found, 2.0, SHORTLY)
        assert segments, f"no answer with {flags} to port {port}"
        return segments[-1]


class Client:
    """One connection to the web server. Places in its stream: 0 = the first byte."""

    def __init__(self, wire: Wire, port: int, isn: int = 1000) -> None:
        self.wire, self.port, self.isn = wire, port, isn
        self.ack, self.clock, self.echo = 0, 5_000, 0

    def segment(self, place: int, data: bytes = b"", flags: str = "PA", **header: Any) -> Packet:
        self.clock += 10
        tcp = TCP(sport=self.port, dport=80, flags=flags, seq=(self.isn + 1 + place) % (1 << 32), window=8192)
        tcp.ack = self.ack if "A" in flags else 0
        tcp.options = [("Timestamp", (self.clock, self.echo))]
        for name, value in header.items():
            setattr(tcp, name, value)
        head = IP(src=ADDRESS, dst=self.wire.server.ip4, id=next(self.wire.numbers))
        return head / tcp / Raw(data)

    def send(self, place: int, data: bytes = b"", flags: str = "PA", **header: Any) -> Client:
        self.wire.send(self.segment(place, data, flags, **header))
        return self

    def open(self) -> Client:
        self.send(-1, flags="S")
        answer = self.wire.answer(self.port, "SA")
        self.ack = answer.seq + 1
        self.echo = next(value[0] for name, value in answer.options if name == "Timestamp")
        return self.send(0, flags="A")


class WebServer:
    """Answers each request, and keeps all that its kernel gave it, by the client's port."""

    def __init__(self, guest: Guest) -> None:
        self.given: dict[int, bytes] = {}

        def listen() -> socket.socket:
            sock = socket.create_server((guest.ip4, 80), backlog=64)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
            return sock

        self._sock = inside(guest.name, listen)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, (_, port) = self._sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock, port), daemon=True).start()

    def _serve(self, sock: socket.socket, port: int) -> None:
        with sock:
            sock.settimeout(10.0)
            answered = 0
            try:
                while data := sock.recv(65536):
                    given = self.given[port] = self.given.get(port, b"") + data
                    while answered < given.count(b"\r\n\r\n"):
                        answered += 1
                        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            except OSError:
                return


def _packet_socket() -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind(("eth0", 0))
    return sock
