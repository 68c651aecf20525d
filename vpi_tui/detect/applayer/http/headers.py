"""Header fields, read as leniently as servers and browsers do, and the ways in which rules see them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_BLANKS: Final = b" \t\x0b\x0c\r\n\0"
_LONE_CR: Final = re.compile(rb"\r(?=[^\r\n])")
_FIELD: Final = re.compile(rb"[ \t\0]+[A-Za-z0-9_\-]+:")
_FOLDED: Final = re.compile(rb"\n[ \t\0]")
_DIGITS: Final = re.compile(rb"\d{1,18}")
_MOST_DIGITS: Final = 18
_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TIDY: Final = re.compile(
    rb"(?m)^([" + re.escape(_TOKEN) + rb"]++): ([!-\xff][^\r\n\0]*+)(?<![ \t\x0b\x0c])\r\n"
)
MOST_FIELDS: Final = 1024
"""Header fields of one message; more are not looked at."""
_A_FIELD: Final = 256
"""Bytes that a field costs beside its text."""


@dataclass(slots=True)
class Headers:
    """The fields of one message in order; a name that comes again is joined to the first with a comma."""

    raw: bytes = b""
    """The lines as sent, with the empty line at their end."""
    fields: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    """Lower-case name without NULs -> (name as sent, value)."""
    anomalies: list[str] = field(default_factory=list)
    tidy: bool = field(default=False, compare=False)
    """Each line of `raw` is `Name: value` as it is, and each name comes once."""

    @property
    def kept(self) -> int:
        """Bytes that they take, roughly: the lines, and their names and values."""
        return 3 * len(self.raw) + _A_FIELD * len(self.fields) + 8 * len(self.anomalies)

    def get(self, name: bytes) -> bytes | None:
        """The value of a field by its lower-case name."""
        found = self.fields.get(name)
        return None if found is None else found[1]

    def lines(self, without: bytes = b"") -> list[bytes]:
        """Each field as `Name: value`."""
        return [name + b": " + value for lower, (name, value) in self.fields.items() if lower != without]

    def text(self, without: bytes = b"") -> bytes:
        """Each field as a line `Name: value`."""
        if self.tidy and without not in self.fields:
            return self.raw[:-2]
        pairs: Iterable[tuple[bytes, bytes]] = self.fields.values()
        if without in self.fields:
            pairs = [pair for lower, pair in self.fields.items() if lower != without]
        return b"\r\n".join([*map(b": ".join, pairs), b""])

    def names(self) -> bytes:
        """The names between empty lines, as http.header_names has them."""
        return b"\r\n".join([b"", *[name for name, _ in self.fields.values()], b"", b""])


NO_HEADERS: Final = Headers()
"""Stands where none were seen; nothing is added to it."""


def has_only_crlf(block: bytes) -> bool:
    """Do CR and LF stand nowhere but together?"""
    ends = block.count(b"\r\n")
    return block.count(b"\n") == ends and block.count(b"\r") == ends


def plain_headers(block: bytes) -> Headers | None:
    """What `parse_headers` gives of a block as almost all are, in a fraction of the time; None = it is none.

    Such a block has no NULs, each of its lines ends with CR and LF and has a name of its own and a colon.
    block: up to and with the first line that is empty.
    """
    pairs = _TIDY.findall(block)
    if len(pairs) != block.count(b"\n") - 1:
        return _almost_tidy(block)
    fields = {pair[0].lower(): pair for pair in pairs}
    return Headers(block, fields, [], True) if len(fields) == len(pairs) <= MOST_FIELDS else None


def _almost_tidy(block: bytes) -> Headers | None:
    """The same of a block with other blanks around values than one."""
    if b"\0" in block or not has_only_crlf(block):
        return None
    fields: dict[bytes, tuple[bytes, bytes]] = {}
    count = 0
    for line in block[:-4].split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon or not name or name[0] in _BLANKS or name[-1] in _BLANKS:
            return None
        fields[name.lower()] = name, value.strip(_BLANKS)
        count += 1
    odd = b"".join(fields).translate(None, _TOKEN)
    return None if odd or not count == len(fields) <= MOST_FIELDS else Headers(block, fields)


def parse_headers(block: bytes, *, of_response: bool = False) -> Headers:
    """Read the lines of a header block; a line that starts with a blank continues the one before.

    of_response: also a CR alone ends a line, and a continued line that reads as a field is one.
    """
    headers = Headers(block)
    fields = headers.fields
    more: dict[bytes, list[bytes]] = {}
    nuls = b"\0" in block
    for line in _unfolded(block, of_response):
        sent, colon, value = line.partition(b":")
        name = sent.strip(_BLANKS)
        if not colon:
            headers.anomalies.append("field_missing_colon")
            name, value = b"", line
        elif len(name) != len(sent) or not name:
            headers.anomalies += _around(sent, name)
        lower = (name.replace(b"\0", b"") if nuls else name).lower()
        if lower in fields:
            _repeat(headers, more, lower, value.strip(_BLANKS))
        elif len(fields) < MOST_FIELDS:
            fields[lower] = name, value.strip(_BLANKS)
        else:
            headers.anomalies.append("too_many_headers")
    for lower, values in more.items():
        name, first = fields[lower]
        fields[lower] = name, b", ".join((first, *values))
    if b"".join(fields).translate(None, _TOKEN) or (nuls and b"\0" in headers.names()):
        headers.anomalies.append("header_invalid")
    return headers


def _repeat(headers: Headers, more: dict[bytes, list[bytes]], lower: bytes, value: bytes) -> None:
    """A name comes again. more: the values behind the first, which are joined only once all are there."""
    before = more.setdefault(lower, [])
    if not before:
        headers.anomalies.append("header_repetition")
    if lower != b"content-length":
        before.append(value)
    elif (number := content_length(value)) is None or number != content_length(headers.fields[lower][1]):
        headers.anomalies.append("duplicate_content_length")


def _around(sent: bytes, name: bytes) -> list[str]:
    """Events of a name with blanks around it, or of none."""
    found = ["invalid_field_folding"] if sent[:1] in (b" ", b"\t") else []
    if not name:
        return [*found, "field_missing_colon"]
    return [*found, "header_invalid"] if sent != sent.rstrip(_BLANKS) else found


def content_length(value: bytes) -> int | None:
    """The number in a Content-Length; junk around it is passed over; None = there is none."""
    if value.isdigit() and len(value) <= _MOST_DIGITS:
        return int(value)
    found = _DIGITS.search(value)
    return int(found[0]) if found else None


def is_chunked(headers: Headers) -> bool:
    found = headers.fields.get(b"transfer-encoding")
    return found is not None and b"chunked" in found[1].replace(b"\0", b"").lower()


def _unfolded(block: bytes, of_response: bool) -> list[bytes]:
    text = block
    if has_only_crlf(block):
        lines = [line for line in block.split(b"\r\n") if line]
    else:
        text = _LONE_CR.sub(b"\n", block) if of_response else block
        lines = [line for sent in text.split(b"\n") if (line := sent.rstrip(b"\r"))]
    if _FOLDED.search(text) is None:
        return lines
    parts: list[list[bytes]] = []
    for line in lines:
        if line[0] in b" \t\0" and parts and not (of_response and _FIELD.match(line)):
            parts[-1].append(line)
        else:
            parts.append([line])
    return [b"".join(folded) for folded in parts]
