"""TLS up to the end of the handshake that can be read (RFC 5246, RFC 8446); what follows is left alone."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser, Stage, Transaction
from vpi_tui.detect.applayer.tls.certificate import Certificate, parse_certificate
from vpi_tui.detect.applayer.tls.hello import Hello, parse_hello
from vpi_tui.model.batch import Direction

RECORD_LIMIT: Final = 18_432 + 5
"""Bytes of a record (RFC 5246, 6.2.3)."""
HANDSHAKE_LIMIT: Final = 65_536
"""Bytes of one handshake message."""
MOST_CERTIFICATES: Final = 32
_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _SERVER_HELLO_DONE = 1, 2, 11, 14


class TlsTransaction(Transaction):
    """One handshake; entries by Direction."""

    __slots__ = ("certificates", "hello")

    def __init__(self) -> None:
        super().__init__()
        self.hello: list[Hello | None] = [None, None, None]
        self.certificates: list[list[Certificate]] = [[], [], []]


class _Side:
    """One direction: bytes of a record that is not whole, of a handshake message that is not whole."""

    __slots__ = ("direction", "messages", "records", "transaction")

    def __init__(self, transaction: TlsTransaction, direction: int) -> None:
        self.transaction = transaction
        self.direction = direction
        self.records = bytearray()
        self.messages = bytearray()

    @property
    def over(self) -> bool:
        return self.transaction.stage[self.direction] == Stage.DONE

    def stop(self, event: str = "") -> None:
        if event:
            self.transaction.event(self.direction, event)
        self.transaction.stage[self.direction] = Stage.DONE
        self.records.clear()
        self.messages.clear()

    def feed(self, data: bytes) -> None:
        self.records += data
        while not self.over and len(self.records) >= 5:
            kind, size = self.records[0], self.records[3] << 8 | self.records[4]
            if self.records[0] & 0x80 and self.records[2] == _CLIENT_HELLO and self._old_hello():
                continue
            if not _CHANGE_CIPHER_SPEC <= kind <= 24 or self.records[1] != 3 or size > RECORD_LIMIT:
                self.stop("tls.invalid_record_type")
            elif len(self.records) < 5 + size:
                return
            else:
                self._record(kind, bytes(self.records[5 : 5 + size]))
                del self.records[: 5 + size]

    def _old_hello(self) -> bool:
        """A hello in the form of SSL 2 (RFC 5246, E.2): only its version and its ciphers are of use."""
        size = (self.records[0] & 0x7F) << 8 | self.records[1]
        if len(self.records) < 2 + size or size < 9:
            return False
        body = bytes(self.records[2 : 2 + size])
        ciphers = body[9 : 9 + int.from_bytes(body[3:5], "big")]
        known = [int.from_bytes(ciphers[at : at + 3], "big") for at in range(0, len(ciphers) - 2, 3)]
        self.transaction.hello[self.direction] = Hello(int.from_bytes(body[1:3], "big"), b"", known)
        self.transaction.stage[self.direction] = Stage.HEAD
        del self.records[: 2 + size]
        return True

    def _record(self, kind: int, body: bytes) -> None:
        if kind in (_CHANGE_CIPHER_SPEC, _APPLICATION_DATA):
            self.stop()
        elif kind == _HANDSHAKE:
            self.messages += body
            while not self.over and len(self.messages) >= 4:
                size = int.from_bytes(self.messages[1:4], "big")
                if size > HANDSHAKE_LIMIT:
                    self.stop("tls.invalid_handshake_message")
                elif len(self.messages) < 4 + size:
                    return
                else:
                    message = bytes(self.messages[4 : 4 + size])
                    number = self.messages[0]
                    del self.messages[: 4 + size]
                    self._message(number, message)

    def _message(self, kind: int, body: bytes) -> None:
        found = self.transaction
        if kind in (_CLIENT_HELLO, _SERVER_HELLO):
            if found.hello[self.direction] is None:
                found.hello[self.direction] = parse_hello(body, of_client=kind == _CLIENT_HELLO)
                found.stage[self.direction] = Stage.HEAD
        elif kind == _CERTIFICATE:
            found.certificates[self.direction] = _certificates(body)
            self.stop()
        elif kind == _SERVER_HELLO_DONE:
            self.stop()


def _certificates(body: bytes) -> list[Certificate]:
    """Those of a Certificate message up to TLS 1.2, in which they are not encrypted."""
    found: list[Certificate] = []
    at = 3
    while at + 3 < len(body) and len(found) < MOST_CERTIFICATES:
        size = int.from_bytes(body[at : at + 3], "big")
        found.append(parse_certificate(body[at + 3 : at + 3 + size]))
        at += 3 + size
    return found


class TlsParser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._transaction = TlsTransaction()
        self._sides = [
            _Side(self._transaction, direction)
            for direction in (Direction.NONE, Direction.TO_SERVER, Direction.TO_CLIENT)
        ]

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        side = self._sides[direction]
        if side.over:
            return []
        before = self._transaction.stage[direction]
        if gap:
            side.stop()
        else:
            side.feed(data)
        return [self._transaction] if self._transaction.stage[direction] != before else []

    def finish(self) -> list[Transaction]:
        for side in self._sides[1:]:
            if self._transaction.stage[side.direction]:
                side.stop()
        return [self._transaction]

    def held(self) -> int:
        return sum(len(side.records) + len(side.messages) for side in self._sides)
