"""What a rule set asks of the stages before it: which of them run, and what they have to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vpi_tui.detect.match.columns import KIND_TCP, SIZE_COLUMNS
from vpi_tui.detect.match.rule_table import directions_of
from vpi_tui.detect.match.units import PAYLOAD, UnitKind, is_relative, mask
from vpi_tui.model.batch import U16, DecoderEvent, Direction
from vpi_tui.model.detection_events import COLUMN as DETECTION_COLUMN
from vpi_tui.model.detection_events import DETECTION_BITS
from vpi_tui.model.signature import ANY_PORT, ColumnTest, Content, FlowProtocol, Pcre, Signature

RECOGNISED_BY: Final = 32
"""First bytes of a stream that are given again until its application is known."""
LOOKBACK_LIMIT: Final = 512
"""Bytes of a stream that are kept for patterns across an edge; each is scanned twice."""
WINDOW: Final = 2_560
"""Bytes of a message, or of a stream that no parser divides, that rules see at once (stream.layout.CHUNK)."""
CHECKSUMS: Final = sum(1 << event for event in DecoderEvent if event.name.endswith("_CSUM_INVALID"))
_UNKNOWN_GAP: Final = 64
_STREAMS: Final = mask(UnitKind.STREAM_START, UnitKind.STREAM_LATER)


@dataclass(frozen=True, slots=True, eq=False)
class Upstream:
    """Questions about all rules of a set at once."""

    sizes: bool
    """Does any rule ask how much a side has sent?"""
    stream_events: bool
    """Does any rule ask what is odd about a TCP segment?"""
    recognition: bool
    """Does any rule ask what each direction of a flow looks like by itself?"""
    checksums: bool
    """Does any rule ask whether a checksum is right?"""
    payload: bool
    """Does any rule look at payload of TCP by itself, beside transactions?"""
    streams: bool
    """Does any rule inspect stream data?"""
    stream_ports: U16
    """uint16[2, 2, 65536]: direction (to server, to client), (destination, source) port: 0 = no rule
    inspects streams like that, else 1 + the bytes before the fresh part of a stretch that patterns
    across the edge need."""

    @classmethod
    def of(
        cls, signatures: Sequence[Signature], units: Sequence[int], kinds: U16, *, transactions: bool
    ) -> Upstream:
        """units: kinds of units each looks at. kinds: RuleTable's. transactions: do any look at these?"""
        columns = {test.column for s in signatures for test in s.columns}
        events = "stream_events" in columns
        recognition = any(map(_asks_recognition, signatures))
        inspecting = [s for s, k in zip(signatures, units, strict=True) if _inspects_streams(s, k)]
        return cls(
            sizes=not columns.isdisjoint(SIZE_COLUMNS),
            stream_events=events,
            recognition=recognition,
            checksums=any(map(_asks_checksums, signatures)),
            payload=any(
                unit and kind & KIND_TCP and reads_payload(s)
                for s, unit, kind in zip(signatures, units, kinds.tolist(), strict=True)
            ),
            streams=transactions or events or recognition or bool(inspecting),
            stream_ports=_stream_ports(
                inspecting, 1 + RECOGNISED_BY if transactions or recognition else int(events)
            ),
        )


def _asks_recognition(signature: Signature) -> bool:
    return any(isinstance(check, FlowProtocol) for check in signature.checks) or any(
        test.column == DETECTION_COLUMN and (test.mask or 0) & DETECTION_BITS for test in signature.columns
    )


def _asks_checksums(signature: Signature) -> bool:
    return any(t.column == "events" and (t.mask is None or t.mask & CHECKSUMS) for t in signature.columns)


def reads_payload(signature: Signature) -> bool:
    return any(step.buffer == PAYLOAD for step in signature.steps) or _wants_some(signature)


def _wants_some(signature: Signature) -> bool:
    """Is it about the size of a payload, and not true of an empty one?"""
    return any(t.column == "payload_len" and _excludes_zero(t) for t in signature.columns)


def _excludes_zero(test: ColumnTest) -> bool:
    return any(low <= 0 <= high for low, high in test.spans) == test.negated


def _inspects_streams(signature: Signature, units: int) -> bool:
    return bool(signature.steps) and bool(units & _STREAMS)


def _stream_ports(signatures: Sequence[Signature], everywhere: int) -> U16:
    """RuleSet.stream_ports of the rules that inspect streams; everywhere: what all are asked for."""
    wanted = np.full((2, 2, 65536), everywhere, np.uint16)
    for signature in signatures:
        header, directions, needed = signature.header, directions_of(signature), 1 + extent_of(signature)
        restricted = [(0, header.dest_port), (1, header.src_port)]
        side, ports = next(((s, p) for s, p in restricted if p != ANY_PORT), (0, ANY_PORT))
        for direction in (Direction.TO_SERVER, Direction.TO_CLIENT):
            if directions >> direction & 1:
                for place in {side, 1 - side} if header.bidirectional else {side}:
                    for low, high in ports.spans:
                        part = wanted[direction - 1, place, low : high + 1]
                        np.maximum(part, needed, out=part)
    return wanted


def extent_of(signature: Signature) -> int:
    """Bytes that a match of the payload steps may span, less one; at most LOOKBACK_LIMIT. Those before a
    content that counts from the start of a message are among them."""
    total, most = 0, 0
    for step in signature.steps:
        if isinstance(step, Content) and not step.negated:
            total += len(step.pattern)
            most = max(most, _latest_end(step))
            if is_relative(step):
                known = [abs(v) for v in (step.distance, step.within) if isinstance(v, int)]
                total += sum(known) if isinstance(step.within, int) else _UNKNOWN_GAP + sum(known)
        elif isinstance(step, Pcre):
            total += _UNKNOWN_GAP
        else:
            total += 8
    return min(max(total - 1, most - 1, 0), LOOKBACK_LIMIT)


def reach_of(signature: Signature) -> int:
    """Bytes before those that have just come in which its fast pattern may lie: all of a window, unless each
    content says how near to the one before it it must be."""
    sought = [
        step for step in signature.steps if step.buffer == PAYLOAD and not getattr(step, "negated", False)
    ]
    near = all(isinstance(step, Content) and isinstance(step.within, int) for step in sought[1:])
    return extent_of(signature) if near else WINDOW


def _latest_end(content: Content) -> int:
    """From the start of a message, as far as numbers say; 0 = it may be anywhere."""
    if not isinstance(content.depth, int):
        return 0
    return content.depth + (content.offset if isinstance(content.offset, int) else 0)
