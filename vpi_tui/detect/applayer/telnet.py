"""telnet: commands and lines of a session (RFC 854), as frames; there are no transactions."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

LINE_LIMIT: Final = 4_096
"""Bytes of a line; a longer one is given in pieces."""
_IAC: Final = 0xFF
_SUBNEGOTIATION: Final = 250
_OPTIONS: Final = frozenset(range(251, 255))
"""WILL, WONT, DO, DONT: an option follows."""
_END: Final = b"\xff\xf0"
_LINE: Final = re.compile(rb"[^\n\xff]*\n")
_PROMPT: Final = re.compile(rb"[^\n\xff]*(?:\n|: ?\Z)")
"""A server's line, or what it asks and waits for an answer to."""


class TelnetParser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._pending = (bytearray(), bytearray(), bytearray())

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if not self.frames.wanted:
            return []
        pending = self._pending[direction]
        if gap:
            pending.clear()
        pending += data
        while size := _size(pending, direction):
            piece = bytes(pending[:size])
            self.frames.add(direction, "pdu", piece)
            self.frames.add(direction, "ctl" if piece[0] == _IAC else "data", piece)
            del pending[:size]
        return []

    def finish(self) -> list[Transaction]:
        return []

    def held(self) -> int:
        return sum(map(len, self._pending))


def _size(pending: bytearray, direction: int) -> int:
    """Bytes of the command or line that comes first; 0 = it is not whole."""
    if not pending:
        return 0
    if pending[0] == _IAC:
        return _command_size(pending)
    found = (_PROMPT if direction == Direction.TO_CLIENT else _LINE).match(pending)
    if found:
        return found.end()
    command = pending.find(_IAC)
    if command > 0:
        return command
    return LINE_LIMIT if len(pending) >= LINE_LIMIT else 0


def _command_size(pending: bytearray) -> int:
    if len(pending) < 2:
        return 0
    if pending[1] == _SUBNEGOTIATION:
        end = pending.find(_END, 2)
        if end < 0:
            return LINE_LIMIT if len(pending) >= LINE_LIMIT else 0
        return end + len(_END)
    size = 3 if pending[1] in _OPTIONS else 2
    return size if len(pending) >= size else 0


TELNET: Final[Application] = application("telnet", TelnetParser, ())
