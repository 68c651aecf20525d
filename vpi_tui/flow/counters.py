"""Packets and bytes of each guest and switch since the start; they only grow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow.table import Touched
from vpi_tui.model.snapshot import Counters
from vpi_tui.model.topology import Locality

_FIELDS = ("pkts_in", "pkts_out", "bytes_in", "bytes_out", "east_west_bytes")


class SubjectCounters:
    """Counters by small number (guest or switch); a negative number is nobody."""

    def __init__(self) -> None:
        self._sums = np.zeros((len(_FIELDS), 0), np.int64)

    def add(self, subject: NDArray[np.int16], *columns: NDArray[Any]) -> None:
        """columns: one array of what is added for each of the fields of Counters, in order."""
        known = subject >= 0
        if not known.any():
            return
        number = subject[known]
        size = int(number.max()) + 1
        if size > self._sums.shape[1]:
            self._sums = np.pad(self._sums, ((0, 0), (0, size - self._sums.shape[1])))
        for row, column in zip(self._sums, columns, strict=True):
            row[:size] += np.bincount(number, weights=column[known], minlength=size).astype(np.int64)

    def get(self, number: int) -> Counters:
        """Counters of one subject, all zero when it was never seen."""
        if not 0 <= number < self._sums.shape[1]:
            return Counters()
        return Counters(*(int(value) for value in self._sums[:, number]))


class Tally:
    """Counters of guests, switches and the whole. Flows inside tunnels are left out: the tunnel's
    own flow has their bytes."""

    def __init__(self) -> None:
        self.guests = SubjectCounters()
        self.switches = SubjectCounters()
        self._total = SubjectCounters()

    def add(self, touched: Touched) -> None:
        outer = touched.records["tunnel"] == 0
        records = touched.records[outer]
        pkts_up, pkts_down, bytes_up, bytes_down = (column[outer].astype(np.int64) for column in touched[1:])
        size = bytes_up + bytes_down
        local = np.where(records["locality"] == Locality.EAST_WEST, size, 0)
        self.guests.add(records["src_guest"], pkts_up, pkts_down, bytes_up, bytes_down, local)
        self.guests.add(records["dest_guest"], pkts_down, pkts_up, bytes_down, bytes_up, local)
        none = np.zeros(len(records), np.int64)
        whole = (pkts_up + pkts_down, none, size, none, local)
        self.switches.add(records["switch"], *whole)
        self._total.add(np.zeros(len(records), np.int16), *whole)

    def total(self) -> Counters:
        return self._total.get(0)
