"""PacketPane: a dissected packet as a tree with the hex dump beside it, in step."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Unpack

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from vpi_tui.ui.widgets.line_table import Column, LineTable
from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Cell, Line, Span, fit
from vpi_tui.view.packet import FieldLine
from vpi_tui.view.rule_text import Places

_SIDE_BY_SIDE = 112
"""Cells from which the dump stands beside the tree instead of below it."""


def hex_lines(
    data: bytes, width: int, marked: Places = (), first: int = 0, count: int = 1 << 20
) -> list[Line]:
    """A hex dump, 16 bytes a line (8 when `width` is less than 75): offset, bytes, the same as ASCII.

    marked: starts and stops of the bytes to show in `hex.match`. first, count: which lines of the dump.
    """
    per_line = 16 if width >= 75 else 8
    begin = first * per_line
    end = min(len(data), begin + count * per_line)
    return [_hex_line(data, offset, per_line, marked) for offset in range(begin, end, per_line)]


def _hex_line(data: bytes, offset: int, per_line: int, marked: Places) -> Line:
    chunk = data[offset : offset + per_line]
    inside = [any(a <= offset + place < b for a, b in marked) for place in range(len(chunk) + 1)]
    digits: list[Span] = []
    text: list[Span] = []
    for place, byte in enumerate(chunk):
        style = "hex.match" if inside[place] else "hex.byte" if byte else "hex.zero"
        follows = inside[place] and inside[place + 1] and place + 1 < len(chunk)
        gap = "  " if place == 7 and per_line == 16 else " "
        digits.append((f"{byte:02x}", style))
        digits.append((gap, "hex.match" if follows else "hex.byte"))
        text.append((chr(byte) if 32 <= byte < 127 else ".", "hex.match" if inside[place] else "hex.text"))
    missing = per_line - len(chunk)
    pad = 3 * missing + (1 if per_line == 16 and len(chunk) < 8 else 0)
    return Line(
        (("  ", "text"), (f"{offset:04x}  ", "hex.offset"), *digits, (" " * (pad + 1), "text"), *text)
    )


class _FieldSource:
    def __init__(self, fields: Sequence[FieldLine]) -> None:
        self.fields = fields

    def __len__(self) -> int:
        return len(self.fields)

    def row(self, index: int) -> Sequence[Cell]:
        return (self.fields[index].name,)

    def key(self, index: int) -> Hashable:
        return index


class FieldTree(LineTable):
    """The tree side: a line for each field, indented by depth."""

    def __init__(self, **common: Unpack[Common]) -> None:
        empty = ("No packet chosen.", "Open an alert with Enter to see its packet.")
        super().__init__((Column("name", "", 8, 1),), empty=empty, header=False, **common)
        self._fields: Sequence[FieldLine] = ()

    def set_fields(self, fields: Sequence[FieldLine]) -> None:
        self._fields = fields
        self.set_source(_FieldSource(fields))

    def row_spans(self, index: int, room: int) -> Sequence[Span]:
        entry, ellipsis = self._fields[index], self.look.glyphs.ellipsis
        if not entry.depth:
            title = f"{entry.name}  {entry.value}" if entry.value else entry.name
            return [(fit(title, room, ellipsis=ellipsis), "tree.layer")]
        indent = "  " * min(entry.depth, 8)
        if not entry.value:
            return [
                (indent, "tree.guide"),
                (fit(entry.name, room - len(indent), ellipsis=ellipsis), "tree.value"),
            ]
        name = fit(
            entry.name, min(max(room // 3, 16) - len(indent), max(room - len(indent), 1)), ellipsis=ellipsis
        )
        left = max(room - len(indent) - len(name) - 1, 0)
        value = fit(entry.value, left, ellipsis=ellipsis)
        return [(indent, "tree.guide"), (name, "tree.field"), (" ", "text"), (value, "tree.value")]


class HexView(LineWidget):
    """The dump side; scrolls so that the marked bytes are in view."""

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._data = b""
        self._marked: Places = ()
        self._follows = False
        """Is the first marked byte kept in view? Not any more once the operator scrolls."""
        self._first = 0

    def set_data(self, data: bytes) -> None:
        self._data, self._marked, self._first = data, (), 0
        self.redraw()

    def mark(self, *places: tuple[int, int]) -> None:
        """The first of them is brought into view."""
        self._marked = tuple(place for place in places if place[1] > place[0])
        self._follows = True
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        if not self._data:
            return []
        per_line = 16 if width >= 75 else 8
        if self._marked and self._follows:  # from the top each time: its first height may be one line
            row = self._marked[0][0] // per_line
            self._first = 0 if row < height else row - height // 3
        return hex_lines(self._data, width, self._marked, self._first, height)

    def on_mouse_scroll_down(self) -> None:
        self._scroll(3)

    def on_mouse_scroll_up(self) -> None:
        self._scroll(-3)

    def _scroll(self, lines: int) -> None:
        per_line = 16 if self.size.width >= 75 else 8
        most = max(-(-len(self._data) // per_line) - self.size.height, 0)
        self._first = min(max(self._first + lines, 0), most)
        self._follows = False
        self.redraw()


class PacketPane(Widget):
    """Tree and dump; moving in the tree marks the bytes of the field."""

    DEFAULT_CSS = """
    PacketPane { layout: vertical; width: 1fr; height: 1fr; }
    PacketPane.-wide { layout: horizontal; }
    PacketPane.-wide HexView { width: 78; }
    """

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self.tree_view = FieldTree()
        self.hex_view = HexView()
        self._match: Places = ()
        self._match_line = -1

    def compose(self) -> ComposeResult:
        yield self.tree_view
        yield self.hex_view

    def set_packet(self, fields: Sequence[FieldLine], data: bytes, match: Places = ()) -> None:
        """match: what a rule found, the most telling first; the cursor is put there."""
        self._match = match
        self._match_line = _innermost(fields, match[0][0]) if match else -1
        self.tree_view.set_fields(fields)
        self.hex_view.set_data(data)
        if self._match_line >= 0:
            self.tree_view.move_to(self._match_line)
        else:
            self.tree_view.action_top()
        self.hex_view.mark(*match)

    def set_empty(self, *text: str) -> None:
        """What the tree says while it has no fields."""
        self.tree_view.set_empty(text)

    def on_resize(self) -> None:
        self.set_class(self.size.width >= _SIDE_BY_SIDE, "-wide")

    @on(LineTable.RowHighlighted)
    def _mark_field(self, message: LineTable.RowHighlighted) -> None:
        message.stop()
        fields = self.tree_view._fields
        if message.index == self._match_line:
            self.hex_view.mark(*self._match)
        elif message.index < len(fields):
            self.hex_view.mark((fields[message.index].start, fields[message.index].stop))


def _innermost(fields: Sequence[FieldLine], byte: int) -> int:
    """The deepest field that holds a byte; -1 = none."""
    found, depth = -1, -1
    for number, field in enumerate(fields):
        if field.start <= byte < field.stop and field.depth >= depth:
            found, depth = number, field.depth
    return found
