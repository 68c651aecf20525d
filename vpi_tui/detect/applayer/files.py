"""Files that an application layer carries: named, counted, digested, and inspected while they come.

Any transaction can carry some: `Transaction.open_file` makes them, the parser feeds and closes them. What is
done with the bytes depends on what loaded rules ask for (`FileNeeds`). Semantics follow Suricata 8
(manual, "File Keywords").
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from vpi_tui.detect.applayer.window import FILE_MINIMUM, FILE_OVERLAP, SlidingWindow, Window

FILE, FILE_NAME, FILE_DATA = "file", "file.name", "file.data"
"""Buffers of all protocols that carry files; FILE stands for what the keywords filesize, filemd5 ... ask."""
DIGESTS: Final = ("md5", "sha1", "sha256")
NAME_LIMIT: Final = 4_096
MOST_FILES: Final = 1_024
"""Files of one transaction."""
EARLY_LIMIT: Final = 1 << 20
"""Bytes that are held of a file because some in front of them are still to come."""
MOST_EARLY: Final = 1_024
"""Stretches that are held so."""


class FileState(Enum):
    OPEN = "UNKNOWN"
    CLOSED = "CLOSED"
    TRUNCATED = "TRUNCATED"
    """It ended before its end, or bytes of it are missing. Values are EVE's words."""


@dataclass(frozen=True, slots=True)
class FileNeeds:
    """What is asked of files: digests by name, and their bytes."""

    digests: frozenset[str] = frozenset(DIGESTS)
    data: bool = True


class File:
    """One file in one Direction. name: as sent, no path of this machine. needs: what its bytes are for."""

    __slots__ = (
        "_early", "_early_bytes", "_hashes", "_told", "_window", "closed_at", "digests", "direction", "gaps",
        "name", "position", "size", "span", "state",
    )  # fmt: skip

    def __init__(
        self,
        direction: int,
        name: bytes = b"",
        needs: FileNeeds = FileNeeds(),
        *,
        minimum: int = FILE_MINIMUM,
        overlap: int = FILE_OVERLAP,
    ) -> None:
        self.direction = direction
        self.name = name[:NAME_LIMIT]
        self.state = FileState.OPEN
        self.closed_at = 0
        """Number of the Progress that tells its end; 0 = none has yet."""
        self.size = 0
        """Bytes so far, those that are missing not counted."""
        self.position = 0
        """Where the next bytes belong: bytes so far and missing ones."""
        self.gaps = False
        self.span: tuple[int, int] | None = None
        """Of a part of a file: its first and last byte there; None = it is whole."""
        self.digests: dict[str, bytes] = {}
        """By name; of a file that was closed and has no gaps."""
        self._hashes: dict[str, Any] = {
            name: hashlib.new(name, usedforsecurity=False) for name in sorted(needs.digests)
        }
        self._window = SlidingWindow(minimum, overlap, kept=needs.data)
        self._early: dict[int, bytes] = {}
        self._early_bytes = 0
        self._told: tuple[FileState, bytes] | None = None
        """State and name that rules have seen."""

    @property
    def is_open(self) -> bool:
        return self.state is FileState.OPEN

    def was_open(self, number: int) -> bool:
        """Was it open when a Progress was told? Behind it in the same batch it may have been closed."""
        return self.is_open or self.closed_at > number

    @property
    def early(self) -> int:
        """Stretches that wait for what is in front of them."""
        return len(self._early)

    @property
    def is_due(self) -> bool:
        """Are there enough new bytes for rules to look at?"""
        return self._window.is_due

    @property
    def patience(self) -> int:
        """How many more bytes can come before there are."""
        return self._window.patience

    def held(self) -> int:
        """Bytes that are kept of it."""
        return self._window.held + self._early_bytes + len(self.name)

    # Bytes in ------------------------------------------------------------------------------------

    def append(self, data: bytes) -> None:
        """The next bytes; those of a file that is closed are passed over."""
        if not self.is_open or not data:
            return
        self.size += len(data)
        self.position += len(data)
        self._window.feed(data)
        if not self.gaps:
            for one in self._hashes.values():
                one.update(data)

    def skip(self, count: int) -> None:
        """The next bytes are missing and will not come."""
        if self.is_open and count > 0:
            self.position += count
            self.gaps = True
            self._window.skip(count)

    def chunk(self, offset: int, data: bytes) -> None:
        """Bytes of a place, in whatever order: what was there before stays, what comes early waits.

        When too much waits, what is missing in front of it is given up.
        """
        if not self.is_open or not data:
            return
        if offset > self.position:
            before = self._early.get(offset, b"")
            if len(data) > len(before):
                self._early[offset] = data
                self._early_bytes += len(data) - len(before)
            while self._early_bytes > EARLY_LIMIT or len(self._early) > MOST_EARLY:
                self._give_up()
            return
        self.append(data[self.position - offset :])
        self._join()

    def _join(self) -> None:
        """Take what waited and now follows."""
        while self._early:
            first = min(self._early)
            if first > self.position:
                return
            data = self._early.pop(first)
            self._early_bytes -= len(data)
            self.append(data[self.position - first :])

    def _give_up(self) -> None:
        self.skip(min(self._early) - self.position)
        self._join()

    def close(self, *, truncated: bool = False) -> None:
        """Nothing more comes. truncated: it should have."""
        if not self.is_open:
            return
        while self._early:
            self._give_up()
        cut = truncated or self.gaps
        self.state = FileState.TRUNCATED if cut else FileState.CLOSED
        self._window.closed = True
        if not cut:
            self.digests = {name: one.digest() for name, one in self._hashes.items()}
        self._hashes = {}

    # What rules see ------------------------------------------------------------------------------

    def take(self, number: int) -> Window | None:
        """The next stretch of its bytes to inspect, None = not yet."""
        return self._window.take(number)

    def tail(self) -> bytes:
        """The bytes that are still held: all of a short file."""
        return self._window.tail()

    def moved(self) -> tuple[bool, bool]:
        """(has it changed, has its name) since this was asked last."""
        now, before = (self.state, self.name), self._told
        self._told = now
        return now != before, bool(self.name) and (before is None or before[1] != self.name)


def grown(files: Sequence[File], direction: int) -> dict[str, list[Window]]:
    """By buffer: what rules have not seen yet of a transaction's files; empty = nothing is new."""
    found: dict[str, list[Window]] = {}
    for number, file in enumerate(files):
        if file.direction != direction:
            continue
        changed, named = file.moved()
        if changed:
            found.setdefault(FILE, [])
        if named:
            found.setdefault(FILE_NAME, []).append(Window(file.name, number=number))
        window = file.take(number)
        if window is not None:
            found.setdefault(FILE_DATA, []).append(window)
    return found


NOTHING_GROWN: Final[Mapping[str, Sequence[Window]]] = {}
