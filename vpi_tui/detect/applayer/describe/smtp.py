"""smtp: the envelope, and the mail's own fields under `email`."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.smtp.mime import Part, leaves, urls
from vpi_tui.detect.applayer.smtp.transaction import SmtpTransaction


def describe(transaction: SmtpTransaction) -> dict[str, Any]:
    envelope = filled(
        helo=transaction.helo,
        mail_from=transaction.mail_from,
        rcpt_to=[text(one) for one in transaction.rcpt_to[:MOST_LISTED]],
    )
    return filled(smtp=envelope, email=_email(transaction.mail) if transaction.raw else {})


def _email(mail: Part) -> dict[str, Any]:
    attached = [part.file_name for part in leaves(mail) if part.file_name]
    return filled(
        status="PARSE_DONE",
        **{"from": mail.first(b"from")},
        to=_addresses(mail.first(b"to")),
        cc=_addresses(mail.first(b"cc")),
        subject=mail.first(b"subject"),
        date=mail.first(b"date"),
        message_id=mail.first(b"message-id"),
        x_mailer=mail.first(b"x-mailer"),
        attachment=[text(name) for name in attached[:MOST_LISTED]],
        url=[text(url) for url in urls(mail)[:MOST_LISTED]],
    )


def _addresses(value: bytes) -> list[str]:
    return [text(one.strip()) for one in value.split(b",")[:MOST_LISTED] if one.strip()]
