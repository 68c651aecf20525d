"""inventory.yaml: names for what the probes find, and for what only a capture file shows.

    switches:
      - name: br-prod          # as the kernel calls it
        uplinks: [eno1]        # ports that lead out of this host, where that cannot be told by looking
    guests:
      - name: web-1
        switch: br-prod        # optional
        port: vnet3            # the name of its port; or
        mac: 52:54:00:12:34:56 # one or a list
        ip: [10.0.0.5, "2001:db8::5"]
        tags: [production, web]
        owner: shop team       # whose it is
        criticality: high      # low, medium or high
        kind: vm               # vm, container, namespace, ...

A guest is known again by its port, its mac or its ip; without one of these, by the name that its manager
(libvirt, Docker, ...) gives it. What the file says holds over what was found; where the two contradict each
other, a notice says so. Ports of virtual machines (vnet3) change hands when these are started again: for
them the mac is the better choice.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vpi_tui.config.document import Mapping, Node, read_document
from vpi_tui.inventory.picture import SeenGuest, mac_number
from vpi_tui.model.topology import Guest, Switch, Topology

T = TypeVar("T")

MAX_GUESTS = 20_000
MAX_NAME = 128
_TOP = ("switches", "guests")
_SWITCH = ("name", "kind", "uplinks")
_GUEST = ("name", "switch", "port", "mac", "ip", "tags", "owner", "criticality", "kind")
CRITICALITIES = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class StaticSwitch:
    name: str
    kind: str = ""
    uplinks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StaticGuest:
    """port: name of the interface on the switch; "" when it is known by mac, ip or name only."""

    name: str
    switch: str = ""
    port: str = ""
    macs: tuple[int, ...] = ()
    ips: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owner: str = ""
    criticality: str = ""
    kind: str = ""

    def fits(self, guest: SeenGuest) -> bool:
        """Whether the entry is about a guest of a manager: by mac, else by port and name, else by name.

        A mac that is not the guest's own says that it is another one, whatever else fits.
        """
        if self.macs and guest.macs:
            return bool(set(self.macs).intersection(guest.macs))
        if self.port and guest.ports:
            return self.port in guest.ports and self.name == guest.name
        return self.name == guest.name


@dataclass(frozen=True, slots=True)
class StaticInventory:
    switches: tuple[StaticSwitch, ...] = ()
    guests: tuple[StaticGuest, ...] = ()

    def uplinks(self, switch: str) -> frozenset[str]:
        """Names of the ports of a switch that the file calls uplinks."""
        return frozenset(port for entry in self.switches if entry.name == switch for port in entry.uplinks)


def read_inventory(path: Path) -> StaticInventory:
    """Read a file. Raises ConfigError with file and line."""
    root = read_document(path)
    if root is None:
        return StaticInventory()
    top = root.mapping("an inventory")
    top.only(_TOP, "an inventory")
    switches = tuple(_switch(node) for node in _list(top, "switches"))
    nodes = _list(top, "guests")
    if len(nodes) > MAX_GUESTS:
        raise nodes[MAX_GUESTS].error(f"more than {MAX_GUESTS:,} guests.")
    guests = tuple(_guest(node) for node in nodes)
    _refuse_twins(nodes, guests)
    return StaticInventory(switches, guests)


def load_static(path: Path) -> Topology:
    """The file alone as a topology, for capture files: no ports, guests known by MAC and IP."""
    return topology_of(read_inventory(path))


def topology_of(known: StaticInventory) -> Topology:
    """Switches and guests of an inventory without looking at this host."""
    switches = {entry.name: Switch(entry.name, entry.kind or "static", "static") for entry in known.switches}
    for guest in known.guests:
        name = guest.switch
        if name and name not in switches:
            switches[name] = Switch(name, "static", "static")
    guests = tuple(
        Guest(
            g.name,
            g.switch,
            g.macs,
            g.ips,
            g.tags,
            "static",
            g.kind,
            owner=g.owner,
            criticality=g.criticality,
            own_macs=g.macs,
        )
        for g in known.guests
    )
    return Topology(serial=1, switches=tuple(switches.values()), guests=guests)


def _list(mapping: Mapping, key: str) -> list[Node]:
    node = mapping.get(key)
    return node.items() if node else []


def _switch(node: Node) -> StaticSwitch:
    mapping = node.mapping("a switch")
    mapping.only(_SWITCH, "a switch")
    return StaticSwitch(
        _name(node, mapping, "switch"), _text(mapping, "kind"), _each(mapping, "uplinks", _plain_name)
    )


def _guest(node: Node) -> StaticGuest:
    mapping = node.mapping("a guest")
    mapping.only(_GUEST, "a guest")
    return StaticGuest(
        _name(node, mapping, "guest"),
        _text(mapping, "switch"),
        _text(mapping, "port"),
        _each(mapping, "mac", _mac),
        _each(mapping, "ip", _ip),
        _each(mapping, "tags", _plain_name),
        _text(mapping, "owner"),
        _criticality(mapping),
        _text(mapping, "kind"),
    )


def _criticality(mapping: Mapping) -> str:
    node = mapping.get("criticality")
    value = _text(mapping, "criticality")
    if node is not None and value not in ("", *CRITICALITIES):
        raise node.error(f"criticality is {value[:40]!r}.", f"Write {', '.join(CRITICALITIES[:-1])} or high.")
    return value


def _name(node: Node, mapping: Mapping, what: str) -> str:
    name = _text(mapping, "name")
    if not name:
        raise node.error(f"a {what} without a name.", "Add `name:`.")
    return name


def _text(mapping: Mapping, key: str) -> str:
    node = mapping.get(key)
    return "" if node is None or node.value is None else _plain_name(node, key)


def _each(mapping: Mapping, key: str, read: Callable[[Node, str], T]) -> tuple[T, ...]:
    return tuple(read(item, key) for item in _list(mapping, key))


def _plain_name(node: Node, key: str) -> str:
    text = node.text(key)
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise node.error(f"{key} must be 1 to {MAX_NAME} printable characters.")
    return text


def _mac(node: Node, key: str) -> int:
    try:
        return mac_number(node.text(key))
    except ValueError:
        raise node.error(
            f"{str(node.value)[:40]!r} is no MAC address.", "Write it as 52:54:00:12:34:56, in quotes."
        ) from None


def _ip(node: Node, key: str) -> str:
    try:
        return str(ipaddress.ip_address(node.text(key)))
    except ValueError:
        raise node.error(f"{str(node.value)[:60]!r} is no IP address.") from None


def _refuse_twins(nodes: list[Node], guests: tuple[StaticGuest, ...]) -> None:
    """Two guests of one name, port, mac or ip could not be told apart."""
    seen: dict[tuple[str, object], str] = {}
    for node, guest in zip(nodes, guests, strict=True):
        keys: list[tuple[str, object]] = [("name", guest.name), *(("mac", mac) for mac in guest.macs)]
        keys += [("ip", ip) for ip in guest.ips]
        if guest.port:
            keys.append(("port", guest.port))
        for key in keys:
            if key in seen:
                raise node.error(f"the guest {guest.name} has the same {key[0]} as {seen[key]}.")
            seen[key] = guest.name
