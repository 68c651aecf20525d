"""rfb: how a VNC connection is set up (RFC 6143, chapter 7.1 to 7.3.2), one transaction a connection."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import TO_CLIENT, TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

TEXT_LIMIT: Final = 4_096
"""Bytes of the desktop's name or of a reason that are kept."""
_VERSION: Final = 12
_CHALLENGE: Final = 16
_INIT: Final = 24
"""Bytes before the desktop's name: size, pixel format, length of the name."""
_NONE, _VNC = 1, 2
"""Security types that are followed."""
_OK, _FAILED = 0, 1
"""Outcomes of the authentication; Suricata knows no others, not even that of too many attempts."""


class RfbTransaction(Transaction):
    """The whole connection; None = it did not come to that."""

    __slots__ = (
        "challenge", "client_version", "init", "name", "reason", "response", "result", "security",
        "server_version", "shared",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.server_version = b""
        self.client_version = b""
        self.security: int | None = None
        self.challenge = b""
        self.response = b""
        self.result: int | None = None
        self.reason = b""
        self.shared: bool | None = None
        self.init = b""
        """Width, height and pixel format as sent."""
        self.name = b""


class _Stop(Exception):  # noqa: N818 (no error: the end of what is read)
    """Nothing more can be read. The text is the event that says why, "" for none."""


class RfbParser(Parser):
    """Each message has a reader; it gives the reader of the next one, and who sends that."""

    def __init__(self, _limits: Limits | None = None) -> None:
        self._transaction = RfbTransaction()
        self._pending = (bytearray(), bytearray(), bytearray())
        self._sender: int = Direction.TO_CLIENT
        self._read: Callable[[bytes], int] = self._server_version
        """Reads one message of the sender; gives its size, 0 when it is not whole. Raises _Stop."""
        self._over = False

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._over:
            return []
        if gap:
            return self._stop()
        before = [*self._transaction.stage]
        self._pending[direction].extend(data)
        try:
            while direction == self._sender and (size := self._read(bytes(self._pending[direction]))):
                del self._pending[direction][:size]
        except _Stop as stop:
            if str(stop):
                self._transaction.event(self._sender, str(stop))
            return self._stop()
        if direction != self._sender and self._pending[direction]:
            if self._transaction.server_version:
                self._transaction.event(direction, "rfb.confused_state")
            return self._stop()
        if sum(map(len, self._pending)) > 4 * TEXT_LIMIT:
            self._transaction.event(direction, "rfb.malformed_message")
            return self._stop()
        return [self._transaction] if self._transaction.stage != before else []

    def finish(self) -> list[Transaction]:
        return [] if self._over else self._stop()

    def part(self) -> None:
        del self._read

    def over(self) -> bool:
        return self._over

    def held(self) -> int:
        return sum(map(len, self._pending)) + len(self._transaction.name)

    def _stop(self) -> list[Transaction]:
        self._over = True
        for pending in self._pending:
            pending.clear()
        for direction in (Direction.TO_SERVER, Direction.TO_CLIENT):
            self._transaction.stage[direction] = Stage.DONE
        return [self._transaction]

    def _next(self, message: bytes, sender: int, read: Callable[[bytes], int]) -> int:
        """The message is there; who sends the next one, and what that is."""
        self.frames.add(self._sender, "pdu", message)
        self._sender, self._read = sender, read
        return len(message)

    # Messages, in their order --------------------------------------------------------------------

    def _server_version(self, sent: bytes) -> int:
        if len(sent) < _VERSION:
            return 0
        self._transaction.server_version = _version(sent)
        return self._next(sent[:_VERSION], Direction.TO_SERVER, self._client_version)

    def _client_version(self, sent: bytes) -> int:
        if len(sent) < _VERSION:
            return 0
        self._transaction.client_version = version = _version(sent)
        decides = self._server_decides if version == b"003.003" else self._offer
        return self._next(sent[:_VERSION], Direction.TO_CLIENT, decides)

    def _server_decides(self, sent: bytes) -> int:
        """Version 3.3: the server says which security type."""
        if len(sent) < 4:
            return 0
        chosen = int.from_bytes(sent[:4])
        if chosen == 0:
            self._choose(chosen)
            return self._next(sent[:4], Direction.TO_CLIENT, self._reason)
        if chosen not in (_NONE, _VNC):
            raise self._unimplemented(sent[:4])  # and it is not what rules look at
        return self._chosen(sent[:4], chosen)

    def _offer(self, sent: bytes) -> int:
        if not sent or len(sent) < 1 + sent[0]:
            return 0
        if sent[0] == 0:
            return self._next(sent[:1], Direction.TO_CLIENT, self._reason)
        return self._next(sent[: 1 + sent[0]], Direction.TO_SERVER, self._selection)

    def _selection(self, sent: bytes) -> int:
        return self._chosen(sent[:1], sent[0]) if sent else 0

    def _choose(self, chosen: int) -> None:
        self._transaction.security = chosen
        self._transaction.stage[Direction.TO_SERVER] = Stage.HEAD

    def _unimplemented(self, message: bytes) -> _Stop:
        self.frames.add(self._sender, "pdu", message)
        return _Stop("rfb.unimplemented_security_type")

    def _chosen(self, message: bytes, chosen: int) -> int:
        self._choose(chosen)
        if chosen == _VNC:
            return self._next(message, Direction.TO_CLIENT, self._challenge)
        if chosen != _NONE:
            raise self._unimplemented(message)
        if self._transaction.client_version in {b"003.003", b"003.007"}:
            return self._next(message, Direction.TO_SERVER, self._client_init)
        return self._next(message, Direction.TO_CLIENT, self._result)

    def _challenge(self, sent: bytes) -> int:
        if len(sent) < _CHALLENGE:
            return 0
        self._transaction.challenge = sent[:_CHALLENGE]
        return self._next(sent[:_CHALLENGE], Direction.TO_SERVER, self._response)

    def _response(self, sent: bytes) -> int:
        if len(sent) < _CHALLENGE:
            return 0
        self._transaction.response = sent[:_CHALLENGE]
        return self._next(sent[:_CHALLENGE], Direction.TO_CLIENT, self._result)

    def _result(self, sent: bytes) -> int:
        if len(sent) < 4:
            return 0
        result = self._transaction.result = int.from_bytes(sent[:4])
        self._transaction.stage[Direction.TO_CLIENT] = Stage.HEAD
        if result not in (_OK, _FAILED):
            raise _Stop("rfb.unknown_security_result")
        if result == _FAILED:
            return self._next(sent[:4], Direction.TO_CLIENT, self._reason)
        return self._next(sent[:4], Direction.TO_SERVER, self._client_init)

    def _reason(self, sent: bytes) -> int:
        size = int.from_bytes(sent[:4])
        if len(sent) < 4 + min(size, TEXT_LIMIT):
            return 0
        self._transaction.reason = _text(sent[4 : 4 + min(size, TEXT_LIMIT)], size)
        self._read = self._nothing
        return len(sent)

    def _nothing(self, sent: bytes) -> int:
        """Behind its reason a server may say what it likes."""
        return len(sent)

    def _client_init(self, sent: bytes) -> int:
        if not sent:
            return 0
        self._transaction.shared = sent[0] != 0
        return self._next(sent[:1], Direction.TO_CLIENT, self._server_init)

    def _server_init(self, sent: bytes) -> int:
        if len(sent) < _INIT:
            return 0
        size = int.from_bytes(sent[_INIT - 4 : _INIT])
        if len(sent) < _INIT + min(size, TEXT_LIMIT):
            return 0
        self._transaction.init = sent[: _INIT - 4]
        self._transaction.name = _text(sent[_INIT : _INIT + min(size, TEXT_LIMIT)], size)
        self.frames.add(self._sender, "pdu", sent[: _INIT + size])
        raise _Stop


def _version(sent: bytes) -> bytes:
    """`003.008` of a version message. Raises _Stop: what has none is no such connection."""
    if not sent.startswith(b"RFB ") or sent[7:8] != b"." or sent[11:12] != b"\n":
        raise _Stop
    return _text(sent[4:11], 7, "")


def _text(data: bytes, size: int, event: str = "rfb.malformed_message") -> bytes:
    """Text of so many bytes, which may be cut. Raises _Stop where it is no UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=len(data) == size)
    except UnicodeDecodeError:
        raise _Stop(event) from None
    return data


def _number(value: int | None) -> Iterator[bytes]:
    if value is not None:
        yield value.to_bytes(4, "big")


def _buffer(
    name: str, direction: int, stage: Stage, get: Callable[[RfbTransaction], Iterator[bytes]]
) -> Buffer:
    def instances(transaction: RfbTransaction, _direction: int) -> Sequence[bytes]:
        return list(get(transaction))

    return Buffer(name, direction, stage, instances)


RFB: Final[Application] = application(
    "rfb",
    RfbParser,
    (
        _buffer("rfb.name", TO_CLIENT, Stage.DONE, lambda t: iter((t.name,) if t.name else ())),
        _buffer("rfb.sectype", TO_SERVER, Stage.HEAD, lambda t: _number(t.security)),
        _buffer("rfb.secresult", TO_CLIENT, Stage.HEAD, lambda t: _number(t.result)),
    ),
)
