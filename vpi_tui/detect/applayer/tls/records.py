"""Heads of records."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.tls.hello import is_version

CHANGE_CIPHER, ALERT, HANDSHAKE, DATA, HEARTBEAT = range(20, 25)
HEAD: Final = 5
"""Bytes: type, version, length."""
RECORD_LIMIT: Final = 16_384 + 1_024
"""Bytes of a record (RFC 5246, 6.2.2)."""


def is_known(kind: int) -> bool:
    """Is it a type of record that TLS has?"""
    return CHANGE_CIPHER <= kind <= HEARTBEAT


def problem_of(length: int, version: int) -> str:
    """The event of a head that cannot be; "" = it can. version: of the connection, or else of the record."""
    if not length:
        return "invalid_record_length"
    if not is_version(version):
        return "invalid_record_version"
    return "invalid_record_length" if length > RECORD_LIMIT else ""
