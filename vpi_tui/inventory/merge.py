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
                guests[guest.name] = _joined(guests.get(guest.name), guest)
            name = guest.name if guest else ""
            uplink = naming.uplink(port)
            ports.append(Port(port.ifindex, port.name, port.switch, name, uplink, port.pvid, port.peer))
    for entry in static.guests:
        guests.setdefault(entry.name, naming.known(entry))
    gone = tuple(replace(switch, ifindex=0) for switch in before.switches)
    return Topology(
        switches=_steady(gone, switches),
        ports=tuple(sorted(ports, key=lambda port: port.ifindex)),
        guests=_steady(before.guests, guests),
        notices=tuple(dict.fromkeys(notice for picture in seen for notice in picture.notices)),
        host_ips=tuple(dict.fromkeys(ip for picture in seen for ip in picture.host_ips)),
    )


def _joined(first: Guest | None, second: Guest) -> Guest:
    """A guest with several ports: it belongs to the switch of the first, and has the addresses of all."""
    if first is None:
        return second
    macs = tuple(dict.fromkeys((*first.macs, *second.macs)))
    return replace(first, macs=macs, ips=tuple(dict.fromkeys((*first.ips, *second.ips))))


class _Naming:
    """Finds the entry of the inventory for a port: by the port's name, else by a MAC or an address behind it.

    MACs and addresses name a guest; they never move one to another port that the inventory names by port.
    """

    def __init__(self, static: StaticInventory) -> None:
        self._static = static
        self._by_port = {entry.port: entry for entry in static.guests if entry.port}
        self._by_mac = {mac: entry for entry in static.guests if not entry.port for mac in entry.macs}
        self._by_ip = {
            ip: entry for entry in static.guests if not (entry.port or entry.macs) for ip in entry.ips
        }
        self._names = {entry.name for entry in static.guests}

    def uplink(self, port: SeenPort) -> bool:
        return port.uplink or port.name in self._static.uplinks(port.switch)

    def guest_of(self, port: SeenPort) -> Guest | None:
        """The guest behind a port. One that the inventory does not know is named after its network namespace,
        if that has a name, or after the port."""
        if not port.guests:
            return None
        entry = self._entry(port)
        if entry is not None:
            macs = tuple(dict.fromkeys((*entry.macs, *port.macs)))
            ips = tuple(dict.fromkeys((*entry.ips, *port.ips)))
            return Guest(entry.name, port.switch, macs, ips, entry.tags, "static")
        if self.uplink(port):
            return None
        name = port.namespace if port.namespace not in self._names else ""
        return Guest(name or port.name, port.switch, port.macs, port.ips)

    def known(self, entry: StaticGuest) -> Guest:
        """A guest whose port is not here (now)."""
        return Guest(entry.name, entry.switch, entry.macs, entry.ips, entry.tags, "static")

    def _entry(self, port: SeenPort) -> StaticGuest | None:
        entry = self._by_port.get(port.name)
        if entry is None and not self.uplink(port):
            found = [self._by_mac.get(mac) for mac in port.macs] + [self._by_ip.get(ip) for ip in port.ips]
            entry = next((one for one in found if one is not None), None)
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
