"""Heads of records."""

from __future__ import annotations

from typing import Final

CHANGE_CIPHER, ALERT, HANDSHAKE, DATA, HEARTBEAT = range(20, 25)
HEAD: Final = 5
"""Bytes: type, version, length."""
RECORD_LIMIT: Final = 16_384 + 1_024
"""Bytes of a record (RFC 5246, 6.2.2)."""


def problem_of(kind: int, major: int, length: int) -> str:
    """The event of a head that cannot be; "" = it can."""
    if not CHANGE_CIPHER <= kind <= HEARTBEAT:
        return "invalid_record_type"
    if major != 3:
        return "invalid_record_version"
    return "invalid_record_length" if length > RECORD_LIMIT else ""
