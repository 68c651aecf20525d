"""Little-endian numbers of some bytes, from front to back."""

from __future__ import annotations

from vpi_tui.detect.applayer.cursor import Cursor


class Reader(Cursor):
    """A cursor over a little-endian message."""

    __slots__ = ()

    def number(self, size: int) -> int:
        """The next number of `size` bytes. Raises TooShortError."""
        return int.from_bytes(self.take(size), "little")
