"""Switches: a wall of panes, one for each virtual switch or guest. For a second monitor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from vpi_tui.ui.screens.base import Page
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.pane_wall import PaneWall
from vpi_tui.view import scope, switches


class SwitchesPage(Page):
    """Enter on a switch shows its guests; Enter on a guest opens the overview of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "Switches / guests", tooltip="one pane for each switch, or for each guest"),
    ]

    by_guest = False
    _filter = ""

    def compose(self) -> ComposeResult:
        yield PaneWall()

    def show(self, session: Session) -> None:
        wall = self.query_one(PaneWall)
        if session.snapshot is None:
            wall.set_panes((), ("No virtual switch yet.", "The engine is starting."))
            return
        shown = switches.panes(
            session.snapshot,
            session.history,
            wall.points,
            by_guest=self.by_guest or session.scope.kind != "all",
            scope=session.scope,
            wanted=self._filter,
        )
        wall.set_panes(shown, self._empty())

    def _empty(self) -> tuple[str, ...]:
        if self._filter:
            return (f"Nothing here holds {self.filter_text}.", "Esc takes the filter away.")
        picture, where = self.session.snapshot, self.session.scope
        if picture is not None and where.kind != "all" and scope.exists(picture, where):
            return (f"Nothing of {where.label} is watched: 7 says why.", "Esc shows all switches.")
        return ("There is no switch or guest in this scope.", "Esc shows all switches.")

    def apply_filter(self, text: str) -> str:
        self._filter = text
        self.show(self.session)
        return ""

    def action_view(self) -> None:
        self.by_guest = not self.by_guest
        self.show(self.session)

    @on(PaneWall.Selected)
    async def _selected(self, message: PaneWall.Selected) -> None:
        message.stop()
        chosen = scope.parse(message.key)
        await self.shell.narrow(chosen, "overview" if chosen.kind == "guest" else "")
