"""Pieces of a protocol's bytes with a name, which rules may look at by themselves."""

from __future__ import annotations

from typing import ClassVar, Final

from vpi_tui.detect.applayer.transaction import A_TRANSACTION, DONE, Transaction

FRAME_LIMIT: Final = 131_072
"""Bytes of a frame that rules see."""
MOST_FRAMES: Final = 8_192
"""Frames that a parser may emit at a time."""
PIECE_OF_FRAMES: Final = MOST_FRAMES // 2
"""Bytes that a parser which emits frames is given at a time: tiny messages bring at most two of them for each
byte, so a flood hides none."""


class Frame(Transaction):
    """A piece of the protocol's bytes with a name. Rules see it once, as they see a transaction."""

    __slots__ = ("data", "name")
    is_frame: ClassVar[bool] = True

    def __init__(self, direction: int, name: str, data: bytes) -> None:
        super().__init__()
        self.stage[direction] = DONE
        self.name = name
        self.data = data

    def weight(self) -> int:
        return A_TRANSACTION + len(self.data)


class FrameLog:
    """The frames that rules ask one parser for, and those that it has emitted.

    wanted: names; a parser looks here before it goes to any length for a frame.
    """

    __slots__ = ("_found", "wanted")

    def __init__(self, wanted: frozenset[str] = frozenset()) -> None:
        self.wanted = wanted
        self._found: list[Frame] = []

    def add(self, direction: int, name: str, data: bytes | bytearray) -> None:
        """A frame is there, if a rule wants such; an empty one is none."""
        if name in self.wanted and data and len(self._found) < MOST_FRAMES:
            self._found.append(Frame(direction, name, bytes(data[:FRAME_LIMIT])))

    def take(self) -> list[Frame]:
        """What was added since the last time."""
        found, self._found = self._found, []
        return found


class FrameSpool:
    """The bytes of a frame whose end is not known yet, as far as rules see them."""

    __slots__ = ("_kept", "_size")

    def __init__(self) -> None:
        self._kept = bytearray()
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, data: bytes | bytearray) -> None:
        self._size += len(data)
        self._kept += data[: FRAME_LIMIT - len(self._kept)]

    def cut(self, rest: bytes | bytearray = b"") -> bytes:
        """The frame has ended, and the last bytes that were added are those of the next one."""
        found = bytes(self._kept[: self._size - len(rest)])
        self._kept = bytearray(rest[:FRAME_LIMIT])
        self._size = len(rest)
        return found


NO_FRAMES: Final = FrameLog()
"""Asked for nothing, so it keeps nothing."""
