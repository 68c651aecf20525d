"""The steps of one rule against its buffers, after the compiled filter let the rule through.

Contents may be found in more than one place; when a later step that depends on the place fails, the
next place is tried (Suricata's recursive search). All of it is bounded by a budget of tries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from vpi_tui.detect.applayer.window import Window
from vpi_tui.detect.match.asn1 import asn1_holds
from vpi_tui.detect.match.buffers import Subject
from vpi_tui.detect.match.coded import base64_prefix, shannon
from vpi_tui.detect.match.file_tests import tests_hold
from vpi_tui.detect.match.numbers import MAX_VALUE, lies_in, masked, numbers_hold, read_number
from vpi_tui.detect.match.units import PAYLOAD, is_relative
from vpi_tui.detect.regex import SUBJECT_LIMIT, search
from vpi_tui.detect.transforms import base_of, function_of
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
)

BUDGET: Final = 3000
"""Tries of one evaluation, as Suricata's inspection-recursion-limit."""
MAX_STEPS: Final = 200
"""Steps of a rule; each is one call deep."""

MOST_CAPTURED: Final = 1024
"""Bytes of one capture that are kept."""

Value = int | str | None
Captured = dict[tuple[str, str], bytes]
Place = tuple[int, int]
"""(where the next relative step starts, how far the bytes looked at so far reach)"""


@dataclass(slots=True)
class Run:
    """One evaluation of a rule on one buffer."""

    data: bytes
    folded: bytes | None
    steps: Sequence[Step]
    tied: Sequence[bool]
    """For each step: does what follows depend on where it ended?"""
    variables: dict[str, int]
    fresh: int
    """The bytes looked at must reach beyond this; -1 = no such condition."""
    little_endian: bool = False
    """Byte order of steps that take it from the message."""
    budget: int = BUDGET
    exhausted: bool = False
    captured: Captured = field(default_factory=dict)
    """(scope, name) -> what the expressions of this evaluation captured."""
    begin: int = 0
    """Bytes of the buffer in front of the data."""
    ended: bool = True
    """The buffer ends where the data does."""

    def spend(self) -> bool:
        self.budget -= 1
        self.exhausted = self.exhausted or self.budget < 0
        return self.budget >= 0

    def value(self, name: Value, default: int = 0) -> int:
        if name is None:
            return default
        return self.variables.get(name, 0) if isinstance(name, str) else name


def _hold(run: Run, number: int, place: Place) -> bool:
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
        low = run.value(step.offset) - run.begin
        if step.depth is not None:
            high = min(high, low + run.value(step.depth))
        low = max(low, 0) if run.begin else low
    if is_relative(step):
        distance = run.value(step.distance)
        low = max(low, at + distance, 0)
        if step.within is not None:
            high = min(high, at + distance + run.value(step.within))
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
        return run.spend() and _find(run, step, low, high) < 0 and _hold(run, number + 1, place)
    while run.spend():
        found = _find(run, step, low, high)
        if found < 0:
            return False
        end = found + len(step.pattern)
        if _hold(run, number + 1, (end, max(reach, end))):
            return True
        if not run.tied[number]:
            return False
        low = found + 1
    return False


def _pcre(run: Run, step: Pcre, number: int, place: Place) -> bool:
    at, reach = place
    base = at if step.relative else 0
    subject = run.data[base : base + SUBJECT_LIMIT]
    start = 0
    while run.spend():
        found = search(step.pattern, step.flags, subject, start)
        if step.negated:
            return found is None and _hold(run, number + 1, place)
        if found is None:
            return False
        end = base + found.end()
        if step.captures:
            _capture(run, step, found)
        if _hold(run, number + 1, (end, max(reach, end))):
            return True
        start = found.start() + 1
        if not run.tied[number] or start > len(subject):
            return False
    return False


def _capture(run: Run, step: Pcre, found: Any) -> None:
    """Note the texts of groups that the rule names."""
    keys: dict[str, str] = {}
    for group, scope, name in step.captures:
        text = found[group]
        if text is None:
            continue
        if name == "key":
            keys[scope] = text[:MOST_CAPTURED].decode("latin-1")
        else:
            run.captured[scope, keys.pop(scope, name)] = text[:MOST_CAPTURED]


def _is_data_at(run: Run, step: IsDataAt, number: int, place: Place) -> bool:
    at, reach = place
    wanted = run.value(step.position)
    wanted = at + wanted if step.relative else wanted + 1
    if (wanted <= len(run.data)) == step.negated:
        return False
    if not step.negated:
        reach = max(reach, wanted)
    return _hold(run, number + 1, (at, reach))


_Numeric = ByteTest | ByteJump | ByteExtract | ByteMath


def _number(run: Run, step: _Numeric, at: int) -> tuple[int, int, int] | None:
    """(value, where it starts, where it ends) of the number that a step reads."""
    start = run.value(step.offset) + (at if step.relative else 0)
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
    return _hold(run, number + 1, (place[0], max(place[1], read[2])))


def _byte_jump(run: Run, step: ByteJump, number: int, place: Place) -> bool:
    read = _number(run, step, place[0])
    if read is None:
        return False
    jump = masked(read[0], step.bitmask) * step.multiplier
    if step.align:
        jump += -jump % 4
    jump += run.value(step.post_offset)
    if step.from_beginning:
        target = jump
    elif step.from_end:
        target = len(run.data) + jump
    else:
        target = read[2] + jump
    if not 0 <= target < len(run.data):
        return False
    return _hold(run, number + 1, (target, max(place[1], read[2])))


def _byte_extract(run: Run, step: ByteExtract, number: int, place: Place) -> bool:
    read = _number(run, step, place[0])
    if read is None:
        return False
    value = masked(read[0], step.bitmask) * step.multiplier
    if step.align:
        value += -value % step.align
    run.variables[step.name] = value & MAX_VALUE
    return _hold(run, number + 1, (read[2], max(place[1], read[2])))


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
    return _hold(run, number + 1, (read[2], max(place[1], read[2])))


_ANY_SIZE: Final = 0xFFFFFFFF


def _buffer_size(run: Run, step: BufferSize, number: int, place: Place) -> bool:
    size = run.begin + len(run.data)
    if not run.ended:  # what will hold however much follows
        low, high = step.spans[-1]
        return not step.negated and low <= size and high >= _ANY_SIZE and _hold(run, number + 1, place)
    inside = any(low <= size <= high for low, high in step.spans)
    return inside != step.negated and _hold(run, number + 1, place)


def _entropy(run: Run, step: Entropy, number: int, place: Place) -> bool:
    data = run.data[step.offset : step.offset + step.count if step.count else None]
    if len(data) < max(step.count, 1):
        return False
    value = shannon(data)
    inside = step.low <= value <= step.high if step.closed else step.low < value < step.high
    return inside != step.negated and _hold(run, number + 1, place)


def _base64_decode(run: Run, step: Base64Decode, number: int, place: Place) -> bool:
    start = step.offset + (place[0] if step.relative else 0)
    end = start + step.count if step.count else len(run.data)
    decoded = base64_prefix(run.data[start:end])
    if not decoded:
        return False
    inner = Run(
        decoded, None, step.steps, _tied(step.steps), run.variables, -1, run.little_endian, run.budget
    )
    held = _hold(inner, 0, (0, 0))
    run.budget, run.exhausted = inner.budget, run.exhausted or inner.exhausted
    return held and _hold(run, number + 1, (place[0], max(place[1], min(end, len(run.data)))))


def _number_in(run: Run, step: NumberIn, number: int, place: Place) -> bool:
    return lies_in(step, run.data) and _hold(run, number + 1, place)


def _in_set(run: Run, step: InSet, number: int, place: Place) -> bool:
    values = step.values
    if step.op == "set":
        held = values.add(run.data)
    elif step.op == "unset":
        held = values.remove(run.data)
    else:
        held = values.holds(run.data, subdomain=step.subdomain) == (step.op == "isset")
    return held and _hold(run, number + 1, place)


def _asn1(run: Run, step: Asn1, number: int, place: Place) -> bool:
    start = step.offset + (place[0] if step.relative else 0)
    return start >= 0 and asn1_holds(step, run.data, start) and _hold(run, number + 1, place)


def _has_reputation(run: Run, step: HasReputation, number: int, place: Place) -> bool:
    score = step.scores.scores.get(run.data)
    if score is None or not any(low <= score <= high for low, high in step.spans):
        return False
    return _hold(run, number + 1, place)


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


@dataclass(slots=True)
class Tally:
    """What evaluations came to."""

    evaluated: int = 0
    exhausted: int = 0
    """Evaluations that ran out of budget and so did not match."""


class _Group(NamedTuple):
    """The steps of one buffer."""

    buffer: str
    """Without transforms."""
    change: Callable[[bytes], bytes] | None
    """The transforms; None = there are none."""
    steps: tuple[Step, ...]
    tied: tuple[bool, ...]
    absent: Absent | None
    """The rule says that the buffer is not there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule's steps by buffer, in the order in which the buffers first appear."""

    groups: tuple[_Group, ...]
    needs_fresh: bool
    """A positive payload step looks for bytes: on a stream some of them must be new."""

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Plan:
        by_buffer: dict[str, list[Step]] = {}
        for step in steps:
            by_buffer.setdefault(step.buffer, []).append(step)
        groups = tuple(_group(name, own) for name, own in by_buffer.items())
        found = any(isinstance(s, Content | Pcre) and not s.negated for s in by_buffer.get(PAYLOAD, ()))
        return cls(groups, found)

    def match(self, context: Subject, tally: Tally) -> Captured | None:
        """Do all steps hold? Those of one buffer have to hold together in one of its instances; a buffer
        that is not there holds for nothing, unless the rule says so. None = they do not; else what the
        expressions have captured."""
        return self._captured(context, tally, None)

    def match_parts(self, context: Subject, tally: Tally, held: set[int]) -> Captured | None:
        """The same of buffers that grow. held: numbers of the groups that have held before; those that hold
        now of such a buffer are added, and all are tried."""
        return self._captured(context, tally, held)

    def _captured(self, context: Subject, tally: Tally, held: set[int] | None) -> Captured | None:
        tally.evaluated += 1
        variables: dict[str, int] = {}
        captured: Captured = {}
        whole = True
        for number, group in enumerate(self.groups):
            if held is not None and number in held:
                continue
            found = self._in_group(group, context, tally, variables)
            if found is not None:
                captured |= found
                if held is not None and context.grows(group.buffer):
                    held.add(number)
            elif held is None:
                return None
            else:
                whole = False
        return captured if whole else None

    def _in_group(
        self, group: _Group, context: Subject, tally: Tally, variables: dict[str, int]
    ) -> Captured | None:
        """None = its steps do not hold; else what they captured."""
        steps = group.steps
        if group.absent is not None:
            there = context.has(group.buffer)
            if there is False:
                return {}
            if there is None or not group.absent.or_else:
                return None
        if not steps:
            return {}
        first = steps[0]
        if isinstance(first, FileTest):
            tests = [step for step in steps if isinstance(step, FileTest)]
            return {} if any(tests_hold(tests, file) for file in context.files()) else None
        if isinstance(first, NumberIn) and first.which is not None:
            numbers = [_bytes(one) for one in context.instances(group.buffer)]
            return {} if numbers_hold(first, first.which, numbers) else None
        if isinstance(first, Validity):
            spans = context.instances(group.buffer)
            return {} if any(_is_valid(first, _bytes(one), context.now_ns) for one in spans) else None
        fresh = context.fresh if group.buffer == PAYLOAD and self.needs_fresh else -1
        depends = group.tied if fresh < 0 else (True,) * len(steps)
        for one in context.instances(group.buffer):
            data, begin, ended = one[:3] if isinstance(one, Window) else (one, 0, True)
            changed = data if group.change is None else group.change(data)
            run = Run(
                changed,
                None,
                steps,
                depends,
                variables,
                fresh,
                context.little_endian,
                begin=begin,
                ended=ended,
            )
            held = _hold(run, 0, (0, 0))
            tally.exhausted += run.exhausted
            if held:
                return run.captured
        return None


def _is_valid(step: Validity, span: bytes, now_ns: int) -> bool:
    begin, end, now = int.from_bytes(span[:8]), int.from_bytes(span[8:]), now_ns // 1_000_000_000
    return now > end if step.expired else bool(now) and begin <= now <= end


def _bytes(instance: bytes | Window) -> bytes:
    return instance.data if isinstance(instance, Window) else instance


def _group(name: str, own: Sequence[Step]) -> _Group:
    absent = next((step for step in own if isinstance(step, Absent)), None)
    steps = tuple(step for step in own if not isinstance(step, Absent))
    return _Group(base_of(name), function_of(name), steps, _tied(steps), absent)


def _tied(steps: Sequence[Step]) -> tuple[bool, ...]:
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
        if is_relative(step):
            depends = True
        elif moves:
            depends = False
    return tuple(tied)
