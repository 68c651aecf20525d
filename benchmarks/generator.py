"""Sends lifelike traffic through an interface as fast as it is told to, and not for longer.

    python -m benchmarks.generator INTERFACE

Reads lines "RATE SECONDS" (frames a second, 0 = as many as go) and answers each with "SENT ELAPSED".
The traffic is 1,500 HTTP conversations over TCP, interleaved, from handshake to end, again and again.
"""

from __future__ import annotations

import ctypes
import random
import socket
import struct
import sys
import time
from collections.abc import Iterator

import numpy as np

CONVERSATIONS, AT_ONCE = 1_500, 100
BURST = 64
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
SYN, ACK, FIN, PUSH = 2, 16, 1, 8
MMSGHDR = np.dtype(
    {
        "names": ["iov", "iovlen"],
        "formats": [np.uint64, np.uint64],
        "offsets": [16, 24],
        "itemsize": 64,
    }
)
"""struct mmsghdr of a 64-bit Linux; what is not named stays 0."""
WORDS = (b"order", b"item", b"price", b"customer", b"<td>", b"</td>", b"shelf", b"2024", b"total", b"\r\n")


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) & 1)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class End:
    """One end of a TCP connection."""

    def __init__(self, host: int, port: int, seq: int) -> None:
        self.mac = b"\2\0" + struct.pack(">I", host)
        self.ip = struct.pack(">I", 0x0A000000 + host)
        self.port, self.seq = port, seq


def frame(source: End, dest: End, flags: int, data: bytes = b"") -> bytes:
    """The next segment from one end to the other."""
    ack = dest.seq if flags & ACK else 0
    tcp = struct.pack(">HHIIBBHHH", source.port, dest.port, source.seq, ack, 0x50, flags, 64_000, 0, 0) + data
    pseudo = source.ip + dest.ip + struct.pack(">HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + source.ip + dest.ip
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    source.seq += len(data) + bool(flags & (SYN | FIN))
    return (dest.mac + source.mac + b"\x08\0" + head + tcp).ljust(60, b"\0")


def conversation(rng: random.Random, number: int) -> Iterator[bytes]:
    client = End(rng.randint(1, 200), 20_000 + number, rng.getrandbits(31))
    server = End(rng.randint(201, 250), rng.choice((80, 443, 8080, 5432)), rng.getrandbits(31))
    yield frame(client, server, SYN)
    yield frame(server, client, SYN | ACK)
    yield frame(client, server, ACK)
    for _ in range(rng.randint(1, 4)):
        page = b"/".join(rng.choices(WORDS[:4], k=3))
        yield frame(client, server, ACK | PUSH, b"GET /%s HTTP/1.1\r\nHost: shop\r\n\r\n" % page)
        yield frame(server, client, ACK | PUSH, b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + text(rng, 400))
        for _ in range(rng.randint(0, 3)):
            yield frame(server, client, ACK, text(rng, 1_400))
            yield frame(client, server, ACK)
            yield frame(client, server, ACK)
    yield frame(client, server, FIN | ACK)
    yield frame(server, client, FIN | ACK)
    yield frame(client, server, ACK)


def text(rng: random.Random, size: int) -> bytes:
    return b" ".join(rng.choices(WORDS, k=size // 5))[:size]


def traffic(seed: int = 1) -> list[bytes]:
    """All frames of the conversations, AT_ONCE of them interleaved."""
    rng = random.Random(seed)
    waiting = [conversation(rng, number) for number in range(CONVERSATIONS)]
    running = [waiting.pop() for _ in range(AT_ONCE)]
    frames = []
    while running:
        at = rng.randrange(len(running))
        following = next(running[at], None)
        if following is not None:
            frames.append(following)
        elif waiting:
            running[at] = waiting.pop()
        else:
            running.pop(at)
    return frames


class Sender:
    """Frames in one buffer, with the headers that sendmmsg(2) wants."""

    def __init__(self, interface: str, frames: list[bytes]) -> None:
        self._data = np.frombuffer(b"".join(frames), np.uint8)
        lengths = np.array([len(one) for one in frames], np.uint64)
        self._vectors = np.zeros((len(frames), 2), np.uint64)
        self._vectors[:, 0] = self._data.ctypes.data + np.cumsum(lengths) - lengths
        self._vectors[:, 1] = lengths
        self._headers = np.zeros(len(frames), MMSGHDR)
        self._headers["iov"] = self._vectors.ctypes.data + 16 * np.arange(len(frames), dtype=np.uint64)
        self._headers["iovlen"] = 1
        self._next = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((interface, 0))
        self._socket.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        self._sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
        self._sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]

    def send(self, rate: float, seconds: float) -> tuple[int, float]:
        """Frames that went out, and the seconds that it took. rate 0 = no limit."""
        began, sent = time.monotonic(), 0
        while (now := time.monotonic() - began) < seconds:
            if rate and sent > now * rate:
                time.sleep(min(0.0005, sent / rate - now))
            else:
                sent += self._burst()
        return sent, time.monotonic() - began

    def _burst(self) -> int:
        room = min(BURST, len(self._headers) - self._next)
        start = self._headers.ctypes.data + MMSGHDR.itemsize * self._next
        done: int = self._sendmmsg(self._socket.fileno(), start, room, 0)
        self._next = (self._next + max(done, 0)) % len(self._headers)
        return max(done, 0)


def main(interface: str) -> None:
    frames = traffic()
    sender = Sender(interface, frames)
    print(len(frames), sum(map(len, frames)) / len(frames), flush=True)
    for line in sys.stdin:
        rate, seconds = map(float, line.split())
        print(*sender.send(rate, seconds), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
