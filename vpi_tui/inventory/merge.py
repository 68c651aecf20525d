"""Puts names to what the probes saw: inventory.yaml over managers of guests over namespaces over ports.

Pure: one joined picture in, a topology out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from vpi_tui.inventory.conflicts import Conflicts
from vpi_tui.inventory.naming import Naming
from vpi_tui.inventory.picture import Picture, SeenPort
from vpi_tui.inventory.static import StaticInventory
from vpi_tui.model.topology import Guest, Port, Source, Switch, Topology

Item = TypeVar("Item", Switch, Guest)

NAMED = "elsewhere"
"""Switch.kind of a switch of which no more is known than that guests are named as its own."""
MAX_IDS = 32_000
"""Positions are kept in int16 by the flow table."""
MAX_GONE = 1_000
"""Guests and switches that have gone and are still remembered."""


def merge(seen: Picture, static: StaticInventory, before: Topology) -> Topology:
    """One topology; its serial is not set.

    Positions of switches and guests stay what they were in `before`: those that have gone stay in their place
    (without a port), new ones come behind. Only when more than MAX_GONE have gone are those forgotten.
    """
    conflicts = Conflicts()
    naming = Naming(static, seen, conflicts)
    guests: dict[str, Guest] = {}
    ports: list[Port] = []
    for port in seen.ports:
        guest = naming.guest_of(port)
        if guest is not None:
            guests[guest.name] = _joined(guests.get(guest.name), guest)
        ports.append(_port(port, guest.name if guest else "", naming.uplink(port)))
    for guest in naming.without_port(guests):
        guests.setdefault(guest.name, guest)
    gone = tuple(replace(switch, ifindex=0) for switch in before.switches)
    return Topology(
        switches=_steady(gone, _switches(seen, static, guests.values())),
        ports=tuple(sorted(ports, key=lambda port: (port.ifindex, port.switch, port.name))),
        guests=_steady(before.guests, guests),
        notices=tuple(dict.fromkeys(seen.notices)),
        host_ips=seen.host_ips,
        mirrors=seen.mirrors,
        conflicts=conflicts.sentences(),
    )


def _switches(seen: Picture, static: StaticInventory, guests: Iterable[Guest]) -> dict[str, Switch]:
    """Those that are here, and those that the file or a manager names for guests that are elsewhere."""
    found = {switch.name: switch for switch in seen.switches}
    kinds = {entry.name: entry.kind for entry in static.switches}
    for guest in guests:
        if guest.switch and guest.switch not in found:
            source: Source = "static" if guest.source == "static" else "probe"
            found[guest.switch] = Switch(guest.switch, kinds.get(guest.switch) or NAMED, source)
    return found


def _port(port: SeenPort, guest: str, uplink: bool) -> Port:
    return Port(
        port.ifindex,
        port.name,
        port.switch,
        guest,
        uplink,
        port.pvid,
        port.peer,
        port.kind,
        port.state,
        port.trunks,
        port.macs,
        port.bypass,
        port.inner,
        port.far,
    )


def _joined(first: Guest | None, second: Guest) -> Guest:
    """A guest with several ports: it belongs to the switch of the first, and has the addresses of all."""
    if first is None:
        return second
    macs = tuple(dict.fromkeys((*first.macs, *second.macs)))
    return replace(first, macs=macs, ips=tuple(dict.fromkeys((*first.ips, *second.ips))))


def _steady(before: tuple[Item, ...], now: dict[str, Item]) -> tuple[Item, ...]:
    gone = sum(item.name not in now for item in before)
    kept = [item for item in before if item.name in now or gone <= MAX_GONE]
    names = {item.name for item in kept}
    steady = [now.get(item.name, item) for item in kept]
    steady += [item for name, item in now.items() if name not in names]
    return tuple(steady[:MAX_IDS])


def with_serial(topology: Topology, serial: int) -> Topology:
    return replace(topology, serial=serial)
