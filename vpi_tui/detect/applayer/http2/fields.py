"""Header blocks (HPACK, RFC 7541), decoded as far as they can be.

Tables and Huffman codes are the hpack library's; the loop is ours, because the library's own gives up all
of a block that has one flaw in it, and rules want to see the fields in front of the flaw and the updates of
the table's size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hpack.exceptions import HPACKError, InvalidTableIndex
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

TABLE_LIMIT: Final = 65_536
"""Bytes of the dynamic table, whatever was agreed on."""
LIST_LIMIT: Final = 65_536
"""Bytes of the fields of one block, each counted as RFC 7541 counts it; later ones are left out."""
_ENTRY: Final = 32
_LONGEST_NUMBER: Final = 10
_MOST: Final = (1 << 64) - 1

Field = tuple[bytes, bytes]


class _FlawError(Exception):
    """The block cannot be read from here on; its text is the event that this is."""


@dataclass(slots=True)
class Block:
    """One header block. flaw: name of the event that ended it early; "" = none did."""

    fields: list[Field] = field(default_factory=list)
    size_updates: list[int] = field(default_factory=list)
    flaw: str = ""


class FieldDecoder:
    """The decoder of one direction: its dynamic table outlives the blocks."""

    def __init__(self) -> None:
        self._table = HeaderTable()

    def allow(self, size: int) -> None:
        """The peer accepts such a table. Entries kept too long do no harm: the latest come first."""
        self._table.maxsize = max(self._table.maxsize, min(size, TABLE_LIMIT))

    def decode(self, data: bytes) -> Block:
        block = Block()
        room, at = LIST_LIMIT, 0
        try:
            while at < len(data):
                if data[at] & 0xE0 == 0x20:
                    size, at = _number(data, at, 5)
                    block.size_updates.append(size)
                    self._table.maxsize = min(size, TABLE_LIMIT)
                    continue
                found, at = self._field(data, at)
                if found is None:
                    block.flaw = "invalid_header"
                    continue
                room -= len(found[0]) + len(found[1]) + _ENTRY
                if room >= 0:
                    block.fields.append(found)
                else:
                    block.flaw = "invalid_header"
        except _FlawError as flaw:
            block.flaw = str(flaw)
        except HPACKError:
            block.flaw = "invalid_header"
        return block

    def _entry(self, index: int) -> Field | None:
        """None = the table has no such; what comes behind it in its block can be read all the same."""
        try:
            name, value = self._table.get_by_index(index)
        except InvalidTableIndex:
            return None
        return bytes(name), bytes(value)

    def _field(self, data: bytes, at: int) -> tuple[Field | None, int]:
        first = data[at]
        if first & 0x80:
            index, at = _number(data, at, 7)
            return self._entry(index), at
        indexed = bool(first & 0x40)
        index, at = _number(data, at, 6 if indexed else 4)
        if index:
            entry = self._entry(index)
        else:
            name, at = _text(data, at)
            entry = name, b""
        value, at = _text(data, at)
        if entry is None:
            return None, at
        name = entry[0]
        if indexed:
            self._table.add(name, value)
        return (name, value), at


def _number(data: bytes, at: int, bits: int) -> tuple[int, int]:
    """(integer whose first byte has so many bits of it, where what follows begins)."""
    most = (1 << bits) - 1
    value = data[at] & most
    at += 1
    if value < most:
        return value, at
    for shift in range(0, 7 * _LONGEST_NUMBER, 7):
        if at >= len(data):
            raise _FlawError("invalid_frame_data")
        value += (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            break
    else:
        raise _FlawError("header_integer_overflow")
    if value > _MOST:
        raise _FlawError("header_integer_overflow")
    return value, at


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    if at >= len(data):
        raise _FlawError("invalid_frame_data")
    coded = data[at] & 0x80
    size, at = _number(data, at, 7)
    text = data[at : at + size]
    if len(text) < size:
        raise _FlawError("invalid_frame_data")
    return (decode_huffman(text) if coded else text), at + size
