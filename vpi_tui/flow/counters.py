"""Packets and bytes of each guest and switch since the start; they only grow."""

from __future__ import annotations

import numpy as np

from vpi_tui.model.snapshot import Counters

MAX_SUBJECTS = 1 << 15
"""Flow records hold positions of guests and switches in int16."""


class SubjectCounters:
    """Counters by small number (guest or switch). Memory is used as numbers are."""

    def __init__(self, subjects: int = MAX_SUBJECTS) -> None:
        self.sums = np.zeros((subjects, 6), np.int64)
        """int64[subjects, 6]: the fields of Counters, in order."""

    def add_sent(self, number: int, pkts: int, size: int) -> None:
        """Frames that a subject sent; a number that is nobody's is nobody's."""
        if 0 <= number < len(self.sums):
            self.sums[number, 0] += pkts
            self.sums[number, 2] += size

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

    def add_without_flow(self, switch: int, guest: int, pkts: int, size: int) -> None:
        """Frames that are part of no flow (ARP, spanning tree, malformed), by where they entered."""
        self.switches.add_sent(switch, pkts, size)
        self.guests.add_sent(guest, pkts, size)
        self.whole.add_sent(0, pkts, size)

    def total(self) -> Counters:
        return self.whole.get(0)
