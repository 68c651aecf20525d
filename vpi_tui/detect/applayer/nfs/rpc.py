"""ONC RPC (RFC 5531): calls and replies, and the records that carry them over TCP."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.cursor import Cursor, TooShortError

RECORD_LIMIT: Final = 1_180_000
"""Bytes of a record that are kept: a transfer of a megabyte and what belongs to it."""
FRAGMENT_LIMIT: Final = 16_777_216
"""Bytes of a fragment beyond which it is taken for none, as in Suricata."""
CREDENTIALS_LIMIT: Final = 400
"""Bytes of credentials, as RFC 5531 bounds them; more are not kept."""
AUTH_UNIX: Final = 1
_KIND: Final = slice(4, 8)
_IS_CALL, _IS_REPLY = bytes(4), b"\0\0\0\1"
_CALL: Final = struct.Struct(">I4x6I")
"""Number; versions of RPC and program between them; procedure; flavor and size of the credentials."""
_VERIFIER: Final = struct.Struct(">4xI")
"""Its size."""
_REPLY: Final = struct.Struct(">I4xI")
_NUMBER: Final = struct.Struct(">I")
_VERSION: Final = 2
_LAST: Final = 0x80000000
_START: Final = re.compile(rb"[\x80\x00].{7}\x00{3}(?:\x00{4}\x02|\x01\x00{3}[\x00\x01])", re.DOTALL)
"""What the start of a record looks like, to find one again behind missing bytes."""
_START_SIZE: Final = 16


class XdrCursor(Cursor):
    """Fields of XDR (RFC 4506): numbers of four bytes, and opaque bytes that are padded to such."""

    def u32(self) -> int:
        return self.number(4)

    def u64(self) -> int:
        return self.number(8)

    def opaque(self) -> bytes:
        """Bytes with their length before them. Raises TooShortError."""
        return self.fixed(self.u32())

    def fixed(self, size: int) -> bytes:
        """That many bytes, and what pads them. Raises TooShortError."""
        found = self.take(size)
        self.take(-size % 4)
        return found

    def up_to(self, size: int) -> bytes:
        """That many bytes, or what there is of them, and what pads them."""
        found = self.take(min(size, len(self._data) - self._at))
        self.take(min(-size % 4, len(self._data) - self._at))
        return found


class UnixUser(NamedTuple):
    """Who calls, as AUTH_UNIX says it; b"" and None where it does not."""

    machine: bytes = b""
    uid: int | None = None
    gid: int | None = None


class Credentials(NamedTuple):
    flavor: int = 0
    body: bytes = b""

    @property
    def user(self) -> UnixUser:
        """Read when it is asked for, which few are."""
        if self.flavor != AUTH_UNIX:
            return UnixUser()
        cursor = XdrCursor(self.body)
        try:
            cursor.u32()
            return UnixUser(cursor.opaque(), cursor.u32(), cursor.u32())
        except TooShortError:
            return UnixUser()


class Call(NamedTuple):
    xid: int
    program: int
    version: int
    procedure: int
    credentials: Credentials = Credentials()
    data: bytes = b""


class Reply(NamedTuple):
    xid: int
    state: int
    """0 = the call was accepted."""
    accepted: int
    """0 = and it succeeded; what it is otherwise is said in RFC 5531, 9."""
    data: bytes = b""


def parse_message(data: bytes) -> Call | Reply | None:
    """None = it is neither, or it ends too early."""
    try:
        if data[_KIND] == _IS_CALL:
            return _call(data)
        return _reply(data) if data[_KIND] == _IS_REPLY else None
    except (TooShortError, struct.error):
        return None


def _call(data: bytes) -> Call | None:
    xid, rpc, program, version, procedure, flavor, size = _CALL.unpack_from(data)
    if rpc != _VERSION:
        return None
    body = data[_CALL.size : _CALL.size + min(size, CREDENTIALS_LIMIT)]
    verifier = _CALL.size + size + -size % 4
    (size,) = _VERIFIER.unpack_from(data, verifier)
    end = verifier + _VERIFIER.size + size + -size % 4
    if end > len(data):
        raise TooShortError
    return Call(xid, program, version, procedure, Credentials(flavor, body), data[end:])


def _reply(data: bytes) -> Reply:
    xid, state = _REPLY.unpack_from(data)
    if state:
        return Reply(xid, state, 0, data[_REPLY.size :])
    (size,) = _VERIFIER.unpack_from(data, _REPLY.size)
    status = _REPLY.size + _VERIFIER.size + size + -size % 4
    (accepted,) = _NUMBER.unpack_from(data, status)
    return Reply(xid, state, accepted, data[status + _NUMBER.size :])


class Records:
    """Cuts one direction of a stream into records, each of one or several fragments."""

    __slots__ = ("_kept", "_left", "_mark", "_more", "lost")

    def __init__(self) -> None:
        self._mark = bytearray()
        """Bytes in front of a fragment, or those among which a start is looked for."""
        self._kept = bytearray()
        """The record so far, at most RECORD_LIMIT of it."""
        self._left = 0
        """Bytes of the fragment that are to come."""
        self._more = False
        """The record goes on behind the fragment."""
        self.lost = False
        """Where the next record begins is not known."""

    def __len__(self) -> int:
        return len(self._mark) + len(self._kept)

    def feed(self, data: bytes, gap: int = 0) -> Iterator[bytes]:
        """The records that are whole now; of one that is too long its first part."""
        if gap:
            self._skip(gap)
        at = 0
        while at < len(data):
            if self.lost:
                data, at = self._resynchronise(data[at:]), 0
            elif self._left:
                count = min(self._left, len(data) - at)
                self._kept += data[at : at + min(count, RECORD_LIMIT - len(self._kept))]
                self._left -= count
                at += count
                yield from self._ended()
            else:
                at = self._take_mark(data, at)
                yield from self._ended()

    def _take_mark(self, data: bytes, at: int) -> int:
        count = min(4 - len(self._mark), len(data) - at)
        self._mark += data[at : at + count]
        if len(self._mark) == 4:
            word = int.from_bytes(self._mark)
            self._mark.clear()
            self._left, self._more = word & ~_LAST, not word & _LAST
            if self._left > FRAGMENT_LIMIT:
                self._lose()
        return at + count

    def _ended(self) -> Iterator[bytes]:
        if not self._left and not self._more and self._kept:
            record = bytes(self._kept)
            self._kept.clear()
            yield record

    def _skip(self, gap: int) -> None:
        """Bytes are missing: within a fragment their place is left empty, beyond it nothing is known."""
        if self.lost or gap > self._left:
            self._lose()
            return
        self._kept += bytes(min(gap, RECORD_LIMIT - len(self._kept)))
        self._left -= gap

    def _lose(self) -> None:
        self.lost = True
        self._mark.clear()
        self._kept.clear()
        self._left, self._more = 0, False

    def _resynchronise(self, data: bytes) -> bytes:
        """What follows from the start of a record on; b"" = there is none yet."""
        window = bytes(self._mark) + data
        found = _START.search(window)
        if found is None:
            self._mark = bytearray(window[1 - _START_SIZE :])
            return b""
        self.lost = False
        self._mark.clear()
        return window[found.start() :]
