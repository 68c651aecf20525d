"""What rules see of an X.509 certificate (RFC 5280), read leniently: each field as far as the DER holds.

By hand, because the certificates that rules are about are often those that a library refuses: bytes
that its string type does not allow, a cut end, a negative serial number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from vpi_tui.detect.applayer.ber import (
    INTEGER,
    OCTETS,
    OID,
    SEQUENCE,
    Element,
    elements,
    object_identifier,
)

_SHORT_NAMES: Final = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L",
    "2.5.4.8": "ST", "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title",
    "2.5.4.13": "description", "2.5.4.15": "businessCategory", "2.5.4.17": "postalCode", "2.5.4.41": "name",
    "2.5.4.42": "GN", "2.5.4.43": "initials", "2.5.4.46": "dnQualifier",
    "1.2.840.113549.1.9.1": "emailAddress",
    "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL", "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}  # fmt: skip
_UTC_TIME: Final = 0x17
_STRINGS: Final = frozenset((12, 18, 19, 20, 21, 22, 25, 26, 27))
_DIGITS: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
"""Year to second. The calendar's own reader would be imported when the first certificate comes, and an engine
that has given up root may not be able to."""
_WIDE: Final = {28: "utf-32-be", 30: "utf-16-be"}
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_ALTERNATIVE_NAMES: Final = bytes.fromhex("551d11")
_TEXT_NAMES: Final = frozenset((0x82, 0x86))
"""DNS names and URIs."""
_OTHER_NAME, _MAIL, _X400, _DIRECTORY, _EDI, _ADDRESS, _REGISTERED = 0xA0, 0x81, 0xA3, 0xA4, 0xA5, 0x87, 0x88
MOST_NAMES: Final = 1024
"""Parts of a name, or alternative names, that are looked at."""
MOST_REMEMBERED: Final = 256
REMEMBERED_SIZE: Final = 8_192
"""Certificates that are remembered, and bytes of one that is."""


@dataclass(slots=True)
class Certificate:
    """Fields that could not be read are empty; times: seconds since 1970, None = not read."""

    serial: bytes = b""
    issuer: bytes = b""
    subject: bytes = b""
    not_before: int | None = None
    not_after: int | None = None
    alternative_names: list[bytes] = field(default_factory=list)


def fingerprint(der: bytes) -> bytes:
    """SHA-1 as colon-separated pairs."""
    return hashlib.sha1(der, usedforsecurity=False).digest().hex(":").encode("ascii")


def _body(der: bytes) -> Element | None:
    """What is signed; None = not even that can be found."""
    outer = next(elements(der), None)
    return next(elements(outer.value), None) if outer is not None else None


def is_certificate(der: bytes) -> bool:
    """Is there anything in it that could be read?"""
    return _body(der) is not None


def known_certificate(der: bytes) -> Certificate:
    """The same as `certificate`; a server shows its own to each client, so it may have been read already."""
    return _remembered(der) if len(der) <= REMEMBERED_SIZE else certificate(der)


@lru_cache(MOST_REMEMBERED)
def _remembered(der: bytes) -> Certificate:
    return certificate(der)


def certificate(der: bytes) -> Certificate:
    made = Certificate()
    body = _body(der)
    if body is None:
        return made
    parts = [part for part in elements(body.value) if part.tag != _VERSION]
    if parts and parts[0].tag == INTEGER:
        made.serial = parts[0].value.hex(":").upper().encode("ascii")
    sequences = [part.value for part in parts if part.tag == SEQUENCE]
    if len(sequences) > 1:
        made.issuer = distinguished_name(sequences[1])
    if len(sequences) > 2:
        times = [_time(part) for part in elements(sequences[2])]
        made.not_before, made.not_after = [*times, None, None][:2]
    if len(sequences) > 3:
        made.subject = distinguished_name(sequences[3])
    for part in parts:
        if part.tag == _EXTENSIONS:
            made.alternative_names = list(_alternative_names(part.value))[:MOST_NAMES]
    return made


def distinguished_name(data: bytes) -> bytes:
    """`C=US, O=Example, CN=host`, in the order of the certificate."""
    parts: list[bytes] = []
    for relative in elements(data):
        pairs = [_attribute(one.value) for one in elements(relative.value)]
        parts.append(b" + ".join(pairs))
        if len(parts) >= MOST_NAMES:
            break
    return b", ".join(parts)


def _attribute(data: bytes) -> bytes:
    kind, value = [*elements(data), Element(0, b""), Element(0, b"")][:2]
    dotted = object_identifier(kind.value)
    return _SHORT_NAMES.get(dotted, dotted).encode("ascii") + b"=" + _text(value)


def _text(value: Element) -> bytes:
    if value.tag in _STRINGS:
        return value.value
    if value.tag in _WIDE:
        return value.value.decode(_WIDE[value.tag], "replace").encode()
    return value.value.hex().upper().encode("ascii")


def _time(element: Element) -> int | None:
    """UTCTime (years 1950 to 2049) or GeneralizedTime; zones other than UTC are not read."""
    text = element.value.decode("ascii", "replace").removesuffix("Z")
    if element.tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    if len(text) == 12:
        text += "00"
    try:
        found = _DIGITS.fullmatch(text)
        return int(datetime(*map(int, found.groups()), tzinfo=UTC).timestamp()) if found else None  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError):
        return None


def _alternative_names(data: bytes) -> Iterator[bytes]:
    for listed in elements(data):
        for extension in elements(listed.value):
            parts = list(elements(extension.value))
            if len(parts) > 1 and parts[0] == (OID, _ALTERNATIVE_NAMES) and parts[-1].tag == OCTETS:
                for names in elements(parts[-1].value):
                    yield from filter(None, map(_general_name, elements(names.value)))


def _general_name(name: Element) -> bytes:
    """As Suricata writes it, since rules hold their contents against that: an address as a list of bytes, and
    all but addresses, DNS names and URIs with the kind of name around it. b"" = of no known kind."""
    if name.tag in _TEXT_NAMES:
        return name.value
    if name.tag == _ADDRESS:
        return str(list(name.value)).encode("ascii")
    first = next(elements(name.value), Element(0, b""))
    kinds: dict[int, tuple[bytes, bytes]] = {
        _OTHER_NAME: (b"OtherName", object_identifier(first.value).encode("ascii") + b", [...]"),
        _MAIL: (b"RFC822Name", name.value),
        _X400: (b"X400Address", b"<unparsed>"),
        _DIRECTORY: (b"DirectoryName", distinguished_name(first.value)),
        _EDI: (b"EDIPartyName", b"<unparsed>"),
        _REGISTERED: (b"RegisteredID", object_identifier(name.value).encode("ascii")),
    }
    kind, told = kinds.get(name.tag, (b"", b""))
    return kind + b"(" + told + b")" if kind else b""
