"""Headers of QUIC packets (RFC 9000, 17; RFC 9369; Google's QUIC wire layout specification)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from vpi_tui.detect.applayer.cursor import Cursor

VERSION_2: Final = 0x6B3343CF
GOOGLE_OLD: Final = frozenset((0x51303433, 0x51303434, 0x51303435))
"""Q043 to Q045: frames in the clear behind a header of their own."""
GOOGLE_CLEAR: Final = GOOGLE_OLD | {0x51303436}
"""Q046 as well: the IETF's first byte, and still no encryption of the hellos."""
LONGEST_ID: Final = 20
"""Bytes of a connection id (RFC 9000, 17.2)."""
_LONG, _FIXED = 0x80, 0x40
_HAS_VERSION, _HAS_NONCE, _HAS_ID = 0x01, 0x04, 0x08
_NONCE: Final = 32
_HASH: Final = 12
"""Bytes of the checksum in front of the frames of a packet that is not encrypted."""


class Kind(Enum):
    INITIAL = auto()
    ZERO_RTT = auto()
    HANDSHAKE = auto()
    RETRY = auto()
    NEGOTIATION = auto()


_KINDS: Final = (Kind.INITIAL, Kind.ZERO_RTT, Kind.HANDSHAKE, Kind.RETRY)
_OLD_KINDS: Final = {0x7F: Kind.INITIAL, 0x7E: Kind.RETRY, 0x7D: Kind.HANDSHAKE, 0x7C: Kind.ZERO_RTT}


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet with its version. whole: header and payload; at: where the payload begins.

    The payload of an encrypted packet begins with its packet number.
    """

    kind: Kind
    version: int
    destination: bytes
    source: bytes
    whole: bytes
    at: int
    clear: bool
    """Its frames are not encrypted."""


def variable(cursor: Cursor) -> int:
    """A variable-length integer (RFC 9000, 16). Raises TooShortError."""
    first = cursor.number(1)
    value = first & 0x3F
    for byte in cursor.take((1 << (first >> 6)) - 1):
        value = value << 8 | byte
    return value


def read_packet(data: bytes) -> tuple[Packet | None, bytes]:
    """(the first packet of a datagram, what is behind it); None = it says nothing, or is none.

    A packet other than an Initial reaches to the end of the datagram. Raises TooShortError.
    """
    cursor = Cursor(data)
    first = cursor.number(1)
    if first & _LONG:
        return _long(first, cursor, data)
    if not first & _FIXED and first & _HAS_VERSION:
        return _public(first, cursor, data), b""
    return None, b""


def _public(first: int, cursor: Cursor, data: bytes) -> Packet:
    """The header of Google's first versions."""
    destination = cursor.take(8) if first & _HAS_ID else b""
    if first & _HAS_NONCE and not first & _HAS_ID:
        cursor.take(_NONCE)
    version = cursor.number(4)
    cursor.take(1 + (first >> 4 & 3))
    if first & _HAS_ID:
        cursor.take(_HASH)
    at = len(data) - cursor.left
    return Packet(Kind.INITIAL, version, destination, b"", data, at, True)


def _long(first: int, cursor: Cursor, data: bytes) -> tuple[Packet | None, bytes]:
    version = cursor.number(4)
    kind = _kind(first, version)
    if kind is None:
        return None, b""
    if version in GOOGLE_CLEAR:
        lengths = cursor.number(1)
        destination, source = (cursor.take(size + 3 if size else 0) for size in (lengths >> 4, lengths & 15))
        if kind is Kind.INITIAL:
            cursor.take(4 + _HASH)
    else:
        destination, source = cursor.field(1), cursor.field(1)
        if kind is Kind.INITIAL:
            if max(len(destination), len(source)) > LONGEST_ID:
                return None, b""
            cursor.take(variable(cursor))  # the token
            size = variable(cursor)
            at = len(data) - cursor.left
            cursor.take(size)
            end = at + size
            return Packet(kind, version, destination, source, data[:end], at, False), data[end:]
    at = len(data) - cursor.left
    return Packet(kind, version, destination, source, data, at, version in GOOGLE_CLEAR), b""


def _kind(first: int, version: int) -> Kind | None:
    if not version:
        return Kind.NEGOTIATION
    if version in GOOGLE_OLD:
        return _OLD_KINDS.get(first & 0x7F)
    number = first >> 4 & 3
    return _KINDS[(number - 1) % 4 if version == VERSION_2 else number]
