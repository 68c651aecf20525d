"""What a client of HTTP/1 sends: requests, and what waits behind a CONNECT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vpi_tui.detect.applayer.files import File
from vpi_tui.detect.applayer.http import anomalies, uri
from vpi_tui.detect.applayer.http.body import NO_BODY, Body, Sink
from vpi_tui.detect.applayer.http.coding import decoders
from vpi_tui.detect.applayer.http.files import FormParts, WholeBody, boundary_of
from vpi_tui.detect.applayer.http.headers import NO_HEADERS, Headers, content_length, is_chunked
from vpi_tui.detect.applayer.http.lines import (
    request_line,
    usual_request_line,
)
from vpi_tui.detect.applayer.http.reader import WAIT_LIMIT, Reader
from vpi_tui.detect.applayer.http.transaction import HttpTransaction, Request, asks_for_tunnel
from vpi_tui.detect.applayer.http.tunnel import is_no_request
from vpi_tui.detect.applayer.http.unanswered import Unanswered
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.model.batch import Direction

if TYPE_CHECKING:
    from vpi_tui.detect.applayer.http.parser import HttpParser

# Bound once: until Python 3.12 a member is looked up in its enum by a call.
SERVER = Direction.TO_SERVER
_HEAD, _DONE = Stage.HEAD, Stage.DONE
_FIRST_WORD: Final = re.compile(rb"[ \t\r\n\x0b\x0c]*([^ \t\r\n\x0b\x0c]+)")
WAIT_LIMIT_OF_OTHERS: Final = 144 << 10
"""Bytes that wait behind a CONNECT when they are no requests: more than servers take of a ClientHello."""


class Requests(Reader):
    """The client's direction of one connection."""

    def __init__(self, parser: HttpParser) -> None:
        super().__init__()
        self._parser = parser
        self._now: HttpTransaction | None = None
        self.last: HttpTransaction | None = None
        """The last CONNECT, behind which it waits if it does."""

    def part(self) -> None:
        """From its parser: as long as they know each other they stay in memory for a while."""
        del self._parser

    def on_line(self, line: bytes) -> bool:
        made = self._begin()
        usual = usual_request_line(line)
        made.request = Request(usual or request_line(line), NO_HEADERS)
        if usual is None and self._parser.asked.anomalies:
            for name in anomalies.of_request_line(made.request.start):
                self.on_event(name)
        return True

    def _begin(self) -> HttpTransaction:
        made = self._now = HttpTransaction()
        self._parser.waiting.begin(made)
        return made

    def is_next(self, waiting: Unanswered) -> bool:
        """Would an answer now be that of the request that is read, and of none before it?"""
        return (waiting[0] if waiting else None) is self._now

    def cut_off(self) -> None:
        """The server has answered what is not whole."""
        alone = not self.in_head
        self.finish()
        if alone:
            self._parser.odd(self._parser.waiting[-1], SERVER, "request_line_incomplete")

    def on_headers(self, headers: Headers) -> None:
        now = self._now
        assert now is not None
        assert now.request is not None
        request = now.request
        request.headers = headers
        self._parser.waiting.keep(now, len(request.start.line) + headers.kept)
        if self._parser.asked.anomalies and not anomalies.is_usual_request(request.start, headers):
            for name in anomalies.of_request(request.start, headers):
                self.on_event(name)
        self._parser.reached(now, SERVER, _HEAD)
        length = headers.fields.get(b"content-length")
        size = content_length(length[1]) if length is not None else None
        if b"transfer-encoding" in headers.fields and is_chunked(headers):
            self.body_chunked(self._body_of(now, request))
        elif size:
            self.body_length(size, self._body_of(now, request))
        else:
            self.body_none()

    def _body_of(self, now: HttpTransaction, request: Request) -> Body:
        coding = request.headers.get(b"content-encoding")
        layers = decoders(coding, self._parser.limits.decompression_layers) if coding else ()
        asked = self._parser.asked
        files = self._files(now, request) if asked.request_files else None
        request.body = Body(layers, asked.request, files)
        return request.body

    def _files(self, now: HttpTransaction, request: Request) -> Sink | None:
        """Where the files in the body go, None = there are none."""
        limits = self._parser.limits

        def opened(name: bytes) -> File:
            if len(name) > anomalies.FILE_NAME_LIMIT:
                self._parser.odd(now, SERVER, "file_name_too_long")
            return now.open_file(SERVER, name, limits.files)

        boundary = boundary_of(request.headers) if request.start.method == b"POST" else b""
        if boundary:
            return FormParts(boundary, opened, lambda event: now.event(SERVER, event))
        if request.start.method in (b"POST", b"PUT"):
            return WholeBody(uri.path_of(request.start.uri), opened)
        return None

    def on_body(self) -> None:
        if self._now is not None:
            self._parser.moved(self._now)

    def on_body_alone(self) -> None:
        """Every line of a client begins a request, so there is no such body."""
        self.body_none()

    def on_trailer(self, headers: Headers) -> None:
        if self._now is not None and self._now.request is not None:
            self._now.request.trailer = headers
            self._parser.waiting.keep(self._now, headers.kept)

    def rest_of_body(self, rest: bytearray) -> int:
        """As libhtp has it: lines behind a request that begin with no method that it knows."""
        if asks_for_tunnel(self._now):
            return 0
        end = 0
        while end < len(rest):
            whole = rest.find(b"\n", end) + 1
            word = _FIRST_WORD.match(rest, end, whole or len(rest))
            if word is None or (anomalies.is_method(word[1]) if whole else anomalies.may_be_method(word[1])):
                break
            end = whole or len(rest)
        if end:
            self.on_event("request_body_unexpected")
        return end

    def on_done(self) -> None:
        if self._parser.frames.wanted:
            self._parser.emit(SERVER, self.rest)
        now, self._now = self._now, None
        if now is None:
            return
        if now.request is not None and now.request.body is not NO_BODY:
            files = sum(file.held() for file in now.files)
            self._parser.waiting.keep(now, now.request.body.window.held + files)
        self._parser.reached(now, SERVER, _DONE)
        if asks_for_tunnel(now):
            self.last = now
            self.wait()

    def room_to_wait(self) -> int:
        """What cannot be a request waits until a whole handshake is there, or it would be read as one."""
        return WAIT_LIMIT_OF_OTHERS if is_no_request(self.rest) else WAIT_LIMIT

    def on_event(self, name: str) -> None:
        now = self._now
        if now is None:  # of a line without an end, behind which nothing is read
            now = self._begin()
        self._parser.odd(now, SERVER, anomalies.REQUEST_NAMES.get(name, name))
