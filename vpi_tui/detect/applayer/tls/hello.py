"""ClientHello and ServerHello (RFC 8446, 5246; SSLv2 in RFC 6101, appendix E), read as far as they go."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from vpi_tui.detect.applayer.cursor import Cursor, TooShortError

SNI: Final = 0
GROUPS: Final = 10
POINT_FORMATS: Final = 11
SIGNATURE_ALGORITHMS: Final = 13
ALPN: Final = 16
SESSION_TICKET: Final = 35
SUPPORTED_VERSIONS: Final = 43
_MOST_EXTENSIONS: Final = 256
LONGEST_NAME: Final = 255
"""Bytes of a host name (RFC 1035, 2.3.4)."""
_EXTENSION: Final = struct.Struct(">HH")
"""Kind and size."""
_A_NUMBER, _AN_EXTENSION = 36, 120
"""Bytes that one costs here, those of the extension itself left out."""


@dataclass(slots=True)
class Hello:
    """One hello. Numbers are as sent, GREASE included; ciphers of a ServerHello: the one chosen."""

    version: int = 0
    """What the field of the hello says: 771 for TLS 1.2 and later, 2 for SSLv2."""
    random: bytes = b""
    session: bytes = b""
    """The session that the client goes on with, or wants to; b"" = none."""
    ciphers: list[int] = field(default_factory=list)
    extensions: list[tuple[int, bytes]] = field(default_factory=list)
    cut: bool = False
    """A field of it is longer than what is there."""
    ja3: bytes = field(default=b"", compare=False)
    """What fingerprints have made of it, once one was asked for."""

    def weight(self) -> int:
        """Bytes that it keeps, roughly: a cipher is two on the wire."""
        extensions = sum(_AN_EXTENSION + len(data) for _, data in self.extensions)
        return _A_NUMBER * len(self.ciphers) + len(self.session) + extensions

    def extension(self, kind: int) -> bytes:
        """The first extension of a kind; b"" when there is none."""
        for found, data in self.extensions:
            if found == kind:
                return data
        return b""

    def has(self, kind: int) -> bool:
        return any(found == kind for found, _ in self.extensions)


GREASE: Final = frozenset(range(0x0A0A, 0x10000, 0x1010))
"""Numbers that only keep others honest (RFC 8701)."""


def numbers(data: bytes, size: int) -> list[int]:
    """All numbers of `size` bytes; what is left over is dropped."""
    if size == 2:
        count = len(data) // 2
        return list(struct.unpack_from(f">{count}H", data))
    return [int.from_bytes(data[at : at + size]) for at in range(0, len(data) - size + 1, size)]


def client_hello(body: bytes) -> Hello:
    made, cursor = Hello(), Cursor(body)
    try:
        made.version = cursor.number(2)
        made.random = cursor.take(32)
        made.session = cursor.field(1)
        ciphers = cursor.field(2)
        made.ciphers, made.cut = numbers(ciphers, 2), len(ciphers) % 2 != 0
        cursor.field(1)  # compression methods
        _extensions(made, cursor)
    except TooShortError:
        made.cut = True
    return made


def server_hello(body: bytes) -> Hello:
    made, cursor = Hello(), Cursor(body)
    try:
        made.version = cursor.number(2)
        made.random = cursor.take(32)
        if not 0x7F00 <= made.version <= 0x7F15:  # drafts of TLS 1.3 left the session out
            made.session = cursor.field(1)
        made.ciphers = [cursor.number(2)]
        if not 0x7F00 <= made.version <= 0x7F15:
            cursor.take(1)
        _extensions(made, cursor)
    except TooShortError:
        made.cut = True
    return made


def _extensions(made: Hello, cursor: Cursor) -> None:
    if cursor.left < 2:
        return
    made.cut |= cursor.number(2) > cursor.left
    data, at = cursor.rest(), 0
    while at < len(data) and len(made.extensions) < _MOST_EXTENSIONS:
        if at + _EXTENSION.size > len(data):
            raise TooShortError
        kind, size = _EXTENSION.unpack_from(data, at)
        at += _EXTENSION.size + size
        if at > len(data):
            raise TooShortError
        made.extensions.append((kind, data[at - size : at]))


def sslv2_client_hello(body: bytes) -> Hello:
    """body: from the message's type on."""
    made, cursor = Hello(), Cursor(body)
    try:
        cursor.take(1)
        made.version = cursor.number(2)
        ciphers, session, challenge = cursor.number(2), cursor.number(2), cursor.number(2)
        made.ciphers = numbers(cursor.take(ciphers), 3)
        cursor.take(session)
        made.random = cursor.take(challenge)
    except TooShortError:
        pass
    return made


def sslv2_server_hello(body: bytes) -> tuple[Hello, bytes]:
    """(hello, certificate). body: from the message's type on."""
    made, cursor = Hello(), Cursor(body)
    certificate = b""
    try:
        cursor.take(3)
        made.version = cursor.number(2)
        length = cursor.number(2)
        ciphers, connection = cursor.number(2), cursor.number(2)
        certificate = cursor.take(length)
        made.ciphers = numbers(cursor.take(ciphers), 3)
        made.random = cursor.take(connection)
    except TooShortError:
        pass
    return made, certificate


def server_name(hello: Hello) -> bytes:
    """The first host name of the SNI extension (RFC 6066); b"" = there is none that can be."""
    cursor = Cursor(hello.extension(SNI))
    try:
        cursor.number(2)
        kind, name = cursor.number(1), cursor.field(2)
    except TooShortError:
        return b""
    return name if kind == 0 and len(name) <= LONGEST_NAME else b""


def server_names(hello: Hello) -> list[bytes]:
    """All host names that it lists, whatever else it does."""
    cursor = Cursor(hello.extension(SNI))
    found: list[bytes] = []
    try:
        cursor.number(2)
        while cursor:
            kind = cursor.number(1)
            name = cursor.field(2)
            if kind == 0:
                found.append(name)
    except TooShortError:
        pass
    return found


def protocols(hello: Hello) -> list[bytes]:
    """The names of the ALPN extension (RFC 7301)."""
    cursor = Cursor(hello.extension(ALPN))
    found: list[bytes] = []
    try:
        cursor.number(2)
        while cursor:
            found.append(cursor.field(1))
    except TooShortError:
        pass
    return found


_SSL_3, _TLS_1_3, _DRAFTS = 0x0300, 0x0304, 0x7F
_DRAFTS_OF_FIZZ: Final = frozenset((0xFB14, 0xFB15, 0xFB16, 0xFB17, 0xFB1A))


def listed_versions(hello: Hello) -> list[int]:
    """The versions of supported_versions: those of a client have their size before them."""
    data = hello.extension(SUPPORTED_VERSIONS)
    return numbers(data if len(data) == 2 else data[1 : 1 + data[0]], 2) if data else []


def offered_versions(hello: Hello) -> list[int]:
    """The same without GREASE."""
    return [version for version in listed_versions(hello) if version not in GREASE]


def preferred_version(hello: Hello) -> int:
    """The version that a ClientHello names first: of those that it offers, or else its own."""
    return next(filter(is_version, offered_versions(hello)), hello.version)


def is_version(number: int) -> bool:
    """Is it SSL 3, one of TLS, or a draft of TLS 1.3? Clients also offer what is none (RFC 8701)."""
    return _SSL_3 <= number <= _TLS_1_3 or number >> 8 == _DRAFTS or number in _DRAFTS_OF_FIZZ


def chosen_version(hello: Hello) -> int:
    """The version that a ServerHello settles on."""
    data = hello.extension(SUPPORTED_VERSIONS)
    return int.from_bytes(data[:2]) if len(data) >= 2 else hello.version
