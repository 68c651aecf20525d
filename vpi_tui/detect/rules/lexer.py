"""Cuts rule files into rules, and rules into header words and options.

Knows quotes, backslashes, brackets and continuation lines; knows no keyword. All scans are linear in
the length of the text, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vpi_tui.detect.rules.ast import HeaderText, Option, Refused, RuleSyntax, RuleText

MAX_RULE = 65_536
"""Characters in one rule; the longest rules in the wild have about 10,000."""
MAX_OPTIONS = 1_024

_DISABLED = re.compile(r"#[#\s]*+((?:alert|pass|drop|reject|rejectsrc|rejectdst|rejectboth)\s[^(]*+\(.*\))$")
_OPTION = re.compile(
    r"""
    ([^:;"]*+)                                            # the keyword
    (?: : \s*+ ( (?: !\s*+ )?+ "(?:[^"\\]++|\\.)*+" \s*+ (?=;)   # "quoted text", which may hold a ;
               | (?:[^;\\]++|\\.)*+ )                      # or anything up to an unescaped ;
    )?+
    ;
    """,
    re.X | re.S,
)
_NOT = re.compile(r"!\s+")
"""`! 10.0.0.1` is one word."""
_BRACKETS = re.compile(r"[\[\]]|[^\s\[\]]+|\s+")


def rules_in(text: str, *, with_disabled: bool = False) -> Iterator[RuleText]:
    """Rules of a file in order. A line that ends in a backslash goes on in the next one.

    Comments and empty lines are skipped; commented-out rules are given too when asked for. A comment that
    ends in a backslash goes on in lines that begin with a blank: many write `#` before the first line alone.
    """
    parts: list[str] = []
    start = 0
    remark = False
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not parts:
            start = number
            goes_on = remark and line[:1].isspace() and bool(stripped)
            remark = (goes_on or stripped[:1] == "#") and stripped.endswith("\\")
            if goes_on:
                continue
            if not stripped or stripped[0] == "#":
                if with_disabled and stripped and (found := _DISABLED.match(stripped)):
                    yield RuleText(number, found[1], enabled=False)
                continue
        if stripped.endswith("\\"):
            parts.append(line.rstrip()[:-1])
            continue
        if parts:
            stripped = ("".join(parts) + line).strip()
            parts = []
        if stripped:
            yield RuleText(start, stripped)
    if parts:
        yield RuleText(start, "".join(parts).strip())


def split_rule(text: str) -> RuleSyntax:
    """Cut one rule into header and options. Raises Refused when it is no rule at all."""
    if len(text) > MAX_RULE:
        raise Refused(f"the rule has {len(text):,} characters; the limit is {MAX_RULE:,}")
    if "\0" in text:
        raise Refused("the rule holds a NUL byte")
    head, bracket, rest = text.partition("(")
    if not bracket:
        raise Refused("no options: a rule reads `action protocol source port -> destination port (options)`")
    body, closing, trailing = rest.rpartition(")")
    if not closing:
        raise Refused("the options are not closed with `)`")
    if trailing.strip():
        raise Refused(f"text after the closing bracket: {trailing.strip()[:40]!r}")
    return RuleSyntax(_header(head), tuple(split_options(body)))


def split_options(body: str) -> list[Option]:
    """`a; b:"c;d"; e:1;` as options; raises Refused when the last one is not ended with `;`."""
    options: list[Option] = []
    at, end = 0, len(body)
    match = _OPTION.match
    while found := match(body, at):
        name, value = found.groups()
        name = name.strip().lower()
        if not name:
            raise Refused("an empty option (`;;`)", option=len(options))
        options.append(Option(name, value if value is None else value.strip()))
        at = found.end()
        if len(options) > MAX_OPTIONS:
            raise Refused(f"more than {MAX_OPTIONS} options")
    if body[at:end].strip():
        raise Refused(f"option not ended with `;`: {body[at : at + 40].strip()!r}", option=len(options))
    if not options:
        raise Refused("no options between the brackets; at least `sid` is needed")
    return options


def _header(head: str) -> HeaderText:
    head = _NOT.sub("!", head)
    words = head.split()
    if len(words) != 7:
        words = _words_with_brackets(head)
    if len(words) != 7:
        raise Refused(
            f"{len(words)} words before the options, not 7: action protocol source port -> destination port"
        )
    return HeaderText(*words)


def _words_with_brackets(head: str) -> list[str]:
    """Words of a header whose lists hold spaces: `[10.0.0.1, 10.0.0.2]` is one word."""
    words: list[str] = []
    depth = 0
    glue = False
    for piece in _BRACKETS.findall(head):
        if piece.isspace():
            glue = glue and depth > 0
            continue
        if glue:
            words[-1] += piece
        else:
            words.append(piece)
        depth += (piece == "[") - (piece == "]")
        glue = True
        if len(words) > 16:
            break
    return words
