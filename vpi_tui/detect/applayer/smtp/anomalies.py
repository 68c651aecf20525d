"""What is odd about the MIME of a mail (names of events and limits as Suricata's)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from vpi_tui.detect.applayer.smtp.mime import Part, leaves, parameter

BOUNDARY_LIMIT: Final = 254
NAME_LIMIT: Final = 75
VALUE_LIMIT: Final = 2_000
LINE_LIMIT: Final = 998
ENCODED_LINE_LIMIT: Final = 76
# Tried where a line begins alone: else each byte of a line would be looked at from each before it.
_LONG_LINE: Final = re.compile(rb"(?<![^\r\n])[^\r\n]{%d}" % (LINE_LIMIT + 1))
_LONG_ENCODED_LINE: Final = re.compile(rb"(?<![^\r\n])[^\r\n]{%d}" % (ENCODED_LINE_LIMIT + 1))
_NO_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=\s]")
_NO_QUOTED: Final = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|[ \t]*\Z)")


def mime_events(mail: Part) -> Iterator[str]:
    """Names without their protocol, some of them more than once."""
    if len(parameter(mail.first(b"content-type"), b"boundary")) > BOUNDARY_LIMIT:
        yield "mime_long_boundary"
    if _LONG_LINE.search(mail.body):
        yield "mime_long_line"
    for part in (mail, *leaves(mail)):
        for name, value in part.fields:
            if len(name) > NAME_LIMIT:
                yield "mime_long_header_name"
            if len(value) > VALUE_LIMIT:
                yield "mime_long_header_value"
    for part in leaves(mail):
        yield from _coded(part)


def _coded(part: Part) -> Iterator[str]:
    coding = part.first(b"content-transfer-encoding").strip().lower()
    if coding == b"base64":
        if _NO_BASE64.search(part.body):
            yield "mime_invalid_base64"
        if _LONG_ENCODED_LINE.search(part.body):
            yield "mime_long_enc_line"
    elif coding == b"quoted-printable" and _NO_QUOTED.search(part.body):
        yield "mime_invalid_qp"
