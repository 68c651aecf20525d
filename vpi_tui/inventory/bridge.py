"""Linux bridges, their ports, and interfaces that were named by hand.

What is watched when nothing is named: every bridge here, whole. Named by hand:

- a bridge: the whole switch, its ports and what the host sends into it, each frame once;
- a port of a bridge: only what enters there, since answers enter at other ports; a notice says so;
- any other interface: what it receives and what is sent through it. On a sensor's capture card nothing is
  sent, and mirrored traffic is received in both directions. No port tells the guests there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vpi_tui.inventory import namespaces, netlink
from vpi_tui.inventory.links import (
    NO_NEIGHBOURS,
    Link,
    Neighbours,
    read_addresses,
    read_links,
    read_neighbours,
    read_pvids,
)
from vpi_tui.inventory.picture import Picture, SeenPort
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Switch

REREAD = 30.0
"""Seconds after which all is read again though no notice came."""
NEIGHBOUR_REST = 1.0
"""Seconds between two looks at learned addresses, however often they change: a guest decides how often."""
COST_SHARE = 20
"""Reading may take one part in so many of the time."""
NAMES_IN_A_NOTICE = 5
_LEADS_OUT = frozenset(
    ["bond", "team", "vlan", "vxlan", "geneve", "gretap", "ip6gretap", "erspan", "wireguard"]
)
"""Kinds of link that lead out of this host. A link of no kind is a network card."""


class BridgeProbe:
    """The bridges of the network namespace in which it was made.

    interfaces: names given by hand; only these are watched then.
    """

    name = "Linux bridges"

    def __init__(self, interfaces: Sequence[str] = ()) -> None:
        self._interfaces = tuple(interfaces)
        self._links: list[Link] = []
        self._pvids: dict[int, int] = {}
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
                self._links = read_links(self._requests)
                self._pvids = read_pvids(self._requests) if _filters_vlans(self._links) else {}
            self._neighbours = read_neighbours(self._requests, self._neighbours)
            addresses = read_addresses(self._requests)
            elsewhere = any(link.master and link.peer_namespace is not None for link in self._links)
            names = namespaces.names_by_id(self._requests) if elsewhere else {}
        except OSError as error:
            raise _unreadable(error) from error
        self._links_stale = self._neighbours_stale = False
        self._reread_at = self._now + REREAD
        self._neighbours_after = self._now + NEIGHBOUR_REST
        self._rest_until = self._now + COST_SHARE * (time.thread_time() - began)
        picture = picture_of(self._links, self._neighbours, addresses, names, self._pvids)
        return chosen(picture, self._interfaces, self._links) if self._interfaces else picture

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
    namespace_names: Mapping[int, str] | None = None,
    pvids: Mapping[int, int] | None = None,
) -> Picture:
    """Bridges and their ports among the links. pvids: VLAN of untagged frames by ifindex of the port."""
    bridges = {link.ifindex: link for link in links if link.kind == "bridge"}
    members = {link.ifindex: link for link in links if link.master in bridges}
    vlans = pvids or {}
    ports = []
    for link in members.values():
        bridge = bridges[link.master]
        macs = neighbours.macs.get(link.ifindex, ())
        name = (namespace_names or {}).get(link.peer_namespace, "") if link.peer_namespace is not None else ""
        ports.append(
            SeenPort(
                link.ifindex,
                link.name,
                bridge.name,
                uplink=leads_out(link.kind) or _patched_to(link, members) != 0,
                macs=macs,
                ips=tuple(dict.fromkeys(ip for mac in macs for ip in neighbours.ips.get(mac, ()))),
                namespace=name,
                pvid=_pvid(bridge, link, vlans),
                peer=_patched_to(link, members),
            )
        )
    switches = tuple(
        Switch(link.name, "bridge", "probe", link.ifindex, _pvid(link, link, vlans))
        for link in bridges.values()
    )
    notices = [notice for bridge in bridges.values() for notice in _down_notices(bridge, members.values())]
    return Picture(switches, tuple(ports), addresses, tuple(notices))


def _pvid(bridge: Link, port: Link, pvids: Mapping[int, int]) -> int:
    """Bridges that do not filter VLANs have such settings too, and ignore them."""
    return pvids.get(port.ifindex, 0) if bridge.vlan_filtering else 0


def leads_out(kind: str) -> bool:
    """True for a port behind which there is the world and no guest."""
    return not kind or kind in _LEADS_OUT


def _patched_to(link: Link, members: Mapping[int, Link]) -> int:
    """ifindex of the other end of a veth pair that joins two bridges; 0 for any other link."""
    here = link.kind == "veth" and link.peer_namespace is None
    return link.peer if here and link.peer in members else 0


def _down_notices(bridge: Link, members: Iterable[Link]) -> Iterable[str]:
    if not bridge.up:
        yield f"The bridge {bridge.name} is down and forwards nothing: ip link set {bridge.name} up"
        return
    down = [link.name for link in members if link.master == bridge.ifindex and not link.up]
    if down:
        named = ", ".join(down[:NAMES_IN_A_NOTICE]) + (", …" if len(down) > NAMES_IN_A_NOTICE else "")
        yield f"Nothing enters {bridge.name} at ports that are down: {named}. Mend with: ip link set PORT up"


def chosen(picture: Picture, names: Sequence[str], links: Sequence[Link]) -> Picture:
    """The part of the picture that was named by hand.

    A name that does not exist now gives a notice; it is watched once it appears.
    """
    by_name = {link.name: link for link in links}
    wanted = [by_name[name] for name in dict.fromkeys(names) if name in by_name]
    unnamed = {port.switch for port in picture.ports if port.name not in names}
    whole = {link.name for link in wanted if link.kind == "bridge"}
    whole |= {port.switch for port in picture.ports} - unnamed
    ports = [port for port in picture.ports if port.name in names or port.switch in whole]
    parts = {port.switch for port in ports} - whole
    switches = [
        switch if switch.name in whole else replace(switch, ifindex=0)
        for switch in picture.switches
        if switch.name in whole | parts
    ]
    known = whole | {port.name for port in ports}
    plain = [link for link in wanted if link.name not in known]
    for link in plain:
        # A frame on the loopback is sent and then received: one of the two is enough.
        switches.append(Switch(link.name, "interface", "probe", 0 if link.loopback else link.ifindex))
        ports.append(SeenPort(link.ifindex, link.name, link.name, guests=False))
    notices = [
        f"There is no interface {name} now; it is watched once it appears."
        for name in names
        if name not in by_name
    ]
    notices += [_one_way(switch, ports) for switch in sorted(parts)]
    notices += [notice for link in wanted for notice in _idle(link)]
    bridges = [link for link in wanted if link.kind == "bridge"]
    members = [link for link in links if link.master]
    notices += [notice for bridge in bridges for notice in _down_notices(bridge, members)]
    return Picture(tuple(switches), tuple(ports), picture.host_ips, tuple(notices))


def _one_way(switch: str, ports: Iterable[SeenPort]) -> str:
    named = ", ".join(port.name for port in ports if port.switch == switch)
    return (
        f"Only what enters {switch} at {named} is seen; answers enter at its other ports."
        f" To see both directions name the bridge: -i {switch}"
    )


def _idle(link: Link) -> Iterable[str]:
    if link.kind == "bridge":
        return
    if not link.up:
        yield f"{link.name} is down, nothing is received there: ip link set {link.name} up"
    elif not link.carrier:
        yield f"{link.name} has no carrier: nothing is connected to it."
