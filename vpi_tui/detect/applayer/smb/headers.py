"""Headers and fields of SMB messages. Sources: MS-CIFS 2.2.3, MS-SMB 2.2.3, MS-SMB2 2.2.1."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

SMB1_HEADER: Final = 32
SMB2_HEADER: Final = 64
TRANSFORM_HEADER: Final = 52
_SMB1: Final = struct.Struct("<4xBIBHH10xHHHH")
_SMB2: Final = struct.Struct("<8xIH2xI4xQ4xIQ")
MOST_CHAINED: Final = 64
"""Messages of one record that are read."""
_UNICODE: Final = 0x8000
_REPLY: Final = 0x80
_TO_CLIENT: Final = 0x01
_ASYNC: Final = 0x02
_RELATED: Final = 0x04
SUCCESS: Final = 0
BUFFER_OVERFLOW: Final = 0x8000_0005
"""Status: there is more to read."""


class MalformedError(ValueError):
    """A message lacks fields that it must have."""


class Fields:
    """Little-endian numbers and stretches of a message, by place; MalformedError beyond its end."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def number(self, at: int, size: int) -> int:
        end = at + size
        if at < 0 or end > len(self.data):
            raise MalformedError
        return int.from_bytes(self.data[at:end], "little")

    def unpack(self, layout: struct.Struct, at: int) -> tuple[Any, ...]:
        """Several numbers and stretches that stand at a place."""
        if at + layout.size > len(self.data):
            raise MalformedError
        return layout.unpack_from(self.data, at)

    def bytes(self, at: int, size: int) -> bytes:
        if at < 0 or at + size > len(self.data):
            raise MalformedError
        return self.data[at : at + size]


class Message(NamedTuple):
    """One message, SMB1 (of an AndX chain: one command of it) or SMB2."""

    version: int
    command: int
    status: int
    is_response: bool
    session: int
    tree: int
    identifier: int
    """Of SMB2: message_id, of SMB1: mid and process."""
    fields: Fields
    """The whole message from its header on."""
    unicode: bool = True
    at: int = SMB2_HEADER
    """Where the command's own fields begin."""
    related: bool = False
    """SMB2: it goes on with the session, tree and file of the message before it."""


class Block(NamedTuple):
    """What an SMB1 command has: parameter words and bytes."""

    words: Fields
    data: bytes
    at: int
    """Where `data` begins, from the start of the message."""


def parse_smb1(data: bytes) -> Message:
    """data: at least SMB1_HEADER bytes."""
    command, status, flags, flags2, process_high, tree, process, session, mid = _SMB1.unpack_from(data)
    return Message(
        1, command, status, bool(flags & _REPLY), session, tree, process_high << 32 | process << 16 | mid,
        Fields(data), bool(flags2 & _UNICODE), SMB1_HEADER,
    )  # fmt: skip


_ANDX: Final = frozenset({0x24, 0x2D, 0x2E, 0x2F, 0x73, 0x74, 0x75, 0xA2})
_NO_MORE: Final = 0xFF


def smb1_chain(first: Message) -> Iterator[Message]:
    """The commands of an AndX chain, each later in the message than the one before."""
    now = first
    for _ in range(MOST_CHAINED):
        yield now
        if now.command not in _ANDX:
            return
        try:
            words = block_of(now).words
            command, at = words.number(0, 1), words.number(2, 2)
        except MalformedError:
            return
        if command == _NO_MORE or not now.at < at < len(now.fields.data):
            return
        now = now._replace(command=command, at=at)


def block_of(message: Message) -> Block:
    """Raises MalformedError when the words are not all there; the bytes may be cut."""
    fields, at = message.fields, message.at
    count = 2 * fields.number(at, 1)
    words = Fields(fields.bytes(at + 1, count))
    start = at + 1 + count + 2
    size = fields.number(start - 2, 2) if start <= len(fields.data) else 0
    return Block(words, fields.data[start : start + size], start)


def parse_smb2(data: bytes) -> Message:
    """data: at least SMB2_HEADER bytes."""
    status, command, flags, identifier, tree, session = _SMB2.unpack_from(data)
    return Message(
        2, command, status, bool(flags & _TO_CLIENT), session, 0 if flags & _ASYNC else tree, identifier,
        Fields(data), True, SMB2_HEADER, bool(flags & _RELATED),
    )  # fmt: skip


def smb2_parts(data: bytes) -> Iterator[bytes]:
    """The messages of a compound. Raises MalformedError when one has no header."""
    for _ in range(MOST_CHAINED):
        if len(data) < SMB2_HEADER or not data.startswith(b"\xfeSMB"):
            raise MalformedError
        following = int.from_bytes(data[20:24], "little")
        if not SMB2_HEADER <= following < len(data):
            yield data
            return
        yield data[:following]
        data = data[following:]


def text(raw: bytes) -> bytes:
    """A name without the zeros of its encoding, as Suricata compares names."""
    return raw.replace(b"\0", b"")


def string_at(data: bytes, at: int, origin: int, *, unicode: bool) -> tuple[bytes, int]:
    """(a terminated string as text, where the next begins). UTF-16 is aligned, counted from `origin`."""
    if not unicode:
        end = data.find(b"\0", at)
        end = len(data) if end < 0 else end
        return data[at:end], end + 1
    at += (origin + at) % 2
    end = at
    while end + 1 < len(data) and data[end : end + 2] != b"\0\0":
        end += 2
    return text(data[at:end]), end + 2
