"""The body of one message: what is kept of it for rules, decoded."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.base import BODY_LIMIT
from vpi_tui.detect.applayer.http.coding import Decoder

BETWEEN_LIMIT: Final = 1 << 20
"""Bytes that one decoder may hand to the next at a time."""


class Body:
    """Collects bytes up to a limit; what comes behind it is only counted."""

    __slots__ = ("_decoders", "_kept", "_limit", "size")

    def __init__(self, decoders: list[Decoder] | None = None, limit: int = BODY_LIMIT) -> None:
        self._decoders = decoders or []
        self._limit = limit
        self._kept = bytearray()
        self.size = 0
        """Bytes as sent."""

    @property
    def kept(self) -> int:
        return len(self._kept)

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        room = self._limit - len(self._kept)
        if room <= 0:
            return
        for number, decoder in enumerate(self._decoders):
            last = number == len(self._decoders) - 1
            data = decoder.feed(data, room if last else BETWEEN_LIMIT)
            if not data:
                return
        self._kept += data[:room]

    def data(self) -> bytes:
        return bytes(self._kept)
