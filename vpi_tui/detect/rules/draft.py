"""A rule while its keywords are read: what handlers write to, and how it becomes a Signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from vpi_tui.detect.applayer.names import FOLDED, plain_name
from vpi_tui.detect.rules.ast import HeaderText, Refused
from vpi_tui.detect.rules.demands import check_contents, check_files, check_mixed, check_protocol
from vpi_tui.detect.rules.lengths import check_lengths
from vpi_tui.detect.rules.sources import Sources
from vpi_tui.model.signature import (
    ANY_ADDRESS,
    Action,
    AddressIn,
    Base64Decode,
    Check,
    ColumnTest,
    Content,
    FlowBits,
    FlowInt,
    Header,
    HostBits,
    Origin,
    Ranges,
    Scope,
    Signature,
    Step,
    Tag,
    Threshold,
    VariableHolds,
)

PAYLOAD = "payload"
DECODED = "base64_data"
"""What base64_decode gives."""

Position = int | str


@dataclass(slots=True)
class ContentDraft:
    """A content whose modifiers are still to come; the same fields as Content."""

    buffer: str
    pattern: bytes
    negated: bool = False
    nocase: bool = False
    offset: Position | None = None
    depth: Position | None = None
    distance: Position | None = None
    within: Position | None = None
    startswith: bool = False
    endswith: bool = False
    fast_pattern: bool = False
    fast_pattern_only: bool = False
    fast_pattern_chop: tuple[int, int] | None = None
    option: int = -1
    moved: bool = False
    """A modifier named its buffer."""

    @property
    def relative(self) -> bool:
        return self.distance is not None or self.within is not None

    def finish(self) -> Content:
        return Content(
            self.buffer,
            self.pattern,
            self.nocase or self.buffer in FOLDED,
            self.negated,
            self.offset,
            self.depth,
            self.distance,
            self.within,
            self.startswith,
            self.endswith,
            self.fast_pattern,
            self.fast_pattern_only,
            self.fast_pattern_chop,
        )


@dataclass(slots=True)
class Draft:
    """One rule on its way. Handlers append and assign; `finish` checks the whole."""

    header: HeaderText
    priorities: Mapping[str, int]
    """Classification table: classtype -> priority."""
    sources: Sources = field(default_factory=Sources)
    hook: str = ""
    """`request_line` of `alert http1:request_line`; "" = the rule names none."""
    option: int = 0
    """Index of the option that is read now."""
    buffer: str = PAYLOAD
    """Buffer that the next byte keyword looks at."""
    steps: list[Step | ContentDraft] = field(default_factory=list)
    columns: list[ColumnTest] = field(default_factory=list)
    flowbits: list[FlowBits] = field(default_factory=list)
    flowints: list[FlowInt] = field(default_factory=list)
    hostbits: list[HostBits] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    captured: list[VariableHolds] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)
    """Names that byte_extract and byte_math have given so far."""
    msg: str = ""
    numbers: dict[str, int] = field(default_factory=dict)
    """sid, rev, gid, priority: what the rule states."""
    classtype: str = ""
    reference: list[tuple[str, str]] = field(default_factory=list)
    metadata: list[tuple[str, str]] = field(default_factory=list)
    threshold: Threshold | None = None
    tags: list[Tag] = field(default_factory=list)
    noalert: bool = False
    alerts: bool = False
    action_scope: Literal["auto", "packet", "flow", "tx", "hook"] = "auto"
    application: str = ""
    """As in Signature."""
    bypass: bool = False
    target: Literal["", "src_ip", "dest_ip"] = ""
    inspect: Literal["auto", "packet", "stream"] = "auto"
    needs_packet: bool = False
    """A keyword looks at one packet's header, so the bytes are that packet's too."""
    seen: set[str] = field(default_factory=set)
    """Keywords that may stand only once and have."""
    notices: list[str] = field(default_factory=list)

    def once(self, keyword: str) -> None:
        """Refuses a keyword that the rule has had already."""
        if keyword in self.seen:
            raise Refused(f"{keyword}: only one of it may stand in a rule")
        self.seen.add(keyword)

    def test(
        self,
        column: str,
        spans: Sequence[tuple[int, int]],
        *,
        mask: int | None = None,
        negated: bool = False,
    ) -> None:
        """Add a column test unless the very same one is there already."""
        made = ColumnTest(column, tuple(spans), mask, negated)
        if made not in self.columns:
            self.columns.append(made)

    def last_content(self, keyword: str) -> ContentDraft:
        """The content that a modifier speaks of: the last one in the current buffer."""
        for step in reversed(self.steps):
            if isinstance(step, ContentDraft):
                if step.buffer != self.buffer and not step.moved:
                    break
                return step
        raise Refused(f"{keyword}: needs a content before it")

    def buffer_for(self, relative: bool) -> str:
        """The buffer that a byte keyword looks at: a relative one follows the content that was moved."""
        if self.buffer == PAYLOAD and relative and self.steps:
            return self.steps[-1].buffer
        return self.buffer

    def look_at(self, buffer: str) -> None:
        """Let the byte keywords that follow be about a buffer. Refuses what Suricata does: to leave one of
        which nothing was asked, or base64_data. The same one named again does no harm: rules in use do."""
        if plain_name(buffer) != plain_name(self.buffer):
            if self.buffer == DECODED:
                raise Refused(f"{DECODED}: no other buffer may stand behind it in a rule")
            self.check_asked()
        self.buffer = buffer

    def check_asked(self) -> None:
        """Refuses a sticky buffer, or a transform of it, of which nothing is asked."""
        if self.buffer not in (PAYLOAD, DECODED) and all(step.buffer != self.buffer for step in self.steps):
            raise Refused(f"{plain_name(self.buffer)}: nothing is asked of the buffer")

    def known_variable(self, keyword: str, name: str) -> str:
        """Refuses a variable that no earlier keyword of the rule has set."""
        if name not in self.variables:
            raise Refused(
                f"{keyword}: variable {name[:40]!r} is not set by a byte_extract or byte_math before it"
            )
        return name

    def finish(self, header: Header, raw: str, origin: Origin, *, scope: Scope, enabled: bool) -> Signature:
        """Check what only the whole rule shows, and freeze it. Raises Refused."""
        if "sid" not in self.numbers:
            raise Refused("sid is missing")
        self.check_asked()
        steps = _with_decoded([s.finish() if isinstance(s, ContentDraft) else s for s in self.steps])
        check_contents(steps)
        check_lengths(steps, self.columns)
        check_protocol(self.header.protocol.lower(), self.columns)
        check_mixed(steps, self.columns)
        check_files(self.header.protocol.lower(), steps)
        inspect = self._inspection()
        header, checks = _lowered(header, self.checks, self.sources.common)
        priority = self.numbers.get("priority", self.priorities.get(self.classtype.lower(), 3))
        return Signature(
            action=Action(_ACTIONS[self.header.action.lower()]),
            header=header,
            msg=self.msg,
            gid=self.numbers.get("gid", 1),
            sid=self.numbers["sid"],
            rev=self.numbers.get("rev", 0),
            raw=raw,
            origin=origin,
            classtype=self.classtype,
            priority=priority,
            reference=tuple(self.reference),
            metadata=tuple(self.metadata),
            inspect=inspect,
            packet_too=inspect == "auto" and any(_anchored(step) for step in steps),
            columns=tuple(self.columns),
            steps=steps,
            flowbits=tuple(self.flowbits),
            flowints=tuple(self.flowints),
            hostbits=tuple(self.hostbits),
            variables=tuple(self.captured),
            checks=checks,
            threshold=self.threshold,
            tags=tuple(self.tags),
            scope=scope,
            noalert=self.noalert,
            alerts=self.alerts,
            action_scope=self.action_scope,
            application=self.application,
            bypass=self.bypass,
            target=self.target,
            enabled=enabled,
        )

    def _inspection(self) -> Literal["auto", "packet", "stream"]:
        protocol = self.header.protocol.lower()
        packet = self.needs_packet or protocol == "tcp-pkt" or self.inspect == "packet"
        stream = protocol == "tcp-stream" or self.inspect == "stream"
        if packet and stream:
            raise Refused(
                "the rule asks for a packet's own fields and for stream data only; no packet can match"
            )
        return "packet" if packet else "stream" if stream else "auto"


def _lowered(
    header: Header, checks: Sequence[Check], common: Callable[[Ranges, Ranges], Ranges]
) -> tuple[Header, tuple[Check, ...]]:
    """Sets of addresses become part of the header where that says the same: the compiled loop is quicker."""
    kept: list[Check] = []
    for check in checks:
        if not isinstance(check, AddressIn) or header.bidirectional:
            kept.append(check)
        elif check.side == "any":
            if len(checks) == 1 and header.src == header.dest == ANY_ADDRESS:
                header = replace(header, src=check.ranges, bidirectional=True, either_end=True)
            else:
                kept.append(check)
        else:
            if check.side in ("src", "both"):
                header = replace(header, src=common(header.src, check.ranges))
            if check.side in ("dst", "both"):
                header = replace(header, dest=common(header.dest, check.ranges))
    return header, tuple(kept)


def _with_decoded(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Steps on base64_data become part of the base64_decode before them."""
    made: list[Step] = []
    for step in steps:
        if step.buffer != DECODED:
            made.append(step)
            continue
        at = next((n for n in range(len(made) - 1, -1, -1) if isinstance(made[n], Base64Decode)), -1)
        decode = made[at] if at >= 0 else None
        if not isinstance(decode, Base64Decode):
            raise Refused("base64_data: needs a base64_decode before it")
        made[at] = replace(decode, steps=(*decode.steps, step))
    return tuple(made)


_ACTIONS = {
    "alert": "alert",
    "pass": "pass",
    "drop": "drop",
    "reject": "reject",
    "rejectsrc": "reject",
    "rejectdst": "reject",
    "rejectboth": "reject",
    "config": "alert",
}
ACTIONS = frozenset(_ACTIONS)


def _anchored(step: Step) -> bool:
    """Suricata also looks at each packet by itself when a payload content has a fixed position."""
    if not isinstance(step, Content) or step.buffer != PAYLOAD:
        return False
    return step.offset is not None or step.depth is not None or step.startswith
