"""Services of the Common Industrial Protocol (volume 1, 2-4 and appendix C)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Final

from vpi_tui.detect.applayer.cursor import TooShortError
from vpi_tui.detect.applayer.enip.reader import Reader

RESPONSE: Final = 0x80
MOST_INNER: Final = 64
"""Services of a multiple service packet that are looked at."""
MOST_ATTRIBUTES: Final = 256
MOST_KEYS: Final = 1_024
"""Of all services of a message; classes and attributes are paired, so that few bytes could make many."""
_VALUE_SIZE: Final = 2
"""Bytes that a class, instance or attribute takes at least."""
_GET_LIST, _SET_LIST, _MULTIPLE = 0x03, 0x04, 0x0A
_CLASS, _INSTANCE, _ATTRIBUTE = 0x20 >> 2, 0x24 >> 2, 0x30 >> 2
"""Segments of a logical path, without the two bits that say how long they are."""
_SIZES: Final = {0: 1, 1: 2, 2: 4}
"""Those two bits -> bytes of the value; all but the shortest have a byte of padding before it."""
_LOGICAL: Final = 1
"""The three highest bits of such segments."""
_SHORT_STATUS: Final = (1, 2)
"""Words of an extended status of which the first is looked at. Suricata takes their number for bytes: so
that it looks at the first of two."""
KEY_SIZE: Final = 11
NONE: Final = 0xFF << 32
"""Stands for a class or attribute that is not there, in a key."""


@dataclass(slots=True)
class Cip:
    """One service. classes, instances, attributes: what a request's path and lists name, in order."""

    service: int
    is_response: bool
    classes: list[int] = field(default_factory=list)
    instances: list[int] = field(default_factory=list)
    attributes: list[int] = field(default_factory=list)
    status: int = 0
    extended_status: list[int] = field(default_factory=list)
    """One number, where the extended status has the size of one."""
    inner: list[Cip] = field(default_factory=list)
    """Of a multiple service packet."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Where in its bytes these stand, each up to where the next one begins."""

    @property
    def values(self) -> int:
        """How many classes, instances and attributes it names."""
        return len(self.classes) + len(self.instances) + len(self.attributes)


def service_keys(services: Iterable[Cip]) -> Iterator[bytes]:
    """What the keyword cip_service is held against: service, class and attribute side by side."""
    return islice((key for cip in services for key in _keys(cip)), MOST_KEYS)


def _keys(cip: Cip) -> Iterator[bytes]:
    for kind in cip.classes[:MOST_INNER] or [NONE]:
        for attribute in cip.attributes or [NONE]:
            number = (cip.service << 40 | kind) << 40 | attribute
            yield number.to_bytes(KEY_SIZE, "big")


def parse_cip(data: bytes, *, outer: bool = True) -> Cip:
    """outer: a multiple service packet is taken apart, but none inside of one. Raises TooShortError."""
    reader = Reader(data)
    service = reader.number(1)
    cip = Cip(service & ~RESPONSE, bool(service & RESPONSE))
    if cip.is_response:
        _outcome(cip, reader)
    else:
        _path(cip, Reader(reader.take(2 * reader.number(1))))
        _lists(cip, reader)
    if outer and cip.service == _MULTIPLE:
        rest = reader.rest()
        _inner(cip, rest, len(data) - len(rest))
    return cip


def _outcome(cip: Cip, reader: Reader) -> None:
    reader.take(1)
    cip.status = reader.number(1)
    count = reader.number(1)
    extended = reader.take(2 * count)
    if count in _SHORT_STATUS:
        cip.extended_status.append(int.from_bytes(extended[:2], "little"))


def _path(cip: Cip, reader: Reader) -> None:
    """Raises TooShortError."""
    lists = {_CLASS: cip.classes, _INSTANCE: cip.instances, _ATTRIBUTE: cip.attributes}
    while reader:
        segment = reader.number(1)
        size = _SIZES.get(segment & 3)
        if segment >> 5 != _LOGICAL or size is None:
            raise TooShortError  # how long it is only its own kind tells; as in Suricata all is invalid
        if size > 1:
            reader.take(1)
        lists.get(segment >> 2, []).append(reader.number(size))


def _lists(cip: Cip, reader: Reader) -> None:
    if cip.service == _GET_LIST:
        count = reader.number(2)
        cip.attributes += [reader.number(2) for _ in range(min(count, MOST_ATTRIBUTES))]
    elif cip.service == _SET_LIST and reader.number(2):
        cip.attributes.append(reader.number(2))


def _inner(cip: Cip, data: bytes, at: int) -> None:
    """Services may overlap, but together they have no more values than stand in `data` side by side.

    at: where that begins in the packet.
    """
    reader, room = Reader(data), len(data)
    begins = [reader.number(2) for _ in range(min(reader.number(2), MOST_INNER))]
    for begin, end in pairwise((*begins, len(data))):
        if room < 0:
            return
        found = parse_cip(data[begin:], outer=False)
        room -= _VALUE_SIZE * found.values
        cip.inner.append(found)
        cip.spans.append((at + begin, at + end))
