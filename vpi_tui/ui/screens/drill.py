"""Lists and what opens from them: the base of the pages whose Enter drills into a row."""

from __future__ import annotations

from typing import cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from vpi_tui.feed.messages import EngineMessage
from vpi_tui.ui.screens.base import Page, Shell
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.look import Look, look_of
from vpi_tui.view.filters import NOTHING, Filter, FilterError, parse


class Detail(Container):
    """One thing looked at closely. It lies over the list of its page until Esc."""

    DEFAULT_CSS = "Detail { width: 1fr; height: 1fr; }"

    @property
    def shell(self) -> Shell:
        return cast("Shell", self.app)

    @property
    def session(self) -> Session:
        return self.shell.session

    @property
    def look(self) -> Look:
        return look_of(self.app)

    def heading(self) -> str:
        """Breadcrumb, escaped."""
        return ""

    def first_focus(self) -> Widget | None:
        return next((w for w in self.query("*").results(Widget) if w.focusable and w.display), None)

    def show(self, session: Session) -> None:
        """Draw what the session holds now."""

    def receive(self, message: EngineMessage) -> None:
        """A reply of the engine, whoever asked."""


class DrillPage(Page):
    """A list in `compose_list`; `drill` lays a detail over it, `back` takes the newest away."""

    DEFAULT_CSS = """
    DrillPage { layout: vertical; }
    DrillPage > .list { width: 1fr; height: 1fr; }
    """

    detail: Detail | None = None
    """What lies over the list; None = nothing."""
    _filter: Filter = NOTHING

    def apply_filter(self, text: str) -> str:
        if self.FIELDS is None:
            return super().apply_filter(text)
        try:
            self._filter = parse(text, self.FIELDS)
        except FilterError as error:
            return str(error)
        self.redraw_list()
        return ""

    def redraw_list(self) -> None:
        """Draw the list anew, unless a detail lies over it."""
        if self.is_mounted and self.detail is None:
            self.show_list(self.session)

    def compose(self) -> ComposeResult:
        with Container(classes="list"):
            yield from self.compose_list()

    def compose_list(self) -> ComposeResult:
        """The widgets of the list."""
        yield from ()

    def show_list(self, session: Session) -> None:
        """Draw the list; called only while no detail lies over it."""

    def drill(self, detail: Detail) -> None:
        """Open a detail over the list, in the place of the one that was open."""
        if self.detail is not None:
            self.detail.remove()
        self.detail = detail
        self.query_one(".list").display = False
        self.mount(detail)
        detail.call_after_refresh(self._settle, detail)

    def _settle(self, detail: Detail) -> None:
        if detail is self.detail:
            detail.show(self.session)
            if (focus := detail.first_focus()) is not None:
                focus.focus()
            self.shell.redraw_frame()

    def first_focus(self) -> Widget | None:
        if self.detail is not None:
            return self.detail.first_focus()
        return next((w for w in self.query(".list *").results(Widget) if w.focusable and w.display), None)

    def show(self, session: Session) -> None:
        if self.detail is not None:
            self.detail.show(session)
        else:
            self.show_list(session)

    def receive(self, message: EngineMessage) -> None:
        if self.detail is not None:
            self.detail.receive(message)

    def back(self) -> bool:
        if self.detail is None:
            return False
        self.detail.remove()
        self.detail = None
        self.query_one(".list").display = True
        self.show(self.session)
        if (focus := self.first_focus()) is not None:
            focus.focus()
        return True

    def key_nodes(self) -> tuple[Widget, ...]:
        return (self,) if self.detail is None else (self.detail, self)

    def trail(self) -> tuple[str, ...]:
        return (self.detail.heading(),) if self.detail is not None else ()
