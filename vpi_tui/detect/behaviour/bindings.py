"""Which MAC address belongs to which port and guest: moves, doubles, borrowed and unknown addresses.

A guest can forge its address but not the port where its frames enter the switch. What this host sends into a
switch enters at the switch's own device, so a guest that borrows the host's address is found too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from vpi_tui.detect.behaviour.arp import mac_text
from vpi_tui.detect.behaviour.base import NO_OPTIONS, Behaviour, Finding, Quiet, describe, register
from vpi_tui.detect.behaviour.places import Place, Places
from vpi_tui.detect.behaviour.settings import learning_ns
from vpi_tui.detect.behaviour.sightings import Sighting, Sightings
from vpi_tui.detect.behaviour.strangers import Judgement, Strangers
from vpi_tui.detect.behaviour.whereabouts import Change, Whereabouts
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.ouis import hypervisor_of
from vpi_tui.model.topology import Topology

MOVED, AT_BOTH, BORROWED, STRANGER = 2, 3, 5, 6
MOST_A_BATCH: Final = 32
"""Findings of one batch: who forges a thousand addresses is found by the first of them."""


@register
class MacBindings(Behaviour):
    signatures = (
        describe(MOVED, "MAC address moved to another port", "bad-unknown", 2, "T1557"),
        describe(AT_BOTH, "MAC address is at two ports at once", "attempted-recon", 1, "T1557"),
        describe(BORROWED, "Guest uses a MAC address that is not its own", "policy-violation", 1, "T1036"),
        describe(STRANGER, "Unknown guest appeared", "policy-violation", 2, "T1564.006"),
    )

    def __init__(self, options: Mapping[str, str] = NO_OPTIONS) -> None:
        super().__init__(options)
        self._places = Places(Topology())
        self._sightings = Sightings()
        self._whereabouts = Whereabouts()
        self._strangers = Strangers(learning_ns(options))
        self._quiet = Quiet()

    def follow(self, topology: Topology) -> None:
        places = Places(topology)
        if places == self._places:
            return
        self._places = places
        here = set(places.by_ifindex)
        self._whereabouts.keep(here)
        self._strangers.keep(here)
        self._sightings.forget_all()

    def observe(self, packets: PacketBatch, decoded: DecodedBatch, _flows: FlowBatch) -> list[Finding]:
        if not self._places.by_ifindex:
            return []
        found: list[Finding] = []
        for seen in self._sightings.take(packets, decoded):
            place = self._places.by_ifindex.get(seen.ifindex)
            if place is None:
                continue
            for sid, about, detail in self._judged(seen, place):
                if len(found) < MOST_A_BATCH and self._quiet.lets((sid, about), seen.ts_ns):
                    found.append(Finding(sid, seen.row, detail))
        return found

    def _judged(self, seen: Sighting, place: Place) -> Iterator[tuple[int, object, str]]:
        """(sid, what must not be said again soon, sentence)"""
        mac = mac_text(seen.mac)
        address = place.switch, seen.vlan, seen.mac
        change, before = self._whereabouts.sight(address, seen.ifindex, seen.ts_ns)
        if change is not Change.NONE:
            self._sightings.forget(seen.mac, before, seen.vlan)
            yield from self._moved(change, self._places.by_ifindex.get(before), place, mac, address)
        if place.own_macs and seen.mac not in place.own_macs:
            own = ", ".join(mac_text(one) for one in sorted(place.own_macs)[:2])
            yield BORROWED, seen.ifindex, f"{place.guest} sends as {mac} at {place.port}; its own is {own}"
        if not place.foreign and self._is_stranger(seen, place):
            kind = hypervisor_of(seen.mac)
            who = f"Unknown guest {mac}" + (f" ({kind})" if kind else "")
            yield STRANGER, seen.ifindex, f"{who} at {place.port} of {place.switch}: no inventory names it"

    def _moved(
        self, change: Change, before: Place | None, now: Place, mac: str, address: object
    ) -> Iterator[tuple[int, object, str]]:
        """Beyond two uplinks there is one world: who is seen at both has not moved."""
        if before is None or (before.uplink and now.uplink):
            return
        if change is Change.AT_BOTH:
            yield AT_BOTH, address, f"MAC {mac} is at two ports of {now.switch} at once: {before} and {now}"
        else:
            yield MOVED, address, f"MAC {mac} moved on {now.switch} from {before} to {now}"

    def _is_stranger(self, seen: Sighting, place: Place) -> bool:
        places = self._places
        # At a port that is no guest's (a sensor's capture card) only a hypervisor's address tells a guest.
        may_be = not place.named if place.guest else bool(hypervisor_of(seen.mac))
        nameless = places.knows_guests and may_be and seen.mac not in places.given
        judgement = self._strangers.judge(seen.mac, seen.ifindex, seen.ts_ns, nameless=nameless)
        if judgement is Judgement.WAIT:
            self._sightings.forget(seen.mac, seen.ifindex, seen.vlan)
        return judgement is Judgement.STRANGER
