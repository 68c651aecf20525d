"""Where a frame entered, as behaviours need to know it: the ports of a topology by ifindex."""

from __future__ import annotations

from dataclasses import dataclass

from vpi_tui.model.topology import Topology


@dataclass(frozen=True, slots=True)
class Place:
    """A port of a switch, or the switch's own device, through which this host sends into it."""

    port: str
    switch: str
    guest: str = ""
    uplink: bool = False
    host: bool = False
    """This host itself is behind it."""
    named: bool = False
    """Whoever is behind it is known to inventory.yaml or to a manager of guests."""
    own_macs: frozenset[int] = frozenset()
    """What the guest was given; empty = nobody says."""

    @property
    def foreign(self) -> bool:
        """What comes from there is not of this host's guests."""
        return self.uplink or self.host

    def __str__(self) -> str:
        if self.host:
            return f"{self.port} (this host)"
        return f"{self.port} ({self.guest})" if self.guest and self.guest != self.port else self.port


class Places:
    """knows_guests: somebody names guests at all. given: the MACs that are given to guests."""

    def __init__(self, topology: Topology) -> None:
        guests = {guest.name: guest for guest in topology.guests}
        self.by_ifindex: dict[int, Place] = {
            switch.ifindex: Place(switch.name, switch.name, host=True)
            for switch in topology.switches
            if switch.ifindex
        }
        for port in topology.ports:
            if port.ifindex:
                guest = guests.get(port.guest)
                named, own = (guest.certain, frozenset(guest.own_macs)) if guest else (False, frozenset())
                self.by_ifindex[port.ifindex] = Place(
                    port.name, port.switch, port.guest, port.uplink, False, named, own
                )
        self.knows_guests = any(guest.certain for guest in topology.guests)
        self.given = frozenset(mac for guest in topology.guests for mac in guest.own_macs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]
