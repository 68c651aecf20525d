"""Frames that a sensor gets more than once: where they enter and where they leave, or by two mirrors.

Only where that is known to happen between the same two addresses is another arrival taken for a copy, and
only as many as are known to come: what a sender really sends again stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection

import numpy as np

from vpi_tui.capture.columns import first_rows
from vpi_tui.capture.kernels_doubled import remove_doubled
from vpi_tui.model.batch import PacketBatch

FRAME = np.dtype([("mark", np.uint64), ("ns", np.int64), ("count", np.int64)])
"""A frame by its hash: when it was kept, and how often it has arrived since."""
PAIR = np.dtype(
    [("ends", np.uint64), ("mark", np.uint64), ("ns", np.int64)]
    + [(name, np.int64) for name in ("count", "last", "same", "times")]
)
"""Two addresses by their hash, and the last of their frames that tells: how often that has arrived so far,
how often the one before, how many in a row as often; and how often everything is believed to."""
FRAMES, PAIRS = 1 << 14, 1 << 12
"""That are remembered. Powers of two."""
KEYS = 1 << 14
"""Enough for frames of 64 KiB, which is as long as they are without jumbograms."""
WINDOW_NS = 2_000_000
"""Copies come this close together."""


class DoubledCopies:
    """Remembers what arrived, across batches. removed: arrivals so far that were not the first."""

    def __init__(self) -> None:
        self._sensors = np.zeros(0, np.int32)
        self._frames = np.zeros(FRAMES, FRAME)
        self._pairs = np.zeros(PAIRS, PAIR)
        self._keys = np.frombuffer(secrets.token_bytes(8 * KEYS), np.uint64)
        self._trust = np.zeros(1, np.int64)
        self.removed = 0

    def set_sensors(self, ifindexes: Collection[int]) -> None:
        """Interfaces where copies may arrive."""
        self._sensors = np.array(sorted(ifindexes), np.int32)

    def remove_from(self, batch: PacketBatch) -> PacketBatch | None:
        """The batch with each frame once; None when nothing stays."""
        if not len(self._sensors):
            return batch
        rows = len(batch.offset)
        kept = remove_doubled(
            batch, self._sensors, self._frames, self._pairs, self._keys, WINDOW_NS, self._trust
        )
        self.removed += rows - kept
        if kept == rows:
            return batch
        return first_rows(batch, kept) if kept else None
