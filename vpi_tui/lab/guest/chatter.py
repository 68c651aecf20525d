"""Everyday traffic: each guest asks another for something every second or two."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from vpi_tui.lab.guest import names
from vpi_tui.lab.plan import DOMAIN, Guest, LabSwitch

PAUSE: Final = (0.8, 2.4)
"""Seconds between two questions of one guest; some ten packets each."""
PATIENCE: Final = 3.0
PATHS: Final = ("/", "/items?id=7", "/cart", "/img/logo.png", "/search?q=shoes", "/login")
Ask = Callable[[Guest, random.Random], Awaitable[None]]


async def speak(guest: Guest, switch: LabSwitch) -> None:
    """Until the guest is ended."""
    chance = random.Random(guest.name)
    while True:
        await asyncio.sleep(chance.uniform(*PAUSE))
        partners = [one for one in switch.guests if one.role in guest.talks_to and one is not guest]
        if partners:
            partner = chance.choice(partners)
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(PATIENCE):
                    await ASK[partner.services[0]](partner, chance)


async def _page(server: Guest, chance: random.Random) -> None:
    reader, writer = await asyncio.open_connection(server.ip, 80)
    path = chance.choice(PATHS)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {server.name}.{DOMAIN}\r\nUser-Agent: lab\r\n\r\n".encode())
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def _value(server: Guest, chance: random.Random) -> None:
    reader, writer = await asyncio.open_connection(server.ip, 6379)
    for _ in range(2):
        writer.write(f"GET item:{chance.randrange(1000)}\r\n".encode())
        await reader.readuntil(b"\r\n")
    writer.close()
    await writer.wait_closed()


async def _name(server: Guest, chance: random.Random) -> None:
    number = server.name.rpartition("-")[2]
    name = f"{chance.choice(('web', 'app', 'db'))}-{number}.{DOMAIN}"
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_sendto(
            sock, names.question(name, names.A, chance.randrange(1 << 16)), (server.ip, 53)
        )
        await loop.sock_recv(sock, 512)


ASK: Final[dict[str, Ask]] = {"http": _page, "database": _value, "dns": _name}
"""What is asked, by the first service of who is asked."""
