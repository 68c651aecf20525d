"""Overview: who is there, what they say, who says most, and what is wrong."""

from __future__ import annotations

from typing import ClassVar, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widget import Widget

from vpi_tui.model.snapshot import TalkerKind
from vpi_tui.ui.screens.base import Page
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.graph import TrafficGraph
from vpi_tui.ui.widgets.line_table import Column, LineTable
from vpi_tui.ui.widgets.lines import Cell
from vpi_tui.ui.widgets.mix_pane import MixPane
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.ui.widgets.scope_panel import ScopePanel
from vpi_tui.view import alerts, humanize, overview
from vpi_tui.view.coverage import no_alerts
from vpi_tui.view.filters import NOTHING, FilterError, parse
from vpi_tui.view.scope import Scope

NARROW = 110
"""Columns below which panels are only ruled, not framed, and stand closer."""

_T = TypeVar("_T")

_TALKERS = (
    Column("name", "Name", 22, 1),
    Column("share", "Share", 5, align="right"),
    Column("bytes", "Bytes", 7, align="right"),
    Column("pkts", "Packets", 7, align="right", priority=2),
    Column("flows", "Flows", 5, align="right", priority=1),
)
_ALERTS = (
    Column("severity", "Severity", 8),
    Column("count", "Count", 5, align="right"),
    Column("signature", "Signature", 30, 3),
    Column("parties", "Guest and peer", 16, 2),
    Column("technique", "Technique", 9, priority=2),
    Column("age", "Ago", 7, align="right", priority=1),
)


class OverviewPage(Page):
    """The first screen."""

    FIELDS = alerts.FIELDS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "kind", "Talkers", tooltip="top talkers: guests, pairs, ports, applications"),
        Binding("w", "window", "Window", tooltip="top talkers over 10 s, 1 min, 10 min, or since start"),
    ]
    DEFAULT_CSS = """
    OverviewPage { layout: vertical; }
    OverviewPage #ov-top { height: 1fr; layout: horizontal; }
    OverviewPage #ov-tree { width: 46; }
    OverviewPage #ov-right { width: 1fr; layout: vertical; }
    OverviewPage #ov-traffic { height: 1fr; }
    OverviewPage #ov-middle { height: 11; layout: horizontal; }
    OverviewPage #ov-mix { width: 2fr; max-width: 48; }
    OverviewPage #ov-talkers { width: 3fr; }
    OverviewPage #ov-alerts { height: 35%; min-height: 6; }
    OverviewPage.-narrow #ov-tree { width: 32; }
    OverviewPage.-narrow #ov-middle { height: 9; layout: vertical; }
    OverviewPage.-narrow #ov-mix { width: 1fr; height: 4; }
    OverviewPage.-narrow #ov-talkers { width: 1fr; height: 1fr; }
    OverviewPage.-narrow #ov-alerts { height: 5; min-height: 5; }
    """

    kind: TalkerKind = "peer"
    window = overview.WINDOWS[1]
    _wanted = NOTHING

    def compose(self) -> ComposeResult:
        with Horizontal(id="ov-top"):
            yield ScopePanel(id="ov-tree")
            with Vertical(id="ov-right"):
                with Panel(title="Traffic", id="ov-traffic"):
                    yield TrafficGraph()
                with Container(id="ov-middle"):
                    with Panel(title="Protocols", id="ov-mix"):
                        yield MixPane()
                    with Panel(title="Top talkers", id="ov-talkers"):
                        yield LineTable(_TALKERS, header=False, id="ov-talker-list")
        with Panel(title="Newest alerts", id="ov-alerts"):
            yield LineTable(_ALERTS, header=False, id="ov-alert-list")

    def first_focus(self) -> Widget | None:
        return self.query_one(ScopePanel).scope_tree

    def on_resize(self) -> None:
        narrow = self.size.width < NARROW
        self.set_class(narrow, "-narrow")
        self.query_one("#ov-talker-list", LineTable).set_columns(_TALKERS[:3] if narrow else _TALKERS)
        for panel in self.query(Panel):
            panel.set_class(narrow, "-rule")

    # Drawing ----------------------------------------------------------------------------------

    def show(self, session: Session) -> None:
        self.query_one(ScopePanel).show(session)
        self._show_alerts(session)
        if session.snapshot is None:
            return
        self._show_traffic(session)
        self._show_mix(session)
        self._show_talkers(session)

    def _show_traffic(self, session: Session) -> None:
        graph = self.query_one(TrafficGraph)
        glyphs = self.look.glyphs
        points = max(graph.size.width * (2 if glyphs.braille else 1), 2)
        shown = overview.traffic(session.history, session.scope, points)
        narrow = self.has_class("-narrow")
        names = shown.short_names if narrow else shown.names
        up, down = (
            [(f"{mark} {name} ", style), (f"{humanize.bit_rate(rate):>9}", "number")]
            for mark, name, style, rate in (
                (glyphs.ascending, names[0], "graph.in", shown.now[0]),
                (glyphs.descending, names[1], "graph.out", shown.now[1]),
            )
        )
        title = "Traffic" if narrow else f"Traffic, {humanize.duration(points * shown.step)}"
        self.query_one("#ov-traffic", Panel).set_title(title, [*up, "  ", *down])
        graph.set_series(shown.upper, shown.lower, seq=shown.number)

    def _show_mix(self, session: Session) -> None:
        snapshot = session.snapshot
        assert snapshot is not None
        pane = self.query_one(MixPane)
        pane.set_parts(overview.protocol_mix(snapshot), overview.east_west(snapshot, session.scope))

    def _show_talkers(self, session: Session) -> None:
        snapshot = session.snapshot
        assert snapshot is not None
        table = overview.talkers(snapshot, self.kind, self.window)
        note: list[Cell] = [(f"{_KIND_WORDS[self.kind]}, {overview.WINDOW_WORDS[self.window]}", "muted")]
        self.query_one("#ov-talkers", Panel).set_title("Top talkers", note)
        listed = self.query_one("#ov-talker-list", LineTable)
        listed.set_empty(f"Nobody was seen to talk in this window ({overview.WINDOW_WORDS[self.window]}).")
        listed.set_source(overview.talker_rows(table, 20))

    def _show_alerts(self, session: Session) -> None:
        groups = alerts.select(session.inbox, scope=session.scope, wanted=self._wanted, sort="last")
        listed = self.query_one("#ov-alert-list", LineTable)
        listed.set_empty(_no_alerts(session, bool(self._wanted)))
        listed.set_source(
            overview.alert_rows(groups, self.look.glyphs.severity, session.now_ns, session.zone)
        )
        note: list[Cell] = [(_alerts_note(len(groups), bool(self._wanted)), "muted")]
        self.query_one("#ov-alerts", Panel).set_title("Newest alerts", note)

    # Keys -------------------------------------------------------------------------------------

    def apply_filter(self, text: str) -> str:
        try:
            self._wanted = parse(text, alerts.FIELDS)
        except FilterError as error:
            return str(error)
        self._show_alerts(self.session)
        return ""

    def action_kind(self) -> None:
        self.kind = _after(overview.KINDS, self.kind)
        self._show_if_there()

    def action_window(self) -> None:
        self.window = _after(overview.WINDOWS, self.window)
        self._show_if_there()

    def _show_if_there(self) -> None:
        if self.session.snapshot is not None:
            self._show_talkers(self.session)

    @on(LineTable.RowSelected, "#ov-talker-list")
    async def _open_talker(self, message: LineTable.RowSelected) -> None:
        message.stop()
        kind, label = cast("tuple[TalkerKind, str]", message.key)
        if kind == "guest":
            await self.shell.narrow(Scope("guest", label))
            return
        await self.shell.go("flows")
        self.shell.set_filter(_flows_of(kind, label))

    @on(LineTable.RowSelected, "#ov-alert-list")
    async def _open_alert(self, message: LineTable.RowSelected) -> None:
        message.stop()
        page = await self.shell.go("alerts")
        page.reveal(message.key)


def _alerts_note(groups: int, filtered: bool) -> str:
    """How many are shown; the filter is about these, not about the traffic beside them."""
    if not groups:
        return "none fits the filter" if filtered else "none"
    many = "1 group" if groups == 1 else f"{groups} groups"
    fits = f" fit{'s' * (groups == 1)} the filter" if filtered else ""
    return f"{many}{fits}, Enter opens one"


def _no_alerts(session: Session, filtered: bool) -> tuple[str, str]:
    """Why there is no alert, and what to do."""
    if filtered:
        return "No open alert fits the filter.", "Esc takes the filter away."
    snapshot = session.snapshot
    if snapshot is None or not snapshot.rules_enabled:
        return "No rule is switched on, so nothing can raise an alert.", "See 5 for the rules."
    share = no_alerts(snapshot, session.scope)
    if session.scope.kind != "all":
        return share, "Esc shows all switches."
    return share, f"{snapshot.rules_enabled:,} rules are on: 5. Acknowledged alerts: 4."


def _flows_of(kind: TalkerKind, label: str) -> str:
    """The filter that shows the flows behind a top talker."""
    if kind == "peer":
        return " ".join(f'"{name}"' for name in label.split(" > "))
    if kind == "port":
        return f"port:{label.rpartition('/')[2]}"
    return f"app:{label}"


_KIND_WORDS: dict[str, str] = {
    "guest": "guests",
    "peer": "pairs",
    "port": "ports",
    "application": "applications",
}


def _after(choices: tuple[_T, ...], now: _T) -> _T:
    return choices[(choices.index(now) + 1) % len(choices)]
