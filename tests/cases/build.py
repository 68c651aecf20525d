"""What the cases are built of: hosts, conversations in one line, and capture files.

A case is two conversations or more: `alerts`, which must raise the rule, and `quiet`, which must
not, though it comes close. Frames are real: handshakes, sequence numbers, checksums.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vpi_tui.capture.demo import hosts
from vpi_tui.capture.demo.conversation import Conversation, Frame, Tcp, arp, datagram, icmp, ping
from vpi_tui.capture.demo.timeline import Timeline

GUEST, PEER = hosts.APP1, hosts.DB1
"""Two guests of one switch: 10.20.0.21 and 10.20.0.31."""
OUTSIDE = hosts.outside("203.0.113.99")

Talks = Iterable[Conversation]
TimedFrame = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """Both are called when the case is run; each gives conversations, one after another."""

    alerts: Callable[[], Talks]
    quiet: Callable[[], Talks]


Cases = Mapping[int, Case]


def said(port: int, data: bytes, times: int = 1, *, gap: float = 0.5, client=GUEST, server=PEER) -> Talks:
    """The client opens a connection and sends `data`; `times` connections, `gap` seconds apart."""
    for _ in range(times):
        yield Tcp(client, server, port).open().send(data).reply(b"\r\n").close().done()
        yield _pause(gap)


def answered(
    port: int,
    data: bytes,
    times: int = 1,
    *,
    asked: bytes = b"hello\r\n",
    gap: float = 0.5,
    client=GUEST,
    server=PEER,
) -> Talks:
    """The server answers `asked` with `data`."""
    for _ in range(times):
        yield Tcp(client, server, port).open().send(asked).reply(data).close().done()
        yield _pause(gap)


def _pause(seconds: float) -> Conversation:
    """Nothing, for a while: an ARP frame that no rule looks at."""
    return Conversation((Frame(seconds, True, GUEST.ifindex, arp(GUEST, PEER.ip)),))


def sent(port: int, data: bytes, times: int = 1, *, gap: float = 0.2, client=GUEST, server=PEER) -> Talks:
    """UDP datagrams from client to server."""
    frames = [
        Frame(n * gap, True, client.ifindex, datagram(client, server, 40000, port, data))
        for n in range(times)
    ]
    yield Conversation(tuple(frames), 40000)


def probed(
    ports: Iterable[int], *, flags: int = 2, answer: int = 20, gap: float = 0.05, server=PEER, client=GUEST
) -> Talks:
    """One segment to each port, and what comes back (RST and ACK; 0 = nothing)."""
    for port in ports:
        yield Tcp(client, server, port).syn(flags=flags, answer=answer).done()
        yield _pause(gap)


def pinged(times: int, *, gap: float = 0.05, payload: bytes = b"abcdefgh") -> Talks:
    yield ping(GUEST, PEER, count=times, gap=gap, payload=payload)


def icmp_sent(
    itype: int, icode: int, times: int = 1, *, payload: bytes = b"", gap: float = 0.1, src=GUEST, dest=PEER
) -> Talks:
    data = icmp(src, dest, itype, icode, b"\0\0\0\0", payload)
    yield Conversation(tuple(Frame(n * gap, True, src.ifindex, data) for n in range(times)))


def get(target: str, *, agent: str = "curl/8.11.0", headers: str = "") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: {agent}\r\n{headers}\r\n".encode(
        "latin-1"
    )


def post(target: str, body: bytes, *, agent: str = "curl/8.11.0", headers: str = "") -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: {agent}\r\n{headers}"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


def page(body: bytes, *, status: str = "200 OK") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )


def wide(text: str) -> bytes:
    """UTF-16 as Windows sends it."""
    return text.encode("utf-16-le")


def frames(talks: Talks, start_ns: int) -> list[TimedFrame]:
    """The conversations one after another from start_ns on, with ports, numbers and checksums filled in."""
    line = Timeline(1.0, seed=start_ns % 65521)
    now = 0.0
    for talk in talks:
        line.at(now, talk)
        now += talk.duration + 0.001
    reel = line.reel()
    data = reel.arena.tobytes()
    columns = zip(reel.at_ns.tolist(), reel.offset.tolist(), reel.length.tolist(), strict=True)
    return [(start_ns + at, data[offset : offset + size]) for at, offset, size in columns]


def write_pcap(path: Path, timed: Iterable[TimedFrame]) -> None:
    """A nanosecond pcap of Ethernet frames."""
    with Path(path).open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        for at, frame in timed:
            out.write(struct.pack("<IIII", *divmod(at, 1_000_000_000), len(frame), len(frame)) + frame)
