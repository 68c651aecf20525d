"""LineTable in a running app: the cursor stays with its row, only rows in sight are asked for."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from tests.view.samples import HOSTILE
from vpi_tui.ui.widgets.columns import Column
from vpi_tui.ui.widgets.line_table import LineTable, SequenceSource
from vpi_tui.view.escape import is_safe

COLUMNS = (Column("name", "Name", 6, 1), Column("size", "Size", 6, align="right", priority=1))


class Numbers:
    """A hundred thousand rows; remembers which of them were looked at."""

    def __init__(self, count: int = 100_000, offset: int = 0) -> None:
        self.count, self.offset = count, offset
        self.asked: set[int] = set()

    def __len__(self) -> int:
        return self.count

    def row(self, index: int) -> Sequence[str]:
        self.asked.add(index)
        return (f"row {index + self.offset}", str(index))

    def key(self, index: int) -> Hashable:
        return index + self.offset

    def find(self, key: Hashable) -> int | None:
        at = int(str(key)) - self.offset
        return at if 0 <= at < self.count else None


class Watched(LineTable):
    """Remembers what it asked to be painted."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self.painted: list[Region] = []

    def refresh(self, *regions: Region, **options: bool) -> Watched:
        self.painted += regions
        super().refresh(*regions, **options)
        return self


class Host(App[None]):
    def __init__(self, source: object) -> None:
        super().__init__()
        self.table = Watched(COLUMNS, source, empty=("No rows.", "Wait."))
        self.said: list[tuple[str, Hashable]] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        self.said.append(("selected", message.key))

    def on_line_table_row_toggled(self, message: LineTable.RowToggled) -> None:
        self.said.append(("toggled", message.key))

    def on_line_table_header_selected(self, message: LineTable.HeaderSelected) -> None:
        self.said.append(("header", message.column.key))

    @property
    def lines(self) -> list[str]:
        return [self.table.render_line(y).text for y in range(self.table.size.height)]


@asynccontextmanager
async def shown(source: object, size: tuple[int, int] = (40, 10)) -> Iterator[tuple[Host, object]]:
    app = Host(source)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


async def test_only_rows_in_sight_are_asked_for():
    source = Numbers()
    async with shown(source) as (app, pilot):
        assert len(source.asked) < 20
        await pilot.press("end")
        assert "row 99999" in app.lines[-1]
        assert len(source.asked) < 40


async def test_keys_move_the_cursor():
    async with shown(Numbers()) as (app, pilot):
        await pilot.press("down", "j", "k", "pagedown")
        assert app.table.cursor == 1 + app.table.page_size - 1
        await pilot.press("enter", "space", "home", "up", "enter")
        key = app.table.page_size
        assert app.said == [("selected", key), ("toggled", key), ("selected", 0)]


async def test_the_cursor_stays_with_its_row_when_rows_move():
    async with shown(Numbers(offset=0)) as (app, pilot):
        await pilot.press(*["down"] * 5)
        line = next(y for y, text in enumerate(app.lines) if "row 5 " in text)
        app.table.set_source(Numbers(offset=-3000))
        await pilot.pause()
        assert app.table.cursor_key == 5
        assert app.table.cursor == 3005
        assert "row 5 " in app.lines[line], "it stands where it stood"


async def test_an_untouched_table_shows_the_top():
    async with shown(Numbers(offset=0)) as (app, pilot):
        app.table.set_source(Numbers(offset=-10))
        await pilot.pause()
        assert app.table.cursor_key == -10
        assert "row -10" in app.lines[1]


async def test_rows_that_vanish_leave_the_cursor_on_a_row():
    async with shown(Numbers(50)) as (app, pilot):
        await pilot.press("end")
        app.table.set_source(Numbers(3))
        await pilot.pause()
        assert app.table.cursor == 2
        app.table.set_source(Numbers(0))
        await pilot.pause()
        await pilot.press("down", "up", "end", "enter", "space")
        assert app.table.cursor_key is None
        assert any("No rows." in line for line in app.lines)
        assert app.said == []


async def test_sources_that_cannot_find_are_searched():
    rows = [(n, (f"row {n}", "x")) for n in range(100)]
    async with shown(SequenceSource(rows)) as (app, pilot):
        await pilot.press(*["down"] * 7)
        app.table.set_source(SequenceSource(rows[::-1]))
        await pilot.pause()
        assert app.table.cursor_key == 7
        assert app.table.move_to_key(50)
        assert not app.table.move_to_key("absent")
        assert app.table.cursor_key == 50


async def test_the_mouse():
    async with shown(Numbers()) as (app, pilot):
        await pilot.click(LineTable, offset=(3, 4))
        assert app.table.cursor == 3
        await pilot.click(LineTable, offset=(3, 4))
        await pilot.click(LineTable, offset=(3, 0))
        assert app.said == [("selected", 3), ("header", "name")]


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (12, 3), (200, 60)])
async def test_any_size(size):
    async with shown(Numbers(), size) as (app, pilot):
        await pilot.press("end", "pageup", "home")
        assert {len(line) for line in app.lines} == {size[0]}


async def test_hostile_text_is_shown_as_text():
    rows = [(n, (text, text)) for n, text in enumerate(HOSTILE)]
    async with shown(SequenceSource(rows), (80, 12)) as (app, _):
        assert all(is_safe(line) for line in app.lines)
        assert any("[bold red]not red[/]" in line for line in app.lines)


async def test_only_lines_that_changed_are_painted():
    async with shown(Numbers()) as (app, pilot):
        app.table.painted.clear()
        app.table.set_source(Numbers())
        assert app.table.painted == []
        await pilot.press("down")
        assert sorted(region.y for region in app.table.painted) == [1, 2]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("key", ["name", "size", "last"])
async def test_the_column_that_sorts_is_there_and_its_title_is_whole(key: str, descending: bool):
    async with shown(Numbers(), size=(20, 10)) as (app, pilot):
        app.table.set_columns(
            (
                Column("name", "Name", 4, align="right"),
                Column("size", "Size", 4),
                Column("age", "Age", 4, priority=1),
                Column("last", "Last", 4, align="right", priority=2),
            )
        )
        app.table.set_sort(key, descending)
        await pilot.pause()
        titles = {"name": "Name", "size": "Size", "last": "Last"}
        assert titles[key] in app.lines[0]
        assert "…" not in app.lines[0]
        glyphs = app.table.look.glyphs
        mark = glyphs.descending if descending else glyphs.ascending
        assert (f"{titles[key]}{mark}" if key == "size" else f"{mark}{titles[key]}") in app.lines[0]
        assert ("Age" in app.lines[0]) == (key != "last")
