"""A small DNS server (RFC 1035): knows the guests of its switch, has a text for everybody else."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from typing import Final, cast

from vpi_tui.lab.plan import DOMAIN, Guest, LabSwitch

PORT: Final = 53
A, TXT, INTERNET = 1, 16, 1
NXDOMAIN: Final = 3
MAX_LABELS: Final = 40


def question(name: str, kind: int, number: int) -> bytes:
    """A query with recursion desired. Labels longer than 63 bytes are the caller's mistake (ValueError)."""
    labels = b"".join(bytes([len(label)]) + label for label in name.encode().split(b"."))
    return (
        struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, INTERNET)
    )


def asked(query: bytes) -> tuple[str, int, int]:
    """Name, type, and where the question ends. Raises ValueError or IndexError for what is no question."""
    at = 12
    labels: list[bytes] = []
    while size := query[at]:
        if size > 63 or len(labels) >= MAX_LABELS:
            raise ValueError("no name")
        labels.append(query[at + 1 : at + 1 + size])
        at += 1 + size
    (kind,) = struct.unpack_from(">H", query, at + 1)
    return b".".join(labels).decode("latin-1"), kind, at + 5


def answer(query: bytes, known: dict[str, str]) -> bytes:
    """The answer to one query, b"" for what is none. known: name to address."""
    try:
        name, kind, end = asked(query)
    except (ValueError, IndexError, struct.error):
        return b""
    if query[2] & 0x80 or len(query) < end:
        return b""
    data = b""
    address = known.get(name.lower())
    if kind == A and address:
        data = ipaddress.IPv4Address(address).packed
    elif kind == TXT:
        data = b"\x02ok"
    flags = 0x8580 if data else 0x8580 | NXDOMAIN
    head = query[:2] + struct.pack(">5H", flags, 1, 1 if data else 0, 0, 0)
    record = struct.pack(">HHHIH", 0xC00C, kind, INTERNET, 60, len(data)) + data if data else b""
    return head + query[12:end] + record


class _Server(asyncio.DatagramProtocol):
    def __init__(self, known: dict[str, str]) -> None:
        self._known = known
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and (said := answer(data, self._known)):
            self._transport.sendto(said, addr)


async def serve(guest: Guest, switch: LabSwitch) -> None:
    known = {f"{one.name}.{DOMAIN}": one.ip for one in switch.guests}
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Server(known), local_addr=(guest.ip, PORT))
