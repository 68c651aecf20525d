"""The line that is typed in: commands after `:`, filters after `/`, and answers to a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input

from vpi_tui.ui.widgets.line_widget import Common
from vpi_tui.ui.widgets.lines import Cell, line
from vpi_tui.ui.widgets.text_line import TextLines

KEPT_LINES = 50


@dataclass(frozen=True, slots=True)
class Question:
    """One use of the prompt.

    answered: gets the line on Enter; a text that it returns is an error, which is shown, and typing goes on.
    typed: gets each change; its text is an error or a hint that is shown. options: whole lines that the typed
    one could become. left: called when Esc was pressed. remembers: name of the list of earlier lines.
    """

    label: str
    answered: Callable[[str], object]
    typed: Callable[[str], str] = lambda _text: ""
    options: Callable[[str], Sequence[str]] = lambda _text: ()
    left: Callable[[], object] = lambda: None
    value: str = ""
    remembers: str = ""
    hint: str = ""


def returning(question: Question, before: Widget | None) -> Question:
    """The same question, which gives the keyboard back to who had it `before`, answered or not."""

    def give_back() -> None:
        if before is not None and before.is_attached:
            before.focus()

    def answered(text: str) -> object:
        give_back()
        return question.answered(text)

    def left() -> None:
        give_back()
        question.left()

    return replace(question, answered=answered, left=left)


@dataclass(slots=True)
class _State:
    question: Question
    offered: tuple[str, ...] = ()
    chosen: int = -1
    error: str = ""
    place: int = 0
    completing: bool = False


class Prompt(Vertical):
    """Opened by `ask`; it gives the keyboard back to whoever had it."""

    DEFAULT_CSS = """
    Prompt { layer: above; dock: bottom; height: 2; width: 1fr; display: none; background: $panel; }
    Prompt Horizontal { height: 1; }
    Prompt #prompt-label { width: auto; height: 1; }
    Prompt Input { width: 1fr; background: $panel; color: $foreground; }
    Prompt #prompt-offer { height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("tab", "complete(1)", "Complete", show=False, priority=True),
        Binding("shift+tab", "complete(-1)", "Complete", show=False, priority=True),
        Binding("up", "recall(-1)", "Earlier", show=False, priority=True),
        Binding("down", "recall(1)", "Later", show=False, priority=True),
    ]

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(id=common.get("id"), classes=common.get("classes"))
        self._state: _State | None = None
        self._lines: dict[str, list[str]] = {}

    def compose(self) -> ComposeResult:
        yield TextLines(id="prompt-offer", surface="panel")
        with Horizontal():
            yield TextLines(id="prompt-label", surface="panel")
            yield Input(compact=True, id="prompt-input", select_on_focus=False)

    @property
    def is_open(self) -> bool:
        return self._state is not None

    def ask(self, question: Question) -> None:
        self._state = _State(question, place=len(self._lines.get(question.remembers, ())))
        label = self.query_one("#prompt-label", TextLines)
        label.styles.width = len(question.label) + 1
        label.set_lines([line((f" {question.label}", "footer.key"), surface="panel")])
        field_ = self.query_one(Input)
        field_.cursor_blink = False
        with field_.prevent(Input.Changed):
            field_.value = question.value
        field_.cursor_position = len(question.value)
        self.display = True
        field_.focus()
        self._look_at(question.value)

    def close(self) -> None:
        self._state = None
        self.display = False

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        if self._state is None:
            return
        if self._state.completing:
            self._state.completing = False
            self._state.error = self._state.question.typed(message.value)
            self._draw()
        else:
            self._look_at(message.value)

    def _look_at(self, text: str) -> None:
        state = self._state
        if state is None:
            return
        state.offered, state.chosen = tuple(state.question.options(text)), -1
        error = state.question.typed(text)
        state.error = "" if state.offered else error  # what can be completed is not wrong yet
        self._draw()

    def _draw(self) -> None:
        state = self._state
        if state is None:
            return
        spans: list[Cell] = [(" ", "text")]
        if state.error:
            spans.append((state.error, "error"))
        elif state.offered:
            for place, option in enumerate(state.offered):
                spans += ((option, "accent" if place == state.chosen else "muted"), ("  ", "muted"))
        else:
            spans.append((state.question.hint, "muted"))
        self.query_one("#prompt-offer", TextLines).set_lines([line(*spans, surface="panel")])

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        state = self._state
        if state is None:
            return
        text = message.value
        self._remember(state.question.remembers, text)
        self.close()
        error = state.question.answered(text)
        if isinstance(error, str) and error:
            self.ask(replace(state.question, value=text))
            if self._state is not None:
                self._state.error = error
                self._draw()

    def _remember(self, name: str, text: str) -> None:
        if name and text.strip():
            lines = self._lines.setdefault(name, [])
            if not lines or lines[-1] != text:
                lines.append(text)
            del lines[:-KEPT_LINES]

    def action_leave(self) -> None:
        state = self._state
        self.close()
        if state is not None:
            state.question.left()

    def action_complete(self, step: int) -> None:
        state = self._state
        if state is None or not state.offered:
            return
        state.chosen = (state.chosen + step) % len(state.offered)
        self._set(state.offered[state.chosen])

    def action_recall(self, step: int) -> None:
        state = self._state
        lines = self._lines.get(state.question.remembers, []) if state else []
        if state is None or not lines:
            return
        state.place = min(max(state.place + step, 0), len(lines))
        self._set(lines[state.place] if state.place < len(lines) else "")

    def _set(self, text: str) -> None:
        field_ = self.query_one(Input)
        if self._state is not None and text != field_.value:
            self._state.completing = True
        field_.value = text
        field_.cursor_position = len(text)
