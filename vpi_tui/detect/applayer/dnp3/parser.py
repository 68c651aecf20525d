"""Messages out of frames: segments of the transport function put together (IEEE 1815, chapter 8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.dnp3.link import HEADER, START, Frame, LinkError, frame_size, parse_frame
from vpi_tui.detect.applayer.dnp3.message import Message, read_objects
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

MOST_SEGMENTS: Final = 64
"""Segments of one message: as many as their sequence has numbers."""
MOST_OPEN: Final = 32
"""Messages whose segments are gathered at the same time, one for each pair of stations."""
FLOOD: Final = 32
"""Requests one after the other without a response, as Suricata's dnp3.max-tx."""
_FIRST: Final = 0x40
_FINAL: Final = 0x80
_SEQUENCE: Final = 0x3F
_CONFIRM: Final = 0
_LEAST: Final = {Direction.TO_SERVER: 3, Direction.TO_CLIENT: 5}
"""Bytes that any segment has to have, as in Suricata: those of the first one's application header."""


class Dnp3Transaction(Transaction):
    """One message, in its own direction. message None: only an event."""

    __slots__ = ("message",)

    def __init__(self, direction: int, message: Message | None) -> None:
        super().__init__()
        self.message = message
        self.stage[direction] = Stage.DONE


class _Open:
    """A message whose final segment is to come."""

    __slots__ = ("data", "link_control", "segments", "sequence")

    def __init__(self, link_control: int) -> None:
        self.link_control = link_control
        self.data = bytearray()
        self.segments = 0
        self.sequence = 0


class Dnp3Parser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._pending = (bytearray(), bytearray(), bytearray())
        self._began = [False, False, False]
        """Was a frame seen? Some outstations send a line of text before the first one."""
        self._open: tuple[dict[tuple[int, int], _Open], ...] = ({}, {}, {})
        """By Direction, then (source, destination)."""
        self._unanswered = 0
        self._unfinished = 0
        """Messages that have begun and did not end."""
        self._over = False

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._over:
            return []
        pending = self._pending[direction]
        if gap:
            pending.clear()
            self._open[direction].clear()
        pending += data
        found: list[Transaction] = []
        try:
            for frame in self._frames(direction, pending):
                found += self._take(direction, frame)
        except LinkError as error:
            self._over = True
            if str(error):
                found.append(_event(direction, str(error)))
        return found

    def finish(self) -> list[Transaction]:
        return []

    def over(self) -> bool:
        return self._over

    def held(self) -> int:
        opened = sum(len(one.data) + 256 for way in self._open for one in way.values())
        return sum(map(len, self._pending)) + opened

    def _frames(self, direction: int, pending: bytearray) -> Iterator[Frame]:
        """The frames that are whole. Raises LinkError."""
        if not self._began[direction] and pending[:1].isascii() and pending[:1].isalnum():
            begin = pending.find(START)
            del pending[: begin if begin >= 0 else len(pending) - (pending[-1:] == START[:1])]
        while len(pending) >= HEADER:
            size = frame_size(bytes(pending[:HEADER]))
            self._began[direction] = True
            if len(pending) < size:
                return
            frame = parse_frame(bytes(pending[:size]))
            del pending[:size]
            yield frame

    def _take(self, direction: int, frame: Frame) -> Iterator[Transaction]:
        """What a frame completes. Raises LinkError."""
        if not frame.is_user_data:
            return
        if frame.data is None:
            yield _event(direction, "dnp3.bad_transport_crc")
        elif len(frame.data) < _LEAST[Direction(direction)]:
            if direction == Direction.TO_CLIENT:
                raise LinkError("dnp3.len_too_small")
            yield _event(direction, "dnp3.len_too_small")
        else:
            yield from self._segment(direction, frame, frame.data)

    def _segment(self, direction: int, frame: Frame, data: bytes) -> Iterator[Transaction]:
        opened = self._open[direction]
        key = frame.source, frame.destination
        sequence = data[0] & _SEQUENCE
        if data[0] & _FIRST:
            if data[2] == _CONFIRM and direction == Direction.TO_SERVER:
                return
            gathered = opened[key] = _Open(frame.control)
            if len(opened) > MOST_OPEN:
                del opened[next(iter(opened))]
            if not data[0] & _FINAL:
                yield from self._begin(direction)
        else:
            known = opened.get(key)
            if known is None or known.sequence != sequence:
                return
            gathered = known
        gathered.sequence = (sequence + 1) & _SEQUENCE
        gathered.segments += 1
        gathered.data += data[1:]
        if data[0] & _FINAL:
            del opened[key]
            self._unfinished -= int(gathered.segments > 1 and self._unfinished > 0)
            yield self._message(direction, frame, gathered)
        elif gathered.segments > MOST_SEGMENTS:
            del opened[key]
            self._unfinished = max(0, self._unfinished - 1)
            yield _event(direction, "dnp3.too_long_reassembly")

    def _begin(self, direction: int) -> Iterator[Transaction]:
        """A message of several segments: also those whose end never comes are a flood."""
        self._unfinished += 1
        if self._unfinished > FLOOD:
            self._unfinished = FLOOD  # the oldest one is waited for no more
            yield _event(direction, "dnp3.flooded")

    def _message(self, direction: int, frame: Frame, gathered: _Open) -> Transaction:
        data = bytes(gathered.data)
        message = Message(frame.source, frame.destination, gathered.link_control, data, data[0], data[1])
        if direction == Direction.TO_CLIENT:
            message.indications = data[2:4]
            self._unanswered = 0
        else:
            self._unanswered += 1
        read_objects(message)
        made = Dnp3Transaction(direction, message)
        if message.event:
            made.event(direction, message.event)
        if self._unanswered > FLOOD:
            made.event(direction, "dnp3.flooded")
        return made


def _event(direction: int, name: str) -> Transaction:
    made = Dnp3Transaction(direction, None)
    made.event(direction, name)
    return made
