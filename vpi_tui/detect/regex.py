"""Regular expressions of rules: PCRE2, as in Suricata, with its limit of steps.

Expressions come from rule files and subjects from the wire, so a search must end whatever both say. PCRE2
counts the times that it enters its matching function, for each place where a match may begin; a search
that goes beyond MATCH_LIMIT is given up and has found nothing. Source: pcre2api(3), pcre2pattern(3).
"""

from __future__ import annotations

import re
from enum import IntFlag
from functools import lru_cache
from typing import Any, Final, NamedTuple

import pcre2

LIBRARY: Final = f"PCRE2 {pcre2.__libpcre2_version__}, binding {pcre2.__version__}"
"""What decides which expressions are any."""
MATCH_LIMIT: Final = 3500
"""Steps from one place, as Suricata's pcre.match-limit."""
SUBJECT_LIMIT: Final = 131_072
"""Bytes of the subject, from where the search begins: more than any buffer of a body holds."""
MOST_CHARACTERS: Final = 16_384
"""Of an expression."""
JIT_STACK: Final = -46
"""pcre2.h: the stack of the compiled code was too small; the interpreter has no such limit."""


class Flag(IntFlag):
    """Options of PCRE2 by their numbers in pcre2.h, which are part of its interface."""

    NONE = 0
    CASELESS = 0x0000_0008
    DOLLAR_ENDONLY = 0x0000_0010
    DOTALL = 0x0000_0020
    EXTENDED = 0x0000_0080
    MULTILINE = 0x0000_0400
    UNGREEDY = 0x0004_0000


LETTERS: Final = {
    "i": Flag.CASELESS,
    "s": Flag.DOTALL,
    "m": Flag.MULTILINE,
    "x": Flag.EXTENDED,
    "E": Flag.DOLLAR_ENDONLY,
    "G": Flag.UNGREEDY,
}
"""The options as rules write them behind an expression."""


_HEX: Final = re.compile(rb"\\(?:x\{0*([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]?)(?![0-9A-Fa-f])|.)", re.S)


def _two_digits(found: re.Match[bytes]) -> bytes:
    r"""`\x{f}` and `\xf` as `\x0f`, the one form that the binding's JavaScript syntax takes."""
    if found[1] is None and found[2] is None:
        return found[0]
    if len(found[1] or b"") > 2:
        raise ValueError(f"{found[0].decode('ascii')} is more than a byte")
    return b"\\x" + (found[1] or found[2] or b"").rjust(2, b"0")


def compiled(expression: bytes, flags: int, *, jit: bool = True, limit: int = MATCH_LIMIT) -> Any:
    """A pcre2.Pattern. Raises ValueError with the reason for an expression that is none."""
    text = b"(*LIMIT_MATCH=%d)%s" % (limit, _HEX.sub(_two_digits, expression))
    try:
        return pcre2.compile(text, flags, jit=jit)
    except pcre2.LibraryError as error:
        if jit and not isinstance(error, pcre2.PatternError):  # this system lets nothing be compiled
            return compiled(expression, flags, jit=False, limit=limit)
        raise ValueError(str(error).rpartition("; ")[2]) from None


_searched = lru_cache(maxsize=65_536)(compiled)


def check(expression: bytes, flags: int) -> int:
    """How many groups the expression has. Raises ValueError with the reason when it is none."""
    if len(expression) > MOST_CHARACTERS:
        raise ValueError(f"{len(expression):,} characters; the limit is {MOST_CHARACTERS:,}")
    groups: int = compiled(expression, flags, jit=False).groups
    return groups


def group_names(expression: bytes, flags: int) -> dict[str, int]:
    """Names of groups and their numbers, of an expression that `check` took."""
    return dict(compiled(expression, flags, jit=False).groupindex)


class Looked(NamedTuple):
    """What a search came to."""

    found: Any
    """The first pcre2.Match; None = there is none, or the search was given up."""
    given_up: bool = False


def look_at_once(expression: bytes, flags: int, subject: bytes, start: int = 0) -> Looked:
    """The first match from `start` on. What this takes of time is bounded in `bounded` alone."""
    try:
        return Looked(_searched(expression, flags).search(subject, start))
    except pcre2.LibraryError as error:
        if error.code != JIT_STACK:
            return Looked(None, given_up=True)
    try:
        return Looked(_searched(expression, flags, jit=False).search(subject, start))
    except pcre2.LibraryError:
        return Looked(None, given_up=True)


_START: Final = re.compile(rb"(?:\(\?[isx-]+\))*(?:\^|\\A|\\G)")
_NO_STRUCTURE: Final = re.compile(rb"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.S)
_GROUP: Final = re.compile(rb"\([^()]*\)")


_LOOKS_BEFORE: Final = re.compile(rb"\\[AGbBKQ]|\^|\(\?<[=!]|\(\?#|\(\*")
_PASSED_OVER: Final = re.compile(rb"\\[^AGbBKQ]|\[\^?\]?(?:\\.|[^\]\\])*\]", re.S)


@lru_cache(maxsize=65_536)
def looks_ahead_only(expression: bytes, flags: int) -> bool:
    """Is a match one whatever is before it? False when that is not plain.

    Where such an expression matches nowhere behind some place, it does so behind no later one.
    """
    return not flags & Flag.EXTENDED and not _LOOKS_BEFORE.search(_PASSED_OVER.sub(b".", expression))


def is_anchored(expression: bytes, flags: int) -> bool:
    """Does each match begin where the subject begins? False when that is not plain."""
    if flags & Flag.MULTILINE or not _START.match(expression):
        return False
    outside, changed = _NO_STRUCTURE.sub(b"", expression), 1
    while changed:
        outside, changed = _GROUP.subn(b"", outside)
    return b"|" not in outside
