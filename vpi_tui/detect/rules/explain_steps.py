"""Each kind of step in words: what the bytes of a buffer have to be."""

from __future__ import annotations

from functools import singledispatch

from vpi_tui.detect.regex import LETTERS
from vpi_tui.detect.rules.explain_values import shown, spans_text
from vpi_tui.model.signature import (
    Absent,
    Asn1,
    Base64Decode,
    BufferSize,
    ByteExtract,
    ByteJump,
    ByteMath,
    ByteTest,
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

_LONGEST = 200
"""Bytes of a regular expression that are shown."""


@singledispatch
def step_text(step: Step) -> str:
    raise TypeError(f"no words for {type(step).__name__}")


@step_text.register
def _(step: Content) -> str:
    words = [f"the {step.buffer} {'does not hold' if step.negated else 'holds'} {shown(step.pattern)}"]
    notes: list[tuple[bool, str]] = [
        (step.nocase, "in any case"),
        (step.startswith, "at its start"),
        (step.endswith, "at its end"),
        (step.offset is not None, f"from byte {step.offset}"),
        (step.depth is not None, f"within {_bytes(step.depth)}"),
        (step.distance is not None or step.within is not None, _behind(step.distance or 0, step.within)),
    ]
    return ", ".join(words + [text for holds, text in notes if holds])


def _behind(distance: int | str, within: int | str | None) -> str:
    """Where a relative content may lie: all of it in the `within` bytes that begin where `distance` leads."""
    if isinstance(distance, int) and distance < 0:
        start, alone = f"{_bytes(-distance)} before the end of the last match", "from {} on"
    else:
        start, alone = f"{_bytes(distance)} after the last match", "at least {}"
    if within is None:
        return alone.format(start) if distance else "after the last match"
    return (
        f"within the {_bytes(within)} from {start} on"
        if distance
        else f"within {_bytes(within)} after the last match"
    )


def _bytes(number: object) -> str:
    """A number, or the name of a variable."""
    return "1 byte" if number == 1 else f"{number} bytes"


def _expression(pattern: bytes, flags: int) -> str:
    """As it was written: a backslash is one backslash."""
    kept = pattern[:_LONGEST].decode("latin-1")
    written = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in kept)
    letters = "".join(letter for letter, flag in LETTERS.items() if flags & flag)
    return f"/{written}/{letters}" if len(pattern) <= _LONGEST else f"/{written}... (it goes on)/{letters}"


@step_text.register
def _(step: Pcre) -> str:
    behind = " after the last match" if step.relative else ""
    verb = "does not match" if step.negated else "matches"
    return f"the {step.buffer} {verb} the expression {_expression(step.pattern, step.flags)}{behind}"


@step_text.register
def _(step: Asn1) -> str:
    flaws = ["a bit string that is shorter than it says"] if step.bitstring_overflow else []
    flaws += ["a real of more than 256 bytes"] if step.double_overflow else []
    if step.oversize_length is not None:
        flaws.append(f"a value of more than {step.oversize_length} bytes")
    return f"BER in the {step.buffer} has {' or '.join(flaws)}"


@step_text.register
def _(step: HasReputation) -> str:
    return f"the {step.buffer} has a score of {spans_text(step.spans)} in {step.scores.name}"


@step_text.register
def _(step: Validity) -> str:
    return f"the certificate {'has' if step.expired else 'has not'} expired at the time of the packet"


@step_text.register
def _(step: Absent) -> str:
    return f"there is no {step.buffer}" + (", or else what is said of it holds" if step.or_else else "")


@step_text.register
def _(step: IsDataAt) -> str:
    behind = " after the last match" if step.relative else ""
    return f"the {step.buffer} has {'no' if step.negated else 'a'} byte at {step.position}{behind}"


def _number(step: ByteTest | ByteJump | ByteExtract | ByteMath) -> str:
    order = " little-endian" if step.little_endian and not step.base else ""
    kind = f"{step.count}-byte{order} {'text number' if step.base else 'number'}"
    behind = " after the last match" if step.relative else ""
    masked = f" & {step.bitmask:#x}" if step.bitmask is not None else ""
    return f"{kind} at byte {step.offset}{behind} of the {step.buffer}{masked}"


@step_text.register
def _(step: ByteTest) -> str:
    if step.operator == "&":
        return f"the {_number(step)} has {'none' if step.negated else 'one'} of the bits of {step.value}"
    return f"the {_number(step)} {'is not' if step.negated else 'is'} {step.operator} {step.value}"


@step_text.register
def _(step: ByteJump) -> str:
    base = " from the start" if step.from_beginning else " from the end" if step.from_end else ""
    times = f", times {step.multiplier}" if step.multiplier != 1 else ""
    whole = ", rounded up to 4" if step.align else ""
    plus = f", plus {step.post_offset}" if step.post_offset else ""
    return f"(moves{base} on by the {_number(step)}{times}{whole}{plus})"


@step_text.register
def _(step: ByteExtract) -> str:
    return f"({step.name} = the {_number(step)})"


@step_text.register
def _(step: ByteMath) -> str:
    return f"({step.result} = the {_number(step)} {step.operator} {step.rvalue})"


@step_text.register
def _(step: BufferSize) -> str:
    masked = "" if step.mask is None else f" & {step.mask:#x}"
    verb = "is not" if step.negated else "is"
    return f"the length of the {step.buffer}{masked} {verb} {spans_text(step.spans)}"


@step_text.register
def _(step: FileTest) -> str:
    no = "not " if step.negated else ""
    masked = f", of the bits {step.mask:#x}," if step.mask is not None else ""
    listed = len(step.digests if step.listed is None else step.listed)
    return {
        "size": f"the size of a file{masked} is {spans_text(step.spans)}",
        "any": "there is a file",
    }.get(step.kind, f"the {step.kind} of a file is {no}one of {listed:,}")


@step_text.register
def _(step: NumberIn) -> str:
    bits = f", of the bits {step.mask:#x}," if step.mask is not None else ""
    return f"the {step.buffer}{bits} is {spans_text(step.spans)}{_which(step.which)}"


def _which(which: Which | None) -> str:
    """Of several numbers: which of them, or how many."""
    if which is None:
        return ""
    words = {
        "any": "",
        "all": ", each of them",
        "index": f", number {which.index} of them",
        "count": f", {spans_text(which.counts)} of them",
    }[which.kind]
    part = f", looking at those from {which.part[0]} to {which.part[1]}" if which.part else ""
    return words + part + (", or there is none" if which.absent else "")


@step_text.register
def _(step: Entropy) -> str:
    inside = f"from {step.low:g} to {step.high:g} bits a byte"
    return f"the entropy of the {step.buffer} {'is not' if step.negated else 'is'} {inside}"


_IN_SET = {
    "isset": "the {} is in the set {}",
    "isnotset": "the {} is not in the set {}",
    "set": "the {} is new in the set {}, and goes there",
    "unset": "the {} is taken out of the set {}",
}


@step_text.register
def _(step: InSet) -> str:
    return _IN_SET[step.op].format(step.buffer, step.values.name)


@step_text.register
def _(step: Base64Decode) -> str:
    inner = "".join(f"; there {step_text(own)}" for own in step.steps)
    return f"the {step.buffer} holds base64 at byte {step.offset}{inner}"
