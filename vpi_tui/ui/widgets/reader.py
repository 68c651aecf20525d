"""Reader: labelled lines to be read, such as facts or a rule. Wraps long values, scrolls with the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Unpack

from textual import events
from textual.binding import Binding, BindingType

from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Cell, Line, Span, cells, fit, line, width_of

Entry = tuple[str, tuple[Cell, ...]]
"""(label, value). No label and no value = a blank line; a label alone = a heading."""

_MOST_LINES = 5_000
_LONGEST_LABEL = 16


class Reader(LineWidget, can_focus=True):
    """Labels stand in one column, values beside them and wrapped under themselves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_lines(-1)", "Up", show=False),
        Binding("down,j", "scroll_lines(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "scroll_lines(-10)", "Page up", show=False),
        Binding("pagedown,ctrl+f,space", "scroll_lines(10)", "Page down", show=False),
        Binding("home,g", "scroll_lines(-100000)", "Top", show=False),
        Binding("end,G", "scroll_lines(100000)", "Bottom", show=False),
    ]

    def __init__(
        self,
        entries: Sequence[Entry] = (),
        *,
        surface: str = "background",
        **common: Unpack[Common],
    ) -> None:
        super().__init__(**common)
        self._entries = tuple(entries)
        self._surface = surface
        self._top = 0
        self._laid_out: tuple[int, list[Line]] = (-1, [])

    def set_entries(self, entries: Sequence[Entry], *, keep_place: bool = True) -> None:
        """keep_place: stay where the reader scrolled to, for a text that was only brought up to date."""
        if not keep_place:
            self._top = 0
        self._entries = tuple(entries)
        self._laid_out = (-1, [])
        self.redraw()

    def height_for(self, width: int) -> int:
        """Lines that all of it takes in a widget of this width."""
        return len(self._lay_out(width - 2))

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        lines = self._lay_out(width - 2)
        self._top = max(min(self._top, len(lines) - height), 0)
        shown = lines[self._top : self._top + height]
        if len(lines) > height:
            shown = [self._with_bar(entry, y, width, height, len(lines)) for y, entry in enumerate(shown)]
        return shown + [Line((), self._surface)] * (height - len(shown))

    def _lay_out(self, width: int) -> list[Line]:
        if self._laid_out[0] != width:
            labels = [cells(label) for label, value in self._entries if label and value]
            column = min(max(labels, default=0), _LONGEST_LABEL, max(width // 3, 1))
            lines: list[Line] = []
            for label, value in self._entries:
                lines += self._entry(label, value, column, width)
                if len(lines) > _MOST_LINES:
                    break
            self._laid_out = (width, lines)
        return self._laid_out[1]

    def _entry(self, label: str, value: tuple[Cell, ...], column: int, width: int) -> list[Line]:
        if not value:
            return [line(" ", (fit(label, width).rstrip(), "title"), surface=self._surface)]
        ellipsis = self.look.glyphs.ellipsis
        gap = f" {fit(label, column, ellipsis=ellipsis)}  " if column else " "
        wrapped = wrap(line(*value).spans, max(width - len(gap), 8))
        first = Line(((gap, "muted"), *wrapped[0]), self._surface)
        return [first, *(Line(((" " * len(gap), "text"), *spans), self._surface) for spans in wrapped[1:])]

    def _with_bar(self, entry: Line, y: int, width: int, height: int, count: int) -> Line:
        length = max(height * height // count, 1)
        first = round(self._top / (count - height) * (height - length))
        glyphs = self.look.glyphs
        inside = first <= y < first + length
        mark = (glyphs.thumb, "scrollbar") if inside else (glyphs.groove, "scrollbar.track")
        pad = max(width - 1 - width_of(entry.spans), 0)
        return Line((*entry.spans, (" " * pad, "text"), mark), entry.surface)

    def action_scroll_lines(self, lines: int) -> None:
        self._top = max(self._top + lines, 0)
        self.redraw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll_lines(-3)


def wrap(spans: Sequence[Span], width: int) -> list[tuple[Span, ...]]:
    """Spans broken into lines of at most `width` cells, at blanks where there are some; at least one line."""
    lines: list[tuple[Span, ...]] = []
    current: list[Span] = []
    room = width
    for text, style in spans:
        for word in _words(text):
            if cells(word) > room and room < width:
                lines.append(tuple(current))
                current, room = [], width
            for piece in _pieces(word if room < width else word.lstrip(), width):
                if cells(piece) > room:
                    lines.append(tuple(current))
                    current, room = [], width
                current.append((piece, style))
                room -= cells(piece)
    lines.append(tuple(current))
    return lines


def _words(text: str) -> list[str]:
    """The text cut before each blank that follows a word, so that nothing is lost."""
    words: list[str] = []
    for number, word in enumerate(text.split(" ")):
        words.append(word if not number else f" {word}")
    return words


def _pieces(word: str, width: int) -> list[str]:
    """A word that is wider than a line, cut to lines."""
    if cells(word) <= width:
        return [word]
    step = max(width // 2 if not word.isascii() else width, 1)
    return [word[i : i + step] for i in range(0, len(word), step)]
