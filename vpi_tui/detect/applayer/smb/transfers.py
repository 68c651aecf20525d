"""Files that reads and writes move, each direction of a file a transaction of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vpi_tui.detect.applayer.files import File, FileNeeds
from vpi_tui.detect.applayer.smb.transaction import SmbTransaction
from vpi_tui.detect.applayer.transaction import DONE, HEAD
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
MOST_OPEN: Final = 256
"""Files that are moved at a time; the one that began first makes room."""
MOST_EARLY: Final = 64
"""Parts of a file that come before what is in front of them (Suricata's max-read-queue-cnt)."""
MOST_EARLY_BYTES: Final = 64 << 20
"""Bytes of such parts, as they say themselves (max-read-queue-size); much less of them is held."""
_EARLY_EVENT: Final = {SERVER: "smb.write_queue_cnt_exceeded", CLIENT: "smb.read_queue_cnt_exceeded"}
_SIZE_EVENT: Final = {SERVER: "smb.write_queue_size_exceeded", CLIENT: "smb.read_queue_size_exceeded"}

Key = tuple[bytes, int]
"""(identifier of the file, Direction)"""


@dataclass(slots=True)
class _Rest:
    """What is to come of a part whose record is long."""

    transaction: SmbTransaction
    file: File
    offset: int
    left: int


class _Queue:
    """How many bytes of a file lie behind a hole, whether they are held or not."""

    __slots__ = ("_begun", "_position")

    def __init__(self) -> None:
        self._position = 0
        """All before it has come."""
        self._begun: dict[int, int] = {}
        """Offset -> size of the parts behind it; as many as MOST_EARLY, later ones are not counted."""

    def __len__(self) -> int:
        return len(self._begun)

    def add(self, offset: int, size: int) -> int:
        """Bytes that wait now."""
        if offset > self._position:
            if offset in self._begun or len(self._begun) < MOST_EARLY:
                self._begun[offset] = max(size, self._begun.get(offset, 0))
        else:
            self._position = max(self._position, offset + size)
            while self._begun and (first := min(self._begun)) <= self._position:
                self._position = max(self._position, first + self._begun.pop(first))
        return sum(self._begun.values())


class Transfers:
    """By file and direction. Transactions that progressed are put into `moved`."""

    def __init__(self, moved: dict[SmbTransaction, None], needs: FileNeeds) -> None:
        self._moved = moved
        self._needs = needs
        self._open: dict[Key, tuple[SmbTransaction, File]] = {}
        self._queues: dict[Key, _Queue] = {}
        self._rest: dict[int, _Rest] = {}

    def is_open(self, fid: bytes, direction: Direction) -> bool:
        return (fid, direction) in self._open

    def begin(self, fid: bytes, direction: Direction, name: bytes, made: SmbTransaction) -> None:
        """The first bytes of a file are about to move."""
        while len(self._open) >= MOST_OPEN:
            self._end(next(iter(self._open)), truncated=True)
        made.fid, made.filename = fid, name
        made.stage[direction] = HEAD
        self._open[fid, direction] = made, made.open_file(direction, name, self._needs)

    def part(self, fid: bytes, direction: Direction, offset: int, size: int, data: bytes) -> None:
        """Bytes of a file that is open. size: of the part; those that are not in `data` come with `more`."""
        transaction, file = self._open[fid, direction]
        if offset < file.position:
            transaction.event(direction, "smb.file_overlap")
        file.chunk(offset, data)
        if file.early > MOST_EARLY:
            transaction.event(direction, _EARLY_EVENT[direction])
        if self._queues.setdefault((fid, direction), _Queue()).add(offset, size) > MOST_EARLY_BYTES:
            transaction.event(direction, _SIZE_EVENT[direction])
        if size > len(data):
            self._rest[direction] = _Rest(transaction, file, offset + len(data), size - len(data))
        self._moved[transaction] = None

    def more(self, direction: int, data: bytes, gap: int) -> None:
        """The next bytes of the record whose first ones were a part's."""
        rest = self._rest.get(direction)
        if rest is None:
            return
        rest.offset += gap
        rest.left -= gap
        data = data[: max(rest.left, 0)]
        rest.file.chunk(rest.offset, data)
        rest.offset += len(data)
        rest.left -= len(data)
        self._moved[rest.transaction] = None

    def forget_rest(self, direction: int) -> None:
        """Another record begins."""
        if self._rest:
            self._rest.pop(direction, None)

    def close(self, fid: bytes, *directions: Direction) -> None:
        """The file is closed, or (to the client) was read to its end."""
        for direction in directions or (SERVER, CLIENT):
            self._end((fid, direction), truncated=False)

    def finish(self) -> None:
        for key in list(self._open):
            self._end(key, truncated=True)

    def held(self) -> int:
        if not self._open and not self._queues:
            return 0
        kept = sum(1024 + file.held() for _, file in self._open.values())
        return kept + 128 * sum(map(len, self._queues.values()))

    def _end(self, key: Key, *, truncated: bool) -> None:
        found = self._open.pop(key, None)
        self._queues.pop(key, None)
        if found is not None:
            transaction, file = found
            file.close(truncated=truncated)
            transaction.stage[key[1]] = DONE
            transaction.over = True
            self._moved[transaction] = None
