"""What a reader of a protocol gets and gives, and how a name from the wire becomes one that can be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

MAX_NAME = 63
"""Characters of a name; the longest label of the DNS (RFC 1035)."""


class Sender(NamedTuple):
    """Who sent a message: 48 bits, and 4 or 16 bytes."""

    mac: int
    ip: bytes


class MalformedError(ValueError):
    """The bytes are no such message, or end before it does."""


Reader = Callable[[bytes, Sender], str]
"""The name that the sender gives itself; "" for none. Raises MalformedError."""


def name_of(raw: bytes) -> str:
    """Printable text of at most MAX_NAME characters, without dots and blanks around it."""
    text = raw[: 4 * MAX_NAME].decode(errors="replace").strip(" .\0")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)[:MAX_NAME]
