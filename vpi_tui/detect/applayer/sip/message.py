"""One SIP message: its first line, its header fields and its body."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from vpi_tui.detect.applayer.sip.session import Session, parse

MOST_FIELDS: Final = 512
"""Header fields of one message; more are not looked at."""
_REQUEST: Final = re.compile(rb"([A-Za-z0-9.!%*_+`'~-]{1,64}) +([^ \r\n]+) +(SIP/[0-9.]{1,16})[ \t]*")
_RESPONSE: Final = re.compile(rb"(SIP/[0-9.]{1,16}) +([0-9]{1,6})(?: +(.*))?", re.DOTALL)
HEAD_END: Final = re.compile(rb"\r\n\r\n|\n\n|\n\r\n")
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_LONG_NAMES: Final = {
    b"a": b"accept-contact", b"b": b"referred-by", b"c": b"content-type", b"e": b"content-encoding",
    b"f": b"from", b"i": b"call-id", b"k": b"supported", b"l": b"content-length", b"m": b"contact",
    b"o": b"event", b"r": b"refer-to", b"s": b"subject", b"t": b"to", b"u": b"allow-events", b"v": b"via",
}  # fmt: skip
"""Compact forms (RFC 3261, 7.3.3, and the registry of IANA)."""


@dataclass
class Message:
    """What stands in it as sent; code and reason are a response's, method and uri a request's."""

    line: bytes
    protocol: bytes
    method: bytes = b""
    uri: bytes = b""
    code: bytes = b""
    reason: bytes = b""
    fields: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Long name in lower case -> values in order."""
    body: bytes = b""

    @cached_property
    def session(self) -> Session:
        """What its body describes; empty = nothing that rules see."""
        return parse(self.body) or {}

    @property
    def body_length(self) -> int | None:
        """What Content-Length says; None = it says nothing that is a number."""
        stated = self.fields.get(b"content-length", [b""])[0]
        return int(stated) if stated.isdigit() and len(stated) < 10 else None


def parse_message(head: bytes, *, of_request: bool) -> Message | None:
    """head: first line and header fields. None = it is no such message."""
    first, _, rest = head.partition(b"\n")
    line = first.rstrip(b"\r")
    made = _request(line) if of_request else _response(line)
    if made is not None:
        _fields(made, rest)
    return made


def _request(line: bytes) -> Message | None:
    found = _REQUEST.fullmatch(line)
    return Message(line, found[3], method=found[1], uri=found[2]) if found else None


def _response(line: bytes) -> Message | None:
    found = _RESPONSE.fullmatch(line)
    return Message(line, found[1], code=found[2], reason=found[3] or b"") if found else None


def _fields(message: Message, block: bytes) -> None:
    for line in _FOLD.sub(b" ", block).split(b"\n")[:MOST_FIELDS]:
        name, colon, value = line.partition(b":")
        if colon:
            lower = name.strip(b" \t").lower()
            message.fields.setdefault(_LONG_NAMES.get(lower, lower), []).append(value.strip(b" \t\r"))
