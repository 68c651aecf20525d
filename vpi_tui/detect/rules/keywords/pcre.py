"""pcre: regular expressions over the current buffer."""

from __future__ import annotations

import re
from typing import Final, Literal

from vpi_tui.detect import regex
from vpi_tui.detect.applayer.names import OF_MODIFIERS, plain_name
from vpi_tui.detect.regex import LETTERS, Flag
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import PAYLOAD, Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import raw_bytes, signed, unquote
from vpi_tui.model.signature import Capture, Pcre

_NO_OPTION: Final = frozenset("ARBO")
"""Anchored, relative; B (raw bytes) and O (no limit of steps) change nothing for us."""
_HTTP: Final = {
    "U": "http.uri",
    "I": "http.uri.raw",
    "P": "http.request_body",
    "Q": "file.data",
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
_ALSO: Final = {"file.data": "http.response_body"}
"""Of HTTP both are the body of the response, as Suricata sees it."""
_ESCAPED: Final = re.compile(rb"\\(?:x..|.)", re.DOTALL)
_UPPER: Final = re.compile(rb"[A-Z]")
_CAPTURE: Final = re.compile(r"(flow|pkt|alert):([^\s,]{1,64})", re.A)
_CAPTURES: Final = re.compile(r"(/[A-Za-z]*)\s*((?:,\s*(?:flow|pkt|alert):[^\s,]*\s*)+)\Z", re.A)
"""The names behind the flags; a name may have a slash in it, which then ends no expression."""
_SCOPES: Final[dict[str, Literal["flow", "pkt"]]] = {"flow": "flow", "pkt": "pkt", "alert": "pkt"}
_NAMED_GROUP: Final = re.compile(r"(flow|pkt|alert)_(\w+)", re.A)
"""The older way to name a capture: by the group's own name."""


@keyword("pcre")
def pcre(draft: Draft, text: str) -> None:
    """A Perl regular expression, `/expression/flags, flow:name` in quotes; `!` before: does not match."""
    negated, quoted = signed(text)
    body, names = _without_captures(unquote("pcre", quoted, needed=False))
    start = body.find("/")
    end = body.rfind("/")
    if start < 0 or end == start:  # what stands in front of the first slash is passed over, as in Suricata
        raise Refused("pcre: must read /expression/flags")
    letters, *odd = body[end + 1 :].split(",")
    names = [*odd, *names]
    flags = _flags(letters.strip())
    pattern = raw_bytes(body[start + 1 : end])
    if "A" in letters:
        pattern = b"\\G(?:" + pattern + b"\n" * ("x" in letters) + b")"
    groups = groups_of("pcre", pattern, flags)
    captures = (*_listed(names, groups), *_named(pattern, flags))
    if "W" in letters and _UPPER.search(_ESCAPED.sub(b"", pattern)):
        raise Refused("pcre: http.host (flag W) is in lower case, and the expression has upper case in it")
    if negated and captures:
        raise Refused("pcre: an expression that must not match captures nothing")
    draft.steps.append(Pcre(_buffer(draft, letters), pattern, int(flags), negated, "R" in letters, captures))


def _without_captures(body: str) -> tuple[str, list[str]]:
    """The expression with its flags, and the names of captures behind them."""
    found = _CAPTURES.search(body, body.find("/") + 1)
    return (body[: found.end(1)], found[2].split(",")[1:]) if found else (body, [])


def groups_of(name: str, pattern: bytes, flags: int = 0) -> int:
    """The number of groups; refuses what is no expression. name: the keyword."""
    try:
        return regex.check(pattern, flags)
    except ValueError as error:
        raise Refused(f"{name}: {str(error)[:80]}") from None


def _listed(names: list[str], groups: int) -> list[Capture]:
    """Captures as `flow:name` behind the flags, one for each group in order."""
    if len(names) > groups:
        raise Refused(f"pcre: {len(names)} names for the {groups} groups of the expression")
    made = []
    for group, name in enumerate(names, 1):
        found = _CAPTURE.fullmatch(name.strip())
        if not found:
            raise Refused(f"pcre: flow:name, pkt:name or alert:name captures, not {name.strip()[:40]!r}")
        made.append(Capture(group, _SCOPES[found[1]], found[2]))
    return made


def _named(pattern: bytes, flags: int) -> list[Capture]:
    """Captures by groups that are called flow_name or pkt_name."""
    if not (b"flow_" in pattern or b"pkt_" in pattern or b"alert_" in pattern):
        return []
    return [
        Capture(group, _SCOPES[found[1]], found[2])
        for name, group in regex.group_names(pattern, flags).items()
        if (found := _NAMED_GROUP.fullmatch(name))
    ]


def _buffer(draft: Draft, letters: str) -> str:
    """The buffer that a flag names, or the sticky one."""
    named = {_HTTP[letter] for letter in letters if letter in _HTTP}
    if not named:
        return draft.buffer
    if len(named) > 1:
        raise Refused(f"pcre: its flags name several buffers: {', '.join(sorted(named))}")
    (name,) = named
    before = plain_name(draft.buffer)
    if before not in {PAYLOAD, name, _ALSO.get(name)}:
        raise Refused(f"pcre: a flag names {name}, and {draft.buffer} is named before it")
    draft.application = OF_MODIFIERS
    return draft.buffer if draft.buffer != PAYLOAD else name


def _flags(letters: str) -> Flag:
    flags = Flag.NONE
    for letter in letters:
        if letter in LETTERS:
            flags |= LETTERS[letter]
        elif letter not in _HTTP and letter not in _NO_OPTION:
            raise Refused(f"pcre: unknown flag {letter!r}")
    return flags
