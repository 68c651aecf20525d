"""X.509 certificates (RFC 5280): what rules look at, read leniently and without trust.

A reader of its own instead of a library: a strict one refuses what attackers send, and their names must
come out byte for byte, NULs included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

MOST_ITEMS: Final = 256
"""Attributes of a name, or alternative names, that are looked at."""
_SEQUENCE, _SET, _INTEGER, _OID, _CONTEXT = 0x30, 0x31, 0x02, 0x06, 0xA0
_ALT_NAME: Final = bytes((0x55, 0x1D, 0x11))
_UTF16_TAG: Final = 0x1E
_ABBREVIATIONS: Final = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L",
    "2.5.4.8": "ST", "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title",
    "2.5.4.13": "description", "2.5.4.17": "postalCode", "2.5.4.42": "GN",
    "1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}  # fmt: skip


class _Item(NamedTuple):
    tag: int
    value: bytes


class _DerError(Exception):
    """The bytes are no DER."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """der: as sent. Names are written `C=US, O=Example, CN=name`."""

    der: bytes
    subject: bytes = b""
    issuer: bytes = b""
    serial: bytes = b""
    """Hexadecimal with colons."""
    alternative_names: tuple[bytes, ...] = ()

    @property
    def fingerprint(self) -> bytes:
        """SHA-1, hexadecimal with colons."""
        return _with_colons(hashlib.sha1(self.der, usedforsecurity=False).digest())


def parse_certificate(der: bytes) -> Certificate:
    """Read a certificate; what cannot be read is empty."""
    try:
        return _parse(der)
    except _DerError:
        return Certificate(der)


def _parse(der: bytes) -> Certificate:
    outer = _first(der)
    body = list(_items(_first(outer.value).value))
    if body and body[0].tag == _CONTEXT:
        del body[0]  # the version
    if len(body) < 5:
        raise _DerError
    serial, _, issuer, _, subject, *more = body
    return Certificate(
        der,
        subject=_name(subject.value),
        issuer=_name(issuer.value),
        serial=_with_colons(serial.value).upper(),
        alternative_names=_alternative_names(more),
    )


def _first(data: bytes) -> _Item:
    for item in _items(data):
        return item
    raise _DerError


def _items(data: bytes) -> Iterator[_Item]:
    """The values that follow each other in some bytes; one that is cut short raises _DerError."""
    at = 0
    for _ in range(MOST_ITEMS):
        if at + 2 > len(data):
            return
        tag, size = data[at], data[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 4 or at + count > len(data):
                raise _DerError
            size = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + size > len(data):
            raise _DerError
        yield _Item(tag, data[at : at + size])
        at += size


def _name(data: bytes) -> bytes:
    """A distinguished name; several attributes of one place are joined by plus signs."""
    places = []
    for place in _items(data):
        attributes = [list(_items(attribute.value)) for attribute in _items(place.value)]
        texts = [_attribute(parts[0], parts[1]) for parts in attributes if len(parts) >= 2]
        places.append(b" + ".join(texts))
    return b", ".join(places)


def _attribute(kind: _Item, value: _Item) -> bytes:
    dotted = _dotted(kind.value)
    text = value.value
    if value.tag == _UTF16_TAG:
        text = text.decode("utf-16-be", "replace").encode("utf-8", "replace")
    return _ABBREVIATIONS.get(dotted, dotted).encode() + b"=" + text


def _dotted(data: bytes) -> str:
    numbers: list[int] = []
    number = 0
    for byte in data[:64]:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers += [min(number // 40, 2), number - 40 * min(number // 40, 2)] if not numbers else [number]
            number = 0
    return ".".join(map(str, numbers))


def _alternative_names(items: list[_Item]) -> tuple[bytes, ...]:
    for item in items:
        if item.tag != _CONTEXT | 3:
            continue
        for extension in _items(_first(item.value).value):
            parts = list(_items(extension.value))
            if len(parts) >= 2 and parts[0] == (_OID, _ALT_NAME):
                return tuple(name.value for name in _items(_first(parts[-1].value).value))
    return ()


def _with_colons(data: bytes) -> bytes:
    return data.hex(":").encode()
