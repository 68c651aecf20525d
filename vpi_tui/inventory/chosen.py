"""What is watched: every switch, whole, or what was named by hand.

- a switch (a bridge, Open vSwitch, an interface with macvlans): the whole of it, its ports and what the host
  sends into it, each frame once;
- a port of a switch: only what enters there, since answers enter at other ports; a notice says so;
- any other interface: what it receives and what is sent through it. On a sensor's capture card nothing is
  sent, and mirrored traffic is received in both directions. No port tells the guests there. So is a port
  that gets the copies of a mirror. Of two through which the same frames pass one is enough.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from vpi_tui.inventory.links import Link
from vpi_tui.inventory.picture import Picture, SeenGuest, SeenPort
from vpi_tui.model.topology import Switch

NAMES_IN_A_NOTICE = 5
_JOINS = frozenset(["bond", "team"])
_PASSES = frozenset(["vlan", "macvlan", "macvtap", "veth"])
"""Kinds of device whose frames pass their peer as they are."""


def chosen(picture: Picture, names: Sequence[str]) -> Picture:
    """The part of the picture that was named by hand, or all of it; notices say what is down there.

    A name that does not exist now gives a notice; it is watched once it appears.
    """
    part = _named(picture, names) if names else picture
    links = {link.name: link for link in part.links}
    down = [
        notice
        for switch in part.switches
        for notice in _down(switch, links.get(switch.name), part.ports)
        if switch.kind != "interface"
    ]
    return replace(part, notices=(*part.notices, *down))


def _named(picture: Picture, names: Sequence[str]) -> Picture:
    by_name = {link.name: link for link in picture.links}
    wanted = [by_name[name] for name in dict.fromkeys(names) if name in by_name]
    far = [port for port in picture.ports if port.far]
    beyond = {port.switch for port in far}
    all_switches = {switch.name for switch in picture.switches if switch.name not in beyond}
    copies = {mirror.output for mirror in picture.mirrors}
    candidates = [
        port for port in picture.ports if not port.far and (port.name not in copies or port.switch in names)
    ]
    unnamed = {port.switch for port in candidates if port.name not in names and port.ifindex}
    whole = all_switches.intersection(names)
    whole |= {port.switch for port in candidates if port.name in names} - unnamed
    ports = [port for port in candidates if port.name in names or port.switch in whole]
    parts = {port.switch for port in ports} - whole
    switches = [
        switch if switch.name in whole else replace(switch, ifindex=0)
        for switch in picture.switches
        if switch.name in whole | parts
    ]
    known = whole | {port.name for port in ports}
    plain, twice = _each_frame_once([link for link in wanted if link.name not in known])
    for link in plain:
        # A frame on the loopback is sent and then received: one of the two is enough.
        switches.append(Switch(link.name, "interface", "probe", 0 if link.loopback else link.ifindex))
        ports.append(SeenPort(link.ifindex, link.name, link.name, guests=False))
    if plain:
        # It may get copies of what other hosts carry.
        switches += [switch for switch in picture.switches if switch.name in beyond]
        ports += far
    notices = [
        f"There is no interface {name} now; it is watched once it appears."
        for name in names
        if name not in by_name and name not in all_switches
    ]
    notices += twice
    notices += [_one_way(switch, ports) for switch in sorted(parts)]
    notices += [notice for link in plain for notice in _idle(link)]
    return replace(
        picture,
        switches=tuple(switches),
        ports=tuple(ports),
        notices=(*picture.notices, *notices),
        guests=picture.guests if plain else _guests_at(ports, whole | parts, picture.guests),
        mirrors=tuple(m for m in picture.mirrors if m.switch in whole | parts or m.output in names),
    )


def _guests_at(
    ports: Iterable[SeenPort], switches: Collection[str], guests: Iterable[SeenGuest]
) -> tuple[SeenGuest, ...]:
    """Guests that belong to the chosen part, as far as their manager or a port tells."""
    names = {port.name for port in ports}
    macs = {mac for port in ports for mac in port.macs}
    return tuple(
        guest
        for guest in guests
        if names.intersection(guest.ports)
        or macs.intersection(guest.macs)
        or set(guest.networks).intersection(switches)
    )


def _each_frame_once(links: Sequence[Link]) -> tuple[list[Link], list[str]]:
    """Without those whose frames all pass another of them too, and a notice for each of these.

    A VLAN or macvlan lies on a device, a bond on those that it joins; a veth pair has two ends. What lies on
    another in any other way may not pass it as it is: MACsec and IPsec are encrypted there, and ipvlans speak
    to each other past it.
    """
    by_index = {link.ifindex: link for link in links}
    left_out: dict[int, Link] = {}
    for link in links:
        above = by_index.get(link.master)
        joined = above if above is not None and above.kind in _JOINS else None
        passes = link.kind in _PASSES and link.peer_namespace is None
        through = joined or (by_index.get(link.peer) if passes else None)
        if through is not None and left_out.get(through.ifindex) is not link:
            left_out[link.ifindex] = through
    notices = [
        f"{by_index[number].name} is left out: all its frames pass {through.name}, which is watched too."
        for number, through in left_out.items()
    ]
    return [link for link in links if link.ifindex not in left_out], notices


def _one_way(switch: str, ports: Iterable[SeenPort]) -> str:
    named = ", ".join(port.name for port in ports if port.switch == switch)
    return (
        f"Only what enters {switch} at {named} is seen; answers enter at its other ports."
        f" To see both directions name the bridge: -i {switch}"
    )


def _down(switch: Switch, link: Link | None, ports: Iterable[SeenPort]) -> Iterable[str]:
    if switch.kind == "bridge" and link is not None and not link.up:
        yield f"The bridge {switch.name} is down and forwards nothing: ip link set {switch.name} up"
        return
    down = [port.name for port in ports if port.switch == switch.name and port.state == "down"]
    if down:
        named = ", ".join(down[:NAMES_IN_A_NOTICE]) + (", …" if len(down) > NAMES_IN_A_NOTICE else "")
        yield f"Nothing enters {switch.name} at ports that are down: {named}. Fix with: ip link set PORT up"


def _idle(link: Link) -> Iterable[str]:
    if not link.up:
        yield f"{link.name} is down, nothing is received there: ip link set {link.name} up"
    elif not link.carrier:
        yield f"{link.name} has no carrier: nothing is connected to it."
