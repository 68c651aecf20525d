"""Linux bridges and their ports, macvlan and SR-IOV: all that lists of links alone tell of switches."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vpi_tui.inventory import namespaces, netlink
from vpi_tui.inventory.kind import ProbeKind
from vpi_tui.inventory.links import (
    NO_NEIGHBOURS,
    Link,
    Neighbours,
    Vlans,
    leads_out,
    read_addresses,
    read_links,
    read_neighbours,
    read_vlans,
)
from vpi_tui.inventory.macvlan import macvlans
from vpi_tui.inventory.picture import Picture, SeenPort
from vpi_tui.inventory.sriov import virtual_functions
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Switch

REREAD = 30.0
"""Seconds after which all is read again though no notice came."""
NEIGHBOUR_REST = 1.0
"""Seconds between two looks at learned addresses, however often they change: a guest decides how often."""
COST_SHARE = 20
"""Reading may take one part in so many of the time."""


class BridgeProbe:
    """The links, and the bridges and macvlans among them, of the network namespace in which it was made."""

    name = "Linux bridges"

    def __init__(self) -> None:
        self._links: list[Link] = []
        self._vlans: dict[int, Vlans] = {}
        self._neighbours = NO_NEIGHBOURS
        self._links_stale = self._neighbours_stale = True
        self._reread_at = self._rest_until = self._neighbours_after = float("-inf")
        self._now = 0.0
        try:
            self._notices = netlink.LinkNotices()
            self._requests = netlink.Requests()
        except OSError as error:
            raise _unreadable(error) from error

    def changed(self, now: float) -> bool:
        """Cheap, never blocks."""
        self._now = now
        links, neighbours = self._notices.take()
        late = now >= self._reread_at
        self._links_stale |= links or late
        self._neighbours_stale |= neighbours or late
        if now < self._rest_until:
            return False
        return self._links_stale or (self._neighbours_stale and now >= self._neighbours_after)

    def read(self) -> Picture:
        began = time.thread_time()
        try:
            if self._links_stale or not self._links:
                self._links = self._named(read_links(self._requests))
                self._vlans = read_vlans(self._requests) if _filters_vlans(self._links) else {}
            self._neighbours = read_neighbours(self._requests, self._neighbours)
            addresses = read_addresses(self._requests)
        except OSError as error:
            raise _unreadable(error) from error
        self._links_stale = self._neighbours_stale = False
        self._reread_at = self._now + REREAD
        self._neighbours_after = self._now + NEIGHBOUR_REST
        self._rest_until = self._now + COST_SHARE * (time.thread_time() - began)
        return picture_of(self._links, self._neighbours, addresses, self._vlans)

    def _named(self, links: list[Link]) -> list[Link]:
        """With the names of the network namespaces of their peers."""
        if all(link.peer_namespace is None for link in links):
            return links
        names = namespaces.names_by_id(self._requests)
        return [
            replace(link, namespace=names.get(link.peer_namespace, ""))
            if link.peer_namespace is not None
            else link
            for link in links
        ]

    def close(self) -> None:
        self._notices.close()
        self._requests.close()


def _unreadable(error: OSError) -> VpiError:
    return VpiError(f"Interfaces cannot be listed by netlink: {error.strerror or error}.")


def _filters_vlans(links: Iterable[Link]) -> bool:
    return any(link.vlan_filtering for link in links)


def picture_of(
    links: Sequence[Link],
    neighbours: Neighbours = NO_NEIGHBOURS,
    addresses: tuple[str, ...] = (),
    vlans: Mapping[int, Vlans] | None = None,
) -> Picture:
    """Bridges and macvlans with their ports among the links. vlans: by ifindex of the port."""
    bridges = {link.ifindex: link for link in links if link.kind == "bridge"}
    members = {link.ifindex: link for link in links if link.master in bridges}
    settings = vlans or {}
    ports = [_port(link, bridges[link.master], neighbours, settings) for link in members.values()]
    switches = [
        Switch(link.name, "bridge", "probe", link.ifindex, _vlans_of(link, link, settings).pvid)
        for link in bridges.values()
    ]
    over, endpoints = macvlans(links)
    cards, functions = virtual_functions(links)
    return Picture(
        (*switches, *over, *cards),
        (*ports, *endpoints, *functions),
        addresses,
        links=tuple(links),
        neighbours=neighbours.ips,
        absent="" if switches or over else "no Linux bridge and no macvlan",
    )


def _port(link: Link, bridge: Link, neighbours: Neighbours, vlans: Mapping[int, Vlans]) -> SeenPort:
    pvid, tagged = _vlans_of(bridge, link, vlans)
    return SeenPort(
        link.ifindex,
        link.name,
        bridge.name,
        uplink=leads_out(link.kind),
        macs=neighbours.macs.get(link.ifindex, ()),
        namespace=link.namespace,
        pvid=pvid,
        kind=link.kind,
        state=link.state,
        trunks=tagged,
    )


def _vlans_of(bridge: Link, port: Link, vlans: Mapping[int, Vlans]) -> Vlans:
    """Bridges that do not filter VLANs have such settings too, and ignore them."""
    return vlans.get(port.ifindex, Vlans()) if bridge.vlan_filtering else Vlans()


KIND = ProbeKind("Linux bridges", "bridge", lambda _: BridgeProbe())
