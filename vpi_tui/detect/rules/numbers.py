"""Numbers and number ranges as keywords write them."""

from __future__ import annotations

import re

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.sets import Spans, complement

_NUMBER = re.compile(r"(-?)(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})", re.A)
_TEST = re.compile(r"(<=|>=|!=|<|>|=|!)?\s*(.+)", re.S)
_RANGE = re.compile(r"(!?)\s*([0-9a-fA-FxX]+)\s*(?:<>|-)\s*([0-9a-fA-FxX]+)", re.A)


def integer(keyword: str, text: str, low: int, high: int) -> int:
    """A decimal or 0x number from low to high; raises Refused with the keyword's name."""
    found = _NUMBER.fullmatch(text.strip())
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
