"""HTTP/1: both directions of one connection, requests and responses paired in order."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from vpi_tui.detect.applayer.base import EVENTS, FrameSpool, Limits, Parser, Stage, Successor, Transaction
from vpi_tui.detect.applayer.files import FILE, FILE_DATA, FILE_NAME, File, FileNeeds
from vpi_tui.detect.applayer.http import anomalies, uri
from vpi_tui.detect.applayer.http.body import Body, Inspection, Sink
from vpi_tui.detect.applayer.http.coding import decoders
from vpi_tui.detect.applayer.http.files import FormParts, WholeBody, boundary_of, name_in
from vpi_tui.detect.applayer.http.headers import Headers, content_length, is_chunked
from vpi_tui.detect.applayer.http.lines import (
    StatusLine,
    is_status_line,
    may_be_status_line,
    request_line,
    status_line,
)
from vpi_tui.detect.applayer.http.reader import LINE_LIMIT, Reader
from vpi_tui.detect.applayer.http.transaction import HttpTransaction, Request, Response
from vpi_tui.detect.applayer.http.tunnel import Tunnel
from vpi_tui.model.batch import Direction

MOST_OPEN: Final = 512
"""Requests that wait for their response, as Suricata's max-tx."""
SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


class HttpParser(Parser):
    """One connection."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.judges = self.limits.wants(EVENTS)
        """Are heads looked at for what is odd about them? It costs some 4 us a message."""
        self.waiting: deque[HttpTransaction] = deque()
        """Requests seen, whose response is not complete."""
        self._moved: dict[HttpTransaction, None] = {}
        self._spools = (FrameSpool(), FrameSpool(), FrameSpool())
        """By Direction: the message that is read, when rules look at frames."""
        self._successor: Successor | None = None
        self._tunnel: Tunnel | None = None
        self._warnings = 0
        self._requests = _Requests(self)
        self._responses = _Responses(self)

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._tunnel is not None:
            self._follow(self._tunnel, direction, data)
            return []
        reader: Reader = self._responses if direction == CLIENT else self._requests
        if gap:
            reader.skip(gap)
        if direction == CLIENT and self._requests.begun and self._requests.is_next(self.waiting):
            self._requests.cut_off()  # an answer before the end of the head: HTTP/0.9, or a cut request
        if self.frames.wanted:
            self._spools[direction].add(data)
        reader.feed(data)
        return self._progress()

    def finish(self) -> list[Transaction]:
        self._requests.finish()
        self._responses.finish()
        for left in self.waiting:
            self.reached(left, SERVER, Stage.DONE)
        self.waiting.clear()
        return self._progress()

    def held(self) -> int:
        spooled = sum(map(len, self._spools)) + (self._tunnel.held() if self._tunnel is not None else 0)
        return self._requests.held() + self._responses.held() + 1024 * len(self.waiting) + spooled

    def reached(self, transaction: HttpTransaction, direction: int, stage: Stage) -> None:
        if transaction.stage[direction] < stage:
            transaction.stage[direction] = stage
            self._moved[transaction] = None

    def moved(self, transaction: HttpTransaction) -> None:
        """More of a body has come."""
        self._moved[transaction] = None

    def odd(self, transaction: HttpTransaction, direction: int, name: str) -> None:
        """An anomaly of a message."""
        self._warnings += 1
        if self._warnings == anomalies.MOST_WARNINGS:
            transaction.event(direction, "http.too_many_warnings")
        transaction.event(direction, f"http.{name}")

    def ended(self, direction: int, rest: bytearray) -> None:
        """A message is whole, or will not become so. rest: the bytes behind it."""
        if self.frames.wanted:
            name = "response" if direction == CLIENT else "request"
            self.frames.add(direction, name, self._spools[direction].cut(rest))

    def successor(self) -> Successor | None:
        return self._successor

    def tunnel(self, cause: HttpTransaction, answered: bytes) -> None:
        """The connection speaks another protocol from here on. answered: what came of it already."""
        self._responses.ignore()
        rest = b"", self._requests.ignore(), answered
        upgrade = cause.response.headers.get(b"upgrade") if cause.response is not None else None
        application = _UPGRADES.get((upgrade or b"").strip().lower())
        if application is not None:
            self._successor = Successor(application, rest, cause)
        elif cause.request is not None and cause.request.start.method == b"CONNECT":
            self._tunnel = Tunnel()
            for direction in (SERVER, CLIENT):
                self._follow(self._tunnel, direction, rest[direction])

    def _follow(self, tunnel: Tunnel, direction: int, data: bytes) -> None:
        tunnel.feed(direction, data)
        if tunnel.application:
            self._successor = Successor(tunnel.application, (b"", tunnel.rest[SERVER], tunnel.rest[CLIENT]))

    def _progress(self) -> list[Transaction]:
        moved: list[Transaction] = list(self._moved)
        self._moved.clear()
        return moved


_UPGRADES: Final = {b"h2c": "http2", b"websocket": "websocket"}
"""What a server switches to (RFC 9110, 7.8) -> the protocol that goes on."""


class _Requests(Reader):
    def __init__(self, parser: HttpParser) -> None:
        super().__init__()
        self._parser = parser
        self._now: HttpTransaction | None = None

    def on_line(self, line: bytes) -> bool:
        made = self._begin()
        made.request = Request(request_line(line))
        if self._parser.judges:
            for name in anomalies.of_request_line(made.request.start):
                self.on_event(name)
        return True

    def _begin(self) -> HttpTransaction:
        made = self._now = HttpTransaction()
        if len(self._parser.waiting) >= MOST_OPEN:
            self._parser.waiting.popleft()
        self._parser.waiting.append(made)
        return made

    def is_next(self, waiting: deque[HttpTransaction]) -> bool:
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
        if self._parser.judges:
            for name in anomalies.of_request(request.start, headers):
                self.on_event(name)
        self._parser.reached(now, SERVER, Stage.HEAD)
        limits = self._parser.limits
        coding = headers.get(b"content-encoding")
        wanted = limits.wants("http.request_body")
        inspection = Inspection(limits.request_body, limits.request_minimum, limits.request_overlap, wanted)
        request.body = Body(
            decoders(coding, limits.decompression_layers), inspection, self._files(now, request)
        )
        length = headers.get(b"content-length")
        if is_chunked(headers):
            self.body_chunked(request.body)
        elif length is not None:
            self.body_length(content_length(length) or 0, request.body)
        else:
            self.body_none()

    def _files(self, now: HttpTransaction, request: Request) -> Sink | None:
        """Where the files in the body go, None = nobody asks, or there are none."""
        limits = self._parser.limits
        if not limits.wants(FILE, FILE_NAME, FILE_DATA):
            return None

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

    def rest_of_body(self, rest: bytearray) -> int:
        """As libhtp has it: lines behind a request that begin with no method that it knows."""
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
        self._parser.ended(SERVER, self.rest)
        if self._now is not None:
            self._parser.reached(self._now, SERVER, Stage.DONE)
        self._now = None

    def on_event(self, name: str) -> None:
        now = self._now
        if now is None:  # of a line without an end, behind which nothing is read
            now = self._begin()
        self._parser.odd(now, SERVER, anomalies.REQUEST_NAMES.get(name, name))


_FIRST_WORD: Final = re.compile(rb"[ \t\r\n\x0b\x0c]*([^ \t\r\n\x0b\x0c]+)")


class _Responses(Reader):
    of_response = True

    def __init__(self, parser: HttpParser) -> None:
        super().__init__()
        self._parser = parser
        self._now: HttpTransaction | None = None
        self._continued: HttpTransaction | None = None
        """What has been answered with 100 Continue."""

    def on_line(self, line: bytes) -> bool:
        waiting = self._parser.waiting
        if not waiting:
            waiting.append(HttpTransaction())
            self._parser.odd(waiting[0], CLIENT, "unable_to_match_response_to_request")
        self._now = waiting[0]
        headed = is_status_line(line)
        self._now.response = Response(status_line(line) if headed else StatusLine(b"", b"", b"", b""))
        return headed

    def passes_over(self, line: bytes, rest: bytearray) -> bool:
        return not is_status_line(line) and rest[:1] == b"H"

    def rest_of_body(self, rest: bytearray) -> int:
        """As libhtp has it: what follows a response and starts no other is body that was sent too much."""
        too_much = self._now is not None and not may_be_status_line(bytes(rest[:LINE_LIMIT]))
        return len(rest) if too_much else 0

    def on_body_alone(self) -> None:
        assert self._now is not None
        assert self._now.response is not None
        self._parser.reached(self._now, CLIENT, Stage.HEAD)
        self._now.response.body = self._body_of(self._now, self._now.response)
        self.body_close(self._now.response.body)

    def on_body(self) -> None:
        if self._now is not None:
            self._parser.moved(self._now)

    def _body_of(self, now: HttpTransaction, response: Response) -> Body:
        limits = self._parser.limits
        coding = response.headers.get(b"content-encoding")
        wanted = limits.wants("http.response_body", FILE_DATA)
        inspection = Inspection(
            limits.response_body, limits.response_minimum, limits.response_overlap, wanted
        )
        return Body(decoders(coding, limits.decompression_layers), inspection, self._file(now, response))

    def _file(self, now: HttpTransaction, response: Response) -> Sink | None:
        """The body as a file, None = nobody asks. Rules see its bytes as those of the body."""
        limits = self._parser.limits
        if not limits.wants(FILE, FILE_NAME):
            return None
        named = now.request.start.uri if now.request is not None else b""
        name = name_in(response.headers.get(b"content-disposition")) or uri.path_of(named)
        if len(name) > anomalies.FILE_NAME_LIMIT:
            self.on_event("file_name_too_long")
        needs = FileNeeds(limits.files.digests, data=False)
        return WholeBody(name, lambda name: now.open_file(CLIENT, name, needs))

    def on_headers(self, headers: Headers) -> None:
        now = self._now
        assert now is not None
        assert now.response is not None
        response = now.response
        response.headers = headers
        code = response.start.code
        if self._parser.judges:
            for name in anomalies.of_response(response.start, headers):
                self.on_event(name)
        if code == b"100" and not headers.get(b"content-length"):
            if self._continued is now:
                self.on_event("100_continue_already_seen")
            self._continued = now
            now.response, self._now = None, None
            self.body_none()
            return
        self._parser.reached(now, CLIENT, Stage.HEAD)
        if self._parser.judges:
            for name in anomalies.of_codings(
                headers.get(b"content-encoding"), self._parser.limits.decompression_layers
            ):
                self.on_event(name)
                self._parser.odd(now, SERVER, name)  # where Suricata's own rules look for it
        method = now.request.start.method if now.request is not None else b""
        response.body = self._body_of(now, response)
        if code == b"101" or (method == b"CONNECT" and code.startswith(b"2")):
            rest = self.ignore()  # none of it is a body
            self.body_none(response.body)
            self._parser.tunnel(now, rest)
        elif method == b"HEAD" or code in (b"204", b"304"):
            self.body_none(response.body)
        else:
            self._frame(headers, response.body)

    def _frame(self, headers: Headers, body: Body) -> None:
        length = headers.get(b"content-length")
        size = content_length(length) if length is not None else None
        if is_chunked(headers):
            self.body_chunked(body)
        elif size is not None:
            self.body_length(size, body)
        else:
            self.body_close(body)

    def on_trailer(self, headers: Headers) -> None:
        if self._now is not None and self._now.response is not None:
            self._now.response.trailer = headers

    def on_done(self) -> None:
        self._parser.ended(CLIENT, self.rest)
        now = self._now
        if now is None:
            return
        assert now.response is not None
        if now.response.body.failed:
            self.on_event("gzip_decompression_failed")
        if now.response.body.bomb:
            self.on_event("compression_bomb")
        self._now = None
        self._parser.reached(now, CLIENT, Stage.DONE)
        if self._parser.waiting and self._parser.waiting[0] is now:
            self._parser.waiting.popleft()

    def on_event(self, name: str) -> None:
        if self._now is None:  # of a line without an end, behind which nothing is read
            self.on_line(b"")
        assert self._now is not None
        self._parser.odd(self._now, CLIENT, anomalies.RESPONSE_NAMES.get(name, name))
