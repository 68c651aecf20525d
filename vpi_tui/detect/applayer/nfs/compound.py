"""Compounds of NFS 4 (RFC 7530, 8881): operations in a row, read as far as all of them are known.

What raises TooShortError inside of an operation ends the compound there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from vpi_tui.detect.applayer.cursor import TooShortError
from vpi_tui.detect.applayer.nfs.records import FILE_SYNC
from vpi_tui.detect.applayer.nfs.rpc import XdrCursor

MOST_OPERATIONS: Final = 64
_STATE_ID: Final = 16
_SESSION_ID: Final = 16
ACCESS, CLOSE, COMMIT, CREATE, GETATTR, GETFH, LOOKUP = 3, 4, 5, 6, 9, 10, 15
OPEN, PUTFH, READ, REMOVE, RENAME, WRITE, SEQUENCE = 18, 22, 25, 28, 29, 38, 53
_PLAIN: Final = frozenset((10, 16, 23, 24, 31, 32))
"""Operations without arguments: GETFH, LOOKUPP, PUTPUBFH, PUTROOTFH, RESTOREFH, SAVEFH."""
_TO_READ, _TO_WRITE = 1, 2
_NF4BLK, _NF4CHR, _NF4LNK = 3, 4, 5


@dataclass(slots=True)
class Operation:
    """One operation of a compound; what it does not have is empty."""

    code: int
    handle: bytes = b""
    name: bytes = b""
    to_name: bytes = b""
    offset: int = 0
    data: bytes = b""
    last: bool = False
    status: int = 0


@dataclass(slots=True)
class Compound:
    tag: bytes = b""
    minor: int = 0
    status: int = 0
    operations: list[Operation] = field(default_factory=list)
    """Up to the first one that is not read here."""
    cut: bool = False
    """The bytes end too early."""


def arguments(data: bytes) -> Compound:
    """What is asked for. Raises TooShortError without a head."""
    cursor = XdrCursor(data)
    made = Compound(cursor.opaque(), cursor.u32())
    _operations(made, cursor, _ARGUMENTS)
    return made


def results(data: bytes) -> Compound:
    """What is answered. Raises TooShortError without a head."""
    cursor = XdrCursor(data)
    status = cursor.u32()
    made = Compound(cursor.opaque(), 0, status)
    _operations(made, cursor, _RESULTS, with_status=True)
    return made


_Read = Callable[[XdrCursor, Operation], None]


def _operations(
    made: Compound, cursor: XdrCursor, table: dict[int, _Read], *, with_status: bool = False
) -> None:
    count = min(cursor.u32(), MOST_OPERATIONS)
    try:
        for _ in range(count):
            one = Operation(cursor.u32())
            one.status = cursor.u32() if with_status else 0
            made.operations.append(one)
            read = table.get(one.code)
            if one.status or read is None:
                return
            read(cursor, one)
    except TooShortError:
        made.cut = True


# Arguments -------------------------------------------------------------------------------------


def _plain(_cursor: XdrCursor, _one: Operation) -> None:
    """Nothing follows."""


def _words(count: int) -> _Read:
    def read(cursor: XdrCursor, _one: Operation) -> None:
        cursor.take(4 * count)

    return read


def _bitmap(cursor: XdrCursor, _one: Operation) -> None:
    cursor.take(4 * cursor.u32())


def _handle(cursor: XdrCursor, one: Operation) -> None:
    one.handle = cursor.opaque()


def _named(cursor: XdrCursor, one: Operation) -> None:
    one.name = cursor.opaque()


def _renamed(cursor: XdrCursor, one: Operation) -> None:
    one.name, one.to_name = cursor.opaque(), cursor.opaque()


def _create(cursor: XdrCursor, one: Operation) -> None:
    kind = cursor.u32()
    if kind == _NF4LNK:
        cursor.opaque()
    elif kind in (_NF4BLK, _NF4CHR):
        cursor.take(8)
    one.name = cursor.opaque()
    _attributes(cursor)


def _attributes(cursor: XdrCursor) -> None:
    cursor.take(4 * cursor.u32())
    cursor.opaque()


def _open(cursor: XdrCursor, one: Operation) -> None:
    cursor.take(20)  # sequence, access, deny, client
    cursor.opaque()
    if cursor.u32() == 1:  # creates
        _create_how(cursor)
    claim = cursor.u32()
    if claim == 0:
        one.name = cursor.opaque()
    elif claim == 1:
        cursor.u32()
    elif claim == 2:
        cursor.take(_STATE_ID)
        one.name = cursor.opaque()
    elif claim == 3:
        one.name = cursor.opaque()
    elif claim == 5:
        cursor.take(_STATE_ID)
    elif claim not in (4, 6):
        raise TooShortError


def _create_how(cursor: XdrCursor) -> None:
    mode = cursor.u32()
    if mode in (0, 1):
        _attributes(cursor)
    elif mode in (2, 3):
        cursor.take(8)
        if mode == 3:
            _attributes(cursor)
    else:
        raise TooShortError


def _read_at(cursor: XdrCursor, one: Operation) -> None:
    cursor.take(_STATE_ID)
    one.offset = cursor.u64()
    cursor.u32()


def _write_at(cursor: XdrCursor, one: Operation) -> None:
    cursor.take(_STATE_ID)
    one.offset = cursor.u64()
    one.last = cursor.u32() == FILE_SYNC
    one.data = cursor.up_to(cursor.u32())


def _sequence(cursor: XdrCursor, _one: Operation) -> None:
    cursor.take(_SESSION_ID + 16)


_ARGUMENTS: Final[dict[int, _Read]] = {
    **dict.fromkeys(_PLAIN, _plain),
    ACCESS: _words(1),
    CLOSE: _words(5),
    COMMIT: _words(3),
    CREATE: _create,
    GETATTR: _bitmap,
    LOOKUP: _named,
    OPEN: _open,
    PUTFH: _handle,
    READ: _read_at,
    REMOVE: _named,
    RENAME: _renamed,
    SEQUENCE: _sequence,
    WRITE: _write_at,
}


# Results ---------------------------------------------------------------------------------------


def _read_data(cursor: XdrCursor, one: Operation) -> None:
    one.last = bool(cursor.u32())
    one.data = cursor.up_to(cursor.u32())


def _opened(cursor: XdrCursor, _one: Operation) -> None:
    cursor.take(_STATE_ID + 24)  # state, change, result flags
    cursor.take(4 * cursor.u32())
    delegation = cursor.u32()
    if delegation in (_TO_READ, _TO_WRITE):
        cursor.take(_STATE_ID + (4 if delegation == _TO_READ else 16))
        cursor.take(12)
        cursor.opaque()
    elif delegation:
        raise TooShortError


def _created(cursor: XdrCursor, _one: Operation) -> None:
    cursor.take(20)
    cursor.take(4 * cursor.u32())


def _attributes_read(cursor: XdrCursor, _one: Operation) -> None:
    _attributes(cursor)


_RESULTS: Final[dict[int, _Read]] = {
    **dict.fromkeys(_PLAIN - {GETFH}, _plain),
    ACCESS: _words(2),
    CLOSE: _words(4),
    COMMIT: _words(2),
    CREATE: _created,
    GETATTR: _attributes_read,
    GETFH: _handle,
    LOOKUP: _plain,
    OPEN: _opened,
    PUTFH: _plain,
    READ: _read_data,
    REMOVE: _words(5),
    RENAME: _words(10),
    SEQUENCE: _words(9),
    WRITE: _words(4),
}
