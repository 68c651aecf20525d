"""Quoted text and byte patterns of option values."""

from __future__ import annotations

import re

from vpi_tui.detect.rules.ast import Refused

_ESCAPED = re.compile(r'\\([;:"\\])')
_PIECE = re.compile(r"\|([^|]*+)\||\\(.)|([^|\\]++)", re.S)
_BETWEEN_DIGITS = str.maketrans("", "", " ,")
"""What may stand anywhere among hex digits."""
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*", re.A)
_NEXT_OPTION = re.compile(r'(?<!\\)"\s*([a-zA-Z][\w.-]*+)\s*+:\s*+!?\s*+"')
"""Within quotes: the end of them and the start of another option with quotes."""


def unquote(keyword: str, text: str, *, needed: bool = True) -> str:
    """The text between the double quotes; without quotes the text itself, unless they are needed."""
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        if text.count('"') > 2 and (found := _NEXT_OPTION.search(text, 1, len(text))):
            # Read as one text, the next option would be a part of this one, and ask for nothing.
            raise Refused(f"{keyword}: a `;` is missing before {found[1]!r}")
        return text[1:-1]
    if needed or text.startswith('"') or (text.endswith('"') and not text.endswith('\\"')):
        raise Refused(f"{keyword}: the text must stand in double quotes")
    return text


def unescape(text: str) -> str:
    r"""`\;` `\:` `\"` and `\\` as the character they stand for."""
    return printable(_ESCAPED.sub(r"\1", text) if "\\" in text else text)


def printable(text: str) -> str:
    """Text for people: bytes of the file that were no UTF-8 are read as Latin-1."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return raw_bytes(text).decode("latin-1")
    return text


def signed(text: str) -> tuple[bool, str]:
    """(negated, rest): strips a leading `!`."""
    return (True, text[1:].lstrip()) if text.startswith("!") else (False, text)


def pattern(keyword: str, text: str) -> bytes:
    r"""`ab|0d 0a|c\;` as bytes; other text as its UTF-8 bytes.

    Raises Refused for hex that is no hex, an open `|`, an escape other than `\;` `\:` `\"` `\\`, or nothing.
    """
    if not text:
        raise Refused(f"{keyword}: the pattern is empty")
    if "|" not in text and "\\" not in text:
        return raw_bytes(text)
    made = bytearray()
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if not found:
            raise Refused(
                f"{keyword}: {'a | without its partner' if text[at] == '|' else 'ends with a backslash'}"
            )
        hexadecimal, escaped, plain = found.groups()
        if hexadecimal is not None:
            made += _from_hex(keyword, hexadecimal)
        elif escaped is not None:
            if escaped not in ';:"\\':
                raise Refused(f'{keyword}: \\{escaped} is no escape; only \\; \\: \\" and \\\\ are')
            made += escaped.encode("ascii")
        else:
            made += raw_bytes(plain)
        at = found.end()
    if not made:
        raise Refused(f"{keyword}: the pattern is empty")
    return bytes(made)


def _from_hex(keyword: str, digits: str) -> bytes:
    plain = digits.translate(_BETWEEN_DIGITS)
    if not _HEX.fullmatch(plain):
        raise Refused(f"{keyword}: not pairs of hex digits: |{digits[:40]}|")
    return bytes.fromhex(plain)


def raw_bytes(text: str) -> bytes:
    """The bytes of the rule file that this text was read from."""
    # Rule files are decoded as UTF-8 with surrogateescape, so the bytes of the file come back.
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:  # an escape such as "\ud800" in a pack
        raise Refused(f"U+{ord(text[error.start]):04X} is half a character") from None
