"""Hosts learned from the wire, for capture files that nobody made an inventory for.

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
from vpi_tui.model.batch import DecodedBatch, FlowBatch
from vpi_tui.model.topology import Guest, Topology

MAX_HOSTS = 500
ADDRESSES_A_HOST = 4
"""A MAC with more is a router."""
MAX_ROUTERS = 1_000
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
        self._routers: set[int] = set()
        self._router_macs = np.zeros(0, np.uint64)
        self._seen = np.zeros((SEEN_PLACES, 3), np.uint64)
        self._rows = np.zeros(ROWS_A_BATCH, np.int32)
        self._changed = False

    def learn(self, decoded: DecodedBatch, flows: FlowBatch) -> None:
        """Look at the first packet of each direction of each flow of a batch."""
        if self._full():
            return
        count = kernels.new_speakers(decoded, flows.first, self._router_macs, self._seen, self._rows)
        rows = self._rows[:count]
        columns = (decoded.src_mac[rows], decoded.src_ip[rows, 0], decoded.src_ip[rows, 1])
        for mac, high, low in zip(*(column.tolist() for column in columns), strict=True):
            self._add(mac, high, low)

    def _full(self) -> bool:
        return len(self._by_mac) + len(self._by_ip) >= MAX_HOSTS or len(self._routers) >= MAX_ROUTERS

    def _add(self, mac: int, high: int, low: int) -> None:
        address = address_of(high, low)
        if self._full() or address.is_unspecified or address.is_multicast or mac >> 40 & 1:
            return
        text = str(address)
        if mac == 0:
            if text not in self._by_ip and any(address in network for network in _PRIVATE):
                self._by_ip[text] = None
                self._changed = True
            return
        if mac in self._routers:
            return
        known = self._by_mac.setdefault(mac, [])
        if text in known:
            return
        self._changed = True
        known.append(text)
        if len(known) > ADDRESSES_A_HOST:
            del self._by_mac[mac]
            self._routers.add(mac)
            self._router_macs = np.array(sorted(self._routers), np.uint64)

    def topology(self, base: Topology) -> Topology | None:
        """`base` with the learned hosts as guests of its first switch; None when nothing changed.

        Guests of `base` stay first. A host that turns out to be a router leaves, and the positions behind
        it change.
        """
        if not self._changed:
            return None
        self._changed = False
        switch = base.switches[0].name if base.switches else ""
        taken = {guest.name for guest in base.guests}
        known_macs = {mac for guest in base.guests for mac in guest.macs}
        known_ips = {ip for guest in base.guests for ip in guest.ips}
        guests = list(base.guests)
        for mac, ips in self._by_mac.items():
            if mac not in known_macs and not known_ips.intersection(ips):
                guests.append(Guest(_free_name(ips, mac, taken), switch, (mac,), tuple(ips), (), "learned"))
        guests += [
            Guest(ip, switch, (), (ip,), (), "learned")
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
