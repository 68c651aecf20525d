"""Follows the switches of this host: asks the probes when something changed, and keeps one topology."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vpi_tui.inventory.merge import merge, with_serial
from vpi_tui.inventory.picture import Picture, Probe
from vpi_tui.inventory.static import StaticInventory
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Topology

POLL_INTERVAL = 0.2
"""Seconds between two questions to the probes; one that saw no change answers in microseconds."""


class Inventory:
    """The topology of this host. Time is handed in; the probes do the reading."""

    def __init__(self, probes: Sequence[Probe], static: StaticInventory | None = None) -> None:
        self._probes = probes
        self._static = static or StaticInventory()
        self._pictures: dict[str, Picture] = {}
        self._next = float("-inf")
        self.topology = Topology()

    def poll(self, now: float) -> Topology | None:
        """The topology when it changed since the last call (the first call: always), else None.

        now: seconds of a steady clock. A probe that fails is told in `notices`; what it saw last stays.
        """
        if now < self._next:
            return None
        self._next = now + POLL_INTERVAL
        asked = [probe for probe in self._probes if probe.changed(now)]
        if not asked and self.topology.serial:
            return None
        self._pictures.update((probe.name, self._ask(probe)) for probe in asked)
        found = merge(self._pictures.values(), self._static, self.topology)
        if self.topology.serial and found == with_serial(self.topology, 0):
            return None
        self.topology = with_serial(found, self.topology.serial + 1)
        return self.topology

    def _ask(self, probe: Probe) -> Picture:
        try:
            return probe.read()
        except VpiError as error:
            before = self._pictures.get(probe.name, Picture())
            return replace(before, notices=(f"{probe.name}: {error}",))

    def close(self) -> None:
        for probe in self._probes:
            probe.close()
