"""What is odd about replies, and about the MIME of a mail (names of events and limits as Suricata's)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.smtp.mime import BASE64, FILE_NAME_LIMIT, QUOTED, Part, parameter
from vpi_tui.detect.applayer.smtp.transaction import SmtpTransaction

REPLIES: Final = frozenset(
    b"211 214 220 221 235 250 251 252 334 354 401 402 421 435 450 451 452 454 455 500 501 502 503 504 511 "
    b"521 522 525 530 534 535 541 543 550 551 552 553 554 555".split()
)
"""Codes of RFC 5321, 4954 and others in use; another one is an anomaly."""
BOUNDARY_LIMIT: Final = 254
NAME_LIMIT: Final = 75
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
_IN_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NO_BASE64: Final = bytes(sorted(set(range(256)) - set(_IN_BASE64)))
"""Passed over wherever they stand, and no anomaly."""
_NO_QUOTED: Final = re.compile(rb"=(?![0-9A-F]{2}|\r?\n|\Z)")


def mime_events(found: SmtpTransaction, parts: Sequence[tuple[Part, bool]], limits: Limits) -> Iterator[str]:
    """Names without their protocol, some of them more than once. parts: the leaves of the mail, and whether
    each is a text; what is costly to find is looked for where somebody asks."""
    mail = found.mail
    if len(parameter(mail.first(b"content-type"), b"boundary")) > BOUNDARY_LIMIT:
        yield "mime_long_boundary"
    if limits.heeds("smtp.mime_long_line") and _longest_line(bytes(found.raw)) > LINE_LIMIT:
        yield "mime_long_line"
    for part in (mail, *(part for part, _ in parts)):
        if any(len(name) > NAME_LIMIT for name, _ in part.fields):
            yield "mime_long_header_name"
        if part.has_long_value:
            yield "mime_long_header_value"
        if len(part.named) > FILE_NAME_LIMIT:
            yield "mime_long_filename"
    if limits.heeds(*_OF_CODINGS):
        for part, is_text in parts:
            yield from _coded(part, is_text)


def _coded(part: Part, is_text: bool) -> Iterator[str]:
    """What Suricata undoes: attachments, and of texts base64 alone."""
    is_attached = bool(part.file_name)
    if part.coding == BASE64 and (is_attached or is_text):
        if _has_early_padding(part.body):
            yield "mime_invalid_base64"
    elif part.coding == QUOTED and is_attached:
        if _NO_QUOTED.search(part.body):
            yield "mime_invalid_qp"
    else:
        return
    if _longest_line(part.body) > ENCODED_LINE_LIMIT:
        yield "mime_long_enc_line"


def _has_early_padding(text: bytes) -> bool:
    """Is one of the first two letters of four, as they come, a padding?"""
    letters = text.translate(None, _NO_BASE64)
    whole = letters[: len(letters) // 4 * 4]
    return b"=" in whole[::4] or b"=" in whole[1::4]


def _longest_line(text: bytes) -> int:
    """Bytes of the longest stretch without an end of a line; some ten times as quick as an expression."""
    return max(map(len, text.replace(b"\r", b"\n").split(b"\n")))
