"""Several managers of one kind as one probe: each fails for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from vpi_tui.inventory.counts import Counting
from vpi_tui.inventory.picture import Picture, Probe
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import VpiError

LOOK_EVERY = 5.0
"""Seconds between two looks for managers that were started meanwhile."""

Found = Mapping[str, Callable[[], Probe]]
"""How to make the probe of each manager, by its address."""


class Together:
    """find: those to ask now. nothing: what to tell the doctor when there are none.

    A manager that was asked once is asked on, and told of when it has gone: its guests may run without it.
    """

    def __init__(self, name: str, find: Callable[[], Found], nothing: str) -> None:
        self.name = name
        self._find, self._nothing = find, nothing
        self._probes: dict[str, Probe] = {}
        self._refused: dict[str, str] = {}
        """Notices of those that cannot be made."""
        self._pictures: dict[str, Picture] = {}
        self._due: set[str] = set()
        self._look_at = float("-inf")
        self._first = True

    def changed(self, now: float) -> bool:
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            self._look()
        self._due |= {address for address, probe in self._probes.items() if probe.changed(now)}
        first, self._first = self._first, False
        return bool(self._due) or first

    def read(self) -> Picture:
        for address in sorted(self._due):
            self._pictures[address] = self._ask(address)
        self._due.clear()
        seen = list(self._pictures.values())
        told = (*self._refused.values(), *(notice for picture in seen for notice in picture.notices))
        return Picture(
            switches=tuple(switch for picture in seen for switch in picture.switches),
            ports=tuple(port for picture in seen for port in picture.ports),
            guests=tuple(guest for picture in seen for guest in picture.guests),
            notices=tuple(dict.fromkeys(told)),
            absent="" if self._probes or self._refused else self._nothing,
        )

    def counts(self) -> tuple[TrueCount, ...]:
        """What those count that count at all."""
        probes = tuple(self._probes.values())  # another thread may add one meanwhile
        return tuple(count for probe in probes if isinstance(probe, Counting) for count in probe.counts())

    def close(self) -> None:
        for probe in self._probes.values():
            probe.close()

    def _look(self) -> None:
        for address, make in self._find().items():
            if address in self._probes or address in self._refused:
                continue
            try:
                self._probes[address] = make()
            except VpiError as error:
                self._refused[address] = f"{self.name}: {error}"

    def _ask(self, address: str) -> Picture:
        """What it saw last stays when it does not answer."""
        try:
            return self._probes[address].read()
        except VpiError as error:
            before = self._pictures.get(address, Picture())
            return replace(before, notices=(f"{self.name}: {error}",))
