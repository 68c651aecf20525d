"""Every theme, the terminal without Unicode, and strings that were made to break a terminal."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ui.driver import NARROW, THEMES, WIDE, dashboard, drawn, make_app, text
from tests.ui.fake_client import FakeClient, alert, snapshot
from vpi_tui.feed.messages import Notice, PackRow, RefusedRow, RuleRow, RulesMessage, ToggledMessage
from vpi_tui.ui.app import VpiApp
from vpi_tui.ui.screens.registry import PAGES
from vpi_tui.view.escape import is_safe

NAMES = [entry.name for entry in PAGES]


@pytest.mark.parametrize("theme", sorted(THEMES))
async def test_every_theme_draws_every_page(theme: str) -> None:
    async with dashboard(FakeClient(), WIDE, theme=theme) as (app, pilot):
        for name in NAMES:
            await app.action_open_page(name)
            await pilot.pause()
            styles = {s.style for strip in app.screen._compositor.render_strips() for s in strip if s.style}
            colors = {c.name for style in styles for c in (style.color, style.bgcolor) if c is not None}
            hexes = {name for name in colors if name.startswith("#")}
            assert bool(hexes) != THEMES[theme].ansi, (name, hexes)
            assert "vmbr0" in text(app) or name not in ("overview", "switches")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_ascii_draws_no_other_character(size: tuple[int, int]) -> None:
    client = FakeClient()
    async with dashboard(client, size, ascii_only=True) as (app, pilot):
        odd = "m\u00fcnchen \u6f22\u5b57 \u2026 \U0001f600"
        client.put(
            snapshot(61, source=odd, guests=(dataclasses.replace(_guest(), name=odd),)), Notice("error", odd)
        )
        client.put_alerts(msgspec.structs.replace(alert(99, 61), msg=odd))
        app._poll()
        for name in NAMES:
            await app.action_open_page(name)
            await pilot.pause()
            assert text(app).isascii(), [c for c in text(app) if ord(c) > 127]
        for keys in (["?"], ["ctrl+p"], ["T"], [":", "g", "u"], ["/", "x"]):
            await pilot.press(*keys)
            await pilot.pause()
            assert text(app).isascii(), (keys, [c for c in text(app) if ord(c) > 127])
            await pilot.press("escape")
            await pilot.pause()


def _guest() -> Any:
    return snapshot(1).guests[0]


# Hostile strings ------------------------------------------------------------------------------

WICKED = st.one_of(
    st.sampled_from(
        [
            "\x1b]0;owned\x07",
            "\x1b[2J\x1b[H",
            "\x9b31m",
            "[red]markup[/red]",
            "[link=https://evil.example]x[/link]",
            "[/]",
            "[@click=app.quit]q[/]",
            "\u202egnp.exe",
            "\u2066\u2069\u200b\ufeff",
            "a\u0301\u0301\u0301\u0301\u0301",
            "\r\n\t\x00",
            "\ud800",
            "\\x1b[31m",
            "\u6f22" * 40,
            "A" * 65_536,
            "\x1b" * 65_536,
        ]
    ),
    st.text(max_size=40),
)


def poisoned(value: Any, poison: Iterator[str]) -> Any:
    """The same value with every string in it replaced, but for those that choose between fixed words."""
    if isinstance(value, str):
        return next(poison)
    if isinstance(value, tuple):
        return tuple(poisoned(item, poison) for item in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: poisoned(getattr(value, name), poison) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in dataclasses.fields(value) if f.name not in ("mode", "state", "window")]
        keep = {"kind"} if type(value).__name__ == "TalkerTable" else set()
        return dataclasses.replace(
            value, **{name: poisoned(getattr(value, name), poison) for name in names if name not in keep}
        )
    return value


class Stage:
    """One dashboard for all examples: starting one for each would take minutes."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = FakeClient()
        self.app: VpiApp = make_app(self.client)
        self.step = 0
        self._up, self._down = asyncio.Event(), asyncio.Event()
        self._task = self.loop.create_task(self._run())
        self.loop.run_until_complete(self._up.wait())

    async def _run(self) -> None:
        async with self.app.run_test(size=WIDE) as self.pilot:
            self._up.set()
            await self._down.wait()

    def close(self) -> None:
        self._down.set()
        self.loop.run_until_complete(self._task)
        self.loop.close()

    async def show(self) -> None:
        with self.app._context():
            await self._show()

    async def _show(self) -> None:
        self.app._poll()
        for name in NAMES:
            await self.app.action_open_page(name)
            await self.pilot.pause()
            for line in drawn(self.app):
                assert is_safe(line), repr(line)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(strings=st.lists(WICKED, min_size=1, max_size=9))
def test_nothing_from_the_wire_reaches_the_terminal_raw(stage: Stage, strings: list[str]) -> None:
    """Each string comes by turns where the engine's messages have any: drawing one for each takes minutes."""
    stage.step += 1
    poison = cycle(strings)
    packs = (PackRow(next(poison), next(poison), next(poison), next(poison)),)
    rule = RuleRow(1, 7, 1, next(poison), next(poison), next(poison), next(poison), 1, next(poison), True)
    stage.client.put(
        poisoned(snapshot(stage.step), poison),
        RulesMessage(
            stage.step,
            packs,
            (rule,),
            (RefusedRow(next(poison), 3, 7, next(poison)),),
        ),
        Notice("error", next(poison)),
        ToggledMessage(next(poison), 1, 1),
    )
    stage.client.put_alerts(poisoned(alert(stage.step, stage.step), poison))
    stage.loop.run_until_complete(stage.show())
