"""What rules see of a mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.base import TO_SERVER, Buffer, Stage
from vpi_tui.detect.applayer.smtp.mime import Part, body_md5, urls
from vpi_tui.detect.applayer.smtp.transaction import SmtpTransaction


def _of_envelope(name: str, get: Callable[[SmtpTransaction], Sequence[bytes]]) -> Buffer:
    def instances(transaction: SmtpTransaction, _direction: int) -> Sequence[bytes]:
        return [value for value in get(transaction) if value]

    return Buffer(name, TO_SERVER, Stage.HEAD, instances)


def _of_mail(name: str, get: Callable[[Part], Sequence[bytes]]) -> Buffer:
    def instances(transaction: SmtpTransaction, _direction: int) -> Sequence[bytes]:
        return [value for value in get(transaction.mail) if value]

    return Buffer(name, TO_SERVER, Stage.DONE, instances)


def _field(name: str, field: bytes) -> Buffer:
    return _of_mail(name, lambda mail: mail.get(field)[:1])


BUFFERS: Final = (
    _of_envelope("smtp.helo", lambda t: (t.helo,)),
    _of_envelope("smtp.mail_from", lambda t: (t.mail_from,)),
    _of_envelope("smtp.rcpt_to", lambda t: t.rcpt_to),
    _field("email.from", b"from"),
    _field("email.to", b"to"),
    _field("email.cc", b"cc"),
    _field("email.subject", b"subject"),
    _field("email.date", b"date"),
    _field("email.message_id", b"message-id"),
    _field("email.x_mailer", b"x-mailer"),
    _of_mail("email.received", lambda mail: mail.get(b"received")),
    _of_mail("email.url", urls),
    _of_mail("email.body_md5", lambda mail: (body_md5(mail),) if mail.body else ()),
)
