"""What stands round every page: header, list of screens, breadcrumbs, and the line of messages."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Unpack

from textual import events
from textual.message import Message

from vpi_tui.ui.screens.registry import PAGES
from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import Line, Span, clip, fit, justify, line, width_of
from vpi_tui.view import header, humanize
from vpi_tui.view.escape import safe
from vpi_tui.view.header import Condition

if TYPE_CHECKING:
    from vpi_tui.ui.state import Note, Session


class HeaderBar(LineWidget):
    """The first line: mode, rates, drops, alerts, clock."""

    DEFAULT_CSS = "HeaderBar { height: 1; width: 1fr; }"

    def __init__(self, session: Callable[[], Session], **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._session = session

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        session, glyphs = self._session(), self.look.glyphs
        shown = header.fields(
            session.snapshot,
            session.history,
            _condition(session),
            session.inbox.open_by_severity(),
            glyphs.severity,
            _clock(session),
        )
        left, right = header.fit(shown, width)
        return [justify(left, right, width, "header")][:height]


def _condition(session: Session) -> Condition:
    speed = "" if session.speed == 1.0 else "max" if session.speed == 0 else f"x{session.speed:g}"
    life = "paused" if session.held and session.life == "running" else session.life
    return Condition(life, session.frozen_for, session.frozen, session.held_alerts, session.silent_for, speed)


def _clock(session: Session) -> str:
    now = session.now_ns
    if not now:
        return ""
    return f"{humanize.clock(now, session.zone):>8} {humanize.zone_name(now, session.zone)}"


_WHOLE = 99
_LAYOUTS = (
    *((False, letters, gap) for letters, gap in ((_WHOLE, " "), (_WHOLE, ""))),
    *(
        (True, letters, gap)
        for letters, gap in ((_WHOLE, " "), (_WHOLE, ""), (5, ""), (4, ""), (3, ""), (2, ""))
    ),
)
"""Verdicts without labels, letters of the titles of screens, what stands behind: the first for which the
second line has room. Whole titles are worth more than labels."""


class NavBar(LineWidget):
    """The second line: the screens with their number keys; at the right whether a silence can be trusted."""

    DEFAULT_CSS = "NavBar { height: 1; width: 1fr; }"

    class Chosen(Message):
        """A click on a screen."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, session: Callable[[], Session], **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._session = session
        self._here = ""
        self._spots: list[tuple[int, int, str]] = []

    def set_here(self, name: str) -> None:
        self._here = name
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        snapshot, marks = self._session().snapshot, self.look.glyphs.coverage
        for narrow, letters, gap in _LAYOUTS:
            shown = header.verdicts(snapshot, marks, narrow=narrow)
            needed = sum(field.width + 2 for field in shown if field.rank <= header.NEEDED)
            spans = self._tabs(letters, gap)
            if width_of(spans) + needed <= width:
                break
        _, right = header.fit(shown, width - width_of(spans))
        return [justify(spans, right, width)][:height]

    def _tabs(self, letters: int, gap: str) -> list[Span]:
        """letters: so many of the titles of the screens that are not shown."""
        spans: list[Span] = []
        self._spots = []
        for entry in PAGES:
            start = width_of(spans)
            here = entry.name == self._here
            spans += (
                (f" {entry.key} ", "tab.key"),
                (entry.title if here else entry.title[:letters], "tab.here" if here else "tab"),
                (gap, "tab"),
            )
            self._spots.append((start, width_of(spans), entry.name))
        return spans

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._spots:
            if start <= event.x < end:
                self.post_message(self.Chosen(name))


class TrailBar(LineWidget):
    """Breadcrumbs and the filter; not there when one is at the root of a page and sees everything."""

    DEFAULT_CSS = "TrailBar { height: 1; width: 1fr; display: none; }"

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._crumbs: tuple[str, ...] = ()
        self._filter = ""

    def set_trail(self, crumbs: tuple[str, ...], filter_text: str) -> None:
        """crumbs: escaped, the last one is where one is. Fewer than two and no filter: nothing to say."""
        self._crumbs, self._filter = crumbs, filter_text
        self.display = len(crumbs) > 1 or bool(filter_text)
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        spans: list[Span] = [(" ", "breadcrumb")]
        for place, crumb in enumerate(self._crumbs):
            if place:
                spans.append((f" {self.look.glyphs.arrow} ", "faint"))
            last = place == len(self._crumbs) - 1
            spans.append((crumb, "breadcrumb.here" if last else "breadcrumb"))
        if self._filter:
            spans += (("   /", "footer.key"), (self._filter, "accent"))
        right: list[Span] = [("Esc", "footer.key"), (" back ", "footer.text")]
        return [justify(clip(spans, width - 10), right, width)][:height]


_NOTICE_SECONDS = {"information": 5.0, "warning": 8.0, "error": 15.0}


class MessageBar(LineWidget):
    """What the operator was just told, over the last lines of the page; gone after seconds or by a click."""

    DEFAULT_CSS = """
    MessageBar { layer: above; dock: bottom; height: auto; width: 1fr; display: none; margin: 0 0 1 0; }
    """
    MOST = 3

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._notes: list[tuple[float, Note]] = []
        """Each with the time when it goes, by the clock that never steps back."""

    def tell(self, note: Note) -> None:
        until = time.monotonic() + _NOTICE_SECONDS[note.severity]
        self._notes = [*self._notes, (until, note)][-self.MOST :]
        self._resized()

    def clear(self) -> None:
        self._notes = []
        self._resized()

    def expire(self) -> None:
        """Drop what was shown long enough; called once a second."""
        kept = [entry for entry in self._notes if entry[0] > time.monotonic()]
        if len(kept) != len(self._notes):
            self._notes = kept
            self._resized()

    def _resized(self) -> None:
        self.display = bool(self._notes)
        self.styles.height = len(self._told(self.app.size.width))
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        return self._told(width)[:height]

    def _told(self, width: int) -> list[Line]:
        marks = {"information": self.look.glyphs.separator, "warning": "!", "error": "!"}
        lines = []
        for _, note in self._notes:
            style = f"notice.{note.severity}"
            text = textwrap.wrap(safe(note.text, 1000), max(width - 4, 8), max_lines=3, placeholder=" ...")
            for place, part in enumerate(text):
                mark = "   " if place else f" {marks[note.severity]} "
                lines.append(line((mark, style), (part, style), surface="panel"))
        return lines

    def on_click(self) -> None:
        self.clear()


class SmallPane(LineWidget):
    """Over everything when the terminal is too small to draw on."""

    DEFAULT_CSS = "SmallPane { layer: top; width: 1fr; height: 1fr; dock: top; display: none; }"

    def __init__(self, least: tuple[int, int], **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self._least = least

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        told = (
            f"This terminal has {width} x {height} cells.",
            f"The dashboard needs {self._least[0]} x {self._least[1]}.",
            "Make it larger, or q quits.",
        )
        above = [Line()] * max((height - len(told)) // 2, 0)
        return [*above, *(line((fit(text, width, "center"), "text")) for text in told)][:height]
