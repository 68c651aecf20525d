"""Header fields, read as leniently as servers and browsers do, and the ways in which rules see them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_BLANKS: Final = b" \t\x0b\x0c\r\n\0"
_LONE_CR: Final = re.compile(rb"\r(?=[^\r\n])")
_FIELD: Final = re.compile(rb"[ \t\0]+[A-Za-z0-9_\-]+:")
_DIGITS: Final = re.compile(rb"\d{1,18}")
_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MOST_FIELDS: Final = 1024
"""Header fields of one message; more are not looked at."""


@dataclass(slots=True)
class Headers:
    """The fields of one message in order; a name that comes again is joined to the first with a comma."""

    raw: bytes = b""
    """The lines as sent, with the empty line at their end."""
    fields: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    """Lower-case name without NULs -> (name as sent, value)."""
    anomalies: list[str] = field(default_factory=list)

    def get(self, name: bytes) -> bytes | None:
        """The value of a field by its lower-case name."""
        found = self.fields.get(name)
        return None if found is None else found[1]

    def lines(self, without: bytes = b"") -> list[bytes]:
        """Each field as `Name: value`."""
        return [name + b": " + value for lower, (name, value) in self.fields.items() if lower != without]

    def names(self) -> bytes:
        """The names between empty lines, as http.header_names has them."""
        return b"\r\n" + b"".join(name + b"\r\n" for name, _ in self.fields.values()) + b"\r\n"


def plain_headers(block: bytes) -> Headers | None:
    """What `parse_headers` gives of a block as almost all are, in a fraction of the time; None = it is none.

    For blocks without NULs in which each line ends with CR and LF. Each has a name of its own and a colon.
    """
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
    seen: dict[bytes, list[bytes]] = {}
    for line in _unfolded(block, of_response):
        sent, colon, value = line.partition(b":")
        name = sent.strip(_BLANKS)
        if not colon:
            headers.anomalies.append("field_missing_colon")
            name, value = b"", line
        elif len(name) != len(sent) or not name:
            headers.anomalies += _around(sent, name)
        _collect(headers, seen, name, value.strip(_BLANKS))
    for lower, values in seen.items():
        headers.fields[lower] = (headers.fields[lower][0], b", ".join(values))
    if b"".join(seen).translate(None, _TOKEN) or (b"\0" in block and b"\0" in headers.names()):
        headers.anomalies.append("header_invalid")
    return headers


def _around(sent: bytes, name: bytes) -> list[str]:
    """Events of a name with blanks around it, or of none."""
    found = ["invalid_field_folding"] if sent[:1] in (b" ", b"\t") else []
    if not name:
        return [*found, "field_missing_colon"]
    return [*found, "header_invalid"] if sent != sent.rstrip(_BLANKS) else found


def content_length(value: bytes) -> int | None:
    """The number in a Content-Length; junk around it is passed over; None = there is none."""
    found = _DIGITS.search(value)
    return int(found[0]) if found else None


def is_chunked(headers: Headers) -> bool:
    coding = headers.get(b"transfer-encoding")
    return coding is not None and b"chunked" in coding.replace(b"\0", b"").lower()


def _collect(headers: Headers, seen: dict[bytes, list[bytes]], name: bytes, value: bytes) -> None:
    """Note a field; values of one name are joined only once all are there."""
    lower = name.replace(b"\0", b"").lower()
    before = seen.get(lower)
    if before is None:
        if len(seen) < MOST_FIELDS:
            seen[lower] = [value]
            headers.fields[lower] = (name, value)
        else:
            headers.anomalies.append("too_many_headers")
        return
    if len(before) == 1:
        headers.anomalies.append("header_repetition")
    if lower != b"content-length":
        before.append(value)
    elif (number := content_length(value)) is None or number != content_length(before[0]):
        headers.anomalies.append("duplicate_content_length")


def _unfolded(block: bytes, of_response: bool) -> list[bytes]:
    parts: list[list[bytes]] = []
    for sent in (_LONE_CR.sub(b"\n", block) if of_response else block).split(b"\n"):
        line = sent.rstrip(b"\r")
        if not line:
            continue
        if line[0] in b" \t\0" and parts and not (of_response and _FIELD.match(line)):
            parts[-1].append(b" " + line.strip(_BLANKS))
        else:
            parts.append([line])
    return [b"".join(folded) for folded in parts]
