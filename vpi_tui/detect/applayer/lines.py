"""Lines out of pieces of a stream."""

from __future__ import annotations

from collections.abc import Iterator


class Lines:
    """Cuts one direction of a stream into lines of at most `limit` bytes."""

    __slots__ = ("_limit", "_pending", "_skipping", "cut", "end")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pending = bytearray()
        self.end = b""
        """What the last line ended with."""
        self.cut = b""
        """The first `limit` bytes of the last line that is too long."""
        self._skipping = False
        """The rest of a line that is passed over is still to come."""

    def __len__(self) -> int:
        return len(self._pending)

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that are whole now, without their ends; None for each that is too long."""
        self._pending += data
        while (end := self._pending.find(b"\n")) >= 0:
            line = bytes(self._pending[:end])
            del self._pending[: end + 1]
            skipped, self._skipping = self._skipping, False
            if not skipped:
                plain = line.rstrip(b"\r")
                self.end = line[len(plain) :] + b"\n"
                self.cut = line[: self._limit]
                yield plain if end <= self._limit else None
        if len(self._pending) > self._limit:
            if not self._skipping:
                self.cut = bytes(self._pending[: self._limit])
            self._pending.clear()
            skipped, self._skipping = self._skipping, True
            if not skipped:
                yield None

    def lose(self) -> None:
        """Bytes are missing: what they belong to is no line."""
        self._pending.clear()
        self._skipping = True
