"""What a probe saw at one moment, before names from inventory.yaml are put to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from vpi_tui.inventory.links import Link
from vpi_tui.model.topology import Mirror, Switch


@dataclass(frozen=True, slots=True)
class SeenPort:
    """One port of a switch. macs: addresses that the switch has learned behind it.

    ifindex 0: not known to the probe, or no device of this host; the link of the same name gives it.
    """

    ifindex: int
    name: str
    switch: str
    uplink: bool = False
    guests: bool = True
    """False when no guest is behind it although it is no uplink: the link may carry both directions."""
    macs: tuple[int, ...] = ()
    ips: tuple[str, ...] = ()
    """Addresses that this host's neighbour tables give for those macs."""
    namespace: str = ""
    """Name of the network namespace at the other end, if it has one: the guest is a container."""
    pvid: int = 0
    """VLAN that the switch puts untagged frames into; 0 when it does not look at VLANs."""
    peer: int = 0
    """ifindex of the port of another switch to which it is patched; 0 = none."""
    kind: str = ""
    state: str = ""
    trunks: tuple[int, ...] = ()
    bypass: str = ""
    inner: bool = False
    far: str = ""
    """These six as Port has them."""


@dataclass(frozen=True, slots=True)
class SeenInterface:
    """One interface of a guest. mac: 0 = not told. network: as SeenGuest.networks has it."""

    port: str
    mac: int
    network: str


@dataclass(frozen=True, slots=True)
class SeenGuest:
    """A guest as the manager that runs it tells it; a port is its own by name, else by MAC."""

    name: str
    kind: str
    """vm or container."""
    origin: str
    """Who says so, for the operator: "libvirt", "Docker", ..."""
    ports: tuple[str, ...] = ()
    """Names of its interfaces on the host: tap or veth."""
    macs: tuple[int, ...] = ()
    ips: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    """Names of the switches or networks that its interfaces belong to, as its manager calls them."""
    uuid: str = ""
    state: str = ""
    interfaces: tuple[SeenInterface, ...] = ()
    """Those with a port, as far as its manager says which address and network belong to which."""


@dataclass(frozen=True, slots=True)
class Picture:
    switches: tuple[Switch, ...] = ()
    ports: tuple[SeenPort, ...] = ()
    host_ips: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    guests: tuple[SeenGuest, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    links: tuple[Link, ...] = ()
    """All links of this host, from the probe that lists them."""
    neighbours: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """IP addresses by MAC, from this host's own neighbour tables."""
    absent: str = ""
    """Why there is nothing to find here ("no socket at ..."), for the doctor; the operator is not told."""


class Probe(Protocol):
    """One way to find switches or guests; `registry.py` says how to add one."""

    name: str

    def changed(self, now: float) -> bool:
        """True when `read` may give something new; asked several times a second. now: seconds of any steady
        clock. Blocks only when the probe is one that runs aside."""

    def read(self) -> Picture:
        """Raises VpiError, with the next step, when it cannot be read."""

    def close(self) -> None: ...


def mac_number(text: str) -> int:
    """48 bits of a MAC address written with colons or dashes. Raises ValueError."""
    parts = text.replace("-", ":").split(":")
    if len(parts) != 6 or any(not 1 <= len(part) <= 2 for part in parts):
        raise ValueError(text)
    value = 0
    for part in parts:
        value = value << 8 | int(part, 16)
    return value


def mac_text(mac: int) -> str:
    return ":".join(f"{mac >> shift & 0xFF:02x}" for shift in range(40, -8, -8))
