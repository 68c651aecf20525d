"""Whose flow it is: switch, guests and locality of each flow, by tables over arrays.

The port where a frame entered the switch decides; MAC and IP address, which a guest can forge, are asked
only where no port tells (a capture file, a side that has not answered yet, a host behind a port that is no
guest's).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.inventory.addresses import halves
from vpi_tui.model.batch import FlowBatch
from vpi_tui.model.topology import Locality, Topology

Records = NDArray[Any]
"""Structured array with the fields of the flow table (flow.FLOW_DTYPE)."""
Ids = NDArray[np.int16]
MULTICAST_MAC = np.uint64(1 << 40)
"""The group bit of a MAC address, which broadcast has too."""
NOBODY = -1
UPLINK = -2
"""In the table of ports: surely no guest. Asked no further, so that nobody poses as a guest from outside."""


class _Table:
    """Sorted keys and the id of each; looks many up at once. An absent key gives NOBODY."""

    def __init__(self, keys: NDArray[Any], ids: Iterable[int]) -> None:
        self._ids = np.append(np.fromiter(ids, dtype=np.int16, count=len(keys)), np.int16(NOBODY))
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self._order = np.append(order, len(keys))

    def find(self, wanted: NDArray[Any]) -> NDArray[np.intp]:
        """Position of each key in the order in which they were given; their number for an absent one."""
        at = np.searchsorted(self._keys, wanted)
        inside = np.minimum(at, len(self._keys) - 1)
        found = (self._keys[inside] == wanted) if len(self._keys) else np.zeros(len(wanted), dtype=bool)
        return self._order[np.where(found, at, len(self._keys))]

    def ids(self, wanted: NDArray[Any]) -> Ids:
        return self._ids[self.find(wanted)]


def _ip_keys(ips: NDArray[np.uint64]) -> NDArray[np.bytes_]:
    """uint64[n, 2] as one sortable key of 16 bytes each."""
    return np.ascontiguousarray(ips).view("S16").reshape(-1)


class Attributor:
    """Attributes flows by one topology; `retopology` changes to another."""

    def __init__(self, topology: Topology) -> None:
        self.retopology(topology)

    def retopology(self, topology: Topology) -> None:
        """Use another topology from now on. Live flows keep theirs until `attribute_all`."""
        switches = {switch.name: number for number, switch in enumerate(topology.switches)}
        guests = {guest.name: number for number, guest in enumerate(topology.guests)}
        ports = [
            (
                port.ifindex,
                switches.get(port.switch, NOBODY),
                UPLINK if port.uplink else guests.get(port.guest, NOBODY),
            )
            for port in topology.ports
        ]
        known = {ifindex for ifindex, _, _ in ports}
        ports += [
            (switch.ifindex, number, NOBODY)
            for number, switch in enumerate(topology.switches)
            if switch.ifindex and switch.ifindex not in known
        ]
        indexes = np.array([ifindex for ifindex, _, _ in ports], dtype=np.int32)
        self._port_switch = _Table(indexes, (switch for _, switch, _ in ports))
        self._port_guest = _Table(indexes, (guest for _, _, guest in ports))
        self._macs = self._mac_table(topology)
        self._ips = self._ip_table((ip, n) for n, guest in enumerate(topology.guests) for ip in guest.ips)
        self._host = self._ip_table((ip, 0) for ip in topology.host_ips)
        of_guest = [switches.get(guest.switch, NOBODY) for guest in topology.guests]
        self._switch_of_guest = np.array([*of_guest, NOBODY], dtype=np.int16)
        only_one = not ports and len(topology.switches) == 1
        self._default_switch = 0 if only_one else NOBODY
        self._knows_guests = bool(topology.guests or ports)

    @staticmethod
    def _mac_table(topology: Topology) -> _Table:
        owners: dict[int, int] = {}
        for number, guest in enumerate(topology.guests):
            for mac in guest.macs:
                if mac:
                    owners.setdefault(mac, number)
        return _Table(np.array(list(owners), dtype=np.uint64), owners.values())

    @staticmethod
    def _ip_table(pairs: Iterable[tuple[str, int]]) -> _Table:
        owners: dict[tuple[int, int], int] = {}
        for text, number in pairs:
            try:
                owners.setdefault(halves(text), number)
            except ValueError:
                continue  # an address with a zone, or one that a probe wrote in its own way
        keys = np.array(list(owners), dtype=np.uint64).reshape(-1, 2)
        return _Table(_ip_keys(keys), owners.values())

    # Attribution ------------------------------------------------------------------------------

    def attribute(self, flows: FlowBatch, records: Records) -> NDArray[np.int32]:
        """Write switch, src_guest, dest_guest and locality of flows that began, or were answered, now.

        records: the flow table's live array. Gives the slots that were written. Flows that ended before
        they were ever attributed (`flows.closed`) are attributed too.
        """
        slots = np.unique(flows.flow[np.flatnonzero(flows.first)])
        slots = slots[slots >= 0]
        if slots.size:
            self._write(records, slots)
        self.attribute_closed(flows.closed)
        return slots

    def attribute_closed(self, closed: Records) -> None:
        """Attribute the records of ended flows that no batch attributed while they lived."""
        missed = np.flatnonzero(closed["locality"] == Locality.UNKNOWN)
        if missed.size:
            self._write(closed, missed)

    def attribute_all(self, records: Records) -> None:
        """Attribute every flow of the table again: the topology has changed."""
        used = np.flatnonzero(records["flow_id"])
        if used.size:
            self._write(records, used)

    def _write(self, records: Records, slots: NDArray[Any]) -> None:
        flows = records[slots]
        client_switch = self._port_switch.ids(flows["ifindex_client"])
        server_switch = self._port_switch.ids(flows["ifindex_server"])
        source = self._guest(flows["ifindex_client"], flows["src_mac"], flows["src_ip"])
        dest = self._guest(flows["ifindex_server"], flows["dest_mac"], flows["dest_ip"])
        switch = _first_known(
            client_switch, server_switch, self._switch_of_guest[source], self._switch_of_guest[dest]
        )
        records["switch"][slots] = np.where(switch == NOBODY, self._default_switch, switch)
        records["src_guest"][slots] = source
        records["dest_guest"][slots] = dest
        records["locality"][slots] = self._locality(flows, source, dest)

    def _guest(self, ifindex: Any, mac: Any, ip: Any) -> Ids:
        by_port = self._port_guest.ids(ifindex)
        guest = _first_known(by_port, self._macs.ids(mac), self._ips.ids(_ip_keys(ip)))
        return np.maximum(guest, np.int16(NOBODY))

    def _locality(self, flows: Records, source: Ids, dest: Ids) -> NDArray[np.uint8]:
        here = (source >= 0).astype(np.uint8) + (dest >= 0)
        host = (self._host.ids(_ip_keys(flows["src_ip"])) >= 0) | (
            self._host.ids(_ip_keys(flows["dest_ip"])) >= 0
        )
        to_all = (flows["dest_mac"] & MULTICAST_MAC) != 0
        nowhere = Locality.EXTERNAL if self._knows_guests else Locality.UNKNOWN
        return np.select(
            [here == 2, host, to_all, here == 1],
            [Locality.EAST_WEST, Locality.HOST, Locality.UNKNOWN, Locality.NORTH_SOUTH],
            nowhere,
        ).astype(np.uint8)


def _first_known(*answers: Ids) -> Ids:
    """Of each position the first answer that is not NOBODY."""
    result = answers[0]
    for answer in answers[1:]:
        result = np.where(result == NOBODY, answer, result)
    return result
