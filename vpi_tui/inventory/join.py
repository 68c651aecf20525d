"""Several pictures as one: what one probe says of a port and another of the link behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from vpi_tui.inventory.links import Link, leads_out
from vpi_tui.inventory.picture import Picture, SeenPort
from vpi_tui.model.topology import Mirror, Switch

ELSEWHERE = "in another network namespace"
_NO_DEVICE = frozenset(["patch", "vxlan", "geneve", "gre", "stt", "lisp", "bareudp", "gtpu", "erspan"])
"""Kinds of port that need no device of this host: what enters there has its own way here."""
_TUNNEL_DEVICES = {
    "vxlan": "vxlan_sys_",
    "geneve": "genev_sys_",
    "gre": "gre_sys",
}
"""Open vSwitch's datapath in the kernel unpacks the frames of all tunnels of one kind at one device, whose
name begins so (lib/netdev-vport.c); the one in userspace has no such device."""


def joined(pictures: Sequence[Picture]) -> Picture:
    """Pure. Of two pictures with a switch or a port of one name, the first one holds."""
    links = {link.name: link for picture in pictures for link in picture.links}
    ips = {mac: found for picture in pictures for mac, found in picture.neighbours.items()}
    switches: dict[str, Switch] = {}
    ports: dict[tuple[str, str], SeenPort] = {}
    mirrors: list[Mirror] = []
    notices: list[str] = []
    for picture in pictures:
        here = {one.name: one for one in picture.switches if _is_here(one, links)}
        for name, switch in here.items():
            switches.setdefault(name, _at_its_link(switch, links))
        for port in _at_tunnel_devices(picture.ports, links):
            if port.switch in here:
                ports.setdefault((port.switch, port.name), _with_ips(_at_its_device(port, links), ips))
        mirrors += [mirror for mirror in picture.mirrors if mirror.switch in here]
        notices += picture.notices if here or not picture.switches else ()
    return Picture(
        tuple(switches.values()),
        tuple(_patched(_each_once(ports.values()), links)),
        tuple(dict.fromkeys(ip for picture in pictures for ip in picture.host_ips)),
        tuple(dict.fromkeys(notices)),
        tuple(guest for picture in pictures for guest in picture.guests),
        tuple(mirrors),
        tuple(links.values()),
        ips,
    )


def _each_once(ports: Iterable[SeenPort]) -> list[SeenPort]:
    """Without interfaces that macvlans share and that are also ports of a switch of their own."""
    found = list(ports)
    elsewhere = {port.ifindex for port in found if port.ifindex and port.name != port.switch}
    return [port for port in found if port.name != port.switch or port.ifindex not in elsewhere]


def _is_here(switch: Switch, links: Mapping[str, Link]) -> bool:
    """False for a bridge of an Open vSwitch in another network namespace: its own device is not here."""
    if switch.kind != "ovs" or not links:
        return True
    link = links.get(switch.name)
    return link is not None and switch.ifindex in (0, link.ifindex)


def _at_its_link(switch: Switch, links: Mapping[str, Link]) -> Switch:
    """A switch whose own device the probe could not number."""
    link = links.get(switch.name)
    return replace(switch, ifindex=link.ifindex) if link and switch.kind == "ovs" else switch


def _at_tunnel_devices(ports: Iterable[SeenPort], links: Mapping[str, Link]) -> Iterator[SeenPort]:
    """Ports, the first one of each kind of tunnel with the device that all of that kind share."""
    free = {
        kind: link.ifindex
        for kind, start in _TUNNEL_DEVICES.items()
        for link in links.values()
        if link.name.startswith(start)
    }
    for port in ports:
        device = 0 if port.ifindex or port.name in links else free.pop(port.kind, 0)
        yield replace(port, ifindex=device) if device else port


def _at_its_device(port: SeenPort, links: Mapping[str, Link]) -> SeenPort:
    """What the link of the same name tells of a port; one with another number is in another namespace."""
    if port.far:
        return port  # a link that is called so is another one
    if port.ifindex and port.kind in _TUNNEL_DEVICES and port.name not in links:
        return port
    link = links.get(port.name)
    if link is None or port.ifindex not in (0, link.ifindex):
        missing = bool(links) and port.kind not in _NO_DEVICE and not port.bypass
        return replace(port, ifindex=0, bypass=ELSEWHERE) if missing else port
    return replace(
        port,
        uplink=port.uplink or (not port.kind and leads_out(link.kind)),
        ifindex=link.ifindex,
        kind=port.kind or link.kind,
        state=port.state or link.state,
        namespace=port.namespace or link.namespace,
    )


def _patched(ports: Sequence[SeenPort], links: Mapping[str, Link]) -> Iterator[SeenPort]:
    """Ports with those marked that a veth pair joins to a port of another switch (or of the same one)."""
    here = {port.ifindex for port in ports if port.ifindex}
    for port in ports:
        link = links.get(port.name)
        joins = link is not None and link.ifindex == port.ifindex and link.kind == "veth"
        if link is not None and joins and link.peer_namespace is None and link.peer in here:
            yield replace(port, uplink=True, peer=link.peer, kind="patch")
        else:
            yield port


def _with_ips(port: SeenPort, ips: Mapping[int, tuple[str, ...]]) -> SeenPort:
    found = dict.fromkeys((*port.ips, *(ip for mac in port.macs for ip in ips.get(mac, ()))))
    return replace(port, ips=tuple(found)) if found else port
