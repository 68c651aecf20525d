"""Flows: who talks to whom. Live and closed flows, sorted, filtered, grouped; Enter opens one."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from vpi_tui.ui.screens.drill import DrillPage
from vpi_tui.ui.screens.flow_detail import FlowView
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.columns import Column
from vpi_tui.ui.widgets.line_table import LineTable
from vpi_tui.ui.widgets.lines import Span
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.view import humanize
from vpi_tui.view.flow_table import FIELDS, FlowTable
from vpi_tui.view.flows import (
    GROUPS,
    FlowRows,
    GroupRow,
    empty_text,
    group_cells,
    group_filter,
    group_rows,
)

_WIDE, _NARROW = 100, 80


def _columns(end: int, app: int) -> tuple[Column, ...]:
    """end: cells that an end of a flow needs at least; app: the same for an application."""
    return (
        Column("state", "", 1),
        Column("alerts", "Alert", 5, align="right"),
        Column("app", "App", app, limit=12),
        Column("src", "Client", end, 1, limit=48),
        Column("dst", "Server", end, 1, limit=48),
        Column("pkts", "Pkts", 5, align="right", priority=3),
        Column("bytes", "Bytes", 7, align="right"),
        Column("share", "Sent", 4, align="right", priority=6),
        Column("age", "Lasted", 7, align="right", priority=5),
        Column("last", "Last", 7, align="right", priority=1),
        Column("word", "State", 11, priority=8, sortable=False),
        Column("path", "Path", 4, priority=4),
        Column("switch", "Switch", 8, priority=2, limit=16),
        Column("vlan", "VLAN", 4, align="right", priority=7),
    )


COLUMNS = _columns(25, 10)
NARROW_COLUMNS = _columns(18, 8)
SLIM_COLUMNS = _columns(12, 6)
GROUP_COLUMNS = (
    Column("alerts", "Alert", 5, align="right"),
    Column("name", "Group", 24, 1, limit=40),
    Column("flows", "Flows", 6, align="right"),
    Column("pkts", "Pkts", 6, align="right"),
    Column("bytes", "Bytes", 8, align="right"),
    Column("share", "Share", 5, align="right"),
)
SORT_KEYS = tuple(column.key for column in COLUMNS if column.sortable)
WORDS_FIRST = frozenset({"src", "dst", "app", "switch", "path"})
"""Columns that begin at A when they are chosen; all others begin with the most."""
GROUP_KEYS = ("", *GROUPS)


class FlowsPage(DrillPage):
    WANTS_FLOWS = True
    FIELDS = FIELDS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("less_than_sign", "sort(-1)", show=False),
        Binding(
            "greater_than_sign",
            "sort(1)",
            "Sort",
            key_display="< >",
            tooltip="sort by the next column, or by the one before",
        ),
        Binding("s", "reverse", "Reverse", tooltip="turn the order round"),
        Binding("g", "group", "Group", tooltip="group by guest, peer, port, application", priority=True),
        Binding("a", "only_alerted", "Alerted", tooltip="only flows that raised an alert"),
    ]

    sort_key = "bytes"
    descending = True
    group = ""
    _table_of: tuple[object, FlowTable] = (None, FlowTable())
    _groups: tuple[GroupRow, ...] = ()

    def compose_list(self) -> ComposeResult:
        yield Panel(LineTable(COLUMNS, id="flow-table"), title="Flows", id="flow-panel")

    def on_resize(self) -> None:
        self.query_one("#flow-panel", Panel).set_ruled(self.size.width < _WIDE)

    @property
    def table(self) -> LineTable:
        return self.query_one("#flow-table", LineTable)

    def reveal(self, key: object) -> None:
        """key: number of a flow."""
        if isinstance(key, int):
            self.open_flow(key)

    def open_flow(self, flow_id: int) -> None:
        self.drill(FlowView(flow_id))

    # Drawing ----------------------------------------------------------------------------------

    def flow_table(self, session: Session) -> FlowTable:
        """The picture's flows as columns, made once a picture."""
        columns = session.snapshot.flows if session.snapshot else None
        if self._table_of[0] is not columns:
            self._table_of = (columns, FlowTable(columns))
        return self._table_of[1]

    def show_list(self, session: Session) -> None:
        flows = self.flow_table(session)
        if session.snapshot is not None:
            unasked = session.frozen_without(flows=True)
            awaited = _are_awaited(session)
            self.table.set_empty(empty_text(session.snapshot.flows, unasked=unasked, awaited=awaited))
        if self.group:
            self._show_groups(session, flows)
        else:
            self._show_flows(session, flows)

    def _show_flows(self, session: Session, flows: FlowTable) -> None:
        glyphs = self.look.glyphs
        narrow = self.size.width < _WIDE
        rows = FlowRows(
            flows,
            self._filter,
            scope=session.scope,
            sort=self.sort_key,
            descending=self.descending,
            now_ns=session.now_ns,
            marks=("+", glyphs.on, glyphs.off),
            short=narrow,
        )
        slim = self.size.width < _NARROW
        self._set_columns(SLIM_COLUMNS if slim else NARROW_COLUMNS if narrow else COLUMNS)
        self.table.set_sort(self.sort_key, self.descending)
        self.table.set_source(rows)
        self._title(flows.total if _are_awaited(session) else len(rows), flows.total, "flow")

    def _show_groups(self, session: Session, flows: FlowTable) -> None:
        self._groups = tuple(group_rows(flows, self.group, self._filter, scope=session.scope))
        self._set_columns(GROUP_COLUMNS)
        self.table.set_sort("bytes", descending=True)
        self.table.set_source(group_cells(self._groups))
        self._title(len(self._groups), flows.total, "group", f" by {self.group}")

    def _set_columns(self, columns: tuple[Column, ...]) -> None:
        if self.table.columns is not columns:
            self.table.set_columns(columns)

    def _title(self, shown: int, total: int, what: str, how: str = "") -> None:
        of = f" of {humanize.count(total)}" if not self.group and shown != total else ""
        many = "s" * (bool(of) or shown != 1)
        note: list[Span] = [] if self.group else self._legend()
        note.append((f"{humanize.count(shown)}{of} {what}{many}{how}", "muted"))
        if not self.group:
            arrow = self.look.glyphs.descending if self.descending else self.look.glyphs.ascending
            note.append((f"  {arrow} {_title_of(self.sort_key)}", "accent"))
        self.query_one("#flow-panel", Panel).set_title("Flows", note)

    def _legend(self) -> list[Span]:
        """What the marks at the left mean."""
        glyphs = self.look.glyphs
        return [
            ("+", "new"),
            (" new  ", "muted"),
            (glyphs.on, "good"),
            (" established  ", "muted"),
            (f"{glyphs.off} closed    ", "muted"),
        ]

    # Keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action in ("sort", "reverse"):
            return self.detail is None and not self.group
        return self.detail is None if action in ("group", "only_alerted") else True

    def back(self) -> bool:
        """Out of a flow, then out of the groups."""
        if super().back():
            return True
        if not self.group:
            return False
        self.group = ""
        self.table.action_top()
        self.show_list(self.session)
        return True

    def set_sort(self, key: str) -> None:
        """The same column again turns the order round."""
        self.descending = not self.descending if key == self.sort_key else key not in WORDS_FIRST
        self.sort_key = key
        self.table.action_top()
        self.show_list(self.session)

    def action_sort(self, by: int) -> None:
        place = SORT_KEYS.index(self.sort_key)
        self.set_sort(SORT_KEYS[(place + by) % len(SORT_KEYS)])

    def action_reverse(self) -> None:
        self.set_sort(self.sort_key)

    def action_group(self) -> None:
        self.group = GROUP_KEYS[(GROUP_KEYS.index(self.group) + 1) % len(GROUP_KEYS)]
        self.table.action_top()
        self.show_list(self.session)
        self.shell.redraw_frame()

    def action_only_alerted(self) -> None:
        words = self.filter_text.split()
        kept = [word for word in words if word != "is:alerted"]
        self._narrow(" ".join(kept if len(kept) < len(words) else [*words, "is:alerted"]))

    def _narrow(self, text: str) -> None:
        """As if it had been typed after `/`."""
        if problem := self.apply_filter(text):
            self.shell.say(problem, "warning")
            return
        self.filter_text = text
        self.shell.redraw_frame()

    @on(LineTable.HeaderSelected, "#flow-table")
    def _header(self, message: LineTable.HeaderSelected) -> None:
        if not self.group:
            self.set_sort(message.column.key)

    @on(LineTable.RowSelected, "#flow-table")
    def _selected(self, message: LineTable.RowSelected) -> None:
        if not self.group:
            self.open_flow(int(str(message.key)))
            return
        wanted = group_filter(self.group, self._groups[message.index].word)
        if not wanted:
            self.shell.say("No filter can say this group: it has no name that can be typed.")
            return
        self.group = ""
        self.table.action_top()
        self._narrow(f"{self.filter_text} {wanted}".strip())


def _are_awaited(session: Session) -> bool:
    """Is there a picture, but none yet that has rows?"""
    return session.snapshot is not None and not session.snapshot.has_flows


def _title_of(key: str) -> str:
    named = {column.key: column.title for column in COLUMNS}
    return {"state": "state", "alerts": "alerts"}.get(key, named[key].lower())
