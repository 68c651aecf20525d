"""HTTP/1: both directions of one connection, requests and responses paired in order."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser, Successor
from vpi_tui.detect.applayer.files import File, FileNeeds
from vpi_tui.detect.applayer.frames import FrameSpool
from vpi_tui.detect.applayer.http import anomalies, uri
from vpi_tui.detect.applayer.http.asked import asked_by
from vpi_tui.detect.applayer.http.body import NO_BODY, Body, Sink
from vpi_tui.detect.applayer.http.coding import decoders
from vpi_tui.detect.applayer.http.files import FormParts, PartOfFile, WholeBody, boundary_of, name_in
from vpi_tui.detect.applayer.http.headers import NO_HEADERS, Headers, content_length, is_chunked
from vpi_tui.detect.applayer.http.lines import (
    StatusLine,
    is_status_line,
    may_be_status_line,
    request_line,
    status_line,
    usual_request_line,
)
from vpi_tui.detect.applayer.http.reader import LINE_LIMIT, WAIT_LIMIT, Reader
from vpi_tui.detect.applayer.http.transaction import HttpTransaction, Request, Response
from vpi_tui.detect.applayer.http.tunnel import Tunnel, is_no_request
from vpi_tui.detect.applayer.http.unanswered import Unanswered
from vpi_tui.detect.applayer.ranges import span_of
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

# Bound once: until Python 3.12 a member is looked up in its enum by a call.
SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
_HEAD, _DONE = Stage.HEAD, Stage.DONE


class HttpParser(Parser):
    """One connection."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.asked = asked_by(self.limits)
        self.waiting = Unanswered()
        """Requests seen, whose response is not complete."""
        self._moved: dict[HttpTransaction, None] = {}
        self._spools: tuple[FrameSpool, ...] = ()
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
            self._spool(direction).add(data)
        reader.feed(data)
        return self._progress() if self._moved else []

    def finish(self) -> list[Transaction]:
        self._requests.finish()
        self._responses.finish()
        if self.waiting:
            for left in self.waiting:
                self.reached(left, SERVER, _DONE)
            self.waiting = Unanswered()
        return self._progress() if self._moved else []

    def part(self) -> None:
        self._requests.part()
        self._responses.part()

    def held(self) -> int:
        held = self._requests.held() + self._responses.held() + self.waiting.held()
        if self._spools:
            held += sum(map(len, self._spools))
        return held + self._tunnel.held() if self._tunnel is not None else held

    def patience(self, direction: int) -> int:
        if self._tunnel is not None or self.frames.wanted:
            return 0
        return (self._responses if direction == CLIENT else self._requests).patience()

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

    def emit(self, direction: int, rest: bytearray) -> None:
        """A message is whole, or will not become so. rest: the bytes behind it."""
        name = "response" if direction == CLIENT else "request"
        self.frames.add(direction, name, self._spool(direction).cut(rest))

    def _spool(self, direction: int) -> FrameSpool:
        if not self._spools:
            self._spools = FrameSpool(), FrameSpool(), FrameSpool()
        return self._spools[direction]

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
        elif _connects(cause):
            self._tunnel = Tunnel()
            for direction in (SERVER, CLIENT):
                self._follow(self._tunnel, direction, rest[direction])

    def stays(self, refused: HttpTransaction) -> None:
        """This CONNECT was refused: what is behind it are requests."""
        if refused is self._requests.last:
            self._requests.go_on()

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
        if _connects(self._now):
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
        if _connects(now):
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


def _connects(transaction: HttpTransaction | None) -> bool:
    """Does it ask for a tunnel? Then what follows is another protocol's, unless it is refused."""
    request = transaction.request if transaction is not None else None
    return request is not None and request.start.method == b"CONNECT"


_FIRST_WORD: Final = re.compile(rb"[ \t\r\n\x0b\x0c]*([^ \t\r\n\x0b\x0c]+)")


_NOT_SEEN: Final = b"/libhtp::request_uri_not_seen"
"""What Suricata calls the file that answers no request: logs and rules of its users say so."""
_NO_STATUS: Final = StatusLine(b"", b"", b"", None)
_JUNK: Final = 2
"""Characters of a line in front of a response that is not yet its body."""
WAIT_LIMIT_OF_OTHERS: Final = 144 << 10
"""Bytes that wait behind a CONNECT when they are no requests: more than servers take of a ClientHello."""
_BODILESS: Final = frozenset({b"204", b"304"})
"""Codes of responses without a body (RFC 9112, 6.3)."""
_INTERIM: Final = re.compile(rb"1\d\d")
"""Those that have one only where they say how long it is, as browsers take it."""


def _goes_on(headers: Headers) -> bool:
    """Has an interim answer nothing with it, so that it is none?"""
    length = headers.get(b"content-length")
    return b"transfer-encoding" not in headers.fields and not (length and content_length(length))


class _Responses(Reader):
    of_response = True

    def __init__(self, parser: HttpParser) -> None:
        super().__init__()
        self._parser = parser
        self._now: HttpTransaction | None = None
        self._continued: HttpTransaction | None = None
        """What has been answered with 100 Continue."""

    def part(self) -> None:
        """As requests do."""
        del self._parser

    def on_line(self, line: bytes) -> bool:
        waiting = self._parser.waiting
        if not waiting:
            self._parser.waiting.begin(HttpTransaction())
            self._parser.odd(waiting[0], CLIENT, "unable_to_match_response_to_request")
        self._now = waiting[0]
        headed = is_status_line(line)
        self._now.response = Response(status_line(line) if headed else _NO_STATUS, NO_HEADERS)
        return headed

    def passes_over(self, line: bytes, rest: bytearray) -> bool:
        if is_status_line(line) or len(rest) <= 1:
            return False
        return rest[:1] == b"H" or len(line.rstrip(b"\r\n")) <= _JUNK

    def rest_of_body(self, rest: bytearray) -> int:
        """As libhtp has it: what follows a response and starts no other is body that was sent too much."""
        too_much = self._now is not None and not may_be_status_line(bytes(rest[:LINE_LIMIT]))
        return len(rest) if too_much else 0

    def on_body_alone(self) -> None:
        assert self._now is not None
        assert self._now.response is not None
        self._parser.reached(self._now, CLIENT, _HEAD)
        if _connects(self._now):
            self._parser.stays(self._now)
        self._now.response.body = self._body_of(self._now, self._now.response)
        self.body_close(self._now.response.body)

    def on_body(self) -> None:
        if self._now is not None:
            self._parser.moved(self._now)

    def _body_of(self, now: HttpTransaction, response: Response) -> Body:
        coding = response.headers.get(b"content-encoding")
        layers = decoders(coding, self._parser.limits.decompression_layers) if coding else ()
        asked = self._parser.asked
        file = self._file(now, response) if asked.response_file_data else None
        return Body(layers, asked.response, file, tells_bombs=asked.bombs)

    def _no_body_of(self, now: HttpTransaction, response: Response) -> Body:
        """Of a response that has none: what is sent nevertheless counts as one."""
        asked = self._parser.asked.response_files or self._buffer
        return self._body_of(now, response) if asked else NO_BODY

    def _file(self, now: HttpTransaction, response: Response) -> Sink | None:
        """The body as a file, and as a range of one. Rules see its bytes as those of the body."""
        span, files = response.headers.get(b"content-range"), self._parser.asked.response_files
        if span is None and not files:
            return None
        named = now.request.start.uri if now.request is not None else _NOT_SEEN
        name = name_in(response.headers.get(b"content-disposition")) or uri.path_of(named)
        if len(name) > anomalies.FILE_NAME_LIMIT:
            self.on_event("file_name_too_long")
        needs = FileNeeds(self._parser.limits.files.digests, data=False)
        place = span_of(span) if span is not None else None
        whole = WholeBody(name, lambda name: now.open_file(CLIENT, name, needs), place) if files else None
        ranges, request = self._parser.ranges, now.request
        if span is None or ranges is None or request is None:
            return whole
        host = uri.asked_of(request.start.method, request.start.uri).host or request.headers.get(b"host")
        part = ranges.part(host, name, span, self._parser.limits.files)
        return PartOfFile(part, whole, now.take_file) if part is not None else whole

    def on_headers(self, headers: Headers) -> None:
        now = self._now
        assert now is not None
        assert now.response is not None
        response = now.response
        response.headers = headers
        code = response.start.code
        judges = self._parser.asked.anomalies
        if judges and not anomalies.is_usual_response(response.start, headers):
            for name in anomalies.of_response(response.start, headers):
                self.on_event(name)
        framed = b"transfer-encoding" in headers.fields or b"content-length" in headers.fields
        connects = _connects(now)
        interim = code == b"100" or (connects and code != b"101" and _INTERIM.fullmatch(code))
        if interim and _goes_on(headers):
            if code == b"100":
                if self._continued is now:
                    self.on_event("100_continue_already_seen")
                self._continued = now
            now.response, self._now = None, None
            self.body_none()
            return
        self._parser.waiting.keep(now, headers.kept)
        self._parser.reached(now, CLIENT, _HEAD)
        coding = headers.fields.get(b"content-encoding")
        if judges and coding is not None:
            for name in anomalies.of_codings(coding[1], self._parser.limits.decompression_layers):
                self.on_event(name)
                self._parser.odd(now, SERVER, name)  # where Suricata's own rules look for it
        method = now.request.start.method if now.request is not None else b""
        if (code == b"101" and not framed) or (connects and code.startswith(b"2")):
            rest = self.ignore()  # none of it is a body
            response.body = self._no_body_of(now, response)
            self.body_none(response.body)
            self._parser.tunnel(now, rest)
            return
        if connects:
            self._parser.stays(now)
        if method == b"HEAD" or code in _BODILESS or (_INTERIM.fullmatch(code) and not framed):
            response.body = self._no_body_of(now, response)
            self.body_none(response.body)
        else:
            self._frame(headers, now, response)

    def _frame(self, headers: Headers, now: HttpTransaction, response: Response) -> None:
        response.body = body = self._body_of(now, response)
        length = headers.fields.get(b"content-length")
        size = content_length(length[1]) if length is not None else None
        if b"transfer-encoding" in headers.fields and is_chunked(headers):
            self.body_chunked(body)
        elif size is not None:
            self.body_length(size, body)
        else:
            self.body_close(body)

    def on_trailer(self, headers: Headers) -> None:
        if self._now is not None and self._now.response is not None:
            self._now.response.trailer = headers
            self._parser.waiting.keep(self._now, headers.kept)

    def on_done(self) -> None:
        if self._parser.frames.wanted:
            self._parser.emit(CLIENT, self.rest)
        now = self._now
        if now is None:
            return
        assert now.response is not None
        if now.response.body.failed:
            self.on_event("gzip_decompression_failed")
        if now.response.body.bomb:
            self.on_event("compression_bomb")
        self._now = None
        self._parser.reached(now, CLIENT, _DONE)
        if self._parser.waiting and self._parser.waiting[0] is now:
            self._parser.waiting.forget_first()

    def on_event(self, name: str) -> None:
        if self._now is None:  # of a line without an end, behind which nothing is read
            self.on_line(b"")
        assert self._now is not None
        self._parser.odd(self._now, CLIENT, anomalies.RESPONSE_NAMES.get(name, name))
