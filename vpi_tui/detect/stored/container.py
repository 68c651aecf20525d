"""The file: blocks of bytes behind a preamble, and a head behind the blocks that says what they are.

8   magic
8   offset of the head, little-endian
8   its length
32  BLAKE2b-256 of all that follows, then of offset and length
…   blocks, each from a multiple of 64 on: what numpy calls aligned
…   head, MessagePack
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import blake2b
from typing import BinaryIO, Final

MAGIC: Final = b"vpirules"
_ALIGN: Final = 64
_PREAMBLE: Final = struct.Struct("<8sQQ32s")
_FIRST: Final = 64
_PIECE: Final = 1 << 20


class Writer:
    """Blocks in order, then the head. Raises OSError when the file takes no more."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = blake2b(digest_size=32)
        self._at = _FIRST
        file.write(bytes(_FIRST))

    def block(self, data: bytes | bytearray | memoryview) -> int:
        """Where it is now."""
        self._put(bytes(-self._at % _ALIGN))
        at = self._at
        self._put(data)
        return at

    def append(self, data: bytes) -> int:
        """Right behind what came before; where its end is."""
        self._put(data)
        return self._at

    def finish(self, head: bytes) -> None:
        at = self.block(head)
        self._digest.update(struct.pack("<QQ", at, len(head)))
        self._file.seek(0)
        self._file.write(_PREAMBLE.pack(MAGIC, at, len(head), self._digest.digest()))
        self._file.flush()

    def _put(self, data: bytes | bytearray | memoryview) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._at += len(data)


def is_whole(file: BinaryIO) -> bool:
    """Is it such a file, and as it was written? Read piece by piece, so that it need not be in memory."""
    file.seek(0)
    preamble = file.read(_FIRST)
    if len(preamble) < _FIRST or preamble[:8] != MAGIC or any(preamble[_PREAMBLE.size :]):
        return False
    _, at, length, wanted = _PREAMBLE.unpack_from(preamble)
    digest = blake2b(digest_size=32)
    for piece in _pieces(file):
        digest.update(piece)
    digest.update(struct.pack("<QQ", at, length))
    return digest.digest() == bytes(wanted)


def head_of(data: memoryview) -> memoryview:
    """Raises ValueError when it is no such file."""
    if len(data) < _FIRST or bytes(data[:8]) != MAGIC:
        raise ValueError("no stored set of rules")
    _, at, length, _ = _PREAMBLE.unpack_from(data)
    return data[at : at + length]


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
