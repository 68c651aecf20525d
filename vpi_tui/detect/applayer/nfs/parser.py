"""Calls and replies of one client and server, paired by their number; reads and writes gathered by file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.cursor import TooShortError
from vpi_tui.detect.applayer.files import FILE, FILE_DATA, FILE_NAME
from vpi_tui.detect.applayer.nfs import compound as v4
from vpi_tui.detect.applayer.nfs.records import KINDS, Arguments, Kind, arguments, results
from vpi_tui.detect.applayer.nfs.rpc import Call, Records, Reply, XdrCursor, parse_message
from vpi_tui.detect.applayer.nfs.transaction import HANDLE_LIMIT, NAME_LIMIT, NfsTransaction
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.detect.applayer.words import NFS3_PROCEDURES, NFS4_PROCEDURES
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
PROGRAM: Final = 100_003
COMPOUND: Final = 1
MOST_WAITING: Final = 1_024
"""Calls that wait for their reply."""
MOST_NAMES: Final = 4_096
"""Handles whose names are remembered."""
MOST_FILES: Final = 256
"""Files that are read or written at a time."""
_GSS, _INTEGRITY = 6, 2


@dataclass(slots=True)
class _Read:
    """One stretch of a file that is asked for."""

    transaction: NfsTransaction
    offset: int


@dataclass(slots=True)
class _Waiting:
    """A call without its reply."""

    call: Call
    """Without its data."""
    kind: Kind
    transaction: NfsTransaction | None
    name: bytes
    reads: list[_Read]


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _remember(found: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> _Value | None:
    """Keep a value; gives the oldest one when it has to make room."""
    found.pop(key, None)
    found[key] = value
    return found.pop(next(iter(found))) if len(found) > most else None


class NfsParser(Parser):
    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self._needs = limits.files if limits.wants(FILE, FILE_NAME, FILE_DATA) else None
        self._records = (Records(), Records(), Records())
        self._waiting: dict[int, _Waiting] = {}
        self._names: dict[bytes, bytes] = {}
        self._files: dict[tuple[int, bytes], NfsTransaction] = {}
        """(Direction of the bytes, handle) -> the file's transaction."""
        self._moved: dict[Transaction, None] = {}
        self._is_nfs: bool | None = None
        """None = no call has come yet."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        self._message(direction, data, b"")
        return self._progress()

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        for record in self._records[direction].feed(data, gap):
            self._message(direction, record, (len(record) | 0x80000000).to_bytes(4))
        return self._progress()

    def finish(self) -> list[Transaction]:
        for (direction, _), found in self._files.items():
            self._done(found, direction, truncated=True)
        self._files.clear()
        return self._progress()

    def held(self) -> int:
        files = sum(file.held() for found in self._files.values() for file in found.files)
        kept = files + sum(map(len, self._records)) + 2048 * (len(self._waiting) + len(self._files))
        return kept + 1024 * len(self._names)

    def over(self) -> bool:
        return self._is_nfs is False

    def _progress(self) -> list[Transaction]:
        moved = list(self._moved)
        self._moved.clear()
        return moved

    def _reach(self, transaction: NfsTransaction, direction: int, stage: Stage) -> None:
        if transaction.stage[direction] < stage:
            transaction.stage[direction] = stage
            self._moved[transaction] = None

    def _event(self, direction: int, call: Call, name: str) -> None:
        """An anomaly, on a transaction of its own: that of the call may have been seen already."""
        made = NfsTransaction(call)
        made.event(direction, f"nfs.{name}")
        self._reach(made, direction, Stage.DONE)

    def _message(self, direction: int, data: bytes, mark: bytes) -> None:
        """mark: the bytes in front of it that are the stream's."""
        message = parse_message(data)
        if self.frames.wanted:
            self._emit_rpc(direction, mark, data)
        if message is None:
            if self._is_nfs:
                self._event(direction, Call(0, PROGRAM, 0, 0), "malformed_data")
        elif isinstance(message, Call):
            self._call(direction, message)
        else:
            self._reply(direction, message)

    # Calls ---------------------------------------------------------------------------------------

    def _call(self, direction: int, call: Call) -> None:
        if self._is_nfs is None:
            self._is_nfs = call.program == PROGRAM
        if call.program != PROGRAM:
            return
        if call.version not in (2, 3, 4):
            self._event(direction, call, "non_existing_version")
            return
        if self.frames.wanted:
            self._emit_nfs(direction, call.version, call.data, is_reply=False)
        if call.version == 4:
            self._compound(direction, call)
        else:
            self._simple(direction, call)

    def _wait(self, waiting: _Waiting) -> None:
        oldest = _remember(self._waiting, waiting.call.xid, waiting, MOST_WAITING + 1)
        if oldest is not None and oldest.transaction is not None:
            self._event(SERVER, oldest.call, "too_many_transactions")

    def _new(self, direction: int, call: Call, procedure: int, about: Arguments) -> NfsTransaction:
        made = NfsTransaction(call, procedure)
        made.handle, made.rename_to = about.handle[:HANDLE_LIMIT], about.to_name[:NAME_LIMIT]
        made.file_name = about.name[:NAME_LIMIT] or self._names.get(made.handle, b"")
        self._reach(made, direction, Stage.DONE)
        return made

    def _simple(self, direction: int, call: Call) -> None:
        """A call of version 2 or 3."""
        kind = KINDS[call.version].get(call.procedure, Kind.OTHER)
        try:
            about = arguments(call.version, kind, call.data)
        except TooShortError:
            self._event(direction, call, "malformed_data")
            about = Arguments()
        waiting = _Waiting(call._replace(data=b""), kind, None, about.name[:NAME_LIMIT], [])
        if kind is Kind.WRITE:
            self._write(direction, call, call.procedure, about.handle, about.offset, about.data, about.last)
        elif kind is Kind.READ:
            waiting.reads = [self._asked(direction, call, call.procedure, about.handle, about.offset)]
        elif kind is Kind.COMMIT:  # of the file's transaction: it has none of its own, as in Suricata
            self._close(SERVER, about.handle, call.procedure)
        else:
            waiting.transaction = self._new(direction, call, call.procedure, about)
        self._wait(waiting)

    def _compound(self, direction: int, call: Call) -> None:
        """A call of version 4."""
        waiting = _Waiting(call._replace(data=b""), Kind.OTHER, None, b"", [])
        self._wait(waiting)
        if call.procedure != COMPOUND:
            return
        try:
            asked = v4.arguments(_unwrapped(call, call.data))
        except TooShortError:
            self._event(direction, call, "malformed_data")
            return
        if asked.cut:
            self._event(direction, call, "malformed_data")
        handle = b""
        for one in asked.operations:
            if one.code == v4.PUTFH:
                handle = one.handle
            elif one.code == v4.WRITE:
                self._write(direction, call, one.code, handle, one.offset, one.data, one.last)
            elif one.code == v4.READ:
                waiting.reads.append(self._asked(direction, call, one.code, handle, one.offset))
            elif one.code in (v4.COMMIT, v4.CLOSE):
                self._close(SERVER, handle, one.code)
            elif one.code in (v4.OPEN, v4.LOOKUP):
                waiting.name = one.name[:NAME_LIMIT]
            elif one.code in (v4.CREATE, v4.REMOVE, v4.RENAME):
                about = Arguments(handle, one.name, one.to_name)
                waiting.name = one.name[:NAME_LIMIT]
                waiting.transaction = self._new(direction, call, one.code, about)

    # Files ---------------------------------------------------------------------------------------

    def _file(self, direction: int, call: Call, procedure: int, handle: bytes) -> NfsTransaction:
        """The transaction of a file whose bytes go in that direction."""
        handle = handle[:HANDLE_LIMIT]
        found = self._files.get((direction, handle))
        if found is None:
            found = NfsTransaction(call, procedure)
            found.handle, found.is_file = handle, True
            found.file_name = self._names.get(handle, b"")
            oldest = _remember(self._files, (direction, handle), found, MOST_FILES)
            if oldest is not None:
                self._done(oldest, direction, truncated=True)
        return found

    def _asked(self, direction: int, call: Call, procedure: int, handle: bytes, offset: int) -> _Read:
        found = self._file(CLIENT, call, procedure, handle)
        self._reach(found, direction, Stage.DONE)
        return _Read(found, offset)

    def _write(
        self, direction: int, call: Call, procedure: int, handle: bytes, offset: int, data: bytes, last: bool
    ) -> None:
        found = self._file(SERVER, call, procedure, handle)
        found.take(direction, offset, data, self._needs)
        self._moved[found] = None
        self._reach(found, direction, Stage.HEAD)
        if last:
            self._close(SERVER, handle, 0)

    def _close(self, direction: int, handle: bytes, procedure: int) -> None:
        """Nothing more of a file will come. procedure: the call that says so; 0 = that of the bytes."""
        found = self._files.pop((direction, handle[:HANDLE_LIMIT]), None)
        if found is not None:
            if procedure:
                found.also(procedure)
            self._done(found, direction, truncated=False)

    def _done(self, found: NfsTransaction, direction: int, *, truncated: bool) -> None:
        found.close(truncated=truncated)
        found.over = True
        self._moved[found] = None
        self._reach(found, direction, Stage.DONE)

    # Replies -------------------------------------------------------------------------------------

    def _reply(self, direction: int, reply: Reply) -> None:
        waiting = self._waiting.pop(reply.xid, None)
        if waiting is None:
            return
        version = waiting.call.version
        if self.frames.wanted:
            self._emit_nfs(direction, version, reply.data, is_reply=True)
        status = 0
        if not reply.state and not reply.accepted:
            try:
                answer = self._compound_answer if version == 4 else self._simple_answer
                status = answer(direction, waiting, reply)
            except TooShortError:
                self._event(direction, waiting.call, "malformed_data")
        for found in {
            id(t): t for t in (waiting.transaction, *(r.transaction for r in waiting.reads)) if t
        }.values():
            found.rpc_status, found.status = reply.state, status
            self._reach(found, direction, Stage.HEAD if found.is_file else Stage.DONE)

    def _simple_answer(self, direction: int, waiting: _Waiting, reply: Reply) -> int:
        made = results(waiting.call.version, waiting.kind, reply.data)
        if made.handle:
            self._name(made.handle, waiting.name)
        for handle, name in made.entries:
            self._name(handle, name)
        for asked in waiting.reads:
            end = asked.offset + len(made.data)
            last = made.last or (made.size is not None and end >= made.size)
            self._have_read(direction, asked, made.data, last and not made.status)
        return made.status

    def _compound_answer(self, direction: int, waiting: _Waiting, reply: Reply) -> int:
        if waiting.call.procedure != COMPOUND:
            return 0
        made = v4.results(_unwrapped(waiting.call, reply.data))
        if made.cut:
            self._event(direction, waiting.call, "malformed_data")
        reads = iter(waiting.reads)
        for one in made.operations:
            if one.code == v4.READ:
                asked = next(reads, None)
                if asked is not None:
                    self._have_read(direction, asked, one.data, one.last)
            elif one.code == v4.GETFH and one.handle and waiting.name:
                self._name(one.handle, waiting.name)
        return made.status

    def _have_read(self, direction: int, asked: _Read, data: bytes, last: bool) -> None:
        found = asked.transaction
        found.take(direction, asked.offset, data, self._needs)
        self._moved[found] = None
        self._reach(found, direction, Stage.HEAD)
        if last:
            self._close(CLIENT, found.handle, 0)

    def _name(self, handle: bytes, name: bytes) -> None:
        if handle and name:
            _remember(self._names, handle[:HANDLE_LIMIT], name[:NAME_LIMIT], MOST_NAMES)

    # Frames --------------------------------------------------------------------------------------

    def _emit_rpc(self, direction: int, mark: bytes, data: bytes) -> None:
        self.frames.add(direction, "rpc.pdu", mark + data)
        if direction == SERVER:
            size = int.from_bytes(data[28:32])
            self.frames.add(direction, "rpc.creds", data[24 : 32 + size])
        else:
            self.frames.add(direction, "rpc.hdr", mark + data[:8])
            self.frames.add(direction, "rpc.data", data[8:])

    def _emit_nfs(self, direction: int, version: int, data: bytes, *, is_reply: bool) -> None:
        name = "nfs4" if version == 4 else "nfs"
        self.frames.add(direction, f"{name}.pdu", data)
        if is_reply:
            self.frames.add(direction, f"{name}.status", data[:4])
        if version == 4 and len(data) > 8:
            self.frames.add(direction, "nfs4.hdr", data[:8])
            self.frames.add(direction, "nfs4.ops", data[8:])


def _unwrapped(call: Call, data: bytes) -> bytes:
    """What stands in a body whose integrity RPCSEC_GSS protects (RFC 2203, 5.3.2.2)."""
    body = call.credentials.body
    if call.credentials.flavor != _GSS or int.from_bytes(body[12:16]) != _INTEGRITY:
        return data
    inside = XdrCursor(data).opaque()
    return inside[4:]


def names(transaction: NfsTransaction) -> Iterable[bytes]:
    """The names of procedures, as rules write them."""
    table = NFS4_PROCEDURES if transaction.version >= 4 else NFS3_PROCEDURES
    return [table[number].encode("ascii") for number in transaction.procedures if number in table]
