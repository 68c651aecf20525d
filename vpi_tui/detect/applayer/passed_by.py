"""Flows that are no longer parsed: their parser is done, or failed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import I32, U8


class PassedBy:
    """By slot of the flow table."""

    __slots__ = ("_is", "just")

    def __init__(self) -> None:
        self._is: U8 = np.zeros(0, np.uint8)
        """uint8[slots]: 1 = the flow is passed by."""
        self.just: set[int] = set()
        """Those since the last `mask`."""

    def add(self, slot: int) -> None:
        if slot >= self._is.size:
            grown = np.zeros(max(1024, 2 * slot + 2), np.uint8)
            grown[: self._is.size] = self._is
            self._is = grown
        self._is[slot] = 1
        self.just.add(slot)

    def forget(self, slots: I32) -> None:
        """These are another flow's now; those that are none of the table's are left out."""
        self._is[slots[(slots >= 0) & (slots < self._is.size)]] = 0

    def mask(self, slots: I32) -> NDArray[np.bool_]:
        """Which of these are passed by?"""
        self.just.clear()
        if not self._is.size:
            return np.zeros(slots.size, np.bool_)
        at = np.minimum(slots, self._is.size - 1)
        passed: NDArray[np.bool_] = (at == slots) & (self._is[at] != 0)
        return passed
