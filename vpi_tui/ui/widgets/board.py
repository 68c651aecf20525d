"""Board: blocks of figures in as many columns as there is room for; scrolls when they are too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

from textual import events
from textual.binding import Binding, BindingType

from vpi_tui.ui.widgets.glyphs import Glyphs, bar
from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Line, Span, clip, fit, width_of

_COLUMN = 37
_GAP = 3


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure. mark: a verdict's sign in `style`. share: 0..1 draws a bar; None = no bar."""

    name: str
    value: str
    mark: str = ""
    style: str = "number"
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Block:
    title: str
    gauges: tuple[Gauge, ...]


class Board(LineWidget, can_focus=True):
    """Blocks go to the shortest column, in order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_lines(-1)", "Up", show=False),
        Binding("down,j", "scroll_lines(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "scroll_lines(-10)", "Page up", show=False),
        Binding("pagedown,ctrl+f,space", "scroll_lines(10)", "Page down", show=False),
        Binding("home,g", "scroll_lines(-10000)", "Top", show=False),
        Binding("end,G", "scroll_lines(10000)", "Bottom", show=False),
    ]

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._blocks: tuple[Block, ...] = ()
        self._top = 0

    def set_blocks(self, blocks: Sequence[Block]) -> None:
        self._blocks = tuple(blocks)
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        lines = self._lay_out(width)
        self._top = max(min(self._top, len(lines) - height), 0)
        shown = lines[self._top : self._top + height]
        below = len(lines) - self._top - height
        if below > 0 and shown:
            shown[-1] = Line(((f" {below + 1} more lines below: Down", "muted"),))
        return shown

    def _lay_out(self, width: int) -> list[Line]:
        number = max(min((width + _GAP) // (_COLUMN + _GAP), 4), 1)
        room = (width - 2 - _GAP * (number - 1)) // number
        columns: list[list[tuple[Span, ...]]] = [[] for _ in range(number)]
        for block in self._blocks:
            shortest = min(columns, key=len)
            if shortest:
                shortest.append(())
            shortest.append(((fit(block.title, room), "title"),))
            shortest += [_gauge(gauge, room, self.look.glyphs) for gauge in block.gauges]
        tallest = max(len(column) for column in columns)
        return [_beside([c[y] if y < len(c) else () for c in columns], room) for y in range(tallest)]

    def action_scroll_lines(self, lines: int) -> None:
        self._top = max(self._top + lines, 0)
        self.redraw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll_lines(-3)


def _gauge(gauge: Gauge, room: int, glyphs: Glyphs) -> tuple[Span, ...]:
    """Sign, name, and at the right edge the value; a bar takes what is left between them."""
    left: list[Span] = [(fit(gauge.mark, 2), gauge.style)]
    if gauge.share is None:
        left += clip(((gauge.name, "muted"),), room - 4 - len(gauge.value))
        pad = max(room - width_of(left) - len(gauge.value), 1)
        return (*left, (" " * pad, "text"), (gauge.value, gauge.style))
    left.append((fit(gauge.name, 11, ellipsis=glyphs.ellipsis), "muted"))
    filled, rest = bar(gauge.share, max(room - 13 - 16, 4), glyphs)
    return (*left, (filled, "bar"), (rest, "bar.track"), (gauge.value.rjust(16), "number"))


def _beside(cells: Sequence[Sequence[Span]], room: int) -> Line:
    spans: list[Span] = [(" ", "text")]
    for number, cell in enumerate(cells):
        if number:
            spans.append((" " * _GAP, "text"))
        kept = clip(cell, room)
        spans += [*kept, (" " * max(room - width_of(kept), 0), "text")]
    return Line(tuple(spans))
