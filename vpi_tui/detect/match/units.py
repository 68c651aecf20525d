"""What a rule inspects: packets, packets whose payload a stream took; starts, windows or rests of streams."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from vpi_tui.detect.match.columns import PROTOCOL_KINDS, STREAM_COLUMNS
from vpi_tui.detect.regex import is_anchored
from vpi_tui.model.signature import (
    Asn1,
    Base64Decode,
    BufferSize,
    ByteExtract,
    ByteJump,
    ByteMath,
    ByteTest,
    Content,
    Entropy,
    IsDataAt,
    Pcre,
    Signature,
    Step,
)

PAYLOAD: Final = "payload"


class UnitKind(IntEnum):
    """What a stretch of payload is; bit numbers in masks."""

    PACKET = 0
    """A packet's payload that no stream took."""
    TAKEN = 1
    """A packet's payload that is also part of a stream."""
    STREAM_START = 2
    """The first bytes of a stream."""
    STREAM_LATER = 3
    STREAM_WINDOW = 4
    """Later bytes of a stream, from where positions count anew (windows.py)."""


def mask(*kinds: UnitKind) -> int:
    return sum(1 << kind for kind in kinds)


def is_relative(step: Step) -> bool:
    """Does the step start from where the one before it ended?"""
    if isinstance(step, Content):
        return step.distance is not None or step.within is not None
    return bool(getattr(step, "relative", False))


def _is_anchored(step: Step, follows: bool) -> bool:
    """Does the step count from the first byte of the payload? follows: it has a step before it."""
    if isinstance(step, Content):
        absolute = step.startswith or step.offset is not None or step.depth is not None
        return absolute or (is_relative(step) and not follows)
    if isinstance(step, Pcre):
        return is_anchored(step.pattern, step.flags) and not (step.relative and follows)
    if isinstance(step, ByteJump) and (step.from_beginning or step.from_end):
        return True
    if isinstance(step, IsDataAt | ByteTest | ByteJump | ByteExtract | ByteMath | Base64Decode):
        return not (step.relative and follows)
    if isinstance(step, Asn1):
        return not (step.relative and follows)
    return isinstance(step, BufferSize | Entropy)


def is_positioned(signature: Signature) -> bool:
    """True when a payload step counts from the start of the payload.

    Such a rule looks at the first bytes of a stream, at the windows behind them and at each packet, as in
    Suricata, where depth and offset make a rule look at packets besides the stream.
    """
    steps = [step for step in signature.steps if step.buffer == PAYLOAD]
    return any(_is_anchored(step, number > 0) for number, step in enumerate(steps))


def unit_kinds(signature: Signature) -> int:
    """Mask of the UnitKinds that the rule's payload steps inspect."""
    protocol = signature.header.protocol
    tcp = bool(PROTOCOL_KINDS.get(protocol, 0) & 1)
    columns_of_packet = any(test.column not in STREAM_COLUMNS for test in signature.columns)
    header_steps = any(step.buffer != PAYLOAD for step in signature.steps)
    inspect = {"tcp-pkt": "packet", "tcp-stream": "stream"}.get(protocol, signature.inspect)
    if inspect == "packet" or not tcp or columns_of_packet or header_steps:
        return mask(UnitKind.PACKET, UnitKind.TAKEN)
    positioned = signature.packet_too or is_positioned(signature)
    streams = mask(UnitKind.STREAM_START, UnitKind.STREAM_WINDOW if positioned else UnitKind.STREAM_LATER)
    if inspect == "stream":
        return streams
    return streams | mask(UnitKind.PACKET, *((UnitKind.TAKEN,) if positioned else ()))
