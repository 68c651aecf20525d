"""How many segments had each of the events of streams."""

from __future__ import annotations

from typing import Final

import numpy as np

from vpi_tui.model.batch import I64, U64
from vpi_tui.model.stream_events import StreamEvent, counter_name

_PATHS: Final = tuple(f"stream.{counter_name(event)}" for event in StreamEvent)
"""By number of the event, which are those of the bits of a word."""


class StreamCounts:
    """Counts of all batches since the start."""

    def __init__(self) -> None:
        self._counts: I64 = np.zeros(len(_PATHS), np.int64)

    def add(self, events: U64) -> None:
        """uint64[rows]: DecodedBatch.stream_events of a batch."""
        odd = events[events != 0]
        if odd.size:
            bits = np.unpackbits(odd.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
            self._counts += bits.sum(axis=0, dtype=np.int64)

    def stats(self) -> dict[str, float]:
        """By EVE path, those that occurred."""
        return {path: float(count) for path, count in zip(_PATHS, self._counts, strict=True) if count}
