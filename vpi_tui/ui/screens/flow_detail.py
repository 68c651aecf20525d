"""One flow looked at closely: its ends, counters and times, and the alerts that it raised."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from vpi_tui.feed.messages import EngineMessage, FlowDetail, GetFlow
from vpi_tui.model.event import Alert, FlowRecord
from vpi_tui.ui.screens.drill import Detail
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.columns import Column
from vpi_tui.ui.widgets.line_table import LineTable
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.ui.widgets.reader import Reader
from vpi_tui.view.alerts import single_rows
from vpi_tui.view.facts import end_text, flow_facts


class FlowView(Detail):
    """Asks for the flow with each picture, so that its counters go on."""

    DEFAULT_CSS = """
    FlowView { layout: vertical; }
    FlowView > #flow-facts { height: 14; }
    FlowView > #flow-alerts { height: 1fr; }
    """

    def __init__(self, flow_id: int) -> None:
        super().__init__()
        self.flow_id = flow_id
        self._flow: FlowRecord | None = None
        self._answered = False
        self._sent: dict[int, Alert] = {}
        self._alerts: list[Alert] = []
        self._facts = Reader()
        self._table = LineTable(
            (
                Column("severity", "Severity", 8),
                Column("time", "Time", 8),
                Column("signature", "Signature", 30, 2),
                Column("parties", "From > to", 24, 1, priority=1),
                Column("technique", "ATT&CK", 9, priority=2),
            ),
            empty=("This flow raised no alert.", "Esc comes back to the list."),
        )

    def compose(self) -> ComposeResult:
        yield Panel(self._facts, title="Flow", id="flow-facts")
        yield Panel(self._table, title="Alerts of this flow", id="flow-alerts")

    def on_mount(self) -> None:
        self._facts.can_focus = False
        self._facts.set_entries([("", (("Asking the engine", "empty"),))])

    def on_resize(self) -> None:
        for panel in self.query(Panel):
            panel.set_ruled(self.size.width < 100)

    def heading(self) -> str:
        flow = self._flow
        if flow is None:
            return "flow"
        return " > ".join(
            (
                end_text(flow.src_ip, flow.src_port, flow.proto),
                end_text(flow.dest_ip, flow.dest_port, flow.proto),
            )
        )

    def first_focus(self) -> Widget | None:
        return self._table

    def show(self, session: Session) -> None:
        session.send(GetFlow(self.flow_id))
        self._draw(session)

    def receive(self, message: EngineMessage) -> None:
        if not isinstance(message, FlowDetail) or message.flow_id != self.flow_id:
            return
        first = not self._answered
        self._answered = True
        self._flow = message.flow or self._flow
        self._sent.update((alert.number, alert) for alert in message.alerts)
        self._draw(self.session)
        if first:
            self.shell.redraw_frame()

    def _draw(self, session: Session) -> None:
        if self._flow is not None:
            self._facts.set_entries(flow_facts(self._flow, session.now_ns, session.zone))
        elif self._answered:
            text = "The engine no longer has this flow: it ended and made room for others."
            self._facts.set_entries([("", ((text, "empty"),))])
        kept = {alert.number: alert for alert in session.inbox.of_flow(self.flow_id)}
        self._alerts = sorted((self._sent | kept).values(), key=lambda alert: alert.number)
        self._table.set_source(single_rows(self._alerts, self.look.glyphs.severity, session.zone))

    @on(LineTable.RowSelected)
    async def _open_alert(self, message: LineTable.RowSelected) -> None:
        from vpi_tui.ui.screens.alerts import AlertsPage

        message.stop()
        page = await self.shell.go("alerts")
        if isinstance(page, AlertsPage):
            page.open_alerts(tuple(self._alerts), message.index)
