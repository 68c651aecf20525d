"""Flows as an operator meets them: sorted, filtered, grouped, opened."""

from __future__ import annotations

import pytest

from tests.ui.driver import NARROW, WIDE, drawn, step, text
from tests.ui.fake_client import snapshot
from tests.ui_pages.scene import FLOWS, flow, page, press, typed
from tests.view.samples import columns
from vpi_tui.feed.messages import GetAlert, GetFlow, Watch
from vpi_tui.model.snapshot import FlowColumns
from vpi_tui.view.scope import Scope

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE])


def names(app) -> list[str]:
    """Clients in the order of the table."""
    found = []
    for line in drawn(app)[3:]:
        found += [word.split(":")[0] for word in line.split() if word.startswith("guest-")][:1]
    return found


@SIZES
async def test_most_bytes_first_and_sorted_by_any_column(size) -> None:
    async with page("flows", size) as (app, pilot, engine):
        assert engine.of(Watch)[-1].flows
        assert names(app) == [f"guest-{n}" for n in range(1, 9)]
        await press(app, pilot, "s")
        assert names(app) == [f"guest-{n}" for n in range(8, 0, -1)]
        app.page.set_sort("last")
        assert app.page.descending
        for key in ("src", "dst", "app", "state", "alerts", "pkts", "share", "age", "switch", "vlan"):
            app.page.set_sort(key)
            await pilot.pause()
            assert sorted(names(app)) == sorted(f"guest-{n}" for n in range(1, 9))
        app.page.set_sort("alerts")
        await press(app, pilot, "s")
        await press(app, pilot, "s")
        assert names(app)[0] == "guest-4"


async def test_keys_walk_over_all_columns() -> None:
    async with page("flows", NARROW) as (app, pilot, _):
        seen = [app.page.sort_key]
        for _ in range(20):
            await press(app, pilot, "greater_than_sign")
            seen.append(app.page.sort_key)
        assert {"bytes", "src", "dst", "last", "vlan", "state"} <= set(seen)
        await press(app, pilot, "less_than_sign")
        assert app.page.sort_key == seen[-2]


@SIZES
async def test_a_click_on_a_title_sorts(size) -> None:
    async with page("flows", size) as (app, pilot, _):
        line = next(y for y, text_ in enumerate(drawn(app)) if "Client" in text_)
        x = drawn(app)[line].index("Client")
        await pilot.click(offset=(x + 1, line))
        assert app.page.sort_key == "src"


@SIZES
async def test_what_is_alerted_and_what_is_over_has_a_mark(size) -> None:
    async with page("flows", size) as (app, _, _):
        line = next(row for row in drawn(app) if "guest-4" in row)
        assert "!3" in line
        glyphs = app.page.look.glyphs
        marks = {
            FLOWS[n].state: next(r for r in drawn(app) if f"guest-{n + 1}" in r).strip("│ ▌")[0]
            for n in range(8)
        }
        assert marks == {0: "+", 1: glyphs.on, 2: glyphs.off}


async def test_filter_and_its_errors_in_words() -> None:
    async with page("flows", NARROW) as (app, pilot, _):
        await press(app, pilot, "slash")
        await typed(app, pilot, "app:ssh")
        assert names(app) == ["guest-2", "guest-4", "guest-6", "guest-8"]
        assert "Did you mean proto:" in app.page.apply_filter("prot:443")
        assert app.page.apply_filter("net:nonsense")
        assert names(app) == ["guest-2", "guest-4", "guest-6", "guest-8"]
        await press(app, pilot, "escape")
        assert len(names(app)) == 8
        await press(app, pilot, "a")
        assert names(app) == ["guest-4"]
        await press(app, pilot, "a")
        assert len(names(app)) == 8
        app.set_filter("nothing-like-it")
        await pilot.pause()
        assert "No flow fits the filter" in text(app)


async def test_the_scope_holds() -> None:
    async with page("flows", NARROW) as (app, pilot, _):
        await app.narrow(Scope("guest", "guest-3"))
        await pilot.pause()
        assert names(app) == ["guest-3"]
        await app.narrow(Scope("switch", "lab0"))
        await pilot.pause()
        assert names(app) == ["guest-2", "guest-4", "guest-6", "guest-8"]


@SIZES
async def test_groups_and_into_one_of_them(size) -> None:
    async with page("flows", size) as (app, pilot, _):
        await press(app, pilot, "g")
        assert "8 groups by guest" in text(app)
        app.set_filter("is:alerted")
        await pilot.pause()
        assert "1 group by guest" in text(app)
        app.set_filter("")
        await pilot.pause()
        await press(app, pilot, "g", "g")
        assert "2 groups by port" in text(app)
        assert "tcp/443" in text(app)
        await press(app, pilot, "enter")
        assert app.page.group == ""
        assert app.page.filter_text == "proto:tcp dport:443"
        assert names(app) == ["guest-1", "guest-3", "guest-5", "guest-7"]


@SIZES
async def test_a_flow_opens_and_its_counters_go_on(size) -> None:
    async with page("flows", size) as (app, pilot, engine):
        app.page.set_sort("alerts")
        app.page.table.move_to_key(4)
        await press(app, pilot, "enter")
        assert engine.of(GetFlow)[-1] == GetFlow(4)
        shown = text(app)
        for part in (
            "guest-4",
            "10.0.0.14:40004",
            "db-1",
            "10.0.0.31:443",
            "established",
            "9.00 kB",
            "10 packets",
        ):
            assert part in shown
        assert "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" in shown
        assert "UTC" in shown
        assert "Many failed SSH logins" in shown
        asked = len(engine.of(GetFlow))
        engine.put(snapshot(62, flows=columns(FLOWS)))
        await step(app, pilot)
        assert len(engine.of(GetFlow)) == asked + 1
        await press(app, pilot, "enter")
        assert app.page.id == "page-alerts"
        assert engine.of(GetAlert)[-1].number == 1
        await press(app, pilot, "escape", "escape")
        assert app.page.id == "page-flows"
        assert app.page.detail is not None
        await press(app, pilot, "escape")
        assert len(names(app)) == 8


async def test_a_flow_that_is_gone_says_so() -> None:
    async with page("flows", NARROW) as (app, pilot, engine):
        engine.flow = None
        await press(app, pilot, "enter")
        assert "no longer has this flow" in text(app)


async def test_frozen_the_table_stands_still() -> None:
    async with page("flows", NARROW) as (app, pilot, engine):
        await press(app, pilot, "p")
        engine.put(snapshot(62, flows=columns(FLOWS[:2])))
        await step(app, pilot)
        assert len(names(app)) == 8
        await press(app, pilot, "s")
        assert names(app)[0] == "guest-8"


@pytest.mark.parametrize("key", ["3", "6"])
async def test_a_picture_that_was_frozen_before_says_why_it_holds_none(key: str) -> None:
    async with page("alerts", NARROW, flows=()) as (app, pilot, engine):
        await press(app, pilot, "p", key)
        engine.put(snapshot(62))
        await step(app, pilot)
        assert "The picture was frozen before" in text(app)
        await press(app, pilot, "p", "p", "4", key)
        assert "was frozen before" not in text(app)


@pytest.mark.parametrize(("key", "what"), [("3", "Flows"), ("6", "Pairs")])
async def test_rows_that_are_not_here_yet_are_awaited(key: str, what: str) -> None:
    """The picture was taken before the screen was opened: nothing says that there are none."""
    async with page("alerts", NARROW, flows=()) as (app, pilot, engine):
        engine.put(snapshot(62, flows=FlowColumns(total=5), has_flows=False, has_matrix=False))
        await press(app, pilot, key)
        await step(app, pilot)
        assert f"{what} are being fetched" in text(app)
        assert "fits" not in text(app)
        assert "0 of" not in text(app)


async def test_no_flow_yet() -> None:
    async with page("flows", NARROW, flows=()) as (app, _, _):
        assert "No flow yet" in text(app)


async def test_flows_without_a_guest_are_a_group_of_their_own() -> None:
    nameless = (*FLOWS[:3], flow(9, src_guest=""))
    async with page("flows", NARROW, flows=nameless) as (app, pilot, _):
        await press(app, pilot, "g", "end", "enter")
        assert app.page.filter_text == "is:client-unnamed"
        assert "10.0.0.19:40009" in text(app)
        assert not names(app)
        await press(app, pilot, "escape", "g", "escape")
        assert app.page.group == ""
        assert len(names(app)) == 3
