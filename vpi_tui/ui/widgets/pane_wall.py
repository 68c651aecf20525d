"""PaneWall: a grid of small panes, each with a curve and some lines; one of them has the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Unpack

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from vpi_tui.ui.widgets.glyphs import area
from vpi_tui.ui.widgets.graph import ceiling
from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Line, Span, cells, clip, fit, indented, line, width_of
from vpi_tui.view import humanize
from vpi_tui.view.cells import SEVERITY_STYLES
from vpi_tui.view.overview import Traffic
from vpi_tui.view.switches import GAP, Pane, grid

_NAMED_FROM = 46
"""Cells inside a pane from which its rates are named."""


class PaneWall(LineWidget, can_focus=True):
    """Draws the panes itself: a wall of two hundred guests is one widget."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1, 0)", "Left", show=False),
        Binding("right,l", "step(1, 0)", "Right", show=False),
        Binding("up,k", "step(0, -1)", "Up", show=False),
        Binding("down,j", "step(0, 1)", "Down", show=False),
        Binding("home,g", "edge(0)", "First", show=False),
        Binding("end,G", "edge(-1)", "Last", show=False),
        Binding("enter", "select", "Open", show=False),
    ]

    class Selected(Message):
        """Enter, or a click on the pane that has the cursor. key: its scope."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._panes: Sequence[Pane] = ()
        self._cursor = 0
        self._top_row = 0
        self._empty: tuple[str, ...] = ()

    def set_panes(self, panes: Sequence[Pane], empty: tuple[str, ...] = ()) -> None:
        """The cursor stays with its pane when the order changes."""
        key = self.cursor_key
        self._panes, self._empty = panes, empty
        places = {pane.key: place for place, pane in enumerate(panes)}
        self._cursor = places.get(key, min(self._cursor, max(len(panes) - 1, 0)))
        self.redraw()

    @property
    def cursor_key(self) -> str:
        return self._panes[self._cursor].key if self._cursor < len(self._panes) else ""

    @property
    def points(self) -> int:
        """Samples that a pane's curve can show."""
        _, wide, _ = self._grid()
        return max(2 * (wide - 4), 2)

    def _grid(self) -> tuple[int, int, int]:
        return grid(max(len(self._panes), 1), max(self.size.width, 1), max(self.size.height, 1))

    # Drawing ----------------------------------------------------------------------------------

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        if not self._panes:
            above = [Line()] * (height // 3)
            return above + [line((fit(text, width, "center"), "empty")) for text in self._empty]
        columns, wide, tall = grid(len(self._panes), width, height)
        self._keep_in_view(columns, tall, height)
        lines: list[Line] = []
        for start in range(self._top_row * columns, len(self._panes), columns):
            if len(lines) >= height:
                break
            drawn = [
                self._pane(self._panes[place], wide, tall, place == self._cursor)
                for place in range(start, min(start + columns, len(self._panes)))
            ]
            for y in range(tall):
                spans: list[Span] = []
                for x, pane in enumerate(drawn):
                    spans += [*(((" " * GAP, "text"),) if x else ()), *pane[y]]
                lines.append(Line(tuple(spans)))
        return self._with_rest(lines[:height], self._top_row * columns, max(height // tall, 1) * columns)

    def _with_rest(self, lines: list[Line], above: int, shown: int) -> list[Line]:
        """How many panes are out of sight stands in the frame of the last ones that are seen."""
        below = len(self._panes) - above - shown
        told = [f"{above} more above: Up"] * (above > 0) + [f"{below} more below: Down"] * (below > 0)
        if told and lines:
            text = f" {', '.join(told)} "
            whole = width_of(lines[-1].spans)
            kept = clip(lines[-1].spans, max(whole - len(text) - 2, 0), ellipsis="")
            rule = self.look.glyphs.frame.horizontal
            tail = rule + self.look.glyphs.frame.bottom_right
            lines[-1] = Line((*kept, (text, "muted"), (tail, "border")))
        return lines

    def _keep_in_view(self, columns: int, tall: int, height: int) -> None:
        row, visible = self._cursor // columns, max(height // tall, 1)
        self._top_row = max(min(self._top_row, row), row - visible + 1, 0)

    def _pane(self, pane: Pane, width: int, height: int, chosen: bool) -> list[list[Span]]:
        """The lines of one pane: frame, title, curve, figures."""
        edge = "border.focus" if chosen and self.has_focus else "border"
        frame = self.look.glyphs.frame
        inside = width - 4
        body = self._body(pane, inside, height - 2)
        out = [self._top(pane, width, edge, chosen)]
        for spans in body:
            pad = " " * max(inside - width_of(spans), 0)
            out.append([(f"{frame.vertical} ", edge), *spans, (f"{pad} ", "text"), (frame.vertical, edge)])
        out.append([(frame.bottom_left + frame.horizontal * (width - 2) + frame.bottom_right, edge)])
        return out

    def _top(self, pane: Pane, width: int, edge: str, chosen: bool) -> list[Span]:
        glyphs = self.look.glyphs
        frame = glyphs.frame
        mark = glyphs.coverage.get(pane.coverage, glyphs.coverage["unknown"])
        named = "switch" if pane.key.startswith("switch:") else "guest" if pane.present else "guest.gone"
        note: list[Span] = []
        for sign, style, count in zip(glyphs.severity, SEVERITY_STYLES, pane.alerts, strict=True):
            if count:
                note += [(f" {sign} {humanize.count(count)}", style)]
        note = [*note, (" ", edge)] if note else []
        left: list[Span] = [
            (f"{frame.top_left}{frame.horizontal} ", edge),
            (f"{mark} ", f"coverage.{pane.coverage}"),
            (pane.title, "title.focus" if chosen and self.has_focus else named),
            (f" {pane.kind} ", "muted"),
        ]
        left = clip(left, width - width_of(note) - 3)
        gap = width - width_of(left) - width_of(note) - 2
        return [*left, (frame.horizontal * gap, edge), *note, (frame.horizontal + frame.top_right, edge)]

    def _body(self, pane: Pane, width: int, height: int) -> list[list[Span]]:
        """Rates, the curve in what room is left, and as many of the lines as fit."""
        told = max(min(len(pane.lines), height - 3), 1)
        curve = max(height - 1 - told, 0)
        traffic = pane.traffic
        rows: list[list[Span]] = [self._rates(pane, traffic, width)]
        rows += self._curve(traffic, width, curve)
        label = max((cells(name) for name, _ in pane.lines), default=0)
        for name, text in pane.lines[len(pane.lines) - told :]:
            alarm = name == "alert" and text != "none"
            style = "warning" if alarm else "text"
            rows.append(
                [(fit(name, label), "muted"), ("  ", "text"), *clip([(text, style)], width - label - 2)]
            )
        return [*rows, *([[]] * height)][:height]

    def _rates(self, pane: Pane, traffic: Traffic, width: int) -> list[Span]:
        guest = not pane.key.startswith("switch:")
        glyphs = self.look.glyphs
        names = ("sent", "rcvd") if guest else traffic.short_names
        signs = (glyphs.ascending, "graph.in"), (glyphs.descending, "graph.out")
        spans: list[Span] = []
        for (sign, style), name, rate in zip(signs, names, traffic.now, strict=True):
            shown = f"{sign} {name}" if width >= _NAMED_FROM else sign
            spans += [(f"{shown} ", style), (f"{humanize.bit_rate(rate):>9}  ", "number")]
        return clip([*spans, (f"{humanize.packet_rate(pane.rates.pkts):>9}", "muted")], width)

    def _curve(self, traffic: Traffic, width: int, height: int) -> list[list[Span]]:
        if height <= 0:
            return []
        upper, lower = traffic.upper, traffic.lower
        peak = ceiling(max(max(upper, default=0.0), max(lower, default=0.0)))
        if height == 1:
            return [indented(area(upper, width, 1, peak, self.look.glyphs)[0], "graph.in")]
        above = (height + 1) // 2
        rows = [indented(text, "graph.in") for text in area(upper, width, above, peak, self.look.glyphs)]
        hung = area(lower, width, height - above, peak, self.look.glyphs, hang=True)
        return rows + [indented(text, "graph.out") for text in hung]

    # Keys and mouse ---------------------------------------------------------------------------

    def action_step(self, x: int, y: int) -> None:
        columns, _, _ = self._grid()
        goal = self._cursor + x + y * columns
        if 0 <= goal < len(self._panes):
            self._cursor = goal
        self.redraw()

    def action_edge(self, place: int) -> None:
        self._cursor = place % max(len(self._panes), 1)
        self.redraw()

    def action_select(self) -> None:
        if self.cursor_key:
            self.post_message(self.Selected(self.cursor_key))

    def on_click(self, event: events.Click) -> None:
        columns, wide, tall = self._grid()
        column, row = event.x // (wide + GAP), self._top_row + event.y // tall
        place = row * columns + column
        if column >= columns or place >= len(self._panes):
            return
        if place == self._cursor:
            self.action_select()
        self._cursor = place
        self.redraw()

    def on_mouse_scroll_down(self) -> None:
        self.action_step(0, 1)

    def on_mouse_scroll_up(self) -> None:
        self.action_step(0, -1)
