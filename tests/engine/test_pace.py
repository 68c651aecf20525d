"""Whether a live engine keeps up is told by the age of what it looks at, and by what the kernel drops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vpi_tui.engine import pace
from vpi_tui.engine.pace import Pace

START = 1_700_000_000


class Clock:
    """Seconds that pass when told so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(pace.time, "time_ns", lambda: int((START + self.now) * 1e9))
        monkeypatch.setattr(pace.time, "monotonic_ns", lambda: int(self.now * 1e9) + 10**12)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def batch(*came: float, offered: int = 0, lost: int = 0) -> Any:
    """came: seconds since the start."""
    ts_ns = np.array([(START + at) * 1e9 for at in came], np.int64)
    return SimpleNamespace(ts_ns=ts_ns, kernel_packets=offered, kernel_drops=lost)


def test_the_newest_packet_tells_how_old_the_view_is(clock: Clock) -> None:
    keeping = Pace(is_live=True)
    assert not keeping.is_behind()
    keeping.begin(batch(0.0, 0.5))
    clock.now = 1.25
    assert not keeping.is_behind()
    keeping.end()
    assert keeping.stats() == {"capture.lag_seconds": pytest.approx(0.75, abs=1e-3)}
    clock.now = 1.75
    assert keeping.is_behind(), "in the middle of a batch that takes long"
    keeping.idle()
    assert not keeping.is_behind()
    assert keeping.stats() == {"capture.lag_seconds": 0.0}


def test_losses_of_the_last_seconds_count(clock: Clock) -> None:
    keeping = Pace(is_live=True)
    told = {}
    for at, offered, lost in (
        (0.0, 1_000, 0),
        (1.0, 2_000, 10),
        (2.0, 3_000, 100),
        (2.5, 3_500, 100),
        (3.0, 4_000, 100),
    ):
        clock.now = at
        keeping.begin(batch(at, offered=offered, lost=lost))
        told[at] = keeping.is_behind()
    assert told == {0.0: False, 1.0: False, 2.0: True, 2.5: True, 3.0: False}, "one in a hundred is borne"


def test_a_file_has_no_wire_to_fall_behind(clock: Clock) -> None:
    keeping = Pace(is_live=False)
    keeping.begin(batch(0.0, offered=10, lost=9))
    clock.now = 100.0
    keeping.end()
    assert not keeping.is_behind()
    assert keeping.stats() == {}
