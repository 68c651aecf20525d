"""Whether the checksums of a capture mean anything: where a network card computes them, most are wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from vpi_tui.decode.decoder import DEFAULT_TUNNELS, Decoder, TunnelPorts
from vpi_tui.detect.match.upstream import CHECKSUMS
from vpi_tui.engine.pacing import cut
from vpi_tui.model.batch import DecodedBatch, PacketBatch

SAMPLE: Final = 1_000
"""TCP and UDP packets that are looked at, as Suricata does."""
LEAST: Final = 100
"""Of fewer nothing is concluded."""
NOTICE: Final = (
    "Most checksums of this capture are wrong, as where the network card computes them: they do not count."
    " `-k all` lets them count."
)


class ChecksumSample:
    """Judges the first packets, also those that were read and are not due yet: what comes before the verdict
    is lost for good. wrong is True from the batch on in which most of them were wrong."""

    def __init__(self, tunnels: TunnelPorts = DEFAULT_TUNNELS) -> None:
        self.wrong = False
        self._decoder = Decoder(tunnels=tunnels)
        self._seen = 0
        self._bad = 0
        self._ahead = 0
        """Packets to come that were looked at."""

    def look(self, decoded: DecodedBatch, ahead: Callable[[], PacketBatch | None]) -> bool:
        """Count a batch; True when it is the one that settles that they are wrong. ahead: what follows it."""
        if self.wrong or self._seen >= SAMPLE:
            return False
        if self._ahead > 0:
            self._ahead -= int(decoded.packet.max(initial=-1)) + 1
            return False
        self._count(decoded)
        coming = ahead()
        if coming is not None:
            some = cut(coming, 0, SAMPLE)
            self._ahead = len(some.ts_ns)
            self._count(self._decoder.decode(some))
        self.wrong = self._seen >= LEAST and 2 * self._bad > self._seen
        return self.wrong

    def _count(self, decoded: DecodedBatch) -> None:
        rows = np.flatnonzero((decoded.proto == 6) | (decoded.proto == 17))[: SAMPLE - self._seen]
        self._seen += rows.size
        self._bad += int(np.count_nonzero(decoded.events[rows] & np.uint64(CHECKSUMS)))
