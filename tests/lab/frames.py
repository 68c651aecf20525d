"""Frames that nothing else on the wire sends, and how to find them in what a source reads."""

from __future__ import annotations

import socket
import struct
import time

from tests.lab.net import inside
from vpi_tui.engine.sources import EngineSource
from vpi_tui.model.batch import PacketBatch

ETHERTYPE = b"\x88\xb5"
"""For local experiments."""
Seen = tuple[str, str, int]
"""Port, text, and the VLAN (0 = none)."""


def send(namespace: str, text: str, interface: str = "eth0", vlan: int = 0) -> None:
    """Broadcast one frame from an interface."""

    def work() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.bind((interface, 0))
            tag = struct.pack(">HH", 0x8100, vlan) if vlan else b""
            sock.send(b"\xff" * 6 + b"\2\0\0\0\0\1" + tag + ETHERTYPE + text.encode().ljust(46, b"\0"))

    inside(namespace, work)


def texts(source: EngineSource, batch: PacketBatch | None) -> list[Seen]:
    """Our frames of a batch."""
    found = []
    for row in range(len(batch.offset)) if batch is not None else ():
        at = int(batch.offset[row])
        data = batch.buf[at : at + int(batch.caplen[row])].tobytes()
        if data[12:14] == ETHERTYPE:
            text = data[14:].rstrip(b"\0").decode()
            found.append((source.port_name(int(batch.ifindex[row])), text, int(batch.vlan_tci[row]) & 0xFFF))
    return found


def collect(source: EngineSource, seconds: float = 0.4) -> list[Seen]:
    """All our frames within a time in which any second sighting would come too."""
    found = []
    end = time.monotonic() + seconds
    late = False
    while not late:
        # The last read begins when the time is over: the first one may take long, to load a kernel.
        late = time.monotonic() >= end
        source.poll_topology()
        found += texts(source, source.read(0.05))
    return found
