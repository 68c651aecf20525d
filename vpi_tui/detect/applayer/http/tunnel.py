"""What goes on in a connection that a proxy opened for CONNECT (RFC 9110, 9.3.6), by its first bytes."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.model.batch import Direction

HEAD: Final = 16
"""Bytes of either side that are waited for, empty lines in front of the client's left out."""
_FIRST: Final = {
    Direction.TO_SERVER: (
        (re.compile(rb"\x16\x03[\x00-\x04]"), "tls"),
        (re.compile(rb"PRI \* HTTP/2"), "http2"),
        (re.compile(rb"(?i)(?:EHLO|HELO) "), "smtp"),
        (re.compile(rb"[A-Z]{3,12} [/a-z*]|(?:GET|HEAD|POST|PUT|OPTIONS|CONNECT)[ \t]"), "http1"),
        (re.compile(rb"SSH-"), "ssh"),
    ),
    Direction.TO_CLIENT: ((re.compile(rb"SSH-"), "ssh"),),
}
_NO_REQUEST: Final = re.compile(rb"\x16\x03[\x00-\x04]|PRI \* HTTP/2|SSH-")


def is_no_request(first: bytes | bytearray) -> bool:
    """Do these bytes begin what no server of HTTP/1 takes for a request?"""
    return _NO_REQUEST.match(first) is not None


class Tunnel:
    """Takes the first bytes of both sides. application: what they are of; "" = not known yet, or never."""

    __slots__ = ("application", "given_up", "rest")

    def __init__(self) -> None:
        self.rest = [b"", b"", b""]
        """By Direction: all bytes so far."""
        self.application = ""
        self.given_up = False

    def feed(self, direction: int, data: bytes) -> None:
        if self.given_up or not data:
            return
        self.rest[direction] += data
        if self.application:
            return
        if direction == Direction.TO_SERVER:  # servers pass over empty lines in front of a request
            self.rest[direction] = self.rest[direction].lstrip(b"\r\n")
        for expression, application in _FIRST[Direction(direction)]:
            if expression.match(self.rest[direction]):
                self.application = application
                return
        if len(self.rest[direction]) >= HEAD and direction == Direction.TO_SERVER:
            self.given_up = True
            self.rest = [b"", b"", b""]
        else:
            self.rest[direction] = self.rest[direction][: 16 * HEAD]

    def held(self) -> int:
        return sum(map(len, self.rest))
