"""The program that the terminal tests run: every kind of cell, twelve steps, then it stands still.

usage: python -m tests.ui_foundation.shapes_app stock|diff STEPS_PER_SECOND
SHAPES_REPORT: a file that is told how many frames were dropped.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from vpi_tui.ui.display import DiffDisplay
from vpi_tui.ui.widgets.graph import TrafficGraph
from vpi_tui.ui.widgets.line_table import Column, LineTable, SequenceSource
from vpi_tui.ui.widgets.lines import line
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.ui.widgets.text_line import TextLines

LAST_STEP = int(os.environ.get("SHAPES_STEPS", "12"))
WIDE = ("漢字 wide", "e\u0301 combining a\u0308\u0304", "日本 x", "plain text", "x 漢 y", "🙂 face 한글")


class Dialog(ModalScreen[None]):
    CSS = "Dialog { align: center middle; } Static { width: 30; height: 5; background: $panel; }"

    def compose(self) -> ComposeResult:
        yield Static("a dialog over it", markup=False)


class Shapes(App[None]):
    CSS = "TrafficGraph { height: 8; } #head { height: 1; } #wide { height: 6; } Input { height: 3; }"
    BINDINGS: ClassVar[list[BindingType]] = [("d", "dialog", "Dialog"), ("z", "pause", "Pause")]
    rate = 8.0

    def compose(self) -> ComposeResult:
        yield TextLines(id="head", surface="header")
        yield TrafficGraph()
        yield TextLines(id="wide")
        yield Input(value="typed", id="input")
        columns = [Column("n", "N", 4, align="right"), Column("name", "Name", 10, 1), Column("last", "L", 6)]
        yield Panel(LineTable(columns), title="Rows")

    def on_mount(self) -> None:
        self.number = 0
        self.query_one("#input", Input).cursor_blink = False
        self.query_one(LineTable).focus()
        self.timer = self.set_interval(1 / self.rate, self.step)

    def step(self) -> None:
        self.number += 1
        n = self.number
        self.query_one("#head", TextLines).set_lines(
            [line(("step ", "header.label"), (str(n), "header.value"))]
        )
        self.query_one(TrafficGraph).set_series([(i * 7 + n) % 23 for i in range(200)], [n] * 90, seq=n)
        self.query_one("#wide", TextLines).set_lines(
            [line((WIDE[(n + i) % len(WIDE)], ("text", "accent")[i % 2]), f"  {n}") for i in range(6)]
        )
        rows = [((i * n) % 17, (str((i * n) % 17), WIDE[(i + n) % len(WIDE)], str(i))) for i in range(17)]
        self.query_one(LineTable).set_source(SequenceSource(rows))
        if n in (4, 6):
            self.action_dialog()
        if n == LAST_STEP:
            self.timer.stop()
            self.set_timer(0.1, self.finish)

    def action_dialog(self) -> None:
        if isinstance(self.screen, Dialog):
            self.pop_screen()
        else:
            self.push_screen(Dialog())

    def action_pause(self) -> None:
        with self.suspend():
            os.write(1, b"\x1b[H\x1b[44m" + b"junk of another program " * 80)

    def query_one(self, *args: Any, **kwargs: Any) -> Any:
        return self.screen_stack[0].query_one(*args, **kwargs)

    def finish(self) -> None:
        """Said in the header, so that the reader knows that the last picture is there."""
        self.query_one("#head", TextLines).set_lines([line(("finished", "good"))])
        if "SHAPES_REPORT" in os.environ:
            Path(os.environ["SHAPES_REPORT"]).write_text(str(getattr(self, "dropped_frames", 0)))


class DiffShapes(DiffDisplay, Shapes):
    pass


if __name__ == "__main__":
    Shapes.rate = float(sys.argv[2])
    (DiffShapes if sys.argv[1] == "diff" else Shapes)().run()
