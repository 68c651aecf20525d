"""Does a guest answer yet? Asked from inside another one."""

from __future__ import annotations

import socket

from vpi_tui.lab.guest import names, services
from vpi_tui.lab.plan import Guest

PATIENCE = 0.5
"""Seconds for one answer."""


def answers(guest: Guest) -> bool:
    """True when its services do, or when it has none. What it would be an alert to ask is not asked."""
    if not guest.services:
        return True
    try:
        return _names(guest) if guest.services[0] == "dns" else _tcp(guest)
    except OSError:
        return False


def _tcp(guest: Guest) -> bool:
    for port in services.harmless_ports(guest):
        with socket.create_connection((guest.ip, port), PATIENCE):
            pass
    return True


def _names(guest: Guest) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect((guest.ip, names.PORT))
        sock.send(names.question("ready.invalid", names.A, 1))
        return bool(sock.recv(512))
