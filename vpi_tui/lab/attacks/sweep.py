"""Who is there? An ARP request for every address of the network, as `nmap -sn` and arp-scan do it.

On a network of its own a guest can find others only so: a ping to a host that is not there never leaves it.
"""

from __future__ import annotations

import ipaddress
import time
from functools import partial
from typing import Final

from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.wire import BROADCAST, ETH_P_ARP, REQUEST, arp, frame, send_frames
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import LabSwitch

BURST: Final = 32
PAUSE: Final = 0.1
"""Seconds between two bursts."""


def _run(switch: LabSwitch) -> str:
    rogue = switch.guest("rogue")
    hosts = [str(host) for host in ipaddress.IPv4Network(switch.network).hosts() if str(host) != rogue.ip]
    sender = rogue.mac, rogue.ip
    frames = [
        frame(BROADCAST, rogue.mac, ETH_P_ARP, arp(REQUEST, sender, ("00:00:00:00:00:00", host)))
        for host in hosts
    ]
    for first in range(0, len(frames), BURST):
        inside(rogue.namespace, partial(send_frames, frames[first : first + BURST]))
        time.sleep(PAUSE)
    return f"{rogue.name} asked by ARP for all {len(hosts)} other addresses of {switch.network}"


ATTACK = Attack(
    "sweep",
    "one guest asks by ARP for every address of its network",
    "T1018",
    "rogue",
    "",
    (Expected(20, "ARP sweep", gid=2),),
    _run,
)
