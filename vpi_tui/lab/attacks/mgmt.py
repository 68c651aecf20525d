"""A guest speaks to the host's management plane: hypervisor's web interface, libvirt, Docker, consoles."""

from __future__ import annotations

from typing import Final

from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.wire import http, tcp
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import Guest, LabSwitch

PORTS: Final = (902, 5900, 8006, 16509)


def _run(switch: LabSwitch) -> str:
    rogue, mgmt = switch.guest("rogue"), switch.guest("mgmt")
    said = inside(rogue.namespace, lambda: _approach(mgmt))
    tried = ", ".join(map(str, PORTS))
    return f"{rogue.name} knocked at {tried} of {mgmt.name}, and asked its Docker API ({said!r})"


def _approach(mgmt: Guest) -> str:
    for port in PORTS:
        tcp(mgmt, port)
    return http(mgmt, "/version", port=2375)


ATTACK = Attack(
    "mgmt",
    "a guest knocks at the ports that manage the host",
    "T1133",
    "rogue",
    "mgmt",
    (
        Expected(7, "Guest speaks to the management plane (with --inventory)", gid=2, times=4),
        Expected(9000600, "MANAGEMENT libvirt is approached by a guest"),
        Expected(9000602, "MANAGEMENT Docker API used without TLS"),
        Expected(9000604, "MANAGEMENT Proxmox VE web interface is approached by a guest"),
        Expected(9000607, "MANAGEMENT ESXi host agent is approached by a guest"),
        Expected(9000609, "MANAGEMENT console port of a hypervisor is approached by a guest"),
    ),
    _run,
)
