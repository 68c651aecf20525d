"""What a server of HTTP/1 sends: responses, each to the oldest request without one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vpi_tui.detect.applayer.files import FileNeeds
from vpi_tui.detect.applayer.http import anomalies, uri
from vpi_tui.detect.applayer.http.body import NO_BODY, Body, Sink
from vpi_tui.detect.applayer.http.coding import decoders
from vpi_tui.detect.applayer.http.files import PartOfFile, WholeBody, name_in
from vpi_tui.detect.applayer.http.headers import NO_HEADERS, Headers, content_length, is_chunked
from vpi_tui.detect.applayer.http.lines import (
    StatusLine,
    is_status_line,
    may_be_status_line,
    status_line,
)
from vpi_tui.detect.applayer.http.reader import LINE_LIMIT, Reader
from vpi_tui.detect.applayer.http.transaction import HttpTransaction, Response, asks_for_tunnel
from vpi_tui.detect.applayer.ranges import span_of
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.model.batch import Direction

if TYPE_CHECKING:
    from vpi_tui.detect.applayer.http.parser import HttpParser

# Bound once: until Python 3.12 a member is looked up in its enum by a call.
SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
_HEAD, _DONE = Stage.HEAD, Stage.DONE
_NOT_SEEN: Final = b"/libhtp::request_uri_not_seen"
"""What Suricata calls the file that answers no request: logs and rules of its users say so."""
_NO_STATUS: Final = StatusLine(b"", b"", b"", None)
_JUNK: Final = 2
"""Characters of a line in front of a response that is not yet its body."""
_BODILESS: Final = frozenset({b"204", b"304"})
"""Codes of responses without a body (RFC 9112, 6.3)."""
_INTERIM: Final = re.compile(rb"1\d\d")
"""Those that have one only where they say how long it is, as browsers take it."""


def _goes_on(headers: Headers) -> bool:
    """Has an interim answer nothing with it, so that it is none?"""
    length = headers.get(b"content-length")
    return b"transfer-encoding" not in headers.fields and not (length and content_length(length))


class Responses(Reader):
    """The server's direction of one connection."""

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
        if asks_for_tunnel(self._now):
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
        connects = asks_for_tunnel(now)
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
