"""Panel: a titled frame round other widgets, drawn as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from textual.widget import Widget

from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Cell, Line, Span, clip, line, width_of


class Panel(LineWidget):
    """A frame with a title at the left and a note at the right of its top line.

    The class `-rule` draws only the top line, for narrow terminals.
    The frame takes the focus colours while a widget inside has the keyboard.
    """

    DEFAULT_CSS = """
    Panel { width: 1fr; height: 1fr; layout: vertical; padding: 1 1 1 1; }
    Panel.-rule { padding: 1 0 0 0; }
    """

    def __init__(
        self,
        *children: Widget,
        title: str = "",
        note: Sequence[Cell] = (),
        surface: str = "background",
        **common: Unpack[Common],
    ) -> None:
        super().__init__(*children, **common)
        self._title = title
        self._note: tuple[Span, ...] = line(*note).spans
        self._surface = surface

    def set_title(self, title: str, note: Sequence[Cell] | None = None) -> None:
        """note: spans at the right end of the top line; None = keep."""
        self._title = title
        if note is not None:
            self._note = line(*note).spans
        self.redraw()

    def set_ruled(self, ruled: bool) -> None:
        """Only a rule above, or a frame all round."""
        self.set_class(ruled, "-rule")
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        focused = self.has_focus_within
        edge = "border.focus" if focused else "border"
        frame, ruled = self.look.glyphs.frame, self.has_class("-rule")
        corners = (frame.horizontal, frame.horizontal) if ruled else (frame.top_left, frame.top_right)
        lines = [self._top_line(width, edge, "title.focus" if focused else "title", corners)]
        if ruled:
            return lines + [Line((), self._surface)] * (height - 1)
        side = (frame.vertical, edge)
        inner = (" " * max(width - 2, 0), "text")
        lines += [Line((side, inner, side), self._surface)] * (height - 2)
        bottom = frame.bottom_left + frame.horizontal * max(width - 2, 0) + frame.bottom_right
        return [*lines, Line(((bottom, edge),), self._surface)]

    def _top_line(self, width: int, edge: str, title_style: str, corners: tuple[str, str]) -> Line:
        rule = self.look.glyphs.frame.horizontal
        title = self._clipped_title(width - 4, title_style)
        room = width - 4 - width_of(title)
        note = [(" ", edge), *clip(self._note, room - 3), (" ", edge)] if self._note and room > 8 else []
        gap = max(width - 4 - width_of(title) - width_of(note), 0)
        spans = [(corners[0] + rule, edge), *title, (rule * gap, edge), *note, (rule + corners[1], edge)]
        return Line(tuple(spans), self._surface)

    def _clipped_title(self, room: int, style: str) -> list[Span]:
        """It leaves the note what this needs, but never more than half: of two that are long both are cut."""
        if not self._title:
            return []
        note = width_of(self._note) + 3 if self._note else 0
        return clip(((f" {self._title} ", style),), min(max(room - note, room // 2), room))

    def on_descendant_focus(self) -> None:
        self.redraw()

    def on_descendant_blur(self) -> None:
        self.call_later(self.redraw)
