"""One mail and who sends it to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from vpi_tui.detect.applayer.smtp.mime import Part, parse_part
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.detect.applayer.window import Window
from vpi_tui.model.batch import Direction

MAIL_LIMIT: Final = 1 << 20
"""Bytes of a mail as sent that are kept; a longer one is seen up to there."""
MOST_RECIPIENTS: Final = 256
URLS: Final = "email.url"
MD5: Final = "email.body_md5"
FIELDS: Final = {
    "email.from": (b"from", False),
    "email.to": (b"to", False),
    "email.cc": (b"cc", False),
    "email.subject": (b"subject", False),
    "email.date": (b"date", False),
    "email.message_id": (b"message-id", False),
    "email.x_mailer": (b"x-mailer", False),
    "email.received": (b"received", True),
}
"""Buffer -> (name of the field, is every one of that name looked at?)"""


class SmtpTransaction(Transaction):
    """raw: the mail as sent; stuffed: a dot at the start of a line stands for itself and is doubled;
    dotted: it has such a line."""

    __slots__ = (
        "_mail", "_told", "body_md5", "dotted", "fields", "helo", "is_moved", "mail_from", "raw", "rcpt_to",
        "stuffed", "urls",
    )  # fmt: skip

    def __init__(self, helo: bytes) -> None:
        super().__init__()
        self.helo = helo
        self.mail_from = b""
        self.rcpt_to: list[bytes] = []
        self.raw = bytearray()
        self.stuffed = False
        self.dotted = False
        self._mail: Part | None = None
        self.fields: dict[str, list[bytes]] = {}
        """By buffer, once the head of the mail is there."""
        self.urls: dict[bytes, None] = {}
        """In order."""
        self.body_md5 = b""
        """In hex, once the mail is whole; b"" = it has no body, or nobody asks."""
        self.is_moved = False
        """There is something that rules have not seen."""
        self._told: dict[str, list[Window]] = {}

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

    def take_fields(self, part: Part) -> None:
        """The mail's own head has come."""
        for name, (field, several) in FIELDS.items():
            values = [value for value in part.get(field)[: None if several else 1] if value]
            if values:
                self.fields[name] = values
                self._told[name] = [Window(value) for value in values]
                self.is_moved = True

    def tell_urls(self, urls: Sequence[bytes]) -> None:
        """These have been found, and put into `urls`."""
        if urls:
            self._told.setdefault(URLS, []).extend(Window(url) for url in urls)
            self.is_moved = True

    def grown(self, direction: int) -> Mapping[str, Sequence[Window]]:
        """Fields and URLs once, and what is new of the attachments."""
        files = super().grown(direction)
        if direction != Direction.TO_SERVER or not self._told:
            return files
        told, self._told = self._told, {}
        return {**told, **files}
