"""The engine's own figures: what is told, judged, and measured between two looks."""

from __future__ import annotations

import pytest

from vpi_tui.view.cells import severity_index
from vpi_tui.view.engine import CpuClock, StageClock, drop_share, other_stats, sections
from vpi_tui.view.escape import is_safe

from .samples import HOSTILE, NS, START, snapshot


def test_figures_judge():
    stats = {
        "capture.kernel_packets": 1000.0,
        "capture.kernel_drops": 50.0,
        "flow.evicted": 0.0,
        "capture.ring_fill": 0.6,
    }
    figures = {f.name: f for section in sections(snapshot(stats=stats)) for f in section.figures}
    assert figures["dropped by the kernel"].verdict == "error"
    assert "switch rules off" in figures["dropped by the kernel"].hint
    assert figures["flows evicted"].verdict == "good"
    assert (figures["ring filled"].value, figures["ring filled"].verdict) == ("60%", "warning")
    assert "CPU used" not in figures
    assert drop_share(snapshot(stats=stats)) == 0.05
    assert drop_share(snapshot()) == 0.0


def test_an_engine_that_falls_behind_says_so():
    def figures(**stats: float):
        named = {name.replace("__", "."): value for name, value in stats.items()}
        return {f.name: f for section in sections(snapshot(stats=named)) for f in section.figures}

    keeping = figures(capture__lag_seconds=0.02, app_layer__avoided=0.0)
    assert keeping["behind the wire"].verdict == "good"
    assert "connections not parsed" not in keeping
    falling = figures(capture__lag_seconds=3.0, app_layer__avoided=2.0)
    assert (falling["behind the wire"].value, falling["behind the wire"].verdict) == ("3.0 s", "warning")
    assert (falling["connections not parsed"].value, falling["connections not parsed"].verdict) == (
        "2",
        "warning",
    )


def test_stages_are_measured_between_two_looks():
    clock = StageClock()
    clock.stages({"stage.decode.seconds": 10.0, "stage.detect.seconds": 10.0})
    stages = clock.stages({"stage.decode.seconds": 11.0, "stage.detect.seconds": 13.0, "other": 5.0})
    assert [(stage.name, stage.seconds, stage.share) for stage in stages] == [
        ("detect", 13.0, 0.75),
        ("decode", 11.0, 0.25),
    ]


def test_cpu_is_measured_between_two_looks():
    clock = CpuClock()
    clock.apply(snapshot(stats={"engine.cpu_seconds": 1.0}))
    later = clock.apply(snapshot(taken_ns=START + 2 * NS, stats={"engine.cpu_seconds": 1.5}))
    assert later.stats["engine.cpu_share"] == 0.25
    assert "engine.cpu_share" not in clock.apply(snapshot(stats={})).stats


def test_what_has_no_line_of_its_own_is_listed():
    stats = {
        "decoder.pkts": 1.0,
        "odd.counter": 1234.0,
        "stage.x.seconds": 1.0,
        **dict.fromkeys(HOSTILE, 1.0),
    }
    others = other_stats(snapshot(stats=stats))
    assert ("odd.counter", "1,234") in [(f.name, f.value) for f in others]
    assert all(is_safe(f.name) for f in others)
    assert not [f for f in others if f.name in ("decoder.pkts", "stage.x.seconds")]


@pytest.mark.parametrize(("priority", "index"), [(1, 0), (2, 1), (3, 2), (255, 2), (0, 2), (-1, 2)])
def test_priorities_as_severities(priority, index):
    assert severity_index(priority) == index
