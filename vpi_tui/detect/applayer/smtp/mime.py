"""A mail taken apart: header fields, parts, attachments and URLs; lenient, and bounded in all it makes."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.parameters import mime_parameter
from vpi_tui.detect.applayer.smtp.base64_text import Base64

MOST_FIELDS: Final = 512
"""Header fields of one part."""
VALUE_LIMIT: Final = 2_000
"""Bytes of a value in its first line that are usual."""
FILE_NAME_LIMIT: Final = 255
MOST_PARTS: Final = 256
BOUNDARY_LIMIT: Final = 256
"""Bytes of a boundary that are looked for."""
TEXTS: Final = (b"text/plain", b"text/html")
"""Media types in which URLs are looked for; as they are, in no other case."""
BASE64: Final = b"base64"
QUOTED: Final = b"quoted-printable"
MOST_DEPTH: Final = 8
MOST_URLS: Final = 256
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_FOLD: Final = re.compile(rb"\r?\n[ \t]")
"""With the byte that marks a line as one that goes on: what is behind it is the value's."""
_LONG_VALUE: Final = re.compile(rb"(?:\A|\n)[^:\n \t][^:\n]*+:[ \t]*+[^\r\n]{%d}" % (VALUE_LIMIT + 1))
_MARK_END: Final = re.compile(rb"(--)?[ \t]*(?=\r?\n|\Z)")
"""What stands behind the boundary in its line."""
URL: Final = re.compile(rb"https?://([^\s\"'<>\]]{1,2048})", re.IGNORECASE)


@dataclass(slots=True)
class Part:
    """A mail, or a part of one that has parts."""

    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    """(name in lower case, value) in order; lines of a folded value are joined without their ends and the
    byte that each begins with."""
    body: bytes = b""
    has_long_value: bool = False
    """The first line of a value is longer than usual."""
    carried: bytes = b""
    """The name of the attached message whose head and body these are."""

    def get(self, name: bytes) -> list[bytes]:
        return [value for found, value in self.fields if found == name]

    def first(self, name: bytes) -> bytes:
        return next(iter(self.get(name)), b"")

    @property
    def kind(self) -> bytes:
        """The media type in lower case."""
        return self.first(b"content-type").partition(b";")[0].strip().lower()

    @property
    def named(self) -> bytes:
        """The name that makes a part an attachment, of whichever field is the first to have one. An attached
        message gives its own to what it holds, so that what is attached to that is found as well."""
        if self.carried:
            return self.carried
        for name, value in self.fields:
            word = _NAMING.get(name)
            if word is not None and (found := parameter(value, word)):
                return found
        return b""

    @property
    def file_name(self) -> bytes:
        return self.named[:FILE_NAME_LIMIT]

    @property
    def is_message(self) -> bool:
        """Is its body a head and a body again?"""
        return self.kind.startswith(b"message/")

    @property
    def coding(self) -> bytes:
        """The transfer encoding in lower case."""
        return self.first(b"content-transfer-encoding").lower()

    def is_text(self, before: bool) -> bool:
        """Are URLs looked for in it? before: in the one in front, whose type stays unless it has one."""
        kinds = self.get(b"content-type")
        return kinds[-1].partition(b";")[0] in TEXTS if kinds else before


_NAMING: Final = {b"content-disposition": b"filename", b"content-type": b"name"}


def parameter(value: bytes, name: bytes) -> bytes:
    """The value of `; name=value`, also of one in pieces (RFC 2231); b"" = there is none."""
    return mime_parameter(value, name) or b""


def parse_part(data: bytes) -> Part:
    """Header fields up to the first empty line, and what follows it."""
    if data.startswith((b"\r\n", b"\n")):
        return Part(body=data.lstrip(b"\r").removeprefix(b"\n"))
    end = _HEAD_END.search(data)
    head, body = (data[: end.start()], data[end.end() :]) if end else (data, b"")
    part = Part(body=body, has_long_value=_LONG_VALUE.search(head) is not None)
    for line in _FOLD.sub(b"", head).split(b"\n")[:MOST_FIELDS]:
        name, colon, value = line.partition(b":")
        if colon:
            part.fields.append((name.strip(b" \t").lower(), value.lstrip(b" \t").rstrip(b"\r")))
    return part


def leaves(mail: Part) -> list[Part]:
    """The parts that have no parts, in order."""
    return [part for part, _ in told_leaves(mail)]


def told_leaves(mail: Part) -> list[tuple[Part, bool]]:
    """The same, and whether URLs are looked for in each that is no attachment."""
    found: list[tuple[Part, bool]] = []
    waiting, is_text = [(mail, 0)], True
    while waiting and len(found) < MOST_PARTS:
        part, depth = waiting.pop()
        is_text = part.is_text(is_text)
        inner = _inner(part) if depth < MOST_DEPTH else None
        if inner is None:
            found.append((part, is_text))
            continue
        if part.named and not part.is_message:
            found.append((replace(part, body=inner.front), is_text))
        waiting += [(each, depth + 1) for each in reversed(inner.parts)]
    return found


class _Inner(NamedTuple):
    """What a part holds. front: what stands in front of its parts."""

    front: bytes
    parts: list[Part]


def _inner(part: Part) -> _Inner | None:
    """None = it is neither a message nor has it parts."""
    if part.is_message:
        return _Inner(b"", [replace(parse_part(part.body), carried=part.named)])
    boundary = parameter(part.first(b"content-type"), b"boundary")[:BOUNDARY_LIMIT]
    if not boundary or not part.kind.startswith(b"multipart/"):
        return None
    front, *parts = _between(part.body, boundary)
    return _Inner(front, [parse_part(data) for data in parts])


def _between(body: bytes, boundary: bytes) -> list[bytes]:
    """What is in front of the lines that are `--boundary`, and between them; the last may lack its end."""
    line = b"--" + boundary
    parts: list[bytes] = []
    start = 0
    for end in _line_starts(body, line):
        mark = _MARK_END.match(body, end + len(line))
        if mark is None:
            continue
        if start >= 0:
            data = body[start:end].removesuffix(b"\n").removesuffix(b"\r")
            parts.append(_without_line_end(data) if parts else data)
        start = -1 if mark[1] else mark.end()
        if mark[1] or len(parts) > MOST_PARTS:
            return parts
    if start >= 0:
        parts.append(_without_line_end(body[start:]) if parts else body)
    return parts


def _line_starts(text: bytes, begin: bytes) -> Iterator[int]:
    """Where lines stand that begin so."""
    if text.startswith(begin):
        yield 0
    at, behind = 0, b"\n" + begin
    while (at := text.find(behind, at)) >= 0:
        at += 1
        yield at


def _without_line_end(data: bytes) -> bytes:
    """Without the end of the line that the boundary stood in."""
    return data[2:] if data.startswith(b"\r\n") else data.removeprefix(b"\n")


def decoded(part: Part) -> bytes:
    """The body with its transfer encoding undone; never longer than it was sent."""
    if part.coding == BASE64:
        text = Base64()
        return text.feed(part.body) + text.close()
    if part.coding == QUOTED:
        return binascii.a2b_qp(part.body)
    return part.body


def urls(mail: Part) -> list[bytes]:
    """Those in texts and attachments, without the scheme. Quoted-printable texts are searched as sent."""
    found: dict[bytes, None] = {}
    for part, is_text in told_leaves(mail):
        if not part.file_name and not is_text:
            continue
        text = decoded(part) if part.file_name or part.coding == BASE64 else part.body
        for url in URL.finditer(text):
            if len(found) >= MOST_URLS:
                break
            found[url[1]] = None
    return list(found)
