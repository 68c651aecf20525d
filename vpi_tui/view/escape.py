"""The gate between the wire and the terminal: every string that came from a packet passes `safe`.

A terminal obeys bytes. A host name may hold an escape sequence that rewrites the screen, a mark that turns
the reading order round (Unicode TR 36), or characters of no width that make two names look alike. `safe`
shows all of those as backslash escapes, in ASCII, so that an operator sees what was really sent.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

ELLIPSIS = "…"

_MAX_MARKS = 2
"""Combining marks kept on one base character: enough for living scripts, too few to smear."""

_INVISIBLE = frozenset(
    chain(
        (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        range(0x180B, 0x1810),
        range(0xFE00, 0xFE10),
        range(0xE0100, 0xE01F0),
    )
)
"""Printable by category, yet blank or of no width (Default_Ignorable_Code_Point and braille blank)."""

_PLAIN = re.compile(r"[ -\[\]-~]*\Z")
"""Printable ASCII without the backslash: nothing to do."""


def safe(text: str | bytes, limit: int = 256) -> str:
    r"""Return `text` with everything that a terminal or a reader could stumble over made visible.

    Printable characters stay. All others become ``\xNN``, ``\uNNNN`` or ``\UNNNNNNNN``; a backslash is
    doubled only where it could be taken for the start of such an escape, so the mapping can be undone. Bytes
    are read as UTF-8; a byte that is no UTF-8 becomes ``\xNN`` too (in a str, a surrogate ``\udcNN``).

    limit: most characters in the result (at least 1); longer text is cut between escapes and ends in "…".
    The work is bounded by limit, however long the text is.
    """
    limit = max(limit, 1)
    if isinstance(text, bytes):
        return _safe_bytes(text, limit)
    if len(text) <= limit and _PLAIN.match(text):
        return text
    return _clip(_pieces(text[: limit + 1]), limit, len(text) > limit + 1)


def is_safe(text: str) -> bool:
    """True when `text` holds nothing that `safe` would have to escape for the sake of the terminal."""
    if text.isascii():
        return text.isprintable()
    return text.isprintable() and not any(ord(char) in _INVISIBLE for char in text) and not _smeared(text)


def _smeared(text: str) -> bool:
    marks = 0
    for char in text:
        marks = marks + 1 if _is_mark(char) else 0
        if marks > _MAX_MARKS:
            return True
    return bool(text) and _is_mark(text[0])


def _is_mark(char: str) -> bool:
    return char > "\u02ff" and unicodedata.category(char) in ("Mn", "Me", "Mc")


def _safe_bytes(raw: bytes, limit: int) -> str:
    """Invalid bytes are carried through as surrogates and told apart from the rest by `_pieces`."""
    head = raw[: 4 * (limit + 1)]
    text = head.decode("utf-8", "surrogateescape")
    pieces = _pieces(text[: limit + 1], from_bytes=True)
    return _clip(pieces, limit, len(text) > limit + 1 or len(raw) > len(head))


def _pieces(text: str, *, from_bytes: bool = False) -> list[str]:
    """One piece of output for each character of `text`."""
    out: list[str] = []
    marks = _MAX_MARKS  # a mark at the very start has no base of its own: it would land on foreign text
    for position, char in enumerate(text):
        if char == "\\":
            out.append(_backslash(text, position))
        elif _is_mark(char) and ord(char) not in _INVISIBLE:
            marks += 1
            out.append(char if marks <= _MAX_MARKS else _escape(char))
            continue
        elif char.isprintable() and ord(char) not in _INVISIBLE:
            out.append(char)
        elif from_bytes and "\udc80" <= char <= "\udcff":
            out.append(f"\\x{ord(char) - 0xDC00:02x}")
        else:
            out.append(_escape(char))
        marks = 0
    return out


def _backslash(text: str, position: int) -> str:
    after = text[position + 1 : position + 2]
    if after in ("x", "u", "U", "\\") or (after and not (after.isprintable() and after.isascii())):
        return "\\\\"
    return "\\"


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _clip(pieces: list[str], limit: int, longer: bool) -> str:
    """Join whole pieces up to `limit` characters; `longer`: there was more text than the pieces hold."""
    whole = "".join(pieces)
    if len(whole) <= limit and not longer:
        return whole
    kept: list[str] = []
    room = limit - 1
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + ELLIPSIS
