"""The inbox as an operator meets it: acknowledged, noted, switched off, opened down to the bytes."""

from __future__ import annotations

import pytest

from tests.ui.driver import NARROW, WIDE, drawn, step, text
from tests.ui.fake_client import START, alert, snapshot
from tests.ui_pages.scene import FRAME, PAYLOAD, Engine, page, press, typed
from vpi_tui.feed.messages import GetAlert, GetFlow, GetRule, Toggle
from vpi_tui.view.scope import Scope

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE])


def signatures(app) -> list[str]:
    """First word of the signatures, in the order of the table."""
    marks = app.page.look.glyphs.severity
    rows = [line.strip("│╭╮ ▌") for line in drawn(app)[3:]]
    return [" ".join(row.split()[3:5]) for row in rows if row.startswith(marks)]


async def settled(app, pilot, wanted: str) -> str:
    """The screen once it says so; dissecting takes a moment in a thread."""
    for _ in range(100):
        if wanted in text(app):
            break
        await pilot.pause(0.05)
    return text(app)


@SIZES
async def test_gravest_first_with_mark_and_word(size) -> None:
    async with page("alerts", size) as (app, _, _):
        found = signatures(app)
        assert len(found) == 5
        assert set(found[:2]) == {"SQL injection", "DNS tunnel"}
        assert found[-1] == "Old TLS"
        for part in ("high", "medium", "low", "web-1 > db-1", "groups"):
            assert part in text(app)
        if size == WIDE:
            assert "T1190" in text(app)


@SIZES
async def test_acknowledge_and_come_back(size) -> None:
    async with page("alerts", size) as (app, pilot, engine):
        first = signatures(app)[0]
        await press(app, pilot, "a")
        assert first not in signatures(app)
        await press(app, pilot, "v")
        assert first in signatures(app)
        await press(app, pilot, "v")
        again = next(g.newest for g in app.session.inbox.groups() if g.newest.msg.startswith(first))
        engine.put_alerts(alert(again.number + 5 * 20, 62))
        await step(app, pilot)
        assert first in signatures(app)


async def test_a_note_is_kept_and_found() -> None:
    async with page("alerts", WIDE) as (app, pilot, _):
        await press(app, pilot, "n")
        await typed(app, pilot, "ask ops")
        assert "ask ops" in text(app)
        app.set_filter("is:noted")
        await pilot.pause()
        assert len(signatures(app)) == 1


@pytest.mark.parametrize("key", ["x", "space"])
async def test_the_rule_is_switched_off_and_on(key) -> None:
    async with page("alerts", WIDE) as (app, pilot, engine):
        sid = app.page.group.key[1]
        await press(app, pilot, key)
        assert engine.of(Toggle)[-1] == Toggle(False, ((1, sid),))
        assert "had raised 3 alerts" in text(app)
        engine.put(snapshot(62, ruleset_serial=engine.serial))
        await step(app, pilot)
        await step(app, pilot)
        engine.put(snapshot(63, ruleset_serial=engine.serial))
        await step(app, pilot)
        assert "rule off" in text(app)
        await press(app, pilot, key)
        assert engine.of(Toggle)[-1].enabled


@SIZES
async def test_an_alert_opens_down_to_the_bytes(size) -> None:
    async with page("alerts", size) as (app, pilot, engine):
        await press(app, pilot, "enter")
        newest = app.page.group.newest
        assert engine.of(GetAlert)[-1].number == newest.number
        shown = await settled(app, pilot, "Payload")
        assert "UTC" in shown
        assert newest.msg in shown
        assert "GET /item?id=1+UNION" in shown  # the tree stands on the line that matched
        assert "4f 4e 20 53" in shown  # "ON S" of UNION SELECT, in the dump
        start, stop = app.page.detail._packet.hex_view._marked[0]
        assert FRAME[start:stop] == b"UNION SELECT"
        panes = [shown]
        for _ in range(2):
            await press(app, pilot, "tab")
            panes.append(text(app))
        assert any("union|20|select" in pane for pane in panes)
        assert any("1:LQU9qZlK" in pane for pane in panes)
        if size == NARROW:
            assert "union|20|select" not in shown


async def test_steps_through_the_kept_alerts() -> None:
    async with page("alerts", NARROW) as (app, pilot, engine):
        kept = list(app.page.group.kept)
        await press(app, pilot, "enter", "left_square_bracket")
        assert engine.of(GetAlert)[-1].number == kept[-2].number
        await press(app, pilot, "left")
        assert engine.of(GetAlert)[-1].number == kept[-3].number
        assert "alert 1 of 3 kept" in text(app)
        await press(app, pilot, "left")
        assert "oldest alert kept" in text(app)
        await press(app, pilot, "right_square_bracket", "right")
        assert engine.of(GetAlert)[-1].number == kept[-1].number


async def test_a_late_answer_does_not_replace_the_alert_that_is_open() -> None:
    async with page("alerts", NARROW) as (app, pilot, engine):
        await press(app, pilot, "enter")
        view = app.page.detail
        before = view._answer
        engine.send(GetAlert(before.number - 1))
        await step(app, pilot)
        assert view._answer is before


@SIZES
async def test_a_stream_is_shown_with_its_place(size) -> None:
    engine = Engine()
    engine.detail = {"stream": PAYLOAD}
    async with page("alerts", size, engine) as (app, pilot, _):
        await press(app, pilot, "enter")
        shown = text(app)
        assert "Stream to server" in shown
        assert f"{len(PAYLOAD)} bytes" in shown
        assert PAYLOAD[slice(*app.page.detail._packet.hex_view._marked[0])] == b"UNION SELECT"
        await press(app, pilot, "b")
        assert "Payload" in await settled(app, pilot, "Payload")


async def test_bytes_that_are_no_longer_kept() -> None:
    engine = Engine()
    engine.detail = {
        "frame": b"",
        "rule": "",
        "flow": None,
        "reason": "This alert is older than what is kept.",
    }
    async with page("alerts", WIDE, engine) as (app, pilot, _):
        await press(app, pilot, "enter")
        assert "older than what is kept" in text(app)
        assert "belongs to no flow" in text(app)


async def test_from_the_alert_to_its_flow_and_rule_and_back() -> None:
    async with page("alerts", WIDE) as (app, pilot, engine):
        await press(app, pilot, "enter", "f")
        assert app.page.id == "page-flows"
        assert engine.of(GetFlow)[-1] == GetFlow(4)
        await press(app, pilot, "escape", "escape")
        assert app.page.id == "page-alerts"
        assert app.page.detail is not None
        await press(app, pilot, "R")
        assert app.page.id == "page-rules"
        assert engine.of(GetRule)[-1].sid == app.session.inbox.groups()[0].key[1] or engine.of(GetRule)


async def test_sorting_scope_and_filter() -> None:
    async with page("alerts", WIDE) as (app, pilot, _):
        app.page.set_sort("signature")
        await pilot.pause()
        assert signatures(app) == sorted(signatures(app), key=str.lower)
        await app.narrow(Scope("guest", "mail"))
        await pilot.pause()
        assert signatures(app) == ["DNS tunnel"]
        assert "Did you mean sev:" in app.page.apply_filter("sve:1")


async def test_what_another_page_points_at_is_shown() -> None:
    async with page("overview", WIDE) as (app, pilot, _):
        group = next(g for g in app.session.inbox.groups() if g.newest.msg == "Old TLS version")
        app.session.inbox.acknowledge(group.key)
        shown = await app.go("alerts")
        shown.reveal(group.key)
        await pilot.pause()
        assert app.page.group is group


@SIZES
async def test_the_overview_says_what_its_filter_is_about(size) -> None:
    """It holds alerts back, and neither traffic nor talkers."""
    async with page("overview", size) as (app, pilot, _):
        assert "the filter" not in text(app)
        app.set_filter("sev:1")
        await pilot.pause()
        assert "2 groups fit the filter, Enter opens one" in text(app)
        app.set_filter("guest:nobody")
        await pilot.pause()
        assert "none fits the filter" in text(app)


async def test_an_empty_inbox_says_why() -> None:
    async with page("alerts", NARROW) as (app, pilot, engine):
        app.session.inbox.clear()
        app.draw()
        await pilot.pause()
        assert "42 rules are watching" in text(app)
        engine.put(snapshot(62, rules_enabled=0))
        await step(app, pilot)
        assert "No rule is on" in text(app)
        engine.put_alerts(alert(500, 62))
        await step(app, pilot)
        await press(app, pilot, "a")
        assert "All alerts are acknowledged" in text(app)


async def test_times_bear_the_date_when_there_are_several_days() -> None:
    async with page("alerts", (200, 60)) as (app, pilot, engine):
        assert "11-14 22:" not in text(app)
        engine.put_alerts(alert(501, 90_000))
        await step(app, pilot)
        assert START
        assert "11-14 22:" in text(app)
