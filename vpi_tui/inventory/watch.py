"""Follows the switches of this host: asks the probes when something changed, and keeps one topology."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from vpi_tui.inventory.aside import Aside
from vpi_tui.inventory.chosen import chosen
from vpi_tui.inventory.counts import Counting, InterfaceCounts
from vpi_tui.inventory.join import joined
from vpi_tui.inventory.links import Link
from vpi_tui.inventory.merge import merge, with_serial
from vpi_tui.inventory.picture import Picture, Probe
from vpi_tui.inventory.static import StaticInventory
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Topology

POLL_INTERVAL = 0.2
"""Seconds between two questions to the probes; one that saw no change answers in microseconds."""


class Inventory:
    """The topology of this host. Time is handed in; the probes do the reading.

    interfaces: names given by hand; only these are watched then.
    """

    def __init__(
        self, probes: Sequence[Probe], static: StaticInventory | None = None, interfaces: Sequence[str] = ()
    ) -> None:
        self._probes = probes
        self._static = static or StaticInventory()
        self._interfaces = tuple(interfaces)
        self._pictures: dict[str, Picture] = {}
        self._interface_counts: InterfaceCounts | None = None
        self._next = float("-inf")
        self.topology = Topology()
        self._whole = Topology()
        self.links: tuple[Link, ...] = ()
        """All links of this host, as they were last read."""

    @property
    def whole(self) -> Topology:
        """All that is here, whatever was named by hand."""
        return self._whole if self._interfaces else self.topology

    def first_look(self, now: float, seconds: float) -> Topology:
        """The first topology, with what the probes that run aside find within `seconds`."""
        if self._interface_counts is None:
            # Here and not when they are first asked: it belongs to the network namespace of this thread.
            self._interface_counts = InterfaceCounts()
        end = time.monotonic() + seconds
        for probe in self._probes:
            if isinstance(probe, Aside):
                probe.wait_first(max(0.0, end - time.monotonic()))
        return self.poll(now) or self.topology

    def poll(self, now: float) -> Topology | None:
        """The topology when it changed since the last call (the first call: always), else None.

        now: seconds of a steady clock. A probe that fails is told in `notices`; what it saw last stays.
        """
        if now < self._next:
            return None
        self._next = now + POLL_INTERVAL
        asked = [probe for probe in self._probes if self._ask(probe, now)]
        if not asked and self.topology.serial:
            return None
        seen = joined([self._pictures[probe.name] for probe in self._probes if probe.name in self._pictures])
        self.links = seen.links
        if self._interfaces:
            self._whole = merge(seen, self._static, self._whole)
        found = merge(chosen(seen, self._interfaces), self._static, self.topology)
        if self.topology.serial and found == with_serial(self.topology, 0):
            return None
        self.topology = with_serial(found, self.topology.serial + 1)
        return self.topology

    def _ask(self, probe: Probe, now: float) -> bool:
        """Whether it has another picture now. Whatever it raises is told, and what it saw before stays."""
        try:
            if not probe.changed(now):
                return False
            picture = probe.read()
        except VpiError as error:
            picture = self._stale(probe.name, f"{probe.name}: {error}")
        except Exception as error:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            told = f"{probe.name}: it failed in a way that was not foreseen ({what[:200]}); the rest goes on."
            picture = self._stale(probe.name, told)
        before = self._pictures.get(probe.name)
        self._pictures[probe.name] = picture
        return picture != before

    def _stale(self, name: str, notice: str) -> Picture:
        return replace(self._pictures.get(name, Picture()), notices=(notice,))

    def pictures(self) -> dict[str, Picture]:
        """What each probe saw last, by its name."""
        return dict(self._pictures)

    def away(self) -> tuple[str, ...]:
        """Names of switches that a probe knows and that are not here, but in another network namespace."""
        here = {switch.name for switch in self.whole.switches}
        seen = (switch.name for picture in self._pictures.values() for switch in picture.switches)
        return tuple(dict.fromkeys(name for name in seen if name not in here))

    def counts(self) -> tuple[TrueCount, ...]:
        """What others than the sensor counted at all ports: the kernel now, daemons when they last told.

        Raises VpiError when the kernel does not say.
        """
        if self._interface_counts is None:
            self._interface_counts = InterfaceCounts()
        told = tuple(
            count for probe in self._probes if isinstance(probe, Counting) for count in probe.counts()
        )
        return self._interface_counts.read(self.whole) + told

    def promiscuity(self) -> dict[int, int]:
        """As InterfaceCounts.promiscuity."""
        if self._interface_counts is None:
            self._interface_counts = InterfaceCounts()
        return self._interface_counts.promiscuity()

    def close(self) -> None:
        if self._interface_counts is not None:
            self._interface_counts.close()
        for probe in self._probes:
            probe.close()
