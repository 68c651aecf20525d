"""Numbers in a buffer: what byte_test, byte_jump, byte_extract and byte_math read."""

from __future__ import annotations

from typing import Final

MAX_VALUE: Final = (1 << 64) - 1
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
    0 bytes: as long as there are digits.
    """
    if count < 0 or at < 0 or at + count > len(data):
        return None
    field = data[at : at + count]
    if base:
        return _read_text(field if count else data[at : at + _LONGEST_TEXT], base)
    return (int.from_bytes(field, "little" if little_endian else "big"), count) if count <= 8 else None


def _read_text(field: bytes, base: int) -> tuple[int, int] | None:
    blanks = len(field) - len(field.lstrip(b" \t\r\n\x0b\x0c"))
    begin = blanks
    if base == 16 and field[begin : begin + 2].lower() == b"0x":
        begin += 2
    end = begin
    digits = _DIGITS[base]
    while end < len(field) and end - begin < 23 and field[end] in digits:
        end += 1
    if end == begin:
        return None
    value = int(field[begin:end], base)
    return (value, end) if value <= MAX_VALUE else None


def masked(value: int, bitmask: int | None) -> int:
    """value & bitmask, moved right until the mask's lowest bit is bit 0."""
    if not bitmask:
        return value
    return (value & bitmask) >> ((bitmask & -bitmask).bit_length() - 1)
