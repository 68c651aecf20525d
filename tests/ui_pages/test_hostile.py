"""Nothing that came from the wire, a rule file or the engine reaches the terminal unescaped, on any page."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.ui.driver import NARROW, WIDE, drawn, step
from tests.ui.fake_client import alert, snapshot
from tests.ui_pages.scene import Engine, flow, page, press, record
from tests.view.samples import HOSTILE, columns
from vpi_tui.feed.messages import PackRow, RefusedRow, RulesMessage, ToggledMessage
from vpi_tui.view.escape import is_safe

from .scene import rule

PAGES = ("flows", "alerts", "rules", "matrix", "engine")


def hostile_rules(text: str) -> RulesMessage:
    rows = (rule(2000001, msg=text, pack=text, origin=text, classtype=text, technique=text),)
    return RulesMessage(7, (PackRow(text, text, text, text),), rows, (RefusedRow(text, 1, 1, text),))


def hostile_engine(text: str) -> Engine:
    engine = Engine()
    raw = text.encode("utf-8", "surrogatepass")
    engine.flow = record(
        4, client_guest=text, switch=text, app_proto=text, community_id=text, reason=text, state=text
    )
    engine.rule_text = f'alert {text} (msg:"{text}"; content:"{text}"; {text}; sid:1;)'
    engine.detail = {"frame": raw, "origin": text, "flow": engine.flow}
    return engine


def assert_clean(app) -> None:
    for line in drawn(app):
        assert is_safe(line), repr(line)


@pytest.mark.parametrize(
    ("text", "size"), [(text, WIDE) for text in HOSTILE] + [(HOSTILE[0], NARROW)], ids=range(len(HOSTILE) + 1)
)
async def test_no_page_lets_it_through(text, size) -> None:
    flows = (flow(4, switch=text, src_guest=text, dest_guest=text, app_proto=text),)
    async with page("flows", size, hostile_engine(text), flows=flows) as (app, pilot, engine):
        engine.put_alerts(
            replace(
                alert(900, 61), msg=text, sid=1, src_guest=text, technique=text, classtype=text, in_iface=text
            )
        )
        engine.put(
            snapshot(
                62, flows=columns(flows), notices=(text,), source=text, state_text=text, ruleset_serial=7
            ),
            hostile_rules(text),
            ToggledMessage(text, 1, 7),
        )
        await step(app, pilot)
        for group in app.session.inbox.groups():
            app.session.inbox.annotate(group.key, text)
        for name in PAGES:
            await app.action_open_page(name)
            await press(app, pilot, "f" if name == "rules" else "s", "g" if name == "flows" else "home")
            assert_clean(app)
        await app.action_open_page("flows")
        await press(app, pilot, "g", "g", "g", "enter")
        assert_clean(app)
        await app.action_open_page("alerts")
        app.page.open_alerts(tuple(app.session.inbox.groups()[0].kept))
        for _ in range(3):
            await press(app, pilot, "tab")
            await pilot.pause(0.1)
            assert_clean(app)
        await app.action_open_page("rules")
        app.page.open_rule(1, 2000001)
        await press(app, pilot, "tab")
        assert_clean(app)


@pytest.mark.parametrize("name", PAGES)
async def test_ascii_only(name) -> None:
    async with page(name, WIDE, ascii_only=True) as (app, pilot, _):
        assert "".join(drawn(app)).isascii()
        if name != "engine":
            await press(app, pilot, "end" if name == "rules" else "down", "enter")
            await pilot.pause(0.3)
            assert "".join(drawn(app)).isascii()
