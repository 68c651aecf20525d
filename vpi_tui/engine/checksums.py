"""Whether the checksums of a capture mean anything: where a network card computes them, most are wrong."""

from __future__ import annotations

from typing import Final

import numpy as np

from vpi_tui.detect.match.upstream import CHECKSUMS
from vpi_tui.model.batch import DecodedBatch

SAMPLE: Final = 1_000
"""TCP and UDP packets that are looked at, as Suricata does."""
LEAST: Final = 100
"""Of fewer nothing is concluded."""
NOTICE: Final = (
    "Most checksums of this capture are wrong, as where the network card computes them: they do not count."
    " `-k all` lets them count."
)


class ChecksumSample:
    """Judges the first packets. wrong is True from the batch on in which most of them were wrong."""

    def __init__(self) -> None:
        self.wrong = False
        self._seen = 0
        self._bad = 0

    def look(self, decoded: DecodedBatch) -> bool:
        """Count a batch; True when it is the one that settles that they are wrong."""
        if self.wrong or self._seen >= SAMPLE:
            return False
        rows = np.flatnonzero((decoded.proto == 6) | (decoded.proto == 17))[: SAMPLE - self._seen]
        self._seen += rows.size
        self._bad += int(np.count_nonzero(decoded.events[rows] & np.uint64(CHECKSUMS)))
        self.wrong = self._seen >= LEAST and 2 * self._bad > self._seen
        return self.wrong
