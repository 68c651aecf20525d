"""pcre: regular expressions over the current buffer."""

from __future__ import annotations

import re
import warnings

from vpi_tui.detect.applayer.names import plain_name
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import PAYLOAD, Draft
from vpi_tui.detect.rules.perlre import Translator
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import raw_bytes, signed, unquote
from vpi_tui.model.signature import Pcre

_RE_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE, "x": re.VERBOSE}
_PLAIN = frozenset("AEGRBO")
"""Anchored, dollar at the end only, ungreedy, relative; B and O change nothing for us."""
_HTTP = {
    "U": "http.uri",
    "I": "http.uri.raw",
    "P": "http.request_body",
    "Q": "http.response_body",
    "H": "http.header",
    "D": "http.header.raw",
    "M": "http.method",
    "C": "http.cookie",
    "S": "http.stat_code",
    "Y": "http.stat_msg",
    "V": "http.user_agent",
    "W": "http.host",
    "Z": "http.host.raw",
}


@keyword("pcre")
def pcre(draft: Draft, text: str) -> None:
    """A Perl regular expression, `/expression/flags` in quotes; `!` before the quotes: does not match."""
    negated, quoted = signed(text)
    body = unquote("pcre", quoted, needed=False)
    start = body.find("/")
    end = body.rfind("/")
    if body[:start].strip() or start < 0 or end == start:
        raise Refused("pcre: must read /expression/flags")
    letters = body[end + 1 :]
    if "," in letters:
        raise Refused("pcre: capturing into variables is not supported")
    flags = _flags(letters.strip())
    expression = raw_bytes(body[start + 1 : end]).decode("latin-1")
    made = Translator(
        expression, ungreedy="G" in letters, dollar_end="E" in letters and "m" not in letters
    ).translate()
    if "A" in letters:
        made = f"\\A(?:{made}\n)" if "x" in letters else f"\\A(?:{made})"
    pattern = made.encode("latin-1")
    check_regex(pattern, flags)
    draft.steps.append(Pcre(_buffer(draft, letters), pattern, int(flags), negated, "R" in letters))


def _buffer(draft: Draft, letters: str) -> str:
    """The buffer that a flag names, or the sticky one."""
    named = {_HTTP[letter] for letter in letters if letter in _HTTP}
    if not named:
        return draft.buffer
    if len(named) > 1:
        raise Refused(f"pcre: its flags name several buffers: {', '.join(sorted(named))}")
    (name,) = named
    if draft.buffer != PAYLOAD and plain_name(draft.buffer) != name:
        raise Refused(f"pcre: a flag names {name}, and {draft.buffer} is named before it")
    return draft.buffer if draft.buffer != PAYLOAD else name


def _flags(letters: str) -> re.RegexFlag:
    flags = re.NOFLAG
    for letter in letters:
        if letter in _RE_FLAGS:
            flags |= _RE_FLAGS[letter]
        elif letter not in _HTTP and letter not in _PLAIN:
            raise Refused(f"pcre: unknown flag {letter!r}")
    return flags


def check_regex(pattern: bytes, flags: re.RegexFlag, name: str = "pcre") -> None:
    """Refuses an expression that `re` does not take."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise Refused(f"{name}: {str(error)[:80] or 'nested too deeply'}") from None
