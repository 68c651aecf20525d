"""MixPane: parts of a whole as named bars, in as many columns as they need to fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from vpi_tui.ui.widgets.glyphs import bar
from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Line, Span, fit, line
from vpi_tui.view import humanize
from vpi_tui.view.overview import Share

_LEAST = 20
"""Cells that one part needs: name, bar, share."""
_PARTS = 5


class MixPane(LineWidget):
    """Parts, largest first, and one figure that stands apart (the east-west share)."""

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._parts: Sequence[Share] = ()
        self._apart: Share | None = None

    def set_parts(self, parts: Sequence[Share], apart: Share | None = None) -> None:
        self._parts, self._apart = parts, apart
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        if not self._parts:
            return [line((" No traffic seen yet.", "empty"))][:height]
        inside = self._lay_out(max(width - 2, 1), height)
        return [Line(((" ", "text"), *spans)) for spans, _ in inside]

    def _lay_out(self, width: int, height: int) -> list[Line]:
        styled = [(part, f"graph.{min(i + 1, _PARTS)}") for i, part in enumerate(self._parts)]
        if self._apart is None:
            return self._table(styled, width, height)
        if height >= len(styled) + 2:
            return [
                *self._table(styled, width, height - 2),
                Line(),
                *self._table([(self._apart, "accent")], width, 1),
            ]
        room = max(height * max((width + 3) // (_LEAST + 3), 1) - 1, 1)
        return self._table([*styled[:room], (self._apart, "accent")], width, height)

    def _table(self, styled: list[tuple[Share, str]], width: int, height: int) -> list[Line]:
        columns = max(min(-(-len(styled) // max(height, 1)), (width + 3) // (_LEAST + 3)), 1)
        rows = -(-len(styled) // columns)
        wide = (width - 3 * (columns - 1)) // columns
        lines = []
        for y in range(min(rows, height)):
            spans: list[Span] = []
            for x in range(columns):
                place = x * rows + y
                if place < len(styled):
                    spans += [*((("   ", "text"),) if spans else ()), *self._part(*styled[place], wide)]
            lines.append(Line(tuple(spans)))
        return lines

    def _part(self, part: Share, style: str, width: int) -> list[Span]:
        sized = width >= 36
        name = max(min(width // 3, 16), 9)
        figures = f" {humanize.percent(part.share):>4}" + (
            f"  {humanize.size(part.bytes):>7}" if sized else ""
        )
        filled, rest = bar(part.share, width - name - 1 - len(figures), self.look.glyphs)
        return [
            (fit(part.name, name, ellipsis=self.look.glyphs.ellipsis), "text"),
            (" ", "text"),
            (filled, style),
            (rest, "bar.track"),
            (figures, "number"),
        ]
