"""The body of one message: decoded, handed to rules in windows, and to the files that it carries."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from vpi_tui.detect.applayer.base import BODY_LIMIT
from vpi_tui.detect.applayer.http.coding import Brotli, Decoder
from vpi_tui.detect.applayer.window import SlidingWindow, Window

BETWEEN_LIMIT: Final = 1 << 20
"""Bytes that one decoder may hand to the next at a time."""
BOMB_LIMIT: Final = 1 << 20
BOMB_RATIO: Final = 2_048
"""Bytes of a decoded body, also for each one as sent, beyond which it is a bomb; as Suricata's."""
_MOST_UNFOLDED: Final = 8 << 20
"""Bytes that are unfolded at a time to find out."""


class Inspection(NamedTuple):
    """Bytes of a body: what is kept at all, before rules see any, and that they see again."""

    limit: int = BODY_LIMIT
    minimum: int = 32_768
    overlap: int = 4_096
    kept: bool = True
    """Does any rule look at it?"""


USUAL: Final = Inspection()


class Sink(Protocol):
    """What else a body goes to."""

    def feed(self, data: bytes) -> None: ...

    def skip(self, count: int) -> None: ...

    def close(self, *, truncated: bool) -> None: ...


class Body:
    """Takes bytes up to a limit; what comes behind it is only counted."""

    __slots__ = ("_decoders", "_limit", "_may_be_bomb", "_sink", "_unfolded", "_window", "bomb", "size")

    def __init__(
        self,
        decoders: list[Decoder] | None = None,
        inspection: Inspection = USUAL,
        sink: Sink | None = None,
    ) -> None:
        self._decoders = decoders or []
        self._limit = inspection.limit
        self._window = SlidingWindow(inspection.minimum, inspection.overlap, kept=inspection.kept)
        self._sink = sink
        # One layer of deflate unfolds 1,032 times at most.
        self._may_be_bomb = len(self._decoders) > 1 or isinstance(next(iter(self._decoders), None), Brotli)
        self._unfolded = 0
        self.bomb = False
        """It unfolds to more than any body should."""
        self.size = 0
        """Bytes as sent."""

    @property
    def kept(self) -> int:
        return len(self._window)

    @property
    def failed(self) -> bool:
        """It is not in the coding that it claims."""
        return any(decoder.failed for decoder in self._decoders)

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        room = self._limit - self._window.size
        if room <= 0:
            if data:
                self.close(truncated=True)
            return
        for number, decoder in enumerate(self._decoders):
            last = number == len(self._decoders) - 1
            data = decoder.feed(data, self._most(room) if last else BETWEEN_LIMIT)
            if not data:
                return
        if self._may_be_bomb:
            self._unfolded += len(data)
            self.bomb |= self._unfolded > max(BOMB_LIMIT, BOMB_RATIO * self.size)
        data = data[:room]
        self._window.feed(data)
        self._window.closed = self._window.size >= self._limit
        if self._sink is not None:
            self._sink.feed(data)

    def _most(self, room: int) -> int:
        """Bytes that are asked of the last decoder: what fits, or enough to know a bomb."""
        return min(max(BOMB_LIMIT, BOMB_RATIO * self.size) + 1, _MOST_UNFOLDED) if self._may_be_bomb else room

    def skip(self, count: int) -> None:
        """Bytes of it are missing."""
        if self._decoders or self._window.closed:
            return  # of a coded body what follows cannot be told apart from what is missing
        self._window.skip(min(count, self._limit - self._window.size))
        if self._sink is not None:
            self._sink.skip(count)

    def close(self, *, truncated: bool = False) -> None:
        """Nothing more comes. truncated: it should have."""
        self._window.closed = True
        if self._sink is not None:
            self._sink.close(truncated=truncated)
            self._sink = None

    def take(self) -> Window | None:
        """The next window for rules, None = not yet."""
        return self._window.take()

    def data(self) -> bytes:
        """What is still held: all of a short body."""
        return self._window.tail()


NO_BODY: Final = Body(inspection=Inspection(kept=False))
"""Stands where no body has begun; it is never fed."""
