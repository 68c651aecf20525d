"""What is odd about replies, and about the MIME of a mail (names of events and limits as Suricata's)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.smtp.mime import Part, parameter
from vpi_tui.detect.applayer.smtp.transaction import SmtpTransaction

REPLIES: Final = frozenset(
    b"211 214 220 221 235 250 251 252 334 354 401 402 421 435 450 451 452 454 455 500 501 502 503 504 511 "
    b"521 522 525 530 534 535 541 543 550 551 552 553 554 555".split()
)
"""Codes of RFC 5321, 4954 and others in use; another one is an anomaly."""
BOUNDARY_LIMIT: Final = 254
FILE_NAME_LIMIT: Final = 255
NAME_LIMIT: Final = 75
VALUE_LIMIT: Final = 2_000
LINE_LIMIT: Final = 998
ENCODED_LINE_LIMIT: Final = 76
_OF_CODINGS: Final = ("smtp.mime_invalid_base64", "smtp.mime_long_enc_line", "smtp.mime_invalid_qp")
OF_MAIL: Final = ("smtp.mime_long_boundary", "smtp.mime_long_line")
OF_PARTS: Final = (
    "smtp.mime_long_header_name",
    "smtp.mime_long_header_value",
    "smtp.mime_long_filename",
    *_OF_CODINGS,
)
"""Anomalies that a mail itself tells of, and those that its parts do."""
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n\f\v"
_NO_QUOTED: Final = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|[ \t]*\Z)")


def mime_events(found: SmtpTransaction, parts: Sequence[Part], limits: Limits) -> Iterator[str]:
    """Names without their protocol, some of them more than once. parts: the leaves of the mail; what is
    costly to find is looked for where somebody asks."""
    mail = found.mail
    if len(parameter(mail.first(b"content-type"), b"boundary")) > BOUNDARY_LIMIT:
        yield "mime_long_boundary"
    if limits.heeds("smtp.mime_long_line") and _longest_line(bytes(found.raw)) > LINE_LIMIT:
        yield "mime_long_line"
    for part in (mail, *parts):
        for name, value in part.fields:
            if len(name) > NAME_LIMIT:
                yield "mime_long_header_name"
            if len(value) > VALUE_LIMIT:
                yield "mime_long_header_value"
    coded = limits.heeds(*_OF_CODINGS)
    for part in parts:
        if len(part.file_name) > FILE_NAME_LIMIT:
            yield "mime_long_filename"
        if coded:
            yield from _coded(part)


def _coded(part: Part) -> Iterator[str]:
    coding = part.first(b"content-transfer-encoding").strip().lower()
    if coding == b"base64":
        if part.body.translate(None, _BASE64):
            yield "mime_invalid_base64"
        if _longest_line(part.body) > ENCODED_LINE_LIMIT:
            yield "mime_long_enc_line"
    elif coding == b"quoted-printable" and _NO_QUOTED.search(part.body):
        yield "mime_invalid_qp"


def _longest_line(text: bytes) -> int:
    """Bytes of the longest stretch without an end of a line; some ten times as quick as an expression."""
    return max(map(len, text.replace(b"\r", b"\n").split(b"\n")))
