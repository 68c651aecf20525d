"""Chunks of a body (RFC 9112, 7.1): their sizes, and those that can be taken many at a time."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(rb"[\s\0]*([0-9a-fA-F]{1,16})")
_PLAIN: Final = re.compile(rb"([1-9a-fA-F][0-9a-fA-F]{0,7})\r\n")
_NONE: Final = re.compile(rb"[ \t\r\x0b\x0c\0]*+[^\s\0;0-9a-fA-F]")


def size_of(line: bytes) -> int | None:
    """The size in the line before a chunk; None = there is none."""
    found = _SIZE.match(line)
    return int(found[1], 16) if found is not None else None


def is_none(data: bytearray) -> bool:
    """Does the line begin with what none before a chunk begins with? One that is empty says nothing."""
    return _NONE.match(data) is not None


def cut_plain(data: bytearray) -> list[bytes]:
    """Take the chunks off the front that are all here, and of which nothing is odd; not the last one."""
    pieces, at = [], 0
    while (found := _PLAIN.match(data, at)) is not None:
        begin = found.end()
        end = begin + int(found[1], 16)
        if data[end : end + 2] != b"\r\n":
            break
        pieces.append(bytes(data[begin:end]))
        at = end + 2
    del data[:at]
    return pieces
