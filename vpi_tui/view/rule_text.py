"""A rule in Suricata's syntax, laid out to be read: one option a line, what belongs together on one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from vpi_tui.view.cells import Cell
from vpi_tui.view.escape import safe

Cells = tuple[Cell, ...]
Places = tuple[tuple[int, int], ...]
"""Starts and stops of bytes in a packet."""

_OPTION = re.compile(r'\s*([A-Za-z0-9_.\-]+)\s*(?::((?:[^;"\\]|\\.|"(?:[^"\\]|\\.)*"?)*))?;?', re.DOTALL)
_MOST_OPTIONS = 400
_VALUE = 2_000
_CONTENT = frozenset({"content", "uricontent", "pcre"})
_JOINED = frozenset(
    {"nocase", "depth", "offset", "distance", "within", "fast_pattern", "rawbytes", "startswith", "endswith",
     "bsize", "isdataat"}
)  # fmt: skip
"""Options that say how the content before them is looked for."""
_ABOUT = frozenset({"classtype", "sid", "rev", "gid", "priority", "metadata", "reference", "target"})
"""Options that tell about the rule and look for nothing."""
_LABEL = 13


def layout(rule: str) -> list[tuple[str, Cells]]:
    """(option, value) a line; the header comes first, as `alert`, `drop`, ... Never raises on a bad rule.

    Values are cells in theme styles; all text is safe for a terminal.
    """
    head, bracket, body = rule.strip().partition("(")
    action, _, ends = head.strip().partition(" ")
    lines: list[tuple[str, Cells]] = [(safe(action, 40), (_header(ends),))]
    if not bracket:
        return lines
    for name, value in _options(body.rstrip().removesuffix(")")):
        if name in _JOINED and lines and lines[-1][0] in _CONTENT:
            label, cells = lines[-1]
            lines[-1] = (label, (*cells, ("  ", "text"), *_joined(name, value)))
        else:
            lines.append((safe(name, 40), _value(name, value)))
    return lines


class Literal(NamedTuple):
    """Bytes that a rule looks for. fast: it is the rule's fast pattern, so the most telling of them."""

    data: bytes
    nocase: bool = False
    fast: bool = False


def contents(rule: str) -> list[Literal]:
    """What a rule looks for literally, in order; negated contents are left out."""
    found: list[Literal] = []
    wanted = False
    for name, value in _options(rule.partition("(")[2]):
        if name in ("content", "uricontent"):
            wanted = not value.startswith("!")
            if wanted:
                found.append(Literal(_literal(value)))
        elif wanted and name == "nocase":
            found[-1] = found[-1]._replace(nocase=True)
        elif wanted and name == "fast_pattern":
            found[-1] = found[-1]._replace(fast=True)
    return [literal for literal in found if literal.data]


def locate(rule: str, data: bytes) -> Places:
    """(start, stop) of the first place of each literal that is there, in one pass over the bytes.

    What the fast pattern found comes first, then the longest.
    """
    import ahocorasick

    by_text: dict[str, list[Literal]] = {}
    literals_of_rule = dict.fromkeys(contents(rule))
    for literal in literals_of_rule:
        by_text.setdefault(literal.data.lower().decode("latin-1"), []).append(literal)
    if not by_text:
        return ()
    automaton = ahocorasick.Automaton()
    for text, literals in by_text.items():
        automaton.add_word(text, literals)
    automaton.make_automaton()
    found: dict[Literal, tuple[int, int]] = {}
    for last, literals in automaton.iter(data.lower().decode("latin-1")):
        for literal in literals:
            start, stop = last + 1 - len(literal.data), last + 1
            if literal not in found and (literal.nocase or data[start:stop] == literal.data):
                found[literal] = start, stop
    telling = sorted(literals_of_rule, key=lambda one: (not one.fast, -len(one.data)))
    return tuple(found[literal] for literal in telling if literal in found)


def _options(body: str) -> Iterator[tuple[str, str]]:
    at = 0
    for _ in range(_MOST_OPTIONS):
        match = _OPTION.match(body, at)
        if match is None or match.end() == at:
            return
        yield match[1].lower(), (match[2] or "").strip()
        at = match.end()


def _header(ends: str) -> Cell:
    return safe(" ".join(ends.split()), _VALUE), "protocol"


def _value(name: str, value: str) -> Cells:
    style = "muted" if name in _ABOUT else "accent" if name in _CONTENT else "text"
    return ((safe(value, _VALUE), "title" if name == "msg" else style),) if value else ()


def _joined(name: str, value: str) -> Cells:
    label: Cell = (safe(name, 40), "muted")
    return (label, (" " + safe(value, 80), "number")) if value else (label,)


def _literal(value: str) -> bytes:
    """The bytes of a content: text, with hex between bars and backslashes before `"`, `;`, `:` and itself."""
    inside = value.strip().strip('"')
    out = bytearray()
    for number, part in enumerate(inside.split("|")):
        if number % 2:
            try:
                out += bytes.fromhex(part)
            except ValueError:
                return b""
        else:
            out += re.sub(r"\\(.)", r"\1", part).encode("latin-1", "replace")
    return bytes(out)
