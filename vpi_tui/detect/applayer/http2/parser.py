"""HTTP/2 (RFC 9113): the streams of one connection, by prior knowledge or after an upgrade from HTTP/1."""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.http.transaction import HttpTransaction
from vpi_tui.detect.applayer.http2 import doh
from vpi_tui.detect.applayer.http2.bodies import begin_body
from vpi_tui.detect.applayer.http2.fields import Block, FieldDecoder
from vpi_tui.detect.applayer.http2.frames import (
    END_HEADERS,
    END_STREAM,
    FRAME_LIMIT,
    PRIORITY,
    Frame,
    FrameReader,
    Kind,
)
from vpi_tui.detect.applayer.http2.transaction import Http2Transaction, noted
from vpi_tui.detect.applayer.transaction import DONE, Transaction
from vpi_tui.model.batch import Direction

MAGIC: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MOST_STREAMS: Final = 4_096
"""Streams that are open at a time, as Suricata's http2.max-streams; the oldest makes room."""
MOST_CLOSED: Final = 32
"""Closed streams that are remembered, for frames that come late."""
KEPT_LIMIT: Final = 1 << 20
"""Bytes of the fields and bodies of all streams; header compression makes them of next to nothing."""
MOST_SETTINGS: Final = 64
_A_STREAM: Final = 2_048
SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
_MAY_COME_LATE: Final = frozenset((Kind.RST_STREAM, Kind.WINDOW_UPDATE, Kind.PRIORITY))
_WEIGHT: Final = 4
_TABLE_SIZE: Final = 1
_KNOWN_SETTINGS: Final = range(1, 7)


class _Half:
    """One direction of the connection."""

    __slots__ = ("block", "decoder", "frames", "pending")

    def __init__(self) -> None:
        self.frames = FrameReader()
        self.decoder = FieldDecoder()
        self.block = bytearray()
        """A header block whose end has not come."""
        self.pending: Http2Transaction | None = None
        """The stream that it is of."""


class Http2Parser(Parser):
    """One connection."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._halves = (_Half(), _Half(), _Half())
        self._magic: bytearray | None = bytearray()
        """What came of the client's preface; None = it is over."""
        self._open: OrderedDict[int, Http2Transaction] = OrderedDict()
        self._closed: OrderedDict[int, Http2Transaction] = OrderedDict()
        self._kept = 0
        """Bytes of all streams."""
        self._latest: Http2Transaction | None = None
        self._early: list[tuple[int, str]] = []
        """(direction, event) from before the first transaction."""
        self._moved: dict[Http2Transaction, None] = {}

    @classmethod
    def after_upgrade(cls, limits: Limits, cause: Transaction) -> Http2Parser:
        """Begins with the request that asked for the upgrade: it is stream 1 (RFC 7540, 3.2)."""
        made = cls(limits)
        if isinstance(cause, HttpTransaction) and cause.request is not None:
            made._adopt(cause)
        return made

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if direction == SERVER and self._magic is not None:
            data = self._preface(self._magic, data, gap)
        reader = self._halves[direction].frames
        reader.log, reader.direction = self.frames, direction
        for frame in reader.feed(data, gap):
            self._take(direction, frame)
        return self._progress()

    def finish(self) -> list[Transaction]:
        for found in (*self._open.values(), *self._closed.values()):
            for direction in (SERVER, CLIENT):
                if found.side[direction].kinds or found.events[direction]:
                    self._end(found, direction, truncated=True)
        self._open.clear()
        self._closed.clear()
        self._kept = 0
        return self._progress()

    def held(self) -> int:
        unread = sum(half.frames.held() + len(half.block) for half in self._halves)
        return unread + self._kept + _A_STREAM * (len(self._open) + len(self._closed))

    def over(self) -> bool:
        return self._halves[SERVER].frames.lost and self._halves[CLIENT].frames.lost

    # Transactions --------------------------------------------------------------------------------

    def _progress(self) -> list[Transaction]:
        moved: list[Transaction] = list(self._moved)
        self._moved.clear()
        return moved

    def _event(self, direction: int, name: str) -> None:
        """An anomaly is the latest transaction's, as in Suricata."""
        if self._latest is None:
            self._early.append((direction, name))
            del self._early[8:]
        else:
            self._latest.event(direction, f"http2.{name}")

    def _made(self, stream: int) -> Http2Transaction:
        made = self._latest = Http2Transaction(stream)
        for direction, name in self._early:
            made.event(direction, f"http2.{name}")
        self._early.clear()
        return made

    def _stream(self, direction: int, number: int, kind: int) -> Http2Transaction:
        """The transaction of a frame; one about the connection has one of its own."""
        if number == 0:
            made = self._made(0)
            self._moved[made] = None
            return made
        found = self._open.get(number)
        if found is not None:
            return found
        found = self._closed.get(number)
        if found is not None:
            if kind not in _MAY_COME_LATE:
                found.event(direction, "http2.stream_id_reuse")
            return found
        if len(self._open) > MOST_STREAMS:
            oldest = next(iter(self._open.values()))
            oldest.event(direction, "http2.too_many_streams")
            self._close(oldest)
            self._moved[oldest] = None
        found = self._open[number] = self._made(number)
        return found

    def _more(self, found: Http2Transaction, direction: int) -> None:
        found.more(direction)
        self._moved[found] = None

    def _end(self, found: Http2Transaction, direction: int, *, truncated: bool = False) -> None:
        if found.stage[direction] is not DONE:
            if found.is_doh2:
                doh.complete(found, direction)
            found.more(direction)
            found.end(direction, truncated=truncated)
            self._moved[found] = None
        if found.is_over:
            self._close(found)

    def _close(self, found: Http2Transaction) -> None:
        if self._open.pop(found.stream, None) is None:
            return
        for direction in (SERVER, CLIENT):
            self._end(found, direction, truncated=True)
        self._closed[found.stream] = found
        if len(self._closed) > MOST_CLOSED:
            self._forget()

    def _forget(self) -> None:
        """The stream that was closed first."""
        _, gone = self._closed.popitem(last=False)
        self._kept -= gone.weighed

    def _weigh(self, found: Http2Transaction) -> None:
        """More may be kept of a stream; when all is too much, the oldest others make room."""
        if self._open.get(found.stream) is not found and self._closed.get(found.stream) is not found:
            return
        before, found.weighed = found.weighed, found.held()
        self._kept += found.weighed - before
        if self._kept <= KEPT_LIMIT:
            return
        others = (one for one in tuple(self._open.values()) if one is not found)
        while self._kept > KEPT_LIMIT:
            if not self._closed:
                oldest = next(others, None)
                if oldest is None:
                    return
                self._close(oldest)
            self._forget()

    # Frames --------------------------------------------------------------------------------------

    def _preface(self, seen: bytearray, data: bytes, gap: int) -> bytes:
        """The client's bytes behind the 24 that come first; those are no frame."""
        seen += data
        if gap or not (seen.startswith(MAGIC) or MAGIC.startswith(seen)):
            self._event(SERVER, "invalid_client_magic")
            data = bytes(seen)
        elif len(seen) < len(MAGIC):
            return b""
        else:
            data = bytes(seen[len(MAGIC) :])
        self._magic = None
        return data

    def _take(self, direction: int, frame: Frame) -> None:
        if frame.kind == Kind.SETTINGS and not frame.payload and not frame.stream:
            return  # an acknowledgement
        number = frame.stream
        if frame.kind == Kind.PUSH_PROMISE and len(frame.payload) >= 4:
            number = int.from_bytes(frame.payload[:4]) & 0x7FFFFFFF  # what is promised is that stream's
        found = self._stream(direction, number, frame.kind)
        if frame.kind == Kind.DATA and not frame.stream:
            found.event(direction, "http2.data_stream_zero")  # the latest one may be looked at no more
        side = found.speaks(direction)
        if len(side.kinds) < 256:
            side.kinds[frame.kind] = None
        if frame.cut:
            self._event(direction, "long_frame_data")
        handler = _HANDLERS.get(frame.kind)
        if handler is not None:
            handler(self, direction, frame, found)
        if frame.kind not in (Kind.DATA, Kind.HEADERS, Kind.CONTINUATION, Kind.PUSH_PROMISE):
            self._more(found, direction)
        if not number:
            self._end(found, SERVER)
            self._end(found, CLIENT)
        self._weigh(found)

    def _data(self, direction: int, frame: Frame, found: Http2Transaction) -> None:
        side = found.side[direction]
        if not side.has_body:
            begin_body(found, direction, self.limits, self.ranges)
        if frame.missing:
            side.body.skip(frame.missing)
        side.body.feed(frame.payload)
        if side.body.failed:
            found.event(direction, "http2.failed_decompression")
        if found.is_doh2 and doh.is_too_long(side):
            what = "request" if direction == SERVER else "response"
            found.event(direction, f"http2.dns_{what}_too_long")
        if found.stage[direction]:
            self._moved[found] = None
        if frame.last and frame.flags & END_STREAM:
            self._end(found, direction)

    def _headers(self, direction: int, frame: Frame, found: Http2Transaction) -> None:
        payload = frame.payload
        if frame.flags & PRIORITY:
            if len(payload) < 5:
                self._event(direction, "invalid_frame_data")
                return
            side = found.side[direction]
            side.priorities = noted(side.priorities, payload[_WEIGHT])
            payload = payload[5:]
        self._begin_block(direction, frame, found, payload)
        if frame.flags & END_STREAM:
            self._end(found, direction)

    def _promise(self, direction: int, frame: Frame, found: Http2Transaction) -> None:
        if len(frame.payload) < 4:
            self._event(direction, "invalid_frame_data")
            return
        self._begin_block(direction, frame, found, frame.payload[4:])

    def _continuation(self, direction: int, frame: Frame, found: Http2Transaction) -> None:
        half = self._halves[direction]
        if half.pending is None:
            self._begin_block(direction, frame, found, frame.payload)
            return
        room = FRAME_LIMIT - len(half.block)
        half.block += frame.payload[:room]
        if len(frame.payload) > room:
            self._event(direction, "reassembly_limit_reached")
        if frame.flags & END_HEADERS:
            self._end_block(direction, half)

    def _begin_block(self, direction: int, frame: Frame, found: Http2Transaction, data: bytes) -> None:
        half = self._halves[direction]
        if half.pending is not None:  # what was cut short is read as far as it goes
            self._end_block(direction, half)
        half.pending, half.block = found, bytearray(data)
        if frame.flags & END_HEADERS or frame.cut:
            self._end_block(direction, half)

    def _end_block(self, direction: int, half: _Half) -> None:
        found, data = half.pending, bytes(half.block)
        half.pending, half.block = None, bytearray()
        if found is None:
            return
        block = half.decoder.decode(data)
        if block.flaw:
            self._event(direction, block.flaw)
        self._add(direction, found, block)

    def _add(self, direction: int, found: Http2Transaction, block: Block) -> None:
        side = found.side[direction]
        side.add(block.fields)
        for size in block.size_updates:
            side.size_updates = noted(side.size_updates, size)
        if direction == SERVER:
            _check_authority(found)
        doh.recognise(found, direction)
        self._more(found, direction)

    def _priority(self, direction: int, frame: Frame, found: Http2Transaction) -> None:
        if self._has_size(direction, frame, 5):
            side = found.side[direction]
            side.priorities = noted(side.priorities, frame.payload[_WEIGHT])

    def _reset(self, direction: int, frame: Frame, found: Http2Transaction) -> None:
        if self._has_size(direction, frame, 4):
            side = found.side[direction]
            side.errors = noted(side.errors, int.from_bytes(frame.payload))
        self._more(found, direction)
        if frame.stream:
            self._close(found)

    def _settings(self, direction: int, frame: Frame, found: Http2Transaction) -> None:
        side = found.side[direction]
        for at in range(0, min(len(frame.payload), 6 * MOST_SETTINGS) - 5, 6):
            kind = int.from_bytes(frame.payload[at : at + 2])
            value = int.from_bytes(frame.payload[at + 2 : at + 6])
            if kind not in _KNOWN_SETTINGS:
                continue
            side.settings = noted(side.settings, kind << 32 | value)
            if kind == _TABLE_SIZE:  # what this side accepts is what the other may use
                self._halves[CLIENT if direction == SERVER else SERVER].decoder.allow(value)

    def _goaway(self, direction: int, frame: Frame, found: Http2Transaction) -> None:
        if len(frame.payload) < 8:
            self._event(direction, "invalid_frame_length")
        else:
            side = found.side[direction]
            side.errors = noted(side.errors, int.from_bytes(frame.payload[4:8]))

    def _window(self, direction: int, frame: Frame, found: Http2Transaction) -> None:
        if self._has_size(direction, frame, 4):
            side = found.side[direction]
            side.windows = noted(side.windows, int.from_bytes(frame.payload) & 0x7FFFFFFF)

    def _has_size(self, direction: int, frame: Frame, size: int) -> bool:
        if len(frame.payload) != size:
            self._event(direction, "invalid_frame_length")
            return False
        return True

    # An upgrade from HTTP/1 ------------------------------------------------------------------------

    def _adopt(self, cause: HttpTransaction) -> None:
        request = cause.request
        assert request is not None
        found = self._open[1] = self._made(1)
        side = found.speaks(SERVER)
        side.kinds[Kind.HEADERS] = None
        fields = [(b":method", request.start.method), (b":path", request.start.uri)]
        for lower, (name, value) in request.headers.fields.items():
            if lower == b"http2-settings":
                self._take_settings(value)
            else:
                fields.append((b":authority" if lower == b"host" else name, value))
        side.add(fields)
        side.body, side.has_body = request.body, True
        _check_authority(found)
        doh.recognise(found, SERVER)
        self._end(found, SERVER)
        self._weigh(found)

    def _take_settings(self, value: bytes) -> None:
        """HTTP2-Settings: a SETTINGS frame's payload in base64url without its padding."""
        latest = self._latest
        try:
            payload = base64.b64decode(
                value.rstrip(b"=") + b"=" * (-len(value.rstrip(b"=")) % 4), b"-_", True
            )
        except (binascii.Error, ValueError):
            payload = b""
        if not payload or len(payload) % 6:
            self._event(SERVER, "invalid_http1_settings")
            return
        self._take(SERVER, Frame(Kind.SETTINGS, 0, 0, payload))
        self._latest = latest


def _check_authority(found: Http2Transaction) -> None:
    side = found.side[SERVER]
    authority, host = side.joined(b":authority"), side.joined(b"host")
    if authority is None:
        return
    if b"@" in authority:
        found.event(SERVER, "http2.userinfo_in_uri")
    if host is not None and host.lower() != authority.lower():
        found.event(SERVER, "http2.authority_host_mismatch")


_Handler = Callable[[Http2Parser, int, Frame, Http2Transaction], None]
_HANDLERS: Final[dict[int, _Handler]] = {
    Kind.DATA: Http2Parser._data,
    Kind.HEADERS: Http2Parser._headers,
    Kind.PRIORITY: Http2Parser._priority,
    Kind.RST_STREAM: Http2Parser._reset,
    Kind.SETTINGS: Http2Parser._settings,
    Kind.PUSH_PROMISE: Http2Parser._promise,
    Kind.GOAWAY: Http2Parser._goaway,
    Kind.WINDOW_UPDATE: Http2Parser._window,
    Kind.CONTINUATION: Http2Parser._continuation,
}
