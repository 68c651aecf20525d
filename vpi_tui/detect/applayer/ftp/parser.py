"""Commands and replies of one control connection, paired in order."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser, Successor
from vpi_tui.detect.applayer.expectations import Arranged
from vpi_tui.detect.applayer.files import NOTHING_GROWN
from vpi_tui.detect.applayer.lines import Lines
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.detect.applayer.window import Window
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
LINE_LIMIT: Final = 4_096
"""Bytes of a line, as Suricata's ftp max-line-length; of one that is longer the rest is not looked at."""
MOST_OPEN: Final = 1_024
"""Commands that wait for their reply, as Suricata's max-tx."""
KEPT_LIMIT: Final = 1_048_576
"""Bytes of those; the oldest make room."""
MOST_REPLIES: Final = 256
"""Lines of reply kept of one command."""
REPLY_RECEIVED: Final = "ftp.reply_received"
_NAMED: Final = (
    *b"ABOR ACCT ALLO APPE CDUP CHMOD CWD DELE EPRT EPSV HELP IDLE LIST MAIL MDTM MKD MLFL MODE MRCP MRSQ "
    b"MSAM MSND MSOM NLST NOOP PASS PASV PORT PWD QUIT REIN REST RETR RMD RNFR RNTO SITE SIZE SMNT STAT STOR "
    b"STOU STRU SYST TYPE UMASK USER".split(),
    b"AUTH TLS",
)
_ANY_NAMED: Final = re.compile(b"|".join(_NAMED), re.IGNORECASE)
"""As in Suricata a command is the first of these names wherever it stands in the line: XCWD is CWD."""
_REPLY: Final = re.compile(rb"([0-9]{3})(?:([ -])(.*))?", re.DOTALL)
_MAPPED: Final = bytes(10) + b"\xff\xff"
"""In front of an IPv4 address."""
_NUMBERS: Final = re.compile(rb"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})")
_EXTENDED: Final = re.compile(rb"\|[12]\|[0-9A-Fa-f:.]{1,45}\|(\d{1,5})\|")
_EXTENDED_PASSIVE: Final = re.compile(rb"\|\|\|(\d{1,5})\|")


class FtpTransaction(Transaction):
    """One command; without one, what a server says unasked."""

    __slots__ = (
        "answered", "argument", "bounces", "codes", "command", "cut", "is_named", "mode", "port", "replies",
        "size", "tells", "transfers_actively",
    )  # fmt: skip

    def __init__(self, command: bytes = b"", argument: bytes = b"", *, is_named: bool = False) -> None:
        super().__init__()
        self.command = command
        """In upper case."""
        self.argument = argument
        self.is_named = is_named
        """Is it a command that Suricata names?"""
        self.cut: set[int] = set()
        """Directions of which a line was too long to be kept whole."""
        self.size = len(command) + len(argument)
        """Bytes of it and of its replies."""
        self.replies: list[bytes] = []
        """Lines without their codes; those that go on (`220-...`) with them, as Suricata splits them."""
        self.codes: list[bytes] = []
        self.answered = False
        """The last reply has come: one that announces others (150) is none."""
        self.tells = False
        """It has news whether it is answered."""
        self.mode = b""
        """active or passive; b"" = the command arranges no data connection."""
        self.port = 0
        """Port of the data connection that it arranges; 0 = none, or not known."""
        self.bounces = False
        """It arranges a data connection with a third host."""
        self.transfers_actively = False
        """Of RETR and STOR: the server calls the client, to transfer the file."""

    def grown(self, direction: int) -> Mapping[str, Sequence[Window]]:
        """Whether it is answered, each time that replies have come."""
        if direction != CLIENT or not self.tells:
            return NOTHING_GROWN
        self.tells = False
        return {REPLY_RECEIVED: [Window(bytes((self.answered,)))]}


class FtpParser(Parser):
    needs_ends = True

    def __init__(self, limits: Limits | None = None) -> None:
        self._tells = limits is None or limits.wants(REPLY_RECEIVED)
        self._lines = (Lines(0), Lines(LINE_LIMIT), Lines(LINE_LIMIT))
        self._waiting: deque[FtpTransaction] = deque()
        self._kept = 0
        """Bytes of those."""
        self._inside = b""
        """Code of a reply of several lines that goes on."""
        self._encrypted = self._over = False
        self._moved: dict[Transaction, None] = {}
        self.arranged: list[Arranged] = []
        self._active = False
        self._data_port = 0
        """Port of the next data connection, and who calls; 0 = none is arranged."""

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        lines = self._lines[direction]
        if gap:
            lines.lose()
        take = self._reply if direction == CLIENT else self._command
        frame = "response_line" if direction == CLIENT else "command_line"
        for line in lines.feed(data):
            if self._encrypted or self._over:
                break
            if line is None:
                self._too_long(direction, lines.cut)
            else:
                self.frames.add(direction, frame, line + lines.end)
                take(line)
        return self.finish() if self._over else self._progress()

    def finish(self) -> list[Transaction]:
        while self._waiting:
            self._close_first()
        return self._progress()

    def over(self) -> bool:
        return self._over

    def held(self) -> int:
        lines = len(self._lines[SERVER]) + len(self._lines[CLIENT])
        return lines + 512 * len(self._waiting) + self._kept

    def successor(self) -> Successor | None:
        """TLS, once the server has agreed to AUTH (RFC 4217)."""
        return Successor("tls") if self._encrypted else None

    def _progress(self) -> list[Transaction]:
        moved: list[Transaction] = list(self._moved)
        self._moved.clear()
        return moved

    def _close(self, transaction: FtpTransaction) -> None:
        """Nothing more will be known of it."""
        directions = (SERVER, CLIENT) if transaction.command else (CLIENT,)
        for direction in directions:
            transaction.stage[direction] = Stage.DONE
        transaction.tells = self._tells and transaction.is_named
        self._moved[transaction] = None

    def _open(self, transaction: FtpTransaction) -> None:
        """When more wait for their reply than may, nothing is read any more, as in Suricata."""
        if len(self._waiting) > MOST_OPEN:
            self._waiting[0].event(SERVER, "ftp.too_many_transactions")
            self._over = True
            return
        while self._waiting and self._kept > KEPT_LIMIT:
            self._close_first()
        self._waiting.append(transaction)
        self._kept += transaction.size

    def _close_first(self) -> None:
        """The oldest command is answered, or waits no more."""
        first = self._waiting.popleft()
        self._kept -= first.size
        self._close(first)

    def _too_long(self, direction: int, line: bytes) -> None:
        """line: its first bytes, which are read as if they were all of it."""
        if direction == SERVER:
            made = self._command(line)
            if made is not None and made.is_named:
                made.cut.add(SERVER)
                made.event(SERVER, "ftp.request_command_too_long")
            return
        if not self._waiting:
            self._open(FtpTransaction())
        self._waiting[0].cut.add(CLIENT)
        self._waiting[0].event(CLIENT, "ftp.response_command_too_long")
        self._reply(line)

    def _command(self, line: bytes) -> FtpTransaction | None:
        made = _parsed(line)
        if made is None:
            return None
        if made.command in (b"PORT", b"EPRT"):
            made.mode, made.port = b"active", _announced(made.argument)
            made.bounces = made.command == b"PORT" and self._is_third(made.argument)
            self._active, self._data_port = True, made.port
        elif made.command in (b"PASV", b"EPSV"):
            made.mode = b"passive"
        elif made.command in (b"RETR", b"STOR") and made.argument and self._data_port:
            cause = FtpTransaction(made.command, made.argument)  # the replies are not kept with it
            cause.transfers_actively = self._active
            self.arranged.append(Arranged("ftp-data", self._data_port, cause))
            self._active, self._data_port = False, 0  # one connection serves one command
        self._open(made)
        made.stage[SERVER] = Stage.HEAD
        self._moved[made] = None
        return made

    def _is_third(self, argument: bytes) -> bool:
        """Is the address of a PORT neither the client's nor unknown?"""
        found, client = _NUMBERS.search(argument), self.ends[0]
        if found is None or not client.startswith(_MAPPED):
            return False
        return client != _MAPPED + bytes(min(int(part), 255) for part in found.group(1, 2, 3, 4))

    def _reply(self, line: bytes) -> None:
        found = _REPLY.fullmatch(line)
        if not self._waiting:
            self._open(FtpTransaction())
        now = self._waiting[0]
        starts = found is not None and self._inside in (b"", found[1])
        if len(now.replies) < MOST_REPLIES:
            now.replies.append(_said(line))
            now.size += len(line)
            self._kept += len(line)
        if found is None or not starts:
            return
        code = found[1]
        if found[2] == b"-":
            self._inside = code
            return
        self._inside = b""
        if len(now.codes) < MOST_REPLIES:
            now.codes.append(code)
        if code.startswith(b"1"):
            if self._tells and now.is_named:
                now.tells, now.stage[CLIENT] = True, Stage.HEAD
                self._moved[now] = None
            return  # what it announces is still to come
        now.answered = True
        if now.mode == b"passive" and code in (b"227", b"229"):
            now.port = _announced(found[3] or b"")
            self._active, self._data_port = False, now.port
        self._encrypted = now.command.startswith(b"AUTH") and code == b"234"
        self._close_first()


def _parsed(line: bytes) -> FtpTransaction | None:
    """None = there is no command in the line."""
    if named := _ANY_NAMED.search(line):
        command = named[0].upper()
        return FtpTransaction(command, line[len(command) + 1 :].strip(b" "), is_named=True)
    word, _, argument = line.lstrip(b" \t").partition(b" ")
    return FtpTransaction(word.upper(), argument.strip(b" ")) if word else None


def _said(line: bytes) -> bytes:
    """A line of a reply without its code, where a space follows it."""
    line = line.rstrip()
    return line[4:] if line[:3].isdigit() and line[3:4] == b" " else line


def _announced(text: bytes) -> int:
    """The port in `h1,h2,h3,h4,p1,p2`, `|1|address|port|` or `|||port|`; 0 = none."""
    if found := _NUMBERS.search(text):
        return int(found[5]) % 256 << 8 | int(found[6]) % 256
    if extended := _EXTENDED.search(text) or _EXTENDED_PASSIVE.search(text):
        port = int(extended[1])
        return port if port < 65_536 else 0
    return 0
