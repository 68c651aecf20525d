"""pop3: commands and their replies (RFC 1939, 2449, 2595, 5034), and what is odd about them.

Rules have no buffers here; they name the protocol, its events, or its hooks. Mails that are fetched are
passed over.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits, Parser, Successor
from vpi_tui.detect.applayer.lines import Lines
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
LINE_LIMIT: Final = 4_096
"""Bytes of a line that is read at all."""
MOST_WAITING: Final = 256
"""Commands without their reply, as Suricata's max-tx."""
_REQUEST_LIMIT, _REPLY_LIMIT = 255, 512
"""Bytes of a command and of the first line of a reply, with the ends of their lines (RFC 2449, 4)."""
_ARGUMENTS: Final = {
    b"USER": (1, 1), b"PASS": (1, LINE_LIMIT), b"APOP": (2, 2), b"STAT": (0, 0), b"LIST": (0, 1),
    b"RETR": (1, 1), b"DELE": (1, 1), b"NOOP": (0, 0), b"RSET": (0, 0), b"QUIT": (0, 0), b"TOP": (2, 2),
    b"UIDL": (0, 1), b"CAPA": (0, 0), b"AUTH": (0, 2), b"STLS": (0, 0), b"UTF8": (0, 1), b"LANG": (0, 1),
}  # fmt: skip
"""Command -> how many arguments it has, at least and at most; a password may hold spaces."""
_LONG_ANSWER: Final = frozenset((b"RETR", b"TOP", b"CAPA"))
_LISTS: Final = frozenset((b"LIST", b"UIDL", b"LANG", b"AUTH"))
"""Without an argument they ask for a list."""
_END: Final = re.compile(rb"\n\.\r?\n")
_CUT_END: Final = 3
"""Bytes of the end of a long answer that may have come without the rest of it."""


class Pop3Transaction(Transaction):
    """A command and its reply; without a command, what a server says unasked."""

    __slots__ = ("arguments", "command")

    def __init__(self, command: bytes = b"", arguments: int = 0) -> None:
        super().__init__()
        self.command = command
        """In upper case."""
        self.arguments = arguments
        """How many it has; nobody asks for more of them."""

    @property
    def is_answered_at_length(self) -> bool:
        return self.command in _LONG_ANSWER or (self.command in _LISTS and not self.arguments)


class Pop3Parser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._commands = Lines(LINE_LIMIT)
        self._replies = Lines(LINE_LIMIT)
        self._waiting: deque[Pop3Transaction] = deque()
        self._answer: bytes | None = None
        """The end of what has come of an answer of many lines; None = none is coming."""
        self._challenged = False
        """What the client says next belongs to its AUTH."""
        self._encrypted = False
        self._moved: dict[Transaction, None] = {}

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if not self._encrypted:
            if direction == SERVER:
                self._take_commands(data, gap)
            else:
                self._take_replies(data, gap)
        moved: list[Transaction] = list(self._moved)
        self._moved.clear()
        return moved

    def finish(self) -> list[Transaction]:
        while self._waiting:
            self._close(self._waiting.popleft())
        moved: list[Transaction] = list(self._moved)
        self._moved.clear()
        return moved

    def held(self) -> int:
        kept = len(self._commands) + len(self._replies) + len(self._answer or b"")
        return kept + sum(512 + len(one.command) for one in self._waiting)

    def successor(self) -> Successor | None:
        """TLS, once the server has agreed to STLS (RFC 2595)."""
        return Successor("tls") if self._encrypted else None

    # Commands ------------------------------------------------------------------------------------

    def _take_commands(self, data: bytes, gap: int) -> None:
        if gap:
            self._commands.lose()
        for line in self._commands.feed(data):
            if self._challenged and line is not None:
                self._challenged = False
            else:
                self._command(line)

    def _command(self, line: bytes | None) -> None:
        """None = a line that is too long."""
        words = (line or b"").split()
        name, arguments = (words[0].upper(), len(words) - 1) if words else (b"", 0)
        made = Pop3Transaction(name, arguments)
        if line is None or len(line) + len(self._commands.end) > _REQUEST_LIMIT:
            made.event(SERVER, "pop3.request_too_long")
        if name not in _ARGUMENTS:
            made.event(SERVER, "pop3.unknown_command")
        elif not _ARGUMENTS[name][0] <= arguments <= _ARGUMENTS[name][1]:
            made.event(SERVER, "pop3.incorrect_argument_count")
        if len(self._waiting) > MOST_WAITING:
            self._waiting[0].event(SERVER, "pop3.too_many_transactions")
            self._close(self._waiting.popleft())
        self._waiting.append(made)
        made.stage[SERVER] = Stage.DONE
        self._moved[made] = None

    # Replies -------------------------------------------------------------------------------------

    def _take_replies(self, data: bytes, gap: int) -> None:
        if gap and self._answer is None:
            self._replies.lose()
        at = 0
        while at < len(data) and not self._encrypted:
            if self._answer is not None:
                at = self._pass_over(self._answer, data, at)
                continue
            begin, at = at, data.find(b"\n", at) + 1 or len(data)
            for reply in self._replies.feed(data[begin:at]):
                self._reply(reply)

    def _pass_over(self, before: bytes, data: bytes, at: int) -> int:
        """Look for the end of a long answer, which goes on from `at`; gives the place behind it."""
        found = _END.search(before + data[at : at + _CUT_END])
        if found is not None:
            end = at + found.end() - len(before)
        else:
            found = _END.search(data, at)
            if found is None:
                self._answer = (before + data[max(at, len(data) - _CUT_END) :])[-_CUT_END:]
                return len(data)
            end = found.end()
        self._answer = None
        self._close(self._waiting.popleft())
        return end

    def _reply(self, line: bytes | None) -> None:
        if not self._waiting:
            self._waiting.append(Pop3Transaction())
        now = self._waiting[0]
        if line is None or len(line) + len(self._replies.end) > _REPLY_LIMIT:
            now.event(CLIENT, "pop3.response_too_long")
        status = (line or b"").split(b" ", 1)[0].upper()
        if status == b"+":
            self._challenged = now.command == b"AUTH"
            return
        if status == b"+OK" and now.is_answered_at_length:
            self._answer = b"\n"  # so that the end of an answer always looks the same
            return
        self._encrypted = status == b"+OK" and now.command == b"STLS"
        self._close(self._waiting.popleft())

    def _close(self, transaction: Pop3Transaction) -> None:
        if transaction.command:
            transaction.stage[SERVER] = Stage.DONE
        transaction.stage[CLIENT] = Stage.DONE
        self._moved[transaction] = None


POP3: Final[Application] = application("pop3", Pop3Parser, ())
