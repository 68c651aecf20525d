"""Conversations as bytes: any bytes are one, so that fuzzers and hypothesis drive every parser alike.

A conversation is a byte of switches and steps: a byte that says how (direction, datagram, gap), two bytes
of length, and what is said, as far as it goes.
"""

from __future__ import annotations

import gc
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from vpi_tui.detect.applayer.application import Application, instances
from vpi_tui.detect.applayer.base import Limits, Parser, Successor
from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS
from vpi_tui.detect.applayer.files import FileNeeds
from vpi_tui.detect.applayer.frame_names import STREAM, frames_of
from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.ranges import Ranges
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

DIRECTIONS: Final = (Direction.TO_SERVER, Direction.TO_CLIENT)
TO_CLIENT_STEP, DATAGRAM, GAP = 1, 2, 4
FRAMES, NO_BODIES, AGAIN = 1, 2, 4
"""Switches: rules want frames; rules want nothing but the hooks; all is said over and over."""
MOST_SAID, MOST_PASSES = 48 << 10, 32
"""Bytes that are said when all is said over and over, and how often at most."""
MOST_HELD: Final = 4 << 20
"""Bytes that no parser may keep, whatever was said, by its own account."""
MOST_TAKEN: Final = 16 << 20
"""And what that may come to in memory, with all buffers that rules could look at made of it."""
MOST_OPEN: Final = 4_096
"""Transactions that no parser may keep."""
A_PARSER: Final = 128 << 10
FEW: Final = Limits(
    request_body=0,
    response_body=0,
    files=FileNeeds(frozenset(), data=False),
    buffers=frozenset(),
    events=frozenset(),
    logged=False,
)


class Step(NamedTuple):
    """What is said at once. gap: bytes missing before it."""

    direction: int
    data: bytes
    datagram: bool = False
    gap: int = 0


def steps_of(conversation: bytes) -> Iterator[Step]:
    at = 1
    while at + 3 <= len(conversation):
        how, size = conversation[at], int.from_bytes(conversation[at + 1 : at + 3], "little")
        at += 3
        gap = how >> 3 if how & GAP else 0
        direction = DIRECTIONS[how & TO_CLIENT_STEP]
        yield Step(direction, conversation[at : at + size], bool(how & DATAGRAM), gap)
        at += size


def conversation_of(steps: Iterable[Step], switches: int = 0) -> bytes:
    out = bytearray([switches])
    for step in steps:
        how = (step.direction == Direction.TO_CLIENT) | step.datagram * DATAGRAM
        for at in range(0, len(step.data), 0xFFFF):
            gap = min(step.gap, 31) if at == 0 else 0
            piece = step.data[at : at + 0xFFFF]
            out += bytes([how | (gap << 3 | GAP if gap else 0)]) + len(piece).to_bytes(2, "little") + piece
    return bytes(out)


GREETINGS: Final = tuple(
    conversation_of([Step(direction, said)], switches)
    for said in (b"GET / HTTP/1.0\r\n\r\n", bytes(64), bytes(range(256)))
    for direction in DIRECTIONS
    for switches in (0, FRAMES, NO_BODIES, AGAIN | FRAMES)
)
"""Something to begin with where nothing better is known."""


def drive(application: Application, conversation: bytes) -> None:
    """Say it all to the protocol's parser, read all that comes of it, and hold it to its word."""
    if not conversation:
        return
    _say(application, conversation, _passes(conversation))


def said_of(conversation: bytes) -> int:
    """Bytes that `drive` says of it."""
    return len(conversation) * _passes(conversation)


def _passes(conversation: bytes) -> int:
    if not conversation or not conversation[0] & AGAIN:
        return 1
    return min(MOST_SAID // len(conversation) + 1, MOST_PASSES)


def endless(application: Application, conversation: bytes, size: int) -> int:
    """Say it over and over until so many bytes are said; how many are kept then.

    Two of its bytes may be a number that is another one each time: that of a call, a stream, a file.
    """
    if not conversation:
        return 0
    place = zlib.crc32(conversation) % (2 * len(conversation))
    return _say(application, conversation, size // len(conversation) + 1, place)


def _say(application: Application, conversation: bytes, passes: int, numbered: int = -1) -> int:
    """numbered: where the number of the pass stands; not within the conversation = nowhere."""
    listener = _Listener(application, conversation[0])
    steps = list(steps_of(conversation))
    for number in range(passes):
        if 0 < numbered < len(conversation):
            conversation = conversation[:numbered] + number.to_bytes(4)[2:] + conversation[numbered + 2 :]
            steps = list(steps_of(conversation))
        for step in steps:
            if listener.ended:
                break
            listener.hear(step)
    return listener.finish()


class _Listener:
    """In the tracker's place, without its net: whatever a parser raises comes out."""

    def __init__(self, application: Application, switches: int) -> None:
        self._switches = switches
        self._limits = FEW if switches & NO_BODIES else Limits()
        self.ended = False
        self._promised = (0, 0)
        """Of which Direction how many bytes may wait."""
        self._begin(application, application.parser(self._limits))

    def _begin(self, application: Application, parser: Parser) -> None:
        self._application, self._parser = application, parser
        parser.ranges = Ranges()
        if self._switches & FRAMES:
            parser.frames = FrameLog(frozenset(frames_of(application.name)) - {STREAM})

    def hear(self, step: Step) -> None:
        datagram = step.datagram or "tcp" not in self._application.transports
        promises = not datagram and self._promises(step)
        if datagram and "udp" in self._application.transports:
            moved = self._parser.datagram(step.direction, step.data)
        else:
            moved = list(self._parser.feed(step.direction, step.data, step.gap))
            assert not (promises and moved), "bytes were to bring nothing"
        self._read(moved)
        self._parser.arranged = []
        self.ended = self._parser.over()
        following = self._parser.successor() if not datagram and not self.ended else None
        assert not (promises and (self.ended or following)), "bytes were to end nothing"
        self._promised = step.direction, self._parser.patience(step.direction)
        if following is not None:
            self._take_over(following)

    def _promises(self, step: Step) -> bool:
        """Does the parser say that these bytes bring nothing?"""
        direction, size = self._promised
        waits = direction == step.direction and not step.gap and 0 < len(step.data) <= size
        return waits and not self._switches & FRAMES and self._parser.may_wait(step.data)

    def finish(self) -> int:
        """All is said: how many bytes were kept."""
        size, kept = memory_of(self._parser)
        assert kept <= MOST_OPEN, f"{kept} transactions are kept"
        assert size < MOST_TAKEN, f"{size} bytes are kept, and it says {self._parser.held()}"
        assert size < A_PARSER + 8 * self._parser.held(), f"{size}, and it says {self._parser.held()}"
        self._read(self._parser.finish())
        return size

    def _take_over(self, following: Successor) -> None:
        self._read(self._parser.finish())
        application = by_name()[following.application]
        takes_over = application.takes_over
        if takes_over is not None and following.cause is not None:
            self._begin(application, takes_over(self._limits, following.cause))
        else:
            self._begin(application, application.parser(self._limits))
        for direction in DIRECTIONS:
            if following.rest[direction] and not self.ended:
                self.hear(Step(direction, following.rest[direction]))

    def _read(self, moved: Iterable[Transaction]) -> None:
        for transaction in [*moved, *self._parser.frames.take()]:
            for direction in DIRECTIONS:
                stage, before = transaction.stage[direction], transaction.inspected[direction]
                if transaction.grown(direction) or stage > before:
                    transaction.inspected[direction] = stage
                    self._read_buffers(transaction, direction, before)
            self._describe(transaction)
        assert self._parser.held() < MOST_HELD

    def _read_buffers(self, transaction: Transaction, direction: int, before: Stage) -> None:
        """Those that rules would look at now: what is new, and what grows."""
        of = transaction.application
        application = by_name()[of] if of else self._application
        transaction.cache.clear()
        stage = transaction.stage[direction]
        for buffer in application.buffers.values():
            complete = max(buffer.stage, Stage.HEAD)
            if complete <= stage and (buffer.grows or complete > before):
                for found in instances(buffer, transaction, direction):
                    assert isinstance(found, bytes | bytearray), (buffer.name, found)
        assert all(name.isascii() for name in transaction.events[direction])

    def _describe(self, transaction: Transaction) -> None:
        description = DESCRIPTIONS.get(self._application.name)
        if description is not None and not transaction.is_frame:
            msgspec.json.encode(description.describe(transaction))


def memory_of(root: object) -> tuple[int, int]:
    """(bytes, transactions) of an object and all that hangs on it, classes, functions, modules left out."""
    seen: set[int] = set()
    waiting = [root]
    size = kept = 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or callable(one) or type(one).__name__ == "module":
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        kept += isinstance(one, Transaction)
        waiting += gc.get_referents(one)
    return size, kept
