"""One request and its answer, and how far each of them is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, Final

from vpi_tui.detect.applayer.files import MOST_FILES, NOTHING_GROWN, File, FileNeeds, grown
from vpi_tui.detect.applayer.window import Window
from vpi_tui.model.batch import Direction

MOST_EVENTS: Final = 32
"""Kinds of anomaly remembered of one transaction and direction."""
A_TRANSACTION: Final = 1_024
"""Bytes that a transaction costs beside its files."""
EVENTS: Final = "app-layer-event"
"""The buffer of the names of anomalies; every protocol has it."""


class Stage(IntEnum):
    """How far one direction of a transaction is."""

    NONE = 0
    HEAD = 1
    """All in front of a body is known."""
    DONE = 2
    """Nothing more will be known of this direction."""


NONE, HEAD, DONE = Stage.NONE, Stage.HEAD, Stage.DONE
"""The same as plain names: on a hot path an attribute of an enumeration costs more than its use."""


@dataclass(slots=True)
class Parts:
    """How far a rule about buffers that grow has come."""

    held: set[int] = field(default_factory=set)
    """Numbers of the groups of steps that have held."""
    files: int = 0
    """How many files of its direction there were when it alerted: with another one it is looked at again."""


_OTHER: Final = (Direction.NONE, Direction.TO_CLIENT, Direction.TO_SERVER)
_NO_RULES: Final[list[set[int]]] = [set(), set(), set()]
_NO_EVENTS: Final[list[Mapping[str, None]]] = [{}, {}, {}]
_NO_FILES: Final[list[File]] = []
"""Stay empty: most transactions meet no rule, and need none of their own."""


class Transaction:
    """One request and its answer. A protocol derives its own.

    stage: by Direction (entry 0 is not used). inspected: the stage that rules have seen; held by the
    matcher, like `pending` (rules that wait for a later stage), `alerted` (rules that have matched) and
    `parts` (of rules about buffers that grow: what has held already).
    """

    __slots__ = (
        "alerted", "application", "bits", "cache", "events", "files", "inspected", "little_endian", "number",
        "over", "parts", "passed", "pending", "rules_of", "stage", "told",
    )  # fmt: skip
    is_frame: ClassVar[bool] = False
    grows: ClassVar[bool] = False
    """Has it buffers that grow, beside its files?"""

    def __init_subclass__(cls) -> None:
        cls.grows = cls.grown is not Transaction.grown

    def __init__(self) -> None:
        self.application = ""
        """The protocol that it is of; "" = that of its parser."""
        self.number = -1
        """Which of its flow's transactions, from 0; -1 = none has progressed yet."""
        self.stage = [NONE, NONE, NONE]
        self.inspected = [NONE, NONE, NONE]
        self.pending = _NO_RULES
        self.alerted = _NO_RULES
        self.bits: set[str] | None = None
        """What rules have set (xbits that track tx); None = nothing."""
        self.events = _NO_EVENTS
        """Names of anomalies, in order, by Direction."""
        self.told = _NO_EVENTS
        """Those that rules see, by Direction: also what the other side has brought about before this one was
        done with, as Suricata's events are the whole transaction's."""
        self.cache: dict[tuple[str, int], Sequence[bytes]] = {}
        self.little_endian = False
        """Byte order that the message says its numbers have, for rules with `dce`."""
        self.files = _NO_FILES
        """In the order in which they began, of both directions."""
        self.parts: dict[tuple[int, int], Parts] = {}
        """By rule and Direction."""
        self.rules_of = 0
        """Which set of rules the numbers in `pending`, `alerted` and `parts` are of."""
        self.passed = False
        """A pass rule lets all of it through."""
        self.over = False
        """Nothing more comes, though its stages do not say so."""

    def weight(self) -> int:
        """Bytes that it keeps, roughly."""
        return A_TRANSACTION + (sum(file.held() for file in self.files) if self.files else 0)

    def open_file(self, direction: int, name: bytes, needs: FileNeeds) -> File:
        """A file begins. Beyond MOST_FILES it is followed by nobody."""
        made = File(direction, name, needs)
        if not self.files:
            self.files = [made]
        elif len(self.files) < MOST_FILES:
            self.files.append(made)
        return made

    def take_file(self, file: File) -> None:
        """A file is of it that did not begin with it."""
        if len(self.files) < MOST_FILES:
            self.files = [*self.files, file]

    def grown(self, direction: int) -> Mapping[str, Sequence[Window]]:
        """By buffer: what is new in those that grow. Asked once after each move, so it may forget."""
        return grown(self.files, direction) if self.files else NOTHING_GROWN

    def event(self, direction: int, name: str) -> None:
        """Note an anomaly; the same again changes nothing. Rules that have looked already look again."""
        found = self.events[direction]
        if name in found or len(found) >= MOST_EVENTS:
            return
        if self.events is _NO_EVENTS:
            self.events, self.told = list(_NO_EVENTS), list(_NO_EVENTS)
        self.events[direction] = {**found, name: None}
        other = _OTHER[direction]
        for side in (direction, other) if self.stage[other] is not DONE else (direction,):
            self.told[side] = {**self.told[side], name: None}
        if self.inspected[direction] is DONE:
            self.inspected[direction] = HEAD
            self.cache.pop((EVENTS, direction), None)

    def keep_own(self, direction: int) -> None:
        """Rules about a direction see no event of the other one: nothing of this one has come since."""
        if self.told is not _NO_EVENTS:
            self.told[direction] = self.events[direction]

    def wait(self, direction: int, rule: int) -> None:
        """The rule is to be looked at again at a later stage."""
        self.pending = _with(self.pending, direction, rule)

    def alert(self, direction: int, rule: int) -> None:
        """The rule has matched."""
        self.alerted = _with(self.alerted, direction, rule)


def _with(sets: list[set[int]], direction: int, rule: int) -> list[set[int]]:
    """The sets with a rule in that of a direction; those that all have are left as they are."""
    if sets is _NO_RULES:
        sets = [set(), set(), set()]
    sets[direction].add(rule)
    return sets
