"""Messages of one direction: fragments put together, and inflated where they are compressed (RFC 7692)."""

from __future__ import annotations

import zlib
from typing import Final

from vpi_tui.detect.applayer.websocket.frames import COMPRESSED, FIN, PAYLOAD_LIMIT, WireFrame

_TAIL: Final = b"\0\0\xff\xff"
"""What the sender leaves out at the end of a message."""
_MOST_UNFOLDED: Final = 1 << 20
"""Bytes that a message may unfold to before the sender's window is given up."""
_WINDOW: Final = 48 << 10
"""Bytes that an inflater keeps, roughly."""


class Messages:
    """Takes the frames of data in order."""

    def __init__(self) -> None:
        self._parts = bytearray()
        self._open = False
        self._compressed = False
        self._inflater: zlib._Decompress | None = None
        self.limited = False
        """The latest frame has filled what is put together of its message."""

    def payload(self, frame: WireFrame) -> bytes:
        """What rules see as a frame's payload: of the last of a message all of it, in the plain."""
        if not self._open:
            self._compressed = bool(frame.flags & COMPRESSED)
        room = PAYLOAD_LIMIT - len(self._parts)
        in_parts = self._open or not frame.flags & FIN
        self.limited = in_parts and 0 < room <= len(frame.payload)
        self._parts += frame.payload[:room]
        self._open = not frame.flags & FIN
        if self._open:
            return frame.payload
        whole = bytes(self._parts)
        self._parts.clear()
        return self._inflated(whole) if self._compressed and whole else whole

    def held(self) -> int:
        return len(self._parts) + (_WINDOW if self._inflater is not None else 0)

    def _inflated(self, data: bytes) -> bytes:
        """The message as it was; as it is where it cannot be inflated. The window outlives the message."""
        inflater = self._inflater or zlib.decompressobj(-zlib.MAX_WBITS)
        self._inflater = None
        try:
            found = inflater.decompress(data + _TAIL, PAYLOAD_LIMIT)
            unfolded = len(found)
            while inflater.unconsumed_tail and unfolded < _MOST_UNFOLDED:
                unfolded += len(inflater.decompress(inflater.unconsumed_tail, PAYLOAD_LIMIT))
        except zlib.error:
            return data
        if not inflater.eof and not inflater.unconsumed_tail:
            self._inflater = inflater
        return found
