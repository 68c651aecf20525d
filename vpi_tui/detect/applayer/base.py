"""What a protocol module is made of: transactions, parsers, buffers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Final

from vpi_tui.detect.applayer.expectations import Arranged
from vpi_tui.detect.applayer.files import (
    FILE,
    FILE_DATA,
    FILE_NAME,
    MOST_FILES,
    NOTHING_GROWN,
    File,
    FileNeeds,
    grown,
)
from vpi_tui.detect.applayer.frame_names import frame_buffer, frames_of
from vpi_tui.detect.applayer.window import Window
from vpi_tui.model.batch import Direction

TO_SERVER: Final = 1 << Direction.TO_SERVER
TO_CLIENT: Final = 1 << Direction.TO_CLIENT
BOTH: Final = TO_SERVER | TO_CLIENT
"""Sets of directions, as bits 1 << Direction."""
BODY_LIMIT: Final = 102_400
"""Bytes of a decoded body that rules see, as Suricata's request- and response-body-limit."""
MOST_EVENTS: Final = 32
"""Kinds of anomaly remembered of one transaction and direction."""
A_TRANSACTION: Final = 1_024
"""Bytes that a transaction costs beside its files."""
FRAME_LIMIT: Final = 131_072
"""Bytes of a frame that rules see."""
MOST_FRAMES: Final = 8_192
"""Frames that a parser may emit at a time."""


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
    """Files that it has alerted on: only later ones count."""


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


class Frame(Transaction):
    """A piece of the protocol's bytes with a name. Rules see it once, as they see a transaction."""

    __slots__ = ("data", "name")
    is_frame: ClassVar[bool] = True

    def __init__(self, direction: int, name: str, data: bytes) -> None:
        super().__init__()
        self.stage[direction] = DONE
        self.name = name
        self.data = data


class FrameLog:
    """The frames that rules ask one parser for, and those that it has emitted.

    wanted: names; a parser looks here before it goes to any length for a frame.
    """

    __slots__ = ("_found", "wanted")

    def __init__(self, wanted: frozenset[str] = frozenset()) -> None:
        self.wanted = wanted
        self._found: list[Frame] = []

    def add(self, direction: int, name: str, data: bytes | bytearray) -> None:
        """A frame is there, if a rule wants such; an empty one is none."""
        if name in self.wanted and data and len(self._found) < MOST_FRAMES:
            self._found.append(Frame(direction, name, bytes(data[:FRAME_LIMIT])))

    def take(self) -> list[Frame]:
        """What was added since the last time."""
        found, self._found = self._found, []
        return found


class FrameSpool:
    """The bytes of a frame whose end is not known yet, as far as rules see them."""

    __slots__ = ("_kept", "_size")

    def __init__(self) -> None:
        self._kept = bytearray()
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, data: bytes | bytearray) -> None:
        self._size += len(data)
        self._kept += data[: FRAME_LIMIT - len(self._kept)]

    def cut(self, rest: bytes | bytearray = b"") -> bytes:
        """The frame has ended, and the last bytes that were added are those of the next one."""
        found = bytes(self._kept[: self._size - len(rest)])
        self._kept = bytearray(rest[:FRAME_LIMIT])
        self._size = len(rest)
        return found


NO_FRAMES: Final = FrameLog()
"""Asked for nothing, so it keeps nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator may set of parsers; bytes, and layers of content codings."""

    request_body: int = BODY_LIMIT
    response_body: int = BODY_LIMIT
    decompression_layers: int = 2
    request_minimum: int = 32_768
    request_overlap: int = 4_096
    response_minimum: int = 40_960
    response_overlap: int = 16_384
    """Bytes of a body before rules see any, and that they see again with those behind them; as Suricata's
    request- and response-body-minimal-inspect-size and -inspect-window."""
    files: FileNeeds = field(default_factory=FileNeeds)
    """What is asked of files."""
    buffers: frozenset[str] | None = None
    """Names of the buffers of the protocol that rules look at; None = any."""
    events: frozenset[str] | None = None
    """The anomalies that rules look for, as `protocol.name`; None = any."""
    logged: bool = True
    """All that the log can say of a transaction of the protocol is asked for."""

    def wants(self, *buffers: str) -> bool:
        """Does a rule look at one of these buffers?"""
        return self.buffers is None or not self.buffers.isdisjoint(buffers)

    def heeds(self, *events: str) -> bool:
        """Does anybody look for one of these anomalies?"""
        return self.events is None or not self.events.isdisjoint(events)


Updates = Iterable[Transaction]
"""Transactions that came to another stage."""


@dataclass(frozen=True, slots=True)
class Successor:
    """What a flow speaks from here on, in the place of the protocol before."""

    application: str
    rest: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    """By Direction: bytes of it that have come already."""
    cause: Transaction | None = None
    """The transaction that brought it about."""


class Parser(ABC):
    """One flow's parser. What it keeps is bounded; whatever comes, it does not raise."""

    frames: FrameLog = NO_FRAMES
    """Where it emits frames; set by whoever wants some, before the first byte."""
    ends: tuple[bytes, bytes] = (b"", b"")
    """Addresses of client and server, 16 bytes each; b"" = not known. Set before the first byte."""
    needs_ends: ClassVar[bool] = False
    """Does it look at them?"""
    arranged: Sequence[Arranged] = ()
    """Flows that it has arranged; whoever takes care of them empties the list."""

    @abstractmethod
    def feed(self, direction: int, data: bytes, gap: int) -> Updates:
        """The next bytes of one direction. gap: how many bytes before them are missing; 0 = none."""

    def datagram(self, direction: int, data: bytes) -> Updates:
        """The payload of one datagram; like a part of a stream unless the protocol says otherwise."""
        return self.feed(direction, data, 0)

    @abstractmethod
    def finish(self) -> Updates:
        """The flow is over: what is incomplete will remain so."""

    def held(self) -> int:
        """Bytes that the parser keeps, roughly."""
        return 0

    def sifted(self) -> None:  # noqa: B027 - most flows are not sifted
        """Said before the first byte: messages of the flow have come, each the way that it should."""

    def successor(self) -> Successor | None:
        """Asked after each `feed`: does the flow change its protocol? Then the parser is asked no more."""
        return None

    def over(self) -> bool:
        """Nothing that may still come matters: the flow is passed by from here on."""
        return False

    def part(self) -> None:  # noqa: B027 - most have nothing to let go of
        """The flow is followed no more, and nothing is asked of the parser any more.

        What it and its parts know of each other is let go of, so that their memory is free at once and not
        when the next cycles are collected.
        """

    def patience(self, _direction: int) -> int:
        """Asked between two `feed`s: how many bytes that come next of a direction may wait for those behind?

        Fed at once they bring nothing: no move, event, frame, end, successor. Fed with what follows they
        come to the same, unless bytes of the other direction are fed in between. ANY_SIZE = the parser has no
        more to say of the direction.
        """
        return 0

    def may_wait(self, _data: bytes | memoryview) -> bool:
        """Asked of bytes for which there is patience, where that depends on what they are."""
        return True


Getter = Callable[[Any, int], Sequence[bytes]]
"""(transaction, direction) -> the instances of a buffer; empty when there is none."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Bytes of a transaction that rules look at."""

    name: str
    directions: int
    stage: Stage
    """From when on it is complete."""
    get: Getter
    of_frame: bool = False
    """Frames have it, other transactions do not."""
    grows: bool = False
    """Rules see it while it comes, in the windows of `Transaction.grown`; `get` gives what is still held."""


@dataclass(frozen=True, slots=True)
class Application:
    """One protocol. name: as in `alert NAME`; apps: what the flow table calls flows of it."""

    name: str
    apps: tuple[str, ...]
    transports: tuple[str, ...]
    parser: Callable[[Limits], Parser]
    buffers: dict[str, Buffer]
    takes_over: Callable[[Limits, Transaction], Parser] | None = None
    """A parser that begins with what the protocol before was asked; None = as for any flow."""
    after: tuple[str, ...] = ()
    """Protocols that a flow of this one may have begun as, so that they have to be followed too."""


EVENTS: Final = "app-layer-event"
"""The buffer of the names of anomalies; every protocol has it."""


HOOKS: Final = ("hook.request.head", "hook.request.done", "hook.response.head", "hook.response.done")
"""Buffers of no bytes that every protocol has: they say that a direction has come to a stage."""


def _hook_buffers() -> tuple[Buffer, ...]:
    places = [(side, stage) for side in (TO_SERVER, TO_CLIENT) for stage in (Stage.HEAD, Stage.DONE)]
    return tuple(
        Buffer(name, side, stage, lambda _found, _direction: (b"",))
        for name, (side, stage) in zip(HOOKS, places, strict=True)
    )


def _events(transaction: Transaction, direction: int) -> Sequence[bytes]:
    found = transaction.told[direction]
    return [name.encode("ascii") for name in found] if found else ()


def application(
    name: str,
    parser: Callable[[Limits], Parser],
    buffers: Iterable[Buffer],
    *,
    apps: tuple[str, ...] = (),
    transports: tuple[str, ...] = ("tcp",),
    files: int = 0,
    takes_over: Callable[[Limits, Transaction], Parser] | None = None,
    after: tuple[str, ...] = (),
) -> Application:
    """An Application whose flows are called as itself unless said otherwise.

    files: the directions in which its transactions carry files, which gives it their buffers.
    """
    common = Buffer(EVENTS, BOTH, Stage.DONE, _events)
    of_files = _file_buffers(files) if files else ()
    known = {
        buffer.name: buffer
        for buffer in (*of_files, *buffers, common, *_hook_buffers(), *_frame_buffers(name))
    }
    return Application(name, apps or (name,), transports, parser, known, takes_over, after)


def _file_buffers(directions: int) -> tuple[Buffer, ...]:
    def of(get: Callable[[File], bytes]) -> Getter:
        return lambda found, direction: [
            data for file in found.files if file.direction == direction and (data := get(file))
        ]

    return (
        Buffer(FILE, directions, Stage.HEAD, lambda _found, _direction: (), grows=True),
        Buffer(FILE_NAME, directions, Stage.HEAD, of(lambda file: file.name), grows=True),
        Buffer(FILE_DATA, directions, Stage.HEAD, of(lambda file: file.tail()), grows=True),
    )


def _frame_buffers(protocol: str) -> list[Buffer]:
    def buffer(name: str) -> Buffer:
        def get(found: Transaction, direction: int) -> Sequence[bytes]:
            if isinstance(found, Frame) and found.name == name and found.stage[direction]:
                return (found.data,)
            return ()

        return Buffer(frame_buffer(protocol, name), BOTH, Stage.DONE, get, of_frame=True)

    return [buffer(name) for name in frames_of(protocol)]


def instances(buffer: Buffer, transaction: Transaction, direction: int) -> Sequence[bytes]:
    """The buffer's bytes, made once for a stage (the matcher drops what later stages change)."""
    if transaction.is_frame and not buffer.of_frame:
        return ()
    key = (buffer.name, direction)
    found = transaction.cache.get(key)
    if found is None:
        found = transaction.cache[key] = buffer.get(transaction, direction)
    return found
