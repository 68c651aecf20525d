"""Numbers in buffers: those that byte_test and its kin read, and those that a buffer consists of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.model.signature import NumberIn, Which

MAX_VALUE: Final = (1 << 64) - 1
ANY_BASE: Final = 1
_LONGEST_TEXT: Final = 64
_DIGITS: Final = {
    8: frozenset(b"01234567"),
    10: frozenset(b"0123456789"),
    16: frozenset(b"0123456789abcdefABCDEF"),
}


def read_number(
    data: bytes, at: int, count: int, *, base: int = 0, little_endian: bool = False
) -> tuple[int, int] | None:
    """(value, bytes it took) of the number at a position; None when it does not lie in the data.

    base 0: `count` bytes (0 to 8) as they are; no bytes (count came from a variable) are the number
    0. 8, 10, 16: the digits of a string of at most `count` bytes, which ends at the first other byte; of
    0 bytes: as long as there are digits. 1: the digits tell their base themselves.
    """
    if count < 0 or at < 0 or at + count > len(data):
        return None
    field = data[at : at + count]
    if base:
        return _read_text(field if count else data[at : at + _LONGEST_TEXT], base)
    return (int.from_bytes(field, "little" if little_endian else "big"), count) if count <= 8 else None


def _read_text(field: bytes, base: int) -> tuple[int, int] | None:
    """As strtoull of C: white space, a sign (below zero as two's complement), perhaps 0x, digits."""
    begin = len(field) - len(field.lstrip(b" \t\r\n\x0b\x0c"))
    sign = field[begin : begin + 1]
    if sign in (b"+", b"-"):
        begin += 1
    base = _told_base(field[begin:]) if base == ANY_BASE else base
    digits = _DIGITS[base]
    if base == 16 and field[begin : begin + 2].lower() == b"0x" and field[begin + 2 : begin + 3]:
        begin += 2 if field[begin + 2] in digits else 0
    end = begin
    while end < len(field) and end - begin < 23 and field[end] in digits:
        end += 1
    if end == begin:
        return None
    value = int(field[begin:end], base)
    if value > MAX_VALUE:
        return None
    return -value & MAX_VALUE if sign == b"-" else value, end


def _told_base(text: bytes) -> int:
    """0x in front of a digit means hex, another 0 octal."""
    if text[:2].lower() == b"0x" and text[2:3] and text[2] in _DIGITS[16]:
        return 16
    return 8 if text[:1] == b"0" else 10


def masked(value: int, bitmask: int | None) -> int:
    """value & bitmask, moved right until the mask's lowest bit is bit 0."""
    if not bitmask:
        return value
    return (value & bitmask) >> ((bitmask & -bitmask).bit_length() - 1)


def lies_in(step: NumberIn, data: bytes) -> bool:
    """Is the number that these bytes are one of those that the rule means? No bytes are no number."""
    if not data:
        return False
    value = int.from_bytes(data[step.offset : step.offset + step.count] if step.count else data, "big")
    if step.mask is not None:
        value &= step.mask
    return any(low <= value <= high for low, high in step.spans)


def numbers_hold(step: NumberIn, which: Which, numbers: Sequence[bytes]) -> bool:
    """Do the numbers of a transaction hold together? Suricata's multi-integers.

    An instance without bytes stands for a message that has no such number: it keeps its place.
    """
    chosen = _part(numbers, which.part)
    if which.kind == "count":
        count = sum(lies_in(step, number) for number in chosen)
        return any(low <= count <= high for low, high in which.counts)
    if which.kind == "index":
        at = which.index + (len(chosen) if which.index < 0 else 0)
        return lies_in(step, chosen[at]) if 0 <= at < len(chosen) else which.absent
    there = [number for number in chosen if number]
    if not there:
        return which.absent
    held = (lies_in(step, number) for number in there)
    return all(held) if which.kind == "all" else any(held)


def _part(numbers: Sequence[bytes], part: tuple[int, int] | None) -> Sequence[bytes]:
    """Nothing when an end of the part lies outside."""
    if part is None:
        return numbers
    first, end = (at + len(numbers) if at < 0 else at for at in part)
    return numbers[first:end] if 0 <= first <= end <= len(numbers) else ()
