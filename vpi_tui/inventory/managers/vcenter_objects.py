"""Virtual machines as vCenter and ESXi tell them, turned into guests.

Source: vSphere Web Services API: VirtualMachine, VirtualEthernetCard, GuestNicInfo. Objects come from
pyvmomi; they are read by the names of their attributes, so that this module needs no pyvmomi itself.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from vpi_tui.inventory.managers.words import MAX_INTERFACES, distinct, macs_of, plain
from vpi_tui.inventory.picture import SeenGuest

PROPERTIES = (
    "name",
    "config.uuid",
    "config.template",
    "config.hardware.device",
    "runtime.powerState",
    "guest.net",
)
"""What is asked of each virtual machine."""
MAX_IPS = 32
_STATES = {"poweredOn": "running", "poweredOff": "shut off", "suspended": "suspended"}


def guest_of(properties: Mapping[str, Any], portgroups: Mapping[str, str]) -> SeenGuest | None:
    """None for a template, and for one without a name. portgroups: names of distributed ones by key."""
    name = plain(properties.get("name"))
    if not name or properties.get("config.template"):
        return None
    cards = [one for one in properties.get("config.hardware.device") or () if hasattr(one, "macAddress")]
    cards = cards[:MAX_INTERFACES]
    return SeenGuest(
        name=name,
        kind="vm",
        origin="vCenter",
        macs=macs_of(card.macAddress for card in cards),
        ips=_addresses(properties.get("guest.net") or ()),
        networks=distinct(_network(card, portgroups) for card in cards),
        uuid=plain(properties.get("config.uuid")),
        state=_STATES.get(str(properties.get("runtime.powerState")), ""),
    )


def _network(card: Any, portgroups: Mapping[str, str]) -> str:
    """Port group of a standard or of a distributed switch."""
    backing = getattr(card, "backing", None)
    if key := getattr(getattr(backing, "port", None), "portgroupKey", None):
        return portgroups.get(key, plain(key))
    return plain(getattr(backing, "deviceName", None))


def _addresses(cards: Iterable[Any]) -> tuple[str, ...]:
    """What VMware Tools say; a link-local address tells no host from another."""
    found: dict[str, None] = {}
    for card in list(cards)[:MAX_INTERFACES]:
        for text in list(card.ipAddress or ())[:MAX_IPS]:
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                continue
            if not address.is_link_local:
                found[str(address)] = None
    return tuple(found)[:MAX_IPS]
