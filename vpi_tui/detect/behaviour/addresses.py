"""An IP address that is claimed at two ports at once."""

from __future__ import annotations

from collections.abc import Mapping

from vpi_tui.detect.behaviour.base import NO_OPTIONS, Behaviour, Finding, Quiet, describe, register
from vpi_tui.detect.behaviour.places import Place, Places
from vpi_tui.detect.behaviour.whereabouts import Change, Whereabouts
from vpi_tui.model.neighbours import Claim, Said
from vpi_tui.model.topology import Topology

NEAR_NS = 5_000_000_000
"""Claims at two ports within so long are at once."""
MOST_A_BATCH = 32


@register
class AddressAtTwoPorts(Behaviour):
    signatures = (describe(4, "IP address is claimed at two ports at once", "attempted-recon", 1, "T1557"),)

    def __init__(self, options: Mapping[str, str] = NO_OPTIONS) -> None:
        super().__init__(options)
        self._places = Places(Topology())
        self._whereabouts = Whereabouts(NEAR_NS)
        self._quiet = Quiet()

    def follow(self, topology: Topology) -> None:
        self._places = Places(topology)
        self._whereabouts.keep(set(self._places.by_ifindex))

    def heed(self, said: Said) -> list[Finding]:
        if not self._places.by_ifindex:
            return []
        found: list[Finding] = []
        for claim in said.claims:
            place = self._places.by_ifindex.get(claim.ifindex)
            if place is None:
                continue
            address = place.switch, claim.vlan, claim.high, claim.low
            change, port = self._whereabouts.sight(address, claim.ifindex, claim.ts_ns)
            before = self._places.by_ifindex.get(port)
            if change is not Change.AT_BOTH or before is None or (before.uplink and place.uplink):
                continue
            if len(found) < MOST_A_BATCH and self._quiet.lets(address, claim.ts_ns):
                found.append(Finding(self.signatures[0].sid, claim.row, _sentence(claim, before, place)))
        return found


def _sentence(claim: Claim, before: Place, place: Place) -> str:
    return f"{claim.address} is claimed at two ports of {place.switch} at once: {before} and {place}"
