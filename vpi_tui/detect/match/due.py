"""At which stages of a transaction some rule has to look at it.

Most rules about a protocol are found by its buffers, which a transaction has at one stage or another. Where
all are found by an anomaly or a file, a transaction without one need not be looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vpi_tui.detect.applayer import registry
from vpi_tui.detect.applayer.files import FILE, FILE_DATA, FILE_NAME
from vpi_tui.detect.applayer.transaction import EVENTS, Stage
from vpi_tui.model.batch import U8, Direction

if TYPE_CHECKING:
    from vpi_tui.detect.match.app_rules import Needs

SELDOM: Final = frozenset({EVENTS, FILE, FILE_DATA, FILE_NAME})
"""Buffers that few transactions have."""
EVERY_STAGE: Final = 1 << Stage.HEAD | 1 << Stage.DONE

Due = tuple[int, int, int]
"""By Direction (entry 0 is not used): bits 1 << Stage of the stages at which a rule looks at whatever
transaction."""


class DueBuilder:
    def __init__(self) -> None:
        self._bits: dict[str, list[int]] = {}

    def add(self, need: Needs, stages: U8, found_in: str | None, *, grows: bool) -> None:
        """stages: of the rule, by Direction (AppRules.stage). found_in: the buffer by which it is found,
        None = it is tried on each transaction. grows: it is evaluated whenever something has come."""
        for name in need.applications:
            bits = self._bits.setdefault(name, [0, 0, 0])
            for direction in (Direction.TO_SERVER, Direction.TO_CLIENT):
                if found_in in SELDOM or not need.directions >> direction & 1:
                    continue
                bits[direction] |= EVERY_STAGE if grows else 1 << int(stages[direction])
                if found_in is not None:
                    bits[direction] |= 1 << registry.by_name()[name].buffers[found_in].stage

    def finish(self) -> dict[str, Due]:
        return {name: (bits[0], bits[1], bits[2]) for name, bits in self._bits.items()}
