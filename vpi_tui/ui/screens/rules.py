"""Rules: packs and what is in them, switched at once; rules that did not load, each with its reason."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from vpi_tui.feed.messages import EngineMessage, RulesMessage
from vpi_tui.ui.screens.drill import DrillPage
from vpi_tui.ui.screens.rule_detail import RuleView
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.columns import Column
from vpi_tui.ui.widgets.line_table import LineTable
from vpi_tui.ui.widgets.lines import Span
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.view import humanize
from vpi_tui.view.escape import safe
from vpi_tui.view.rules import FIELDS, ORDERS, TITLES, Entry, Order, RuleBook, RuleRows, Signs

MOST_SWITCHED = 50_000


_WIDE = 100


def columns(zone: str, *, wide: bool = True, reasons: bool = False) -> tuple[Column, ...]:
    """zone: name of the zone that the times are in. wide: names of rules may take more room than places.

    reasons: some rule is off for another reason than that the operator switched it off.
    """
    return (
        Column("state", "State", 11 if reasons else 8, sortable=False),
        Column("sid", "Sid", 8, align="right", limit=12),
        Column("name", "Rule", 34 if wide else 24, 1),
        Column("severity", "Sev", 6),
        Column("technique", "ATT&CK", 9, priority=3, sortable=False),
        Column("hits", "Hits", 5, align="right"),
        Column("checks", "Checks", 6, align="right", priority=4),
        Column("matches", "Match", 5, align="right", priority=5),
        Column("cpu", "CPU", 4, align="right", priority=1),
        Column("last", f"Last {zone}", max(len(zone) + 5, 8), priority=2, align="right"),
        Column("origin", "Origin", 22, priority=6, limit=30, sortable=False),
    )


SORT_KEYS = ("", *ORDERS)
"""In which order `<` and `>` go; "" = by pack."""
WORDS_FIRST = frozenset({"name", "sid"})
"""What begins at A or 1 when it is chosen; all others begin with the most."""


class RulesPage(DrillPage):
    FIELDS = FIELDS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "On/off", tooltip="switch the rule or the whole pack; u undoes"),
        Binding("enter", "open", "Open", tooltip="open a rule; fold or unfold a pack"),
        Binding("right", "fold(False)", "Unfold", show=False, tooltip="unfold the pack"),
        Binding("left", "fold(True)", "Fold", show=False, tooltip="fold the pack"),
        Binding("f", "fold_all", "Fold all", tooltip="fold or unfold all packs"),
        Binding("h", "only_hit", "Hit", tooltip="only rules that raised an alert"),
        Binding("R", "reload", "Reload", tooltip="read the rule files again while packets go on"),
        Binding("o", "switch_shown(False)", "All off", tooltip="switch off all rules that fit the filter"),
        Binding(
            "O", "switch_shown(True)", "All on", show=False, tooltip="switch on all rules that fit the filter"
        ),
        Binding("less_than_sign", "sort(-1)", show=False),
        Binding(
            "greater_than_sign",
            "sort(1)",
            "Sort",
            key_display="< >",
            tooltip="all rules by hits, checks, matches, CPU, ...; Esc: by pack again",
        ),
        Binding("s", "reverse", "Reverse", show=False, tooltip="turn the order round"),
    ]

    order: Order | None = None
    """None = by pack."""
    _opened: frozenset[str] = frozenset()
    _drawn: tuple[object, ...] = ()
    _entries: list[Entry] = []  # noqa: RUF012 (replaced as a whole, never changed)

    def compose_list(self) -> ComposeResult:
        yield Panel(LineTable(columns("UTC"), id="rule-table"), title="Rules", id="rule-panel")

    def on_resize(self) -> None:
        self.query_one("#rule-panel", Panel).set_ruled(self.size.width < _WIDE)

    @property
    def table(self) -> LineTable:
        return self.query_one("#rule-table", LineTable)

    def reveal(self, key: object) -> None:
        """key: (gid, sid)."""
        match key:
            case (int(gid), int(sid)):
                self.open_rule(gid, sid)

    def open_rule(self, gid: int, sid: int) -> None:
        self.drill(RuleView(gid, sid))

    # Drawing ----------------------------------------------------------------------------------

    def show(self, session: Session) -> None:
        session.need_rules()
        super().show(session)

    def show_list(self, session: Session) -> None:
        book = session.rules
        zone = humanize.zone_name(session.now_ns, session.zone)
        wanted = columns(zone, wide=self.size.width >= _WIDE, reasons=book.has_reasons)
        if wanted != self.table.columns:
            self.table.set_columns(wanted)
        order = self.order
        self.table.set_sort(order.key if order else "", order.descending if order else True)
        self.table.set_empty(self._why_empty(session))
        glyphs = self.look.glyphs
        signs = Signs(glyphs.on, glyphs.off, glyphs.expanded, glyphs.collapsed)
        self._refresh_entries(book)
        self.table.set_source(RuleRows(book, self._entries, self._opened, signs, session.zone))
        self._title(book, session.snapshot.reloading if session.snapshot else "")

    def _refresh_entries(self, book: RuleBook) -> None:
        """New lines when rules, folds or filter changed; hits move lines only under a filter."""
        moving = book.hits if self._filter or self.order else None
        state = (book, self._filter, self._opened, self.order, moving)
        if len(self._drawn) == len(state) and all(a is b for a, b in zip(state, self._drawn, strict=True)):
            return
        self._drawn = state
        self._entries = book.entries(self._opened, self._filter, self.order)

    def _title(self, book: RuleBook, reloading: str) -> None:
        on_now = sum(rule.enabled for rule in book.by_id.values())
        note: list[Span] = [(f"{on_now:,} on", "rule.on"), (f" of {len(book):,} rules", "muted")]
        if book.refused:
            note.append((f", {len(book.refused):,} refused", "rule.refused"))
        if self._filter:
            shown = sum(entry.rule is not None for entry in self._entries)
            note.append((f", {shown:,} fit the filter", "accent"))
        if self.order:
            arrow = self.look.glyphs.descending if self.order.descending else self.look.glyphs.ascending
            note.append((f"  {arrow} {TITLES[self.order.key]}", "accent"))
        if reloading:
            note.append((f"  Reloading: {safe(reloading, 60)}", "new"))
        self.query_one("#rule-panel", Panel).set_title("Rules", note)

    def _why_empty(self, session: Session) -> tuple[str, ...]:
        if not session.rules_loaded:
            return ("The engine is loading its rules.", "They are listed here as soon as it runs.")
        if self._filter:
            return ("No rule fits the filter.", "Esc takes it away.")
        return ("No rule is loaded.", "Start with -S FILE, or without it for the packs that come along.")

    def receive(self, message: EngineMessage) -> None:
        super().receive(message)
        if isinstance(message, RulesMessage) and self.has_class("-shown") and not self.session.frozen:
            self.show(self.session)

    def back(self) -> bool:
        """Out of a rule, then back to the packs."""
        if super().back():
            return True
        if self.order is None:
            return False
        self._sort_by(None)
        return True

    # Keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return self.detail is None

    @property
    def entry(self) -> Entry | None:
        """The line with the cursor."""
        at = self.table.cursor
        return self._entries[at] if at < len(self._entries) else None

    def action_open(self) -> None:
        entry = self.entry
        if entry is None:
            return
        if entry.rule is not None:
            self.open_rule(entry.rule.gid, entry.rule.sid)
        elif entry.refused is not None:
            self.shell.say(
                f"Refused: {entry.refused.reason} ({entry.refused.path}:{entry.refused.line})", "warning"
            )
        elif entry.pack is not None:
            self._fold(entry.pack.name, entry.pack.name in self._opened)

    @on(LineTable.RowSelected, "#rule-table")
    def _selected(self) -> None:
        self.action_open()

    def action_fold(self, folded: bool) -> None:
        entry = self.entry
        if entry is not None and entry.pack is not None:
            self._fold(entry.pack.name, folded)
            self.table.move_to_key(("pack", entry.pack.name))

    def _fold(self, name: str, folded: bool) -> None:
        self._opened = self._opened - {name} if folded else self._opened | {name}
        self.show_list(self.session)

    def action_fold_all(self) -> None:
        if self._filter or self.order:
            self.shell.say("A filter or an order shows rules without folds: Esc ends it.")
            return
        packs = frozenset(self.session.rules.by_pack)
        self._opened = frozenset() if packs <= self._opened else self._opened | packs
        self.show_list(self.session)

    def action_switch(self) -> None:
        entry, session = self.entry, self.session
        if entry is None:
            return
        if entry.rule is not None:
            session.toggle(enabled=not entry.rule.enabled, sids=((entry.rule.gid, entry.rule.sid),))
        elif entry.pack is not None and entry.pack.name in session.rules.by_pack:
            rules = session.rules.by_pack[entry.pack.name]
            enabled = not all(rule.enabled for rule in rules)
            session.toggle(enabled=enabled, pack=entry.pack.name)
        else:
            self.shell.say("A refused rule cannot be switched: fix it in its file, then R reloads.")
        self.show_list(session)

    @on(LineTable.RowToggled, "#rule-table")
    def _toggled(self) -> None:
        self.action_switch()

    def action_switch_shown(self, enabled: bool) -> None:
        """All rules that fit the filter, in one order to the engine, so that one `u` takes it back."""
        if not self._filter:
            self.shell.say("Filter first: / and a word, such as /sev:low or /smb.")
            return
        sids = [(e.rule.gid, e.rule.sid) for e in self._entries if e.rule and e.rule.enabled != enabled]
        if not sids:
            self.shell.say(f"All rules that fit the filter are {'on' if enabled else 'off'} already.")
            return
        self.session.toggle(enabled=enabled, sids=sids[:MOST_SWITCHED])
        self.show_list(self.session)

    def _sort_by(self, order: Order | None) -> None:
        self.order = order
        self.table.action_top()
        self.show_list(self.session)

    def action_sort(self, by: int) -> None:
        key = SORT_KEYS[(SORT_KEYS.index(self.order.key if self.order else "") + by) % len(SORT_KEYS)]
        self._sort_by(Order(key, key not in WORDS_FIRST) if key else None)

    def action_reverse(self) -> None:
        if self.order is None:
            self.shell.say("Sort first: > by the next column.")
        else:
            self._sort_by(Order(self.order.key, not self.order.descending))

    @on(LineTable.HeaderSelected, "#rule-table")
    def _header(self, message: LineTable.HeaderSelected) -> None:
        key = message.column.key
        if self.order is not None and self.order.key == key:
            self.action_reverse()
        else:
            self._sort_by(Order(key, key not in WORDS_FIRST))

    def action_reload(self) -> None:
        self.session.reload_rules()
        self.shell.say("Reloading the rules. Those that run stay until the new ones are whole.")

    def action_only_hit(self) -> None:
        text = "" if self.filter_text == "is:hit" else "is:hit"
        self.apply_filter(text)
        self.filter_text = text
        self.shell.redraw_frame()
