"""The modbus keyword: what a request does, to which unit, addresses and values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import integer, spans
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.sets import Spans
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.signature import NumberIn

_LARGEST: Final = 0x10000
"""Addresses begin at 1, so the last one is one more than what two bytes hold."""
_BETWEEN = re.compile(r"([0-9]+)\s*<>\s*([0-9]+)", re.A)
_PART = re.compile(r"\s*([a-z]+)\s*(.*?)\s*", re.S)
_CATEGORIES: Final = {"assigned": 1, "unassigned": 2, "public": 3, "user": 4, "reserved": 8, "all": 15}
_READ, _WRITE = 0x01, 0x02
_TABLES: Final = {"discretes": 0x04, "coils": 0x08, "input": 0x10, "holding": 0x20}
_READ_ONLY: Final = frozenset({"discretes", "input"})


@keyword("modbus")
def modbus(draft: Draft, text: str) -> None:
    """A Modbus request by unit, function (and subfunction), or access to a table, address and value."""
    said: dict[str, str] = {}
    for part in unquote("modbus", text, needed=False).split(","):
        found = _PART.fullmatch(part)
        if found is None or found[1] not in _PARTS or found[1] in said:
            raise Refused(f"modbus: {part.strip()[:40]!r} is not understood")
        said[found[1]] = found[2]
    for word, needs in _NEEDS.items():
        if word in said and needs not in said:
            raise Refused(f"modbus: {word} needs {needs} before it")
    if {"function", "access"} <= set(said):
        raise Refused("modbus: either function or access")
    for word, value in said.items():
        draft.steps += _PARTS[word](value)
    if "value" in said:
        draft.steps.append(_written(said))


def _unit(text: str) -> Iterable[NumberIn]:
    yield NumberIn("modbus.unit", spans("modbus unit", text, 255))


def _function(text: str) -> Iterable[NumberIn]:
    negated, word = text.startswith("!"), text.lstrip("! ").lower()
    kinds = _CATEGORIES.get(word)
    if kinds is not None:
        yield NumberIn("modbus.category", ((1, 15),), kinds ^ 15 if negated else kinds)
    else:
        number = integer("modbus function", text, 1, 255)
        yield NumberIn("modbus.function", ((number, number),))


def _subfunction(text: str) -> Iterable[NumberIn]:
    number = integer("modbus subfunction", text, 0, 0xFFFF)
    yield NumberIn("modbus.subfunction", ((number, number),))


def _access(text: str) -> Iterable[NumberIn]:
    way, _, table = text.partition(" ")
    table = table.strip()
    if way not in {"read", "write"} or (table and table not in _TABLES):
        raise Refused(f"modbus: access is read or write and a table, not {text[:40]!r}")
    if way == "write" and table in _READ_ONLY:
        raise Refused(f"modbus: {table} can only be read")
    bits = (_READ if way == "read" else _WRITE) | _TABLES.get(table, 0)
    yield NumberIn("modbus.access", ((bits, bits),), bits)


def _address(text: str) -> Iterable[NumberIn]:
    """The addresses of the request and those of the rule have one in common."""
    if between := _BETWEEN.fullmatch(text):
        after, before = (integer("modbus address", part, 0, _LARGEST) for part in between.groups())
        lowest, highest = after + 1, before - 1
    else:
        wanted = spans("modbus address", text, _LARGEST)
        lowest, highest = wanted[0][0], wanted[-1][1]
    yield NumberIn("modbus.first", ((0, highest),))
    yield NumberIn("modbus.last", ((lowest, _LARGEST),))


def _value(_text: str) -> Iterable[NumberIn]:
    return ()


def _written(said: dict[str, str]) -> NumberIn:
    """address and value together: what is written to just this address."""
    address = integer("modbus address with value", said["address"], 0, _LARGEST)
    values: Spans = spans("modbus value", said["value"], 0xFFFF)
    if said["access"].startswith("read"):
        raise Refused("modbus: value needs access write")
    return NumberIn(
        "modbus.written", tuple((address << 16 | low, address << 16 | high) for low, high in values)
    )


_PARTS: Final = {
    "unit": _unit,
    "function": _function,
    "subfunction": _subfunction,
    "access": _access,
    "address": _address,
    "value": _value,
}
_NEEDS: Final = {"subfunction": "function", "address": "access", "value": "address"}
