"""Linux bridges, their ports and what they have learned behind them, by rtnetlink.

Kernel headers: linux/rtnetlink.h, linux/if_link.h, linux/neighbour.h. Reading needs no rights.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from vpi_tui.inventory.picture import Picture, SeenPort, mac_number
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Switch

RTMGRP_LINK = 1
AF_BRIDGE = 7
NUD_PERMANENT = 0x80
"""State of the forwarding entries for the bridge's own addresses."""
MACS_A_PORT = 8
"""Learned addresses kept of one port: a guest that floods the table must not fill ours."""
REREAD = 10.0
"""Seconds after which learned addresses are read again though no link has changed."""
_LEADS_OUT = frozenset(
    ["bond", "team", "vlan", "vxlan", "geneve", "gretap", "ip6gretap", "erspan", "wireguard"]
)
"""Kinds of link that lead out of this host. A link of no kind is a network card."""


class LinkWatch:
    """Tells whether a link has come, gone or changed since the last question."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
        self._socket.setblocking(False)
        self._socket.bind((0, RTMGRP_LINK))

    def changed(self) -> bool:
        """Never blocks. Lost notices count as a change."""
        found = False
        while True:
            try:
                if not self._socket.recv(65536):
                    return found
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
            found = True

    def close(self) -> None:
        self._socket.close()


class BridgeProbe:
    """The bridges of the network namespace in which it was made.

    interfaces: names given by hand; only these are watched then, and one that is no port of a bridge stands
    as a switch of its own.
    """

    name = "Linux bridges"

    def __init__(self, interfaces: tuple[str, ...] = ()) -> None:
        self._interfaces = interfaces
        self._next = 0.0
        try:
            from pyroute2 import IPRoute

            self._watch = LinkWatch()
            self._route: Any = IPRoute()
        except OSError as error:
            raise VpiError(
                f"Interfaces cannot be listed by netlink: {error.strerror}.", hint="Name them by hand: -i IF."
            ) from error

    def changed(self, now: float) -> bool:
        if self._watch.changed() or now >= self._next:
            self._next = now + REREAD
            return True
        return False

    def read(self) -> Picture:
        from pyroute2.netlink.exceptions import NetlinkError

        try:
            links = [_Link(message) for message in self._route.get_links()]
            learned = self._learned()
            addresses = tuple(
                str(message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")).partition("/")[0]
                for message in self._route.get_addr()
            )
        except (OSError, NetlinkError) as error:
            raise VpiError(
                f"Interfaces cannot be listed by netlink: {error}.", hint="Name them by hand: -i IF."
            ) from error
        picture = picture_of(links, learned, addresses)
        return chosen(picture, self._interfaces, links) if self._interfaces else picture

    def _learned(self) -> dict[int, list[int]]:
        """MACs by the ifindex of the port behind which they were learned."""
        found: dict[int, list[int]] = {}
        for entry in self._route.get_neighbours(family=AF_BRIDGE):
            text = entry.get_attr("NDA_LLADDR")
            if text and not entry["state"] & NUD_PERMANENT:
                macs = found.setdefault(entry["ifindex"], [])
                mac = mac_number(text)
                if len(macs) < MACS_A_PORT and mac not in macs and not mac >> 40 & 1:
                    macs.append(mac)
        return found

    def close(self) -> None:
        self._watch.close()
        self._route.close()


class _Link:
    """The few facts about a link that matter here."""

    def __init__(self, message: Any) -> None:
        self.ifindex: int = message["index"]
        self.name: str = message.get_attr("IFLA_IFNAME") or ""
        self.master: int = message.get_attr("IFLA_MASTER") or 0
        self.peer: int = message.get_attr("IFLA_LINK") or 0
        self.peer_elsewhere = message.get_attr("IFLA_LINK_NETNSID") is not None
        self.kind: str = message.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") or ""


def picture_of(links: list[_Link], learned: dict[int, list[int]], addresses: tuple[str, ...]) -> Picture:
    """Bridges and their ports among the links."""
    bridges = {link.ifindex: link for link in links if link.kind == "bridge"}
    members = {link.ifindex for link in links if link.master in bridges}
    ports = tuple(
        SeenPort(
            link.ifindex,
            link.name,
            bridges[link.master].name,
            uplink=leads_out(link.kind) or _patches(link, members),
            macs=tuple(sorted(learned.get(link.ifindex, ()))),
        )
        for link in links
        if link.master in bridges
    )
    switches = tuple(Switch(link.name, "bridge", "probe", link.ifindex) for link in bridges.values())
    return Picture(switches, ports, addresses)


def leads_out(kind: str) -> bool:
    """True for a port behind which there is the world and no guest."""
    return not kind or kind in _LEADS_OUT


def _patches(link: _Link, members: set[int]) -> bool:
    """True for one end of a veth pair that joins two bridges."""
    return link.kind == "veth" and not link.peer_elsewhere and link.peer in members


def chosen(picture: Picture, names: tuple[str, ...], links: list[_Link]) -> Picture:
    """The part of the picture that was named by hand: ports, whole bridges, and other interfaces.

    A name that does not exist now gives a notice; it is watched once it appears.
    """
    wanted = set(names)
    by_name = {link.name: link for link in links}
    ports = [port for port in picture.ports if port.name in wanted]
    used = {port.switch for port in ports} | wanted
    switches = [switch for switch in picture.switches if switch.name in used]
    known = {port.name for port in ports} | {switch.name for switch in switches}
    for name in names:
        if name in by_name and name not in known:
            switches.append(Switch(name, "interface", "probe"))
            ports.append(SeenPort(by_name[name].ifindex, name, name, guests=False))
    missing = [name for name in names if name not in by_name]
    notices = tuple(f"There is no interface {name} now; it is watched once it appears." for name in missing)
    return Picture(tuple(switches), tuple(ports), picture.host_ips, notices)
