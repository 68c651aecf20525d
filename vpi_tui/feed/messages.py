"""Every message of the feed. A change that an older peer cannot read raises PROTOCOL_VERSION."""

from __future__ import annotations

from typing import Literal

import msgspec

from vpi_tui.model.event import Alert, FlowRecord
from vpi_tui.model.snapshot import Snapshot, Window

PROTOCOL_VERSION = 1


class Message(msgspec.Struct, frozen=True, tag=True):
    """Root of all messages; the tag is the class name."""


# Engine to ui ---------------------------------------------------------------------------------


class Hello(Message, frozen=True):
    """First message in each direction."""

    protocol: int
    version: str
    mode: str = ""
    pid: int = 0


class SnapshotMessage(Message, frozen=True):
    snapshot: Snapshot


class AlertsMessage(Message, frozen=True):
    """Alerts in order. dropped: how many were lost so far because the ui was slow."""

    alerts: tuple[Alert, ...]
    dropped: int = 0


class RuleRow(msgspec.Struct, frozen=True):
    """One loaded rule, for the Rules screen."""

    gid: int
    sid: int
    rev: int
    msg: str
    pack: str
    origin: str
    """file:line"""
    classtype: str
    priority: int
    technique: str
    enabled: bool
    why_off: str = ""
    """In a word why it is off though the operator has not switched it off; "" = as he has it."""


class PackRow(msgspec.Struct, frozen=True):
    name: str
    description: str
    version: str
    path: str


class RefusedRow(msgspec.Struct, frozen=True):
    """A rule that did not load."""

    path: str
    line: int
    sid: int
    reason: str


class RulesMessage(Message, frozen=True):
    """Answer to GetRules."""

    serial: int
    packs: tuple[PackRow, ...]
    rules: tuple[RuleRow, ...]
    refused: tuple[RefusedRow, ...]


class ToggledMessage(Message, frozen=True):
    """Answer to Toggle and UndoToggle: what changed and what the rules had raised."""

    text: str
    changed: int
    serial: int


class AlertDetail(Message, frozen=True):
    """Answer to GetAlert. frame is empty when it is no longer kept; reason says so."""

    number: int
    rule: str
    origin: str
    flow: FlowRecord | None
    frame: bytes
    link_type: int
    ts_ns: int
    stream: bytes = b""
    """The stretch of the TCP stream that matched; empty for a packet match."""
    reason: str = ""


class FlowDetail(Message, frozen=True):
    """Answer to GetFlow. flow is None when the table no longer has it."""

    flow_id: int
    flow: FlowRecord | None
    alerts: tuple[Alert, ...] = ()


class RuleDetail(Message, frozen=True):
    """Answer to GetRule. rule is empty when no such rule is loaded."""

    gid: int
    sid: int
    rule: str
    """As Suricata writes it."""
    origin: str
    """file:line"""
    words: str = ""
    """What it looks for, in lines for a person."""
    metadata: tuple[tuple[str, str], ...] = ()
    reference: tuple[tuple[str, str], ...] = ()


class PolicyProposal(Message, frozen=True):
    """Answer to GetPolicy: a policy that allows what was learned."""

    text: str
    """YAML; "" = nothing was learned."""
    path: str
    """File of the policy in force; "" = there is none, or it is part of the program."""
    current: str = ""
    """Its text."""


class Notice(Message, frozen=True):
    """Something the operator should read now."""

    severity: Literal["information", "warning", "error"]
    text: str


class Goodbye(Message, frozen=True):
    """The engine ends by itself; text says why."""

    text: str
    failed: bool = False


EngineMessage = (
    Hello
    | SnapshotMessage
    | AlertsMessage
    | RulesMessage
    | ToggledMessage
    | AlertDetail
    | FlowDetail
    | RuleDetail
    | PolicyProposal
    | Notice
    | Goodbye
)

# Ui to engine ---------------------------------------------------------------------------------


class Watch(Message, frozen=True):
    """What the ui shows now, so that the engine computes and sends no more than that."""

    scope: str = ""
    """Empty = all, "switch:NAME" or "guest:NAME"."""
    flows: bool = False
    flow_limit: int = 100_000
    interval: float = 1.0
    """Seconds between snapshots, 0.1 to 10."""
    matrix: bool = False
    matrix_window: Window = "1m"


class GetRules(Message, frozen=True):
    pass


class Toggle(Message, frozen=True):
    """Switch rules on or off: the named sids (gid, sid), one pack, or both."""

    enabled: bool
    sids: tuple[tuple[int, int], ...] = ()
    pack: str = ""


class UndoToggle(Message, frozen=True):
    pass


class Reload(Message, frozen=True):
    """Read the rule files again; what changed is told in a Notice, and why it did not."""


class GetAlert(Message, frozen=True):
    number: int


class GetFlow(Message, frozen=True):
    flow_id: int


class GetRule(Message, frozen=True):
    gid: int
    sid: int


class Learn(Message, frozen=True):
    """Begin to learn who speaks to whom, anew, or end it."""

    on: bool


class GetPolicy(Message, frozen=True):
    """Ask for the policy that allows what was learned."""


class UsePolicy(Message, frozen=True):
    """Judge by this policy from now on. path: where it stands."""

    path: str
    text: str


class SetSpeed(Message, frozen=True):
    """Replay and demo: times real time; 0 = as fast as it goes; paused holds."""

    speed: float
    paused: bool = False


class Stop(Message, frozen=True):
    pass


Command = (
    Hello
    | Watch
    | GetRules
    | GetRule
    | Toggle
    | UndoToggle
    | Reload
    | GetAlert
    | GetFlow
    | Learn
    | GetPolicy
    | UsePolicy
    | SetSpeed
    | Stop
)
