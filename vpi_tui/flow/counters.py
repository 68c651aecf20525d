"""Packets and bytes of each guest and switch since the start; they only grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.places import Places
from vpi_tui.model.snapshot import Counters
from vpi_tui.model.topology import Locality

MAX_SUBJECTS = 1 << 15
"""Flow records hold positions of guests and switches in int16."""
_INSIDE = 4
"""Column of Counters.inside_bytes."""


class SubjectCounters:
    """Counters by small number (guest or switch). Memory is used as numbers are."""

    def __init__(self, subjects: int = MAX_SUBJECTS) -> None:
        self.sums = np.zeros((subjects, 5), np.int64)
        """int64[subjects, 5]: the fields of Counters, in order."""

    def add_sent(self, number: int, pkts: int, size: int, inside: int = 0) -> None:
        """Frames that a subject sent, and bytes of them that stay on this host; a number that is nobody's is
        nobody's."""
        if 0 <= number < len(self.sums):
            self.sums[number, 0] += pkts
            self.sums[number, 2] += size
            self.sums[number, _INSIDE] += inside

    def add_inside(self, numbers: NDArray[np.int16], sizes: NDArray[np.int64]) -> None:
        """Bytes, counted before, that turn out to stay on this host."""
        known = numbers >= 0
        np.add.at(self.sums[:, _INSIDE], numbers[known], sizes[known])

    def move(self, places: Places) -> None:
        """Subjects have other numbers now; what those counted that are gone is nobody's."""
        former = self.sums[: len(places)].copy()
        self.sums[: len(places)] = 0
        here = places >= 0
        self.sums[places[here]] = former[here]

    def get(self, number: int) -> Counters:
        """Counters of one subject, all zero when it was never seen."""
        if not 0 <= number < len(self.sums):
            return Counters()
        return Counters(*self.sums[number].tolist())


class Tally:
    """Counters of guests, switches and the whole. Flows inside tunnels are left out: the tunnel's
    own flow has their bytes."""

    def __init__(self) -> None:
        self.guests = SubjectCounters()
        self.switches = SubjectCounters()
        self.whole = SubjectCounters(1)
        self._closed = np.zeros(0, np.bool_)

    def follow(self, closed: Sequence[bool]) -> None:
        """Of each switch: whether it has no uplink, so that no frame for all, or for nobody known, leaves."""
        self._closed = np.array(closed, np.bool_)

    def add_without_flow(self, switch: int, guest: int, pkts: int, size: int) -> None:
        """Frames that are part of no flow (ARP, spanning tree, malformed), by where they entered."""
        inside = size if 0 <= switch < len(self._closed) and self._closed[switch] else 0
        self.switches.add_sent(switch, pkts, size, inside)
        self.guests.add_sent(guest, pkts, size, inside)
        self.whole.add_sent(0, pkts, size, inside)

    def add_staying(self, facts: NDArray[Any]) -> None:
        """Facts (flow.facts.FACT_DTYPE) that are counted already: which of them cannot have left a switch
        without an uplink, as they were for a group, or the host's own. What is between two ends that are here
        the loop that counts knows to stay; what is for an address elsewhere the host may route there."""
        closed = np.append(self._closed, False)  # position -1: no switch
        at = np.minimum(facts["switch"], len(closed) - 1)
        lone_host = (
            (facts["locality"] == Locality.HOST) & (facts["src_guest"] < 0) & (facts["dest_guest"] < 0)
        )
        told = closed[at] & ~facts["inner"] & (lone_host | (facts["locality"] == Locality.UNKNOWN))
        if not told.any():
            return
        facts = facts[told]
        sizes = (facts["bytes_toserver"] + facts["bytes_toclient"]).astype(np.int64)
        self.switches.add_inside(facts["switch"], sizes)
        self.guests.add_inside(facts["src_guest"], sizes)
        self.guests.add_inside(facts["dest_guest"], sizes)
        self.whole.add_sent(0, 0, 0, int(sizes.sum()))

    def total(self) -> Counters:
        return self.whole.get(0)
