"""Files that several responses bring, a range of bytes each (RFC 9110, 14): put together, of all flows.

What is whole is a file of the transaction that completed it. As in Suricata 8 (its http byterange): ranges of
one name from one host belong together, one that continues what is known is taken at once and others wait;
where two say something about the same bytes, what was known stays.
"""

from __future__ import annotations

import re
from bisect import insort
from collections import OrderedDict
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.files import File, FileNeeds
from vpi_tui.model.batch import Direction

MEMORY: Final = 64 << 20
"""Bytes that all files together may hold; what would need more is not put together. Suricata has 100 MB."""
FILE_MEMORY: Final = 16 << 20
"""Bytes that one of them may hold."""
MOST_FILES: Final = 4_096
MOST_WAITING: Final = 1_024
"""Ranges of a file that wait for what is in front of them."""
TIMEOUT_NS: Final = 60_000_000_000
"""Of packet time without another range, as in Suricata; then what is there is forgotten."""
A_FILE: Final = 2_048
A_RANGE: Final = 128
_RANGE: Final = re.compile(rb"bytes[ \t]+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


class Span(NamedTuple):
    """Of a file of `size` bytes those from `start` to `end`, which is one of them."""

    start: int
    end: int
    size: int


def span_of(content_range: bytes) -> Span | None:
    """None = it says no part of a file whose size is known."""
    found = _RANGE.fullmatch(content_range.strip())
    if found is None:
        return None
    span = Span(*map(int, found.groups()))
    is_part = span.start <= span.end < span.size and span != (0, span.size - 1, span.size)
    return span if is_part else None


class _Waiting:
    """A range that waits for what is in front of it."""

    __slots__ = ("data", "gap", "room", "start")

    def __init__(self, start: int, room: int) -> None:
        self.start = start
        self.room = room
        """Bytes that are still to come."""
        self.gap = 0
        """Bytes in front of `data` that are missing."""
        self.data = bytearray()

    def __lt__(self, other: _Waiting) -> bool:
        return (self.start, len(self.data)) < (other.start, len(other.data))


class _Whole:
    """A file that is being put together."""

    __slots__ = ("dead", "file", "key", "known", "owned", "pending", "seen_ns", "size", "waiting", "weight")

    def __init__(self, key: tuple[bytes, bytes], file: File) -> None:
        self.key = key
        """Host and name, as sent."""
        self.file = file
        self.size = 0
        """The largest that a range has stated."""
        self.known = 0
        """Bytes from its start on that are there, or given up."""
        self.owned = False
        """A range is being appended to it."""
        self.waiting: list[_Waiting] = []
        self.pending = 0
        """Bytes of those, and of ranges that are going to be."""
        self.seen_ns = 0
        self.weight = 0
        """Bytes that count for it with those of all files."""
        self.dead = False
        """It is forgotten, too large, or whole."""

    def held(self) -> int:
        named = sum(map(len, self.key))
        return A_FILE + named + A_RANGE * len(self.waiting) + self.pending + self.file.held()

    def join(self) -> None:
        """Append what waited and is reached by now."""
        while self.waiting and self.waiting[0].start <= self.file.position:
            one = self.waiting.pop(0)
            self.pending -= len(one.data)
            over = self.file.position - one.start
            if over < len(one.data) or not over:
                self.file.skip(one.gap)
                self.file.append(bytes(one.data[over:]))
        self.known = self.file.position


class RangePart:
    """One response's range; a sink of its body."""

    __slots__ = ("_current", "_skip", "_store", "_whole")

    def __init__(self, store: Ranges, whole: _Whole, skip: int, current: _Waiting | None) -> None:
        self._store = store
        self._whole = whole
        self._skip = skip
        """Bytes that are known already."""
        self._current = current
        """Where its bytes wait; None = they are appended at once, or (when `whole` is not owned) known."""

    def feed(self, data: bytes) -> None:
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        data, self._skip = data[self._skip :], 0
        current = self._current
        if current is None:
            if self._whole.owned:
                self._whole.file.append(data)
        elif not self._whole.dead:
            data = data[: current.room]
            current.data += data
            current.room -= len(data)
            self._whole.pending += len(data)
        self._store.weigh(self._whole)

    def skip(self, count: int) -> None:
        """Bytes are missing."""
        missing = max(count - self._skip, 0)
        self._skip -= count - missing
        if self._current is not None:
            self._current.gap += missing
        elif self._whole.owned:
            self._whole.file.skip(missing)

    def close(self) -> File | None:
        """The range is over. Gives the file when it is whole."""
        whole, current = self._whole, self._current
        if whole.dead:
            return None
        if current is None:
            whole.owned = False
            if self._skip:  # it ended before its first new byte
                return None
        elif current.start + len(current.data) <= whole.known or len(whole.waiting) >= MOST_WAITING:
            whole.pending -= len(current.data)
            self._store.weigh(whole)
            return None
        else:
            insort(whole.waiting, current)
            if whole.owned:
                return None  # whoever appends to the file joins it
        whole.join()
        self._store.weigh(whole)
        if whole.dead or whole.known < whole.size:
            return None
        whole.file.close()
        self._store.forget(whole)
        return whole.file


class Ranges:
    """The files that are being put together, by host and name."""

    def __init__(self) -> None:
        self.now_ns = 0
        """Packet time."""
        self._files: OrderedDict[tuple[bytes, bytes], _Whole] = OrderedDict()
        """That of the latest range is the last."""
        self._held = 0

    def held(self) -> int:
        return self._held

    def part(
        self, host: bytes | None, name: bytes, content_range: bytes, needs: FileNeeds
    ) -> RangePart | None:
        """A response brings a range. None = of nothing that can be put together, all of it is known, or there
        is no room for it."""
        span = span_of(content_range)
        if span is None or not host:
            return None
        self._expire()
        whole = self._at(host, name, needs)
        if whole.dead:
            return None
        whole.size = max(whole.size, span.size)
        size, over = span.end - span.start + 1, whole.known - span.start
        if over >= size:
            return None
        if over >= 0 and not whole.owned:
            whole.owned = True
            return RangePart(self, whole, over, None)
        if self._held + size > MEMORY:
            return None
        return RangePart(self, whole, 0, _Waiting(span.start, size))

    def weigh(self, whole: _Whole) -> None:
        """It has changed. What holds too much is forgotten."""
        if whole.dead:
            return
        if whole.held() > FILE_MEMORY:  # its name is kept, so that its next ranges are not gathered in vain
            _give_up(whole)
        before, whole.weight = whole.weight, whole.held()
        self._held += whole.weight - before
        while self._held > MEMORY:
            self.forget(next(iter(self._files.values())))

    def forget(self, whole: _Whole) -> None:
        if self._files.get(whole.key) is whole:
            del self._files[whole.key]
        self._held -= whole.weight
        whole.weight = 0
        whole.dead, whole.owned = True, False

    def _at(self, host: bytes, name: bytes, needs: FileNeeds) -> _Whole:
        key = host, name
        whole = self._files.get(key)
        if whole is None:
            whole = self._files[key] = _Whole(key, File(Direction.TO_CLIENT, name, needs))
            while len(self._files) > MOST_FILES:
                self.forget(next(iter(self._files.values())))
        whole.seen_ns = self.now_ns
        self._files.move_to_end(key)
        self.weigh(whole)
        return whole

    def _expire(self) -> None:
        while self._files:
            oldest = next(iter(self._files.values()))
            if self.now_ns - oldest.seen_ns <= TIMEOUT_NS:
                return
            self.forget(oldest)


def _give_up(whole: _Whole) -> None:
    whole.file = File(Direction.TO_CLIENT, needs=FileNeeds(frozenset(), data=False))
    whole.waiting.clear()
    whole.pending = 0
    whole.dead, whole.owned = True, False
