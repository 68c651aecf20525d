"""The modbus keyword: what a request does, to which unit, addresses and values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.sets import Spans
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.signature import NumberIn

_LARGEST: Final = 0xFFFF
_LAST: Final = _LARGEST + 1
"""Addresses begin at 1, so the last one is one more than what two bytes hold."""
_NUMBERS: Final = r"\s+([<>]?[0-9]+)(?:<>([0-9]+))?"
_UNIT = re.compile(rf"\s*unit{_NUMBERS}(?:,\s*(.*))?\s*", re.A | re.S)
_FUNCTION = re.compile(r"\s*function\s*(!?[\w\[\\\]^`]+)(?:,\s*subfunction\s+([0-9]+))?\s*", re.A)
_ACCESS = re.compile(
    r"\s*access\s*(read|write)\s*(discretes|coils|input|holding)?"
    rf"(?:,\s*address{_NUMBERS}(?:,\s*value{_NUMBERS})?)?\s*",
    re.A,
)
_CATEGORIES: Final = {"assigned": 1, "unassigned": 2, "public": 3, "user": 4, "reserved": 8, "all": 15}
_WAYS: Final = {"read": 0x01, "write": 0x02}
_TABLES: Final = {"discretes": 0x04, "coils": 0x08, "input": 0x10, "holding": 0x20}
_READ_ONLY: Final = frozenset({"discretes", "input"})


@keyword("modbus")
def modbus(draft: Draft, text: str) -> None:
    """A Modbus request by unit, function (and subfunction), or access to a table, address and value."""
    said = unquote("modbus", text, needed=False)
    if found := _UNIT.fullmatch(said):
        lowest, highest = _ends("unit", found[1], found[2])
        draft.steps.append(NumberIn("modbus.unit", _inside(lowest, highest)))
        if found[3] is None:
            return
        said = found[3]
    if found := _FUNCTION.fullmatch(said):
        draft.steps += _function(found[1], found[2])
    elif found := _ACCESS.fullmatch(said):
        draft.steps += _access(found)
    else:
        raise Refused(f"modbus: {said.strip()[:40]!r} is not understood")


def _function(word: str, subfunction: str | None) -> Iterable[NumberIn]:
    kinds = _CATEGORIES.get(word.removeprefix("!"))
    if kinds is not None:
        yield NumberIn("modbus.category", ((1, 15),), kinds ^ 15 if word.startswith("!") else kinds)
        return
    number = integer("modbus function", word, 1, 255)
    yield NumberIn("modbus.function", ((number, number),))
    if subfunction is not None:
        number = integer("modbus subfunction", subfunction, 0, _LARGEST)
        yield NumberIn("modbus.subfunction", ((number, number),))


def _access(found: re.Match[str]) -> Iterable[NumberIn]:
    way, table, address, highest, value, most = found.groups()
    if way == "write" and table in _READ_ONLY:
        raise Refused(f"modbus: {table} can only be read")
    bits = _WAYS[way] | _TABLES.get(table, 0)
    yield NumberIn("modbus.access", ((bits, bits),), bits)
    if address is None:
        return
    low, high = _ends("address", address, highest)
    yield from _address(low, high)
    if value is None:
        return
    if low != high:
        raise Refused("modbus: value needs one address")
    if bits == _WAYS["read"]:
        raise Refused("modbus: value needs access write")
    values = _inside(*_ends("value", value, most))
    yield NumberIn("modbus.written", tuple((low << 16 | one, low << 16 | other) for one, other in values))


def _ends(what: str, text: str, highest: str | None) -> tuple[int, int]:
    """The two numbers of `1<>5`, `<5`, `>5` and `5`, as Suricata keeps them: those two mean an open end."""
    name = f"modbus {what}"
    if highest is not None:
        return integer(name, text, 0, _LARGEST), integer(name, highest, 0, _LARGEST)
    number = integer(name, text.lstrip("<>"), 0, _LARGEST)
    return (0 if text[0] == "<" else number), (_LARGEST if text[0] == ">" else number)


def _open_ends(low: int, high: int) -> tuple[int, int]:
    """The least and the largest number that is meant; both ends lie outside, other than an open one."""
    if low == high:
        return low, high
    return (low + 1 if low else 0), (_LARGEST if low and high == _LARGEST else high - 1)


def _inside(low: int, high: int) -> Spans:
    """Empty when no number is meant."""
    least, largest = _open_ends(low, high)
    return ((least, largest),) if least <= largest else ()


def _address(low: int, high: int) -> Iterable[NumberIn]:
    """The addresses of the request and those of the rule have one in common."""
    least, largest = _open_ends(low, high)
    yield NumberIn("modbus.first", ((0, _LAST if largest == _LARGEST else largest),))
    yield NumberIn("modbus.last", ((least, _LAST),))
