"""Who logs on, as NTLMSSP says it, wherever it stands in a security blob. Source: MS-NLMP 2.2.1.3."""

from __future__ import annotations

from typing import Final, NamedTuple

from vpi_tui.detect.applayer.smb.headers import Fields, MalformedError, text

_SIGNATURE: Final = b"NTLMSSP\0"
_AUTHENTICATE: Final = 3
_HAS_VERSION: Final = 0x0200_0000
NAME_LIMIT: Final = 1_024


class Ntlm(NamedTuple):
    domain: bytes
    user: bytes
    host: bytes
    version: str
    """As EVE writes it; "" = it does not say."""


def parse_ntlm(blob: bytes) -> Ntlm | None:
    """The AUTHENTICATE message in a blob, None = there is none. Raises MalformedError when it is broken."""
    at = blob.find(_SIGNATURE)
    if at < 0:
        return None
    fields = Fields(blob[at:])
    if fields.number(8, 4) != _AUTHENTICATE:
        return None
    domain, user, host = (_name(fields, place) for place in (28, 36, 44))
    return Ntlm(domain, user, host, _version(fields))


def _name(fields: Fields, at: int) -> bytes:
    size, place = fields.number(at, 2), fields.number(at + 4, 4)
    return text(fields.bytes(place, size))[:NAME_LIMIT]


def _version(fields: Fields) -> str:
    try:
        if not fields.number(60, 4) & _HAS_VERSION:
            return ""
        major, minor, build = fields.number(64, 1), fields.number(65, 1), fields.number(66, 2)
        return f"{major}.{minor} build {build} rev {fields.number(71, 1)}"
    except MalformedError:
        return ""
