"""The help of a screen, and the list of what the operator was told: text in a dialog."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from vpi_tui.ui.keys import KeyHelp
from vpi_tui.ui.state import Note
from vpi_tui.ui.widgets.line_table import Column, LineTable, SequenceSource
from vpi_tui.ui.widgets.lines import Cell
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.view import humanize
from vpi_tui.view.escape import safe

_WRAP = 58
"""Cells of a line of text in the dialog at 80 columns."""


class ListDialog(ModalScreen[None]):
    """Rows to read. Esc, Enter, q or ? close it."""

    DEFAULT_CSS = """
    ListDialog { align: center middle; background: transparent; }
    ListDialog #dialog-box { width: 90; max-width: 96%; height: auto; max-height: 90%; }
    ListDialog Panel { background: $panel; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "close", "Close", priority=True)
    ]

    def __init__(
        self, title: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], empty: str = ""
    ) -> None:
        super().__init__()
        self._heading, self._columns, self._rows, self._empty = title, columns, rows, empty

    def compose(self) -> ComposeResult:
        box = Vertical(id="dialog-box")
        box.styles.height = max(len(self._rows), 3) + 2
        with (
            box,
            Panel(title=self._heading, note=[("Esc", "footer.key"), (" close", "muted")], surface="panel"),
        ):
            source = SequenceSource(list(enumerate(self._rows)))
            yield LineTable(self._columns, source, header=False, surface="panel", empty=self._empty)

    def action_close(self) -> None:
        self.dismiss(None)


class HelpScreen(ListDialog):
    def __init__(self, groups: Sequence[tuple[str, Sequence[KeyHelp]]]) -> None:
        rows: list[Sequence[Cell]] = []
        for title, lines in groups:
            if rows:
                rows.append(("", ""))
            rows.append(("", (title, "title")))
            for entry in lines:
                first, *more = textwrap.wrap(entry.text, _WRAP) or [""]
                rows += [((entry.key, "footer.key"), first), *(("", text) for text in more)]
        columns = (Column("key", "", 9, align="right"), Column("text", "", 20, 1))
        super().__init__("Keys", columns, rows)


class NoticesScreen(ListDialog):
    """What the operator was told, newest first."""

    def __init__(self, notes: Sequence[Note], zone: tzinfo = UTC) -> None:
        rows: list[Sequence[Cell]] = []
        for note in reversed(notes):
            when = humanize.clock(int(note.when * 1e9), zone)
            kind = note.severity if note.severity != "information" else "told"
            first, *more = textwrap.wrap(safe(note.text, 1000), _WRAP - 6) or [""]
            rows.append(((when, "time"), (kind, f"notice.{note.severity}"), first))
            rows += [("", "", text) for text in more]
        columns = (Column("when", "", 8), Column("kind", "", 7), Column("text", "", 20, 1))
        super().__init__("Notices", columns, rows, "Nothing was told so far.")
