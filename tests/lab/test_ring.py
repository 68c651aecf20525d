"""The ring on real interfaces in network namespaces of its own (root)."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.lab.net import inside, ip, why_not
from vpi_tui.capture.ring import RingSource
from vpi_tui.model.errors import CaptureError

pytestmark = pytest.mark.lab


class Lab(NamedTuple):
    """Two guests, each with a wire to the host; the host's ends are `ports`."""

    host: str
    guests: tuple[str, str]
    ports: tuple[int, int]

    def sender(self, guest: int) -> socket.socket:
        def connect() -> socket.socket:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.bind(("eth0", 0))
            return sock

        return inside(self.guests[guest], connect)

    def ring(self, *ports: int, **options: int) -> RingSource:
        source = RingSource(ports, **options)
        inside(self.host, source.open)
        return source


@pytest.fixture
def lab() -> Iterator[Lab]:
    if reason := why_not():
        pytest.skip(reason)
    tag = f"cap{os.getpid()}"
    host, guests = f"{tag}h", (f"{tag}a", f"{tag}b")
    names = (host, *guests)
    try:
        for name in names:
            ip("netns", "add", name)
        for number, guest in enumerate(guests):
            ip("link", "add", f"port{number}", "netns", host, "type", "veth", "peer", "eth0", "netns", guest)
            ip("-n", host, "link", "set", f"port{number}", "up")
            ip("-n", guest, "link", "set", "eth0", "up")
        ip("-n", host, "link", "set", "lo", "up")
        ports = inside(host, lambda: (socket.if_nametoindex("port0"), socket.if_nametoindex("port1")))
        yield Lab(host, guests, ports)
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


ETHERTYPE = b"\x88\xb5"
"""For local experiments: nothing else on these wires uses it."""


def frame(text: bytes, tags: bytes = b"") -> bytes:
    return b"\xff" * 6 + b"\2\0\0\0\0\1" + tags + ETHERTYPE + text.ljust(46, b"\0")


def collect(source: RingSource, expected: int, seconds: float = 5.0) -> list[tuple[int, bytes, int, int]]:
    """ifindex, text, tag and time of our frames, until there are enough."""
    found = []
    until = time.monotonic() + seconds
    while time.monotonic() < until and len(found) < expected:
        batch = source.read(0.1)
        if batch is None:
            continue
        for row in range(len(batch.offset)):
            at = int(batch.offset[row])
            data = batch.buf[at : at + int(batch.caplen[row])].tobytes()
            if data[12:14] == ETHERTYPE:
                text = data[14:].rstrip(b"\0")
                found.append((int(batch.ifindex[row]), text, int(batch.vlan_tci[row]), int(batch.ts_ns[row])))
    return found


def test_each_frame_once_at_the_port_where_it_entered(lab: Lab) -> None:
    source = lab.ring(*lab.ports)
    before = time.time_ns()
    for number in range(2):
        with lab.sender(number) as sender:
            for turn in range(50):
                sender.send(frame(b"%d:%d" % (number, turn)))
    found = collect(source, 101, 1.0)
    expected = [(lab.ports[number], b"%d:%d" % (number, turn)) for number in range(2) for turn in range(50)]
    assert [row[:2] for row in found] == expected
    assert all(before <= row[3] <= time.time_ns() for row in found)
    assert source.stats()["capture.kernel_packets"] >= 100
    assert source.stats()["capture.kernel_drops"] == 0
    source.close()


def test_the_stripped_tag_is_in_the_header(lab: Lab) -> None:
    source = lab.ring(*lab.ports)
    with lab.sender(0) as sender:
        sender.send(frame(b"tagged", struct.pack(">HH", 0x8100, 0x6123)))
    ((_, text, tag, _),) = collect(source, 1)
    assert (text, tag) == (b"tagged", 0x16123)
    source.close()


def test_ports_are_swapped_while_running(lab: Lab) -> None:
    source = lab.ring(lab.ports[0])
    with lab.sender(0) as first, lab.sender(1) as second:
        second.send(frame(b"not yet"))
        first.send(frame(b"one"))
        assert [row[1] for row in collect(source, 1)] == [b"one"]
        source.set_ports(lab.ports)
        second.send(frame(b"two"))
        assert [row[1] for row in collect(source, 1)] == [b"two"]
        source.set_ports(lab.ports[1:])
        first.send(frame(b"no more"))
        second.send(frame(b"three"))
        assert [row[1] for row in collect(source, 1)] == [b"three"]
    source.close()


def test_sent_frames_of_the_ports_that_are_asked_for(lab: Lab) -> None:
    source = lab.ring(lab.ports[0])

    def host_sends() -> None:
        for number in range(2):
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
                sock.bind((f"port{number}", 0))
                sock.send(frame(b"out %d" % number))

    inside(lab.host, host_sends)
    assert collect(source, 1, 0.3) == []
    source.set_ports(lab.ports[:1], lab.ports[1:])
    inside(lab.host, host_sends)
    assert [row[:2] for row in collect(source, 2, 0.3)] == [(lab.ports[1], b"out 1")]
    source.set_ports(lab.ports[:1])
    inside(lab.host, host_sends)
    assert collect(source, 1, 0.3) == []
    source.close()


def test_a_port_goes_and_another_comes(lab: Lab) -> None:
    source = lab.ring(*lab.ports)
    ip("-n", lab.host, "link", "del", "port0")
    source.set_ports(lab.ports[1:])
    ip("link", "add", "port0", "netns", lab.host, "type", "veth", "peer", "eth0", "netns", lab.guests[0])
    ip("-n", lab.host, "link", "set", "port0", "up")
    ip("-n", lab.guests[0], "link", "set", "eth0", "up")
    new = inside(lab.host, lambda: socket.if_nametoindex("port0"))
    source.set_ports([new, lab.ports[1], 9999])
    with lab.sender(0) as sender:
        sender.send(frame(b"back"))
    assert collect(source, 1)[0][:2] == (new, b"back")
    source.close()


def test_loopback_is_seen_once(lab: Lab) -> None:
    source = lab.ring(1)

    def talk() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"hello", ("127.0.0.1", 9))

    inside(lab.host, talk)
    seen = 0
    for _ in range(5):
        batch = source.read(0.1)
        if batch is not None:
            data = [batch.buf[o : o + n].tobytes() for o, n in zip(batch.offset, batch.caplen, strict=True)]
            # The ICMP answer quotes the datagram; only the datagram ends with its text.
            seen += sum(one.endswith(b"hello") and one[23] == 17 for one in data)
    assert seen == 1
    source.close()


def test_drops_are_counted_and_the_ring_goes_on(lab: Lab) -> None:
    source = lab.ring(*lab.ports, block_bytes=1 << 16, blocks=4)
    with lab.sender(0) as sender:
        for turn in range(4000):
            sender.send(frame(b"%d" % turn))
        got = collect(source, 4000, 1.0)
        stats = source.stats()
        assert 0 < len(got) < 4000
        assert stats["capture.kernel_drops"] > 0
        assert len(got) + stats["capture.kernel_drops"] <= stats["capture.kernel_packets"]
        sender.send(frame(b"after"))
        assert collect(source, 1)[0][1] == b"after"
    source.close()


def test_close_and_too_many_ports(lab: Lab) -> None:
    source = lab.ring(*lab.ports)
    with pytest.raises(CaptureError):
        source.set_ports(range(1, 5000))
    with lab.sender(0) as sender:
        sender.send(frame(b"still here"))
    assert len(collect(source, 1)) == 1
    source.close()
    source.close()
    assert source.exhausted
    assert source.read(0.01) is None
