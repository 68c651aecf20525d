"""What the log tells of flows whose parser is gone, until their slots are given to others."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import I32, U8, U32


class Parsed(NamedTuple):
    """What parsers know of one flow as a whole."""

    transactions: int = 0
    """How many have begun; 0 = none, or nobody has followed it."""
    origin: str = ""
    """The application that it was before, as after STARTTLS; "" = it has always been the same."""


NOT_PARSED: Final = Parsed()


class Remains:
    """By slot of the flow table: five bytes each, for as many as were ever needed."""

    def __init__(self) -> None:
        self._transactions: U32 = np.zeros(0, np.uint32)
        self._origin: U8 = np.zeros(0, np.uint8)
        """As of APP_PROTOS; 0 = none."""

    def keep(self, slot: int, parsed: Parsed) -> None:
        """In the place of what was kept of the slot before."""
        size = self._transactions.size
        if slot >= size:
            more = max(slot + 1 - size, size)
            self._transactions = np.pad(self._transactions, (0, more))
            self._origin = np.pad(self._origin, (0, more))
        self._transactions[slot] = parsed.transactions
        self._origin[slot] = APP_PROTOS.index(parsed.origin) if parsed.origin else 0

    def forget(self, slots: I32) -> None:
        """Other flows have these slots now; those that are none of the table's are left out."""
        known = slots[(slots >= 0) & (slots < self._transactions.size)]
        self._transactions[known] = 0
        self._origin[known] = 0

    def of(self, slot: int) -> Parsed:
        if slot >= self._transactions.size:
            return NOT_PARSED
        origin = int(self._origin[slot])
        return Parsed(int(self._transactions[slot]), APP_PROTOS[origin] if origin else "")
