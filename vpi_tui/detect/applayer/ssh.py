"""ssh: banners (RFC 4253, 4.2) and the first key exchange, of which HASSH makes its fingerprint."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.cursor import Cursor, TooShortError
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

STATED_LIMIT: Final = 256
"""Bytes of a banner from which on it is an anomaly (RFC 4253, 4.2), and its end is not waited for."""
PACKET_LIMIT: Final = 65_535
"""Bytes of a packet that is put together; RFC 4253, 6.1, asks for 35,000."""
_LINE_END: Final = re.compile(rb"\r?\n|\r(?!\Z)")
_BANNER: Final = re.compile(rb"SSH-([^-]++)-([^ \r\n]*+)")
_KEXINIT, _NEWKEYS = 20, 21
_RECORD_HEADER: Final = 6
"""Length, padding length, type."""
_TYPE_SIZE: Final = 2
"""Bytes of padding length and type, which a packet has at least."""
_LISTS_AT: Final = 22
"""Length, padding length, type, cookie."""
_LISTS, _BEHIND_LISTS = 10, 5
"""How many there are, and bytes behind them (RFC 4253, 7.1)."""
_FINGERPRINTS: Final = ("ssh.hassh", "ssh.hassh.server", "ssh.hassh.string", "ssh.hassh.server.string")
_CLIENT_LISTS: Final = (0, 2, 4, 6)
_SERVER_LISTS: Final = (0, 3, 5, 7)
"""Key exchange, then ciphers, MACs and compressions of one's own direction."""


class SshTransaction(Transaction):
    """The whole connection; entries by Direction."""

    __slots__ = ("hassh", "proto", "software")

    def __init__(self) -> None:
        super().__init__()
        self.proto = [b"", b"", b""]
        self.software = [b"", b"", b""]
        self.hassh = [b"", b"", b""]
        """What the fingerprint is the MD5 of."""


class _Half:
    """One direction. skip: bytes that come next and are not looked at."""

    __slots__ = ("ends", "exchanged", "pending", "skip")

    def __init__(self) -> None:
        self.pending: bytearray | None = bytearray()
        """None = it is followed no more."""
        self.skip = 0
        self.ends = False
        """The banner has been read without its end. As in Suricata rules do not see it, and of all that comes
        each time what stands in front of a line end is passed over, up to the new keys."""
        self.exchanged = False


class SshParser(Parser):
    def __init__(self, limits: Limits | None = None) -> None:
        self._transaction = SshTransaction()
        self._halves = (_Half(), _Half(), _Half())
        self._events = limits is None or limits.heeds("ssh.invalid_record", "ssh.long_kex_record")
        self._hashes = limits is None or limits.wants(*_FINGERPRINTS)
        """Does anybody ask for fingerprints? Otherwise no key exchange is too long to be read."""

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        half, made = self._halves[direction], self._transaction
        if half.pending is None:
            return []
        half.pending += data
        before, told = list(made.stage), made.events[direction]
        if gap:
            self._stop_both()
        elif half.ends:
            self._behind_line(direction, half, half.pending)
        elif made.stage[direction] is not Stage.NONE or self._banner(direction, half, half.pending):
            self._records(direction, half, half.pending)
        moved = made.stage != before or made.events[direction] is not told
        return [made] if moved else []

    def finish(self) -> list[Transaction]:
        for direction in (Direction.TO_SERVER, Direction.TO_CLIENT):
            if self._transaction.stage[direction] == Stage.HEAD:
                self._stop(direction)
        return [self._transaction]

    def over(self) -> bool:
        return all(self._halves[side].pending is None for side in (Direction.TO_SERVER, Direction.TO_CLIENT))

    def held(self) -> int:
        return sum(len(half.pending or b"") for half in self._halves)

    def _stop(self, direction: int) -> None:
        self._halves[direction].pending = None
        self._transaction.stage[direction] = Stage.DONE

    def _stop_both(self) -> None:
        for direction in (Direction.TO_SERVER, Direction.TO_CLIENT):
            self._stop(direction)

    def _fail(self, direction: int, event: str) -> None:
        self._transaction.event(direction, event)
        self._stop_both()

    def _banner(self, direction: int, half: _Half, pending: bytearray) -> bool:
        """The first line; nothing may stand before it, as in Suricata. False = no record follows yet."""
        end = _LINE_END.search(pending)
        if end is None and len(pending) < STATED_LIMIT:
            return False
        found = _BANNER.match(pending, 0, end.start() if end else len(pending))
        if found is None:
            self._fail(direction, "ssh.invalid_banner")
            return False
        self._transaction.proto[direction], self._transaction.software[direction] = found.groups()
        if end is None or end.start() >= STATED_LIMIT:
            self._transaction.event(direction, "ssh.long_banner")
        if end is None:
            half.ends = True
            pending.clear()
            return False
        self._transaction.stage[direction] = Stage.HEAD
        del pending[: end.end()]
        return True

    def _behind_line(self, direction: int, half: _Half, pending: bytearray) -> None:
        end = _LINE_END.search(pending)
        if end is None:
            pending.clear()
            return
        del pending[: end.end()]
        self._records(direction, half, pending)

    def _records(self, direction: int, half: _Half, pending: bytearray) -> None:
        """Up to the first key exchange; up to the new keys when a rule looks at the records themselves."""
        while half.pending is not None:
            passed = min(half.skip, len(pending))
            del pending[:passed]
            half.skip -= passed
            if len(pending) < _RECORD_HEADER:
                return
            size, kind = int.from_bytes(pending[:4]), pending[5]
            if size < _TYPE_SIZE:
                self._fail(direction, "ssh.invalid_record")
            elif size - _TYPE_SIZE >= PACKET_LIMIT:
                if kind == _KEXINIT and self._hashes:
                    self._transaction.event(direction, "ssh.long_kex_record")
                half.skip = 4 + size
            elif len(pending) < 4 + size:
                return
            else:
                self._record(direction, half, kind, bytes(pending[: 4 + size]))
                del pending[: 4 + size]

    def _record(self, direction: int, half: _Half, kind: int, record: bytes) -> None:
        self.frames.add(direction, "record.hdr", record[:_RECORD_HEADER])
        self.frames.add(direction, "record.data", record[_RECORD_HEADER:])
        self.frames.add(direction, "record.pdu", record)
        if kind == _KEXINIT and not half.exchanged:
            half.exchanged = True
            self._key_exchange(direction, record)
        if kind == _NEWKEYS or (half.exchanged and not self.frames.wanted and not self._events):
            self._stop(direction)

    def _key_exchange(self, direction: int, record: bytes) -> None:
        chosen = _SERVER_LISTS if direction == Direction.TO_CLIENT else _CLIENT_LISTS
        lists = _name_lists(record[_LISTS_AT:])
        if lists:
            self._transaction.hassh[direction] = b";".join(lists[number] for number in chosen)
        if not self._halves[direction].ends:
            self._transaction.stage[direction] = Stage.DONE


def _name_lists(data: bytes) -> list[bytes]:
    """The name-lists of a KEXINIT, which ends with a byte and a number; empty when it is not whole."""
    cursor = Cursor(data)
    try:
        lists = [cursor.field(4) for _ in range(_LISTS)]
        cursor.take(_BEHIND_LISTS)
    except TooShortError:
        return []
    return lists


def _buffer(name: str, directions: int, stage: Stage, get: Callable[[SshTransaction, int], bytes]) -> Buffer:
    def instances(transaction: SshTransaction, direction: int) -> Sequence[bytes]:
        value = get(transaction, direction)
        return (value,) if value else ()

    return Buffer(name, directions, stage, instances)


def _fingerprint(transaction: SshTransaction, direction: int) -> bytes:
    text = transaction.hassh[direction]
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode() if text else b""


SSH: Final[Application] = application(
    "ssh",
    SshParser,
    (
        _buffer("ssh.proto", BOTH, Stage.HEAD, lambda t, d: t.proto[d]),
        _buffer("ssh.software", BOTH, Stage.HEAD, lambda t, d: t.software[d]),
        _buffer("ssh.hassh", TO_SERVER, Stage.DONE, _fingerprint),
        _buffer("ssh.hassh.server", TO_CLIENT, Stage.DONE, _fingerprint),
        _buffer("ssh.hassh.string", TO_SERVER, Stage.DONE, lambda t, d: t.hassh[d]),
        _buffer("ssh.hassh.server.string", TO_CLIENT, Stage.DONE, lambda t, d: t.hassh[d]),
    ),
)
