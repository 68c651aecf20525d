"""Frames of Initial packets: what there is of CRYPTO in them, and the tagged messages of Google's QUIC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.cursor import Cursor, TooShortError
from vpi_tui.detect.applayer.quic.packets import variable

CRYPTO_LIMIT: Final = 65_535
"""Bytes of a handshake that are put together."""
MOST_PIECES: Final = 64
"""Pieces of a handshake that wait for those before them."""
MOST_TAGS: Final = 256
_PADDING, _PING, _ACK, _ACK_ECN, _CRYPTO, _CRYPTO_Q050 = 0, 1, 2, 3, 6, 8
_STREAM: Final = 0x80
MOST_RANGES: Final = 1_024


class Piece(NamedTuple):
    """Of the handshake in CRYPTO frames."""

    offset: int
    data: bytes


Tags = list[tuple[bytes, bytes]]
"""(tag, value) of a message such as CHLO, in order."""


def frames(data: bytes) -> Iterator[Piece | Tags]:
    """What is of interest in a packet's frames; one of an unknown type ends it. Raises TooShortError."""
    cursor = Cursor(data)
    while cursor:
        kind = cursor.number(1)
        if kind == _PADDING:
            cursor.skip(_PADDING)
        elif kind & _STREAM:
            yield from _stream(kind, cursor)
        elif kind in (_ACK, _ACK_ECN):
            _skip_ack(cursor, kind == _ACK_ECN)
        elif kind == _CRYPTO:
            offset = variable(cursor)
            yield Piece(offset, cursor.take(variable(cursor)))
        elif kind == _CRYPTO_Q050:
            variable(cursor)
            yield from _tagged(cursor.take(variable(cursor)))
        elif kind != _PING:
            return


def _skip_ack(cursor: Cursor, ecn: bool) -> None:
    variable(cursor)
    variable(cursor)
    ranges = variable(cursor)
    for _ in range(1 + 2 * min(ranges, MOST_RANGES) + (3 if ecn else 0)):
        variable(cursor)


def _stream(kind: int, cursor: Cursor) -> Iterator[Tags]:
    """A STREAM frame of Google's QUIC: 1fdoooss."""
    cursor.take((kind & 3) + 1)
    offset = kind >> 2 & 7
    cursor.take(offset + 1 if offset else 0)
    size = cursor.number(2) if kind & 0x20 else cursor.left
    yield from _tagged(cursor.take(size))


def _tagged(data: bytes) -> Iterator[Tags]:
    """A message of tags: its own tag, count, and for each the tag and where its value ends."""
    cursor = Cursor(data)
    try:
        cursor.take(4)
        count = int.from_bytes(cursor.take(2), "little")
        cursor.take(2)
        if count > MOST_TAGS:
            return
        table = [(cursor.take(4), int.from_bytes(cursor.take(4), "little")) for _ in range(count)]
        found, before = [], 0
        for tag, end in table:
            if end < before:
                return
            found.append((tag.rstrip(b"\0"), cursor.take(end - before)))
            before = end
    except TooShortError:
        return
    if found and not cursor:
        yield found


@dataclass(slots=True)
class Handshake:
    """The bytes of CRYPTO frames from the start on, as far as they are there without a hole."""

    data: bytearray
    waiting: dict[int, bytes]

    @classmethod
    def new(cls) -> Handshake:
        return cls(bytearray(), {})

    def add(self, piece: Piece) -> bool:
        """False = that is more than is put together."""
        if piece.offset + len(piece.data) > CRYPTO_LIMIT:
            return False
        if len(self.waiting) < MOST_PIECES:
            before = self.waiting.get(piece.offset, b"")
            self.waiting[piece.offset] = max(before, piece.data, key=len)
        for offset in sorted(self.waiting):
            if offset > len(self.data):
                break
            self.data += self.waiting.pop(offset)[len(self.data) - offset :]
        return True

    def message(self) -> tuple[int, bytes] | None:
        """(type, body) of the first handshake message once all of it is there."""
        if len(self.data) < 4:
            return None
        size = int.from_bytes(self.data[1:4])
        return (self.data[0], bytes(self.data[4 : 4 + size])) if len(self.data) >= 4 + size else None

    def held(self) -> int:
        return len(self.data) + sum(map(len, self.waiting.values()))
