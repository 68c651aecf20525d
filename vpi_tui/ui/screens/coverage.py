"""Coverage: every port of every switch: what is seen of it, why not all, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from vpi_tui.model.coverage import PortCoverage
from vpi_tui.ui.screens.drill import Detail, DrillPage
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.columns import Column
from vpi_tui.ui.widgets.line_table import LineTable
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.ui.widgets.reader import Reader
from vpi_tui.view.coverage import (
    FIELDS,
    ORDERS,
    Key,
    cause_entries,
    key_of,
    name_of,
    of_scope,
    port_entries,
    port_rows,
    select,
    summary,
    why_empty,
)
from vpi_tui.view.escape import safe

COLUMNS = (
    Column("verdict", "Coverage", 10, limit=10),
    Column("port", "Port of switch", 18, 1, limit=34),
    Column("guest", "Guest", 12, 0.7, limit=30),
    Column("seen", "Seen", 5, align="right"),
    Column("in", "In", 9, align="right"),
    Column("out", "Out", 9, align="right"),
    Column("cause", "Why", 34, 3, priority=1, sortable=False),
)
SORT_KEYS = tuple(ORDERS)
_WIDE, _TALL = 100, 30
MISSING_ONLY = "is:missing"


class CoveragePage(DrillPage):
    FIELDS = FIELDS
    DEFAULT_CSS = """
    CoveragePage .list { layout: vertical; }
    CoveragePage #coverage-panel { height: 1fr; }
    CoveragePage #coverage-cause { height: 5; }
    CoveragePage.-tall #coverage-cause { height: 7; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", tooltip="all that is known of the port"),
        Binding("c", "copy", "Copy command", tooltip="copy the command that fixes it to the clipboard"),
        Binding("m", "missing", "Missing", tooltip="only ports of which something is not seen, or all"),
        Binding("less_than_sign", "sort(-1)", show=False),
        Binding("greater_than_sign", "sort(1)", "Sort", key_display="< >", tooltip="sort by the next column"),
        Binding("s", "reverse", "Reverse", show=False, tooltip="turn the order round"),
    ]

    sort_key = "verdict"
    reverse = False
    _ports: Sequence[PortCoverage] = ()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._cause = Reader()

    def compose_list(self) -> ComposeResult:
        yield Panel(LineTable(COLUMNS, id="coverage-table"), title="Coverage", id="coverage-panel")
        yield Panel(self._cause, title="Why, and what to do", id="coverage-cause")

    def on_mount(self) -> None:
        self._cause.can_focus = False

    def on_resize(self) -> None:
        self.set_class(self.size.height >= _TALL, "-tall")
        for panel in self.query(Panel):
            panel.set_ruled(self.size.width < _WIDE)

    @property
    def table(self) -> LineTable:
        return self.query_one("#coverage-table", LineTable)

    # Drawing ----------------------------------------------------------------------------------

    def show_list(self, session: Session) -> None:
        snapshot, marks = session.snapshot, self.look.glyphs.coverage
        known = of_scope(snapshot, session.scope) if snapshot else []
        self._ports = select(known, self._filter, self.sort_key, reverse=self.reverse)
        self.table.set_sort(self.sort_key, self.reverse)
        self.table.set_empty(why_empty(snapshot, filtered=bool(self._filter), scope=session.scope))
        self.table.set_source(port_rows(self._ports, marks))
        self.query_one("#coverage-panel", Panel).set_title("Coverage", summary(known, marks))
        self._show_cause()

    def _show_cause(self) -> None:
        port = self.port
        title = f"{name_of(key_of(port))}: why, and what to do" if port else "Why, and what to do"
        self.query_one("#coverage-cause", Panel).set_title(title)
        chosen = cause_entries(port) if port else [("", (("No port is chosen.", "empty"),))]
        self._cause.set_entries(chosen, keep_place=False)

    @property
    def port(self) -> PortCoverage | None:
        """The port that the keys act on: that of the open detail, or that under the cursor."""
        if isinstance(self.detail, PortView):
            return self.detail.port
        at = self.table.cursor
        return self._ports[at] if at < len(self._ports) else None

    @on(LineTable.RowHighlighted, "#coverage-table")
    def _moved(self) -> None:
        self._show_cause()

    @on(LineTable.RowSelected, "#coverage-table")
    def _selected(self) -> None:
        self.action_open()

    def reveal(self, key: object) -> None:
        """key: (switch, port)."""
        self.table.move_to_key(key)
        self._show_cause()

    # Keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return self.detail is None or action == "copy"

    def action_open(self) -> None:
        if (port := self.port) is not None:
            self.drill(PortView(key_of(port)))

    def action_copy(self) -> None:
        port = self.port
        if port is None or not port.mend:
            self.shell.say("There is nothing to fix here." if port else "No port is chosen.")
            return
        self.app.copy_to_clipboard(safe(port.mend, 2000))
        self.shell.say(f"Copied, if this terminal allows it: {safe(port.mend, 300)}")

    def action_missing(self) -> None:
        text = "" if self.filter_text == MISSING_ONLY else MISSING_ONLY
        self.apply_filter(text)
        self.filter_text = text
        self.shell.redraw_frame()

    def _sort_by(self, key: str, *, reverse: bool = False) -> None:
        self.sort_key, self.reverse = key, reverse
        self.table.action_top()
        self.show_list(self.session)

    def action_sort(self, by: int) -> None:
        self._sort_by(SORT_KEYS[(SORT_KEYS.index(self.sort_key) + by) % len(SORT_KEYS)])

    def action_reverse(self) -> None:
        self._sort_by(self.sort_key, reverse=not self.reverse)

    @on(LineTable.HeaderSelected, "#coverage-table")
    def _header(self, message: LineTable.HeaderSelected) -> None:
        key = message.column.key
        self._sort_by(key, reverse=key == self.sort_key and not self.reverse)


class PortView(Detail):
    """One port looked at closely."""

    DEFAULT_CSS = "PortView { layout: vertical; }"

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key
        self._reader = Reader()

    @property
    def port(self) -> PortCoverage | None:
        """None = it is gone."""
        snapshot = self.session.snapshot
        found = snapshot.coverage if snapshot else ()
        return next((port for port in found if key_of(port) == self._key), None)

    def compose(self) -> ComposeResult:
        yield Panel(self._reader, id="port-facts")

    def on_resize(self) -> None:
        self.query_one(Panel).set_ruled(self.size.width < _WIDE)

    def first_focus(self) -> Widget | None:
        return self._reader

    def heading(self) -> str:
        return name_of(self._key)

    def show(self, session: Session) -> None:  # noqa: ARG002 (the port is looked up there)
        port = self.port
        self.query_one(Panel).set_title(name_of(self._key), [(safe(self._key[0], 40), "switch")])
        gone = [("", (("This port is gone. Esc comes back to the list.", "empty"),))]
        self._reader.set_entries(port_entries(port, self.look.glyphs.coverage) if port else gone)
