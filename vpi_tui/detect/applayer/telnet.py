"""telnet: commands and lines of a session (RFC 854), as frames; there are no transactions."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
LINE_LIMIT: Final = 16_384
"""Bytes of a line; a longer one is given in pieces."""
_IAC: Final = 0xFF
_SUBNEGOTIATION: Final = 250
_OPTIONS: Final = frozenset(range(251, 255))
"""WILL, WONT, DO, DONT: an option follows."""
_END: Final = b"\xff\xf0"
"""Of a subnegotiation; a command of its own."""
_OF_SUBNEGOTIATION: Final = 3
"""Bytes of one that begin it: the command and the option."""
_INCORRECT: Final = b"Login incorrect"


class _State(Enum):
    """How far somebody is with logging in, of both sides together."""

    IDLE = auto()
    LOGIN_ASKED = auto()
    LOGIN_SAID = auto()
    PASSWORD_ASKED = auto()
    PASSWORD_SAID = auto()
    REFUSED = auto()
    LET_IN = auto()


_ASKS: Final = {
    _State.IDLE: _State.LOGIN_ASKED,
    _State.REFUSED: _State.LOGIN_ASKED,
    _State.LOGIN_SAID: _State.PASSWORD_ASKED,
}
"""Where the server is about to ask: all up to a colon and a space is one piece, whatever lines it has."""
_ANSWERED: Final = {
    _State.LOGIN_ASKED: _State.LOGIN_SAID,
    _State.PASSWORD_ASKED: _State.PASSWORD_SAID,
}


class TelnetParser(Parser):
    """Divides sessions as Suricata does, by what it takes for the course of a login."""

    def __init__(self, _limits: Limits | None = None) -> None:
        self._pending = (bytearray(), bytearray(), bytearray())
        self._state = _State.IDLE

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if not self.frames.wanted:
            return []
        pending = self._pending[direction]
        if gap:
            pending.clear()
        pending += data
        while pending:
            size, end = self._piece(pending, direction)
            if not size:
                break
            piece = bytes(pending[:size])
            self._emit(direction, piece)
            del pending[:size]
            if end:
                self._go_on(direction, piece.removesuffix(end))
        return []

    def finish(self) -> list[Transaction]:
        """Pieces whose ends did not come are frames as well."""
        for direction in (SERVER, CLIENT):
            self._emit(direction, bytes(self._pending[direction]))
            self._pending[direction].clear()
        return []

    def held(self) -> int:
        return sum(map(len, self._pending))

    def _emit(self, direction: int, piece: bytes) -> None:
        self.frames.add(direction, "pdu", piece)
        self.frames.add(direction, "ctl" if piece[:1] == b"\xff" else "data", piece)

    def _piece(self, pending: bytearray, direction: int) -> tuple[int, bytes]:
        """Bytes of the command or text that comes first, 0 = it is not whole; how a text ends."""
        if pending[0] == _IAC:
            return _command_size(pending), b""
        end = b": " if direction == CLIENT and self._state in _ASKS else b"\n"
        found = pending.find(end)
        if found >= 0:
            return found + len(end), end
        return (LINE_LIMIT if len(pending) >= LINE_LIMIT else 0), b""

    def _go_on(self, direction: int, said: bytes) -> None:
        if direction == SERVER:
            self._state = _ANSWERED.get(self._state, self._state)
        elif self._state is not _State.PASSWORD_SAID:
            self._state = _ASKS.get(self._state, self._state)
        elif said == _INCORRECT:
            self._state = _State.REFUSED
        elif said:
            self._state = _State.LET_IN


def _command_size(pending: bytearray) -> int:
    if len(pending) < 2:
        return 0
    if pending[1] == _SUBNEGOTIATION:
        end = pending.find(_END, _OF_SUBNEGOTIATION)
        return max(end, 0) or (LINE_LIMIT if len(pending) >= LINE_LIMIT else 0)
    size = 3 if pending[1] in _OPTIONS else 2
    return size if len(pending) >= size else 0


TELNET: Final[Application] = application("telnet", TelnetParser, ())
