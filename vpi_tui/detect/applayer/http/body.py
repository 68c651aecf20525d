"""The body of one message: what is kept of it for rules, decoded."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.http.coding import Decoder

BODY_LIMIT: Final = 102_400
"""Bytes of a decoded body that rules see, as Suricata's request- and response-body-limit."""
BETWEEN_LIMIT: Final = 1 << 20
"""Bytes that one decoder may hand to the next at a time."""


class Body:
    """Collects bytes up to BODY_LIMIT; what comes behind it is only counted."""

    __slots__ = ("_decoders", "_kept", "size")

    def __init__(self, decoders: list[Decoder] | None = None) -> None:
        self._decoders = decoders or []
        self._kept = bytearray()
        self.size = 0
        """Bytes as sent."""

    @property
    def full(self) -> bool:
        return len(self._kept) >= BODY_LIMIT

    @property
    def kept(self) -> int:
        return len(self._kept)

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        room = BODY_LIMIT - len(self._kept)
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
