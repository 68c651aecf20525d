"""Arguments and results of NFS 2 and 3 (RFC 1094, 1813), as far as files and their names go.

All of these raise TooShortError when the bytes end too early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from vpi_tui.detect.applayer.nfs.rpc import XdrCursor

MOST_ENTRIES: Final = 4_096
"""Entries of a directory that are looked at in one reply."""
HANDLE2: Final = 32
_ATTRIBUTES2, _ATTRIBUTES3 = 68, 84
_SIZE2_AT: Final = 20
FILE_SYNC: Final = 2
"""A write after which nothing more needs to follow."""


class Kind(Enum):
    """What a call does, whatever its version calls it."""

    OTHER = auto()
    NAMED = auto()
    """Something with a name in a directory."""
    LOOKUP = auto()
    CREATE = auto()
    RENAME = auto()
    READ = auto()
    WRITE = auto()
    COMMIT = auto()
    READDIRPLUS = auto()
    HANDLED = auto()
    """Something with a handle alone."""


@dataclass(slots=True)
class Arguments:
    """Of a call; what it does not have is empty."""

    handle: bytes = b""
    name: bytes = b""
    to_name: bytes = b""
    offset: int = 0
    data: bytes = b""
    last: bool = False
    """Of a write: nothing more will come."""


@dataclass(slots=True)
class Results:
    """Of a reply; what it does not have is empty."""

    status: int = 0
    handle: bytes = b""
    data: bytes = b""
    last: bool = False
    """Of a read: the file ends here."""
    size: int | None = None
    """Of a read in version 2: bytes of the whole file."""
    entries: tuple[tuple[bytes, bytes], ...] = ()
    """(handle, name) of what a directory holds."""


KINDS: Final[dict[int, dict[int, Kind]]] = {
    2: {
        1: Kind.HANDLED, 4: Kind.LOOKUP, 6: Kind.READ, 8: Kind.HANDLED, 9: Kind.CREATE, 10: Kind.NAMED,
        11: Kind.RENAME, 14: Kind.CREATE, 15: Kind.NAMED, 16: Kind.HANDLED,
    },
    3: {
        1: Kind.HANDLED, 3: Kind.LOOKUP, 4: Kind.HANDLED, 6: Kind.READ, 7: Kind.WRITE, 8: Kind.CREATE,
        9: Kind.CREATE, 12: Kind.NAMED, 13: Kind.NAMED, 14: Kind.RENAME, 17: Kind.READDIRPLUS,
        21: Kind.COMMIT,
    },
}  # fmt: skip
"""Version -> procedure -> what it does. Writes of version 2 are not followed as files, as in Suricata."""


def _handle(version: int, cursor: XdrCursor) -> bytes:
    return cursor.take(HANDLE2) if version == 2 else cursor.opaque()


def arguments(version: int, kind: Kind, data: bytes) -> Arguments:
    """What a call is about. Raises TooShortError."""
    cursor = XdrCursor(data)
    if kind is Kind.OTHER:
        return Arguments()
    made = Arguments(handle=_handle(version, cursor))
    if kind in (Kind.NAMED, Kind.LOOKUP, Kind.CREATE, Kind.RENAME):
        made.name = cursor.opaque()
    if kind is Kind.RENAME:
        _handle(version, cursor)
        made.to_name = cursor.opaque()
    elif kind is Kind.READ:
        made.offset = cursor.u32() if version == 2 else cursor.u64()
    elif kind is Kind.WRITE:
        made.offset = cursor.u64()
        cursor.u32()
        made.last = cursor.u32() == FILE_SYNC
        made.data = cursor.up_to(cursor.u32())
    return made


def results(version: int, kind: Kind, data: bytes) -> Results:
    """What a reply says. Raises TooShortError."""
    cursor = XdrCursor(data)
    made = Results(cursor.u32() if data else 0)
    if not made.status and data:
        _RESULTS.get(kind, _nothing)(version, cursor, made)
    return made


def _nothing(_version: int, _cursor: XdrCursor, _made: Results) -> None:
    """The status is all."""


def _looked_up(version: int, cursor: XdrCursor, made: Results) -> None:
    made.handle = _handle(version, cursor)


def _created(version: int, cursor: XdrCursor, made: Results) -> None:
    if version == 2 or cursor.u32():
        made.handle = _handle(version, cursor)


def _attributes3(cursor: XdrCursor) -> None:
    if cursor.u32():
        cursor.take(_ATTRIBUTES3)


def _read(version: int, cursor: XdrCursor, made: Results) -> None:
    if version == 2:
        attributes = XdrCursor(cursor.take(_ATTRIBUTES2))
        attributes.take(_SIZE2_AT)
        made.size = attributes.u32()
    else:
        _attributes3(cursor)
        cursor.u32()
        made.last = bool(cursor.u32())
    made.data = cursor.up_to(cursor.u32())


def _listed(_version: int, cursor: XdrCursor, made: Results) -> None:
    _attributes3(cursor)
    cursor.take(8)
    made.entries = tuple(_entries(cursor))


def _entries(cursor: XdrCursor) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(MOST_ENTRIES):
        if not cursor.u32():
            return
        cursor.u64()
        name = cursor.opaque()
        cursor.u64()
        _attributes3(cursor)
        if cursor.u32():
            yield cursor.opaque(), name


_RESULTS: Final[dict[Kind, Callable[[int, XdrCursor, Results], None]]] = {
    Kind.LOOKUP: _looked_up,
    Kind.CREATE: _created,
    Kind.READ: _read,
    Kind.READDIRPLUS: _listed,
}
