"""What must be at the start of a payload for a rule to hold: most payloads need not be scanned for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.detect.match import fast_pattern
from vpi_tui.detect.match.kernels_units import Gates
from vpi_tui.detect.match.units import PAYLOAD
from vpi_tui.model.signature import Content, Signature

REACH: Final = 96
"""A content that may end behind so many bytes is no gate: to look for it would be a scan of its own."""
SHORT: Final = 512
"""A payload that may be longer than this is no gate either."""
ANY_SIZE: Final = 1 << 30


class Gate(NamedTuple):
    """One way through: a payload of at most so many bytes, with a content between two places."""

    most: int
    pattern: bytes
    low: int
    high: int
    nocase: bool


def gate_of(signature: Signature) -> Gate | None:
    """None = the rule may hold for most payloads, whatever they begin with."""
    most = min((_most(test.spans) for test in signature.columns if test.column == "payload_len"
                and test.mask is None and not test.negated), default=ANY_SIZE)  # fmt: skip
    most = most if most <= SHORT else ANY_SIZE
    found = [
        (fast_pattern.best_piece(step.pattern)[0], step, *place)
        for number, place in fast_pattern.places(signature.steps, PAYLOAD).items()
        if isinstance(step := signature.steps[number], Content) and step.pattern and 0 <= place[1] <= REACH
    ]  # fmt: skip
    if found:
        _, step, low, high = max(found, key=lambda one: one[0])
        pattern = fast_pattern.fold(step.pattern) if step.nocase else step.pattern
        return Gate(most, pattern, low, high, step.nocase)
    return Gate(most, b"", 0, 0, False) if most < ANY_SIZE else None


def _most(spans: Sequence[tuple[int, int]]) -> int:
    return max((high for _, high in spans), default=ANY_SIZE)


@dataclass(slots=True)
class GateBuilder:
    """Collects gates: sets of ways through; equal ones are kept once."""

    known: dict[frozenset[Gate], int] = field(default_factory=dict)

    def add(self, ways: frozenset[Gate]) -> int:
        """Number of the gate."""
        return self.known.setdefault(ways, len(self.known))

    def finish(self) -> Gates:
        every = [sorted(ways) for ways in self.known]
        ways = [one for gate in every for one in gate]
        patterns = [one.pattern for one in ways]
        return Gates(
            start=np.cumsum([0, *map(len, every)]).astype(np.int32),
            most=np.array([one.most for one in ways], np.int32),
            byte_start=np.cumsum([0, *map(len, patterns)])[:-1].astype(np.int32),
            length=np.array([len(pattern) for pattern in patterns], np.int32),
            low=np.array([one.low for one in ways], np.int32),
            high=np.array([one.high for one in ways], np.int32),
            nocase=np.array([one.nocase for one in ways], np.uint8),
            data=np.frombuffer(b"".join(patterns) or b"\0", np.uint8).copy(),
        )
