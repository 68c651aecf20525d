"""macvlan and macvtap: guests that share one interface of the host without a bridge.

A guest's frames are what its own device sends; between two guests of one interface they pass nowhere else.
What comes for them from outside is received by the interface that they share, which is the switch's uplink.
Source: drivers/net/macvlan.c, drivers/net/tap.c. Those that were moved into another network namespace cannot
be seen from here.
"""

from __future__ import annotations

from collections.abc import Sequence

from vpi_tui.inventory.links import Link
from vpi_tui.inventory.picture import SeenPort
from vpi_tui.model.topology import Switch

KINDS = frozenset(["macvlan", "macvtap"])


def macvlans(links: Sequence[Link]) -> tuple[list[Switch], list[SeenPort]]:
    """Each interface with macvlans over it as a switch, and its ports. One that is a bridge, or the port of
    another switch, is none: what its macvlans send enters that switch."""
    by_index = {link.ifindex: link for link in links}
    shared: dict[int, list[Link]] = {}
    for link in links:
        if link.kind in KINDS and link.peer_namespace is None and _can_be_shared(by_index.get(link.peer)):
            shared.setdefault(link.peer, []).append(link)
    switches, ports = [], []
    for ifindex, guests in shared.items():
        parent = by_index[ifindex]
        switches.append(Switch(parent.name, "macvlan"))
        ports.append(
            SeenPort(ifindex, parent.name, parent.name, uplink=True, kind=parent.kind, state=parent.state)
        )
        ports += [_port(link, parent.name) for link in guests]
    return switches, ports


def _can_be_shared(parent: Link | None) -> bool:
    return parent is not None and parent.kind != "bridge" and not parent.master


def _port(link: Link, switch: str) -> SeenPort:
    macs = (link.mac,) if link.mac else ()
    return SeenPort(link.ifindex, link.name, switch, macs=macs, kind=link.kind, state=link.state, inner=True)
