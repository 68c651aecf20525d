"""Packets that the host routes from one watched switch into another are seen twice; one sighting is enough.

They are received at a port of the first switch, and sent through the device of the second. The first sighting
stays: it tells the guest by its port. What the host translates (NAT) has other addresses, and stays too.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from vpi_tui.capture.columns import first_rows
from vpi_tui.capture.kernels_routed import remove_copies
from vpi_tui.model.batch import PacketBatch

PLACES = 1 << 15
"""Packets remembered. A power of two."""
WINDOW_NS = 50_000_000
"""Longest way through the host."""


class RoutedCopies:
    """Remembers what was received, across batches."""

    def __init__(self) -> None:
        self._outgoing = np.zeros(0, np.int32)
        self._seen = np.zeros(PLACES, np.uint64)
        self._times = np.zeros(PLACES, np.int64)
        self.removed = 0

    def set_outgoing(self, ifindexes: Collection[int]) -> None:
        """Devices through which the host sends. Fewer than two and nothing can be routed between switches."""
        self._outgoing = np.array(sorted(ifindexes), np.int32)

    def remove_from(self, batch: PacketBatch) -> PacketBatch | None:
        """The batch without the second sightings; None when nothing stays."""
        if len(self._outgoing) < 2:
            return batch
        rows = len(batch.offset)
        kept = remove_copies(batch, self._outgoing, self._seen, self._times, WINDOW_NS)
        self.removed += rows - kept
        if kept == rows:
            return batch
        return first_rows(batch, kept) if kept else None
