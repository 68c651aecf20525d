"""The frames behind the alerts: the newest within a bound of bytes, oldest forgotten first."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from vpi_tui.model.event import FlowRecord

FRAME_LIMIT = 65_535
"""Bytes kept of one frame."""
STREAM_LIMIT = 16_384
"""Bytes kept of a stretch of a stream."""


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """What one alert was raised on. frame is the packet as captured, b"" for a stream time-out."""

    number: int
    rule: str
    """Its text at that time: the rules may be others by now."""
    origin: str
    """file:line"""
    ts_ns: int
    link_type: int
    frame: bytes
    stream: bytes
    flow: FlowRecord | None
    payload_at: int = -1
    """Where the payload begins in the frame; -1 = it has none, or it was put together from several."""
    payload_size: int = 0

    @property
    def payload(self) -> bytes:
        """What the transport carries in the frame, as far as it was captured."""
        return (
            self.frame[self.payload_at : self.payload_at + self.payload_size] if self.payload_at >= 0 else b""
        )

    @property
    def size(self) -> int:
        """Bytes that this one takes, a rough overhead included."""
        return len(self.frame) + len(self.stream) + 512


class EvidenceStore:
    """Alert number to evidence, at most `max_bytes` in all."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._kept: OrderedDict[int, Evidence] = OrderedDict()
        self.bytes = 0

    def add(self, evidence: Evidence) -> None:
        self._kept[evidence.number] = evidence
        self.bytes += evidence.size
        while self.bytes > self._max and len(self._kept) > 1:
            _, old = self._kept.popitem(last=False)
            self.bytes -= old.size

    def get(self, number: int) -> Evidence | None:
        return self._kept.get(number)

    def __len__(self) -> int:
        return len(self._kept)
