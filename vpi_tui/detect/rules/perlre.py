"""Perl regular expressions to Python's `re`.

PCRE and `re` agree on most syntax. What differs is rewritten (inline flags in the middle, POSIX
classes, alternatives of different length in a look-behind, `\\h`, `\\R`, `\\Q..\\E`, `\\z`, `\\x{..}`,
ungreedy mode, `$` with the E flag); what cannot be (recursion, `\\K`, `\\G`, conditionals on
look-arounds, callouts) raises Refused. Source: pcre2pattern(3) and the documentation of `re`.

One forward walk over the expression, with a stack of open groups.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vpi_tui.detect.rules.ast import Refused

MAX_EXPRESSION = 16_384
MAX_GROUPS = 90
"""Groups within groups; `re` itself recurses a few calls a level."""

_POSIX = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\t\n\x0b\x0c\r ",
    "blank": r"\t ",
    "punct": r"!-/:-@\[-`{-~",
    "print": r"\x20-\x7e",
    "graph": r"\x21-\x7e",
    "cntrl": r"\x00-\x1f\x7f",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
    "ascii": r"\x00-\x7f",
}
_POSIX_NOT = {
    "alpha": r"\x00-@\[-`{-\xff",
    "digit": r"\D",
    "alnum": r"\x00-/:-@\[-`{-\xff",
    "space": r"\S",
    "word": r"\W",
}
_SIMPLE = {
    "e": r"\x1b",
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "h": r"[\t ]",
    "H": r"[^\t ]",
    "R": r"(?>\r\n|[\n\x0b\x0c\r\x85])",
    "N": r"[^\n]",
    "v": r"[\n\x0b\x0c\r\x85]",
    "V": r"[^\n\x0b\x0c\r\x85]",
    "C": r"[\x00-\xff]",
}
_IN_CLASS = {"e": r"\x1b", "h": r"\t ", "v": r"\n\x0b\x0c\r\x85", "b": r"\x08"}
_SAME = frozenset("wWdDsSbBAnrtfa")
_REFUSED = {
    "K": "\\K", "G": "\\G", "X": "\\X", "p": "\\p{..}", "P": "\\P{..}", "u": "\\u", "U": "\\U",
    "L": "\\L", "l": "\\l", "o": "\\o{..}",
}  # fmt: skip
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})([?+]?)", re.A)
_GROUP = re.compile(
    r"\(\?(?:"
    r"(?P<comment>\#[^)]*\))"
    r"|(?P<plain>[:>=!]|<=|<!)"
    r"|(?:P?<(?P<name>\w+)>|'(?P<quoted>\w+)')"
    r"|(?P<backref>P=(?P<to>\w+)\))"
    r"|(?P<condition>\((?P<ref>\d+|<\w+>|\w+)\))"
    r"|(?P<on>[imsxUJ]*)(?:-(?P<off>[imsx]*))?(?P<scope>[:)])"
    r")",
    re.A,
)


@dataclass(slots=True)
class _Group:
    """An open group: what stood before it, its alternatives so far, and inline flags inside it."""

    opening: str
    before: list[str]
    alternatives: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    """`(?i:` openings that must be closed before `|` or `)`, and opened again after `|`."""
    ungreedy: bool = False


class Translator:
    """One expression; `translate()` gives the text for `re.compile` (as bytes, Latin-1)."""

    def __init__(self, text: str, *, ungreedy: bool = False, dollar_end: bool = False) -> None:
        if len(text) > MAX_EXPRESSION:
            raise Refused(f"pcre: {len(text):,} characters; the limit is {MAX_EXPRESSION:,}")
        self._text = text
        self._at = 0
        self._out: list[str] = []
        self._stack: list[_Group] = [_Group("", [])]
        self._ungreedy = ungreedy
        self._dollar_end = dollar_end

    def translate(self) -> str:
        """Raises Refused for what `re` has no equal of, and for brackets that do not pair."""
        while self._at < len(self._text):
            self._step()
        if len(self._stack) != 1:
            raise Refused("pcre: a group is not closed")
        return self._close_group()

    def _step(self) -> None:
        char = self._text[self._at]
        if char == "\\":
            self._escape()
        elif char == "[":
            self._class()
        elif char == "(":
            self._open()
        elif char == ")":
            self._close()
        elif char == "|":
            self._alternative()
        elif char in "*+?{":
            self._quantifier()
        else:
            self._emit("\\Z" if char == "$" and self._dollar_end else char, 1)

    def _emit(self, text: str, consumed: int) -> None:
        self._out.append(text)
        self._at += consumed

    # Groups

    def _open(self) -> None:
        if len(self._stack) > MAX_GROUPS:
            raise Refused(f"pcre: groups are nested more than {MAX_GROUPS} deep")
        if not self._text.startswith("(?", self._at):
            if self._text.startswith("(*", self._at):
                raise Refused("pcre: verbs such as (*SKIP) are not supported")
            self._push("(", 1)
            return
        found = _GROUP.match(self._text, self._at)
        if not found:
            raise Refused(f"pcre: {self._text[self._at : self._at + 6]!r} is not supported")
        size = len(found[0])
        if found["comment"]:
            self._at += size
        elif found["backref"]:
            self._emit(f"(?P={found['to']})", size)
        elif found["plain"]:
            self._push(found[0], size)
        elif found["condition"]:
            self._push(f"(?({found['ref'].strip('<>')})", size)
        elif found["name"] or found["quoted"]:
            self._push(f"(?P<{found['name'] or found['quoted']}>", size)
        else:
            self._flags(found)

    def _push(self, opening: str, consumed: int) -> None:
        self._stack.append(_Group(opening, self._out, ungreedy=self._ungreedy))
        self._out = []
        self._at += consumed

    def _flags(self, found: re.Match[str]) -> None:
        on, off = found["on"] or "", found["off"] or ""
        outer = self._ungreedy
        flags = on.replace("U", "").replace("J", "") + (f"-{off}" if off else "")
        if found["scope"] == ":":
            self._push(f"(?{flags}:", len(found[0]))
            self._stack[-1].ungreedy = outer
        else:
            self._at += len(found[0])
            if flags:
                group = self._stack[-1]
                group.inline.append(f"(?{flags}:")
                self._out.append(group.inline[-1])
        self._ungreedy = outer or "U" in on

    def _alternative(self) -> None:
        group = self._stack[-1]
        group.alternatives.append("".join(self._out) + ")" * len(group.inline))
        self._out = list(group.inline)
        self._at += 1

    def _close_group(self) -> str:
        group = self._stack.pop()
        group.alternatives.append("".join(self._out) + ")" * len(group.inline))
        self._out = group.before
        self._ungreedy = group.ungreedy
        if group.opening in {"(?<=", "(?<!"} and len(group.alternatives) > 1:
            return _look_behind(group)
        return group.opening + "|".join(group.alternatives) + (")" if group.opening else "")

    def _close(self) -> None:
        if len(self._stack) == 1:
            raise Refused("pcre: a ) without its (")
        text = self._close_group()
        self._emit(text, 1)

    # Quantifiers

    def _quantifier(self) -> None:
        found = _QUANTIFIER.match(self._text, self._at)
        if not found:
            # `{` that starts no count is a plain character in Perl.
            self._emit("\\{", 1)
            return
        text = found[0]
        if self._ungreedy and found[1] != "+":
            text = text[:-1] if found[1] else text + "?"
        self._emit(text, len(found[0]))

    # Escapes

    def _escape(self) -> None:
        if self._at + 1 >= len(self._text):
            raise Refused("pcre: ends with a backslash")
        char = self._text[self._at + 1]
        if char == "Q":
            self._literal()
        elif char == "E":
            self._at += 2
        elif char in "gk":
            self._reference()
        elif char in _SIMPLE:
            self._emit(_SIMPLE[char], 2)
        elif char in _SAME:
            self._emit("\\" + char, 2)
        else:
            self._character(char)

    def _character(self, char: str) -> None:
        """Escapes that stand for one character, alike inside and outside of a class."""
        if char == "x":
            self._hex()
        elif char == "c":
            if self._at + 2 >= len(self._text):
                raise Refused("pcre: ends with \\c")
            code = ord(self._text[self._at + 2].upper()) ^ 64
            self._emit(f"\\x{code & 0xFF:02x}", 3)
        elif char.isdigit():
            self._number()
        elif char in _REFUSED:
            raise Refused(f"pcre: {_REFUSED[char]} is not supported")
        elif char.isascii() and char.isalpha():
            self._emit(char, 2)
        else:
            self._emit(re.escape(char), 2)

    def _hex(self) -> None:
        found = re.compile(r"\\x(?:\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{0,2}))", re.A).match(
            self._text, self._at
        )
        if not found:
            raise Refused("pcre: \\x is not followed by hex digits")
        code = int(found[1] or found[2] or "0", 16)
        if code > 0xFF:
            raise Refused(f"pcre: \\x{{{code:x}}} is more than a byte")
        self._emit(f"\\x{code:02x}", len(found[0]))

    def _number(self) -> None:
        """A back reference, or an octal code."""
        found = re.compile(r"\\(0[0-7]{0,2}|[1-9][0-9]{0,2})", re.A).match(self._text, self._at)
        if not found:
            self._emit(self._text[self._at + 1], 2)
            return
        digits = found[1]
        octal = re.compile(r"[0-7]{1,3}", re.A).match(digits)
        if digits[0] == "0" or (len(digits) == 3 and octal and len(octal[0]) == 3):
            self._emit(f"\\x{int(digits, 8) & 0xFF:02x}", len(found[0]))
        else:
            self._emit(f"(?:\\{digits})", len(found[0]))

    def _reference(self) -> None:
        found = re.compile(r"\\(?:g\{?(\d{1,2})\}?|[gk](?:\{(\w+)\}|<(\w+)>|'(\w+)'))", re.A).match(
            self._text, self._at
        )
        if not found:
            raise Refused("pcre: this form of \\g or \\k is not supported")
        name = found[2] or found[3] or found[4]
        self._emit(f"(?P={name})" if name else f"(?:\\{found[1]})", len(found[0]))

    def _literal(self) -> None:
        end = self._text.find("\\E", self._at)
        stop = len(self._text) if end < 0 else end
        self._out.append(re.escape(self._text[self._at + 2 : stop]))
        self._at = stop if end < 0 else end + 2

    # Classes

    def _class(self) -> None:
        self._emit("[", 1)
        if self._text.startswith("^", self._at):
            self._emit("^", 1)
        if self._text.startswith("]", self._at):
            self._emit("\\]", 1)
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "]":
                self._emit("]", 1)
                return
            if char == "\\":
                self._escape_in_class()
            elif char == "[" and self._text[self._at + 1 : self._at + 2] in {":", ".", "="}:
                self._posix()
            elif char in "[&~|" or (char == "-" and self._out[-1] == "-"):
                self._emit("\\" + char, 1)
            else:
                self._emit(char, 1)
        raise Refused("pcre: a class [ is not closed")

    def _posix(self) -> None:
        found = re.compile(r"\[:(\^?)(\w+):\]", re.A).match(self._text, self._at)
        if not found:
            self._emit("\\[", 1)
            return
        table = _POSIX_NOT if found[1] else _POSIX
        if found[2] not in table:
            raise Refused(f"pcre: class {found[0][:20]} is not supported")
        self._emit(table[found[2]], len(found[0]))

    def _escape_in_class(self) -> None:
        char = self._text[self._at + 1 : self._at + 2]
        if not char:
            raise Refused("pcre: ends with a backslash")
        if char in _IN_CLASS:
            self._emit(_IN_CLASS[char], 2)
        elif char in "wWdDsSnrtfa":
            self._emit("\\" + char, 2)
        elif char == "E":
            self._at += 2
        elif char in "QHVRNBAZz":
            raise Refused(f"pcre: \\{char} in a class is not supported")
        elif char.isdigit():
            self._octal_in_class()
        else:
            self._character(char)

    def _octal_in_class(self) -> None:
        found = re.compile(r"\\([0-7]{1,3})", re.A).match(self._text, self._at)
        if found:
            self._emit(f"\\x{int(found[1], 8) & 0xFF:02x}", len(found[0]))
        else:
            self._emit(self._text[self._at + 1], 2)


def _look_behind(group: _Group) -> str:
    """Alternatives of different length, each in its own look-behind: `re` wants one width."""
    each = [f"{group.opening}{text})" for text in group.alternatives]
    return "".join(each) if group.opening == "(?<!" else f"(?:{'|'.join(each)})"
