"""Framing of SMB: NetBIOS session service (RFC 1002, 4.3) or the four bytes of direct TCP (MS-SMB2 2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

HEADER: Final = 4
MESSAGE: Final = 0x00
"""Kind of a record that holds SMB."""
NONSENSE: Final = -1
"""Kind of a piece that says: here should a record begin, and none does."""
WHOLE_LIMIT: Final = 131_072
"""Bytes of a record that is waited for; of a longer one the bytes are given as they come."""
START: Final = 512
"""Bytes of a longer record that come at once with its start."""
_MAGICS: Final = frozenset({b"\xffSMB", b"\xfeSMB", b"\xfdSMB"})
_MAGIC: Final = 4
"""What a message begins with, and how long that is."""
_OTHER_KINDS: Final = frozenset({0x81, 0x82, 0x83, 0x84, 0x85})
_MESSAGE_START: Final = re.compile(rb"\x00[\x00-\xff]{3}[\xfd-\xff]SMB")


class Piece(NamedTuple):
    """Bytes of a record, whole unless it is a long one."""

    data: bytes
    first: bool = True
    last: bool = True
    kind: int = MESSAGE
    header: bytes = b""
    gap: int = 0
    """Bytes of the record that are missing before these."""


class Records:
    """Cuts one direction into records."""

    __slots__ = ("_left", "_needed", "_pending", "_searching", "_seen", "_skip")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._needed = 0
        """Bytes of the record that is pending, without which there is nothing to do; 0 = not known."""
        self._left = 0
        """Bytes that are to come of a long record."""
        self._skip = 0
        """Bytes that are to come of a record that lacks its start."""
        self._searching = False
        self._seen = False
        """Has there been a record?"""

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def patience(self) -> int:
        """How many more bytes can come before there is something to do."""
        return max(self._needed - len(self._pending) - 1, 0)

    def feed(self, data: bytes, gap: int) -> Iterable[Piece]:
        """The pieces that these bytes make, gap bytes having been lost before them."""
        size = len(self._pending) + len(data)
        if size < self._needed and not gap:
            self._pending += data
            return ()
        begins = size == len(data) and not (gap or self._left or self._searching or self._skip)
        if begins and _is_one_message(data):
            self._seen = True
            return (Piece(data[HEADER:], True, True, MESSAGE, data[:HEADER]),)
        return self._pieces(data, gap)

    def _pieces(self, data: bytes, gap: int) -> Iterator[Piece]:
        if gap:
            yield from self._lose(gap)
        self._pending += data
        while self._pending:
            if self._skip:
                count = min(self._skip, len(self._pending))
                self._skip -= count
                del self._pending[:count]
            elif self._left:
                yield self._more()
            elif self._searching:
                if not self._search():
                    return
            else:
                piece = self._record()
                if piece is not None:
                    yield piece
                elif not self._searching:
                    return

    def _lose(self, gap: int) -> Iterator[Piece]:
        self._needed = 0
        if self._left:
            if gap < self._left:
                self._left -= gap
                yield Piece(b"", first=False, last=False, gap=gap)
            else:
                self._left, self._searching = 0, True
                yield Piece(b"", first=False)
            return
        rest = self._skip
        if not rest and not self._searching and len(self._pending) >= HEADER:
            rest = self._size() - len(self._pending)
        self._pending.clear()
        self._skip = max(0, rest - gap)
        self._searching = gap > rest

    def _size(self) -> int:
        """Bytes of the record that is pending, with its header."""
        return HEADER + int.from_bytes(self._pending[1:HEADER], "big")

    def _record(self) -> Piece | None:
        """The next record; None = it has not come yet, or here is none."""
        pending = self._pending
        if pending[0] != MESSAGE and pending[0] not in _OTHER_KINDS:
            return self._confused()
        if len(pending) < HEADER:
            return None
        size, kind = self._size(), pending[0]
        if kind == MESSAGE and size == HEADER:
            return self._empty_run()
        if kind == MESSAGE and not _may_be_message(pending):
            return self._confused()
        long = size > WHOLE_LIMIT
        needed = START if long else size
        if len(pending) < needed:
            self._needed = needed if len(pending) >= HEADER + _MAGIC else 0
            return None
        self._needed = 0
        header, data = bytes(pending[:HEADER]), bytes(pending[HEADER:size])
        del pending[:size]
        self._seen = True
        self._left = size - HEADER - len(data)
        return Piece(data, last=not self._left, kind=kind, header=header)

    def _empty_run(self) -> Piece:
        """The empty records that stand here are taken for one, however many are sent."""
        zeros = len(self._pending) - len(self._pending.lstrip(b"\0"))
        del self._pending[: zeros // HEADER * HEADER]
        self._seen = True
        return Piece(b"", header=bytes(HEADER))

    def _confused(self) -> Piece | None:
        """The next message is looked for. What stands before the first record is none of ours."""
        self._searching = True
        return Piece(b"", kind=NONSENSE) if self._seen else None

    def _more(self) -> Piece:
        data = bytes(self._pending[: self._left])
        del self._pending[: len(data)]
        self._left -= len(data)
        return Piece(data, first=False, last=not self._left)

    def _search(self) -> bool:
        """Drop what stands before the next message; False = there is none yet."""
        found = _MESSAGE_START.search(self._pending)
        if found is None:
            del self._pending[: max(0, len(self._pending) - 7)]
            return False
        del self._pending[: found.start()]
        self._searching = False
        return True


def _is_one_message(data: bytes) -> bool:
    """Is it a record that holds SMB, and nothing else?"""
    size = len(data)
    is_smb = HEADER + _MAGIC < size <= WHOLE_LIMIT and data[HEADER : HEADER + _MAGIC] in _MAGICS
    return is_smb and data[0] == MESSAGE and HEADER + int.from_bytes(data[1:HEADER]) == size


def _may_be_message(pending: bytearray) -> bool:
    """Can the record that starts here hold SMB, as far as it is there?"""
    start = bytes(pending[HEADER : HEADER + 4])
    return start[:1] in (b"", b"\xfd", b"\xfe", b"\xff") and b"SMB".startswith(start[1:])
