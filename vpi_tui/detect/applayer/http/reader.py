"""Reading messages from one direction: first line, header block, body in its framing.

A reader is a small machine: `_state` takes what is in the buffer and tells whether to go on. What is in
the buffer is at most one incomplete line or header block, which is bounded. What most messages are does not
go through the machine: whole heads, bodies in one piece, runs of chunks.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from vpi_tui.detect.applayer.http import chunks, ends
from vpi_tui.detect.applayer.http.body import NO_BODY, Body
from vpi_tui.detect.applayer.http.headers import Headers, has_only_crlf, parse_headers, plain_headers

LINE_LIMIT: Final = 18_000
"""Bytes of a first line, as libhtp's field_limit."""
HEAD_LIMIT: Final = 65_536
"""Bytes of a header block."""
WAIT_LIMIT: Final = 16_384
"""Bytes that wait to be told whose they are."""
CHUNK_LINE_LIMIT: Final = 1_024
_SPACE: Final = 0x20
_START: Final = re.compile(rb"(?:[A-Z]{3,20} \S|HTTP/\d)")


class Reader(ABC):
    """One direction of a connection. Derived classes know what a first line means."""

    of_response = False
    """In responses also a CR alone ends a line of the head."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._left = 0
        self._body = NO_BODY
        self._state: State = _FIRST_LINE

    # What a message is -------------------------------------------------------------------------

    @abstractmethod
    def on_line(self, line: bytes) -> bool:
        """A first line. False = it starts no message: what comes is body without a head."""

    @abstractmethod
    def on_headers(self, headers: Headers) -> None:
        """The head is whole. Has to call one of the `body_` methods."""

    @abstractmethod
    def on_body_alone(self) -> None:
        """A body without a head begins. Has to call body_close."""

    @abstractmethod
    def on_trailer(self, headers: Headers) -> None:
        """Header fields behind a chunked body."""

    def passes_over(self, _line: bytes, _rest: bytearray) -> bool:
        """Is a line in front of a message none of it?"""
        return False

    def rest_of_body(self, _rest: bytearray) -> int:
        """How many bytes behind the end of a message belong to it nevertheless?"""
        return 0

    @abstractmethod
    def on_body(self) -> None:
        """More of the body has come that somebody looks at now."""

    @abstractmethod
    def on_done(self) -> None:
        """The message is whole, or will not become so; its body is closed."""

    @abstractmethod
    def on_event(self, name: str) -> None:
        """An anomaly of the message, or of the connection when there is none."""

    # Bytes in ------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        if self._buffer or self._scanned or not self._quickly(data):
            self._buffer += data
        if self._buffer:
            self._run()

    def _run(self) -> None:
        while self._state(self):
            pass

    def _quickly(self, data: bytes) -> bool:
        """Read what most messages are, with the same outcome as the machine. False = nothing was done.

        What stands behind it comes to be in the buffer.
        """
        return self._whole_head(data) if self._state is _FIRST_LINE else self._piece_of_body(data)

    def _piece_of_body(self, data: bytes) -> bool:
        """Read bytes that are nothing but body. Those in the buffer, if there are some, are the same."""
        state = self._state
        if state is _TAKE_LENGTH:
            if len(data) > self._left:
                return False
        elif state is not _TAKE_CLOSE:
            return False
        self._buffer.clear()
        if state is _TAKE_LENGTH:
            self._left -= len(data)
            if not self._left:
                self._body.feed(data)
                self._done()  # which is news anyway
                return True
        self._feed_body(data)
        return True

    def _whole_head(self, data: bytes) -> bool:
        """Read a head that is all here and in which each line ends with CR and LF."""
        size = data.find(b"\r\n\r\n") + 4
        if not 4 <= size <= LINE_LIMIT or data[0] <= _SPACE:
            return False
        if self.of_response and not data.startswith(b"HTTP/"):
            return False
        end = data.index(b"\r\n")
        line, block = data[:end], data[end + 2 : size]
        if b"\n" in line or b"\r" in line or b"\0" in line:
            return False
        headers = plain_headers(block)
        if (headers is None and not has_only_crlf(block)) or not self.on_line(line):
            return False
        self._buffer += data[size:]
        if headers is None:
            self._head(block)
        else:
            self.on_headers(headers)
        if self._buffer and self._piece_of_body(data[size:]):
            return True
        if self._body is not NO_BODY and self._body.is_file:
            self._run()  # its name is news before its first byte is there
        return True

    def skip(self, missing: int) -> None:
        """Some bytes were lost."""
        self._wait_no_more()
        state = self._state
        if state is _TAKE_CLOSE:
            self._body.skip(missing)
            return
        if state in (_TAKE_LENGTH, _TAKE_CHUNK) and missing <= self._left:
            self._body.skip(missing)
            self._left -= missing
            if state is _TAKE_LENGTH and not self._left:
                self._done()
            return
        if state not in (_FIRST_LINE, _IGNORE):
            self.finish()
        self._buffer.clear()
        self._scanned = 0
        if self._state is not _IGNORE:
            self._state = _RESYNCHRONISE

    def finish(self) -> None:
        """Nothing will follow. A head without its end is taken as it is."""
        self._wait_no_more()
        if self._state is _FIRST_LINE:
            if not self._buffer:
                return
            line = bytes(self._buffer)
            self._buffer.clear()
            if line.strip() and len(line) <= LINE_LIMIT and not self.on_line(line.rstrip(b"\r\n")):
                self.on_body_alone()
                self._body.feed(line)
                self._done()
        if self._state is _HEADER_BLOCK:
            self._head(self._cut(len(self._buffer)))
        cut = self._state in (_TAKE_LENGTH, _TAKE_CHUNK, _AFTER_CHUNK, _CHUNK_LINE)
        if self._state is _CHUNK_LINE:
            self._body.feed(self._cut(len(self._buffer)))
        if self._state not in (_FIRST_LINE, _IGNORE, _RESYNCHRONISE):
            self._done(truncated=cut)

    def held(self) -> int:
        return len(self._buffer) if self._body is NO_BODY else len(self._buffer) + self._body.window.held

    def patience(self) -> int:
        """How many more bytes can come before somebody looks at the body, or it ends."""
        state = self._state
        if self._buffer or state not in _BODIES:
            return 0
        patience = self._body.patience
        return patience if state is _TAKE_CLOSE else min(patience, self._left - 1)

    @property
    def rest(self) -> bytearray:
        """Bytes that no message has taken yet."""
        return self._buffer

    @property
    def begun(self) -> bool:
        """Is a message begun, whose head is not at its end?"""
        if self._state is _FIRST_LINE:
            return bool(self._buffer) and bool(self._buffer.strip())
        return self._state is _HEADER_BLOCK

    @property
    def in_head(self) -> bool:
        """Is a head begun and not at its end?"""
        return self._state is _HEADER_BLOCK

    # Framing of the body, called by on_headers -----------------------------------------------------

    def body_none(self, body: Body | None = None) -> None:
        self._body = body or self._body
        self._done()

    def body_length(self, length: int, body: Body) -> None:
        if not length:
            self._done()
            return
        self._body, self._left = body, length
        self._state = _TAKE_LENGTH

    def body_chunked(self, body: Body) -> None:
        self._body = body
        self._state = _CHUNK_LINE

    def body_close(self, body: Body) -> None:
        self._body = body
        self._state = _TAKE_CLOSE

    def ignore(self) -> bytes:
        """What follows is another protocol's; gives what is there of it already."""
        rest = self._cut(len(self._buffer))
        self._state = _IGNORE
        return rest

    def wait(self) -> None:
        """Whether what follows is of this protocol is not known until `go_on`, or until it is too much."""
        self._state = _WAIT

    def go_on(self) -> None:
        """What was waited for, if anything was, is there: messages go on."""
        if self._state is _WAIT:
            self._state = _FIRST_LINE
            self._run()

    def _wait_no_more(self) -> None:
        """Nothing will tell: of several messages that are waited behind, each has to be passed."""
        while self._state is _WAIT:
            self.go_on()

    def room_to_wait(self) -> int:
        """How many bytes may wait."""
        return WAIT_LIMIT

    # States ----------------------------------------------------------------------------------------

    def _ignore(self) -> bool:
        self._buffer.clear()
        return False

    def _wait(self) -> bool:
        if len(self._buffer) <= WAIT_LIMIT or len(self._buffer) <= self.room_to_wait():
            return False
        self._state = _FIRST_LINE
        return True

    def _line(self, limit: int, too_long: str) -> bytes | None:
        """The next line with its end, None = it is not all here."""
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            if self._scanned > limit:
                self.on_event(too_long)
                self._buffer.clear()
                self._done(truncated=True)
                self.ignore()
            return None
        return self._cut(end + 1)

    def _cut(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._scanned = 0
        return taken

    def _first_line(self) -> bool:
        if not self._buffer:
            return False
        line = self._start_line() if self.of_response else self._line(LINE_LIMIT, "field_too_long")
        if line is None:
            return False
        if not line.strip() or self.passes_over(line, self._buffer):
            return True
        if self.on_line(line.rstrip(b"\r\n")):
            self._state = _HEADER_BLOCK
        else:
            self.on_body_alone()
            self._buffer[:0] = line
        return True

    def _start_line(self) -> bytes | None:
        """The first line of a response, which a CR alone may end."""
        end = ends.response_line(self._buffer, self._scanned)
        if end >= 0:
            return self._cut(end)
        return self._line(LINE_LIMIT, "field_too_long")

    def _resynchronise(self) -> bool:
        line = self._line(LINE_LIMIT, "field_too_long")
        if line is None:
            return False
        if _START.match(line):
            self._state = _FIRST_LINE
            self._buffer[:0] = line
        return True

    def _header_block(self) -> bool:
        block = self._block()
        if block is None:
            if len(self._buffer) <= HEAD_LIMIT:
                return False
            self.on_event("field_too_long")
            block = self._cut(HEAD_LIMIT)
        self._head(block)
        return True

    def _block(self) -> bytes | None:
        """Lines up to an empty one, None = that is not here yet."""
        end = ends.head(self._buffer, self._scanned, of_response=self.of_response)
        if end < 0:
            self._scanned = len(self._buffer)
            return None
        return self._cut(end)

    def _head(self, block: bytes) -> None:
        headers = parse_headers(block, of_response=self.of_response)
        for name in headers.anomalies:
            self.on_event(name)
        if len(block) > LINE_LIMIT and any(len(line) > LINE_LIMIT for line in block.split(b"\n")):
            self.on_event("field_too_long")
        self.on_headers(headers)

    def _take_length(self) -> bool:
        return self._take(self._done)

    def _take_chunk(self) -> bool:
        return self._take(self._chunk_end)

    def _take(self, then: Callable[[], object]) -> bool:
        data = self._cut(min(self._left, len(self._buffer)))
        self._feed_body(data)
        self._left -= len(data)
        if self._left:
            return False
        then()
        return bool(self._buffer)

    def _take_close(self) -> bool:
        self._feed_body(self._cut(len(self._buffer)))
        return False

    def _feed_body(self, data: bytes) -> None:
        self._body.feed(data)
        if self._body.is_due:
            self.on_body()

    def _chunk_end(self) -> None:
        self._state = _AFTER_CHUNK

    def _after_chunk(self) -> bool:
        """The line end behind a chunk's bytes; other bytes there are passed over."""
        line = self._line(LINE_LIMIT, "field_too_long")
        if line is None:
            return False
        self._body.beside += len(line)
        self._state = _CHUNK_LINE
        return True

    def _chunk_line(self) -> bool:
        held = len(self._buffer)
        pieces = chunks.cut_plain(self._buffer) if not self._scanned else ()
        if pieces:
            self._body.beside += held - len(self._buffer) - sum(map(len, pieces))
            self._body.feed_pieces(pieces)
            if self._body.is_due:
                self.on_body()
        if chunks.is_none(self._buffer):
            return self._no_chunk()
        line = self._line(CHUNK_LINE_LIMIT, "invalid_chunk_length")
        if line is None:
            return False
        self._body.beside += len(line)
        if not line.strip():
            return True
        size = chunks.size_of(line)
        if size is None:
            self._buffer[:0] = line
            return self._no_chunk()
        if b";" in line:
            self.on_event("chunk_extension")
        self._left = size
        self._state = _TAKE_CHUNK if size else _TRAILER
        return True

    def _no_chunk(self) -> bool:
        """There is no chunk where one should be: the rest is body as it is."""
        self.on_event("invalid_chunk_length")
        self._state = _TAKE_CLOSE
        return True

    def _trailer(self) -> bool:
        block = self._block()
        if block is None:
            if len(self._buffer) <= HEAD_LIMIT:
                return False
            block = self._cut(HEAD_LIMIT)
        if block.strip():
            self.on_trailer(parse_headers(block, of_response=self.of_response))
        self._done()
        return True

    def _done(self, *, truncated: bool = False) -> None:
        if self._buffer and (count := self.rest_of_body(self._buffer)):
            rest = self._cut(count)
            if self._body is not NO_BODY:
                self._body.feed(rest)
        if self._body is not NO_BODY:
            self._body.close(truncated=truncated)
            self._body = NO_BODY
        self._state = _FIRST_LINE
        self._scanned = 0
        self.on_done()


State = Callable[[Reader], bool]
# Bound once: a method that is bound for each comparison costs more than most of what is compared.
_IGNORE: Final[State] = Reader._ignore
_WAIT: Final[State] = Reader._wait
_FIRST_LINE: Final[State] = Reader._first_line
_RESYNCHRONISE: Final[State] = Reader._resynchronise
_HEADER_BLOCK: Final[State] = Reader._header_block
_TAKE_LENGTH: Final[State] = Reader._take_length
_TAKE_CHUNK: Final[State] = Reader._take_chunk
_TAKE_CLOSE: Final[State] = Reader._take_close
_AFTER_CHUNK: Final[State] = Reader._after_chunk
_CHUNK_LINE: Final[State] = Reader._chunk_line
_TRAILER: Final[State] = Reader._trailer
_BODIES: Final = frozenset((_TAKE_LENGTH, _TAKE_CHUNK, _TAKE_CLOSE))
