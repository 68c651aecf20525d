"""Plain lines: header, footer, rulers, small blocks of text. They repaint only what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from textual import events
from textual.message import Message

from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Cell, Line, Span, cells, clip, justify, line, width_of


class TextLines(LineWidget):
    """Lines of styled text; those that do not fit are cut with an ellipsis, never wrapped."""

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        surface: str = "background",
        **common: Unpack[Common],
    ) -> None:
        super().__init__(**common)
        self._content: Sequence[Line] = lines
        self._surface = surface

    def set_lines(self, lines: Sequence[Line]) -> None:
        self._content = lines
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        shown = [Line(tuple(clip(spans, width)), surface) for spans, surface in self._content[:height]]
        return shown + [Line((), self._surface)] * (height - len(shown))


class KeyFooter(LineWidget):
    """The keys that act here, most important first; the last ones are left out when the line is short."""

    DEFAULT_CSS = "KeyFooter { height: 1; width: 1fr; dock: bottom; }"

    class KeyClicked(Message):
        """A click on a key; `key` is the name given to `set_keys`."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._keys: tuple[tuple[str, str], ...] = ()
        self._right: tuple[Span, ...] = ()
        self._spots: list[tuple[int, int, str]] = []

    def set_keys(self, keys: Sequence[tuple[str, str]], right: Sequence[Cell] = ()) -> None:
        """keys: (key as it is shown, what it does). right: a note at the right edge."""
        self._keys, self._right = tuple(keys), line(*right).spans
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        room = width - width_of(self._right) - 1
        spans: list[Span] = []
        self._spots = []
        x = 0
        for key, label in self._keys:
            needed = cells(key) + cells(label) + 3
            if x + needed > room:
                break
            spans += ((" ", "footer.text"), (key, "footer.key"), (f" {label} ", "footer.text"))
            self._spots.append((x, x + needed, key))
            x += needed
        return [justify(spans, self._right, width, "footer")][:height]

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spots:
            if start <= event.x < end:
                self.post_message(self.KeyClicked(key))
