"""Header fields, read as leniently as servers and browsers do, and the ways in which rules see them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_BLANKS: Final = b" \t\x0b\x0c\r\n\0"
_LONE_CR: Final = re.compile(rb"\r(?=[^\r\n])")
_FIELD: Final = re.compile(rb"[ \t\0]+[A-Za-z0-9_\-]+:")
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


def parse_headers(block: bytes, *, of_response: bool = False) -> Headers:
    """Read the lines of a header block; a line that starts with a blank continues the one before.

    of_response: also a CR alone ends a line, and a continued line that reads as a field is one.
    """
    headers = Headers(block)
    seen: dict[bytes, list[bytes]] = {}
    for line in _unfolded(block, headers.anomalies, of_response):
        name, colon, value = line.partition(b":")
        if not colon:
            headers.anomalies.append("header_missing_colon")
            name, value = b"", line
        elif name != name.rstrip(_BLANKS):
            headers.anomalies.append("header_invalid")
        _collect(headers, seen, name.strip(_BLANKS), value.strip(_BLANKS))
    for lower, values in seen.items():
        headers.fields[lower] = (headers.fields[lower][0], b", ".join(values))
    return headers


def _collect(headers: Headers, seen: dict[bytes, list[bytes]], name: bytes, value: bytes) -> None:
    """Note a field; values of one name are joined only once all are there."""
    lower = name.replace(b"\0", b"").lower()
    before = seen.get(lower)
    if before is None:
        if len(seen) < MOST_FIELDS:
            seen[lower] = [value]
            headers.fields[lower] = (name, value)
    elif lower == b"content-length":
        headers.anomalies.append("duplicate_content_length_field")
    else:
        before.append(value)


def _unfolded(block: bytes, anomalies: list[str], of_response: bool) -> list[bytes]:
    parts: list[list[bytes]] = []
    for sent in (_LONE_CR.sub(b"\n", block) if of_response else block).split(b"\n"):
        line = sent.rstrip(b"\r")
        if not line:
            continue
        if line[0] in b" \t\0" and parts and not (of_response and _FIELD.match(line)):
            parts[-1].append(b" " + line.strip(_BLANKS))
            anomalies.append("header_folded")
        else:
            parts.append([line])
    return [b"".join(folded) for folded in parts]
