"""The virtual network: switches, their ports, and the guests behind them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Source = Literal["probe", "static", "learned", "file", "demo"]


class Locality(IntEnum):
    """Where a flow runs, judged by the ports where its ends were learned, not by RFC 1918."""

    UNKNOWN = 0
    EAST_WEST = 1
    """Both ends are guests of this host."""
    NORTH_SOUTH = 2
    """One end is a guest, the other is beyond an uplink."""
    HOST = 3
    """One end is this host itself."""
    EXTERNAL = 4
    """Neither end is here."""


class End(IntEnum):
    """Where an end of a flow is that is no guest; guests are their positions in the topology, from 0."""

    UNKNOWN = -1
    """No port, MAC or address tells."""
    WORLD = -2
    """Beyond an uplink."""
    HOST = -3
    """This host itself."""
    BROADCAST = -4
    """Everybody on the switch, as the MAC says: 255.255.255.255, or the last address of a network."""
    MULTICAST = -5


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a switch. ifindex: the number that PacketBatch.ifindex carries."""

    ifindex: int
    name: str
    switch: str
    guest: str = ""
    """Name of the guest behind it; "" for an uplink or an unknown."""
    uplink: bool = False
    pvid: int = 0
    """VLAN of frames that enter untagged; 0 = the switch leaves them untagged."""
    peer: int = 0
    """ifindex of the port of another switch to which it is patched; 0 = none."""
    kind: str = ""
    """What its link is: veth, tap, macvtap, patch, bond, internal, vhost-user, ...; "" = a network card."""
    state: str = ""
    """forwarding, blocking, learning, listening, down, no-carrier; "" = not known."""
    trunks: tuple[int, ...] = ()
    """VLANs that it takes and gives tagged."""
    macs: tuple[int, ...] = ()
    """Addresses that the switch has learned behind it."""
    bypass: str = ""
    """Why its traffic never passes this host's stack ("SR-IOV", "vhost-user", "DPDK"); "" = it does."""
    inner: bool = False
    """Its device is the guest's own end (a macvtap, an internal port of Open vSwitch): what is sent through
    the device enters the switch, and what it receives has left it. The other way round at all others."""
    far: str = ""
    """The other host where it is, by name; "" = it is here. Only copies of its traffic can be seen."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A copy of traffic that a switch makes (Open vSwitch). ports empty = of all its ports."""

    name: str
    switch: str
    output: str
    """Name of the port that gets the copy; "" = it is broken: none does."""
    ports_in: tuple[str, ...] = ()
    """Ports of which is copied what enters the switch there."""
    ports_out: tuple[str, ...] = ()
    """Ports of which is copied what leaves the switch there."""
    all_ports: bool = False
    vlans: tuple[int, ...] = ()
    """Only these are copied; empty = all."""
    output_vlan: int = 0
    """The copy is put into this VLAN instead of going to one port; 0 = it is not."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A virtual switch. kind: bridge, ovs, interface, file, demo, ...

    ifindex: of its own device, through which the host sends into it; 0 = none, or not watched.
    """

    name: str
    kind: str
    source: Source = "probe"
    ifindex: int = 0
    pvid: int = 0
    """VLAN of frames that the host sends into it untagged; 0 = they stay untagged."""


@dataclass(frozen=True, slots=True)
class Guest:
    name: str
    switch: str
    macs: tuple[int, ...] = ()
    ips: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    source: Source = "probe"
    kind: str = ""
    """vm, container, namespace; "" = not known."""
    state: str = ""
    """running, paused, shut off, ...; "" = not known."""
    uuid: str = ""
    owner: str = ""
    """Whose it is, from inventory.yaml."""
    criticality: str = ""
    """low, medium, high; "" = not said."""
    own_macs: tuple[int, ...] = ()
    """Those of `macs` that inventory.yaml or its manager gives it; empty = none does. The rest is learned."""
    learned: tuple[tuple[str, str], ...] = ()
    """What the wire says of it: names, and whose network card it has, each with how that is known: ("web-1",
    "DHCP"), ("KVM", "MAC"). Anybody can send anything: never certain."""

    @property
    def certain(self) -> bool:
        """Whether inventory.yaml, or the manager that runs it, names it. Others are named by their place."""
        return bool(self.source in ("static", "demo") or self.own_macs or self.uuid)


@dataclass(frozen=True, slots=True)
class Topology:
    """One consistent picture; `serial` grows with each change. Positions are the numeric ids.

    A port of ifindex 0 has no device here (a patch, a tunnel, DPDK, another namespace): no packet has it.
    """

    serial: int = 0
    switches: tuple[Switch, ...] = ()
    ports: tuple[Port, ...] = ()
    guests: tuple[Guest, ...] = ()
    notices: tuple[str, ...] = ()
    """What a probe could not find out, and what to do; whole sentences."""
    host_ips: tuple[str, ...] = ()
    """Addresses of this host itself, as text."""
    mirrors: tuple[Mirror, ...] = ()
    conflicts: tuple[str, ...] = ()
    """What two sources say differently, and which one holds; whole sentences."""
