"""Numbers and number ranges as keywords write them.

Source: the chapter on integer keywords of the Suricata user guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.sets import Spans, complement
from vpi_tui.model.signature import NumberIn, Which

_NUMBER = re.compile(r"(-?)(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})", re.A)
_UNIT = re.compile(r"([0-9]{1,20})([kmg])i?b", re.A | re.I)
_SHIFTS: Final = {"k": 10, "m": 20, "g": 30}
_TEST = re.compile(r"(<=|>=|!=|<|>|=|!)?\s*(.+)", re.S)
_RANGE = re.compile(r"(!?)\s*([0-9a-zA-Z]+)\s*(?:<>|-)\s*([0-9a-zA-Z]+)", re.A)
_MASKED = re.compile(r"&\s*([0-9a-zA-Z]+)\s*(!?=)\s*([0-9a-zA-Z]+)", re.A)
_PLACE = re.compile(r"(oob_or)?\s*(-?[0-9]{1,9})", re.A)
_PART = re.compile(r"(-?[0-9]{1,9}):(-?[0-9]{1,9})", re.A)
_MOST: Final = 0xFFFFFFFF
"""Of one transaction's numbers; more are not counted."""
_OF_BYTES: Final = frozenset((1 << 8 * size) - 1 for size in (1, 2, 4, 8))
"""Highest numbers of so many bytes."""
_SIGNS: Final = frozenset("+*-=")
"""Of lists of flags."""
_PLAIN_WORDS: Final = {
    "any": None,
    "all": Which("all"),
    "all1": Which("all"),
    "all_or_absent": Which("all", absent=True),
    "or_absent": Which("any", absent=True),
}


def integer(keyword: str, text: str, low: int, high: int) -> int:
    """A decimal (also with kb, mib ... behind it) or 0x number; raises Refused with the keyword's name."""
    text = text.strip()
    if scaled := _UNIT.fullmatch(text):
        text = str(int(scaled[1]) << _SHIFTS[scaled[2].lower()])
    found = _NUMBER.fullmatch(text)
    if not found:
        raise Refused(f"{keyword}: not a number: {text[:40]!r}")
    value = int(found[2], 16 if found[2][:2] in {"0x", "0X"} else 10)
    value = -value if found[1] else value
    if not low <= value <= high:
        raise Refused(f"{keyword}: {value} is out of range ({low} to {high})")
    return value


def spans(keyword: str, text: str, highest: int) -> Spans:
    """`5`, `!5`, `!=5`, `<5`, `<=5`, `>5`, `>=5`, `1<>5` or `1-5` over 0..highest.

    Both ends of a range are outside of it, as in Suricata (2, 3 and 4 lie in `1<>5`). Raises Refused,
    also for a test that no number can meet.
    """
    text = text.strip()
    if found := _RANGE.fullmatch(text):
        low, high = (integer(keyword, part, 0, highest) for part in found.group(2, 3))
        if high - low < 2:
            raise Refused(f"{keyword}: no number lies between {low} and {high}")
        inside: Spans = ((low + 1, high - 1),)
        return complement(inside, highest) if found[1] else inside
    found = _TEST.fullmatch(text)
    if not found:
        raise Refused(f"{keyword}: needs a number")
    value = integer(keyword, found[2], 0, highest)
    made = _compare(found[1] or "=", value, highest)
    if not made:
        raise Refused(f"{keyword}: no number from 0 to {highest} is {text}")
    return made


def bits_in(keyword: str, text: str, highest: int) -> tuple[Spans, int | None]:
    """A test as in `spans`, or of some bits: `&0xc0=0x80`, `&0xc0!=0`. Gives (spans, mask; None = all bits).

    Raises Refused, as Suricata does also for `>=0` and for `<=` the highest number that so many bytes hold.
    """
    if masked := _MASKED.fullmatch(text.strip()):
        mask, value = (integer(keyword, part, 0, highest) for part in masked.group(1, 3))
        return _masked(keyword, mask, value, masked[2]), mask
    inside = spans(keyword, text, highest)
    if inside == ((0, highest),) and (">=" in text or highest in _OF_BYTES):
        raise Refused(f"{keyword}: every number is {text.strip()}")
    return inside, None


def _compare(operator: str, value: int, highest: int) -> Spans:
    table: dict[str, Spans] = {
        "=": ((value, value),),
        "<": ((0, value - 1),),
        "<=": ((0, value),),
        ">": ((value + 1, highest),),
        ">=": ((value, highest),),
    }
    chosen = complement(((value, value),), highest) if operator in {"!", "!="} else table[operator]
    return tuple((low, high) for low, high in chosen if low <= high)


def number_in(keyword: str, text: str, highest: int, words: Mapping[str, int] | None = None) -> NumberIn:
    """The test of a number of a transaction, as Suricata's (multi-)integer keywords write it.

    `5`, `>5` and so on as in `spans`, a word that stands for a number (its key in lower case), `!word`,
    `&0xc0=0x80`, `&0xc0!=0`; behind it, after a comma, which of several numbers is meant, and after
    another which part of them; or `count >5`. Raises Refused.
    """
    test, comma, rest = text.partition(",")
    test = test.strip()
    if test.lower().startswith("count"):
        which = Which("count", counts=spans(keyword, test[5:], _MOST), part=_part(keyword, rest))
        return NumberIn(keyword, ((0, highest),), which=which)
    chosen = _which(keyword, rest) if comma else None
    negation, word = ("!", test[1:].strip()) if test.startswith("!") else ("", test)
    known = (words or {}).get(word.lower())
    inside, mask = bits_in(keyword, test if known is None else f"{negation}{known}", highest)
    return NumberIn(keyword, inside, mask, chosen)


def flags_in(keyword: str, text: str, highest: int, words: Mapping[str, int], sign: str = "+") -> NumberIn:
    """A number, or words that stand for bits which are set (or, with `!`, not set).

    In front of words: `+` all are so, `*` one is, `-` one is not, `=` all are and no other bit is set. sign:
    what is meant when none of them stands there. Raises Refused.
    """
    text = text.strip()
    listed = text[1:] if text[:1] in _SIGNS else text
    mask = value = 0
    for part in listed.split(","):
        negated, word = part.strip().startswith("!"), part.strip().lstrip("! ").lower()
        bit = words.get(word)
        if bit is None:
            return number_in(keyword, text, highest)
        if bit & mask:
            raise Refused(f"{keyword}: {word} stands there twice")
        mask |= bit
        value |= 0 if negated else bit
    sign = text[0] if text[:1] in _SIGNS else sign
    if sign == "=":
        return NumberIn(keyword, ((value, value),), highest)
    wanted = value ^ mask if sign == "*" else value
    inside: Spans = ((wanted, wanted),)
    return NumberIn(keyword, inside if sign == "+" else complement(inside, mask), mask)


def _masked(keyword: str, mask: int, value: int, operator: str) -> Spans:
    if value & mask != value:
        raise Refused(f"{keyword}: no number has the bits {value:#x} under the mask {mask:#x}")
    inside: Spans = ((value, value),)
    return complement(inside, mask) if operator == "!=" else inside


def _which(keyword: str, text: str) -> Which | None:
    """`all`, `2`, `-1`, `oob_or 2`, `nb>3` and the like; behind a comma the part, `1:3`."""
    word, _, rest = text.partition(",")
    word, part = word.strip().lower(), _part(keyword, rest)
    if word in _PLAIN_WORDS:
        found = _PLAIN_WORDS[word]
        if part is None:
            return found
        kind, absent = (found.kind, found.absent) if found else ("any", False)
        return Which(kind, absent, part=part)
    if word.startswith("nb"):
        return Which("count", counts=spans(keyword, word[2:], _MOST), part=part)
    if place := _PLACE.fullmatch(word):
        return Which("index", place[1] is not None, int(place[2]), part=part)
    raise Refused(f"{keyword}: which of the numbers is meant by {word[:40]!r}?")


def _part(keyword: str, text: str) -> tuple[int, int] | None:
    text = text.strip()
    if not text:
        return None
    found = _PART.fullmatch(text)
    if not found:
        raise Refused(f"{keyword}: a part of the numbers is first:end, not {text[:40]!r}")
    return int(found[1]), int(found[2])
