"""Parameters of header fields, `;`-separated, in the two ways in which Suricata reads them."""

from __future__ import annotations

import re
from typing import Final

LIMIT: Final = 8_192
"""Bytes of a field that are looked at."""
MOST_SECTIONS: Final = 64
"""Pieces of one value (RFC 2231, 3) that are put together."""
_MIME: Final = re.compile(rb'[ \t\r\n]*+([^=]*+)=(?:"((?:[^"\\]|\\.)*+)"|([^;]*+))[ \t\r\n]*;?', re.DOTALL)
_FILE_NAME: Final = b"filename="
_MARK: Final = re.compile(rb'(?<!\\)[";]')


def mime_parameter(value: bytes, name: bytes) -> bytes | None:
    """A parameter behind the first `;`, as the parts of forms and mails have them; None = there is none.

    Names are compared as they are; of those that come again the last counts.
    """
    _, semicolon, rest = value[:LIMIT].partition(b";")
    found: dict[bytes, bytes] = {}
    at = 0
    while semicolon and (token := _MIME.match(rest, at)) is not None:
        found[token[1]] = token[2] if token[2] is not None else token[3].rstrip(b" \t\r\n")
        at = token.end()
    whole = found.get(name)
    if whole is None and name + b"*0" in found:
        whole = b""
        for number in range(MOST_SECTIONS):
            piece = found.get(name + b"*%d" % number)
            if piece is None:
                break
            whole += piece
    return whole


def form_parameter(value: bytes, name: bytes) -> bytes | None:
    """The same, without its backslashes."""
    found = mime_parameter(value, name)
    return None if found is None else found.replace(b"\\", b"")


def attachment_name(disposition: bytes) -> bytes:
    """The file name in a Content-Disposition of HTTP itself; b"" = there is none.

    It may be the first parameter, its name in either case; quotation marks around it are dropped.
    """
    for token in _outside_quotes(disposition[:LIMIT].lstrip()):
        if token[: len(_FILE_NAME)].lower() == _FILE_NAME and len(token) > len(_FILE_NAME):
            return token[len(_FILE_NAME) :].removeprefix(b'"').removesuffix(b'"')
    return b""


def _outside_quotes(text: bytes) -> list[bytes]:
    """Cut at each `;` that stands in no quotes and behind no backslash; one in open quotes ends nothing."""
    tokens, begin, quoted = [], 0, False
    for found in _MARK.finditer(text):
        if found[0] == b'"':
            quoted = not quoted
        elif not quoted:
            tokens.append(text[begin : found.start()].lstrip())
            begin = found.end()
    return tokens if quoted else [*tokens, text[begin:].lstrip()]
