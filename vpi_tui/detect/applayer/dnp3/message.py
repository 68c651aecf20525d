"""One message of the application layer of DNP3, as far as the sizes of its objects are known.

Source: IEEE 1815-2012, chapter 4 (application layer) and annex A (objects).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vpi_tui.detect.applayer.cursor import TooShortError

MOST_POINTS: Final = 16_384
"""Points of one message, as Suricata's dnp3.max-points."""
MOST_OBJECTS: Final = 2_048
"""Object headers of one message, as Suricata's dnp3.max-objects."""
_RANGE: Final = {0: 1, 3: 1, 1: 2, 4: 2, 2: 4, 5: 4}
"""Range code -> bytes of each of the two ends."""
_COUNT: Final = {6: 0, 7: 1, 8: 2, 9: 4, 11: 1}
"""Range code -> bytes of the count."""
_INDEX: Final = {0: 0, 1: 1, 2: 2, 3: 4, 7: 0}
"""Prefix code -> bytes of the index before each point."""
_SIZE: Final = {4: 1, 5: 2, 6: 4}
"""Prefix code -> bytes of the size before each point."""


def _sizes(group: int, *sizes: int) -> dict[tuple[int, int], int]:
    """The sizes of variation 1, 2, ... in bytes."""
    return {(group, variation): size for variation, size in enumerate(sizes, 1)}


_POINTS: Final = {
    **_sizes(2, 1, 7, 3), **_sizes(4, 1, 7, 3), **_sizes(11, 1, 7), **_sizes(12, 11, 11), **_sizes(13, 1, 7),
    (1, 2): 1, (3, 2): 1, (10, 2): 1,
    **_sizes(20, 5, 3, 5, 3, 4, 2, 4, 2), **_sizes(21, 5, 3, 5, 3, 11, 9, 11, 9, 4, 2, 4, 2),
    **_sizes(22, 5, 3, 5, 3, 11, 9, 11, 9), **_sizes(23, 5, 3, 5, 3, 11, 9, 11, 9),
    **_sizes(30, 5, 3, 4, 2, 5, 9), **_sizes(31, 5, 3, 11, 9, 4, 2, 5, 9),
    **_sizes(32, 5, 3, 11, 9, 5, 9, 11, 15), **_sizes(33, 5, 3, 11, 9, 5, 9, 11, 15), **_sizes(34, 2, 4, 4),
    **_sizes(40, 5, 3, 5, 9), **_sizes(41, 5, 3, 5, 9), **_sizes(42, 5, 3, 11, 9, 5, 9, 11, 15),
    **_sizes(43, 5, 3, 11, 9, 5, 9, 11, 15), **_sizes(50, 6, 10, 6, 11), **_sizes(51, 6, 6),
    **_sizes(52, 2, 2), **_sizes(81, 3), **_sizes(102, 1), (120, 3): 6, (120, 4): 2, **_sizes(121, 7),
    **_sizes(122, 7, 13),
}  # fmt: skip
"""(group, variation) -> bytes of a point."""
_PACKED: Final = {(1, 1): 1, (3, 1): 2, (10, 1): 1, (12, 3): 1, (80, 1): 1}
"""(group, variation) -> bits of a point, eight or four of them in a byte."""
_SIZED: Final = frozenset({70, 83, 85, 86, 87, 88, 90, 91, 112, 113, 114, 115, 120})
"""Groups whose points say how long they are."""
_STRINGS: Final = frozenset({110, 111})
"""Groups whose points are as long as the variation says."""


@dataclass(frozen=True, slots=True)
class Object:
    """The header of an object; start and stop are 0 where the range is but a count."""

    group: int
    variation: int
    qualifier: int
    start: int
    stop: int
    count: int


@dataclass(slots=True)
class Message:
    """data: the whole fragment, from the application control on. indications: two bytes of a response."""

    source: int
    destination: int
    link_control: int
    data: bytes
    control: int = 0
    function: int = 0
    indications: bytes = b""
    objects: list[Object] = field(default_factory=list)
    complete: bool = False
    """All objects could be read."""
    event: str = ""
    """Why not all could; "" when there is nothing to say."""


class _UnknownError(ValueError):
    """An object whose size is not known."""


class _Reader:
    """Little-endian numbers of the fragment. Raises TooShortError."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def skip(self, count: int) -> None:
        if self.at + count > len(self.data):
            raise TooShortError
        self.at += count

    def number(self, size: int) -> int:
        self.skip(size)
        return int.from_bytes(self.data[self.at - size : self.at], "little")


def read_objects(message: Message) -> None:
    """Fill in the objects. What stands behind one of unknown size cannot be read."""
    reader = _Reader(message.data, 4 if message.indications else 2)
    points = 0
    try:
        while reader.at < len(message.data):
            if len(message.objects) >= MOST_OBJECTS:
                message.event = "dnp3.too_many_objects"
                return
            header = _header(message, reader)
            points += header.count if header.variation else 0
            if points > MOST_POINTS:
                message.event = "dnp3.too_many_points"
                return
            if header.variation and header.count:
                _skip_points(reader, header)
    except TooShortError:
        return
    except _UnknownError:
        message.event = "dnp3.unknown_object"
        return
    message.complete = True


def _header(message: Message, reader: _Reader) -> Object:
    group, variation, qualifier = (reader.number(1) for _ in range(3))
    start = stop = count = 0
    code = qualifier & 0x0F
    message.objects.append(Object(group, variation, qualifier, 0, 0, 0))
    if code in _RANGE:
        start, stop = reader.number(_RANGE[code]), reader.number(_RANGE[code])
        count = max(0, stop - start + 1)
    elif code in _COUNT:
        count = reader.number(_COUNT[code])
    else:
        raise TooShortError  # a reserved code: where the next object begins is not known
    message.objects[-1] = made = Object(group, variation, qualifier, start, stop, count)
    return made


def _skip_points(reader: _Reader, header: Object) -> None:
    kind = header.group, header.variation
    prefix = header.qualifier >> 4 & 7
    try:
        if kind in _PACKED:
            reader.skip(_INDEX.get(prefix, 0) + -(-header.count * _PACKED[kind] // 8))
        elif prefix in _SIZE and header.group in _SIZED:
            for _ in range(header.count):
                reader.skip(reader.number(_SIZE[prefix]))
        else:
            size = _POINTS.get(kind, header.variation if header.group in _STRINGS else -1)
            if size < 0:
                raise _UnknownError
            reader.skip(header.count * (size + _INDEX.get(prefix, _SIZE.get(prefix, 0))))
    except TooShortError as error:
        raise _UnknownError from error
