"""What rules see of a mail: its envelope, its fields once its head is there, the rest while it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import TO_SERVER, Buffer
from vpi_tui.detect.applayer.smtp.transaction import FIELDS, MD5, URLS, SmtpTransaction
from vpi_tui.detect.applayer.transaction import Stage


def _of_envelope(name: str, get: Callable[[SmtpTransaction], Sequence[bytes]]) -> Buffer:
    def instances(transaction: SmtpTransaction, _direction: int) -> Sequence[bytes]:
        return [value for value in get(transaction) if value]

    return Buffer(name, TO_SERVER, Stage.HEAD, instances)


def _growing(name: str, get: Callable[[SmtpTransaction], Sequence[bytes]]) -> Buffer:
    return Buffer(name, TO_SERVER, Stage.HEAD, lambda found, _direction: get(found), grows=True)


def _field(name: str) -> Buffer:
    return _growing(name, lambda found: found.fields.get(name, ()))


BUFFERS: Final = (
    _of_envelope("smtp.helo", lambda t: (t.helo,)),
    _of_envelope("smtp.mail_from", lambda t: (t.mail_from,)),
    _of_envelope("smtp.rcpt_to", lambda t: t.rcpt_to),
    *(_field(name) for name in FIELDS),
    _growing(URLS, lambda t: list(t.urls)),
    Buffer(MD5, TO_SERVER, Stage.DONE, lambda t, _direction: (t.body_md5,) if t.body_md5 else ()),
)
