"""First lines of requests and responses."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_BLANKS: Final = b" \t\x0b\x0c\r\0"
_REQUEST: Final = re.compile(rb"[ \t\x0b\x0c\0]*([^ \t\x0b\x0c]*)[ \t\x0b\x0c]*(.*)", re.DOTALL)
_OTHER_BLANK: Final = re.compile(rb"(.*)[\t\x0b\x0c\r](.*)", re.DOTALL)
"""What parts URI and protocol where no space does."""
_RESPONSE: Final = re.compile(rb"[\s\0]*(\S*)[ \t\x0b\x0c]*(\S*)(?:[ \t\x0b\x0c]+(.*))?", re.DOTALL)
_USUAL_REQUEST: Final = re.compile(rb"([A-Z]{3,12}) (/[!-~]*) (HTTP/1\.[01])")
_PROTOCOL_START: Final = re.compile(rb"[\s\0]*HTTP", re.IGNORECASE)


class RequestLine(NamedTuple):
    line: bytes
    method: bytes
    uri: bytes
    protocol: bytes
    """Empty for HTTP/0.9."""


class StatusLine(NamedTuple):
    line: bytes
    protocol: bytes
    code: bytes
    message: bytes | None
    """As sent, with blanks at its end; None = nothing stands behind the code, not even a blank."""


def usual_request_line(line: bytes) -> RequestLine | None:
    """What `request_line` gives of a line as almost all clients write it, nothing about it odd; else None."""
    found = _USUAL_REQUEST.fullmatch(line)
    return None if found is None else RequestLine(line, *found.groups())


def request_line(line: bytes) -> RequestLine:
    """METHOD URI PROTOCOL. The protocol is what follows the last blank, so a URI may hold some."""
    found = _REQUEST.match(line)
    assert found is not None  # every part may be empty
    method, rest = found[1], found[2].rstrip(_BLANKS)
    uri, space, protocol = rest.rpartition(b" ")
    if not space:
        others = _OTHER_BLANK.fullmatch(rest)
        if others is None:
            return RequestLine(line, method, rest, b"")
        uri, protocol = others.groups()
    return RequestLine(line, method, uri.rstrip(_BLANKS), protocol)


def status_line(line: bytes) -> StatusLine:
    """PROTOCOL CODE MESSAGE."""
    found = _RESPONSE.match(line)
    assert found is not None  # every part may be empty
    protocol, code, message = found.groups()
    return StatusLine(line, protocol, code, message if code else None)


def is_status_line(line: bytes) -> bool:
    """Does a server's line begin a response? Otherwise it is body without a head (HTTP/0.9)."""
    return line.startswith(b"HTTP") or _PROTOCOL_START.match(line) is not None


def may_be_status_line(data: bytes) -> bool:
    """The same of a line that may not be all here."""
    begun = data.lstrip(_BLANKS + b"\n")[:4].upper()
    return b"HTTP".startswith(begun)
