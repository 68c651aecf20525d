"""Frames of the feed: a 4-byte big-endian length, then one message as MessagePack."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from vpi_tui.feed.messages import Command, EngineMessage
from vpi_tui.model.errors import FeedError

MAX_FRAME = 64 << 20
"""Bytes. A longer frame is a broken or hostile peer: the largest snapshot needs a quarter of it."""

_LENGTH = struct.Struct("!I")
_encoder = msgspec.msgpack.Encoder()
T = TypeVar("T")


def encode(message: Any) -> bytes:
    """One message as a whole frame."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class FrameDecoder(Generic[T]):
    """Bytes in any portions in, whole messages out.

    Raises FeedError at the first frame that is too long or is no message of the given type; the connection
    is then of no use any more. refused: told instead of a frame that is no message, which is then skipped.
    """

    def __init__(self, types: Any, refused: Callable[[FeedError], None] | None = None) -> None:
        self._refused = refused
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(types)
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[T]:
        """Messages that `data` completes, in order."""
        self._pending += data
        messages: list[T] = []
        start = 0
        while len(self._pending) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._pending, start)
            if length > MAX_FRAME:
                raise FeedError(f"The other side announced a message of {length} bytes.", hint=_HINT)
            end = start + _LENGTH.size + length
            if end > len(self._pending):
                break
            try:
                messages.append(self._decode(start + _LENGTH.size, end))
            except FeedError as error:
                if self._refused is None:
                    raise
                self._refused(error)
            start = end
        del self._pending[:start]
        return messages

    def _decode(self, start: int, end: int) -> T:
        with memoryview(self._pending) as view:
            try:
                return self._decoder.decode(view[start:end])
            except (msgspec.DecodeError, msgspec.ValidationError) as error:
                raise FeedError(f"The other side sent no message of the feed: {error}.", hint=_HINT) from None


_HINT = "Both sides must run the same version of vpi-tui."


def engine_side(refused: Callable[[FeedError], None] | None = None) -> FrameDecoder[Command]:
    """What an engine reads."""
    return FrameDecoder(Command, refused)


def ui_side() -> FrameDecoder[EngineMessage]:
    """What a ui reads."""
    return FrameDecoder(EngineMessage)
