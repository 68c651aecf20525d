"""Replays keep the time of their packets, in steps that are worth a batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vpi_tui.engine.pacing import LEAST_STEP_NS, MAX_GAP_NS, SLICE, PacedSource
from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.errors import CaptureError

MS = 1_000_000


class Times:
    """A capture of empty frames with these time stamps, in one batch each."""

    error: CaptureError | None = None

    def __init__(self, *batches: Sequence[int]) -> None:
        self._left = [np.array(batch, np.int64) for batch in batches]
        self._total = len(self._left)

    @property
    def exhausted(self) -> bool:
        return not self._left

    def open(self) -> None: ...

    def close(self) -> None: ...

    def describe(self) -> str:
        return "times"

    def position(self) -> tuple[int, int]:
        return 100 * (self._total - len(self._left)), 100 * self._total

    def read(self, timeout_s: float) -> PacketBatch | None:
        if not self._left:
            return None
        ts = self._left.pop(0)
        n = len(ts)
        return PacketBatch(
            np.zeros(1, np.uint8), np.zeros(n, np.int64), np.zeros(n, np.int32), np.zeros(n, np.int32), ts,
            np.ones(n, np.uint16), np.zeros(n, np.int32), np.zeros(n, np.uint32), np.zeros(n, np.uint8), 0, 0,
        )  # fmt: skip


class Clock:
    """Moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 10**9

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += round(seconds * 1e9)


def played(clock: Clock, source: PacedSource) -> list[tuple[int, list[int]]]:
    """(when, time stamps) of each batch to the end, from the start on."""
    start, out = clock.now, []
    while not source.exhausted:
        batch = source.read(0.05)
        if batch is not None:
            out.append((clock.now - start, batch.ts_ns.tolist()))
    return out


def test_packets_come_when_they_are_due_and_not_one_by_one() -> None:
    clock = Clock()
    times = range(0, 1_000 * MS, MS)
    got = played(clock, PacedSource(Times(times), 1.0, clock, clock.sleep))
    assert [ts for _, batch in got for ts in batch] == list(times)
    assert all(when >= batch[-1] for when, batch in got)
    assert all(when - batch[0] <= LEAST_STEP_NS + 2 * MS for when, batch in got)
    assert len(got) <= 1_000 * MS / LEAST_STEP_NS + 2


def test_the_time_of_a_replay_begins_with_its_first_packet() -> None:
    clock = Clock()
    source = PacedSource(Times([0, 1_000 * MS, 2_000 * MS]), 1.0, clock, clock.sleep)
    clock.sleep(60)  # rules are loaded, kernels are compiled
    assert played(clock, source) == [(0, [0]), (1_000 * MS, [1_000 * MS]), (2_000 * MS, [2_000 * MS])]


def test_speed_pause_and_gaps() -> None:
    clock = Clock()
    source = PacedSource(Times([0, 400 * MS, 60 * MAX_GAP_NS, 60 * MAX_GAP_NS - 5]), 4.0, clock, clock.sleep)
    assert source.read(0.05) is not None
    source.set_speed(4.0, True)
    clock.now += 3_600 * 10**9
    assert source.read(0.05) is None
    source.set_speed(4.0, False)
    got = played(clock, source)
    assert [batch for _, batch in got] == [[400 * MS], [60 * MAX_GAP_NS, 60 * MAX_GAP_NS - 5]]
    assert 95 * MS < got[0][0] < 105 * MS
    assert got[1][0] < (MAX_GAP_NS + 400 * MS) / 4 + 50 * MS


def test_without_pace_all_comes_at_once_in_slices() -> None:
    clock = Clock()
    got = played(clock, PacedSource(Times(range(3 * SLICE)), 0.0, clock, clock.sleep))
    assert [(when, len(batch)) for when, batch in got] == [(0, SLICE)] * 3


def test_one_that_is_behind_hurries() -> None:
    clock = Clock()
    source = PacedSource(Times(range(2 * SLICE + 1)), 1.0, clock, clock.sleep)
    assert source.read(0.0) is not None
    clock.now += 10**9
    assert [len(batch) for _, batch in played(clock, source)] == [SLICE, SLICE]


def test_its_position_is_what_was_played_and_not_what_was_read() -> None:
    clock = Clock()
    paced = PacedSource(Times([0, 500 * MS, 1000 * MS, 1500 * MS], [2000 * MS]), 1.0, clock, clock.sleep)
    seen = []
    while not paced.exhausted:
        if paced.read(0.1) is not None:
            seen.append(paced.position())
    assert seen == [(25, 200), (50, 200), (75, 200), (100, 200), (200, 200)]
