"""Page: the base of all screens, and what a page may ask of the program round it.

To add a screen: one module here with a subclass of Page, and one line in `registry.py`.

    class FlowsPage(Page):
        BINDINGS = [Binding("s", "sort", "Sort", tooltip="sort by the next column")]
        def compose(self): ...
        def show(self, session): ...       # another snapshot, scope or theme; only while it is visible

Keys: BINDINGS of the page act while it is visible, wherever the focus is. `description` is shown in the
footer (show=True), `tooltip`, a longer text, in the help (`?`); give each binding at least a description.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from textual.containers import Container
from textual.widget import Widget

from vpi_tui.ui.widgets.look import Look, look_of

if TYPE_CHECKING:
    from vpi_tui.feed.messages import Command, EngineMessage
    from vpi_tui.ui.state import Session, Severity
    from vpi_tui.view.filters import Fields
    from vpi_tui.view.scope import Scope


class Shell(Protocol):
    """The program round the pages."""

    session: Session

    def say(self, text: str, severity: Severity = "information") -> None:
        """Tell the operator something in one sentence; it stays readable under `:notices`."""

    async def go(self, name: str, wanted: str = "") -> Page:
        """Open a page as a drill-down: Esc comes back to where one was. Await it: then it is mounted.

        wanted: a filter that is laid over the page until then.
        """

    async def narrow(self, scope: Scope, page: str = "") -> None:
        """Narrow all screens to a scope, and open a page when one is named; Esc comes back."""

    def ask(self, label: str, answered: Callable[[str], object], value: str = "") -> None:
        """Ask for one line of text in the command line; `answered` gets it, unless Esc was pressed."""

    def set_filter(self, text: str) -> str:
        """Filter the page that is shown, as `/` does; why that cannot be understood, or ""."""

    def redraw_frame(self) -> None:
        """The page's keys, breadcrumbs or filter changed: draw what stands round it anew."""


class Page(Container):
    """One screen, drawn from a session."""

    WANTS_FLOWS: ClassVar[bool] = False
    """True when it shows flows: the engine then sends them."""

    WANTS_MATRIX: ClassVar[bool] = False
    """True when it shows who speaks to whom: the engine then sends that."""

    FIELDS: ClassVar[Fields | None] = None
    """What `/` can ask for here, for help and completion; None = there is nothing to filter."""

    DEFAULT_CSS = "Page { width: 1fr; height: 1fr; }"

    filter_text: str = ""
    """The filter that holds; set by the program after `apply_filter` took it."""

    @property
    def shell(self) -> Shell:
        return cast("Shell", self.app)

    @property
    def session(self) -> Session:
        return self.shell.session

    @property
    def look(self) -> Look:
        return look_of(self.app)

    def send(self, command: Command) -> None:
        self.session.send(command)

    def on_resize(self) -> None:
        # Textual calls this after a subclass' own.
        self.call_after_refresh(self._show_resized)

    def _show_resized(self) -> None:
        """Another size may ask for other columns, or a list instead of a grid, which has other keys."""
        if self.is_attached:
            self.show(self.session)
            self.shell.redraw_frame()

    # What a page answers ----------------------------------------------------------------------

    def show(self, session: Session) -> None:
        """Draw what the session holds. Called when another picture, scope or look is there, and on opening;
        never while the page is hidden or the picture is frozen (but for what the operator does)."""

    def first_focus(self) -> Widget | None:
        """The widget that gets the keyboard when the page is opened."""
        return next((w for w in self.query("*").results(Widget) if w.focusable and w.display), None)

    def apply_filter(self, text: str) -> str:
        """Narrow to what fits ("" = all); why it cannot be understood, or ""."""
        return "There is nothing to filter on this screen." if text else ""

    def receive(self, message: EngineMessage) -> None:
        """A reply of the engine; every page that was opened once gets it, whoever asked."""

    def reveal(self, key: object) -> None:
        """Put the cursor on, or open, what another page points at: the key of a row of this page."""

    def key_nodes(self) -> tuple[Widget, ...]:
        """Whose BINDINGS act now, nearest first; a detail that is open comes before its page."""
        return (self,)

    def back(self) -> bool:
        """Esc: close a detail that is open inside the page; False when there was none."""
        return False

    def trail(self) -> tuple[str, ...]:
        """Breadcrumbs inside the page, escaped; () at its root."""
        return ()
