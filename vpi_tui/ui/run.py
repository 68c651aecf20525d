"""The dashboard from its start until the operator leaves."""

from __future__ import annotations

from pathlib import Path

from vpi_tui.model.errors import ConfigError, VpiError
from vpi_tui.ui.app import VpiApp
from vpi_tui.ui.state import EngineLink, Session
from vpi_tui.ui.theme import load_themes, pick_theme, theme_dirs


def run_app(
    client: EngineLink,
    *,
    theme: str = "",
    ascii_only: bool = False,
    interval: float = 1.0,
    speed: float = 1.0,
    user_themes: Path | None = None,
    leaves_when_over: bool = False,
) -> Session:
    """Show the dashboard until the operator leaves; what was shown last is in the session.

    interval: seconds between two pictures. speed: of a replay or the demo, as the engine was told.
    leaves_when_over: end also when the engine has ended in order.

    A user's theme that cannot be read is told in words, and the others are there. Raises ConfigError when
    `theme` is not among them.
    """
    problems: list[ConfigError] = []
    themes = load_themes(theme_dirs(user_themes), problems)
    app = VpiApp(
        client,
        themes=themes,
        theme=pick_theme(theme, themes),
        ascii_only=ascii_only,
        session=Session(client, interval=interval, speed=speed),
        problems=[str(problem) for problem in problems],
        leaves_when_over=leaves_when_over,
    )
    app.run()
    if app.return_code:
        raise VpiError("The dashboard failed; what it said stands above.", hint="Please report it.")
    return app.session
