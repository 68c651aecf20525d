"""Bytes from the wire as text of the log."""

from __future__ import annotations

from typing import Any, Final

TEXT_LIMIT: Final = 8_192
"""Bytes of one value that are written."""
MOST_LISTED: Final = 64
"""Entries of one list that are written."""


def text(data: bytes | bytearray) -> str:
    """As UTF-8 where it is that; otherwise all but printable ASCII is written as \\xNN."""
    kept = bytes(data[:TEXT_LIMIT])
    try:
        return kept.decode()
    except UnicodeDecodeError:
        return "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in kept)


def filled(**fields: Any) -> dict[str, Any]:
    """The fields that say something: neither None nor empty; bytes become text, numbers stay."""
    found = {name: text(value) if isinstance(value, bytes) else value for name, value in fields.items()}
    return {name: value for name, value in found.items() if value is not None and value not in ("", [], {})}
