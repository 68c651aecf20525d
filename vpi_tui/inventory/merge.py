"""Puts the names of inventory.yaml to what the probes saw. Pure: pictures in, topology out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from vpi_tui.inventory.picture import Picture, SeenPort
from vpi_tui.inventory.static import StaticGuest, StaticInventory
from vpi_tui.model.topology import Guest, Port, Switch, Topology

Item = TypeVar("Item", Switch, Guest)

MAX_IDS = 32_000
"""Positions are kept in int16 by the flow table."""
MAX_GONE = 1_000
"""Guests and switches that have gone and are still remembered."""


def merge(pictures: Iterable[Picture], static: StaticInventory, before: Topology) -> Topology:
    """One topology; its serial is not set.

    Positions of switches and guests stay what they were in `before`: those that have gone stay in their place
    (without a port), new ones come behind. Only when more than MAX_GONE have gone are those forgotten.
    """
    seen = list(pictures)
    naming = _Naming(static)
    switches: dict[str, Switch] = {}
    guests: dict[str, Guest] = {}
    ports: list[Port] = []
    for picture in seen:
        switches.update((switch.name, switch) for switch in picture.switches)
        for port in picture.ports:
            guest = naming.guest_of(port)
            if guest is not None:
                guests[guest.name] = guest
            ports.append(
                Port(port.ifindex, port.name, port.switch, guest.name if guest else "", naming.uplink(port))
            )
    for entry in static.guests:
        guests.setdefault(entry.name, naming.known(entry))
    return Topology(
        switches=_steady(before.switches, switches),
        ports=tuple(sorted(ports, key=lambda port: port.ifindex)),
        guests=_steady(before.guests, guests),
        notices=tuple(notice for picture in seen for notice in picture.notices),
        host_ips=tuple(dict.fromkeys(ip for picture in seen for ip in picture.host_ips)),
    )


class _Naming:
    """Finds the entry of the inventory for a port: by the port's name, else by a MAC learned behind it."""

    def __init__(self, static: StaticInventory) -> None:
        self._static = static
        self._by_port = {entry.port: entry for entry in static.guests if entry.port}
        self._by_mac = {mac: entry for entry in static.guests if not entry.port for mac in entry.macs}

    def uplink(self, port: SeenPort) -> bool:
        return port.uplink or port.name in self._static.uplinks(port.switch)

    def guest_of(self, port: SeenPort) -> Guest | None:
        """The guest behind a port, named after the port when the inventory does not know it."""
        if not port.guests:
            return None
        entry = self._entry(port)
        if entry is not None:
            macs = tuple(dict.fromkeys((*entry.macs, *port.macs)))
            return Guest(entry.name, port.switch, macs, entry.ips, entry.tags, "static")
        return None if self.uplink(port) else Guest(port.name, port.switch, port.macs)

    def known(self, entry: StaticGuest) -> Guest:
        """A guest whose port is not here (now)."""
        return Guest(entry.name, entry.switch, entry.macs, entry.ips, entry.tags, "static")

    def _entry(self, port: SeenPort) -> StaticGuest | None:
        entry = self._by_port.get(port.name)
        if entry is None and not self.uplink(port):
            entry = next((self._by_mac[mac] for mac in port.macs if mac in self._by_mac), None)
        return entry if entry and entry.switch in ("", port.switch) else None


def _steady(before: tuple[Item, ...], now: dict[str, Item]) -> tuple[Item, ...]:
    gone = sum(item.name not in now for item in before)
    kept = [item for item in before if item.name in now or gone <= MAX_GONE]
    names = {item.name for item in kept}
    steady = [now.get(item.name, item) for item in kept]
    steady += [item for name, item in now.items() if name not in names]
    return tuple(steady[:MAX_IDS])


def with_serial(topology: Topology, serial: int) -> Topology:
    return replace(topology, serial=serial)
