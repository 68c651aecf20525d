"""ssh: banners (RFC 4253, 4.2) and the first key exchange, of which HASSH makes its fingerprint."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.base import (
    BOTH,
    TO_CLIENT,
    TO_SERVER,
    Application,
    Buffer,
    Limits,
    Parser,
    Stage,
    Transaction,
    application,
)
from vpi_tui.model.batch import Direction

BANNER_LIMIT: Final = 8_192
"""Bytes in front of and in the banner: a server may send other lines before it."""
STATED_LIMIT: Final = 256
"""Bytes of a banner beyond which it is an anomaly (RFC 4253, 4.2)."""
PACKET_LIMIT: Final = 65_535
"""Bytes of a packet that is put together; RFC 4253, 6.1, asks for 35,000."""
_BANNER: Final = re.compile(rb"(?:^|\n)SSH-([^-\r\n]++)-([^ \r\n]++)[^\n]*+\n")
_KEXINIT, _NEWKEYS = 20, 21
_RECORD_HEADER: Final = 6
"""Length, padding length, type."""
_LISTS_AT: Final = 22
"""Length, padding length, type, cookie."""
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


class SshParser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._transaction = SshTransaction()
        self._pending: list[bytearray | None] = [None, bytearray(), bytearray()]
        self._exchanged = [False, False, False]

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        pending = self._pending[direction]
        if pending is None:
            return []
        pending += data
        before = self._transaction.stage[direction]
        if gap:
            self._stop(direction)
        elif before == Stage.NONE:
            self._banner(direction, pending)
        if self._transaction.stage[direction] == Stage.HEAD:
            self._records(direction, pending)
        return [self._transaction] if self._transaction.stage[direction] != before else []

    def finish(self) -> list[Transaction]:
        for direction in (Direction.TO_SERVER, Direction.TO_CLIENT):
            if self._transaction.stage[direction] == Stage.HEAD:
                self._stop(direction)
        return [self._transaction]

    def over(self) -> bool:
        return self._pending[Direction.TO_SERVER] is None and self._pending[Direction.TO_CLIENT] is None

    def held(self) -> int:
        return sum(len(pending or b"") for pending in self._pending)

    def _stop(self, direction: int) -> None:
        self._pending[direction] = None
        self._transaction.stage[direction] = Stage.DONE

    def _banner(self, direction: int, pending: bytearray) -> None:
        found = _BANNER.search(pending)
        if found is None:
            if len(pending) > BANNER_LIMIT:
                long = b"\n" not in pending and pending.startswith(b"SSH-")
                self._transaction.event(direction, "ssh.long_banner" if long else "ssh.invalid_banner")
                self._stop(direction)
            return
        if len(found[0].strip(b"\r\n")) > STATED_LIMIT:
            self._transaction.event(direction, "ssh.long_banner")
        self._transaction.proto[direction], self._transaction.software[direction] = found.groups()
        self._transaction.stage[direction] = Stage.HEAD
        del pending[: found.end()]

    def _records(self, direction: int, pending: bytearray) -> None:
        """Up to the first key exchange; up to the new keys when a rule looks at the records themselves."""
        while self._transaction.stage[direction] == Stage.HEAD and len(pending) >= _RECORD_HEADER:
            size = int.from_bytes(pending[:4], "big")
            begins = pending[5] == _KEXINIT
            if not 2 <= size <= PACKET_LIMIT or not (self._exchanged[direction] or begins):
                long = begins and size > PACKET_LIMIT
                self._transaction.event(direction, "ssh.long_kex_record" if long else "ssh.invalid_record")
                self._stop(direction)
                return
            if len(pending) < 4 + size:
                return
            record = bytes(pending[: 4 + size])
            del pending[: 4 + size]
            self.frames.add(direction, "record.hdr", record[:_RECORD_HEADER])
            self.frames.add(direction, "record.data", record[_RECORD_HEADER:])
            self.frames.add(direction, "record.pdu", record)
            if record[5] == _KEXINIT:
                self._key_exchange(direction, record)
            if record[5] == _NEWKEYS or not self.frames.wanted:
                self._stop(direction)

    def _key_exchange(self, direction: int, record: bytes) -> None:
        if self._exchanged[direction]:
            return
        self._exchanged[direction] = True
        chosen = _SERVER_LISTS if direction == Direction.TO_CLIENT else _CLIENT_LISTS
        lists = _name_lists(record[_LISTS_AT:])
        if len(lists) > max(chosen):
            self._transaction.hassh[direction] = b";".join(lists[number] for number in chosen)


def _name_lists(data: bytes) -> list[bytes]:
    """The name-lists of a KEXINIT, as far as they are whole."""
    lists: list[bytes] = []
    at = 0
    while at + 4 <= len(data) and len(lists) < 10:
        size = int.from_bytes(data[at : at + 4], "big")
        at += 4
        if at + size > len(data):
            break
        lists.append(data[at : at + size])
        at += size
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
