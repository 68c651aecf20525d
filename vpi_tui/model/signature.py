"""A signature: a rule lowered to a few kinds of test that the matcher knows.

The rule language has hundreds of keywords; each lowers itself to these types, so that a new keyword needs no
new code in the matcher. The order of `steps` is the order in the rule. Whoever handles rules takes all of the
types from here; their modules (`parts`, `steps`, `conditions`) are how they are sorted.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

from vpi_tui.model.conditions import (
    AddressIn,
    Check,
    ColumnTest,
    CountryIn,
    FlowBits,
    FlowInt,
    FlowNumber,
    FlowProtocol,
    Header,
    HostBits,
    RateFilter,
    Scope,
    Suppress,
    Tag,
    Threshold,
    VariableHolds,
)
from vpi_tui.model.parts import ANY_ADDRESS, ANY_PORT, IP_MAX, PORT_MAX, Ranges, Record
from vpi_tui.model.steps import (
    Absent,
    Asn1,
    Base64Decode,
    BufferSize,
    ByteExtract,
    ByteJump,
    ByteMath,
    ByteTest,
    Capture,
    Content,
    Entropy,
    FileTest,
    HasReputation,
    InSet,
    IsDataAt,
    NumberIn,
    Pcre,
    Step,
    Validity,
    Which,
)

__all__ = [
    "ANYWHERE",
    "ANY_ADDRESS",
    "ANY_PORT",
    "IP_MAX",
    "PORT_MAX",
    "Absent",
    "Action",
    "AddressIn",
    "Asn1",
    "Base64Decode",
    "BufferSize",
    "ByteExtract",
    "ByteJump",
    "ByteMath",
    "ByteTest",
    "Capture",
    "Check",
    "ColumnTest",
    "Content",
    "CountryIn",
    "Entropy",
    "FileTest",
    "FlowBits",
    "FlowInt",
    "FlowNumber",
    "FlowProtocol",
    "HasReputation",
    "Header",
    "HostBits",
    "InSet",
    "IsDataAt",
    "NumberIn",
    "Origin",
    "Pcre",
    "Ranges",
    "RateFilter",
    "Scope",
    "Signature",
    "Step",
    "Suppress",
    "Tag",
    "Threshold",
    "Validity",
    "VariableHolds",
    "Which",
]


class Action(StrEnum):
    """What a match does. A monitor only looks: drop and reject raise an alert."""

    ALERT = "alert"
    PASS = "pass"
    DROP = "drop"
    REJECT = "reject"


ANYWHERE: Final = Scope()
"""Every place."""


class Origin(Record, frozen=True):
    """Where a rule was read from. line is 1-based; pack: the pack's name, of a rule file the file's."""

    path: str
    line: int
    pack: str = ""


class Signature(Record, frozen=True):
    action: Action
    header: Header
    msg: str
    gid: int
    sid: int
    rev: int
    raw: str
    """The rule's text, one line."""
    origin: Origin
    classtype: str = ""
    priority: int = 3
    """1 = high; from the classtype unless the rule says."""
    reference: tuple[tuple[str, str], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    """Key and value in order; mitre_technique_id names the ATT&CK technique."""
    inspect: Literal["auto", "packet", "stream"] = "auto"
    """Which payload: stream data and packets outside a stream (auto), only packets, only streams."""
    columns: tuple[ColumnTest, ...] = ()
    steps: tuple[Step, ...] = ()
    flowbits: tuple[FlowBits, ...] = ()
    flowints: tuple[FlowInt, ...] = ()
    hostbits: tuple[HostBits, ...] = ()
    variables: tuple[VariableHolds, ...] = ()
    checks: tuple[Check, ...] = ()
    threshold: Threshold | None = None
    suppress: tuple[Suppress, ...] = ()
    rate_filter: RateFilter | None = None
    tags: tuple[Tag, ...] = ()
    scope: Scope = ANYWHERE
    noalert: bool = False
    alerts: bool = False
    """A pass rule that alerts all the same."""
    target: Literal["", "src_ip", "dest_ip"] = ""
    """Which end the rule says is attacked."""
    action_scope: Literal["auto", "packet", "flow", "tx", "hook"] = "auto"
    """How far its action reaches, `pass:flow`; auto = as far as what the rule looks at."""
    application: str = ""
    """The only application that it is about, where its keywords say so and its header does not; "" = they do
    not."""
    bypass: bool = False
    """After a match the flow is passed by: no rule looks at it any more."""
    enabled: bool = True
    """As shipped; the operator's switch is kept elsewhere."""
    packet_too: bool = False
    """With inspect auto: a payload content is tied to the start (offset, depth, startswith), so each
    TCP packet's own payload is inspected as well as the stream, as Suricata does."""

    @property
    def technique(self) -> str:
        """ATT&CK technique id (T1046), or "" when the rule names none."""
        for key, value in self.metadata:
            if key == "mitre_technique_id":
                return value.replace("_", ".")
        return ""
