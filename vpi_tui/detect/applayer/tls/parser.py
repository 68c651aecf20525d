"""Records and handshake messages, up to where either side begins to encrypt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.cursor import Cursor, TooShortError
from vpi_tui.detect.applayer.tls import flaws, hello
from vpi_tui.detect.applayer.tls.certificates import is_certificate
from vpi_tui.detect.applayer.tls.records import (
    ALERT,
    CHANGE_CIPHER,
    DATA,
    HANDSHAKE,
    HEARTBEAT,
    is_known,
    problem_of,
)
from vpi_tui.detect.applayer.tls.transaction import MOST_CERTIFICATES, TlsTransaction
from vpi_tui.detect.applayer.transaction import EVENTS, Stage, Transaction
from vpi_tui.detect.applayer.window import ANY_SIZE
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
_HEARTBEAT_HEAD: Final = 3
"""Type and length of the payload (RFC 6520, 4)."""
_HEARTBEAT_REQUEST, _HEARTBEAT_RESPONSE = 1, 2
_HEARTBEAT_PADDING: Final = 16
"""Bytes behind its payload, at least."""
_ALERT_SIZE: Final = 2
_MESSAGE_HEAD: Final = 4
_CONTENT_FRAMES: Final = {ALERT: "alert", HEARTBEAT: "heartbeat"}
MESSAGE_LIMIT: Final = 131_072
"""Bytes of a handshake message that is put together."""
_SSL2: Final = 2
_TLS_1_2: Final = 0x0303
_SSL2_SHORT, _SSL2_LONG = 0x80, 0x40
"""Bits of a record's first byte: of SSLv2 with a head of two bytes, of three; no type of TLS has either."""
_SSL2_ERROR, _SSL2_CLIENT_HELLO, _SSL2_SERVER_HELLO = 0, 1, 4
_SSL2_LEAST: Final = 7
"""Bytes of the fixed part of a ClientHello."""
_SKIPS_JUNK: Final = frozenset((0x0301, 0x0302))
"""Versions of which a record of an unknown type ends nothing: TLS 1.0 and 1.1 (RFC 2246, 6)."""
_KNOWN_MESSAGES: Final = frozenset((0, 1, 2, 4, 11, 12, 13, 14, 15, 16, 20, 21, 22))
"""Handshake messages that come in the clear (RFC 5246, 7.4; RFC 5077; RFC 6066)."""


class _Half:
    """One direction: bytes of an unfinished record, and of an unfinished handshake message."""

    __slots__ = ("encrypted", "messages", "needed", "over", "records", "version")

    def __init__(self) -> None:
        self.records = bytearray()
        self.needed = 0
        """Bytes of `records` without which there is nothing to do; 0 = not known."""
        self.messages = bytearray()
        self.over = False
        self.version = 0
        """Of the latest record; 0 = there was none."""
        self.encrypted = False
        """The handshake has ended, and the sizes of heartbeats are still looked at."""


class TlsParser(Parser):
    """One connection; its handshake is one transaction."""

    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self._checks = limits.heeds(*flaws.OF_CERTIFICATE)
        self._checks_hellos = limits.heeds(*flaws.OF_HELLO)
        """Does anybody ask what is wrong with certificates and hellos?"""
        self._follows = limits.wants(EVENTS)
        """Does anybody ask what is odd about records, also of those that are encrypted?"""
        self._handshake = TlsTransaction()
        self._halves = (_Half(), _Half(), _Half())
        self._moved = False
        self._encrypts = False
        """A side has said that it is going to."""
        self._heartbeat_size = 0
        """Bytes of an encrypted heartbeat that waits for its answer; 0 = none does."""
        self._heartbeat_from = 0
        """The Direction in which the heartbeat went that waits for its answer; 0 = none does."""

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        half = self._halves[direction]
        if half.over:
            return []
        if gap:
            self._end(direction)
        else:
            half.records += data
            if len(half.records) >= half.needed:
                half.needed = 0
                self._records(direction, half)
        return self._progress()

    def finish(self) -> list[Transaction]:
        self._end(SERVER)
        self._end(CLIENT)
        return self._progress()

    def held(self) -> int:
        _, asking, answering = self._halves
        kept = len(asking.records) + len(asking.messages) + len(answering.records) + len(answering.messages)
        return kept + sum(side.weight() for side in self._handshake.side)

    def over(self) -> bool:
        return self._halves[SERVER].over and self._halves[CLIENT].over

    def patience(self, direction: int) -> int:
        half = self._halves[direction]
        return ANY_SIZE if half.over else max(half.needed - len(half.records) - 1, 0)

    def _progress(self) -> list[Transaction]:
        moved, self._moved = self._moved, False
        return [self._handshake] if moved else []

    def _reach(self, direction: int, stage: Stage) -> None:
        if self._handshake.stage[direction] < stage:
            self._handshake.stage[direction] = stage
            self._moved = True

    def _fail(self, direction: int, event: str) -> None:
        """What this side has sent cannot be: as in Suricata nothing more is read of either side."""
        self._handshake.event(direction, f"tls.{event}")
        self._end(SERVER)
        self._end(CLIENT)

    def _end(self, direction: int) -> None:
        """Nothing more can be read of this side."""
        half = self._halves[direction]
        half.over = True
        half.records.clear()
        half.messages.clear()
        self._reach(direction, Stage.DONE)

    # Records -------------------------------------------------------------------------------------

    def _records(self, direction: int, half: _Half) -> None:
        records = half.records
        while not half.over and len(records) >= 5:
            if records[0] & (_SSL2_SHORT | _SSL2_LONG):
                if not self._ssl2(direction, half):
                    return
                continue
            kind, length = records[0], int.from_bytes(records[3:5])
            if not self._may_be(direction, half, kind, length):
                return
            if len(records) < 5 + length:
                half.needed = 5 + length
                return
            body = bytes(records[5 : 5 + length])
            half.version = int.from_bytes(records[1:3])
            self._handshake.side[direction].notice(half.version)
            if self.frames.wanted:
                self._emit(direction, kind, bytes(records[:5]), body)
            del records[: 5 + length]
            self._record(direction, half, kind, body)

    def _may_be(self, direction: int, half: _Half, kind: int, length: int) -> bool:
        """Can a record have the head that stands first?"""
        side = self._handshake.side[direction]
        greeted = side.version if side.hello is not None else 0
        if not is_known(kind) and (greeted or half.version) in _SKIPS_JUNK:
            self._handshake.event(direction, "tls.invalid_record_type")
            self._moved = True
            half.records.clear()
            return False
        told = greeted or int.from_bytes(half.records[1:3])
        problem = problem_of(length, told) if is_known(kind) else "invalid_record_type"
        if problem:
            self._fail(direction, problem)
        return not problem

    def _record(self, direction: int, half: _Half, kind: int, body: bytes) -> None:
        if kind == HEARTBEAT:
            self._heartbeat(direction, body)
        elif half.encrypted:
            if kind == DATA:
                self._end(direction)
        elif kind == CHANGE_CIPHER and self._follows:
            self._encrypts = half.encrypted = True
            half.messages.clear()
            self._reach(direction, Stage.DONE)
        elif kind in (CHANGE_CIPHER, DATA):
            self._end(direction)
        elif kind == ALERT and len(body) < _ALERT_SIZE:
            self._fail(direction, "invalid_alert_message")
        elif kind == HANDSHAKE and not self._hides_messages():
            if len(body) < _MESSAGE_HEAD:
                self._handshake.event(direction, "tls.invalid_ssl_record")
            self._messages(direction, half, body)

    def _hides_messages(self) -> bool:
        """Behind a change of ciphers, of whichever side, none can be read. In TLS 1.3 it means nothing before
        the server has answered (RFC 8446, D.4)."""
        client, server = self._handshake.side[SERVER], self._handshake.side[CLIENT]
        return self._encrypts and not (
            client.hello is not None and client.version > _TLS_1_2 and server.hello is None
        )

    def _emit(self, direction: int, kind: int, head: bytes, body: bytes) -> None:
        """The frames of a record."""
        self.frames.add(direction, "pdu", head + body)
        self.frames.add(direction, "hdr", head)
        self.frames.add(direction, _CONTENT_FRAMES.get(kind, "data"), body)

    def _heartbeat(self, direction: int, body: bytes) -> None:
        """Before either side encrypts hardly anything but an attack sends one (CVE-2014-0160). Of one that is
        encrypted nobody can read more than its size."""
        if len(body) < _HEARTBEAT_HEAD:
            return
        if not self._encrypts and body[0] not in (_HEARTBEAT_REQUEST, _HEARTBEAT_RESPONSE):
            self._fail(direction, "invalid_heartbeat_message")
        elif not self._heartbeat_from:
            self._heartbeat_from = direction
            if self._encrypts:
                self._heartbeat_size = len(body)
            else:
                self._plain_heartbeat(direction, body)
        elif self._heartbeat_from == direction:
            self._fail(direction, "invalid_heartbeat_message")
        else:
            self._answer(direction, len(body))

    def _plain_heartbeat(self, direction: int, body: bytes) -> None:
        padding = len(body) - _HEARTBEAT_HEAD - int.from_bytes(body[1:_HEARTBEAT_HEAD])
        if padding < 0:
            self._fail(direction, "overflow_heartbeat_message")
        elif padding < _HEARTBEAT_PADDING:
            self._fail(direction, "invalid_heartbeat_message")

    def _answer(self, direction: int, length: int) -> None:
        """The answer to a heartbeat repeats it, so it is as long; one that is longer carries more than was
        sent."""
        asked, self._heartbeat_from, self._heartbeat_size = self._heartbeat_size, 0, 0
        if 0 < asked < length:
            self._fail(direction, "dataleak_heartbeat_mismatch")

    def _ssl2(self, direction: int, half: _Half) -> bool:
        """A record of SSLv2; all but hellos are passed over. False = more bytes are needed, or it is none."""
        records = half.records
        head = 2 if records[0] & _SSL2_SHORT else 3
        length = int.from_bytes(records[:2]) & (0x7FFF if head == 2 else 0x3FFF)
        kind = records[head]
        too_short = direction == SERVER and kind == _SSL2_CLIENT_HELLO and length < _SSL2_LEAST
        if not length:
            self._handshake.event(direction, "tls.invalid_sslv2_header")
        if not length or too_short:
            self._fail(direction, "invalid_ssl_record")
            return False
        if len(records) < head + length:
            half.needed = head + length
            return False
        body = bytes(records[head : head + length])
        self.frames.add(direction, "ssl2.hdr", records[:head])
        self.frames.add(direction, "ssl2.pdu", records[: head + length])
        del records[: head + length]
        if kind == _SSL2_ERROR:
            self._handshake.event(direction, "tls.error_message_encountered")
            self._moved = True
        elif kind == (_SSL2_CLIENT_HELLO if direction == SERVER else _SSL2_SERVER_HELLO):
            self._ssl2_hello(direction, body)
        return True

    def _ssl2_hello(self, direction: int, body: bytes) -> None:
        side = self._handshake.side[direction]
        if side.hello is not None:
            return
        if direction == SERVER:
            self._greeted(direction, hello.sslv2_client_hello(body))
        else:
            made, certificate = hello.sslv2_server_hello(body)
            side.chain = [certificate] if certificate else []
            self._greeted(direction, made)
        if side.version <= _SSL2:
            self._end(direction)

    # Messages ------------------------------------------------------------------------------------

    def _messages(self, direction: int, half: _Half, data: bytes) -> None:
        """data: the body of a record."""
        if half.messages:
            half.messages += data
            if len(half.messages) < _size_of(half.messages) <= _MESSAGE_HEAD + MESSAGE_LIMIT:
                return
            data = bytes(half.messages)
            half.messages.clear()
        at = 0
        while not half.over:
            head = data[at : at + _MESSAGE_HEAD]
            length = _size_of(head) - _MESSAGE_HEAD
            if 0 < len(head) < _MESSAGE_HEAD < len(data):
                self._handshake.event(direction, "tls.invalid_ssl_record")
                self._handshake.event(direction, "tls.invalid_handshake_message")
            if len(head) == _MESSAGE_HEAD and head[0] not in _KNOWN_MESSAGES:
                at += _MESSAGE_HEAD + length  # what another record has of it is read as what it is not
                self._handshake.event(direction, "tls.invalid_handshake_message")
            elif length > MESSAGE_LIMIT:
                self._fail(direction, "handshake_invalid_length")
            elif len(data) < at + _MESSAGE_HEAD + length:
                half.messages += data[at:]
                return
            else:
                begin, at = at + _MESSAGE_HEAD, at + _MESSAGE_HEAD + length
                self._message(direction, head[0], data[begin:at])

    def _message(self, direction: int, kind: int, body: bytes) -> None:
        handler = _MESSAGES[direction].get(kind)
        if handler is not None:
            handler(self, direction, body)

    def _greeted(self, direction: int, made: hello.Hello) -> None:
        side = self._handshake.side[direction]
        if side.hello is None:
            side.greet(made)
            told = hello.chosen_version if direction == CLIENT else hello.preferred_version
            side.version = told(made)
            side.states[b"client_hello" if direction == SERVER else b"server_hello"] = None
        self._reach(direction, Stage.HEAD)

    def _client_hello(self, direction: int, body: bytes) -> None:
        made = hello.client_hello(body)
        for name in flaws.of_client_hello(made) if self._checks_hellos else ():
            self._handshake.event(direction, f"tls.{name}")
        self._greeted(direction, made)

    def _server_hello(self, direction: int, body: bytes) -> None:
        made = hello.server_hello(body)
        for name in flaws.of_server_hello(made) if self._checks_hellos else ():
            self._handshake.event(direction, f"tls.{name}")
        self._greeted(direction, made)

    def _certificate(self, direction: int, body: bytes) -> None:
        """The first message with certificates counts."""
        chain = self._handshake.side[direction].chain
        cursor = Cursor(body)
        if chain or len(body) < 3 or cursor.number(3) > cursor.left:
            return
        try:
            while cursor and len(chain) < MOST_CERTIFICATES:
                der = cursor.field(3)
                if chain or self._can_be_read(direction, der):
                    chain.append(der)
        except TooShortError:
            self._handshake.event(direction, "tls.invalid_certificate")

    def _can_be_read(self, direction: int, der: bytes) -> bool:
        """Is it a certificate? Of one that is none no more is known than that it came."""
        readable = is_certificate(der)
        fault = flaws.of_known_certificate(der) if self._checks else ""
        if not readable and fault != "certificate_invalid_length":
            fault = "invalid_certificate"
        if fault:
            self._handshake.event(direction, f"tls.{fault}")
        return readable

    def _server_keys(self, direction: int, _body: bytes) -> None:
        self._handshake.side[direction].states[b"server_keyx"] = None

    def _server_done(self, direction: int, _body: bytes) -> None:
        self._end(direction)

    def _client_keys(self, direction: int, _body: bytes) -> None:
        self._handshake.side[direction].states[b"client_keyx"] = None
        self._end(direction)


def _size_of(head: bytes | bytearray) -> int:
    """Bytes of the message that begins so, as far as they tell: at least those of its head."""
    if len(head) < _MESSAGE_HEAD:
        return _MESSAGE_HEAD
    return _MESSAGE_HEAD + int.from_bytes(head[1:_MESSAGE_HEAD])


_Handler = Callable[[TlsParser, int, bytes], None]
_MESSAGES: Final[dict[int, dict[int, _Handler]]] = {
    SERVER: {1: TlsParser._client_hello, 11: TlsParser._certificate, 16: TlsParser._client_keys},
    CLIENT: {
        2: TlsParser._server_hello,
        11: TlsParser._certificate,
        12: TlsParser._server_keys,
        14: TlsParser._server_done,
    },
}
