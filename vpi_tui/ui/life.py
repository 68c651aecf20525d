"""What is shown while the engine starts, and when it has ended."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Unpack

from vpi_tui.ui.widgets.glyphs import bar
from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Cell, Line, clip, justify, line, width_of
from vpi_tui.view import life

if TYPE_CHECKING:
    from vpi_tui.ui.state import Session

_BAR = 36


class StartPane(LineWidget):
    """In place of the pages until the engine runs: what it does, and how far it is."""

    DEFAULT_CSS = "StartPane { width: 1fr; height: 1fr; display: none; }"

    def __init__(self, session: Callable[[], Session], **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._session = session

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        session = self._session()
        if session.over:
            return self._failed(session, width, height)
        told = life.start(session.snapshot, session.starting_for)
        shown: list[list[Cell]] = [[("vpi-tui", "header.brand")], [], [(told.doing, "text")], []]
        if told.share is not None:
            filled, rest = bar(told.share, _BAR, self.look.glyphs)
            shown += [[(filled, "bar"), (rest, "bar.track")], [(told.detail, "muted")]]
        if told.hint:
            shown += [[], [(told.hint, "muted")]]
        above = max((height - len(shown)) * 2 // 5, 0)
        return [Line()] * above + [_centred(cells, width) for cells in shown]

    def _failed(self, session: Session, width: int, height: int) -> list[Line]:
        """The start failed: the whole reason, on as many lines as it takes."""
        why = textwrap.wrap(life.reason(session.snapshot, session.failure), min(width - 8, 76))
        shown: list[list[Cell]] = [[("The engine could not start.", "error")], []]
        shown += [[(text, "text")] for text in why[: max(height - 4, 1)]]
        above = max((height - len(shown)) * 2 // 5, 0)
        return [Line()] * above + [_centred(cells, width) for cells in shown]


def _centred(shown: Sequence[Cell], width: int) -> Line:
    spans = clip(line(*shown).spans, width)
    return Line(((" " * max((width - width_of(spans)) // 2, 0), "text"), *spans))


class LifeBar(LineWidget):
    """One line above the footer when the engine has ended: why, and the keys that help."""

    DEFAULT_CSS = "LifeBar { height: 1; width: 1fr; display: none; }"

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._banner: life.Banner | None = None

    def set_banner(self, banner: life.Banner | None) -> None:
        self._banner = banner
        self.display = banner is not None
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        told = self._banner
        if told is None:
            return []
        keys = [s for key, does in told.keys for s in ((key, "footer.key"), (f" {does}  ", "footer.text"))]
        left = clip([(f" {told.text}", told.style)], width - width_of(keys) - 1)
        return [justify(left, keys, width, "panel")][:height]
