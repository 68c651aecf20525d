"""The look of the program: which palette and which glyphs all line widgets draw with."""

from __future__ import annotations

from functools import cache
from typing import Any

from textual.app import App

from vpi_tui.ui.theme import DEFAULT_THEME, Palette, Theme, load_themes, textual_theme, theme_dirs
from vpi_tui.ui.widgets.glyphs import UNICODE, Glyphs


class Look:
    """Palette and glyphs; a new object for each change, so that identity tells whether to redraw."""

    __slots__ = ("glyphs", "palette")

    def __init__(self, theme: Theme, glyphs: Glyphs = UNICODE) -> None:
        self.palette = Palette(theme)
        self.glyphs = glyphs


def set_look(app: App[Any], look: Look) -> None:
    """Give the whole program this look, at start or while it runs. Call on the app's thread."""
    from vpi_tui.ui.widgets.line_widget import LineWidget

    theme = look.palette.theme
    app.look = look  # type: ignore[attr-defined]
    app.register_theme(textual_theme(theme))
    app.theme = theme.name
    for screen in app.screen_stack if app.is_running else ():
        for widget in screen.query(LineWidget):
            widget.redraw()
        screen.refresh()


def look_of(app: App[Any]) -> Look:
    """The look that `set_look` gave, or the default one."""
    look = getattr(app, "look", None)
    return look if isinstance(look, Look) else _default_look()


@cache
def _default_look() -> Look:
    return Look(load_themes(theme_dirs())[DEFAULT_THEME])
