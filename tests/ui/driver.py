"""Runs the dashboard headless and reads what it draws."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

from textual.pilot import Pilot

from tests.ui.fake_client import FakeClient, snapshot
from vpi_tui.ui.app import VpiApp
from vpi_tui.ui.state import Session
from vpi_tui.ui.theme import load_themes, theme_dirs

THEMES = load_themes(theme_dirs())
NARROW, WIDE = (80, 24), (120, 40)
SECONDS = 60
"""Pictures that are there before a test begins."""


def make_app(client: FakeClient, *, theme: str = "slate", ascii_only: bool = False) -> VpiApp:
    return VpiApp(
        client,
        themes=THEMES,
        theme=THEMES[theme],
        ascii_only=ascii_only,
        session=Session(client, zone=UTC),
    )


@asynccontextmanager
async def dashboard(
    client: FakeClient,
    size: tuple[int, int] = NARROW,
    *,
    theme: str = "slate",
    ascii_only: bool = False,
    seconds: int = SECONDS,
) -> AsyncIterator[tuple[VpiApp, Pilot[int]]]:
    """The dashboard after `seconds` pictures, an alert every four seconds."""
    app = make_app(client, theme=theme, ascii_only=ascii_only)
    async with app.run_test(size=size) as pilot:
        for step in range(1, seconds + 1):
            client.put(snapshot(step), alerts=step % 4 == 0)
            app.session.poll()
        app.draw()
        await pilot.pause()
        yield app, pilot


def stop_the_clock(app: VpiApp) -> None:
    """On a slow machine two pictures of the same would differ in for how long there was no news."""
    now = app.session._monotonic()
    app.session._monotonic = lambda: now


def drawn(app: VpiApp) -> list[str]:
    """The lines on the screen, dialogs included."""
    return ["".join(s.text for s in strip) for strip in app.screen._compositor.render_strips()]


def text(app: VpiApp) -> str:
    return "\n".join(drawn(app))


async def step(app: VpiApp, pilot: Pilot[int]) -> None:
    """Let the program take what the client has put, and draw it without waiting for the pace of alerts."""
    app._drawn_at = 0.0
    app._poll()
    await pilot.pause()
