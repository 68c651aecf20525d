"""The demo as a capture source: frames handed out when their time has come, loop after loop."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from vpi_tui.capture.demo import hosts
from vpi_tui.capture.demo.counts import ScriptCounts
from vpi_tui.capture.demo.scenario import DEFAULT_SEED, build
from vpi_tui.capture.demo.timeline import Reel, shift
from vpi_tui.model.batch import LinkType, PacketBatch
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import CaptureError
from vpi_tui.model.topology import Topology

BATCH_PACKETS = 4096
_IDLE_SECONDS = 0.05
_FOREVER = 1 << 62


class DemoSource:
    """Gives the scenario as PacketBatches. Not thread-safe: one reader.

    speed: times real time; 0 = as fast as it is read. loops: how many loops before the source is
    exhausted; 0 = for ever. start_ns: time stamp of the first frame, None = now. clock gives
    monotonic nanoseconds, wait sleeps seconds and build makes the frames of a seed; all three can
    be handed in. In each loop the time stamps go on and the client ports and sequence numbers are
    new, so that flows are new ones.
    """

    def __init__(
        self,
        *,
        seed: int = DEFAULT_SEED,
        speed: float = 1.0,
        loops: int = 0,
        start_ns: int | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
        build: Callable[[int], Reel] = build,
    ) -> None:
        self._seed, self._loops = seed, loops
        self._build = build
        self._speed = self._checked(speed)
        self._paused = False
        self._clock, self._wait = clock, wait
        self._start_ns = start_ns
        self._reel: Reel | None = None
        self._script: ScriptCounts | None = None
        self._loop = self._row = self._done_bytes = 0
        self._closed = False
        self._played_ns = 0
        """Scenario time reached when the pace was last set, counted over all loops."""
        self._since_ns = 0
        """Clock at that moment."""
        self.error: CaptureError | None = None

    @staticmethod
    def _checked(speed: float) -> float:
        if not speed >= 0 or speed == float("inf"):
            raise CaptureError(
                f"A speed of {speed} makes no sense.", hint="Give a number from 0 (no pacing) on."
            )
        return speed

    # Life ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Build the scenario (under a second of CPU) and start its clock."""
        if self._reel is None:
            self._reel = self._build(self._seed)
        if self._start_ns is None:
            self._start_ns = time.time_ns()
        self._since_ns = self._clock()

    def close(self) -> None:
        """Let go of the frames; batches given before stay valid as long as they are held."""
        self._reel = None
        self._closed = True

    @property
    def exhausted(self) -> bool:
        """True when all loops were read, and after close."""
        return self._closed or (bool(self._loops) and self._loop >= self._loops)

    def describe(self) -> str:
        return "two virtual switches, twelve guests, staged attacks"

    def topology(self) -> Topology:
        return hosts.topology()

    def whole(self) -> Topology:
        """The same, with the switch that is not watched."""
        return hosts.whole()

    def counts(self) -> tuple[TrueCount, ...]:
        """What passed each port so far, by the scenario."""
        if self._reel is None:
            return ()
        if self._script is None:
            self._script = ScriptCounts(self._reel)
        return self._script.at(self._loop, self._row)

    def position(self) -> tuple[int, int]:
        """Bytes handed out and bytes of all loops; a total of 0 when it goes on for ever."""
        total = self._loops * int(self._reel.length.sum()) if self._reel is not None else 0
        return self._done_bytes, total

    # Pace ------------------------------------------------------------------------------------

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        value = self._checked(value)
        self._mark()
        self._speed = value

    @property
    def paused(self) -> bool:
        return self._paused

    @paused.setter
    def paused(self, value: bool) -> None:
        self._mark()
        self._paused = value

    def _mark(self) -> None:
        """Take the present as the new origin, before the pace changes."""
        self._played_ns = self._due_ns() if self._speed or self._paused else self._next_ns() - 1
        self._since_ns = self._clock()

    def _due_ns(self) -> int:
        """Scenario time up to which frames may be handed out."""
        if self._paused:
            return self._played_ns
        if not self._speed:
            return _FOREVER
        return self._played_ns + round((self._clock() - self._since_ns) * self._speed)

    def _next_ns(self) -> int:
        """Scenario time of the next frame."""
        if self._reel is None:
            return 0
        base = self._loop * self._reel.length_ns
        return base + int(self._reel.at_ns[self._row])

    # Frames ----------------------------------------------------------------------------------

    def read(self, timeout_s: float = 0.1) -> PacketBatch | None:
        """The frames that are due, at most BATCH_PACKETS; None when none came in `timeout_s`.

        The batch is valid until the next call.
        """
        if self._reel is None:
            if self._closed:
                return None
            raise CaptureError("The demo is not open.", hint="Call open() first.")
        end = self._clock() + round(timeout_s * 1e9)
        while not self.exhausted:
            batch = self._take(self._reel, self._due_ns())
            left = (end - self._clock()) / 1e9
            if batch is not None or left <= 0:
                return batch
            self._wait(min(left, _IDLE_SECONDS))
        return None

    def _take(self, reel: Reel, due_ns: int) -> PacketBatch | None:
        base = self._loop * reel.length_ns
        stop = int(np.searchsorted(reel.at_ns, due_ns - base, side="right"))
        stop = min(stop, self._row + BATCH_PACKETS)
        if stop <= self._row:
            return None
        rows = slice(self._row, stop)
        if self._loop:
            shift(reel, rows)
        batch = self._batch(reel, rows, base + (self._start_ns or 0))
        self._done_bytes += int(batch.length.sum())
        self._row = stop
        if stop == len(reel.offset):
            self._row, self._loop = 0, self._loop + 1
        return batch

    @staticmethod
    def _batch(reel: Reel, rows: slice, base_ns: int) -> PacketBatch:
        count = rows.stop - rows.start
        return PacketBatch(
            buf=reel.arena,
            offset=reel.offset[rows],
            caplen=reel.length[rows],
            length=reel.length[rows],
            ts_ns=reel.at_ns[rows] + base_ns,
            link_type=np.full(count, LinkType.ETHERNET, np.uint16),
            ifindex=reel.ifindex[rows],
            vlan_tci=np.zeros(count, np.uint32),
            flags=np.zeros(count, np.uint8),
            kernel_packets=0,
            kernel_drops=0,
        )
