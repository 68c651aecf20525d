"""Bytes from the wire as text of the log."""

from __future__ import annotations

from typing import Any, Final

TEXT_LIMIT: Final = 8_192
"""Bytes of one value that are written."""
MOST_LISTED: Final = 64
"""Entries of one list that are written."""


def text(data: bytes | bytearray) -> str:
    """As UTF-8 where it is that; otherwise all but ASCII is written as \\xNN."""
    kept = bytes(data[: _end(data)])
    try:
        return kept.decode()
    except UnicodeDecodeError:
        return kept.decode("ascii", "backslashreplace")


def _end(data: bytes | bytearray) -> int:
    """Where to cut: not within a character of UTF-8, which has three bytes at most behind its first."""
    end = TEXT_LIMIT
    while len(data) > end > TEXT_LIMIT - 3 and data[end] & 0xC0 == 0x80:
        end -= 1
    return end


def filled(**fields: Any) -> dict[str, Any]:
    """The fields that say something: neither None nor empty; bytes become text, numbers stay."""
    found = {name: text(value) if isinstance(value, bytes) else value for name, value in fields.items()}
    return {name: value for name, value in found.items() if value is not None and value not in ("", [], {})}
