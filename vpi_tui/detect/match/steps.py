"""The steps of one rule against the bytes of one buffer.

Contents may be found in more than one place; when a later step that depends on the place fails, the
next place is tried (Suricata's recursive search). All of it is bounded by a budget of tries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from vpi_tui.detect.match.asn1 import asn1_holds
from vpi_tui.detect.match.coded import base64_prefix, shannon
from vpi_tui.detect.match.expressions import capture, search
from vpi_tui.detect.match.numbers import MAX_VALUE, lies_in, masked, read_number
from vpi_tui.detect.match.run import CONTEXT, Place, Run
from vpi_tui.detect.match.units import is_relative
from vpi_tui.detect.regex import SUBJECT_LIMIT
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
    HasReputation,
    InSet,
    IsDataAt,
    NumberIn,
    Pcre,
    Step,
)

MAX_STEPS: Final = 200
"""Steps of a rule; each is one call deep."""


def hold(run: Run, number: int, place: Place) -> bool:
    """Do the steps from `number` on hold, given where the ones before ended?"""
    if number == len(run.steps):
        return place[1] > run.fresh
    step = run.steps[number]
    return _HANDLERS[type(step)](run, step, number, place)


def _is_elsewhere(run: Run, step: Content) -> bool:
    """Is the place where the content could be in front of a window, or behind it?"""
    if step.endswith and not run.ended:
        return True
    if not run.begin:
        return False
    return step.startswith or (
        step.depth is not None and run.value(step.offset) + run.value(step.depth) <= run.begin
    )


def _content_range(run: Run, step: Content, at: int) -> tuple[int, int]:
    """(earliest start, latest end) of a content."""
    low, high = 0, len(run.data)
    if step.startswith:
        return 0, min(high, len(step.pattern))
    if step.offset is not None or step.depth is not None:
        low = run.unsigned(step.offset) - run.begin
        if step.depth is not None:
            high = min(high, low + run.unsigned(step.depth))
        low = max(low, 0) if run.begin else low
    if is_relative(step):
        distance = run.shift(step.distance)
        low = max(low, at + distance, 0)
        if step.within is not None:
            end = at + distance + run.shift(step.within)
            # A range that would end in front of the first byte is none at all, as in Suricata.
            high = high if end + run.begin < 0 else min(high, end)
    return low, high


def _find(run: Run, step: Content, low: int, high: int) -> int:
    """First place of the pattern in the range, -1 = none."""
    data, pattern = run.data, step.pattern
    if step.nocase:
        if run.folded is None:
            run.folded = run.data.lower()
        data, pattern = run.folded, pattern.lower()
    if step.endswith:
        low = max(low, len(data) - len(pattern))
    return data.find(pattern, low, high) if low <= high else -1


def _content(run: Run, step: Content, number: int, place: Place) -> bool:
    at, reach = place
    if _is_elsewhere(run, step):
        return False
    low, high = _content_range(run, step, at)
    if step.negated:
        return run.spend() and not _stands_there(run, step, low, high) and hold(run, number + 1, place)
    first = True
    while run.spend():
        found = _find(run, step, low, high)
        if found < 0:
            # Of a stream another place of a content before it may lie in fresh bytes.
            run.over = not is_relative(step) and (first or run.fresh < 0)
            return False
        first = False
        end = found + len(step.pattern)
        if hold(run, number + 1, (end, max(reach, end))):
            return True
        if not run.tied[number]:
            run.over = True
            return False
        low = found + 1
    return False


def _stands_there(run: Run, step: Content, low: int, high: int) -> bool:
    """Is the content there that must not be? Of one that must not stand at the end only the first place
    counts, and its end is compared with the size of what is searched, as in Suricata."""
    if not step.endswith:
        return _find(run, step, low, high) >= 0
    if high < len(run.data):
        return False
    found = _find(run, replace(step, endswith=False), low, high)
    return found >= 0 and found + len(step.pattern) == high - low


def _pcre(run: Run, step: Pcre, number: int, place: Place) -> bool:
    at, reach = place
    base = at if step.relative else 0
    subject = run.data[base : base + SUBJECT_LIMIT]
    start = 0
    while run.spend():
        found, given_up = search(run, step, number, base, subject, start)
        if step.negated:  # of a search that was given up nobody knows, so neither holds
            return found is None and not given_up and hold(run, number + 1, place)
        if found is None:
            return False
        end = base + found.end()
        if step.captures:
            capture(run, step, found)
        if hold(run, number + 1, (end, max(reach, end))):
            return True
        start = found.start() + 1
        if not run.tied[number] or start > len(subject):
            return False
    return False


def _is_data_at(run: Run, step: IsDataAt, number: int, place: Place) -> bool:
    at, reach = place
    wanted = run.value(step.position)
    wanted = at + wanted if step.relative else wanted + 1
    there = wanted <= len(run.data)
    if there == step.negated:
        # More data will not be behind a later place; that there is none may be so.
        run.over = isinstance(step.position, int) and not (step.relative and there)
        return False
    if not step.negated:
        reach = max(reach, wanted)
    return hold(run, number + 1, (at, reach))


_Numeric = ByteTest | ByteJump | ByteExtract | ByteMath


def _number(run: Run, step: _Numeric, at: int) -> tuple[int, int, int] | None:
    """(value, where it starts, where it ends) of the number that a step reads."""
    start = run.shift(step.offset) + (at if step.relative else 0)
    if step.relative and start >= len(run.data):  # no bytes are none either
        return None
    little = run.little_endian if step.dce else step.little_endian
    read = read_number(run.data, start, run.value(step.count), base=step.base, little_endian=little)
    return None if read is None else (read[0], start, start + read[1])


_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "=": lambda a, b: a == b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "&": lambda a, b: a & b != 0,
    "^": lambda a, b: a ^ b != 0,
}


def _byte_test(run: Run, step: ByteTest, number: int, place: Place) -> bool:
    read = _number(run, step, place[0])
    if read is None:
        return False
    value = masked(read[0], step.bitmask)
    if _COMPARE[step.operator](value, run.value(step.value)) == step.negated:
        return False
    return hold(run, number + 1, (place[0], max(place[1], read[2])))


_SIGN: Final = 1 << 63


def _byte_jump(run: Run, step: ByteJump, number: int, place: Place) -> bool:
    read = _number(run, step, place[0])
    if read is None:
        return False
    jump = masked(read[0], step.bitmask) * step.multiplier
    if step.align:
        jump += -jump % 4
    jump += run.value(step.post_offset)
    jump = ((jump + _SIGN) & MAX_VALUE) - _SIGN  # a number of 64 bits with a sign, as in Suricata
    if step.from_beginning:
        target = jump
    elif step.from_end:
        target = len(run.data) + jump
    else:
        target = read[2] + jump
    if not run.begin:  # in front of the first byte there is only it, as in Suricata
        target = max(target, 0)
    if not 0 <= target < len(run.data):
        return False
    return hold(run, number + 1, (target, max(place[1], read[2])))


def _byte_extract(run: Run, step: ByteExtract, number: int, place: Place) -> bool:
    read = _number(run, step, place[0])
    if read is None:
        return False
    value = masked(read[0], step.bitmask) * step.multiplier
    if step.align:
        value += -value % step.align
    run.variables[step.name] = value & MAX_VALUE
    return hold(run, number + 1, (read[2], max(place[1], read[2])))


_COMPUTE: Final[dict[str, Callable[[int, int], int | None]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b if b else None,
    "<<": lambda a, b: a << b if b < 64 else None,
    ">>": lambda a, b: a >> b if b < 64 else None,
}


def _byte_math(run: Run, step: ByteMath, number: int, place: Place) -> bool:
    read = _number(run, step, place[0])
    if read is None:
        return False
    value = _COMPUTE[step.operator](read[0], run.value(step.rvalue))
    if value is None:
        return False
    run.variables[step.result] = masked(value & MAX_VALUE, step.bitmask)
    return hold(run, number + 1, (read[2], max(place[1], read[2])))


_ANY_SIZE: Final = 0xFFFFFFFF


def _buffer_size(run: Run, step: BufferSize, number: int, place: Place) -> bool:
    size = run.begin + len(run.data)
    if step.mask is not None:
        size &= step.mask
    if not run.ended:  # what will hold however much follows
        low, high = step.spans[-1] if step.mask is None else (size + 1, size)
        return not step.negated and low <= size and high >= _ANY_SIZE and hold(run, number + 1, place)
    inside = any(low <= size <= high for low, high in step.spans)
    return inside != step.negated and hold(run, number + 1, place)


def _entropy(run: Run, step: Entropy, number: int, place: Place) -> bool:
    data = run.data[step.offset : step.offset + step.count if step.count else None]
    if step.offset > len(run.data) or len(data) < step.count:
        return False
    value = shannon(data)
    inside = step.low <= value <= step.high if step.closed else step.low < value < step.high
    return inside != step.negated and hold(run, number + 1, place)


def _base64_decode(run: Run, step: Base64Decode, _number: int, place: Place) -> bool:
    start = step.offset + (place[0] if step.relative else 0)
    end = start + step.count if step.count else len(run.data)
    # A rule that does not look at base64_data holds nowhere, as in Suricata.
    decoded = base64_prefix(run.data[start:end]) if step.steps else b""
    if not decoded:
        return False
    inner = Run(
        decoded,
        None,
        step.steps,
        tied_steps(step.steps),
        run.variables,
        -1,
        run.little_endian,
        run.budget,
        captured=run.captured,
    )
    held = hold(inner, 0, (0, 0))
    run.budget, run.exhausted = inner.budget, run.exhausted or inner.exhausted
    # What the rule says of the buffer behind base64_decode is not looked at, as in Suricata.
    return held and max(place[1], min(end, len(run.data))) > run.fresh


def _number_in(run: Run, step: NumberIn, number: int, place: Place) -> bool:
    return lies_in(step, run.data) and hold(run, number + 1, place)


def _in_set(run: Run, step: InSet, number: int, place: Place) -> bool:
    values = step.values
    if not run.data:  # nothing is neither in a set nor outside of it, as in Suricata
        return False
    if step.op == "set":
        held = values.add(run.data)
    elif step.op == "unset":
        held = values.remove(run.data)
    else:
        found = values.found(run.data, subdomain=step.subdomain)
        held = (found is not None) == (step.op == "isset")
        if found is not None and step.context is not None:
            run.captured[CONTEXT, step.context_key] = step.context.get(found) or b""
    return held and hold(run, number + 1, place)


def _asn1(run: Run, step: Asn1, number: int, place: Place) -> bool:
    start = step.offset + (place[0] if step.relative else 0)
    return start >= 0 and asn1_holds(step, run.data, start) and hold(run, number + 1, place)


def _has_reputation(run: Run, step: HasReputation, number: int, place: Place) -> bool:
    score = step.scores.get(run.data)
    if score is None or not any(low <= score <= high for low, high in step.spans):
        return False
    return hold(run, number + 1, place)


_HANDLERS: Final[dict[type, Callable[[Run, Any, int, Place], bool]]] = {
    Content: _content,
    Pcre: _pcre,
    IsDataAt: _is_data_at,
    ByteTest: _byte_test,
    ByteJump: _byte_jump,
    ByteExtract: _byte_extract,
    ByteMath: _byte_math,
    BufferSize: _buffer_size,
    NumberIn: _number_in,
    Entropy: _entropy,
    Base64Decode: _base64_decode,
    InSet: _in_set,
    Asn1: _asn1,
    HasReputation: _has_reputation,
}


_LEAVES_LOOSE: Final = Base64Decode | Asn1
"""Relative steps for which Suricata tries no other place of the content before them."""


def tied_steps(steps: Sequence[Step]) -> tuple[bool, ...]:
    """For each step: is any later step relative to it?

    A variable hangs on a place only through a byte_extract or byte_math that is itself relative.
    """
    tied = [False] * len(steps)
    depends = False
    for number in range(len(steps) - 1, -1, -1):
        tied[number] = depends
        step = steps[number]
        moves = isinstance(step, Content | Pcre | ByteJump | ByteExtract | ByteMath) and not getattr(
            step, "negated", False
        )
        if is_relative(step) and not isinstance(step, _LEAVES_LOOSE):
            depends = True
        elif moves:
            depends = False
    return tuple(tied)
