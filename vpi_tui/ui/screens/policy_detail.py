"""The policy that would allow just what was learned: looked at, then written and put in force."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from vpi_tui.config.paths import with_home
from vpi_tui.feed.messages import EngineMessage, GetPolicy, PolicyProposal, UsePolicy
from vpi_tui.ui.policy_file import write_new
from vpi_tui.ui.screens.drill import Detail
from vpi_tui.ui.widgets.columns import Column
from vpi_tui.ui.widgets.line_table import LineTable
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.view.cells import Rows
from vpi_tui.view.escape import safe
from vpi_tui.view.policy import policy_rows, proposed_path

_WIDE = 100


class PolicyView(Detail):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "write", "Write it", tooltip="into a file, and judge by it"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._proposal = PolicyProposal("", "")
        self._table = LineTable(
            (Column("text", "", 20, 1),), empty="Asking the engine", header=False, id="policy-text"
        )

    def compose(self) -> ComposeResult:
        yield Panel(self._table, title="Learned policy", id="policy-panel")

    def on_mount(self) -> None:
        self.ask()

    def ask(self) -> None:
        """What was learned by now?"""
        self.session.send(GetPolicy())

    def on_resize(self) -> None:
        self.query_one(Panel).set_ruled(self.size.width < _WIDE)

    def first_focus(self) -> Widget | None:
        return self._table

    def heading(self) -> str:
        return "learned policy"

    def receive(self, message: EngineMessage) -> None:
        if not isinstance(message, PolicyProposal):
            return
        self._proposal = message
        self._table.set_empty(("Nothing was learned yet.", "b begins, and ends it; let a usual day go by."))
        self._table.set_source(policy_rows(message.text, message.current) if message.text else Rows())
        beside = safe(Path(message.path).name, 40) or "the one in force"
        compared = f"+ new, - not seen, beside {beside}" if message.current else "no policy is in force"
        note = compared if message.text else ""
        self.query_one(Panel).set_title("Learned policy", [(note, "muted")])

    def action_write(self) -> None:
        """Ask where to; a file that is there is not touched."""
        if not self._proposal.text:
            self.shell.say("Nothing was learned yet; b begins, and ends it.", "warning")
            return
        place = proposed_path(self._proposal.path, str(Path.cwd()))
        self.shell.ask("Write the policy to ", self._written, place)

    def _written(self, answer: str) -> str:
        name = answer.strip()
        if not name:
            return "Give the name of a file."
        path = with_home(name).absolute()
        if problem := write_new(path, self._proposal.text):
            return problem
        self.session.send(UsePolicy(str(path), self._proposal.text))
        self.shell.say(f"Written: {safe(str(path), 200)}. Next time: vpi-tui -p {safe(str(path), 200)}")
        return ""
