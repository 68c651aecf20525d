"""What the tests of the pages look at: flows, rules and replies of an engine that is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from textual.pilot import Pilot

from tests.ui.driver import dashboard, step
from tests.ui.fake_client import START, FakeClient, alert, snapshot
from tests.view.samples import Flow, columns
from vpi_tui.feed.messages import (
    AlertDetail,
    Command,
    FlowDetail,
    GetAlert,
    GetFlow,
    GetRule,
    GetRules,
    PackRow,
    RefusedRow,
    RuleDetail,
    RuleRow,
    RulesMessage,
    Toggle,
    ToggledMessage,
)
from vpi_tui.model.event import FlowRecord
from vpi_tui.ui.app import VpiApp

NS = 1_000_000_000
NOW = START + 60 * NS
RULE = (
    'alert tcp any any -> any 443 (msg:"SQL injection in a URI"; flow:established,to_server; '
    'content:"union|20|select"; nocase; classtype:web-application-attack; sid:2000001; rev:1;)'
)
PAYLOAD = b"GET /item?id=1+UNION SELECT+password HTTP/1.1\r\nHost: shop.example\r\n\r\n"
FRAME = bytes(
    Ether(src="52:54:00:00:00:01", dst="52:54:00:00:00:02")
    / IP(src="10.0.0.11", dst="10.0.0.31")
    / TCP(sport=40001, dport=443, flags="PA", seq=77)
    / PAYLOAD
)


def flow(number: int, **changes: Any) -> Flow:
    """Flow `number` (from 1): the higher, the fewer bytes and the later it began."""
    values: dict[str, Any] = {
        "src_ip": f"10.0.0.{10 + number}",
        "dest_ip": "10.0.0.31",
        "src_port": 40_000 + number,
        "dest_port": 443 if number % 2 else 22,
        "state": number % 3,
        "switch": "vmbr0" if number % 2 else "lab0",
        "src_guest": f"guest-{number}",
        "dest_guest": "db-1",
        "app_proto": "tls" if number % 2 else "ssh",
        "start_ns": NOW - 30 * NS + number,
        "end_ns": NOW - number * NS,
        "pkts_toserver": 10 * number,
        "pkts_toclient": number,
        "bytes_toserver": 9_000_000 // number,
        "bytes_toclient": 1_000,
        "alerted": 3 if number == 4 else 0,
    }
    return Flow(number, **{**values, **changes})


FLOWS = tuple(flow(number) for number in range(1, 9))


def record(number: int, **changes: Any) -> FlowRecord:
    values: dict[str, Any] = {
        "flow_id": number,
        "community_id": "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        "switch": "vmbr0",
        "client_guest": f"guest-{number}",
        "server_guest": "db-1",
        "locality": "east_west",
        "vlan": (),
        "proto": 6,
        "src_ip": f"10.0.0.{10 + number}",
        "src_port": 40_000 + number,
        "dest_ip": "10.0.0.31",
        "dest_port": 443,
        "app_proto": "tls",
        "start_ns": NOW - 30 * NS,
        "end_ns": NOW - NS,
        "state": "established",
        "pkts_toserver": 10,
        "pkts_toclient": 5,
        "bytes_toserver": 9_000,
        "bytes_toclient": 1_000,
        "tcp_flags_toserver": 0x12,
    }
    return FlowRecord(**{**values, **changes})


def rule(sid: int, **changes: Any) -> RuleRow:
    values: dict[str, Any] = {
        "gid": 1,
        "sid": sid,
        "rev": 1,
        "msg": f"Rule number {sid}",
        "pack": "web-attack" if sid < 2000004 else "recon",
        "origin": f"/rules/web.yaml:{sid - 2000000}",
        "classtype": "web-application-attack",
        "priority": 1 + sid % 3,
        "technique": "T1190",
        "enabled": True,
    }
    return RuleRow(**{**values, **changes})


PACKS = (
    PackRow("web-attack", "Attacks on web servers", "1", "/rules/web.yaml"),
    PackRow("recon", "", "1", ""),
)
REFUSED = (RefusedRow("/rules/local.rules", 17, 4711, "keyword `frobnicate` is not known"),)


def rules(serial: int = 1, off: frozenset[int] = frozenset(), count: int = 6) -> RulesMessage:
    rows = tuple(rule(2000001 + n, enabled=2000001 + n not in off) for n in range(count))
    return RulesMessage(serial, PACKS, rows, REFUSED)


class Engine(FakeClient):
    """Answers as an engine would, from values that a test may change before it asks."""

    def __init__(self) -> None:
        super().__init__()
        self.off: frozenset[int] = frozenset()
        self.serial = 1
        self.detail: dict[str, Any] = {}
        self.flow: FlowRecord | None = record(4)
        self.rule_text = RULE

    def send(self, command: Command) -> None:
        super().send(command)
        self._messages += self._reply(command)

    def _reply(self, command: Command) -> list[Any]:
        match command:
            case GetRules():
                return [rules(self.serial, self.off)]
            case GetFlow(flow_id):
                return [FlowDetail(flow_id, self.flow, (alert(1, 50),))]
            case GetRule(gid, sid):
                return [
                    RuleDetail(
                        gid, sid, self.rule_text, "/rules/web.yaml:7", "Alerts when the payload\n- holds it"
                    )
                ]
            case GetAlert(number):
                base = {
                    "rule": self.rule_text,
                    "origin": "/rules/web.yaml:7",
                    "flow": record(4),
                    "frame": FRAME,
                }
                return [AlertDetail(number, **{**base, "link_type": 1, "ts_ns": NOW, **self.detail})]
            case Toggle(enabled=enabled, sids=sids):
                chosen = frozenset(sid for _, sid in sids)
                self.off = self.off - chosen if enabled else self.off | chosen
                self.serial += 1
                return [
                    ToggledMessage(
                        f"{'on' if enabled else 'off'}: had raised 3 alerts", len(chosen), self.serial
                    )
                ]
        return []

    def of(self, kind: type) -> list[Any]:
        """Commands of one kind that were sent, oldest first."""
        return [command for command in self.sent if isinstance(command, kind)]


@asynccontextmanager
async def page(
    name: str,
    size: tuple[int, int],
    engine: Engine | None = None,
    *,
    flows: tuple[Flow, ...] = FLOWS,
    ascii_only: bool = False,
    **changes: Any,
) -> AsyncIterator[tuple[VpiApp, Pilot[int], Engine]]:
    """The dashboard with one page open and its first picture drawn."""
    engine = engine or Engine()
    async with dashboard(engine, size, ascii_only=ascii_only) as (app, pilot):
        await app.action_open_page(name)
        engine.put(snapshot(61, flows=columns(flows), **changes))
        for _ in range(3):
            await step(app, pilot)
        yield app, pilot, engine


async def press(app: VpiApp, pilot: Pilot[int], *keys: str) -> None:
    """Press keys one by one; the program takes what the engine answers."""
    for key in keys:
        await pilot.press(key)
        await step(app, pilot)
        await step(app, pilot)


async def typed(app: VpiApp, pilot: Pilot[int], text: str) -> None:
    """Type into the line at the bottom and press Enter."""
    names = {
        " ": "space",
        ":": "colon",
        "/": "slash",
        "-": "minus",
        ".": "full_stop",
        "!": "exclamation_mark",
    }
    await press(app, pilot, *(names.get(char, char) for char in text), "enter")
