"""Conversations as bytes: any bytes are one, so that fuzzers and hypothesis drive every parser alike.

A conversation is a byte of switches and steps: a byte that says how (direction, datagram, gap), two bytes
of length, and what is said, as far as it goes.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from vpi_tui.detect.applayer.base import (
    Application,
    FrameLog,
    Limits,
    Parser,
    Stage,
    Successor,
    Transaction,
    instances,
)
from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS
from vpi_tui.detect.applayer.files import FileNeeds
from vpi_tui.detect.applayer.frame_names import STREAM, frames_of
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.model.batch import Direction

DIRECTIONS: Final = (Direction.TO_SERVER, Direction.TO_CLIENT)
TO_CLIENT_STEP, DATAGRAM, GAP = 1, 2, 4
FRAMES, NO_BODIES, AGAIN = 1, 2, 4
"""Switches: rules want frames; rules want nothing but the hooks; all is said over and over."""
MOST_SAID, MOST_PASSES = 128 << 10, 32
"""Bytes that are said when all is said over and over, and how often at most."""
MOST_HELD: Final = 4 << 20
"""Bytes that no parser may keep, whatever was said."""
A_PARSER: Final = 128 << 10
SECOND: Final = 1.0
"""CPU seconds that one conversation, said once, may take."""
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


def drive(application: Application, conversation: bytes) -> None:
    """Say it all to the protocol's parser, read all that comes of it, and hold it to its word."""
    if not conversation:
        return
    listener = _Listener(application, conversation[0])
    steps = list(steps_of(conversation))
    passes = MOST_SAID // len(conversation) + 1 if conversation[0] & AGAIN else 1
    for _ in range(min(passes, MOST_PASSES)):
        before = time.process_time()
        for step in steps:
            if listener.ended:
                break
            listener.hear(step)
        assert time.process_time() - before < SECOND, "it takes too long"
    listener.finish()


class _Listener:
    """In the tracker's place, without its net: whatever a parser raises comes out."""

    def __init__(self, application: Application, switches: int) -> None:
        self._switches = switches
        self._limits = FEW if switches & NO_BODIES else Limits()
        self.ended = False
        self._begin(application, application.parser(self._limits))

    def _begin(self, application: Application, parser: Parser) -> None:
        self._application, self._parser = application, parser
        if self._switches & FRAMES:
            parser.frames = FrameLog(frozenset(frames_of(application.name)) - {STREAM})

    def hear(self, step: Step) -> None:
        datagram = step.datagram or "tcp" not in self._application.transports
        if datagram and "udp" in self._application.transports:
            moved = self._parser.datagram(step.direction, step.data)
        else:
            moved = self._parser.feed(step.direction, step.data, step.gap)
        self._read(moved)
        self._parser.arranged = []
        self.ended = self._parser.over()
        following = self._parser.successor() if not datagram and not self.ended else None
        if following is not None:
            self._take_over(following)

    def finish(self) -> None:
        size = memory_of(self._parser)
        assert size < MOST_HELD, f"{size} bytes are kept, and it says {self._parser.held()}"
        assert size < A_PARSER + 8 * self._parser.held(), f"{size}, and it says {self._parser.held()}"
        self._read(self._parser.finish())

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
                transaction.grown(direction)
                self._read_buffers(transaction, direction)
            self._describe(transaction)
        assert self._parser.held() < MOST_HELD

    def _read_buffers(self, transaction: Transaction, direction: int) -> None:
        of = transaction.application
        application = by_name()[of] if of else self._application
        transaction.cache.clear()
        for buffer in application.buffers.values():
            if transaction.stage[direction] >= max(buffer.stage, Stage.HEAD):
                for found in instances(buffer, transaction, direction):
                    assert isinstance(found, bytes | bytearray), (buffer.name, found)
        assert all(name.isascii() for name in transaction.events[direction])

    def _describe(self, transaction: Transaction) -> None:
        description = DESCRIPTIONS.get(self._application.name)
        if description is not None and not transaction.is_frame:
            msgspec.json.encode(description.describe(transaction))


def memory_of(root: object) -> int:
    """Bytes of an object and all that hangs on it, classes, functions and modules left out."""
    seen: set[int] = set()
    waiting = [root]
    size = 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or callable(one) or type(one).__name__ == "module":
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        waiting += gc.get_referents(one)
    return size
