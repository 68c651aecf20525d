"""Ports of another host, of which somebody there counts, late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.coverage.build import batch, mac, port, topology
from vpi_tui.coverage.arrangement import SensorLink, Setting
from vpi_tui.coverage.board import Board
from vpi_tui.coverage.past import MOMENTS, SeenPast
from vpi_tui.coverage.seen import SeenBytes, SeenCount, Watched
from vpi_tui.model.coverage import PortCoverage, TrueCount, Verdict
from vpi_tui.model.topology import Guest, Port, Switch, Topology

SECOND = 10**9
QUARTER = SECOND // 4
FAR = Port(0, "vnet0", "br0@hv1", "web-1", macs=(mac(1),), kind="tap", far="hv1")
KEY = (FAR.switch, FAR.name)
WHERE = Topology(
    switches=(Switch("cap0", "interface", ifindex=7), Switch("br0@hv1", "libvirt")),
    ports=(Port(7, "cap0", "cap0"), FAR),
    guests=(Guest("web-1", "br0@hv1", (mac(1),)),),
)
SETTING = Setting(Watched(frozenset({7}), frozenset({7})), ("cap0",), (SensorLink("cap0", 7),))
RATE = 1_000_000
"""Bytes a second each way."""


def judged(
    *, answer_s: float, share: float, seconds: int = 20, late_s: float = 0.0, silent_s: int = 0
) -> PortCoverage:
    """A steady stream, of which a share is copied; each count was asked for `answer_s` before it was told, is
    of the first half of that time, and is handed over `late_s` later. Then nobody counts for
    `silent_s`."""
    board = Board()
    board.follow(WHERE, SETTING)
    for quarter in range(1, 4 * seconds):
        now = quarter * QUARTER
        copied = round(share * RATE * now / SECOND)
        seen = {KEY: SeenCount(copied_into=copied, copied_out=copied)}
        if quarter % 4 or quarter < 8:
            board.note(now, seen)
            continue
        told = now - round(late_s * SECOND) - 10_000_000
        asked = told - round(answer_s * SECOND)
        true = round(RATE * (asked + (told - asked) // 3) / SECOND)
        count = TrueCount(*KEY, true, true, true // 900, true // 900, "libvirt", asked_ns=asked, told_ns=told)
        board.add(now, [count], seen)
    for second in range(seconds, seconds + silent_s):
        board.add(second * SECOND, [], {KEY: SeenCount()})
    return next(one for one in board.verdicts if one.port == "vnet0")


@pytest.mark.parametrize("answer_s", [0.01, 0.3, 0.7])
@pytest.mark.parametrize("late_s", [0.0, 0.9])
def test_a_steady_stream_is_seen_however_long_the_answers_take(answer_s: float, late_s: float) -> None:
    whole = judged(answer_s=answer_s, share=1.0, late_s=late_s)
    assert (whole.verdict, whole.truth) == (Verdict.SEEN, "libvirt")
    assert whole.cause.endswith("copied to cap0.")


@pytest.mark.parametrize("answer_s", [0.01, 0.3])
def test_a_part_is_no_whole_however_long_the_answers_take(answer_s: float) -> None:
    part = judged(answer_s=answer_s, share=0.9)
    assert part.verdict is Verdict.PARTIAL
    assert part.percent == pytest.approx(90, abs=3)
    assert part.cause == "br0 of hv1 does not copy the traffic of vnet0 to cap0."
    assert part.mend.startswith("On hv1, ")


def test_nothing_seen_is_blind_and_needs_no_device_here() -> None:
    assert judged(answer_s=0.01, share=0.0).verdict is Verdict.BLIND


def test_a_slow_answer_alone_gives_no_early_verdict() -> None:
    assert judged(answer_s=0.7, share=0.6, seconds=7).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("silent_s", "verdict", "truth"), [(20, Verdict.SEEN, "libvirt"), (40, Verdict.UNKNOWN, "")]
)
def test_counts_that_cease_are_no_verdict_for_ever(silent_s: int, verdict: Verdict, truth: str) -> None:
    told = judged(answer_s=0.01, share=1.0, silent_s=silent_s)
    assert (told.verdict, told.truth) == (verdict, truth)
    assert truth or "hv1" in told.cause


def test_the_past_is_read_between_two_moments_and_not_beyond() -> None:
    past = SeenPast()
    for moment in range(1, MOMENTS + 50):
        past.add(moment * 100, {KEY: SeenCount(into=moment * 1000)}, [KEY])
    newest = (MOMENTS + 49) * 100
    assert past.at(KEY, newest + 1) is None
    assert past.at(KEY, 100) is None
    assert past.at(KEY, newest - 100) == SeenCount(into=(newest - 100) * 10)
    assert past.at(KEY, newest - 125) == SeenCount(into=(newest - 125) * 10)
    assert past.at(("br0@hv1", "vnet9"), newest - 125) is None
    past.add(500, {KEY: SeenCount()}, [KEY])
    assert past.at(KEY, newest - 125) is None


def test_frames_of_far_guests_at_a_switch_of_this_host_are_seen_too() -> None:
    """The uplink of a bridge here brings what a guest of another host says."""
    here = topology(port(1), Port(2, "eno1", "br0", uplink=True), own={"br0": 9})
    where = replace(
        here,
        switches=(*here.switches, WHERE.switches[1]),
        ports=(*here.ports, FAR),
        guests=(*here.guests, *WHERE.guests),
    )
    seen = SeenBytes()
    seen.follow(where, Watched(frozenset({1, 2}), frozenset({9})))
    seen.count(batch([(2, mac(1), mac(5), 400), (1, mac(5), mac(1), 300), (1, mac(5), mac(6), 100)]))
    count = seen.counts()[KEY]
    assert (count.copied_into, count.copied_out) == (400, 300)
