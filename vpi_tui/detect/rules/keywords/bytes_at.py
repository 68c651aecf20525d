"""isdataat, byte_test, byte_jump, byte_extract, byte_math: numbers that stand in the bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import PAYLOAD, ContentDraft, Draft, Position
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import signed
from vpi_tui.model.applications import app_numbers
from vpi_tui.model.signature import ByteExtract, ByteJump, ByteMath, ByteTest, IsDataAt, Pcre

Base = Literal[0, 8, 10, 16]
AnyBase = Literal[0, 1, 8, 10, 16]
_BASES: dict[str, Base] = {"hex": 16, "dec": 10, "oct": 8}
_DIGITS = {0: 8, 8: 23, 10: 20, 16: 14}
"""Most bytes that a number may have, by base; 0 = binary (Suricata's limits)."""
_MOST_DIGITS = 23
"""Of byte_test and byte_jump, whatever the base."""
_MAX_OFFSET = 0xFFFF
_U32 = 0xFFFFFFFF
_U64 = 0xFFFFFFFFFFFFFFFF
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}", re.A)
_OPERATOR = re.compile(r"(!?)\s*(<=|>=|<|>|=|&|\^|(?<=!))")
"""`!` alone = not equal."""
_ONCE = frozenset(("byte_extract", "byte_math"))
"""Each part of them may stand once."""
_KIND = dict.fromkeys(("endian", "big", "little", "dce"), "a byte order")
_HEX = re.compile(r"[0-9a-fA-F]{1,8}", re.A)
_SHIFTED = 4
"""Most bytes of a number that byte_math shifts."""
_PLACED = ContentDraft | Pcre | ByteTest | ByteJump | ByteExtract | ByteMath | IsDataAt
_MATH = frozenset(("+", "-", "*", "/", "<<", ">>"))


@dataclass(slots=True)
class _Trailer:
    """The words after the fixed ones: relative, endianness, base, and one-off settings."""

    relative: bool = False
    little_endian: bool = False
    dce: bool = False
    string: bool = False
    base: Base = 0
    words: dict[str, str] = field(default_factory=dict)

    def flag(self, name: str) -> bool:
        return name in self.words

    def number(self, keyword_name: str, name: str, low: int, high: int, default: int | None) -> int | None:
        if name not in self.words:
            return default
        return integer(f"{keyword_name} {name}", self.words[name], low, high)

    def number_base(self, name: str) -> Base:
        if self.base and not self.string:
            raise Refused(f"{name}: hex, dec and oct need `string` beside them")
        if self.dce and self.string:
            raise Refused(f"{name}: digits have no byte order: dce and string exclude each other")
        return (self.base or 10) if self.string else 0

    def any_base(self, name: str) -> AnyBase:
        """Of byte_test and byte_jump: where no base is named, the digits tell it (0x17, 017, 17)."""
        named = self.number_base(name)
        return 1 if named and not self.base else named


def _trailer(
    name: str, words: list[str], *, flags: tuple[str, ...] = (), settings: tuple[str, ...] = ()
) -> _Trailer:
    made = _Trailer()
    if name in _ONCE:
        firsts = [_KIND.get(first := word.partition(" ")[0], first) for word in words]
        if twice := next((first for at, first in enumerate(firsts) if first in firsts[:at]), ""):
            raise Refused(f"{name}: {twice[:40]} stands there twice")
    for word in words:
        first, _, rest = word.partition(" ")
        first = first if name in _ONCE else first.lower()
        rest = rest.strip()
        if first == "string" and rest in _BASES:
            made.string, made.base = True, _BASES[rest]
        elif first == "endian" and rest in {"big", "little", "dce"}:
            made.little_endian, made.dce = rest == "little", rest == "dce"
        elif first in settings and rest:
            made.words[first] = rest
        elif rest:
            raise Refused(f"{name}: unknown part {word[:40]!r}")
        elif first == "relative":
            made.relative = True
        elif first in {"big", "little"}:
            made.little_endian = first == "little"
        elif first == "string":
            made.string = True
        elif first in _BASES:
            made.base = _BASES[first]
        elif first == "dce":
            made.dce = True
        elif first in flags:
            made.words[first] = ""
        else:
            raise Refused(f"{name}: unknown part {word[:40]!r}")
    return made


def _buffer(draft: Draft, trailer: _Trailer) -> str:
    """The buffer that is looked at; beside dce the payload has to be one of DCE/RPC."""
    buffer = draft.buffer_for(trailer.relative)
    if trailer.dce and buffer == PAYLOAD:
        draft.test("app_proto", [(number, number) for number in app_numbers("dcerpc")])
    return buffer


def _words(name: str, text: str, at_least: int) -> list[str]:
    words = [" ".join(word.split()) for word in text.split(",")]
    if len(words) < at_least or not all(words):
        raise Refused(f"{name}: needs at least {at_least} parts with commas between them, has {text[:60]!r}")
    return words


def _value(draft: Draft, name: str, text: str, low: int, high: int) -> Position:
    """A number, or the name of a variable that is set already."""
    if text[0].isdigit() or text[0] in "-+":
        return integer(name, text.lstrip("+"), low, high)
    return draft.known_variable(name, text)


def _count(draft: Draft, name: str, text: str, most: int) -> Position:
    return _value(draft, name, text, 1, most)


def _new_variable(draft: Draft, name: str, text: str) -> str:
    if not _NAME.fullmatch(text):
        raise Refused(f"{name}: not a variable name: {text[:40]!r}")
    draft.variables.add(text)
    return text


def _bitmask(trailer: _Trailer, name: str) -> int | None:
    return trailer.number(name, "bitmask", 0, _U32, None)


@keyword("isdataat")
def isdataat(draft: Draft, text: str) -> None:
    """The buffer has a byte at the position, or that far behind the last match; `!`: it has none."""
    negated, rest = signed(text)
    position, *flags = _words("isdataat", rest, 1)
    for flag in flags:
        if flag not in {"relative", "rawbytes"}:
            raise Refused(f"isdataat: unknown part {flag[:40]!r}")
    at = _value(draft, "isdataat", position, 0, _MAX_OFFSET)
    if negated and at == 1 and "relative" in flags and (last := _content_before(draft)):
        last.endswith = True
        return
    draft.steps.append(IsDataAt(draft.buffer_for("relative" in flags), at, "relative" in flags, negated))


def _content_before(draft: Draft) -> ContentDraft | None:
    """The content that `isdataat:!1,relative` is about, which is another way to say endswith: in a sticky
    buffer the last one that no expression follows, in the payload the one just before it."""
    kinds = _PLACED if draft.buffer == PAYLOAD else ContentDraft | Pcre
    buffer = draft.buffer_for(relative=True)
    before = [step for step in draft.steps if step.buffer == buffer and isinstance(step, kinds)]
    return before[-1] if before and isinstance(before[-1], ContentDraft) else None


@keyword("byte_test")
def byte_test(draft: Draft, text: str) -> None:
    """Compare a number in the bytes: bytes, operator, value, offset and how to read it."""
    count, operator, value, offset, *rest = _words("byte_test", text, 4)
    found = _OPERATOR.fullmatch(operator)
    if not found:
        raise Refused(f"byte_test: unknown operator {operator[:10]!r}")
    trailer = _trailer("byte_test", rest, settings=("bitmask",))
    base = trailer.any_base("byte_test")
    most = _MOST_DIGITS if base else _DIGITS[0]
    draft.steps.append(
        ByteTest(
            _buffer(draft, trailer),
            0 if base and count == "0" else _count(draft, "byte_test", count, most),
            found[2] or "=",
            _value(draft, "byte_test", value, -(1 << 63), _U64),
            _value(draft, "byte_test", offset, -_MAX_OFFSET, _MAX_OFFSET),
            bool(found[1]),
            trailer.relative,
            trailer.little_endian,
            base,
            _bitmask(trailer, "byte_test"),
            trailer.dce,
        )
    )


@keyword("byte_jump")
def byte_jump(draft: Draft, text: str) -> None:
    """Move on by a number in the bytes: bytes, offset and how to read it."""
    count, offset, *rest = _words("byte_jump", text, 2)
    trailer = _trailer(
        "byte_jump",
        rest,
        flags=("align", "from_beginning", "from_end"),
        settings=("multiplier", "post_offset", "bitmask"),
    )
    base = trailer.any_base("byte_jump")
    most = _MOST_DIGITS if base else _DIGITS[0]
    if trailer.flag("from_beginning") and trailer.flag("from_end"):
        raise Refused("byte_jump: from_beginning and from_end exclude each other")
    post = trailer.words.get("post_offset", "0")
    draft.steps.append(
        ByteJump(
            _buffer(draft, trailer),
            # A count of 0 reads nothing: only post_offset moves.
            0 if count == "0" else _count(draft, "byte_jump", count, most),
            _value(draft, "byte_jump", offset, -_MAX_OFFSET, _MAX_OFFSET),
            trailer.relative,
            trailer.little_endian,
            base,
            trailer.number("byte_jump", "multiplier", 1, _MAX_OFFSET, 1) or 1,
            trailer.flag("align"),
            trailer.flag("from_beginning"),
            trailer.flag("from_end"),
            _value(draft, "byte_jump post_offset", post, -_MAX_OFFSET, _MAX_OFFSET),
            _bitmask(trailer, "byte_jump"),
            trailer.dce,
        )
    )


@keyword("byte_extract")
def byte_extract(draft: Draft, text: str) -> None:
    """Give a number in the bytes a name: bytes, offset, name and how to read it."""
    count, offset, name, *rest = _words("byte_extract", text, 3)
    trailer = _trailer("byte_extract", rest, settings=("multiplier", "align", "bitmask"))
    base = trailer.number_base("byte_extract")
    align = trailer.number("byte_extract", "align", 2, 4, 0) or 0
    if align == 3:
        raise Refused("byte_extract: align is 2 or 4")
    step = ByteExtract(
        _buffer(draft, trailer),
        integer("byte_extract", count, 1, _DIGITS[base]),
        _value(draft, "byte_extract", offset, -_MAX_OFFSET, _MAX_OFFSET),
        _new_variable(draft, "byte_extract", name),
        trailer.relative,
        trailer.little_endian,
        base,
        trailer.number("byte_extract", "multiplier", 1, _MAX_OFFSET, 1) or 1,
        align,
        _bitmask(trailer, "byte_extract"),
        trailer.dce,
    )
    draft.steps.append(step)


_MATH_PARTS = ("bytes", "offset", "oper", "rvalue", "result")


@keyword("byte_math")
def byte_math(draft: Draft, text: str) -> None:
    """Calculate with a number in the bytes: bytes, offset, oper, rvalue, result and how to read it."""
    parts: dict[str, str] = {}
    rest: list[str] = []
    for word in _words("byte_math", text, len(_MATH_PARTS)):
        first, _, value = word.partition(" ")
        if first not in _MATH_PARTS:
            rest.append(word)
        elif first in parts or not value:
            raise Refused(f"byte_math: {first} must stand once, with a value")
        else:
            parts[first] = value
    missing = [part for part in _MATH_PARTS if part not in parts]
    if missing:
        raise Refused(f"byte_math: {missing[0]} is missing")
    if parts["oper"] not in _MATH:
        raise Refused(f"byte_math: unknown operator {parts['oper'][:10]!r}")
    trailer = _trailer("byte_math", rest, settings=("bitmask",))
    if _HEX.fullmatch(mask := trailer.words.get("bitmask", "")):
        trailer.words["bitmask"] = f"0x{mask}"  # hex digits with or without the 0x, of byte_math alone
    base = trailer.number_base("byte_math")
    count = _count(draft, "byte_math bytes", parts["bytes"], _DIGITS[base])
    if parts["oper"] in {"<<", ">>"} and isinstance(count, int) and count > _SHIFTED:
        raise Refused(f"byte_math: {parts['oper']} is for 1 to {_SHIFTED} bytes, not {count}")
    rvalue = _value(draft, "byte_math rvalue", parts["rvalue"], 0, _U32)
    draft.steps.append(
        ByteMath(
            _buffer(draft, trailer),
            count,
            _value(draft, "byte_math offset", parts["offset"], -_MAX_OFFSET, _MAX_OFFSET),
            parts["oper"],
            rvalue,
            _new_variable(draft, "byte_math", parts["result"]),
            trailer.relative,
            trailer.little_endian,
            base,
            _bitmask(trailer, "byte_math"),
            trailer.dce,
        )
    )
