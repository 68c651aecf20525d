"""The flows that ended lately, so that a screen can show them beside those that live."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow.records import FLOW_DTYPE, OPAQUE
from vpi_tui.model.batch import FlowState

KEPT = 20_000
"""Flows; 168 bytes each."""
Rows = NDArray[Any]
"""structured[k] of FLOW_DTYPE."""


class ClosedFlows:
    """A ring of the newest ended flows. All of them have the state CLOSED, whatever they ended of."""

    def __init__(self, kept: int = KEPT) -> None:
        self._ring: Rows = np.zeros(kept, FLOW_DTYPE)
        self._ended = 0

    def add(self, rows: Rows) -> None:
        rows = rows[-len(self._ring) :]
        at = self._ended % len(self._ring)
        ahead = len(self._ring) - at
        self._put(at, rows[:ahead])
        self._put(0, rows[ahead:])
        self._ended += len(rows)

    def _put(self, at: int, rows: Rows) -> None:
        end = at + len(rows)
        self._ring[at:end].view(OPAQUE)[:] = rows.view(OPAQUE)
        self._ring["state"][at:end] = FlowState.CLOSED

    def newest(self, limit: int, switch: int | None = None, guest: int | None = None) -> Rows:
        """At most `limit` flows, oldest first. switch, guest: only those, None = all."""
        held = min(self._ended, len(self._ring))
        rows = self._ring[(self._ended - held + np.arange(held)) % len(self._ring)]
        if switch is not None:
            rows = rows[rows["switch"] == switch]
        if guest is not None:
            rows = rows[(rows["src_guest"] == guest) | (rows["dest_guest"] == guest)]
        return rows[len(rows) - min(limit, len(rows)) :]

    def get(self, flow_id: int) -> Rows | None:
        """The ended flow with this id as structured[1], or None when it is no longer kept."""
        found = np.flatnonzero(self._ring["flow_id"] == np.uint64(flow_id)) if flow_id else ()
        return self._ring[found[:1]] if len(found) else None

    def refresh(self, rows: Rows, which: NDArray[np.bool_]) -> None:
        """Put the records of flows that ended in the place of these rows, as far as kept. which: bool[k]."""
        wanted = np.flatnonzero(which)
        if not len(wanted) or not self._ended:
            return
        order = np.argsort(self._ring["flow_id"], kind="stable")
        ids = self._ring["flow_id"][order]
        at = np.minimum(np.searchsorted(ids, rows["flow_id"][wanted]), len(ids) - 1)
        found = ids[at] == rows["flow_id"][wanted]
        rows[wanted[found]] = self._ring[order[at[found]]]

    @property
    def memory(self) -> int:
        """Bytes."""
        return int(self._ring.nbytes)
