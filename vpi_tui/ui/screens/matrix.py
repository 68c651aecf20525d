"""Matrix: which guest opens how much to which. A grid, and a list of pairs; Enter shows their flows."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from vpi_tui.feed.messages import Learn
from vpi_tui.model.matrix import Segmentation
from vpi_tui.ui.screens.drill import DrillPage
from vpi_tui.ui.screens.policy_detail import PolicyView
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.line_table import Column, LineTable
from vpi_tui.ui.widgets.lines import Cell, Line
from vpi_tui.ui.widgets.matrix_grid import MatrixGrid
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.ui.widgets.text_line import TextLines
from vpi_tui.view import humanize, matrix
from vpi_tui.view.escape import safe
from vpi_tui.view.matrix import FIELDS, MEASURES, Pairs
from vpi_tui.view.overview import WINDOW_WORDS, WINDOWS
from vpi_tui.view.policy import state_of
from vpi_tui.view.scope import counters_of

WIDE = 100
"""Columns from which the grid is shown first."""
COLUMNS = (
    Column("mark", "Mark", 8),
    Column("src", "From", 14, 1, limit=32),
    Column("dest", "To", 14, 1, limit=32),
    Column("bytes", "Bytes", 7, align="right"),
    Column("flows", "Flows", 5, align="right"),
    Column("alerts", "Alert", 5, align="right"),
    Column("path", "Path", 4, priority=1, sortable=False),
    Column("first", "First", 7, align="right", priority=2),
    Column("last", "Last", 7, align="right", priority=3),
    Column("line", "Line of the policy", 18, 1, priority=4, limit=40, sortable=False),
)
SORT_KEYS = tuple(column.key for column in COLUMNS if column.sortable)


class MatrixPage(DrillPage):
    WANTS_MATRIX = True
    FIELDS = FIELDS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "Grid / list", tooltip="a grid of guests, or a list of pairs"),
        Binding("m", "measure", "Measure", tooltip="bytes, flows or alerts"),
        Binding("w", "window", "Window", tooltip="the last 10 s, 1 min, 10 min, or since the start"),
        Binding("b", "baseline", "Baseline", tooltip="learn who speaks to whom; again ends it"),
        Binding("y", "policy", "Policy", tooltip="look at the policy that was learned, and write it"),
        Binding("less_than_sign", "sort(-1)", show=False),
        Binding(
            "greater_than_sign",
            "sort(1)",
            "Sort",
            key_display="< >",
            tooltip="list: sort by the next column, or by the one before",
        ),
        Binding("s", "reverse", "Reverse", show=False, tooltip="list: turn the order round"),
    ]
    DEFAULT_CSS = """
    MatrixPage #matrix-told { height: 3; }
    """

    as_grid: bool | None = None
    """None = as the width suggests."""
    measure = MEASURES[0]
    sort_key = "bytes"
    descending = True
    _pairs: Pairs = MappingProxyType({})

    def compose_list(self) -> ComposeResult:
        yield Panel(
            MatrixGrid(id="matrix-grid"),
            LineTable(COLUMNS, id="matrix-table"),
            TextLines(id="matrix-told"),
            title="Matrix",
            id="matrix-panel",
        )

    def on_resize(self) -> None:
        self.query_one("#matrix-panel", Panel).set_ruled(self.size.width < WIDE)

    @property
    def grid(self) -> MatrixGrid:
        return self.query_one(MatrixGrid)

    @property
    def table(self) -> LineTable:
        return self.query_one("#matrix-table", LineTable)

    @property
    def shows_grid(self) -> bool:
        return self.size.width >= WIDE if self.as_grid is None else self.as_grid

    def first_focus(self) -> Widget | None:
        if self.detail is not None:
            return self.detail.first_focus()
        return self.grid if self.shows_grid else self.table

    # Drawing ----------------------------------------------------------------------------------

    def show_list(self, session: Session) -> None:
        snapshot = session.snapshot
        self._pairs = matrix.joined(snapshot.matrix if snapshot else (), self._filter)
        unasked = session.frozen_without(matrix=True)
        empty = matrix.empty_text(snapshot, session.matrix_window, bool(self._filter), unasked=unasked)
        as_grid = self.shows_grid
        self.grid.display, self.table.display = as_grid, not as_grid
        if as_grid:
            self.grid.set_grid(matrix.grid(self._pairs, self.measure), empty)
        else:
            broken = self.look.glyphs.severity[0]
            self.table.set_empty(empty)
            self.table.set_sort(self.sort_key, self.descending)
            self.table.set_source(
                matrix.pair_rows(self._pairs, self.sort_key, self.descending, session.now_ns, broken)
            )
        self._title(session)
        self._tell(session)

    def _title(self, session: Session) -> None:
        pairs = self._pairs.values()
        broken, new = sum([p.broken != "" for p in pairs]), sum([p.new for p in pairs])
        note: list[Cell] = []
        if broken:
            breaks = f" {broken} break{'s' * (broken == 1)} the policy  "
            note += [(self.look.glyphs.severity[0], "error"), (breaks, "warning")]
        if new:
            note += [("+", "new"), (f" {new} new  ", "muted")]
        count = len(self._pairs)
        note.append((f"{humanize.count(count)} pair{'s' * (count != 1)}  ", "muted"))
        note.append((f"{self.measure}, {WINDOW_WORDS[session.matrix_window]}", "accent"))
        self.query_one("#matrix-panel", Panel).set_title("Matrix", note)

    def _tell(self, session: Session) -> None:
        """The pair under the cursor, and what of all bytes stayed inside."""
        state = session.snapshot.segmentation if session.snapshot else Segmentation()
        told = ((" ", "text"), *state_of(state, session.now_ns))
        lines = [self._told_pair(session), self._told_share(session), Line(told)]
        self.query_one("#matrix-told", TextLines).set_lines(lines)

    def _told_pair(self, session: Session) -> Line:
        key = self.grid.pair if self.shows_grid else self.table.cursor_key
        pair = self._pairs.get(key) if key else None  # type: ignore[call-overload]
        if pair is None:
            nothing = matrix.told_nothing(*key) if key else ""  # type: ignore[misc]
            return Line(((f" {nothing}", "muted"),))
        spans = [(f" {matrix.told(pair, session.now_ns)}", "text")]
        if pair.broken:
            spans.append((f"  breaks {safe(pair.broken, 80)}", "error"))
        elif pair.new:
            spans.append(("  + new", "new"))
        return Line(tuple(spans))

    def _told_share(self, session: Session) -> Line:
        if session.snapshot is None:
            return Line()
        counters = counters_of(session.snapshot, session.scope)
        whole = counters.bytes_in + (counters.bytes_out if session.scope.kind == "guest" else 0)
        share = humanize.percent(matrix.inside_share(counters.inside_bytes, whole))
        of = humanize.size(whole)
        mode = session.snapshot.mode
        unseen = "." if mode == "replay" else ": no sensor on the wire saw it."
        said = f" of {of} {matrix.inside_words(mode)}{unseen}"
        return Line(((f" {share}", "accent"), (said, "muted")))

    # Keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action in ("sort", "reverse"):
            return self.detail is None and not self.shows_grid
        return self.detail is None if action in ("view", "measure", "window", "policy") else True

    def action_view(self) -> None:
        self.as_grid = not self.shows_grid
        self.show_list(self.session)
        if (focus := self.first_focus()) is not None:
            focus.focus()
        self.shell.redraw_frame()

    def action_measure(self) -> None:
        self.measure = MEASURES[(MEASURES.index(self.measure) + 1) % len(MEASURES)]
        if not self.shows_grid:
            self.sort_key, self.descending = self.measure, True
        self.show_list(self.session)

    def action_window(self) -> None:
        if self.session.frozen:
            self.shell.say("The picture is frozen; p goes on, then w chooses another time.")
            return
        place = WINDOWS.index(self.session.matrix_window)
        self.session.watch_matrix(True, WINDOWS[(place + 1) % len(WINDOWS)])
        self.show_list(self.session)

    def action_baseline(self) -> None:
        snapshot = self.session.snapshot
        learning = snapshot is not None and snapshot.segmentation.learning_since_ns > 0
        self.send(Learn(on=not learning))
        if isinstance(self.detail, PolicyView):
            self.detail.ask()

    def action_policy(self) -> None:
        self.drill(PolicyView())

    def set_sort(self, key: str) -> None:
        """The same column again turns the order round."""
        self.descending = not self.descending if key == self.sort_key else key not in matrix.WORDS
        self.sort_key = key
        self.table.action_top()
        self.show_list(self.session)

    def action_sort(self, by: int) -> None:
        place = SORT_KEYS.index(self.sort_key)
        self.set_sort(SORT_KEYS[(place + by) % len(SORT_KEYS)])

    def action_reverse(self) -> None:
        self.set_sort(self.sort_key)

    @on(LineTable.HeaderSelected, "#matrix-table")
    def _header(self, message: LineTable.HeaderSelected) -> None:
        self.set_sort(message.column.key)

    @on(MatrixGrid.Moved)
    @on(LineTable.RowHighlighted, "#matrix-table")
    def _moved(self) -> None:
        self._tell(self.session)

    @on(MatrixGrid.Selected)
    async def _cell_selected(self, message: MatrixGrid.Selected) -> None:
        await self._open((message.src, message.dest))

    @on(LineTable.RowSelected, "#matrix-table")
    async def _row_selected(self, message: LineTable.RowSelected) -> None:
        await self._open(message.key)

    async def _open(self, key: object) -> None:
        """The flows of a pair, on their own screen."""
        pair = self._pairs.get(key)  # type: ignore[call-overload]
        if pair is None:
            return
        wanted = matrix.flows_filter(pair.src, pair.dest)
        if not wanted:
            self.shell.say("No filter can say this pair: a name in it cannot be typed.")
            return
        await self.shell.go("flows", wanted)
