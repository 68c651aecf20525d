"""The services of guests: small, real, and each within bounds, as an attacker may speak to them."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vpi_tui.lab.guest import names, sshd
from vpi_tui.lab.plan import Guest, LabSwitch

Handler = Callable[[Reader, Writer], Awaitable[None]]
PATIENCE: Final = 10.0
"""Seconds that a client may take for one message."""
MOST_CLIENTS: Final = 200
MOST_BYTES: Final = 65_536
_PAGE = b"<!doctype html><title>Shop</title><h1>Everything must go</h1>\n"


@dataclass(frozen=True, slots=True)
class Service:
    """ports: TCP. sensitive: to speak to it is an alert."""

    ports: tuple[int, ...]
    handler: Handler
    sensitive: bool = False


async def _http(reader: Reader, writer: Writer) -> None:
    """One request a connection; every page is the same."""
    head = await reader.readuntil(b"\r\n\r\n")
    line = head.partition(b"\r\n")[0].split(b" ")
    known = len(line) == 3 and line[0] in (b"GET", b"POST", b"HEAD")
    status = b"200 OK" if known else b"400 Bad Request"
    writer.write(
        b"HTTP/1.1 %s\r\nServer: lab\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
        b"Connection: close\r\n\r\n%s" % (status, len(_PAGE), _PAGE)
    )


async def _database(reader: Reader, writer: Writer) -> None:
    """Inline commands of Redis: PING, GET and SET, answered as a Redis server does."""
    stored: dict[bytes, bytes] = {}
    while line := await asyncio.wait_for(reader.readline(), PATIENCE):
        words = line.split()
        match words:
            case [b"PING"]:
                writer.write(b"+PONG\r\n")
            case [b"SET", key, value] if len(stored) < 100:
                stored[key] = value
                writer.write(b"+OK\r\n")
            case [b"GET", key]:
                value = stored.get(key, b"42")
                writer.write(b"$%d\r\n%s\r\n" % (len(value), value))
            case _:
                writer.write(b"-ERR unknown command\r\n")
        await writer.drain()


async def _silent(reader: Reader, _: Writer) -> None:
    """Takes what comes and answers nothing."""
    while await reader.read(MOST_BYTES):
        continue


async def _banner(reader: Reader, writer: Writer) -> None:
    """What an SSH server says first, where there is no sshd to say it."""
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()
    await reader.read(MOST_BYTES)


SERVICES: Final = {
    "http": Service((80,), _http),
    "database": Service((6379,), _database),
    "ssh": Service((22,), _banner),
    "windows": Service((445, 5985), _silent, sensitive=True),
    "management": Service((902, 5900, 8006, 16509), _silent, sensitive=True),
    "docker": Service((2375,), _http, sensitive=True),
}
"""DNS is the one that is no TCP service: lab.guest.names."""


def harmless_ports(guest: Guest) -> tuple[int, ...]:
    """TCP ports on which the guest listens and that everybody may try."""
    found = [SERVICES[name] for name in guest.services if name in SERVICES]
    return tuple(port for service in found if not service.sensitive for port in service.ports)


async def start(guest: Guest, switch: LabSwitch, folder: Path) -> None:
    """Listen. Raises OSError for an address in use."""
    limit = asyncio.Semaphore(MOST_CLIENTS)
    for name in guest.services:
        if name == "dns":
            await names.serve(guest, switch)
        elif name == "ssh" and sshd.program():
            await sshd.serve(guest, folder)
        else:
            await listen(guest.ip, SERVICES[name], limit)


async def listen(address: str, service: Service, limit: asyncio.Semaphore) -> None:
    """Raises OSError. limit: clients that are served at the same time."""

    async def serve(reader: Reader, writer: Writer) -> None:
        with suppress(
            OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, TimeoutError
        ):
            async with limit, asyncio.timeout(PATIENCE):
                await service.handler(reader, writer)
                await writer.drain()
        writer.close()

    for port in service.ports:
        await asyncio.start_server(serve, address, port, limit=MOST_BYTES)
