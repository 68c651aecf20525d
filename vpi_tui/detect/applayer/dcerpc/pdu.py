"""PDUs of connection-oriented DCE/RPC, version 5, as bytes. Source: C706, chapter 12; MS-RPCE 2.2.2."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

HEADER: Final = 16
"""Bytes of the header that all PDUs have."""
FIRST_FRAGMENT: Final = 0x01
LAST_FRAGMENT: Final = 0x02
"""Flags of the header."""
MOST_CONTEXTS: Final = 128
"""Presentation contexts that are read of one bind."""
_CALL: Final = 8
"""Bytes in front of the stub data of a call. As in Suricata what follows is all stub data: an object's
UUID in front of the arguments too, and the credentials behind them."""


class Kind(IntEnum):
    """Types of PDU."""

    REQUEST = 0
    RESPONSE = 2
    FAULT = 3
    BIND = 11
    BIND_ACK = 12
    BIND_NAK = 13
    ALTER_CONTEXT = 14
    ALTER_CONTEXT_RESP = 15
    AUTH3 = 16
    SHUTDOWN = 17
    CO_CANCEL = 18
    ORPHANED = 19
    RTS = 20


_KINDS: Final = frozenset(map(int, Kind))
_LITTLE: Final = struct.Struct("<H2xI")
_BIG: Final = struct.Struct(">H2xI")
"""Length, number of the call; between them stands the length of the credentials."""


class Header(NamedTuple):
    """little: byte order of all numbers of the PDU. length: of the whole PDU."""

    kind: int
    flags: int
    little: bool
    length: int
    call_id: int


class Interface(NamedTuple):
    """What a client asks for in a presentation context. first: in the first fragment of the bind."""

    context: int
    uuid: bytes
    """16 bytes in the order in which UUIDs are written."""
    version: int
    minor: int
    first: bool


class Request(NamedTuple):
    context: int
    opnum: int
    stub: bytes


def number(data: bytes, at: int, size: int, little: bool) -> int:
    """The number at a place; 0 beyond the end."""
    return int.from_bytes(data[at : at + size], "little" if little else "big")


def parse_header(data: bytes | bytearray) -> Header | None:
    """The header at the start of at least HEADER bytes; None when they are none."""
    version, minor, kind, flags, order, more = data[:6]
    if version != 5 or minor > 1 or kind not in _KINDS or order & 0xEE or more > 3:
        return None
    little = bool(order & 0x10)
    length, call_id = (_LITTLE if little else _BIG).unpack_from(data, 8)
    if length < HEADER:
        return None
    return Header(kind, flags, little, length, call_id)


def parse_uuid(data: bytes, little: bool) -> bytes:
    """The UUID in 16 bytes, in the order in which it is written."""
    return data[3::-1] + data[5:3:-1] + data[7:5:-1] + data[8:16] if little else data[:16]


def parse_bind(header: Header, body: bytes) -> list[Interface]:
    """The contexts that a bind or alter_context asks for. body: what follows the header."""
    found: list[Interface] = []
    count, at = number(body, 8, 1, False), 12
    first = bool(header.flags & FIRST_FRAGMENT)
    while len(found) < min(count, MOST_CONTEXTS) and at + 24 <= len(body):
        little = header.little
        uuid = parse_uuid(body[at + 4 : at + 20], little)
        version, minor = (number(body, at + place, 2, little) for place in (20, 22))
        found.append(Interface(number(body, at, 2, little), uuid, version, minor, first))
        at += 24 + 20 * body[at + 2]
    return found


def parse_results(header: Header, body: bytes) -> list[int]:
    """For each context that was asked for: 0 = accepted. Of a bind_ack or alter_context_resp."""
    at = 10 + number(body, 8, 2, header.little)
    at += -at % 4
    count, at = number(body, at, 1, False), at + 4
    places = range(at, min(len(body), at + 24 * min(count, MOST_CONTEXTS)), 24)
    return [number(body, place, 2, header.little) for place in places]


def parse_request(header: Header, body: bytes) -> Request | None:
    """None when it is cut short."""
    if len(body) < _CALL:
        return None
    context, opnum = (number(body, place, 2, header.little) for place in (4, 6))
    return Request(context, opnum, body[_CALL:])


def parse_response(body: bytes) -> bytes:
    """The stub data."""
    return body[_CALL:]
