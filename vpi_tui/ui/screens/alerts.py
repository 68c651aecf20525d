"""Alerts: the inbox, grouped by signature and guest: acknowledge, note, switch the rule, open the packet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from vpi_tui.model.event import Alert
from vpi_tui.ui.screens.alert_detail import AlertView
from vpi_tui.ui.screens.drill import DrillPage
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.columns import Column
from vpi_tui.ui.widgets.line_table import LineTable
from vpi_tui.ui.widgets.lines import Span
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.view import humanize
from vpi_tui.view.alerts import FIELDS, ORDERS, Group, inbox_rows, select
from vpi_tui.view.cells import SEVERITY_STYLES, SEVERITY_WORDS
from vpi_tui.view.coverage import no_alerts

ORDER_KEYS = ("severity", "last", "count", "signature", "guest", "technique", "first")
_WIDE, _NARROW = 100, 80
WORDS_FIRST = frozenset({"signature", "guest", "technique"})


def columns(zone: str, room: int = _WIDE) -> tuple[Column, ...]:
    """zone: name of the zone that the times are in. room: cells of the terminal; where there are many, names
    of rules may take more of them than times."""
    signature, guest = (43, 23) if room >= _WIDE else (26, 18) if room >= _NARROW else (16, 13)
    return (
        Column("severity", "Level", 8),
        Column("count", "Count", 5, align="right"),
        Column("signature", "Signature", signature, 2, limit=90),
        Column("guest", "Guest > peer", guest, 1, limit=44),
        Column("last", "Last", 7, align="right"),
        Column("technique", "ATT&CK", 9, priority=2),
        Column("first", f"First {zone}", max(len(zone) + 7, 8), priority=4),
        Column("last_at", f"Last {zone}", max(len(zone) + 6, 8), priority=3, sortable=False),
        Column("state", "State", 8, 0.5, priority=1, sortable=False),
    )


class AlertsPage(DrillPage):
    FIELDS = FIELDS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "acknowledge", "Ack", tooltip="acknowledge, or open again"),
        Binding("n", "note", "Note", tooltip="a note on this group, kept for this session"),
        Binding("x", "switch_rule", "Rule off", tooltip="switch the rule off or on again; u undoes"),
        Binding("v", "acknowledged", "All", tooltip="show acknowledged groups too, or only open ones"),
        Binding("less_than_sign", "sort(-1)", show=False),
        Binding(
            "greater_than_sign",
            "sort(1)",
            "Sort",
            key_display="< >",
            tooltip="sort by the next column, or by the one before",
        ),
        Binding("s", "reverse", "Reverse", show=False, tooltip="turn the order round"),
    ]

    sort_key = "severity"
    descending = True
    acknowledged = False
    _groups: Sequence[Group] = ()

    def compose_list(self) -> ComposeResult:
        yield Panel(LineTable(columns("UTC"), id="alert-table"), title="Alerts", id="alert-panel")

    def on_resize(self) -> None:
        self.query_one("#alert-panel", Panel).set_ruled(self.size.width < _WIDE)

    @property
    def table(self) -> LineTable:
        return self.query_one("#alert-table", LineTable)

    # Drawing ----------------------------------------------------------------------------------

    def show(self, session: Session) -> None:
        session.need_rules()
        super().show(session)

    def show_list(self, session: Session) -> None:
        self._groups = select(
            session.inbox,
            scope=session.scope,
            wanted=self._filter,
            acknowledged=self.acknowledged,
            sort=self.sort_key,
            descending=self.descending,
        )
        zone = humanize.zone_name(session.now_ns, session.zone)
        wanted = columns(zone, self.size.width)
        if wanted != self.table.columns:
            self.table.set_columns(wanted)
        self.table.set_sort(self.sort_key, self.descending)
        self.table.set_empty(self._why_empty(session))
        marks = self.look.glyphs.severity
        rows = inbox_rows(self._groups, marks, session.now_ns, session.zone, off=session.rules.off)
        self.table.set_source(rows)
        self._title(session)

    def _title(self, session: Session) -> None:
        counts = session.inbox.open_by_severity(session.scope)
        marks = self.look.glyphs.severity
        note: list[Span] = []
        for mark, word, style, count in zip(marks, SEVERITY_WORDS, SEVERITY_STYLES, counts, strict=True):
            if count:
                note.append((f"{mark} {humanize.count(count)} {word}  ", style))
        note.append((f"{len(self._groups)} groups", "muted"))
        if self.acknowledged:
            note.append((", acknowledged too", "muted"))
        if session.inbox.dropped:
            note.append((f", {humanize.count(session.inbox.dropped)} lost on the way", "warning"))
        self.query_one("#alert-panel", Panel).set_title("Alerts", note)

    def _why_empty(self, session: Session) -> tuple[str, ...]:
        if self._filter:
            return ("No alert fits the filter.", "Esc takes it away.")
        snapshot = session.snapshot
        share = no_alerts(snapshot, session.scope) if snapshot else ""
        if session.inbox.total and not self.acknowledged and session.scope.kind == "all":
            return ("All alerts are acknowledged: v shows them.", share)
        if session.inbox.total:
            return (
                f"No open alert in {session.scope.label}: v shows acknowledged ones, Esc widens the scope.",
                share,
            )
        if snapshot is None or snapshot.state == "starting":
            return ("The engine is starting; rules act as soon as it runs.",)
        if not snapshot.rules_enabled:
            return (
                "No rule is on, so nothing can raise an alert.",
                "5 opens the rules; Space switches them.",
            )
        return (
            no_alerts(snapshot, session.scope),
            f"{snapshot.rules_enabled:,} rules are watching: 5. Whether the engine keeps up: 9.",
        )

    # What is chosen ---------------------------------------------------------------------------

    @property
    def group(self) -> Group | None:
        """The group that the keys act on: that of the open alert, or that under the cursor."""
        if isinstance(self.detail, AlertView):
            return self.session.inbox.find(self.detail.alert)
        return self.session.inbox.get(self.table.cursor_key)

    def open_alerts(self, alerts: Sequence[Alert], index: int = -1) -> None:
        """Look at these alerts one by one, beginning with one of them."""
        if alerts:
            self.drill(AlertView(alerts, index))

    def reveal(self, key: object) -> None:
        """key: of a group."""
        if self.detail is not None:
            self.back()
        group = self.session.inbox.get(key)
        if group is not None and not group.open:
            self.acknowledged = True
        self.show_list(self.session)
        if group is not None:
            self.table.move_to_key(group.key)

    @on(LineTable.RowSelected, "#alert-table")
    def _selected(self, message: LineTable.RowSelected) -> None:
        group = self.session.inbox.get(message.key)
        if group is not None:
            self.open_alerts(tuple(group.kept))

    # Keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return self.detail is None if action in ("sort", "reverse", "acknowledged") else True

    def action_acknowledge(self) -> None:
        group = self.group
        self.shell.say(self.session.inbox.acknowledge(group.key if group else None))
        self.redraw_list()
        self.shell.redraw_frame()

    def action_note(self) -> None:
        group = self.group
        if group is None:
            self.shell.say("No alert is chosen.")
            return

        def answered(text: str) -> str:
            self.shell.say(self.session.inbox.annotate(group.key, text))
            self.redraw_list()
            return ""

        self.shell.ask("Note: ", answered, group.note)

    def action_switch_rule(self) -> None:
        group = self.group
        if group is None:
            self.shell.say("No alert is chosen.")
            return
        rule = self.session.rules.by_id.get(group.key[:2])
        self.session.toggle(enabled=rule is not None and not rule.enabled, sids=(group.key[:2],))
        self.redraw_list()

    @on(LineTable.RowToggled, "#alert-table")
    def _toggled(self) -> None:
        self.action_switch_rule()

    def action_acknowledged(self) -> None:
        self.acknowledged = not self.acknowledged
        self.redraw_list()

    def set_sort(self, key: str) -> None:
        """The same column again turns the order round."""
        if key not in ORDERS:
            return
        self.descending = not self.descending if key == self.sort_key else key not in WORDS_FIRST
        self.sort_key = key
        self.table.action_top()
        self.show_list(self.session)

    def action_sort(self, by: int) -> None:
        self.set_sort(ORDER_KEYS[(ORDER_KEYS.index(self.sort_key) + by) % len(ORDER_KEYS)])

    def action_reverse(self) -> None:
        self.set_sort(self.sort_key)

    @on(LineTable.HeaderSelected, "#alert-table")
    def _header(self, message: LineTable.HeaderSelected) -> None:
        self.set_sort(message.column.key)
