"""MAC spoofing: a guest sends with the MAC of another, and so draws its traffic to its own port."""

from __future__ import annotations

import time
from typing import Final

from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.wire import BROADCAST, ETH_P_EXPERIMENT, frame, send_frames
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import LabSwitch

FRAMES: Final = 12
PAUSE: Final = 0.1
"""Seconds between two frames; the real owner speaks in between, and the MAC moves to and fro."""


def _run(switch: LabSwitch) -> str:
    rogue, db = switch.guest("rogue"), switch.guest("db")
    forged = frame(BROADCAST, db.mac, ETH_P_EXPERIMENT, b"who am I")
    for _ in range(FRAMES):
        inside(rogue.namespace, lambda: send_frames([forged]))
        time.sleep(PAUSE)
    return f"{rogue.name} sent {FRAMES} frames with {db.mac}, the MAC of {db.name}, from its own port"


ATTACK = Attack(
    "macspoof",
    "a guest sends with the MAC of another",
    "T1036",
    "rogue",
    "db",
    (
        Expected(2, "MAC address moved to another port", gid=2),
        Expected(3, "MAC address is at two ports at once", gid=2),
        Expected(5, "Guest uses a MAC address that is not its own (with --inventory)", gid=2),
    ),
    _run,
)
