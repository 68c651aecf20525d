"""Live traffic: one ring for all chosen ports, and the topology of this host, followed as it changes.

Only opening the ring needs a capability (CAP_NET_RAW). What happens afterwards needs none: attaching
another filter to the open socket, asking for promiscuous ports (the kernel's packet_setsockopt checks nothing
there), and listing links by netlink. So the engine gives up every right between the constructor and `start`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from vpi_tui.capture.doubled import DoubledCopies
from vpi_tui.capture.privileges import shed_thread_rights
from vpi_tui.capture.ring import BLOCK_BYTES, MIN_BLOCKS, RingSource
from vpi_tui.capture.routed import RoutedCopies
from vpi_tui.config.nearest import did_you_mean
from vpi_tui.coverage.arrangement import SensorLink, Setting
from vpi_tui.coverage.seen import Watched
from vpi_tui.engine.sources.base import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.inventory.here import hypervisor_here, limited_view
from vpi_tui.inventory.kind import Setup
from vpi_tui.inventory.links import Link
from vpi_tui.inventory.registry import open_probes
from vpi_tui.inventory.static import StaticInventory, read_inventory
from vpi_tui.inventory.watch import Inventory
from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import CaptureError
from vpi_tui.model.topology import Switch, Topology

VLAN_PRESENT, VLAN_ID = 0x10000, 0xFFF
"""Bits of PacketBatch.vlan_tci."""
NAMES_SHOWN = 12
FIRST_LOOK = 2.0
"""Seconds that daemons have to say what they know before the engine goes on without. Until then it has the
rights that their sockets may need."""


class LiveFeed(EngineSource):
    """Watches what the inventory's probes find or what was named by hand; takes packets from `start` on.

    Raises CaptureError when there is nothing to watch, PrivilegeError without CAP_NET_RAW, ConfigError for a
    bad inventory.
    """

    capture: RingSource
    live = True

    def __init__(self, spec: EngineSpec) -> None:
        static = read_inventory(Path(spec.inventory)) if spec.inventory else StaticInventory()
        probes = open_probes(Setup(spec.options), shed_thread_rights)
        self._inventory = Inventory(probes, static, spec.interfaces)
        self._named = spec.interfaces
        try:
            topology = self._first_look(spec.interfaces)
            # No port yet: what comes while rules are loaded would only overflow the ring.
            ring = RingSource((), blocks=max(MIN_BLOCKS, spec.ring_memory // BLOCK_BYTES))
            ring.open()
        except CaptureError:
            self._inventory.close()
            raise
        super().__init__(ring, topology)
        self.learns = all(switch.kind == "interface" for switch in _present(topology))
        self._started = False
        self._routed = RoutedCopies()
        self._doubled = DoubledCopies()
        self._vlans = _PortVlans(topology)

    def _first_look(self, named: tuple[str, ...]) -> Topology:
        topology = self._inventory.first_look(time.monotonic(), FIRST_LOOK)
        if _present(topology):
            return topology
        if named:
            raise _no_such_interface(named)
        reasons = " ".join(topology.notices)
        if away := self._inventory.away():
            reasons += f" In another network namespace: {', '.join(away)}; start vpi-tui there (nsenter)."
        raise CaptureError(
            "There is no virtual switch (Linux bridge, Open vSwitch, macvlan) on this host."
            + f" {reasons.strip()}".rstrip(),
            hint=f"Name an interface to watch: vpi-tui -i IF (here: {_interfaces()})."
            " To look around without one: vpi-tui demo",
        )

    # Packets ----------------------------------------------------------------------------------

    def start(self) -> None:
        self._started = True
        self._follow(self.topology)

    def read(self, timeout_s: float) -> PacketBatch | None:
        batch = super().read(timeout_s)
        if batch is not None:
            batch = self._doubled.remove_from(batch)
        if batch is not None:
            batch = self._routed.remove_from(batch)
        if batch is not None:
            self._vlans.put_on(batch)
        return batch

    # Coverage ---------------------------------------------------------------------------------

    def true_counts(self) -> tuple[TrueCount, ...]:
        return self._inventory.counts()

    @property
    def whole(self) -> Topology:
        return self._inventory.whole

    @property
    def own_macs(self) -> tuple[int, ...]:
        watched_here = {port.ifindex for port in self.topology.ports}
        return tuple(link.mac for link in self._inventory.links if link.ifindex in watched_here and link.mac)

    @property
    def drops(self) -> int:
        return self.capture.drops

    def arrangement(self) -> Setting:
        incoming, outgoing = watched(self.topology)
        links = {link.ifindex: link for link in self._inventory.links}
        sensors = [switch for switch in _present(self.topology) if switch.kind == "interface"]
        wanted = self._inventory.promiscuity() if sensors else {}
        return Setting(
            Watched(
                frozenset(incoming),
                frozenset(outgoing),
                {link.name: link.ageing_s for link in links.values() if link.ageing_s is not None},
            ),
            self._named,
            tuple(_sensor(switch, links, wanted) for switch in sensors),
        )

    def stats(self) -> dict[str, float]:
        removed = {
            "capture.routed_copies": float(self._routed.removed),
            "capture.doubled_copies": float(self._doubled.removed),
        }
        return self.capture.stats() | removed

    def close(self) -> None:
        super().close()
        self._inventory.close()

    # Topology ---------------------------------------------------------------------------------

    def poll_topology(self) -> Topology | None:
        """The topology when it changed; its ports are watched from now on. Cheap: ask before each read."""
        changed = self._inventory.poll(time.monotonic())
        if changed is not None:
            self._follow(changed)
            return self.topology
        return None

    def counts(self) -> tuple[TrueCount, ...]:
        """What others than the sensor counted at the ports. Raises VpiError."""
        return self._inventory.counts()

    def promiscuity(self) -> dict[int, int]:
        """How many want all frames of a device, by ifindex. Raises VpiError."""
        return self._inventory.promiscuity()

    def _follow(self, topology: Topology) -> None:
        if self._started:
            try:
                incoming, outgoing = watched(topology)
                self.capture.set_ports(incoming, outgoing)
                self._routed.set_outgoing(outgoing | _copies(topology))
                self._doubled.set_sensors(_sensor_ends(topology))
            except CaptureError as error:
                topology = replace(topology, notices=(*topology.notices, str(error)))
        self.topology = topology
        self._vlans = _PortVlans(topology)
        self._remember_ports(topology)

    def _remember_ports(self, topology: Topology) -> None:
        super()._remember_ports(topology)
        self._names.update((switch.ifindex, switch.name) for switch in topology.switches if switch.ifindex)

    # Words ------------------------------------------------------------------------------------

    @property
    def notices(self) -> list[str]:
        """A sensor on interfaces of its own, inside a guest, sees what its hypervisor shows it."""
        hypervisor = hypervisor_here() if self.learns else ""
        cards = [port.name for port in self.topology.ports if not port.guest and port.name != "lo"]
        return [limited_view(hypervisor, ", ".join(cards[:NAMES_SHOWN]))] if hypervisor and cards else []

    def describe(self) -> str:
        names = [switch.name for switch in _present(self.topology) or self.topology.switches]
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        return ", ".join(names[:NAMES_SHOWN]) + more

    def _running_text(self) -> str:
        return "" if self.topology.ports else "No port is there to watch; waiting for one."


def watched(topology: Topology) -> tuple[set[int], set[int]]:
    """ifindexes at which frames are received, and through which they are sent, each frame once.

    All that enters a switch: at its ports, and from the host through the switch's own device. At an inner
    port what is sent enters. Not what one switch hands to another over a patch between them: that has
    entered before.
    """
    here = [port for port in topology.ports if port.ifindex]
    ports = {port.ifindex for port in here if not port.inner}
    whole = {switch.name for switch in topology.switches if switch.ifindex}
    patched = {port.peer for port in here if port.peer in ports and port.switch in whole}
    sending = {switch.ifindex for switch in topology.switches if switch.ifindex}
    return ports - patched, sending | {port.ifindex for port in here if port.inner}


def _copies(topology: Topology) -> set[int]:
    """Interfaces beside a switch that is watched: what passes them was seen there, if it was seen before."""
    beside = _sensor_ends(topology)
    return beside if any(port.ifindex and port.ifindex not in beside for port in topology.ports) else set()


def _sensor_ends(topology: Topology) -> set[int]:
    """Interfaces that are watched by themselves, not as a switch."""
    beside = {switch.name for switch in topology.switches if switch.kind == "interface"}
    return {port.ifindex for port in topology.ports if port.ifindex and port.switch in beside}


def _sensor(switch: Switch, links: Mapping[int, Link], wanted: Mapping[int, int]) -> SensorLink:
    link = next((link for link in links.values() if link.name == switch.name), Link(0, switch.name))
    peer = link.peer if link.peer_namespace is None else 0
    return SensorLink(link.name, link.ifindex, peer, promiscuous=wanted.get(link.ifindex, 0) > 0)


def _present(topology: Topology) -> list[Switch]:
    """Switches that are here now, not those of the inventory or of the past."""
    with_ports = {port.switch for port in topology.ports if port.ifindex}
    return [switch for switch in topology.switches if switch.ifindex or switch.name in with_ports]


def _interfaces() -> str:
    return ", ".join(name for _, name in socket.if_nameindex()[:NAMES_SHOWN])


def _no_such_interface(named: tuple[str, ...]) -> CaptureError:
    here = [name for _, name in socket.if_nameindex()]
    hint = did_you_mean(named[0], here)
    return CaptureError(
        f"There is no interface {', '.join(named)}.", hint=f"{hint} Here are: {_interfaces()}.".strip()
    )


class _PortVlans:
    """Puts frames that enter a VLAN-aware switch untagged into the VLAN of their port.

    Both directions of a flow then have the same VLAN, also between an access port and a trunk.
    """

    def __init__(self, topology: Topology) -> None:
        pairs = [(port.ifindex, port.pvid) for port in topology.ports if port.pvid]
        pairs += [(switch.ifindex, switch.pvid) for switch in topology.switches if switch.pvid]
        pairs.sort()
        self._ports = np.array([ifindex for ifindex, _ in pairs], np.int32)
        self._vlans = np.array([vlan for _, vlan in pairs], np.uint32)

    def put_on(self, batch: PacketBatch) -> None:
        if not self._ports.size:
            return
        tags = batch.vlan_tci
        at = np.minimum(np.searchsorted(self._ports, batch.ifindex), self._ports.size - 1)
        # A tag of VLAN 0 carries a priority and no VLAN.
        rows = np.flatnonzero((self._ports[at] == batch.ifindex) & (tags & VLAN_ID == 0))
        tags[rows] |= self._vlans[at[rows]] | VLAN_PRESENT
