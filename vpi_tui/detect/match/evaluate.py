"""The steps of one rule against its buffers, after the compiled filter let the rule through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.files import FILE
from vpi_tui.detect.applayer.window import Window
from vpi_tui.detect.match.buffers import Subject
from vpi_tui.detect.match.file_tests import tests_hold
from vpi_tui.detect.match.numbers import numbers_hold
from vpi_tui.detect.match.run import Captured, Run
from vpi_tui.detect.match.steps import hold, tied_steps
from vpi_tui.detect.match.units import PAYLOAD
from vpi_tui.detect.transforms import base_of, function_of
from vpi_tui.model.signature import Absent, Content, FileTest, NumberIn, Pcre, Signature, Step, Validity


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
    file_group: int
    """Number of the group about files as a whole; -1 = there is none."""

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Plan:
        by_buffer: dict[str, list[Step]] = {}
        for step in steps:
            by_buffer.setdefault(step.buffer, []).append(step)
        groups = tuple(_group(name, own) for name, own in by_buffer.items())
        found = any(isinstance(s, Content | Pcre) and not s.negated for s in by_buffer.get(PAYLOAD, ()))
        about_files = (n for n, group in enumerate(groups) if group.buffer == FILE)
        return cls(groups, found, next(about_files, -1))

    def match(self, context: Subject, tally: Tally) -> Captured | None:
        """Do all steps hold? Those of one buffer have to hold together in one of its instances; a buffer
        that is not there holds for nothing, unless the rule says so. None = they do not; else what the
        expressions have captured."""
        return self._captured(context, tally, None)

    def match_parts(self, context: Subject, tally: Tally, held: set[int]) -> Captured | None:
        """The same of buffers that grow. held: numbers of the groups that have held before; those that hold
        now of such a buffer are added, and all are tried."""
        return self._captured(context, tally, held)

    @property
    def file_tests(self) -> tuple[FileTest, ...]:
        """What the rule asks of a file as a whole."""
        steps = self.groups[self.file_group].steps if self.file_group >= 0 else ()
        return tuple(step for step in steps if isinstance(step, FileTest))

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
            return {} if any(tests_hold(self.file_tests, *one) for one in context.files()) else None
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
            held = hold(run, 0, (0, 0))
            tally.exhausted += run.exhausted
            if held:
                return run.captured
        return None


class Plans(dict[int, Plan | None]):
    """Plans by number of the rule, each made when it is first wanted: most rules never meet a packet."""

    def __init__(self, signatures: Sequence[Signature], has: NDArray[np.bool_]) -> None:
        """has: bool per rule; False = it has no steps, or the scan has checked them."""
        super().__init__()
        self.has = has
        self._signatures = signatures

    def __missing__(self, number: int) -> Plan | None:
        made = self[number] = Plan.of(self._signatures[number].steps) if self.has[number] else None
        return made


def _is_valid(step: Validity, span: bytes, now_ns: int) -> bool:
    """Only the end counts, as in Suricata."""
    end, now = int.from_bytes(span), now_ns // 1_000_000_000
    return now > end if step.expired else 0 < now <= end


def _bytes(instance: bytes | Window) -> bytes:
    return instance.data if isinstance(instance, Window) else instance


def _group(name: str, own: Sequence[Step]) -> _Group:
    absent = next((step for step in own if isinstance(step, Absent)), None)
    steps = tuple(step for step in own if not isinstance(step, Absent))
    return _Group(base_of(name), function_of(name), steps, tied_steps(steps), absent)
