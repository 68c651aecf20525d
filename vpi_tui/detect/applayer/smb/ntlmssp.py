"""Who logs on, as NTLMSSP says it, wherever it stands in a security blob. Source: MS-NLMP 2.2.1.3."""

from __future__ import annotations

from typing import Final, NamedTuple

from vpi_tui.detect.applayer.smb.headers import Fields, MalformedError, text

_SIGNATURE: Final = b"NTLMSSP\0"
_AUTHENTICATE: Final = 3
_HAS_VERSION: Final = 0x0200_0000
NAME_LIMIT: Final = 1_024
_PLACES: Final = (12, 20, 28, 36, 44, 52)
"""Where sizes and places of the two answers to the challenge, domain, user, host and session key stand."""
_DOMAIN: Final = 2
_HEAD: Final = 12
_FLAGS: Final = 60
_VERSION: Final = 8


class Ntlm(NamedTuple):
    domain: bytes
    user: bytes
    host: bytes
    version: str
    """As EVE writes it; "" = it does not say."""
    disordered: bool = False
    """User or host do not stand behind the name before them."""


class _Place(NamedTuple):
    size: int
    at: int


def parse_ntlm(blob: bytes) -> Ntlm | None:
    """The AUTHENTICATE message in a blob, None = there is none that Suricata reads."""
    at = blob.find(_SIGNATURE)
    if at < 0:
        return None
    try:
        return _authenticate(Fields(blob[at:]))
    except MalformedError:
        return None


def _authenticate(fields: Fields) -> Ntlm | None:
    if fields.number(8, 4) != _AUTHENTICATE:
        return None
    places = [_Place(fields.number(at, 2), fields.number(at + 4, 4)) for at in _PLACES]
    if any(max(place) >= len(fields.data) for place in places):
        raise MalformedError
    domain, user, host = places[_DOMAIN : _DOMAIN + 3]
    return Ntlm(
        _name(fields, domain),
        _name(fields, user),
        _name(fields, host),
        _version(fields, min(place.at for place in places)),
        _stands_before(user, domain) or _stands_before(host, user),
    )


def _name(fields: Fields, place: _Place) -> bytes:
    if place.at < _HEAD:
        raise MalformedError
    return text(fields.bytes(place.at, place.size))[:NAME_LIMIT]


def _stands_before(this: _Place, other: _Place) -> bool:
    return 0 < this.at < other.at + other.size


def _version(fields: Fields, begin: int) -> str:
    """begin: of the data, before which it stands."""
    if not fields.number(_FLAGS, 4) & _HAS_VERSION or begin < _FLAGS + 4 + _VERSION:
        return ""
    major, minor, build = fields.number(64, 1), fields.number(65, 1), fields.number(66, 2)
    return f"{major}.{minor} build {build} rev {fields.number(71, 1)}"
