"""A TCP port scan of one guest, as `nmap -sT` does it."""

from __future__ import annotations

import socket
from typing import Final

from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import LabSwitch

PORTS: Final = (*range(1, 61), 80, 111, 512, 513, 514, 631, 1080, 1099, 2000, 3000, 4444, 5000, 7001)


def _run(switch: LabSwitch) -> str:
    rogue, web = switch.guest("rogue"), switch.guest("web")
    opened = inside(rogue.namespace, lambda: [port for port in PORTS if _open(web.ip, port)])
    found = ", ".join(map(str, opened)) or "none"
    return f"{rogue.name} tried {len(PORTS)} TCP ports of {web.name} ({web.ip}); open: {found}"


def _open(ip: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(0.3)
        return sock.connect_ex((ip, port)) == 0


ATTACK = Attack(
    "scan",
    f"one guest tries {len(PORTS)} TCP ports of another",
    "T1046",
    "rogue",
    "web",
    (
        Expected(9000100, "RECON TCP port scan"),
        Expected(9000101, "RECON TCP port scan, as the answers show it"),
    ),
    _run,
)
