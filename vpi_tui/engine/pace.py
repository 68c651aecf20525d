"""Does a live engine keep up with the wire?"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from vpi_tui.model.batch import PacketBatch

BEHIND_NS: Final = 1_000_000_000
"""An engine that looks at older packets than that falls behind."""
LOST_SHARE: Final = 0.01
"""So does one that so much of the traffic of the last seconds was never given to."""
MARK_NS: Final = 1_000_000_000


class _Mark(NamedTuple):
    at_ns: int
    offered: int
    lost: int


class Pace:
    """is_live: packets come by themselves, with times of this machine's clock, and queue up in the kernel."""

    def __init__(self, *, is_live: bool) -> None:
        self._is_live = is_live
        self._newest_ns = 0
        self._lag_ns = 0
        self._marks = [_Mark(0, 0, 0)] * 2
        """The state of the counters one to two seconds ago, and at most one second ago."""
        self._now = _Mark(0, 0, 0)

    def begin(self, packets: PacketBatch) -> None:
        """A batch is looked at."""
        if not self._is_live:
            return
        self._newest_ns = int(packets.ts_ns.max())
        self._now = _Mark(time.monotonic_ns(), packets.kernel_packets, packets.kernel_drops)
        if self._now.at_ns - self._marks[1].at_ns >= MARK_NS:
            self._marks = [self._marks[1], self._now]

    def end(self) -> None:
        """All of it has been looked at."""
        if self._is_live:
            self._lag_ns = max(0, time.time_ns() - self._newest_ns)

    def idle(self) -> None:
        """Nothing is left to look at."""
        self._newest_ns = self._lag_ns = 0

    def is_behind(self) -> bool:
        """Does traffic come faster than it is looked at? May be asked in the middle of a batch."""
        if not self._newest_ns:
            return False
        offered = self._now.offered - self._marks[0].offered
        lost = self._now.lost - self._marks[0].lost
        return time.time_ns() - self._newest_ns > BEHIND_NS or lost > LOST_SHARE * offered

    def stats(self) -> dict[str, float]:
        """lag_seconds: since the newest packet came, when it had been looked at."""
        return {"capture.lag_seconds": self._lag_ns / 1e9} if self._is_live else {}
