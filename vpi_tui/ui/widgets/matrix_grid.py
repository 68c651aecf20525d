"""MatrixGrid: who opened how much to whom, as a table of guests; its headers stand still while it scrolls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Unpack

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Line, Span, fit, line, squeezed
from vpi_tui.view.matrix import Grid, GridCell, end_style

CELL = (7, 11)
"""Least and most cells of a number: its shade, five of the figure, its mark; more where there is room."""
GAP = 1
NAMES = (12, 20)
"""Least and most cells of the names at the left."""
_SHARE = 5
"""The names take at most one in so many cells of the width."""
HEADER = 1


class MatrixGrid(LineWidget, can_focus=True):
    """The cursor stays with its pair when rows and columns move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(0, -1)", "Left", show=False),
        Binding("right,l", "step(0, 1)", "Right", show=False),
        Binding("up,k", "step(-1, 0)", "Up", show=False),
        Binding("down,j", "step(1, 0)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(0)", "First", show=False),
        Binding("end,G", "edge(-1)", "Last", show=False),
        Binding("enter", "select", "Open", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another pair, (source, destination)."""

    class Selected(Message):
        """Enter, or a click on the cell that has the cursor."""

        def __init__(self, src: str, dest: str) -> None:
            super().__init__()
            self.src = src
            self.dest = dest

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._grid = Grid()
        self._cursor = [0, 0]
        """Row and column."""
        self._at: tuple[str, str] | None = None
        """Ends under the cursor since the user moved it; None = it stays in the corner."""
        self._top = [0, 0]
        self._empty: tuple[str, ...] = ()

    def set_grid(self, grid: Grid, empty: tuple[str, ...] = ()) -> None:
        self._grid, self._empty = grid, empty
        if self._at is not None:
            for axis, (names, name) in enumerate(zip(self._axes, self._at, strict=True)):
                self._cursor[axis] = names.index(name) if name in names else self._cursor[axis]
        self._clamp()
        self.redraw()

    @property
    def pair(self) -> tuple[str, str] | None:
        """(source, destination) under the cursor; None = the grid is empty."""
        if not self._grid.sources:
            return None
        return self._grid.sources[self._cursor[0]], self._grid.dests[self._cursor[1]]

    @property
    def _axes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self._grid.sources, self._grid.dests

    # Drawing ----------------------------------------------------------------------------------

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        if not self._grid.sources:
            above = [Line()] * (height // 3)
            return above + [line((fit(text, width, "center"), "empty")) for text in self._empty]
        names, cell, columns = self._lay_out(width)
        rows = max(height - HEADER, 1)
        self._keep_in_view(rows, columns)
        shown = self._grid.dests[self._top[1] : self._top[1] + columns]
        last = min(self._top[0] + rows, len(self._grid.sources))
        body = [self._row(row, shown, names, cell) for row in range(self._top[0], last)]
        return [self._header(shown, names, cell), *body]

    def _lay_out(self, width: int) -> tuple[int, int, int]:
        """Cells of the names at the left, cells of a number, and how many columns fit."""
        longest = max(len(name) for name in self._grid.sources)
        names = min(max(longest, NAMES[0]), NAMES[1], max(width // _SHARE, NAMES[0]))
        room, least = width - 2 - names, CELL[0] + GAP
        cell = min(max(room // len(self._grid.dests), least), CELL[1] + GAP)
        return names, cell - GAP, max(room // cell, 1)

    def _header(self, shown: Sequence[str], names: int, cell: int) -> Line:
        glyphs = self.look.glyphs
        spans: list[Span] = [
            (" ", "table.header"),
            (fit(self._corner(len(shown)), names, "left", glyphs.ellipsis), "table.header"),
        ]
        for place, name in enumerate(shown, self._top[1]):
            style = "table.header.sorted" if place == self._cursor[1] else "table.header"
            spans.append((" " * GAP, "table.header"))
            spans.append((fit(squeezed(name, cell, glyphs.ellipsis), cell, "right"), style))
        return Line(tuple(spans))

    def _corner(self, shown: int) -> str:
        """What rows and columns are, or which columns are in sight."""
        arrow, count, first = self.look.glyphs.arrow, len(self._grid.dests), self._top[1]
        return f"from {arrow} to" if shown == count else f"{arrow} {first + 1}-{first + shown}/{count}"

    def _row(self, row: int, shown: Sequence[str], names: int, cell: int) -> Line:
        glyphs = self.look.glyphs
        src = self._grid.sources[row]
        here = row == self._cursor[0]
        spans: list[Span] = [
            (glyphs.cursor, "accent") if here and self.has_focus else (" ", "text"),
            (fit(squeezed(src, names, glyphs.ellipsis), names), "accent" if here else end_style(src)),
        ]
        for place, dest in enumerate(shown, self._top[1]):
            chosen = here and place == self._cursor[1]
            edges = ("[", "]") if chosen and self.has_focus else (" ", " ")
            spans += self._cell(self._grid.cell(src, dest), src == dest, edges, cell)
        return Line(tuple(spans))

    def _cell(self, cell: GridCell | None, same: bool, edges: tuple[str, str], width: int) -> list[Span]:
        """Shade, figure, mark. edges: what stands round them where the cursor is."""
        left, right = ((edge, "accent") for edge in edges)
        if cell is None:
            quiet = "=" if same else self.look.glyphs.nothing
            return [(" " * (width - 2), "text"), left, (quiet, "faint"), right]
        glyphs = self.look.glyphs
        heat = f"heat.{cell.shade}" if cell.shade else "muted"
        pad = (" " * (width - CELL[0]), "text")
        figure = cell.text.rjust(CELL[0] - 2)
        spans: list[Span] = [pad, left, (glyphs.shades[cell.shade], heat), (figure, heat)]
        if cell.broken:
            return [*spans, (glyphs.severity[0], "error")]
        if cell.new:
            return [*spans, ("+", "new")]
        return [*spans, right]

    # Cursor -----------------------------------------------------------------------------------

    def _clamp(self) -> None:
        for axis, names in enumerate(self._axes):
            self._cursor[axis] = min(max(self._cursor[axis], 0), max(len(names) - 1, 0))

    def _keep_in_view(self, rows: int, columns: int) -> None:
        for axis, room in enumerate((rows, columns)):
            count = len(self._axes[axis])
            top = min(self._top[axis], self._cursor[axis])
            top = max(top, self._cursor[axis] - room + 1)
            self._top[axis] = max(min(top, count - room), 0)

    def _move(self, row: int, column: int) -> None:
        self._cursor[:] = row, column
        self._clamp()
        self._at = self.pair
        self.redraw()
        self.post_message(self.Moved())

    def action_step(self, rows: int, columns: int) -> None:
        self._move(self._cursor[0] + rows, self._cursor[1] + columns)

    def action_page(self, pages: int) -> None:
        self._move(self._cursor[0] + pages * max(self.size.height - HEADER - 1, 1), self._cursor[1])

    def action_edge(self, edge: int) -> None:
        """First or last row; from there the first or last column."""
        row = 0 if edge == 0 else len(self._grid.sources) - 1
        column = self._cursor[1]
        if row == self._cursor[0]:
            column = 0 if edge == 0 else len(self._grid.dests) - 1
        self._move(row, column)

    def action_select(self) -> None:
        if self.pair is not None and self.pair in self._grid.pairs:
            self.post_message(self.Selected(*self.pair))

    def on_click(self, event: events.Click) -> None:
        if not self._grid.sources:
            return
        names, cell, columns = self._lay_out(self.size.width)
        row = self._top[0] + event.y - HEADER
        column = self._top[1] + (event.x - 1 - names) // (cell + GAP)
        inside = event.x > names and column < self._top[1] + columns
        if (
            event.y < HEADER
            or not inside
            or row >= len(self._grid.sources)
            or column >= len(self._grid.dests)
        ):
            return
        if [row, column] == self._cursor:
            self.action_select()
        else:
            self._move(row, column)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_step(3, 0)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_step(-3, 0)
