"""Whose flow it is: switch, guests and locality of each flow, by sorted tables and a compiled loop.

The port where a frame entered the switch decides; MAC and IP address, which a guest can forge, are asked
only where no port tells (a capture file, a side that has not answered yet, a host behind a port that is no
guest's).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.inventory import kernels
from vpi_tui.inventory.addresses import halves
from vpi_tui.inventory.kernels import NOBODY, UPLINK
from vpi_tui.model.batch import U64, FlowBatch
from vpi_tui.model.topology import Port, Topology

Records = NDArray[Any]
"""Structured array with the fields of the flow table (flow.FLOW_DTYPE)."""
Ids = NDArray[np.int16]
MAX_DEPARTED = 4_096
"""Ports that have gone and whose live flows are still placed by them."""
INTERFACE = "interface"
"""Switch.kind of an interface that is watched by itself."""
Key = tuple[int, int]
"""The halves of an address; (0, number) for a MAC or a port."""


class Lookup(NamedTuple):
    """Keys in order, and the id of each."""

    high: U64
    low: U64
    id: Ids


class Tables(NamedTuple):
    """One topology as the compiled loop reads it."""

    port_switch: Lookup
    port_guest: Lookup
    macs: Lookup
    ips: Lookup
    host_ips: Lookup
    switch_of_guest: Ids
    has_mac: NDArray[np.bool_]
    """Of each guest: whether a MAC of it is known."""
    beside: Lookup
    """Interfaces that are no port of a switch, such as a sensor's: whose traffic that is, addresses tell."""
    on_switch: NDArray[np.bool_]
    """Of each guest: whether its switch is one, and no such interface."""
    default_switch: int
    """Switch of a flow for which nothing else tells."""
    knows_guests: bool


def _lookup(owners: dict[Key, int]) -> Lookup:
    keys = sorted(owners)
    pairs = np.array(keys, np.uint64).reshape(-1, 2)
    ids = np.fromiter((owners[key] for key in keys), np.int16, len(keys))
    return Lookup(np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1]), ids)


def _port_key(ifindex: int) -> Key:
    return 0, ifindex & 0xFFFF_FFFF_FFFF_FFFF


class Attributor:
    """Attributes flows by one topology; `retopology` changes to another."""

    def __init__(self, topology: Topology) -> None:
        self._ports: dict[int, Port] = {}
        self.retopology(topology)

    def retopology(self, topology: Topology) -> None:
        """Use another topology from now on. Live flows keep theirs until `attribute_all`.

        A port that has gone still tells whose its flows were, until its ifindex is used again.
        """
        self._remember(topology.ports)
        switches = {switch.name: number for number, switch in enumerate(topology.switches)}
        guests = {guest.name: number for number, guest in enumerate(topology.guests)}
        ports = {_port_key(ifindex): port for ifindex, port in self._ports.items()}
        port_switch = {
            _port_key(switch.ifindex): number
            for number, switch in reversed(list(enumerate(topology.switches)))
            if switch.ifindex
        }
        port_switch.update({key: switches.get(port.switch, NOBODY) for key, port in ports.items()})
        interfaces = {number for number, one in enumerate(topology.switches) if one.kind == INTERFACE}
        beside = {key: number for key, number in port_switch.items() if number in interfaces}
        at_home = [switches.get(guest.switch, NOBODY) for guest in topology.guests]
        port_guest = {
            key: UPLINK if port.uplink else guests.get(port.guest, NOBODY) for key, port in ports.items()
        }
        only_one = not port_switch and len(topology.switches) == 1
        self._tables = Tables(
            port_switch=_lookup({key: number for key, number in port_switch.items() if key not in beside}),
            port_guest=_lookup(port_guest),
            macs=_lookup(_mac_owners(topology)),
            ips=_lookup(_ip_owners((ip, n) for n, guest in enumerate(topology.guests) for ip in guest.ips)),
            host_ips=_lookup(_ip_owners((ip, 0) for ip in topology.host_ips)),
            switch_of_guest=np.array(at_home, np.int16),
            has_mac=np.array([any(guest.macs) for guest in topology.guests], np.bool_),
            beside=_lookup(beside),
            on_switch=np.array([number not in interfaces | {NOBODY} for number in at_home], np.bool_),
            default_switch=0 if only_one else NOBODY,
            knows_guests=bool(topology.guests or port_switch),
        )

    def _remember(self, ports: Iterable[Port]) -> None:
        current = {port.ifindex: port for port in ports if port.ifindex}
        departed = [(ifindex, port) for ifindex, port in self._ports.items() if ifindex not in current]
        self._ports = dict(departed[-MAX_DEPARTED:]) | current

    def attribute(self, flows: FlowBatch, records: Records) -> None:
        """Write switch, src_guest, dest_guest and locality of flows that began, or were answered, now.

        records: the flow table's live array. Flows that ended before they were ever attributed
        (`flows.closed`) are attributed too.
        """
        kernels.attribute_first(self._tables, records, flows.flow, flows.first)
        self.attribute_closed(flows.closed)

    def attribute_closed(self, closed: Records) -> None:
        """Attribute the records of ended flows that no batch attributed while they lived."""
        if len(closed):
            kernels.attribute_used(self._tables, closed, True)

    def attribute_all(self, records: Records) -> None:
        """Attribute every flow of `records` again: the topology has changed."""
        kernels.attribute_used(self._tables, records, False)


def _mac_owners(topology: Topology) -> dict[Key, int]:
    owners: dict[Key, int] = {}
    for number, guest in enumerate(topology.guests):
        for mac in guest.macs:
            if mac:
                owners.setdefault((0, mac), number)
    return owners


def _ip_owners(pairs: Iterable[tuple[str, int]]) -> dict[Key, int]:
    owners: dict[Key, int] = {}
    for text, number in pairs:
        try:
            owners.setdefault(halves(text), number)
        except ValueError:
            continue  # an address with a zone, or one that a probe wrote in its own way
    return owners
