"""Bodies of HTTP/2 messages: content codings as in HTTP/1, and each body is a file."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.files import FILE, FILE_DATA, FILE_NAME, File, FileNeeds
from vpi_tui.detect.applayer.http import uri
from vpi_tui.detect.applayer.http.body import Body, Inspection, Sink
from vpi_tui.detect.applayer.http.coding import decoders
from vpi_tui.detect.applayer.http.files import PartOfFile, WholeBody, name_in
from vpi_tui.detect.applayer.http2.doh import MESSAGE_LIMIT
from vpi_tui.detect.applayer.http2.transaction import Http2Transaction
from vpi_tui.detect.applayer.ranges import Ranges, span_of
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
LIMIT: Final = 4 << 20
"""Bytes of a decoded body. Suricata has no limit here but the depth of streams, which is less."""
_RANGE: Final = re.compile(rb"bytes[ \t]+(?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)")
_LARGEST: Final = (1 << 63) - 1


def begin_body(found: Http2Transaction, direction: int, limits: Limits, ranges: Ranges | None) -> None:
    """A side begins to send its body. ranges: where files in pieces are put together."""
    side = found.side[direction]
    coding = decoders(side.joined(b"content-encoding"), limits.decompression_layers)
    span = side.first(b"content-range") if direction == CLIENT else None
    sink: Sink | None = (also := _file(found, direction, limits))
    if span is not None and not is_range(span):
        found.event(CLIENT, "http2.invalid_range")
    elif span is not None and ranges is not None and limits.wants(FILE, FILE_NAME, FILE_DATA):
        asked = found.side[SERVER]
        host = asked.first(b":authority") or asked.first(b"host")
        part = ranges.part(host, _name(found, direction), span, limits.files)
        sink = PartOfFile(part, also, found.take_file) if part is not None else also
    side.body = Body(coding, _inspection(found, direction, limits), sink)
    side.has_body = True


def _inspection(found: Http2Transaction, direction: int, limits: Limits) -> Inspection:
    if found.is_doh2:  # a DNS message is read as a whole
        return Inspection(LIMIT, MESSAGE_LIMIT + 1, MESSAGE_LIMIT, True)
    if direction == SERVER:
        wanted = limits.wants("http.request_body")
        return Inspection(LIMIT, limits.request_minimum, limits.request_overlap, wanted)
    wanted = limits.wants("http.response_body", FILE_DATA)
    return Inspection(LIMIT, limits.response_minimum, limits.response_overlap, wanted)


def _name(found: Http2Transaction, direction: int) -> bytes:
    named = name_in(found.side[direction].first(b"content-disposition"))
    return named or uri.path_of(found.side[SERVER].first(b":path") or b"")


def _file(found: Http2Transaction, direction: int, limits: Limits) -> WholeBody | None:
    """The body as a file, None = nobody asks. Of a response rules see its bytes as those of the body."""
    asked = (FILE, FILE_NAME, FILE_DATA) if direction == SERVER else (FILE, FILE_NAME)
    if not limits.wants(*asked):
        return None
    needs = limits.files if direction == SERVER else FileNeeds(limits.files.digests, data=False)

    def opened(name: bytes) -> File:
        return found.open_file(direction, name, needs)

    place = found.side[CLIENT].first(b"content-range") if direction == CLIENT else None
    return WholeBody(_name(found, direction), opened, span_of(place) if place is not None else None)


def is_range(value: bytes) -> bool:
    """Is it a Content-Range that can be (RFC 9110, 14.4)?"""
    span = _RANGE.fullmatch(value.strip())
    if span is None:
        return False
    size = _LARGEST if span[3] == b"*" else int(span[3])
    return span[1] is None or int(span[1]) <= int(span[2]) < size
