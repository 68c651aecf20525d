"""One rule looked at closely: its text, what it means, what it raised."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from vpi_tui.feed.messages import EngineMessage, GetRule, RuleDetail
from vpi_tui.ui.screens.drill import Detail
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.columns import Column
from vpi_tui.ui.widgets.line_table import LineTable
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.ui.widgets.reader import Reader
from vpi_tui.view.alerts import Group, hit_rows
from vpi_tui.view.escape import safe
from vpi_tui.view.facts import rule_facts, rule_text_facts, rule_words

_WIDE, _TALL = 100, 26


class RuleView(Detail):
    DEFAULT_CSS = """
    RuleView { layout: vertical; }
    RuleView > #rule-facts { height: 6; }
    RuleView > #rule-middle { height: 1fr; }
    RuleView > #rule-hits { height: 30%; min-height: 5; }
    RuleView.-small > #rule-facts { height: 5; }
    RuleView.-small > #rule-hits { height: 5; }
    RuleView.-narrow > #rule-middle { layout: vertical; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "On/off", tooltip="switch this rule; u undoes", priority=True),
        Binding("x", "switch", show=False),
    ]

    def __init__(self, gid: int, sid: int) -> None:
        super().__init__()
        self.gid, self.sid = gid, sid
        self._facts, self._text, self._words = Reader(), Reader(), Reader()
        self._groups: list[Group] = []
        self._hits = LineTable(
            (
                Column("count", "Count", 5, align="right"),
                Column("guest", "Guest > peer", 24, 1),
                Column("last", "Last", 7, align="right"),
                Column("state", "State, note", 14, 1, priority=1),
            ),
            empty=("It raised no alert since this terminal watches.", "Space switches the rule."),
        )

    def compose(self) -> ComposeResult:
        yield Panel(self._facts, id="rule-facts")
        with Horizontal(id="rule-middle"):
            yield Panel(self._text, title="Rule")
            yield Panel(self._words, title="What it looks for")
        yield Panel(self._hits, title="Alerts", id="rule-hits")

    def on_mount(self) -> None:
        self._facts.can_focus = False
        self._text.set_entries([("", (("Asking the engine", "empty"),))])
        self.session.send(GetRule(self.gid, self.sid))

    def on_resize(self) -> None:
        narrow = self.size.width < _WIDE
        self.set_class(narrow, "-narrow")
        self.set_class(narrow or self.size.height < _TALL, "-small")
        for panel in self.query(Panel):
            panel.set_ruled(narrow)

    def first_focus(self) -> Widget | None:
        return self._text

    def heading(self) -> str:
        rule = self.session.rules.by_id.get((self.gid, self.sid))
        return safe(rule.msg, 60) if rule else f"rule {self.gid}:{self.sid}"

    def show(self, session: Session) -> None:
        session.need_rules()
        rule = session.rules.by_id.get((self.gid, self.sid))
        number = str(self.sid) if self.gid == 1 else f"{self.gid}:{self.sid}"
        panel = self.query_one("#rule-facts", Panel)
        if rule is None:
            panel.set_title(f"Rule {number}")
            self._facts.set_entries([("", (("This rule is not loaded.", "empty"),))])
        else:
            told = f"sid {number} rev {rule.rev}"
            narrow = self.has_class("-narrow")  # the breadcrumbs name the rule just above
            panel.set_title(told if narrow else safe(rule.msg, 160), [] if narrow else [(told, "muted")])
            stat = session.rules.hits.get((self.gid, self.sid))
            share = session.rules.share(stat.cpu_ns) if stat else None
            self._facts.set_entries(rule_facts(rule, stat, session.now_ns, session.zone, share))
        self._groups = session.inbox.of_rule(self.gid, self.sid)
        self._hits.set_source(hit_rows(self._groups, session.now_ns))

    def receive(self, message: EngineMessage) -> None:
        if not isinstance(message, RuleDetail) or (message.gid, message.sid) != (self.gid, self.sid):
            return
        text = rule_text_facts(message.rule) if message.rule else []
        self._text.set_entries(text or [("", (("The engine has no such rule.", "empty"),))])
        words = rule_words(message)
        behaviour = "A behaviour: part of the program, no signature says it. It is switched as rules are."
        self._words.set_entries(words or [("", ((behaviour, "text"),))])

    def action_switch(self) -> None:
        rule = self.session.rules.by_id.get((self.gid, self.sid))
        if rule is not None:
            self.session.toggle(enabled=not rule.enabled, sids=((self.gid, self.sid),))

    @on(LineTable.RowSelected)
    async def _open_alerts(self, message: LineTable.RowSelected) -> None:
        from vpi_tui.ui.screens.alerts import AlertsPage

        message.stop()
        page = await self.shell.go("alerts")
        if isinstance(page, AlertsPage):
            page.open_alerts(tuple(self._groups[message.index].kept))
