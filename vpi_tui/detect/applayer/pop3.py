"""pop3: commands and their replies (RFC 1939, 2449, 2595, 5034), and what is odd about them.

Rules have no buffers here; they name the protocol, its events, or its hooks. As in Suricata a line has to be
whole where its sender's bytes are: a reply that is none, or a line that is cut, ends the reading of both.
Of answers of many lines the rest is waited for; the text of a mail is passed over.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits, Parser, Successor
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
WORD_LIMIT: Final = 64
"""Bytes of a command's name that are kept."""
TOLD_LIMIT, MOST_TOLD = 512, 64
"""Bytes of an argument or a line that the log tells, and how many of them."""
MOST_WAITING: Final = 256
"""Commands without their reply, as Suricata's max-tx."""
_REQUEST_LIMIT, _REPLY_LIMIT = 256, 512
"""Bytes of a command and of the first line of a reply, with a space and the end of the line, as Suricata
counts them (RFC 2449, 4)."""
_ANY: Final = 1 << 20
_ARGUMENTS: Final = {
    b"USER": (1, 1), b"PASS": (1, 1), b"APOP": (2, 2), b"STAT": (0, 0), b"LIST": (0, 1), b"RETR": (1, 1),
    b"DELE": (1, 1), b"NOOP": (0, 0), b"RSET": (0, 0), b"QUIT": (0, 0), b"TOP": (2, 2), b"UIDL": (0, 1),
    b"CAPA": (0, 0), b"AUTH": (1, 2), b"STLS": (0, 0), b"SASL": (1, _ANY),
}  # fmt: skip
"""Command -> how many arguments it has, at least and at most. Only in upper case they are known."""
_WORD: Final = re.compile(rb"([^ \r]+) ?")
_LINE_END: Final = b"\r\n"
_DOT: Final = b".\r\n"
"""How a mail, or an answer of many lines, ends for who waits for it: as in Suricata after any text."""
_CHALLENGE: Final = b"+ \r\n"
"""What a server says that wants the client's part of an authentication."""
_SASL: Final = b"<SASL DATA>"
"""What a line of a client that is no command counts as."""
_OCTETS: Final = re.compile(rb"\+OK ([0-9]{0,10}).*octets", re.S)
_LARGEST: Final = 0xFFFFFFFF
BEGUN_LIMIT: Final = 262_144
"""Bytes of an answer of many lines that are waited with."""
_END: Final = b"\r\n.\r\n"
"""Of an answer of many lines; the first line end is that of the line before."""


class Pop3Transaction(Transaction):
    """A command and its reply; without a command, what a server says unasked."""

    __slots__ = ("arguments", "command", "header", "lines", "many", "status")

    def __init__(self, command: bytes = b"") -> None:
        super().__init__()
        self.command = command
        self.many = command in (b"TOP", b"RETR")
        """Is it answered with many lines?"""
        self.arguments: list[bytes] = []
        """This and what follows: as much as the log says of it, when it says anything."""
        self.status = b""
        """+OK or -ERR; b"" = it is not answered."""
        self.header = b""
        """The rest of the first line of the reply."""
        self.lines: list[bytes] = []
        """The other lines of it."""

    def weight(self) -> int:
        kept = len(self.header) + sum(map(len, self.arguments)) + sum(map(len, self.lines))
        return super().weight() + kept


class _Stop(Exception):  # noqa: N818 (no error: the end of what is read)
    """Nothing more is read of either side."""


class Pop3Parser(Parser):
    def __init__(self, limits: Limits | None = None) -> None:
        self._logs = limits is None or limits.logged
        self._waiting: deque[Pop3Transaction] = deque()
        self._lost = [False, False, False]
        """Bytes are missing, and nothing that is a message has come since."""
        self._encrypted = self._over = False
        self._begun = bytearray()
        """Of an answer of many lines whose end has not come."""
        self._octets = 0
        """Bytes of a mail that are still to come."""
        self._mail: bytes | None = None
        """The last bytes of a mail whose end is sought; None = none is."""
        self._last_end = -1
        """Where in the bytes that are read the last end of an answer of many lines stands; -1 = nowhere."""
        self._moved: dict[Transaction, None] = {}

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._encrypted or self._over:
            return []
        self._lost[direction] |= bool(gap)
        at = 0
        if direction == CLIENT:
            data, at = self._taken_up(data, gap)
        self._last_end = data.rfind(_END)
        read = self._command if direction == SERVER else self._reply
        try:
            while at < len(data) and not self._encrypted:
                at = read(data, at)
                self._lost[direction] = False
        except _Stop:
            self._over = not self._lost[direction]
        return self._told()

    def finish(self) -> list[Transaction]:
        self._close_all()
        return self._told()

    def over(self) -> bool:
        return self._over

    def held(self) -> int:
        waiting = sum(512 + len(one.command) + sum(map(len, one.arguments)) for one in self._waiting)
        return waiting + len(self._begun)

    def successor(self) -> Successor | None:
        """TLS, once the server has agreed to STLS (RFC 2595)."""
        return Successor("tls") if self._encrypted else None

    def _told(self) -> list[Transaction]:
        moved: list[Transaction] = list(self._moved)
        self._moved.clear()
        return moved

    def _command(self, data: bytes, at: int) -> int:
        """Gives where what is behind it begins. Raises _Stop."""
        end = data.find(_LINE_END, at)
        if end < 0:
            raise _Stop
        found = _WORD.match(data, at, end)
        name, begin = (found[1], found.end()) if found is not None else (b"", end)
        if name not in _ARGUMENTS and not name.isalnum():
            if self._lost[SERVER]:
                raise _Stop
            self._asked(Pop3Transaction(_SASL))
            return end + len(_LINE_END)
        arguments = sum(map(bool, data[begin:end].split(b" ")))
        made = Pop3Transaction(name[:WORD_LIMIT])
        made.many |= name in (b"LIST", b"UIDL") and not arguments
        if self._logs:
            made.arguments = _kept(filter(None, data[begin:end].split(b" ", MOST_TOLD)))
        if name not in _ARGUMENTS:
            made.event(SERVER, "pop3.unknown_command")
        elif not _ARGUMENTS[name][0] <= arguments <= _ARGUMENTS[name][1]:
            made.event(SERVER, "pop3.incorrect_argument_count")
        if len(name) + 1 + end - begin + len(_LINE_END) > _REQUEST_LIMIT:
            made.event(SERVER, "pop3.request_too_long")
        self._asked(made)
        return end + len(_LINE_END)

    def _asked(self, made: Pop3Transaction) -> None:
        """It waits for its reply. Raises _Stop."""
        if len(self._waiting) > MOST_WAITING:
            self._give_up()
        self._waiting.append(made)
        made.stage[SERVER] = Stage.DONE
        self._moved[made] = None

    def _give_up(self) -> None:
        """Each of those that wait is one too many. Raises _Stop."""
        for one in self._waiting:
            one.event(SERVER, "pop3.too_many_transactions")
        self._close_all()
        raise _Stop

    def _close_all(self) -> None:
        while self._waiting:
            self._close(self._waiting.popleft())

    def _taken_up(self, data: bytes, gap: int) -> tuple[bytes, int]:
        """(the bytes of the server with those that it has begun with, where the next reply begins)."""
        if gap:
            self._begun.clear()
            self._mail = None if self._mail is None else b""
        at = min(max(self._octets - gap, 0), len(data))
        self._octets = max(self._octets - gap - at, 0)
        if self._octets:
            return data, at
        if self._mail is not None:
            data = self._mail + data
            return data, self._mail_end(data, at)
        if self._begun:
            before = len(self._begun)
            self._begun += data
            if self._begun.find(_DOT, max(before - len(_DOT), 0)) < 0:
                return self._wait(b"")
            data = bytes(self._begun)
            self._begun.clear()
        return data, at

    def _wait(self, more: bytes) -> tuple[bytes, int]:
        self._begun += more
        if len(self._begun) > BEGUN_LIMIT:
            self._begun.clear()
            self._over = True
        return b"", 0

    def _mail_end(self, data: bytes, at: int) -> int:
        """Where what is behind the mail begins, whose end is looked for from a place on."""
        found = data.find(_DOT, at)
        if found < 0:
            self._mail = data[max(at, len(data) - len(_DOT) + 1) :]
            return len(data)
        self._mail = None
        if self._waiting:
            self._close(self._waiting.popleft())
        return found + len(_DOT)

    def _reply(self, data: bytes, at: int) -> int:
        """As in Suricata whatever is sent up to a line with just a dot is of the same reply, and of a mail
        neither that nor what stands before it is told."""
        if data.startswith(_CHALLENGE, at):
            if self._waiting:
                now = self._waiting.popleft()
                now.status = b"+OK" if self._logs else b""
                self._close(now)
            return at + len(_CHALLENGE)
        status, begin, end = _first_line(data, at)
        if self._waiting and self._waiting[0].many and status != b"-ERR":
            if self._waiting[0].command == b"RETR":
                return self._begin_mail(data, at, end)
            if data.find(_DOT, at) < 0:
                self._wait(data[at:])
                return len(data)
        if status not in (b"+OK", b"-ERR"):
            raise _Stop
        now = self._waiting.popleft() if self._waiting else Pop3Transaction()
        if len(status) + 1 + end - begin + len(_LINE_END) > _REPLY_LIMIT:
            now.event(CLIENT, "pop3.response_too_long")
        self._encrypted = status == b"+OK" and now.command == b"STLS"
        self._close(now)
        last = data.find(_END, end) if end <= self._last_end else -1
        if self._logs:
            now.status, (now.header,) = status, _kept((data[begin:end],))
            body = data[end + len(_LINE_END) : last] if last > end else b""
            now.lines = _kept(body.split(_LINE_END, MOST_TOLD)) if body else []
        return last + len(_END) if last >= 0 else end + len(_LINE_END)

    def _begin_mail(self, data: bytes, at: int, end: int) -> int:
        """end: of its first line, which may say how many bytes follow."""
        said = _OCTETS.fullmatch(data, at, end)
        if said is None:
            return self._mail_end(data, at)
        size = int(said[1] or b"0")
        begin = end + len(_LINE_END)
        at = begin + min(size if size <= _LARGEST else 0, len(data) - begin)
        self._octets = size - (at - begin) if size <= _LARGEST else 0
        if self._octets:
            self._mail = b""
            return at
        return self._mail_end(data, at)

    def _close(self, transaction: Pop3Transaction) -> None:
        transaction.stage[SERVER] = transaction.stage[CLIENT] = Stage.DONE
        self._moved[transaction] = None


def _kept(words: Iterable[bytes]) -> list[bytes]:
    return [word[:TOLD_LIMIT] for word in islice(words, MOST_TOLD)]


def _first_line(data: bytes, at: int) -> tuple[bytes, int, int]:
    """The first word, and where what follows it in its line begins and ends. Raises _Stop."""
    found = _WORD.match(data, at)
    if found is None:
        raise _Stop
    end = data.find(_LINE_END, found.end())
    if end < 0:
        raise _Stop
    return found[1], found.end(), end


POP3: Final[Application] = application("pop3", Pop3Parser, ())
