"""One mail and who sends it to whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.detect.applayer.base import Transaction
from vpi_tui.detect.applayer.files import FileNeeds
from vpi_tui.detect.applayer.smtp.mime import Part, decoded, parse_part
from vpi_tui.model.batch import Direction

MAIL_LIMIT: Final = 1 << 20
"""Bytes of a mail as sent that are kept; a longer one is seen up to there."""
MOST_RECIPIENTS: Final = 256


class SmtpTransaction(Transaction):
    """raw: the mail as sent; stuffed: a dot at the start of a line stands for itself and is doubled;
    dotted: it has such a line."""

    __slots__ = ("_mail", "dotted", "helo", "mail_from", "raw", "rcpt_to", "stuffed")

    def __init__(self, helo: bytes) -> None:
        super().__init__()
        self.helo = helo
        self.mail_from = b""
        self.rcpt_to: list[bytes] = []
        self.raw = bytearray()
        self.stuffed = False
        self.dotted = False
        self._mail: Part | None = None

    def add(self, data: bytes | bytearray) -> None:
        """More of the mail."""
        room = MAIL_LIMIT - len(self.raw)
        self.raw += data if len(data) <= room else data[:room]

    @property
    def mail(self) -> Part:
        """The mail taken apart when it is first asked for, which is once it is whole."""
        if self._mail is None:
            data = bytes(self.raw)
            if self.dotted:
                data = data.replace(b"\n..", b"\n.")
            self._mail = parse_part(data.removeprefix(b"\n") if self.stuffed else data)
        return self._mail

    def attach(self, parts: Sequence[Part], needs: FileNeeds, *, truncated: bool) -> None:
        """Open those parts as files that are attachments. truncated: the last one is not whole."""
        found = [part for part in parts if part.file_name]
        for number, part in enumerate(found):
            file = self.open_file(Direction.TO_SERVER, part.file_name, needs)
            file.append(decoded(part))
            file.close(truncated=truncated and number == len(found) - 1)
