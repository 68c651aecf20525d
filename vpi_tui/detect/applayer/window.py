"""Bytes that come piece by piece and are inspected while they come, in stretches that overlap."""

from __future__ import annotations

from typing import Final, NamedTuple

ANY_SIZE: Final = 1 << 62
"""More bytes than there will be."""
FILE_MINIMUM: Final = 32_768
"""Bytes of a file before it is inspected, unless it ends earlier; Suricata's content-inspect-min-size."""
FILE_OVERLAP: Final = 4_096
"""Bytes of a file that are inspected again with those behind them; its content-inspect-window."""


class Window(NamedTuple):
    """A stretch of a buffer that grows."""

    data: bytes
    offset: int = 0
    """Bytes of the buffer in front of it."""
    ended: bool = True
    """Nothing comes behind it."""
    number: int = 0
    """Which of a transaction's files it belongs to."""


class SlidingWindow:
    """Gives the first `minimum` bytes at once, then whatever came with `overlap` bytes before it.

    What is kept is what was not given yet, and the overlap. kept=False: bytes are only counted.
    """

    __slots__ = ("_data", "_first", "_given", "_minimum", "_overlap", "closed", "kept", "size")

    def __init__(
        self, minimum: int = FILE_MINIMUM, overlap: int = FILE_OVERLAP, *, kept: bool = True
    ) -> None:
        self._minimum = minimum
        self._overlap = overlap
        self._data = bytearray()
        self._first = 0
        """Where `_data` begins in the buffer."""
        self._given = -1
        """Where the last window ended; -1 = there was none."""
        self.kept = kept
        self.size = 0
        self.closed = False

    @property
    def held(self) -> int:
        """Bytes that are kept."""
        return len(self._data)

    def feed(self, data: bytes | memoryview) -> None:
        self.size += len(data)
        if self.kept:
            self._data += data

    def skip(self, count: int) -> None:
        """Bytes are missing. Some zeros stand for them, so that what is on both sides is not joined."""
        if count > 0:
            seen = min(count, self._overlap)
            self._first += count - seen
            self.size += count
            if self.kept:
                self._data += bytes(seen)

    def tail(self) -> bytes:
        """What is still held: all of a short buffer."""
        return bytes(self._data)

    @property
    def is_due(self) -> bool:
        """Is it time for a window?"""
        if not self.kept:
            return False
        if self.closed:
            return self.size > max(self._given, 0)
        if self._given < 0:
            return self.size >= self._minimum
        return self.size - self._given >= self._overlap

    @property
    def patience(self) -> int:
        """How many more bytes can come before it is time for a window."""
        if not self.kept:
            return ANY_SIZE
        if self.closed:
            return 0
        due = self._minimum if self._given < 0 else self._given + self._overlap
        return max(due - self.size - 1, 0)

    def take(self, number: int = 0) -> Window | None:
        """The next window, None = it is not time for one."""
        if not self.kept or not self.is_due:
            return None
        self.kept = not self.closed  # or else there will be no other
        data, offset = bytes(self._data), self._first
        self._given = self.size
        if self.size > self._minimum:
            spare = len(self._data) - self._overlap
            if spare > 0:
                del self._data[:spare]
                self._first += spare
        return Window(data, offset, self.closed, number)
