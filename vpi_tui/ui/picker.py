"""Picker: a list in a dialog, narrowed by typing. The command palette and the list of themes are pickers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from vpi_tui.ui.widgets.line_table import Column, LineTable, SequenceSource
from vpi_tui.ui.widgets.lines import Span
from vpi_tui.ui.widgets.panel import Panel

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """key: what the picker returns. name, help: escaped. style: theme style of the name."""

    key: str
    name: str
    help: str = ""
    style: str = "text"


def rank(choices: Sequence[Choice], typed: str) -> list[Choice]:
    """Those that hold all words typed: names that begin with the first word before the others."""
    words = typed.lower().split()
    if not words:
        return list(choices)
    held = [c for c in choices if all(word in f"{c.name} {c.help}".lower() for word in words)]
    return sorted(held, key=lambda c: _distance(c.name.lower(), words[0]))


def _distance(name: str, word: str) -> int:
    place = name.find(word)
    return 0 if place == 0 else 1 if place > 0 and not name[place - 1].isalnum() else 2 if place > 0 else 3


class _Choices(LineTable):
    """The list under the line that is typed in: its cursor is lit though the keyboard is there."""

    def _margin(self, chosen: bool) -> Span:
        return (self.look.glyphs.cursor if chosen else " ", "accent")

    def _ground(self, chosen: bool) -> str:
        return "selection" if chosen else self._surface


class Picker(ModalScreen[str | None]):
    """Returns the key of the choice, or None after Esc. `looked`: told the key under the cursor."""

    DEFAULT_CSS = """
    Picker { align: center top; background: transparent; }
    Picker #picker-box { width: 76; max-width: 96%; height: 20; max-height: 90%; margin: 2 0 0 0; }
    Picker Panel { background: $panel; }
    Picker Input { width: 1fr; margin: 0 1; background: $panel; color: $foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "page(-1)", "Page up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Page down", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        looked: Callable[[str], object] | None = None,
        start: str = "",
    ) -> None:
        super().__init__()
        self._heading = title
        self._choices = choices
        self._looked = looked
        self._start = start

    def compose(self) -> ComposeResult:
        columns = (Column("name", "", 20, 1), Column("help", "", 20, 2, style="muted", priority=1))
        with Vertical(id="picker-box"), Panel(title=self._heading, surface="panel"):
            yield Input(compact=True, id="picker-input")
            yield _Choices(columns, header=False, surface="panel", empty="Nothing fits.", id="picker-list")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self._fill("")
        if self._start:
            self._table.move_to_key(self._start)

    @property
    def _table(self) -> LineTable:
        return self.query_one(LineTable)

    def _fill(self, typed: str) -> None:
        shown = rank(self._choices, typed)[:MOST_SHOWN]
        self._table.set_source(SequenceSource([(c.key, ((c.name, c.style), c.help)) for c in shown]))

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        self._fill(message.value)
        self._table.action_top()
        self._tell()

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.dismiss(self._chosen())

    @on(LineTable.RowSelected)
    def _selected(self, message: LineTable.RowSelected) -> None:
        message.stop()
        self.dismiss(self._chosen())

    def _chosen(self) -> str | None:
        key = self._table.cursor_key
        return key if isinstance(key, str) else None

    @on(LineTable.RowHighlighted)
    def _highlighted(self, message: LineTable.RowHighlighted) -> None:
        message.stop()
        self._tell()

    def _tell(self) -> None:
        key = self._chosen()
        if self._looked is not None and key is not None:
            self._looked(key)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_move(self, step: int) -> None:
        self._table.action_move(step)

    def action_page(self, step: int) -> None:
        self._table.action_page(step)
