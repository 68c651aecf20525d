"""A terminal emulator that reads what a program draws."""

from __future__ import annotations

import re

import pyte

_NOT_FOR_PYTE = re.compile(rb"\x1b\[[?><=][0-9;]*[a-zA-Z$]+")
"""Private modes and queries, some of which pyte prints as text."""


class Emulator:
    """A terminal of `size` (columns, rows) that counts what it was sent."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.screen = pyte.Screen(*size)
        self.bytes = 0
        self._stream = pyte.ByteStream(self.screen)
        self._tail = b""

    def feed(self, data: bytes) -> None:
        self.bytes += len(data)
        data = self._tail + data
        start = data.rfind(b"\x1b", max(len(data) - 24, 0))  # a read may cut a sequence in two
        cut = start if start >= 0 else len(data)
        self._tail = data[cut:]
        self._stream.feed(_NOT_FOR_PYTE.sub(b"", data[:cut]))

    def flush(self) -> None:
        """Take in the last sequence too."""
        self._stream.feed(_NOT_FOR_PYTE.sub(b"", self._tail))
        self._tail = b""

    def cells(self) -> list[list[pyte.screens.Char]]:
        self.flush()
        columns, lines = self.screen.columns, self.screen.lines
        return [[self.screen.buffer[y][x] for x in range(columns)] for y in range(lines)]

    def shows(self, text: str) -> bool:
        return any(text in "".join(cell.data for cell in row) for row in self.cells())


def cursor_mark(screen: pyte.Screen) -> object:
    """Where the mark of the row with the keyboard stands."""
    return [
        (y, x) for y in range(screen.lines) for x in range(screen.columns) if screen.buffer[y][x].data == "▌"
    ]
