"""Numbers to names: one reading of a topology, for whatever has to print a place."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

from vpi_tui.model.topology import Topology

GONE: Final = -1
"""The number of a guest that is not in the topology."""


@lru_cache(maxsize=4096)
def _plain(address: str) -> str:
    """An address in the one way that this program writes it; what is none stays as it is."""
    try:
        return str(ip_address(address))
    except ValueError:
        return address


class Names:
    """switches, guests: names by position, as the columns of flow records count them."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.switches = tuple(s.name for s in topology.switches)
        self.guests = tuple(g.name for g in topology.guests)
        open_ = {port.switch for port in topology.ports if port.uplink}
        self.closed = tuple(bool(s.ifindex) and s.name not in open_ for s in topology.switches)
        """Of each switch: whether all of it is watched and it has no uplink. Only the host may route what
        its guests send to elsewhere."""
        self._by_ip = {(g.switch, _plain(ip)): g.name for g in topology.guests for ip in g.ips}
        self._ports = {p.ifindex: p for p in topology.ports if p.ifindex}
        self._switch_numbers = {name: number for number, name in enumerate(self.switches)}
        self._guest_numbers = {name: number for number, name in enumerate(self.guests)}

    def place_of_port(self, ifindex: int) -> tuple[str, str]:
        """(switch, guest) behind a port; a topology of one switch needs no ports."""
        port = self._ports.get(ifindex)
        if port is not None:
            return port.switch, port.guest
        return (self.switches[0] if len(self.switches) == 1 else ""), ""

    def numbers_of_port(self, ifindex: int) -> tuple[int, int]:
        """The same as positions in the topology, -1 = unknown."""
        switch, guest = self.place_of_port(ifindex)
        return self._switch_numbers.get(switch, -1), self.number_of_guest(guest)

    def guest_of_ip(self, address: str, switch: str) -> str:
        """The guest of a switch that the inventory or the wire gave this address; "" for none."""
        return self._by_ip.get((switch, address), "")

    def guest(self, number: int) -> str:
        return self.guests[number] if 0 <= number < len(self.guests) else ""

    def number_of_guest(self, name: str) -> int:
        """Its position in the topology, GONE = it is not there, or not any more."""
        return self._guest_numbers.get(name, GONE)

    def numbers_since(self, before: Names) -> dict[int, int]:
        """Where each guest of an earlier topology that is still there is now, by where it was."""
        numbers = {number: self.number_of_guest(name) for number, name in enumerate(before.guests)}
        return {then: now for then, now in numbers.items() if now != GONE}

    def switch(self, number: int) -> str:
        return self.switches[number] if 0 <= number < len(self.switches) else ""


class FlowPlaces:
    """Answers the matcher's question where a flow runs (its ScopeResolver)."""

    def __init__(self, names: Names, records: Any) -> None:
        self.names = names
        self._records = records

    def switch_of(self, flow: int) -> str:
        return self.names.switch(int(self._records["switch"][flow])) if flow >= 0 else ""

    def guests_of(self, flow: int) -> Iterable[str]:
        return [self.names.guests[n] for n in self._ends(flow)]

    def tags_of(self, flow: int) -> Iterable[str]:
        return [tag for n in self._ends(flow) for tag in self.names.topology.guests[n].tags]

    def _ends(self, flow: int) -> list[int]:
        if flow < 0:
            return []
        ends = (int(self._records[column][flow]) for column in ("src_guest", "dest_guest"))
        return [n for n in ends if 0 <= n < len(self.names.guests)]
