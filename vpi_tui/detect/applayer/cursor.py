"""Reading binary messages: a cursor that never reads beyond its bytes."""

from __future__ import annotations


class TooShortError(ValueError):
    """The bytes end before the field does."""


class Cursor:
    """Big-endian numbers and length-prefixed fields of some bytes, from front to back."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        """The next bytes. Raises TooShortError."""
        end = self._at + count
        if end > len(self._data):
            raise TooShortError
        found = self._data[self._at : end]
        self._at = end
        return found

    def number(self, size: int) -> int:
        """The next number of `size` bytes. Raises TooShortError."""
        begin, self._at = self._at, self._at + size
        if self._at > len(self._data):
            self._at = begin
            raise TooShortError
        return int.from_bytes(self._data[begin : self._at])

    def field(self, size: int) -> bytes:
        """The next field that has its length, a number of `size` bytes, before it. Raises TooShortError."""
        return self.take(self.number(size))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._at

    def skip(self, byte: int) -> None:
        """Pass over all of one byte that stand here."""
        rest = self._data[self._at :]
        self._at += len(rest) - len(rest.lstrip(bytes((byte,))))
