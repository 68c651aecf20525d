"""One evaluation of a rule on one buffer: what its steps share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from vpi_tui.model.signature import Step

BUDGET: Final = 3000
"""Tries of one evaluation, as Suricata's inspection-recursion-limit."""
SEARCHED_NS: Final = 100_000_000
"""CPU time of all searches of one evaluation in long subjects."""
_U32: Final = 0xFFFFFFFF
_SIGN_32: Final = 1 << 31

CONTEXT: Final = "context"
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
    searched_ns: int = SEARCHED_NS
    """CPU time that searches in long subjects may still take."""
    exhausted: bool = False
    over: bool = False
    """A step failed that no other place of those before it is tried for, as in Suricata."""
    captured: Captured = field(default_factory=dict)
    """(scope, name) -> what the expressions of this evaluation captured; of scope CONTEXT: what sets tell."""
    barren: dict[int, int] = field(default_factory=dict)
    """Number of a step -> from there on its expression matches nothing."""
    begin: int = 0
    """Bytes of the buffer in front of the data."""
    ended: bool = True
    """The buffer ends where the data does."""

    def spend(self) -> bool:
        if self.over:
            return False
        self.budget -= 1
        self.exhausted = self.exhausted or self.budget < 0
        return self.budget >= 0

    def value(self, name: Value, default: int = 0) -> int:
        if name is None:
            return default
        return self.variables.get(name, 0) if isinstance(name, str) else name

    def unsigned(self, name: Value) -> int:
        """A value of which 32 bits count."""
        return self.value(name) & _U32

    def shift(self, name: Value) -> int:
        """A value that moves either way: of a variable 32 bits count, the highest as its sign."""
        if isinstance(name, str):
            return _signed(self.variables.get(name, 0))
        return name or 0


def _signed(value: int) -> int:
    return (value + _SIGN_32 & _U32) - _SIGN_32
