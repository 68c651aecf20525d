"""The body of one message: decoded, handed to rules in windows, and to the files that it carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from vpi_tui.detect.applayer.base import BODY_LIMIT
from vpi_tui.detect.applayer.http.coding import Brotli, Decoder
from vpi_tui.detect.applayer.window import SlidingWindow

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
    """Takes bytes up to a limit; what comes behind it is only counted. tells_bombs: unfold more than fits, so
    that `bomb` is known."""

    __slots__ = (
        "_decoders",
        "_failed",
        "_limit",
        "_may_be_bomb",
        "_sink",
        "_unfolded",
        "beside",
        "bomb",
        "size",
        "window",
    )

    def __init__(
        self,
        decoders: Sequence[Decoder] = (),
        inspection: Inspection = USUAL,
        sink: Sink | None = None,
        *,
        tells_bombs: bool = False,
    ) -> None:
        self._decoders = decoders
        self._failed = False
        self._limit, minimum, overlap, kept = inspection
        self.window = SlidingWindow(minimum, overlap, kept=kept)
        """What rules see of it."""
        self._sink = sink
        # One layer of deflate unfolds 1,032 times at most.
        unfolds = bool(decoders) and (len(decoders) > 1 or isinstance(decoders[0], Brotli))
        self._may_be_bomb = tells_bombs and unfolds
        self._unfolded = 0
        self.bomb = False
        """It unfolds to more than any body should."""
        self.size = 0
        """Bytes as sent."""
        self.beside = 0
        """Bytes on the wire that are not among those: sizes of chunks, and what is missing."""

    @property
    def is_file(self) -> bool:
        """Do its bytes go to files?"""
        return self._sink is not None

    @property
    def is_due(self) -> bool:
        """Does anybody look at what has come of it now?"""
        return self._sink is not None or self.window.is_due

    @property
    def patience(self) -> int:
        """How many more bytes can come before anybody looks at them, whether at once or piece by piece."""
        if self._decoders or self._sink is not None:
            return 0
        room = self._limit - self.window.size
        return min(self.window.patience, room - 1) if room > 0 else self.window.patience

    @property
    def failed(self) -> bool:
        """It is not in the coding that it claims."""
        return self._failed or (bool(self._decoders) and any(d.failed for d in self._decoders))

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        window = self.window
        room = self._limit - window.size
        if room <= 0:
            if data:
                self.close(truncated=True)
            return
        if self._decoders:
            data = self._decoded(data, room)
            if not data:
                return
        fits = data[:room]
        window.feed(fits)
        if self._sink is not None:
            self._sink.feed(fits)
        if len(data) >= room:
            window.closed = True
            self._let_go_of_decoders()
            if len(data) > room:
                self.close(truncated=True)

    def feed_pieces(self, pieces: Sequence[bytes]) -> None:
        """Several at once. Those of a coded body go one by one: what a decoder gives at a time is bounded."""
        if not self._decoders:
            self.feed(b"".join(pieces))
            return
        for piece in pieces:
            self.feed(piece)

    def _decoded(self, data: bytes, room: int) -> bytes:
        for number, decoder in enumerate(self._decoders):
            last = number == len(self._decoders) - 1
            data = decoder.feed(data, self._most(room) if last else BETWEEN_LIMIT)
            if not data:
                return b""
        if self._may_be_bomb:
            self._unfolded += len(data)
            self.bomb |= self._unfolded > max(BOMB_LIMIT, BOMB_RATIO * self.size)
        return data

    def _most(self, room: int) -> int:
        """Bytes that are asked of the last decoder: what fits, or enough to know a bomb."""
        return min(max(BOMB_LIMIT, BOMB_RATIO * self.size) + 1, _MOST_UNFOLDED) if self._may_be_bomb else room

    def skip(self, count: int) -> None:
        """Bytes of it are missing."""
        if self._decoders or self.window.closed:
            return  # of a coded body what follows cannot be told apart from what is missing
        self.beside += count
        self.window.skip(min(count, self._limit - self.window.size))
        if self._sink is not None:
            self._sink.skip(count)

    def close(self, *, truncated: bool = False) -> None:
        """Nothing more comes. truncated: it should have."""
        self.window.closed = True
        self._let_go_of_decoders()
        if self._sink is not None:
            self._sink.close(truncated=truncated)
            self._sink = None

    def _let_go_of_decoders(self) -> None:
        """They take megabytes each (brotli's window), and a batch holds thousands of bodies that are over."""
        self._failed = self.failed
        self._decoders = ()

    def data(self) -> bytes:
        """What is still held: all of a short body."""
        return self.window.tail()


NO_BODY: Final = Body(inspection=Inspection(kept=False))
"""Stands where no body has begun; it is never fed."""
