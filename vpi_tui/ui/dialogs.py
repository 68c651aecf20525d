"""What lies over the screen for a while: keys, notices, themes. Their modules are imported when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vpi_tui.ui.keys import KeyHelp
from vpi_tui.ui.picker import Choice, Picker
from vpi_tui.ui.widgets.look import look_of

if TYPE_CHECKING:
    from vpi_tui.ui.app import VpiApp


def show_help(app: VpiApp, keys: Sequence[tuple[str, list[KeyHelp]]]) -> None:
    from vpi_tui.ui.screens.help import HelpScreen

    app.push_screen(HelpScreen(keys))


def show_notices(app: VpiApp) -> None:
    from vpi_tui.ui.screens.help import NoticesScreen

    app.push_screen(NoticesScreen(list(app.session.notes), app.session.zone))


def choose_theme(app: VpiApp) -> None:
    """Each is shown while the cursor is on it; Esc goes back to the one before."""
    before = look_of(app).palette.theme.name
    choices = [Choice(t.name, t.name, t.description) for t in app.themes_by_name.values()]
    picker = Picker("Themes", choices, looked=app.use_theme, start=before)
    app.push_screen(picker, lambda chosen: app.use_theme(chosen or before))
