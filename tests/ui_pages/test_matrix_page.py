"""The Matrix screen: grid and list, measures and windows, and the way to the flows of a pair and back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ui.driver import NARROW, WIDE, drawn, step, text
from tests.ui.fake_client import NS, START, snapshot
from tests.ui_pages.scene import flow, page, press, typed
from tests.view.test_matrix import stat
from vpi_tui.feed.messages import GetPolicy, Learn, PolicyProposal, UsePolicy, Watch
from vpi_tui.model.matrix import Segmentation
from vpi_tui.model.topology import Locality

MATRIX = (
    stat("web-1", "db-1", 5_000_000, alerts=2, broken="policy.yaml:12"),
    stat("web-10", "db-1", 40_000),
    stat("db-1", "web-1", 2_000, new=True),
    stat("web-1", "world", 700, locality=Locality.NORTH_SOUTH),
)
FLOWS = (
    flow(1, src_guest="web-1", dest_guest="db-1"),
    flow(2, src_guest="web-10", dest_guest="db-1"),
    flow(3, src_guest="web-1", dest_guest="mail"),
)
CROWD = tuple(
    stat(f"guest-{a:02}", f"guest-{b:02}", 10 ** (1 + (a * b) % 9))
    for a in range(64)
    for b in range(64)
    if a != b
)


async def test_the_grid_is_first_where_there_is_room_and_the_list_where_there_is_not() -> None:
    async with page("matrix", WIDE, matrix=MATRIX) as (app, pilot, _):
        assert re.search(r"from . to +db-1 +web-1 +world", text(app))
        assert re.search(r"web-1 +\[?█5\.00M▲", text(app))
        assert "5.00 MB  2 flows  2 alerts  east-west" in text(app)
        assert "breaks policy.yaml:12" in text(app)
        await press(app, pilot, "v")
        assert re.search(r"▲ policy +web-1 +db-1 +5\.00 MB", text(app))
    async with page("matrix", NARROW, matrix=MATRIX) as (app, _, _):
        assert re.search(r"\+ new +db-1 +web-1 +2\.00 kB", text(app))
        assert all(len(line) == NARROW[0] for line in drawn(app))


async def test_ascii_tells_heat_and_marks_without_colour() -> None:
    async with page("matrix", WIDE, ascii_only=True, matrix=MATRIX) as (app, _, _):
        assert re.search(r"web-1 +\[?#5\.00M!", text(app))
        assert re.search(r"web-10 +:40\.0k", text(app))
        assert re.search(r"\.2\.00k\+", text(app))
        assert text(app).isascii()


async def test_the_engine_is_asked_for_the_matrix_only_while_it_is_shown() -> None:
    async with page("matrix", WIDE, matrix=MATRIX) as (app, pilot, engine):
        assert (engine.of(Watch)[-1].matrix, engine.of(Watch)[-1].matrix_window) == (True, "1m")
        await press(app, pilot, "w", "w")
        assert engine.of(Watch)[-1].matrix_window == "all"
        assert "bytes, since start" in text(app)
        await press(app, pilot, "1")
        assert not engine.of(Watch)[-1].matrix


async def test_the_list_sorts_names_from_a_and_can_be_turned() -> None:
    async with page("matrix", NARROW, matrix=MATRIX) as (app, pilot, _):
        key = app.page.look.glyphs
        while app.page.sort_key != "src":  # type: ignore[attr-defined]
            await press(app, pilot, "greater_than_sign")
        assert f"From{key.ascending}" in text(app)
        assert app.page.table.source.key(0)[0] == "db-1"  # type: ignore[attr-defined]
        await press(app, pilot, "s")
        assert f"From{key.descending}" in text(app)
        assert app.page.table.source.key(0)[0] == "web-10"  # type: ignore[attr-defined]


async def test_the_time_of_a_frozen_picture_stays() -> None:
    async with page("matrix", WIDE, matrix=MATRIX) as (app, pilot, _):
        await press(app, pilot, "p", "w")
        assert "bytes, 1 min" in text(app)
        assert "p goes on" in text(app)


async def test_the_measure_is_switched() -> None:
    async with page("matrix", WIDE, matrix=MATRIX) as (app, pilot, _):
        await press(app, pilot, "m", "m")
        assert "alerts, 1 min" in text(app)
        assert re.search(r"web-1 +\[? *█ +2▲", text(app))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_enter_shows_the_flows_of_the_pair_and_escape_comes_back(size: tuple[int, int]) -> None:
    async with page("matrix", size, flows=FLOWS, matrix=MATRIX) as (app, pilot, _):
        await press(app, pilot, "enter")
        assert app.page.filter_text == "src:=web-1 dst:=db-1"
        assert "1 of 3 flows" in text(app)
        assert "web-10" not in text(app)
        await press(app, pilot, "escape")
        assert app.page.id == "page-matrix"
        await press(app, pilot, "3")
        assert app.page.filter_text == ""


async def test_a_filter_narrows_and_says_what_it_can() -> None:
    async with page("matrix", NARROW, matrix=MATRIX) as (app, pilot, _):
        await press(app, pilot, "slash")
        await typed(app, pilot, "new")
        assert "1 pair " in text(app)
        assert "web-10" not in text(app)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_many_guests_scroll_with_their_headers(size: tuple[int, int]) -> None:
    async with page("matrix", size, matrix=CROWD) as (app, pilot, _):
        if size == NARROW:
            await press(app, pilot, "v")
        assert re.search(r"→ 1-\d+/64", text(app))
        await press(app, pilot, *["pagedown"] * 4, *["l"] * 30)
        grid = app.page.grid  # type: ignore[attr-defined]
        src, dest = grid.pair
        header = next(line for line in drawn(app) if re.search(r"→ \d+-\d+/64", line))
        assert "→ 1-" not in header
        assert f"…{dest[-3:]}" in header
        assert any(line.lstrip("│▌ ").startswith(src) for line in drawn(app))
        assert f"{src} > {dest}" in text(app) or f"{src} has opened nothing to {dest}" in text(app)
        await press(app, pilot, "end", "end", "home", "home")
        assert grid.pair == (grid._grid.sources[0], grid._grid.dests[0])


async def test_an_empty_matrix_says_why() -> None:
    async with page("matrix", WIDE) as (app, pilot, _):
        assert "Nobody spoke in this window." in text(app)
        await press(app, pilot, "enter", "v", "enter")
        assert app.page.id == "page-matrix"


PROPOSAL = PolicyProposal("default: deny\nallow:\n  - from: web-1\n    to: db-1\n", "")


async def test_a_baseline_is_begun_and_ended_with_one_key() -> None:
    async with page("matrix", WIDE, matrix=MATRIX) as (app, pilot, engine):
        await press(app, pilot, "b")
        engine.put(snapshot(62, matrix=MATRIX, segmentation=Segmentation(START + 60 * NS, 0, 12)))
        await press(app, pilot, "v")
        assert "learning for 2 s: 12 kinds of connection" in text(app)
        await press(app, pilot, "b")
        assert [command.on for command in engine.of(Learn)] == [True, False]


async def test_a_learned_policy_that_is_open_is_asked_for_again_when_learning_ends() -> None:
    async with page("matrix", NARROW, matrix=MATRIX) as (app, pilot, engine):
        await press(app, pilot, "y")
        engine.put(snapshot(62, matrix=MATRIX), PolicyProposal("", ""))
        await press(app, pilot, "down")
        assert "Nothing was learned yet." in text(app)
        engine.put(snapshot(63, matrix=MATRIX, segmentation=Segmentation(START + 60 * NS, 0, 12)))
        await press(app, pilot, "down", "b")
        assert engine.sent[-2:] == [Learn(on=False), GetPolicy()]
        engine.put(snapshot(64, matrix=MATRIX), PROPOSAL)
        await press(app, pilot, "down")
        assert "  - from: web-1" in text(app)


async def test_a_learned_policy_is_shown_written_once_and_put_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with page("matrix", NARROW, matrix=MATRIX) as (app, pilot, engine):
        await press(app, pilot, "y")
        assert engine.of(GetPolicy)
        assert "Asking the engine" in text(app) or "Nothing was learned" in text(app)
        engine.put(snapshot(62, matrix=MATRIX), PROPOSAL)
        await press(app, pilot, "down")
        assert "  - from: web-1" in text(app)
        await press(app, pilot, "y")
        await pilot.press("enter")
        await step(app, pilot)
        assert (tmp_path / "policy.yaml").read_text() == PROPOSAL.text
        assert engine.of(UsePolicy) == [UsePolicy(str(tmp_path / "policy.yaml"), PROPOSAL.text)]
        (tmp_path / "policy.yaml").write_text("mine")
        await press(app, pilot, "y", "enter")
        assert "Not overwritten" in text(app)
        assert (tmp_path / "policy.yaml").read_text() == "mine"
        assert len(engine.of(UsePolicy)) == 1
        await press(app, pilot, "escape", "escape")
        assert "From" in text(app)
