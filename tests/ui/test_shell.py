"""The frame, the keys and the pages, as an operator meets them."""

from __future__ import annotations

import pytest

from tests.ui.driver import NARROW, WIDE, dashboard, drawn, step, stop_the_clock, text
from tests.ui.fake_client import FakeClient, snapshot
from vpi_tui.feed.messages import Notice, SetSpeed, Toggle, ToggledMessage, UndoToggle, Watch
from vpi_tui.ui.app import ALERT_PACE
from vpi_tui.ui.display import pieces
from vpi_tui.ui.screens.registry import PAGES
from vpi_tui.ui.widgets.line_table import LineTable
from vpi_tui.ui.widgets.line_widget import LineWidget
from vpi_tui.ui.widgets.look import look_of

NAMES = [entry.name for entry in PAGES]


@pytest.mark.parametrize("size", [NARROW, WIDE, (200, 60)])
@pytest.mark.parametrize("name", NAMES)
async def test_every_page_fills_the_screen(name: str, size: tuple[int, int]) -> None:
    async with dashboard(FakeClient(), size) as (app, pilot):
        await app.action_open_page(name)
        await pilot.pause()
        lines = drawn(app)
        assert {len(line) for line in lines} == {size[0]} or all(len(line) <= size[0] for line in lines)
        assert len(lines) == size[1]
        assert "DEMO" in lines[0]
        assert "? Help" in lines[-1]
        assert app.page.id == f"page-{name}"


async def test_header_says_everything_at_80_columns() -> None:
    async with dashboard(FakeClient()) as (app, _):
        top = "\n".join(drawn(app)[:2])
        for part in ("DEMO", "p/s", "b/s", "drops 0", "22:14:20 UTC", "partial", "42/45 on!"):
            assert part in top
        marks = look_of(app).glyphs.severity
        assert [f"{mark} {count}" in top for mark, count in zip(marks, (6, 6, 3), strict=True)] == [True] * 3


async def test_overview_answers_the_first_question() -> None:
    async with dashboard(FakeClient()) as (app, _):
        shown = text(app)
        for part in ("vmbr0", "web-1", "lab0", "backup", "SQL injection", "east-west", "tls", "web-1 > db-1"):
            assert part in shown


async def test_columns_do_not_jump() -> None:
    """Figures change, places do not: a second later, other characters stand in the same cells."""
    async with dashboard(FakeClient(), WIDE, seconds=60) as (app, pilot):
        before = drawn(app)[0]
        app.session._client.put(snapshot(61), alerts=90)
        await step(app, pilot)
        after = drawn(app)[0]
        assert before != after
        for part in ("DEMO", "drops", "UTC", *look_of(app).glyphs.severity):
            assert before.index(part) == after.index(part)


async def test_unchanged_picture_repaints_nothing(monkeypatch) -> None:
    async with dashboard(FakeClient(), WIDE) as (app, pilot):
        painted: list[object] = []
        real = LineWidget.refresh
        monkeypatch.setattr(
            LineWidget, "refresh", lambda self, *r, **k: (painted.append(self), real(self, *r, **k))[1]
        )
        app.draw()
        assert painted == []
        app.session._client.put(snapshot(61))
        await step(app, pilot)
        assert painted


@pytest.mark.parametrize("size", [NARROW, WIDE])
@pytest.mark.parametrize("name", NAMES)
async def test_repainting_one_widget_leaves_the_others(name: str, size: tuple[int, int]) -> None:
    """What an update paints, on the screen as it is, gives the same screen."""
    async with dashboard(FakeClient(), size) as (app, pilot):
        stop_the_clock(app)
        await app.action_open_page(name)
        await pilot.pause()
        screen = drawn(app)
        for widget in app.page.query(LineWidget):
            compositor = app.screen._compositor
            compositor.update_widgets({widget.refresh()})
            update = compositor.render_partial_update()
            for y, x, strips in pieces(update) if update is not None else ():
                text_there = "".join(part.text for part in strips)
                screen[y] = screen[y][:x] + text_there + screen[y][x + len(text_there) :]
            assert screen == drawn(app), widget


@pytest.mark.parametrize("size", [NARROW, WIDE])
@pytest.mark.parametrize("name", NAMES)
async def test_nothing_waits_for_the_next_picture(name: str, size: tuple[int, int]) -> None:
    """A page that was opened or resized is whole at once: columns that fit among them."""
    async with dashboard(FakeClient(), size) as (app, pilot):
        stop_the_clock(app)
        await app.action_open_page(name)
        await pilot.pause()
        for width, height in (size, (99, 30), (78, 24), (130, 45)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            shown = drawn(app)
            app.draw()
            await pilot.pause()
            assert shown == drawn(app)


async def test_the_mark_goes_with_the_keyboard_at_once() -> None:
    async with dashboard(FakeClient(), WIDE) as (app, pilot):
        mark = look_of(app).glyphs.cursor
        places = set[int]()
        for _ in range(3):
            lines = drawn(app)
            places.add(next(y for y, shown in enumerate(lines) if mark in shown))
            assert sum(shown.count(mark) for shown in lines) == 1
            await pilot.press("tab")
        assert len(places) == 3


async def test_a_flood_of_alerts_is_not_drawn_one_by_one(monkeypatch) -> None:
    client = FakeClient()
    async with dashboard(client) as (app, pilot):
        drawn_times: list[int] = []
        real = app.draw
        monkeypatch.setattr(app, "draw", lambda: (drawn_times.append(app.session.inbox.total), real()))
        for _ in range(20):
            client.put(alerts=5)
            app._poll()
            await pilot.pause()
        await pilot.pause(2 * ALERT_PACE)
        assert len(drawn_times) < 10
        assert drawn_times[-1] == app.session.inbox.total  # and the last of them is on the screen


async def test_freeze_holds_the_picture_and_counts() -> None:
    client = FakeClient()
    async with dashboard(client, WIDE) as (app, pilot):
        await pilot.press("p")
        before = drawn(app)
        assert "FROZEN" in before[0]
        client.put(snapshot(61), alerts=5)
        await step(app, pilot)
        assert drawn(app)[2:-1] == before[2:-1]
        app._tick()
        await pilot.pause()
        assert "+5 alerts" in drawn(app)[0]
        await pilot.press("p")
        await pilot.pause()
        assert "FROZEN" not in drawn(app)[0]
        assert drawn(app) != before


async def test_scope_by_tree_and_back() -> None:
    client = FakeClient()
    async with dashboard(client) as (app, pilot):
        await pilot.press("down", "down", "enter")
        assert app.session.scope.key == "guest:web-1"
        assert client.sent[-1] == Watch(scope="guest:web-1")
        assert "guest web-1" in drawn(app)[2]
        await pilot.press("escape")
        assert app.session.scope.key == ""
        assert "guest web-1" not in drawn(app)[2]


async def test_a_guest_that_vanished_is_told() -> None:
    client = FakeClient()
    async with dashboard(client) as (app, pilot):
        await pilot.press("down", "down", "enter")
        client.put(snapshot(61, guests=snapshot(61).guests[1:]))
        await step(app, pilot)
        assert "guest web-1 (gone)" in drawn(app)[2]


async def test_space_folds_a_switch() -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        await pilot.press("down", "space")
        await pilot.pause()
        tree = [line[:30] for line in drawn(app)]
        assert any("vmbr0" in line for line in tree)
        assert not any("web-2" in line for line in tree)


async def test_wall_drills_into_switch_and_guest() -> None:
    async with dashboard(FakeClient(), WIDE) as (app, pilot):
        await pilot.press("2")
        await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.session.scope.key == "switch:lab0"
        assert "printer" in text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.session.scope.kind == "guest"
        assert app.page.id == "page-overview"
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert (app.session.scope.key, app.page.id) == ("", "page-switches")


async def test_a_wall_that_has_no_room_for_all_says_how_many_more_there_are() -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        await pilot.press("2", "v")
        await pilot.pause()
        assert "4 more below: Down" in text(app)
        await pilot.press("end")
        await pilot.pause()
        assert "4 more above: Up" in text(app)
        assert "below" not in text(app)
        assert all(len(line) == NARROW[0] for line in drawn(app))


async def test_a_graph_without_traffic_says_so_and_has_no_scale() -> None:
    async with dashboard(FakeClient(), seconds=1) as (app, _):
        assert "No traffic was seen in this time." in text(app)
        assert "1 b/s" not in text(app)


async def test_the_number_without_a_screen_says_where_packets_are() -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        await pilot.press("8")
        await pilot.pause()
        assert "Packets are kept behind alerts" in text(app)


async def test_a_filter_is_completed() -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        await pilot.press("4", "slash", *"web !te", "tab")
        await pilot.pause()
        assert "/web !tech:" in text(app)


@pytest.mark.parametrize(
    ("typed", "scope"),
    [("guest web-1", "guest:web-1"), ("switch lab", "switch:lab0"), ("gue DESK", "guest:desk-7")],
)
async def test_command_line_sets_the_scope(typed: str, scope: str) -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        await pilot.press(":", *[{" ": "space"}.get(c, c) for c in typed], "enter")
        await pilot.pause()
        assert app.session.scope.key == scope


async def test_command_line_completes() -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        await pilot.press(":", "g", "u", "tab", "space", "d", "e", "tab", "enter")
        await pilot.pause()
        assert app.session.scope.key == "guest:desk-7"


async def test_command_that_is_wrong_says_so_and_stays() -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        await pilot.press(":", "o", "v", "e", "r", "w", "i", "e", "w", "enter")
        await pilot.pause()
        assert "Did you mean :overview?" in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "Did you mean" not in text(app)
        assert app.focused is not None  # the keyboard is back where it was


async def test_argument_that_is_wrong_is_told() -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        await pilot.press(":", *"guest", "space", *"nobody", "enter")
        await pilot.pause()
        await pilot.pause()
        assert "There is no guest named nobody here." in text(app)


async def test_filter_narrows_inverts_and_leaves() -> None:
    async with dashboard(FakeClient(), WIDE) as (app, pilot):
        listed = app.page.query_one("#ov-alert-list", LineTable)
        everything = len(listed.source)
        await pilot.press("/", *"sql", "enter")
        await pilot.pause()
        assert len(listed.source) == 1
        assert "/sql" in drawn(app)[2]
        await pilot.press("/", "home", "!", "enter")
        await pilot.pause()
        assert len(listed.source) == everything - 1
        await pilot.press("escape")
        await pilot.pause()
        assert len(listed.source) == everything


async def test_filter_that_is_wrong_says_what_is_possible() -> None:
    async with dashboard(FakeClient(), WIDE) as (app, pilot):
        await pilot.press("/", *"gust:web")
        await pilot.pause()
        assert "Did you mean guest:?" in text(app)


async def test_help_lists_the_keys_of_this_screen() -> None:
    async with dashboard(FakeClient(), WIDE) as (app, pilot):
        await pilot.press("?")
        await pilot.pause()
        assert "top talkers over 10 s" in text(app)
        assert "hold the picture" in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "hold the picture" not in text(app)


async def test_palette_finds_a_guest() -> None:
    async with dashboard(FakeClient(), WIDE) as (app, pilot):
        await pilot.press("ctrl+p", *"prin", "enter")
        await pilot.pause()
        assert app.session.scope.key == "guest:printer"


async def test_theme_is_previewed_and_taken_back() -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        before = look_of(app).palette.theme.name
        await pilot.press("T", "up")
        await pilot.pause()
        assert look_of(app).palette.theme.name != before
        await pilot.press("escape")
        await pilot.pause()
        assert look_of(app).palette.theme.name == before
        await pilot.press("T", *"mono", "enter")
        await pilot.pause()
        assert look_of(app).palette.theme.name == "mono"


async def test_speed_and_pause() -> None:
    client = FakeClient()
    async with dashboard(client) as (app, pilot):
        await pilot.press("+", "+", "-", "P")
        assert [m for m in client.sent if isinstance(m, SetSpeed)] == [
            SetSpeed(2.0),
            SetSpeed(5.0),
            SetSpeed(2.0),
            SetSpeed(2.0, paused=True),
        ]
        assert "paused" in drawn(app)[0]


async def test_live_traffic_has_no_speed() -> None:
    client = FakeClient()
    async with dashboard(client) as (app, pilot):
        client.put(snapshot(99, mode="live"))
        await step(app, pilot)
        await pilot.press("+")
        await pilot.pause()
        assert not [m for m in client.sent if isinstance(m, SetSpeed)]
        assert "Live traffic" in text(app)


async def test_rules_by_command_and_undo() -> None:
    client = FakeClient()
    async with dashboard(client) as (app, pilot):
        await pilot.press("u")
        assert client.sent[-1] == UndoToggle()
        await pilot.press(":", *"off", "space", *"2000001", "enter")
        await pilot.pause()
        await pilot.pause()
        assert "There is no rule or pack 2000001" in text(app)
        assert not [m for m in client.sent if isinstance(m, Toggle)]
        client.put(None, ToggledMessage("switched off 3 rules that raised 17 alerts", 3, 2))
        await step(app, pilot)
        assert "raised 17 alerts" in text(app)


async def test_notice_is_shown_and_kept() -> None:
    client = FakeClient()
    async with dashboard(client, WIDE) as (app, pilot):
        client.put(None, Notice("warning", "Port tap3 vanished."))
        await step(app, pilot)
        assert "Port tap3 vanished." in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "Port tap3 vanished." not in text(app)
        await pilot.press(":", *"notices", "enter")
        await pilot.pause()
        await pilot.pause()
        assert "Port tap3 vanished." in text(app)


async def test_start_says_what_it_waits_for() -> None:
    client = FakeClient()
    async with dashboard(client, seconds=0) as (app, pilot):
        assert "Starting the engine" in text(app)
        client.put(snapshot(0, state="starting", state_text="Compiling kernels (3 of 12)"))
        await step(app, pilot)
        assert "Compiling kernels" in text(app)
        assert "3 of 12" in text(app)
        client.put(snapshot(1))
        await step(app, pilot)
        assert "Compiling" not in text(app)
        assert "vmbr0" in text(app)


async def test_a_start_that_failed_says_why_in_full() -> None:
    client = FakeClient()
    async with dashboard(client, seconds=0) as (app, pilot):
        client.put(snapshot(0, state="starting", state_text="Opening the source"))
        client.end(f"There is no interface br9. {'Known here: br0. ' * 8}The end.")
        await step(app, pilot)
        shown = " ".join(text(app).split())
        assert "The engine could not start. There is no interface br9." in shown
        assert "The end." in shown
        assert "vmbr0" not in shown


async def test_engine_that_died_says_why_and_r_restarts_it() -> None:
    client = FakeClient()
    async with dashboard(client) as (app, pilot):
        await pilot.press("r")
        assert client.restarts == 0
        client.end("The engine was killed by signal 9.")
        await step(app, pilot)
        assert "failed" in drawn(app)[0]
        assert "killed by signal 9" in drawn(app)[-2]
        assert " 0 p/s" in drawn(app)[0]
        assert "r restart" in drawn(app)[-2]
        await pilot.press("r")
        await pilot.pause(0.2)
        assert client.restarts == 1
        client.put(snapshot(1))
        await step(app, pilot)
        assert "killed" not in drawn(app)[-2]


async def test_replay_that_is_over_says_so() -> None:
    client = FakeClient()
    async with dashboard(client) as (app, pilot):
        client.put(snapshot(61, mode="replay", state="finished", state_text="All of evil.pcap was read."))
        await step(app, pilot)
        assert "The replay is over: All of evil.pcap was read." in drawn(app)[-2]


async def test_clicks() -> None:
    async with dashboard(FakeClient()) as (app, pilot):
        await pilot.click("#nav", offset=(16, 0))
        await pilot.pause()
        assert app.page.id == "page-switches"
        await pilot.click("#footer", offset=(2, 0))
        await pilot.pause()
        assert "Everywhere" in text(app)


async def test_small_terminal_says_so() -> None:
    async with dashboard(FakeClient(), (50, 12)) as (app, pilot):
        assert "50 x 12" in text(app)
        assert "60 x 16" in text(app)
        await pilot.resize_terminal(*NARROW)
        await pilot.pause()
        assert "vmbr0" in text(app)
