"""LineTable: a virtual table. It asks its source for the rows that are visible and for no others."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, Unpack

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from vpi_tui.ui.widgets.columns import GAP, Column, Placed, place
from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import BLANK, Line, Span, cells, fit, line, width_of
from vpi_tui.ui.widgets.rows import RowSource, SequenceSource

__all__ = ["Column", "LineTable", "RowSource", "SequenceSource"]

_SEARCH = 2_048
"""Rows looked through round the old place of the cursor when a source cannot `find` a key itself."""


class LineTable(LineWidget, can_focus=True):
    """A table with a cursor.

    The cursor stays with its row (by key) when the rows move. Until the user moved it, and again after Home,
    it stays at the top instead, so that an untouched table always shows the top of the list.
    """

    DEFAULT_CSS = "LineTable { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "top", "Top", show=False),
        Binding("end,G", "bottom", "Bottom", show=False),
        Binding("enter", "select", "Open", show=False),
        Binding("space", "toggle_row", "Toggle", show=False),
    ]

    class RowMessage(Message):
        """Root of the messages about one row."""

        def __init__(self, table: LineTable, index: int, key: Hashable) -> None:
            super().__init__()
            self.table = table
            self.index = index
            self.key = key

        @property
        def control(self) -> LineTable:
            return self.table

    class RowSelected(RowMessage):
        """Enter, or a click on the row that has the cursor."""

    class RowToggled(RowMessage):
        """Space."""

    class RowHighlighted(RowMessage):
        """The user moved the cursor onto another row."""

    class HeaderSelected(Message):
        """A click on a column's title."""

        def __init__(self, table: LineTable, column: Column) -> None:
            super().__init__()
            self.table = table
            self.column = column

        @property
        def control(self) -> LineTable:
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        source: RowSource | None = None,
        *,
        empty: str | Sequence[str] = "Nothing to show.",
        surface: str = "background",
        header: bool = True,
        **common: Unpack[Common],
    ) -> None:
        """empty: why there may be no rows, and what to do; one text or several lines."""
        super().__init__(**common)
        self._columns = tuple(columns)
        self._source: RowSource = source if source is not None else SequenceSource()
        self._empty = (empty,) if isinstance(empty, str) else tuple(empty)
        self._surface = surface
        self._header_lines = 1 if header else 0
        self._sort: tuple[str, bool] = ("", False)
        self._cursor = 0
        self._top = 0
        self._following_top = True
        self._cursor_key: Hashable = self._source.key(0) if len(self._source) else None
        self._placed: tuple[Placed, ...] = ()
        self._placed_for: tuple[int, str] = (-1, "")
        """Cells and sorted column that the columns are placed for."""
        self._dragging = False

    # What screens call ------------------------------------------------------------------------

    @property
    def source(self) -> RowSource:
        return self._source

    @property
    def cursor(self) -> int:
        """Index of the row with the cursor; 0 when there are no rows."""
        return self._cursor

    @property
    def cursor_key(self) -> Hashable:
        """Key of the row with the cursor; None when there are no rows."""
        return self._cursor_key if len(self._source) else None

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._columns

    def set_source(self, source: RowSource) -> None:
        """Show these rows; repaints the visible lines that changed."""
        self._source = source
        if self._following_top:
            self._place_cursor(0)
            self._top = 0
        else:
            offset = self._cursor - self._top
            self._place_cursor(self._locate())
            self._top = self._cursor - offset
        self._keep_in_view()
        self.redraw()

    def set_columns(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._placed_for = (-1, "")
        self.redraw()

    def set_sort(self, key: str, descending: bool = True) -> None:
        """Mark the column that sorts. The order itself is the source's business."""
        self._sort = (key, descending)
        self.redraw()

    def set_empty(self, empty: str | Sequence[str]) -> None:
        self._empty = (empty,) if isinstance(empty, str) else tuple(empty)
        self.redraw()

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and scroll there."""
        before = self._cursor_key
        self._following_top = False
        self._place_cursor(index)
        self._keep_in_view()
        self.redraw()
        if len(self._source) and self._cursor_key != before:
            self.post_message(self.RowHighlighted(self, self._cursor, self._cursor_key))

    def move_to_key(self, key: Hashable) -> bool:
        """Put the cursor on the row with this key; False when it is not found."""
        self._cursor_key = key
        found = self._locate()
        if found >= len(self._source) or self._source.key(found) != key:
            self._place_cursor(self._cursor)
            return False
        self.move_to(found)
        return True

    # Drawing ----------------------------------------------------------------------------------

    @property
    def page_size(self) -> int:
        """Rows that are visible at once."""
        return max(self.size.height - self._header_lines, 1)

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        self._keep_in_view()
        lines = [self._header_line(width - 3)] if self._header_lines else []
        count = len(self._source)
        if not count:
            return lines + self._empty_lines(width, height - len(lines))
        last = min(self._top + height - len(lines), count)
        rows = [self._row_line(index, width - 3) for index in range(self._top, last)]
        rows += [Line((), self._surface)] * (height - len(lines) - len(rows))
        return lines + self._with_scrollbar(rows, width)

    def _lay_out(self, room: int) -> tuple[Placed, ...]:
        wanted = (room, self._sort[0])
        if wanted != self._placed_for:
            self._placed = place(self._columns, *wanted)
            self._placed_for = wanted
        return self._placed

    def _header_line(self, room: int) -> Line:
        """A title that fills its column lends a cell of the gap to the mark of the order: on the side where
        its text ends nothing is lost, and no column moves."""
        spans: list[Span] = []
        lent = 0
        for column, _, x, wide in self._lay_out(room):
            title = self._title_of(column)
            over = min(max(cells(title) - wide, 0), 1)
            right = column.align == "right"
            gap = (GAP if x else 1) - lent - over * right
            style = "table.header.sorted" if column.key == self._sort[0] else "table.header"
            shown = fit(title, wide + over, column.align, self.look.glyphs.ellipsis)
            spans += ((" " * gap, "table.header"), (shown, style))
            lent = over * (not right)
        return Line(tuple(spans), self._surface)

    def _title_of(self, column: Column) -> str:
        key, descending = self._sort
        if column.key != key:
            return column.title
        mark = self.look.glyphs.descending if descending else self.look.glyphs.ascending
        return f"{mark}{column.title}" if column.align == "right" else f"{column.title}{mark}"

    def _row_line(self, index: int, room: int) -> Line:
        chosen = index == self._cursor
        return Line((self._margin(chosen), *self.row_spans(index, room)), self._ground(chosen))

    def row_spans(self, index: int, room: int) -> Sequence[Span]:
        """A row in at most `room` cells. Subclasses that are no plain tables override it."""
        ellipsis = self.look.glyphs.ellipsis
        row = self._source.row(index)
        spans: list[Span] = []
        gap = (" " * GAP, "text")
        for column, number, x, wide in self._lay_out(room):
            cell = row[number] if number < len(row) else ""
            text, style = (cell, column.style) if isinstance(cell, str) else cell
            if x:
                spans.append(gap)
            spans.append((fit(text, wide, column.align, ellipsis), style))
        return spans

    def _margin(self, chosen: bool) -> Span:
        return (self.look.glyphs.cursor, "accent") if chosen and self.has_focus else (" ", "text")

    def _ground(self, chosen: bool) -> str:
        if not chosen:
            return self._surface
        return "selection" if self.has_focus else "selection.blurred"

    def _empty_lines(self, width: int, height: int) -> list[Line]:
        above = max((height - len(self._empty)) // 3, 0)
        blank = BLANK._replace(surface=self._surface)
        text = [line((fit(entry, width, "center"), "empty"), surface=self._surface) for entry in self._empty]
        return ([blank] * above + text + [blank] * height)[:height]

    def _with_scrollbar(self, rows: list[Line], width: int) -> list[Line]:
        """The last cell of each line; only there when rows are out of sight."""
        first, length = self._thumb(len(rows))
        if not length:
            return rows
        glyphs = self.look.glyphs
        barred = []
        for y, (spans, surface) in enumerate(rows):
            inside = first <= y < first + length
            mark = (glyphs.thumb, "scrollbar") if inside else (glyphs.groove, "scrollbar.track")
            pad = max(width - 1 - width_of(spans), 0)
            barred.append(Line((*spans, (" " * pad, "text"), mark), surface))
        return barred

    def _thumb(self, height: int) -> tuple[int, int]:
        """First line and length of the scroll bar's thumb; length 0 = all rows are visible."""
        count = len(self._source)
        if count <= height or height <= 0:
            return 0, 0
        length = max(height * height // count, 1)
        return round(self._top / (count - height) * (height - length)), length

    # Cursor -----------------------------------------------------------------------------------

    def _place_cursor(self, index: int) -> None:
        count = len(self._source)
        self._cursor = min(max(index, 0), max(count - 1, 0))
        if count:
            self._cursor_key = self._source.key(self._cursor)

    def _locate(self) -> int:
        """Where the cursor's row is now; its old place when it is gone."""
        source, key, at = self._source, self._cursor_key, self._cursor
        find = getattr(source, "find", None)
        if find is not None:
            found = find(key)
            return at if found is None else int(found)
        count = len(source)
        for distance in range(min(_SEARCH, count)):
            for index in {at - distance, at + distance}:
                if 0 <= index < count and source.key(index) == key:
                    return index
        return at

    def _keep_in_view(self) -> None:
        page = self.page_size
        self._top = min(self._top, self._cursor)
        self._top = max(self._top, self._cursor - page + 1)
        self._top = max(min(self._top, len(self._source) - page), 0)

    def _scroll(self, rows: int) -> None:
        """Scroll the view; the cursor comes along only when it would leave it."""
        page = self.page_size
        self._top = max(min(self._top + rows, len(self._source) - page), 0)
        inside = min(max(self._cursor, self._top), self._top + page - 1)
        if inside != self._cursor:
            self.move_to(inside)
        else:
            self._following_top = self._following_top and self._top == 0
            self.redraw()

    def action_move(self, rows: int) -> None:
        self.move_to(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        self._top += pages * (self.page_size - 1)
        self.move_to(self._cursor + pages * (self.page_size - 1))

    def action_top(self) -> None:
        self.move_to(0)
        self._following_top = True

    def action_bottom(self) -> None:
        self.move_to(len(self._source) - 1)

    def action_select(self) -> None:
        if len(self._source):
            self.post_message(self.RowSelected(self, self._cursor, self._cursor_key))

    def action_toggle_row(self) -> None:
        if len(self._source):
            self.post_message(self.RowToggled(self, self._cursor, self._cursor_key))

    # Mouse and focus --------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        if event.y < self._header_lines:
            self._click_header(event.x)
            return
        index = self._top + event.y - self._header_lines
        if index >= len(self._source) or self._on_scrollbar(event.x):
            return
        if index == self._cursor:
            self.action_select()
        else:
            self.move_to(index)

    def _click_header(self, x: int) -> None:
        for placed in self._placed:
            if placed.x < x <= placed.x + placed.width and placed.column.sortable:
                self.post_message(self.HeaderSelected(self, placed.column))

    def _on_scrollbar(self, x: int) -> bool:
        return x == self.size.width - 1 and len(self._source) > self.page_size

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if self._on_scrollbar(event.x):
            self._dragging = True
            self.capture_mouse()
            self._drag(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging:
            self._drag(event.y)

    def on_mouse_up(self) -> None:
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _drag(self, y: int) -> None:
        page = self.page_size
        share = min(max((y - self._header_lines) / max(page - 1, 1), 0.0), 1.0)
        self._scroll(round(share * (len(self._source) - page)) - self._top)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-3)
