"""One alert looked at closely: what it says, the rule, the flow, and the bytes taken apart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget

from vpi_tui.feed.messages import AlertDetail, EngineMessage, GetAlert
from vpi_tui.model.event import Alert
from vpi_tui.ui.screens.drill import Detail
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.packet_pane import PacketPane
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.ui.widgets.reader import Reader
from vpi_tui.view.cells import SEVERITY_STYLES, SEVERITY_WORDS, Cell, severity_index
from vpi_tui.view.escape import safe
from vpi_tui.view.facts import alert_facts, flow_facts, rule_text_facts
from vpi_tui.view.packet import FieldLine, dissect, payload_lines
from vpi_tui.view.rule_text import locate

_WIDE, _TALL = 100, 30
"""Cells from which rule, flow and bytes are shown together; below, one of them at a time."""


class AlertView(Detail):
    """Steps through `alerts`, which it was given, newest last."""

    DEFAULT_CSS = """
    AlertView { layout: vertical; }
    AlertView > #alert-facts { height: 7; }
    AlertView > #alert-middle { height: 15; }
    AlertView.-narrow > #alert-facts { height: 6; }
    AlertView.-narrow > #alert-middle { height: 1fr; }
    AlertView.-narrow .-behind { display: none; }
    AlertView.-narrow #alert-middle.-behind { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "step(-1)", "Older", tooltip="the alert before; also Left"),
        Binding("right_square_bracket", "step(1)", "Newer", tooltip="the alert after; also Right"),
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("tab", "next_pane", "Next pane", tooltip="bytes, rule, flow", priority=True),
        Binding("b", "other_bytes", "Stream/packet", tooltip="the stream that matched, or the packet"),
        Binding("f", "open_flow", "Flow", tooltip="open the flow of this alert"),
        Binding("R", "open_rule", "Rule", tooltip="open the rule of this alert"),
    ]

    def __init__(self, alerts: Sequence[Alert], index: int = -1) -> None:
        super().__init__()
        self.alerts = tuple(alerts)
        self.index = index % len(self.alerts)
        self._answer: AlertDetail | None = None
        self._asked = 0
        self._stream_shown = True
        self._pane = 0
        self._facts, self._rule, self._flow = Reader(), Reader(), Reader()
        self._packet = PacketPane()
        self._panels: dict[str, Panel] = {}

    @property
    def alert(self) -> Alert:
        return self.alerts[self.index]

    def heading(self) -> str:
        return safe(self.alert.msg, 160)

    def compose(self) -> ComposeResult:
        self._panels = {
            "bytes": Panel(self._packet, title="Packet"),
            "rule": Panel(self._rule, title="Rule"),
            "flow": Panel(self._flow, title="Flow"),
        }
        yield Panel(self._facts, id="alert-facts")
        with Horizontal(id="alert-middle"):
            yield self._panels["rule"]
            yield self._panels["flow"]
        with Container(id="alert-bytes"):
            yield self._panels["bytes"]

    def on_mount(self) -> None:
        self._facts.can_focus = False
        self._ask()

    def on_resize(self) -> None:
        self.set_class(self.size.width < _WIDE or self.size.height < _TALL, "-narrow")
        self._arrange()

    # Panes ------------------------------------------------------------------------------------

    def first_focus(self) -> Widget | None:
        return self._pane_widgets()[self._pane]

    def _pane_widgets(self) -> tuple[Widget, Widget, Widget]:
        return self._packet.tree_view, self._rule, self._flow

    def _arrange(self) -> None:
        """In a small terminal only the chosen pane is there; the frames' titles name the others."""
        shown = ("bytes", "rule", "flow")[self._pane]
        for name, panel in self._panels.items():
            panel.set_class(name != shown, "-behind")
            panel.set_ruled(self.has_class("-narrow"))
        self.query_one("#alert-middle").set_class(shown == "bytes", "-behind")
        self.query_one("#alert-bytes").set_class(shown != "bytes", "-behind")
        self.query_one("#alert-facts", Panel).set_ruled(self.has_class("-narrow"))
        self._title()
        self.show(self.session)

    def _title(self) -> None:
        names = {"bytes": self._bytes_name(), "rule": "Rule", "flow": "Flow"}
        for name, panel in self._panels.items():
            others = ", ".join(text for other, text in names.items() if other != name)
            note: list[Cell] = (
                [("Tab ", "footer.key"), (others, "muted")] if self.has_class("-narrow") else []
            )
            panel.set_title(names[name], note)

    def action_next_pane(self) -> None:
        self._pane = (self._pane + 1) % 3
        self._arrange()
        self._pane_widgets()[self._pane].focus()

    # What is shown ----------------------------------------------------------------------------

    def show(self, session: Session) -> None:
        alert, level = self.alert, severity_index(self.alert.priority)
        mark = self.look.glyphs.severity[level]
        title = f"{mark} {SEVERITY_WORDS[level]}"
        if not self.has_class("-narrow"):  # there the breadcrumbs name the rule just above
            title += f"  {safe(alert.msg, 160)}"
        place = f"alert {self.index + 1} of {len(self.alerts)} kept"
        panel = self.query_one("#alert-facts", Panel)
        panel.set_title(title, [(place, SEVERITY_STYLES[level])])
        self._facts.set_entries(alert_facts(alert, session.now_ns, session.zone))
        self._show_flow(session)

    def _show_flow(self, session: Session) -> None:
        answer = self._answer
        if answer is None:
            return
        if answer.flow is None:
            self._flow.set_entries([("", (("This alert belongs to no flow.", "empty"),))])
        else:
            self._flow.set_entries(flow_facts(answer.flow, session.now_ns, session.zone))

    def _ask(self) -> None:
        """Ask the engine for what it keeps of this alert; the panes say so meanwhile."""
        if self._asked == self.alert.number:
            return
        self._asked, self._answer, self._stream_shown = self.alert.number, None, True
        waiting = [("", (("Asking the engine", "empty"),))]
        self._rule.set_entries(waiting, keep_place=False)
        self._flow.set_entries(waiting, keep_place=False)
        self._packet.set_empty("Asking the engine for the bytes.")
        self._packet.set_packet((), b"")
        self.session.send(GetAlert(self.alert.number))

    def receive(self, message: EngineMessage) -> None:
        if not isinstance(message, AlertDetail) or message.number != self._asked or self._answer is not None:
            return
        self._answer = message
        if message.rule:
            origin = ("origin", ((safe(message.origin, 300), "muted"),))
            self._rule.set_entries([*rule_text_facts(message.rule), origin], keep_place=False)
        else:
            self._rule.set_entries([("", ((safe(message.reason, 300), "empty"),))], keep_place=False)
        self._stream_shown = bool(message.stream)
        self._show_flow(self.session)
        self._show_bytes()
        self.shell.redraw_frame()

    # Bytes ------------------------------------------------------------------------------------

    def _bytes_name(self) -> str:
        return "Stream" if self._answer is not None and self._stream_shown else "Packet"

    def _show_bytes(self) -> None:
        answer = self._answer
        if answer is None:
            return
        self._title()
        if self._stream_shown:
            direction = self.alert.direction.replace("_", " ") or "either way"
            head = FieldLine(f"Stream {direction}", f"{len(answer.stream):,} bytes", 0, 0, len(answer.stream))
            fields = [head, *payload_lines(answer.stream)]
            self._packet.set_packet(fields, answer.stream, locate(answer.rule, answer.stream))
        elif answer.frame:
            self._packet.set_empty("Dissecting the packet" + self.look.glyphs.ellipsis)
            self._packet.set_packet((), answer.frame, locate(answer.rule, answer.frame))
            self.run_worker(self._dissect(answer), exclusive=True, group="dissect")
        else:
            reason = safe(answer.reason, 300) or "This alert was raised by no packet of its own."
            self._packet.set_empty("There are no bytes to show.", reason)
            self._packet.set_packet((), b"")

    async def _dissect(self, answer: AlertDetail) -> None:
        """scapy takes half a second to import and milliseconds a packet: not on the thread that draws."""
        fields = await asyncio.to_thread(dissect, answer.frame, answer.link_type)
        if answer is self._answer and not self._stream_shown:
            self._packet.set_packet(fields, answer.frame, locate(answer.rule, answer.frame))

    # Keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """The other bytes can be asked for only where there are two kinds."""
        answer = self._answer
        return action != "other_bytes" or (answer is not None and bool(answer.stream and answer.frame))

    def action_step(self, by: int) -> None:
        index = min(max(self.index + by, 0), len(self.alerts) - 1)
        if index == self.index:
            self.shell.say("This is the newest alert kept." if by > 0 else "This is the oldest alert kept.")
            return
        self.index = index
        self._ask()
        self.show(self.session)
        self.shell.redraw_frame()

    def action_other_bytes(self) -> None:
        self._stream_shown = not self._stream_shown
        self._show_bytes()

    async def action_open_flow(self) -> None:
        from vpi_tui.ui.screens.flows import FlowsPage

        flow = self._answer.flow if self._answer else None
        if not self.alert.flow_id and flow is None:
            self.shell.say("This alert belongs to no flow.")
            return
        page = await self.shell.go("flows")
        if isinstance(page, FlowsPage):
            page.open_flow(flow.flow_id if flow else self.alert.flow_id)

    async def action_open_rule(self) -> None:
        from vpi_tui.ui.screens.rules import RulesPage

        page = await self.shell.go("rules")
        if isinstance(page, RulesPage):
            page.open_rule(self.alert.gid, self.alert.sid)
