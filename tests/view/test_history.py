"""Rates and curves against a naive twin that keeps every sample and asks numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpi_tui.view.history import History, Rates

from .samples import NS, START, counters, guest, snapshot, switch

Sample = tuple[int, int]
"""(nanoseconds, bytes_in so far)"""


def feed(history: History, samples: Sequence[Sample], **values: object) -> None:
    for when, amount in samples:
        total = switch("all", counters=counters(bytes_in=amount, pkts_in=amount // 100))
        history.add(snapshot(taken_ns=when, packet_ns=when, total=total, **values))


def naive_series(samples: Sequence[Sample], points: int, step: int) -> list[float]:
    """The counter at whole multiples of `step` by straight lines, differences a second."""
    times = np.array([when - START for when, _ in samples], np.float64)
    values = np.array([amount for _, amount in samples], np.float64)
    last = samples[-1][0] // (step * NS) * (step * NS) - START
    edges = [last - step * NS * back for back in range(points, -1, -1)]
    return list(np.diff(np.interp(edges, times, values)) / step)


gaps = st.lists(
    st.tuples(st.integers(NS, 40 * NS), st.integers(0, 10**9)), min_size=1, max_size=60
)  # at least the spacing, so that each sample is kept


@settings(max_examples=200)
@given(gaps, st.integers(1, 40))
def test_curves(steps, points):
    moves = np.cumsum([(0, 0), *steps], axis=0)
    samples = [(START + int(when), int(amount)) for when, amount in moves]
    history = History(depth=200)
    feed(history, samples)
    series = history.series("", "bytes_in", points)
    assert len(series.values) == points
    assert series.values == pytest.approx(naive_series(samples, points, int(series.step)), rel=1e-6, abs=1e-3)
    assert series.span == series.step * points


@settings(max_examples=200)
@given(gaps, st.sampled_from([1.0, 10.0, 60.0]))
def test_rates(steps, window):
    moves = np.cumsum([(0, 0), *steps], axis=0)
    samples = [(START + int(when), int(amount)) for when, amount in moves]
    history = History(depth=200)
    feed(history, samples)
    end, newest = samples[-1]
    before = [s for s in samples[:-1] if end - s[0] >= 0.8 * window * NS]
    then, old = before[-1] if before else samples[0]
    assert history.rates("", window).bytes_in == pytest.approx((newest - old) / ((end - then) / NS))


def test_quick_refreshes_do_not_shorten_the_memory():
    """At four pictures a second the newest sample floats; what is kept lies a second apart."""
    samples = [(START + i * NS // 4, 250 * i) for i in range(400)]
    history = History(depth=60)
    feed(history, samples)
    assert history.series("", "bytes_in", 50).values == pytest.approx([1000.0] * 50)
    assert history.rates("").bytes_in == pytest.approx(1000.0)


def test_a_column_stays_as_it_was_once_drawn():
    rng = np.random.default_rng(5)
    history, total, drawn = History(), 0, {}
    for second in range(120):
        total += int(rng.integers(0, 10_000))
        feed(history, [(START + second * NS + int(rng.integers(0, NS // 3)), total)])
        series = history.series("", "bytes_in", 10)
        newest = history.column_number(10)
        for back, value in enumerate(reversed(series.values[2:])):
            known = drawn.setdefault((series.step, newest - back), value)
            if second > 15:
                assert value == pytest.approx(known)
    assert len(drawn) > 100


def test_memory_is_bounded():
    history = History(depth=20, subjects=5)
    for second in range(500):
        gone = [guest(f"g{second}-{i}", counters=counters(bytes_in=second)) for i in range(8)]
        history.add(snapshot(taken_ns=START + second * NS, guests=tuple(gone)))
        assert history.ignored >= 0
    assert len(history._tracks) <= 5
    assert len(history._times) <= 40
    assert all(len(column) <= 40 for track in history._tracks.values() for column in track.columns)


def test_guests_beyond_the_bound_are_counted_and_get_room_when_others_leave():
    history = History(depth=10, subjects=3)
    here = tuple(guest(name) for name in ("a", "b", "c", "d"))
    history.add(snapshot(guests=here))
    assert history.ignored == 2
    for second in range(1, 40):
        history.add(snapshot(taken_ns=START + second * NS, guests=here[3:]))
    assert history.ignored == 0


def test_a_counter_that_falls_starts_anew():
    history = History()
    feed(history, [(START, 0), (START + NS, 5000), (START + 2 * NS, 100), (START + 3 * NS, 300)])
    assert history.rates("").bytes_in == pytest.approx(200)
    assert min(history.series("", "bytes_in", 5).values) >= 0


def test_time_that_goes_back_starts_anew():
    history = History()
    feed(history, [(START + 100 * NS, 900), (START, 100), (START + NS, 300)])
    assert history.rates("").bytes_in == pytest.approx(200)
    assert history.now_ns == START + NS


@pytest.mark.parametrize("state", ["paused", "finished", "failed"])
def test_nothing_moves_when_the_engine_rests(state):
    history = History()
    feed(history, [(START, 0), (START + NS, 1000)])
    assert history.rates("").bytes_in == 1000
    feed(history, [(START + NS, 1000)], state=state)
    assert history.rates("") == Rates()


def test_a_replay_is_measured_in_the_time_of_its_packets():
    history = History()
    for second in range(3):
        total = switch("all", counters=counters(bytes_in=6000 * second, pkts_out=60 * second))
        packet_ns = START + second * 60 * NS
        history.add(snapshot(mode="replay", taken_ns=START + second * NS, packet_ns=packet_ns, total=total))
    rates = history.rates("")
    assert (rates.bytes, rates.pkts) == (pytest.approx(100), pytest.approx(1))


def test_who_is_not_known_does_not_move():
    history = History()
    assert history.rates("guest:x") == Rates()
    assert history.series("guest:x", "bytes_in", 3).values == (0.0, 0.0, 0.0)
    feed(history, [(START, 0), (START + NS, 1)])
    assert history.rates("guest:x") == Rates()
    assert history.series("", "bytes_in", 0).values == ()


def test_a_guest_that_went_away_no_longer_moves():
    history = History()
    for second, here in enumerate([True, True, True, False]):
        guests = (guest("a", counters=counters(bytes_in=500 * second)),) if here else ()
        history.add(snapshot(taken_ns=START + second * NS, guests=guests))
        if second == 2:
            assert history.rates("guest:a").bytes_in == 500
    assert history.rates("guest:a") == Rates()
