"""Known traffic between guests of a lab, each kind for a time, from threads of the test itself."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from tests.lab.net import Guest, inside

PAUSE = 0.002
VXLAN_PORT = 4789
SINK_PORT = 9009
ADDRESSES = b"\x0a\x4d\0\1\x0a\x4d\0\2"
"""10.77.0.1 to 10.77.0.2, whoever sends it."""
Send = Callable[[], object]


@dataclass(frozen=True)
class End:
    """Where a socket is opened: a namespace, and the device that frames by hand are sent through."""

    namespace: str
    device: str = "eth0"


def raw(end: End) -> socket.socket:
    def make() -> socket.socket:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind((end.device, 0))
        return sock

    return inside(end.namespace, make)


def packed(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def frame(source: str, dest: str, size: int, vlan: int = 0, number: int = 0) -> bytes:
    """An IPv4 datagram that nobody answers, with an identification of its own."""
    tag = struct.pack(">HH", 0x8100, vlan) if vlan else b""
    body = max(size - 14 - len(tag), 28)
    ip = struct.pack(">BBHHHBBH8s", 0x45, 0, body, number % 65535 + 1, 0, 64, 17, 0, ADDRESSES)
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    udp = struct.pack(">HHHH", 4000, 9, body - 20, 0)
    return packed(dest) + packed(source) + tag + b"\x08\0" + ip + udp + bytes(body - 28)


def checksum(header: bytes) -> int:
    """RFC 1071. A bridge that asks the host's firewall drops datagrams whose header is wrong."""
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def by_hand(end: End, source: str, dest: str, size: int = 800, vlan: int = 0, pause: float = PAUSE) -> Send:
    """Frames made here: no kernel has a say in them."""
    sock = raw(end)
    numbers = iter(range(1 << 40))

    def send() -> None:
        sock.send(frame(source, dest, size, vlan, next(numbers)))
        time.sleep(pause)

    return send


def both_ways(first: Guest, second: Guest, **how: int) -> list[Send]:
    pairs = ((first, second), (second, first))
    return [by_hand(End(a.name), a.mac, b.mac, **how) for a, b in pairs]  # type: ignore[arg-type]


def datagrams(sender: str, address: str, size: int = 700, port: int = 9, head: bytes = b"") -> Send:
    """From the sender's own stack, with ARP or neighbour discovery before; answered by ICMP, if at all."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = inside(sender, lambda: socket.socket(family, socket.SOCK_DGRAM))

    def send() -> None:
        with suppress(OSError):
            sock.sendto(head.ljust(size, b"v"), (address, port))
        time.sleep(PAUSE)

    return send


def vxlan(sender: str, address: str) -> Send:
    inner = frame("02:aa:00:00:00:01", "02:aa:00:00:00:02", 400)
    return datagrams(sender, address, 420, VXLAN_PORT, struct.pack(">II", 0x08000000, 77 << 8) + inner)


@contextmanager
def sink(namespace: str, family: int = socket.AF_INET) -> Iterator[None]:
    """Takes TCP connections and throws away what they say."""

    def listen() -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", SINK_PORT))
        sock.listen()
        sock.settimeout(0.2)
        return sock

    server, over = inside(namespace, listen), threading.Event()

    def serve() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                taken, _ = server.accept()
                taken.settimeout(1.0)
                with taken, suppress(OSError):
                    while not over.is_set() and taken.recv(1 << 20):
                        pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        server.close()


def stream(sender: str, address: str, chunk: int = 1 << 18, pause: float = 0.0, data: bytes = b"") -> Send:
    """Bytes over TCP, in frames as large as offloading makes them: always these, or so many zeros."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def connect() -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(1.0)
        sock.connect((address, SINK_PORT))
        return sock

    sock, data = inside(sender, connect), data or bytes(chunk)

    def send() -> None:
        with suppress(OSError):
            sock.sendall(data)
        time.sleep(pause)

    return send


@contextmanager
def running(*sends: Send) -> Iterator[None]:
    """All of it at once, each in a thread, until the end of the block."""
    over = threading.Event()

    def repeat(send: Send) -> None:
        while not over.is_set():
            send()

    with ExitStack() as stack:
        for send in sends:
            thread = threading.Thread(target=repeat, args=(send,))
            thread.start()
            stack.callback(thread.join)
        stack.callback(over.set)
        yield
