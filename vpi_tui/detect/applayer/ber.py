"""BER and DER (X.690) by hand: tag, length, value, read as far as they hold and never beyond their bytes.

Only tags of one byte and definite lengths are read; a protocol that Suricata reads uses no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

BOOLEAN, INTEGER, OCTETS, OID, ENUMERATED = 0x01, 0x02, 0x04, 0x06, 0x0A
SEQUENCE, SET = 0x30, 0x31
MOST_ARCS: Final = 64
"""Bytes of an object identifier that are looked at."""


class Element(NamedTuple):
    tag: int
    value: bytes


class Head(NamedTuple):
    """An element's tag and length, as far as they stand at the start of some bytes."""

    tag: int
    size: int
    """Bytes of tag and length."""
    length: int
    """Bytes of the value."""


def head(data: bytes | bytearray, at: int = 0) -> Head | None:
    """The head at a place. None = it is not whole, or no head; more than six bytes tell which."""
    if at + 2 > len(data):
        return None
    tag, length, size = data[at], data[at + 1], 2
    if length & 0x80:
        digits = length & 0x7F
        if not 1 <= digits <= 4 or tag & 0x1F == 0x1F or at + 2 + digits > len(data):
            return None
        length = int.from_bytes(data[at + 2 : at + 2 + digits])
        size += digits
    return Head(tag, size, length)


def elements(data: bytes) -> Iterator[Element]:
    """The elements side by side; one whose length is wrong is the last and not given."""
    at = 0
    while found := head(data, at):
        at += found.size
        if at + found.length > len(data):
            return
        yield Element(found.tag, data[at : at + found.length])
        at += found.length


def by_tag(data: bytes) -> dict[int, bytes]:
    """Tag -> value of the elements side by side; of several with the same tag the first."""
    found: dict[int, bytes] = {}
    for tag, value in elements(data):
        found.setdefault(tag, value)
    return found


def inner(value: bytes, tag: int) -> bytes | None:
    """The value of the one element in a value (an explicit tag's); None = it is none of that tag."""
    first = next(elements(value), None)
    return first.value if first is not None and first.tag == tag else None


def integer(value: bytes | None, largest: int = 8) -> int | None:
    """A signed number of at most `largest` bytes; None = it is no such number."""
    return int.from_bytes(value, signed=True) if value and len(value) <= largest else None


def object_identifier(data: bytes) -> str:
    """Dotted; what exceeds MOST_ARCS bytes is not looked at."""
    arcs: list[int] = []
    number = 0
    for byte in data[:MOST_ARCS]:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            arcs.append(number)
            number = 0
    if not arcs:
        return ""
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
