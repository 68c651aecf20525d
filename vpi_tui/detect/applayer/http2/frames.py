"""Frames (RFC 9113, 4): one direction of a connection cut into them. DATA comes in pieces, as it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.frames import NO_FRAMES, FrameLog

HEADER: Final = 9
FRAME_LIMIT: Final = 65_536
"""Bytes of a frame other than DATA that are looked at; the rest of a longer one is passed over."""
END_STREAM, END_HEADERS, PADDED, PRIORITY = 0x01, 0x04, 0x08, 0x20


class Kind(IntEnum):
    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Frame(NamedTuple):
    """One frame, or a piece of one with DATA. kind: may be one that Kind does not know."""

    kind: int
    flags: int
    stream: int
    payload: bytes
    """Without padding where the frame's kind may have some."""
    last: bool = True
    """False = more of this DATA follows."""
    cut: bool = False
    """It is longer than FRAME_LIMIT; of one without DATA this is the beginning."""
    missing: int = 0
    """Bytes of DATA in front of these that did not come."""


class FrameReader:
    """Bytes in, frames out. What is kept is less than one frame, or FRAME_LIMIT of it."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Frame | None = None
        """Of the frame whose payload is awaited."""
        self._left = 0
        """Bytes of its payload that are not here yet."""
        self._padding = -1
        """Bytes of padding at the end of the DATA frame; -1 = not known yet."""
        self._skip = 0
        self._raw = bytearray()
        """The frame as sent, for rules about frames."""
        self.log: FrameLog = NO_FRAMES
        self.direction = 0
        """Of what is emitted there."""
        self.lost = False
        """A gap hid where the next frame begins."""

    def feed(self, data: bytes, gap: int = 0) -> Iterator[Frame]:
        if gap:
            missed = self._miss(gap)
            if missed is not None:
                yield missed
        if self.lost:
            return
        self._buffer += data
        while not self.lost:
            frame = self._next()
            if frame is None:
                return
            yield from frame

    def held(self) -> int:
        return len(self._buffer)

    def _miss(self, gap: int) -> Frame | None:
        """Bytes are missing: all is well where they are of a body or of what is passed over."""
        self._buffer.clear()
        found = None
        if gap <= self._skip:
            self._skip -= gap
        elif self._head is not None and self._head.kind == Kind.DATA and gap <= self._left:
            self._padding = max(self._padding, 0)
            self._left -= gap
            found = self._head._replace(last=not self._left, missing=gap)
            self._head = self._head if self._left else None
        else:
            self.lost = True
        return found

    def _cut(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _next(self) -> list[Frame] | None:
        """What the next step gives; None = more bytes are needed."""
        if self._skip:
            self._skip -= len(self._cut(min(self._skip, len(self._buffer))))
            if self._skip:
                return None
        if self._head is None:
            if len(self._buffer) < HEADER:
                return None
            head = self._cut(HEADER)
            self._left = int.from_bytes(head[:3])
            self._padding = -1 if head[4] & PADDED else 0
            self._head = Frame(head[3], head[4], int.from_bytes(head[5:]) & 0x7FFFFFFF, b"")
            self._raw = bytearray(head)
            if self._head.kind == Kind.DATA:
                self._head = self._head._replace(cut=self._left >= FRAME_LIMIT)
        if self._head.kind == Kind.DATA:
            return self._data(self._head)
        size = min(self._left, FRAME_LIMIT)
        if len(self._buffer) < size:
            return None
        cut = self._left > size
        frame = self._head._replace(payload=self._cut(size), cut=cut)
        self._head, self._skip = None, self._left - size
        self._raw += frame.payload
        self._emit()
        return [frame if cut else _unpadded(frame)]

    def _data(self, head: Frame) -> list[Frame] | None:
        if self._padding < 0 and self._left:
            if not self._buffer:
                return None
            self._left -= 1
            self._raw += self._buffer[:1]
            self._padding = min(self._cut(1)[0], self._left)
        piece = self._cut(min(len(self._buffer), self._left))
        if self.log.wanted and len(self._raw) < FRAME_LIMIT:
            self._raw += piece
        room = max(0, self._left - max(self._padding, 0))
        self._left -= len(piece)
        if not self._left:
            self._head = None
            self._emit()
            return [head._replace(payload=piece[:room])]
        return [head._replace(payload=piece[:room], last=False)] if piece else None

    def _emit(self) -> None:
        self.log.add(self.direction, "hdr", self._raw[:HEADER])
        self.log.add(self.direction, "data", self._raw[HEADER:])
        self.log.add(self.direction, "pdu", self._raw)
        self._raw.clear()


def _unpadded(frame: Frame) -> Frame:
    if frame.kind not in (Kind.HEADERS, Kind.PUSH_PROMISE) or not frame.flags & PADDED or not frame.payload:
        return frame
    size = frame.payload[0]
    end = len(frame.payload) - size
    return frame._replace(payload=frame.payload[1 : end if end > 0 else None])
