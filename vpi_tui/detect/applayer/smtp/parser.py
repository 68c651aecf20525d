"""Commands, replies and mails of one connection; each mail is a transaction."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser, Successor
from vpi_tui.detect.applayer.frames import FrameSpool
from vpi_tui.detect.applayer.smtp.anomalies import OF_MAIL, OF_PARTS, REPLIES, mime_events
from vpi_tui.detect.applayer.smtp.mime import told_leaves
from vpi_tui.detect.applayer.smtp.reader import READS, MailReader
from vpi_tui.detect.applayer.smtp.transaction import MOST_RECIPIENTS, SmtpTransaction
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.detect.applayer.window import ANY_SIZE
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
LINE_LIMIT: Final = 4_096
"""Bytes of a line with its end; one that has as many is an anomaly, and is not looked at."""
_LAST_OF_SEVERAL: Final = frozenset((b"DATA", b"STARTTLS"))
"""Commands behind which a client has to wait for the reply (RFC 2920, 3.1)."""
MOST_UNANSWERED: Final = 512
_DOT: Final = re.compile(rb"\n\.(?:\r?\n|(\.))")
"""A line that begins with a dot: the end of a mail, or a dot that is doubled."""
_LINE_END: Final = re.compile(rb"[\r\n]")
_DOT_LINE: Final = re.compile(rb"\n\.")
_EDGE: Final = re.compile(rb"\n(?:\.|--)")
"""What may end a mail, or a part of it, when it has come as a whole."""
_CUT_DOT: Final = 3
"""Bytes of the end of a mail that may have come without the rest of it."""
_IS_LAST: Final = re.compile(rb"(?![0-9-])")
"""What follows the code of a reply in its last line."""
_WORD: Final = re.compile(rb"[A-Za-z]{1,4}(?:[A-Za-z]*[ \r\n]|\Z)")
"""What a command begins with."""
_GO_ON: Final = b"354"
"""The code with which a server agrees to DATA."""
_CHUNK_LINE: Final = re.compile(rb"(?i)bdat +([0-9]{1,12})(?:.*( +last) *|.*)", re.DOTALL)


_COMMAND, _DATA, _CHUNK = range(3)
"""What a client's next bytes are."""


class SmtpParser(Parser):
    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._mode = _COMMAND
        self._pending = (bytearray(), bytearray(), bytearray())
        """By Direction: a line, or the end of a mail, that is not whole."""
        self._skipping = [False, False, False]
        """By Direction: the rest of a line that is too long is still to come."""
        self._unanswered: deque[bytes] = deque(maxlen=MOST_UNANSWERED)
        """Commands that wait for a reply."""
        self._greeted = False
        self._spoken = False
        """The client has."""
        self._encrypted = False
        self._over = False
        """Something was said behind which nothing is read any more."""
        self._helo = b""
        self._now: SmtpTransaction | None = None
        self._reads = self._limits.wants(*READS)
        self._reader: MailReader | None = None
        """None = there is no mail, or nobody asks what is in it."""
        self._first = True
        """There has been no transaction yet."""
        self._mail_begins = False
        """What comes next of a mail begins with the line end that was put in front of it."""
        self._chunk_left = 0
        self._chunk_is_last = False
        self._moved: dict[Transaction, None] = {}
        self._mail = FrameSpool()
        """The bytes of the mail that is read, when rules look at frames."""

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._encrypted or self._over:
            return []
        if gap:
            self._lost(direction, gap)
        pending = self._pending[direction]
        if self._mode == _DATA and direction == SERVER and not pending and _is_of_mail(data):
            self._add(data)
            return self._progress()
        pending += data
        if direction == CLIENT:
            self._lines(CLIENT, self._reply)
        else:
            while pending and not self._encrypted and not self._over and _STEPS[self._mode](self):
                pass
        return self._progress()

    def finish(self) -> list[Transaction]:
        if self._first and self._helo:
            self._begin()
        if self._mode == _DATA and self._now is not None:
            self._add(self._pending[SERVER])
        self._end(whole=False)
        return self._progress()

    def held(self) -> int:
        kept = sum(map(len, self._pending)) + 64 * len(self._unanswered)
        kept += self._reader.held() if self._reader is not None else 0
        return kept + (len(self._now.raw) + 64 * len(self._now.rcpt_to) if self._now is not None else 0)

    def patience(self, direction: int) -> int:
        """For bytes of a mail, looked at in pieces or not at all: `may_wait` tells whether it goes on."""
        if direction != SERVER or self._mode != _DATA:
            return 0
        pending = self._pending[SERVER]
        if self._reader is None:
            return ANY_SIZE if b"." not in pending else 0
        return self._reader.patience() if not (self._mail_begins or pending) else 0

    def may_wait(self, data: bytes | memoryview) -> bool:
        if self._reader is None:  # nobody looks for a line end that the next bytes may make a dot's
            return data[:1] != b"." and _DOT_LINE.search(data) is None
        return _LINE_END.search(data, len(data) - _CUT_DOT) is None and _EDGE.search(data) is None

    def successor(self) -> Successor | None:
        """TLS, once the server has agreed to STARTTLS (RFC 3207)."""
        if not self._encrypted:
            return None
        return Successor("tls", (b"", bytes(self._pending[SERVER]), bytes(self._pending[CLIENT])))

    def _progress(self) -> list[Transaction]:
        if not self._moved:
            return []
        moved: list[Transaction] = list(self._moved)
        self._moved.clear()
        return moved

    def _reach(self, stage: Stage, direction: int = SERVER) -> None:
        now = self._now
        if now is not None and now.stage[direction] < stage:
            now.stage[direction] = stage
            self._moved[now] = None

    def _begin(self) -> SmtpTransaction:
        if self._now is None:
            self._now = SmtpTransaction(self._helo)
            self._first = False
            if self._unanswered and not self._greeted:
                self._now.event(CLIENT, "smtp.no_server_welcome_message")
        return self._now

    def _end(self, *, whole: bool = True) -> None:
        """The mail is whole, or will not become so."""
        if self.frames.wanted:
            mail = self._mail.cut().removeprefix(b"\n")
            if self._mode == _DATA:  # as in Suricata, chunks are no such frame
                self.frames.add(SERVER, "data", mail)
        if self._reader is not None:
            self._reader.close(truncated=self._mode != _COMMAND and not whole)
            self._reader = None
        if self._now is not None and self._now.raw:
            self._judge(self._now)
        self._reach(Stage.DONE)
        if self._now is not None and any(self._now.events):
            self._reach(Stage.DONE, CLIENT)
        self._now = None
        self._mode = _COMMAND

    def _judge(self, now: SmtpTransaction) -> None:
        """Anomalies of a mail, as far as anybody asks."""
        judges = self._limits.heeds(*OF_PARTS)
        parts = told_leaves(now.mail) if judges else []
        if judges or self._limits.heeds(*OF_MAIL):
            for name in mime_events(now, parts, self._limits):
                now.event(SERVER, f"smtp.{name}")

    def _lost(self, direction: int, gap: int) -> None:
        """Bytes are missing: a mail goes on without them, a line is none any more."""
        if direction == SERVER and self._mode == _CHUNK and gap < self._chunk_left:
            self._chunk_left -= gap
        elif direction == SERVER and self._mode == _CHUNK:
            self._mode = _COMMAND
            self._skipping[SERVER] = True
        elif direction == CLIENT or self._mode == _COMMAND:
            self._pending[direction].clear()
            self._skipping[direction] = True
        if direction == SERVER and self._reader is not None:
            self._reader.skip(gap)

    # Lines ---------------------------------------------------------------------------------------

    def _lines(self, direction: int, take: Callable[[bytes], None]) -> None:
        while not self._over and self._line(direction, take):
            pass

    def _line(self, direction: int, take: Callable[[bytes], None]) -> bool:
        """Take the next line. False = it is not whole."""
        pending = self._pending[direction]
        end = pending.find(b"\n")
        skipping = self._skipping[direction]
        if end < 0:
            if len(pending) >= LINE_LIMIT:
                if not skipping:
                    self._begin().event(direction, "smtp.truncated_line")
                self._skipping[direction] = True
                pending.clear()
            return False
        whole = bytes(pending[: end + 1])
        line = whole[:-1].rstrip(b"\r")
        del pending[: end + 1]
        self._skipping[direction] = False
        if not skipping:
            if len(whole) >= LINE_LIMIT:
                self._begin().event(direction, "smtp.truncated_line")
            elif direction == SERVER or whole != b"\n":
                self._emit(direction, whole)
                take(line)
        return True

    def _emit(self, direction: int, whole: bytes) -> None:
        """Frames of a line. Suricata makes two of a command: as it came, and without its line end."""
        if direction == CLIENT:
            self.frames.add(direction, "response_line", whole)
        else:
            self.frames.add(direction, "command_line", whole)
            self.frames.add(direction, "command_line", whole[:-1].removesuffix(b"\r"))

    def _reply(self, line: bytes) -> None:
        code = line[:3]
        if code not in REPLIES:
            self._odd_reply()
            return
        if not _IS_LAST.match(line, len(code)):
            return
        if not self._greeted:
            self._greeted = True
            if code in (b"220", b"554"):
                return
        command = self._unanswered.popleft() if self._unanswered else b""
        if command == b"STARTTLS" and code == b"220":
            self._encrypted = True
            self._end()
        elif command == b"STARTTLS":
            self._begin().event(CLIENT, "smtp.tls_rejected")
        elif command == b"DATA" and code != _GO_ON:
            self._begin().event(CLIENT, "smtp.data_command_rejected")
            begun = self._now is not None and len(self._now.raw) + len(self._pending[SERVER]) > 1
            if self._mode == _DATA and not begun:
                self._pending[SERVER].clear()
                self._mode = _COMMAND

    def _odd_reply(self) -> None:
        """It ends the reading; what a server says that nobody has spoken to is of no transaction."""
        if self._spoken:
            self._begin().event(CLIENT, "smtp.invalid_reply")
        self._over = True

    # Commands and mails --------------------------------------------------------------------------

    def _take_command(self) -> bool:
        return self._line(SERVER, self._command)

    def _command(self, line: bytes) -> None:
        self._in_turn()
        self._spoken = True
        word = line[:10].upper()
        for start, handler in _COMMANDS:
            if word.startswith(start):
                self._unanswered.append(start)
                handler(self, line)
                return
        self._unanswered.append(b"")

    def _in_turn(self) -> None:
        """What a client says next must not follow certain commands before they are answered."""
        if self._greeted and self._unanswered and self._unanswered[-1] in _LAST_OF_SEVERAL:
            self._begin().event(SERVER, "smtp.invalid_pipelined_sequence")

    def _hello(self, line: bytes) -> None:
        if self._helo:
            self._begin().event(SERVER, "smtp.duplicate_fields")
            return
        self._helo = line[4:].strip(b" \t").partition(b" ")[0]

    def _mail_from(self, line: bytes) -> None:
        """The first one of a mail counts, until its DATA was refused."""
        if self._now is not None and self._now.mail_from:
            self._now.event(SERVER, "smtp.duplicate_fields")
            if not self._now.stuffed:
                return
            self._end()
        self._begin().mail_from = _address(line, _MAIL_FROM)

    def _rcpt_to(self, line: bytes) -> None:
        recipients = self._begin().rcpt_to
        if len(recipients) < MOST_RECIPIENTS:
            recipients.append(_address(line, _RCPT_TO))

    def _data(self, _line: bytes) -> None:
        if self._now is not None and self._now.stuffed:
            self._now.event(SERVER, "smtp.unparsable_content")
            self._end()
        now = self._begin()
        now.stuffed, now.dotted = True, bool(now.raw)
        self._read(now)
        self._mail_begins = True
        self._reach(Stage.HEAD)
        self._mode = _DATA
        self._pending[SERVER][:0] = b"\n"  # so that the end of a mail always looks the same

    def _bdat(self, line: bytes) -> None:
        found = _CHUNK_LINE.fullmatch(line)
        if found is None:
            self._over = True
            return
        self._read(self._begin())
        self._reach(Stage.HEAD)
        self._chunk_left, self._chunk_is_last = int(found[1]), bool(found[2])
        self._mode = _CHUNK
        if not self._chunk_left:
            self._chunk_done()

    def _reset(self, _line: bytes) -> None:
        self._end()

    def _other(self, _line: bytes) -> None:
        """A command that changes nothing; its reply may."""

    def _add(self, data: bytes | bytearray, *, dotted: bool = False) -> None:
        """Some more of a mail. dotted: a dot in it is doubled."""
        now = self._begin()
        now.add(data)
        if self.frames.wanted:
            self._mail.add(data)
        if self._reader is None or not data:
            return
        plain = bytes(data)
        if self._mode == _DATA:
            # A line end and the dots behind it always come together: where they may not, it was held back.
            plain = plain.replace(b"\n..", b"\n.") if dotted else plain
            plain = plain.removeprefix(b"\n") if self._mail_begins else plain
            self._mail_begins = False
        self._reader.feed(plain)
        if now.is_moved:
            now.is_moved = False
            self._moved[now] = None

    def _read(self, now: SmtpTransaction) -> None:
        """A mail begins, or goes on in another chunk."""
        if self._reads and self._reader is None:
            self._reader = MailReader(now, self._limits)

    def _take_data(self) -> bool:
        pending = self._pending[SERVER]
        end, dotted = _DOT.search(pending), False
        while end is not None and end[1]:
            self._begin().dotted = dotted = True
            end = _DOT.search(pending, end.end())
        if end is None:
            last = pending.rfind(b"\n", -_CUT_DOT)
            keep = last if last >= 0 and b"\n.\r\n".startswith(pending[last:]) else len(pending)
            self._add(pending[:keep], dotted=dotted)
            del pending[:keep]
            return False
        self._add(pending[: end.start() + 1], dotted=dotted)
        if self.frames.wanted:
            self._mail.add(pending[end.start() + 1 : end.end()])
        del pending[: end.end()]
        self._in_turn()
        self._unanswered.append(b".")
        self._end()
        return True

    def _take_chunk(self) -> bool:
        pending = self._pending[SERVER]
        count = min(self._chunk_left, len(pending))
        self._add(pending[:count])
        del pending[:count]
        self._chunk_left -= count
        if not self._chunk_left and pending and not _WORD.match(pending):
            self._begin().event(SERVER, "smtp.bdat_chunk_len_exceeded")
        if not self._chunk_left:
            self._chunk_done()
        return True

    def _chunk_done(self) -> None:
        self._mode = _COMMAND
        if self._chunk_is_last:
            self._end()


def _is_of_mail(data: bytes) -> bool:
    """Has the mail surely not ended within these bytes, nor with what they begin? Nor is a dot doubled."""
    return b"\n" not in data[-_CUT_DOT:] and _DOT.search(data) is None


def _address(line: bytes, command: bytes) -> bytes:
    """What stands behind the command and one more byte, its colon; without the parameters behind it."""
    return line[len(command) + 1 :].lstrip(b" ").partition(b" ")[0]


_MAIL_FROM, _RCPT_TO = b"MAIL FROM", b"RCPT TO"
_COMMANDS: Final[tuple[tuple[bytes, Callable[[SmtpParser, bytes], None]], ...]] = (
    (b"HELO", SmtpParser._hello),
    (b"EHLO", SmtpParser._hello),
    (_MAIL_FROM, SmtpParser._mail_from),
    (_RCPT_TO, SmtpParser._rcpt_to),
    (b"DATA", SmtpParser._data),
    (b"BDAT", SmtpParser._bdat),
    (b"RSET", SmtpParser._reset),
    (b"STARTTLS", SmtpParser._other),
)
_STEPS: Final[tuple[Callable[[SmtpParser], bool], ...]] = (
    SmtpParser._take_command,
    SmtpParser._take_data,
    SmtpParser._take_chunk,
)
"""By what the bytes are."""
