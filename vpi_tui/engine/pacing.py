"""Replays a capture in its own time: packets are handed on when they are due."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from vpi_tui.capture.source import CaptureSource
from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.errors import CaptureError

MAX_GAP_NS = 2_000_000_000
"""Longest silence that is waited for, in packet time: nobody watches an empty night."""
LEAST_STEP_NS = 20_000_000
"""Time between two batches at least: a batch of one packet costs nearly as much as one of hundreds."""
SLICE = 8_192
"""Packets a batch at most, so that a command is obeyed soon."""


def cut(batch: PacketBatch, start: int, end: int) -> PacketBatch:
    """Packets start..end of a batch; the columns are views."""
    return batch._replace(
        offset=batch.offset[start:end],
        caplen=batch.caplen[start:end],
        length=batch.length[start:end],
        ts_ns=batch.ts_ns[start:end],
        link_type=batch.link_type[start:end],
        ifindex=batch.ifindex[start:end],
        vlan_tci=batch.vlan_tci[start:end],
        flags=batch.flags[start:end],
    )


class PacedSource:
    """A source whose packets come `speed` times as fast as they were captured; 0 = at once.

    Its time begins with the first packet that is read. Time stamps that go back are handed on at once; a
    silence longer than MAX_GAP_NS is shortened.
    """

    def __init__(
        self,
        source: CaptureSource,
        speed: float,
        clock: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = source
        self._clock = clock
        self._sleep = sleep
        self._speed = speed
        self._paused = False
        self._batch: PacketBatch | None = None
        self._due = np.zeros(0, np.int64)
        self._next = 0
        self._read_before = 0
        """Position of the source where `_batch` began."""
        self._last_ts: int | None = None
        self._played = 0
        self._position_ns = 0.0
        self._moved_at = clock()
        self._given_at = self._moved_at - LEAST_STEP_NS

    @property
    def exhausted(self) -> bool:
        return self._batch is None and self._source.exhausted

    @property
    def error(self) -> CaptureError | None:
        return self._source.error

    def open(self) -> None:
        self._source.open()

    def close(self) -> None:
        self._source.close()

    def describe(self) -> str:
        return self._source.describe()

    def position(self) -> tuple[int, int]:
        """Bytes handed on and bytes in all; what was read and is not due yet does not count."""
        done, total = self._source.position()
        if self._batch is not None:
            begun = self._read_before
            done = begun + (done - begun) * self._next // len(self._due)
        return done, total

    def ahead(self) -> PacketBatch | None:
        """What was read and is not handed on yet; None = nothing."""
        return cut(self._batch, self._next, len(self._due)) if self._batch is not None else None

    def set_speed(self, speed: float, paused: bool) -> None:
        self._advance()
        self._speed, self._paused = speed, paused

    def read(self, timeout_s: float) -> PacketBatch | None:
        """The packets that are due, at most SLICE of them; None when none is within the time-out."""
        if self._batch is None and not self._refill(timeout_s):
            return None
        batch = self._batch
        if batch is None:
            return None
        nap = self._nap(timeout_s)
        if nap:
            self._sleep(nap)
        end = self._ready()
        if end <= self._next:
            return None
        if end - self._next < SLICE:  # else it is behind, and hurries
            self._given_at = self._clock()
        part = cut(batch, self._next, end)
        self._next = end
        if end == len(batch.ts_ns):
            self._batch = None
        return part

    def _refill(self, timeout_s: float) -> bool:
        begun = self._source.position()[0]
        batch = self._source.read(timeout_s)
        if batch is None or not len(batch.ts_ns):
            return False
        self._read_before = begun
        if self._last_ts is None:
            # Loading rules and compiling kernels came before, and is no time of the capture.
            self._last_ts, self._moved_at = int(batch.ts_ns[0]), self._clock()
        steps = np.diff(batch.ts_ns, prepend=self._last_ts)
        self._due = self._played + np.cumsum(np.clip(steps, 0, MAX_GAP_NS))
        self._batch, self._next = batch, 0
        self._last_ts, self._played = int(batch.ts_ns[-1]), int(self._due[-1])
        return True

    def _ready(self) -> int:
        """Index behind the last packet that is due now."""
        limit = min(self._next + SLICE, len(self._due))
        if self._paused:
            return self._next
        if not self._speed:
            self._position_ns = max(self._position_ns, float(self._due[limit - 1]))
            self._moved_at = self._clock()
            return limit
        self._advance()
        return min(limit, int(np.searchsorted(self._due, self._position_ns, "right")))

    def _advance(self) -> None:
        now = self._clock()
        if self._speed and not self._paused:
            self._position_ns += (now - self._moved_at) * self._speed
            if self._batch is None:
                # Waiting for the source itself (a pipe): its packets are due when they come.
                self._position_ns = min(self._position_ns, float(self._played))
        self._moved_at = now

    def _nap(self, timeout_s: float) -> float:
        """Seconds to sleep before the next packet is looked at; 0 = it is due."""
        if self._paused:
            return timeout_s
        if not self._speed:
            return 0.0
        self._advance()
        until_due = (float(self._due[self._next]) - self._position_ns) / self._speed
        until_step = self._given_at + LEAST_STEP_NS - self._moved_at
        return min(timeout_s, max(0.0, until_due, until_step) / 1e9)
