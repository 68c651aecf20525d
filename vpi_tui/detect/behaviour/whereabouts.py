"""Remembers at which port each address was seen last, and tells when it is seen at another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from enum import Enum

BACK_NS = 120_000_000_000
"""An address that is back at the port where it was so shortly ago is at both."""
ADDRESSES_A_PORT = 1_024
"""Remembered of each port; the one that came first is forgotten first, so that a port that floods forgets its
own."""


class Change(Enum):
    NONE = 0
    MOVED = 1
    AT_BOTH = 2


@dataclass(slots=True)
class _Owner:
    port: int
    seen_ns: int
    before: int = 0
    """Where it was before; 0 = nowhere else."""
    changed_ns: int = 0


class Whereabouts:
    """near_ns: two sightings at two ports within so long are of an address that is at both."""

    def __init__(self, near_ns: int = 0) -> None:
        self._near_ns = near_ns
        self._owners: dict[Hashable, _Owner] = {}
        self._of_port: dict[int, OrderedDict[Hashable, None]] = {}

    def sight(self, address: Hashable, port: int, now_ns: int) -> tuple[Change, int]:
        """What this sighting tells, and the port where the address was before (0 = unknown)."""
        owner = self._owners.get(address)
        if owner is None:
            self._own(address, port, now_ns)
            return Change.NONE, 0
        if owner.port == port:
            owner.seen_ns = now_ns
            return Change.NONE, 0
        back = owner.before == port and now_ns - owner.changed_ns < BACK_NS
        near = now_ns - owner.seen_ns < self._near_ns
        before = owner.port
        self._of_port.get(before, OrderedDict()).pop(address, None)
        self._own(address, port, now_ns, before)
        return (Change.AT_BOTH if back or near else Change.MOVED), before

    def keep(self, ports: Collection[int]) -> None:
        """Forget what was seen at ports that are gone: who appears at another has been plugged in anew."""
        for port in [port for port in self._of_port if port not in ports]:
            for address in self._of_port.pop(port):
                del self._owners[address]

    def __len__(self) -> int:
        return len(self._owners)

    def _own(self, address: Hashable, port: int, now_ns: int, before: int = 0) -> None:
        self._owners[address] = _Owner(port, now_ns, before, now_ns)
        addresses = self._of_port.setdefault(port, OrderedDict())
        addresses[address] = None
        while len(addresses) > ADDRESSES_A_PORT:
            del self._owners[addresses.popitem(last=False)[0]]
