"""Hosts learned from the wire, where no port tells them: capture files, and the capture card of a sensor.

A MAC that speaks for a few addresses is a host; one that speaks for many is a router, with the world behind
it. Captures without MACs (raw IP) give the hosts with private addresses. Everything is bounded: a file may
hold any number of made-up addresses.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import numpy as np

from vpi_tui.inventory import kernels
from vpi_tui.inventory.addresses import address_of
from vpi_tui.inventory.picture import mac_text
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.topology import Guest, Topology

MAX_HOSTS = 500
ADDRESSES_A_HOST = 4
"""A MAC with more is a router."""
ROWS_A_BATCH = 4_096
"""New senders looked at of one batch; of a flood, the beginning is enough."""
SEEN_PLACES = 4_096
"""Senders that are not looked at again. A power of two."""
_PRIVATE = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


class LearnedHosts:
    """Feed it batches; ask for the topology now and then."""

    def __init__(self) -> None:
        self._by_mac: dict[int, list[str]] = {}
        self._by_ip: dict[str, None] = {}
        self._entered: dict[int | str, int] = {}
        """ifindex where a MAC, or an address without one, was first seen."""
        self._routers: set[int] = set()
        self._router_macs = np.zeros(0, np.uint64)
        self._seen = np.zeros((SEEN_PLACES, 3), np.uint64)
        self._rows = np.zeros(ROWS_A_BATCH, np.int32)
        self._changed = False

    def learn(self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch) -> None:
        """Look at the first packet of each direction of each flow of a batch."""
        if self._full():
            return
        count = kernels.new_speakers(decoded, flows.first, self._router_macs, self._seen, self._rows)
        rows = self._rows[:count]
        ifindex = packets.ifindex[decoded.packet[rows]]
        columns = (decoded.src_mac[rows], decoded.src_ip[rows, 0], decoded.src_ip[rows, 1], ifindex)
        for mac, high, low, entered in zip(*(column.tolist() for column in columns), strict=True):
            self._add(mac, high, low, entered)
        if len(self._router_macs) < len(self._routers):
            self._router_macs = np.array(sorted(self._routers), np.uint64)

    def _full(self) -> bool:
        return len(self._by_mac) + len(self._by_ip) >= MAX_HOSTS

    def _add(self, mac: int, high: int, low: int, entered: int) -> None:
        if self._full() or mac >> 40 & 1 or mac in self._routers:
            return
        address = address_of(high, low)
        if address.is_unspecified or address.is_multicast:
            return
        text = str(address)
        if mac == 0:
            if text not in self._by_ip and any(address in network for network in _PRIVATE):
                self._by_ip[text] = None
                self._entered[text] = entered
                self._changed = True
            return
        self._entered.setdefault(mac, entered)
        known = self._by_mac.setdefault(mac, [])
        if text in known:
            return
        self._changed = True
        known.append(text)
        if len(known) > ADDRESSES_A_HOST:
            self._routers.add(mac)

    def topology(self, base: Topology) -> Topology | None:
        """`base` with the learned hosts; None when nothing was learned since the last call."""
        if not self._changed:
            return None
        self._changed = False
        return self.added_to(base)

    def added_to(self, base: Topology) -> Topology:
        """`base` with the hosts learned so far as guests of the switch where they were seen.

        Guests of `base` stay first, and a host keeps its position. One that turns out to be a router does
        too, tagged so and without addresses: those are of the world behind it. This host is no guest.
        """
        taken = {guest.name for guest in base.guests}
        known_macs = {mac for guest in base.guests for mac in guest.macs}
        known_ips = {ip for guest in base.guests for ip in guest.ips} | set(base.host_ips)
        switches = {port.ifindex: port.switch for port in base.ports}
        first = base.switches[0].name if base.switches else ""
        guests = list(base.guests)
        for mac, ips in self._by_mac.items():
            if mac in known_macs or known_ips.intersection(ips):
                continue
            name, switch = _free_name(ips, mac, taken), switches.get(self._entered[mac], first)
            if mac in self._routers:
                guests.append(Guest(name, switch, tags=("router",), source="learned"))
            else:
                guests.append(Guest(name, switch, (mac,), tuple(ips), (), "learned"))
        guests += [
            Guest(ip, switches.get(self._entered[ip], first), (), (ip,), (), "learned")
            for ip in self._by_ip
            if ip not in taken and ip not in known_ips
        ]
        return replace(base, guests=tuple(guests), serial=base.serial + 1)


def _free_name(ips: list[str], mac: int, taken: set[str]) -> str:
    """The host's first IPv4 address, else its first address; its MAC when another host has that name."""
    name = next((ip for ip in ips if ":" not in ip), ips[0])
    if name in taken:
        name = mac_text(mac)
    taken.add(name)
    return name
