"""DNS over HTTP/2 (RFC 8484): DNS messages in bodies, and in the query of a GET's URI."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from vpi_tui.detect.applayer.dns import DnsTransaction, parse_message
from vpi_tui.detect.applayer.http2.transaction import DNS_MESSAGE, Http2Transaction, Side
from vpi_tui.model.batch import Direction

MESSAGE_LIMIT: Final = 65_535
"""Bytes of a DNS message (RFC 8484, 6)."""
_QUERY: Final = b"dns="
_HEADER: Final = 12


def recognise(found: Http2Transaction, direction: int) -> None:
    """Mark a stream as DNS by the media type of a body, or the one that a request accepts."""
    side = found.side[direction]
    if side.first(b"content-type") == DNS_MESSAGE or side.first(b"accept") == DNS_MESSAGE:
        found.application = "doh2"


def is_too_long(side: Side) -> bool:
    return side.first(b"content-type") == DNS_MESSAGE and side.body.size > MESSAGE_LIMIT


def complete(found: Http2Transaction, direction: int) -> None:
    """Read the DNS message of a direction that has come to its end."""
    side = found.side[direction]
    if not found.is_doh2 or side.dns is not None:
        return
    data = b""
    if side.first(b"content-type") == DNS_MESSAGE:
        data = side.body.data()
    elif direction == Direction.TO_SERVER and side.first(b":method") == b"GET":
        data = _of_path(side.first(b":path") or b"")
    if len(data) >= _HEADER and not is_too_long(side):
        side.dns = DnsTransaction(parse_message(data), direction)
        for name in side.dns.events[direction]:
            found.event(direction, name)


def _of_path(path: bytes) -> bytes:
    """The message in `?dns=`: base64url without padding; b"" = there is none that can be read."""
    for pair in path.partition(b"?")[2].split(b"&")[:64]:
        if pair.startswith(_QUERY):
            text = pair.removeprefix(_QUERY).rstrip(b"=")
            try:
                return base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", True)
            except (binascii.Error, ValueError):
                return b""
    return b""
