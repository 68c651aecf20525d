"""Flows that alerts were raised about, until the next tick: then more is known of whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.engine.closed import ClosedFlows
from vpi_tui.flow.records import FLOW_DTYPE

Rows = NDArray[Any]
"""structured[k] of FLOW_DTYPE."""


class AlertedFlows:
    """`add` as alerts come, `take` once a tick: a record for each alert, with the ends as they are known now.

    records: the flow table's live array. closed: where flows are that have ended meanwhile.
    """

    def __init__(self, records: Rows, closed: ClosedFlows) -> None:
        self._records, self._closed = records, closed
        self._slots: list[int] = []
        self._rows: list[Rows] = []

    def add(self, slots: Sequence[int]) -> None:
        self._slots += slots
        self._rows.append(self._records[list(slots)])

    def take(self) -> Rows:
        if not self._rows:
            return np.zeros(0, FLOW_DTYPE)
        rows, slots = np.concatenate(self._rows), np.array(self._slots)
        self._rows.clear()
        self._slots.clear()
        live = self._records["flow_id"][slots] == rows["flow_id"]
        rows[live] = self._records[slots[live]]
        self._closed.refresh(rows, ~live)
        return rows
