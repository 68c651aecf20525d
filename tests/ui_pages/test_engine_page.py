"""The engine's page: what is wrong is said first, with what to do."""

from __future__ import annotations

import pytest

from tests.ui.driver import NARROW, WIDE, drawn, step, text
from tests.ui.fake_client import snapshot
from tests.ui_pages.scene import page
from vpi_tui import __version__
from vpi_tui.feed.messages import Notice
from vpi_tui.view.escape import is_safe

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE])
WELL = {
    "capture.kernel_packets": 1_000.0,
    "capture.kernel_drops": 0.0,
    "flow.active": 1234.0,
    "engine.rss_bytes": 3.0e8,
    "engine.cpu_seconds": 10.0,
    "stage.decode.seconds": 1.0,
    "stage.detect.seconds": 3.0,
    "some.other": 7.0,
}


@SIZES
async def test_all_is_well(size) -> None:
    async with page("engine", size, stats=WELL) as (app, pilot, engine):
        later = WELL | {
            "engine.cpu_seconds": 10.5,
            "stage.detect.seconds": 3.75,
            "stage.decode.seconds": 1.25,
        }
        engine.put(snapshot(62, stats=later))
        await step(app, pilot)
        shown = text(app)
        for part in (
            "All packets offered are seen",
            "1.23k",
            "300 MB",
            "50%",
            "75%",
            "25%",
            "running",
            "UTC",
        ):
            assert part in shown, part
        await pilot.press("pagedown", "pagedown")
        assert __version__ in shown + text(app)
        assert "Counters: some" in shown + text(app)


async def test_a_long_source_and_the_state_beside_it_are_whole() -> None:
    source = "demo: two virtual switches, twelve guests, staged attacks"
    async with page("engine", NARROW, source=source, stats=WELL) as (app, _, _):
        title = next(line for line in drawn(app) if "twelve" in line)
        assert source in title
        assert "running" in title


@SIZES
async def test_what_is_wrong_comes_first_with_mark_word_and_remedy(size) -> None:
    stats = WELL | {"capture.kernel_drops": 50.0, "feed.alerts_dropped": 3.0}
    async with page("engine", size, stats=stats) as (app, _, _):
        lines = drawn(app)
        verdict = next(line for line in lines if "dropped by the kernel" in line)
        assert app.page.look.glyphs.severity[0] in verdict
        assert "50 (5%)" in verdict
        assert "switch rules off" in verdict
        assert any("alerts not shown" in line for line in lines)
        assert "All packets offered are seen" not in text(app)


async def test_an_engine_that_died_says_why_and_what_to_press() -> None:
    async with page("engine", NARROW, stats=WELL) as (app, pilot, engine):
        engine.end("The engine process was killed by signal 9.")
        await step(app, pilot)
        assert "signal 9" in text(app)
        assert "r starts another one" in " ".join(text(app).split())


async def test_notices_stay_readable() -> None:
    async with page("engine", WIDE, stats=WELL) as (app, pilot, engine):
        engine.put(snapshot(62, stats=WELL), Notice("warning", "Port tap3 vanished.\x1b[2J"))
        await step(app, pilot)
        assert "Port tap3 vanished.\\x1b[2J" in text(app)
        assert all(is_safe(line) for line in drawn(app))


async def test_figures_that_no_number_can_be() -> None:
    odd = dict.fromkeys(("flow.active", "x.y", "stage.decode.seconds", "engine.cpu_seconds"), float("nan"))
    async with page("engine", NARROW, stats=odd | {"capture.kernel_drops": float("inf")}) as (app, _, _):
        assert "flows alive" in text(app)
