"""Frames (RFC 6455, 5.2): one direction of a connection cut into them, payloads unmasked."""

from __future__ import annotations

from typing import Final, NamedTuple

PAYLOAD_LIMIT: Final = 65_535
"""Bytes of a payload that are looked at, as Suricata's max-payload-size; the rest is passed over."""
FIN, COMPRESSED = 0x80, 0x40
CONTROL: Final = 0x08
"""The bit in the opcodes of control frames, which may stand between the fragments of a message."""
_FLAGS, _OPCODE, _MASKED, _SIZE = 0xF0, 0x0F, 0x80, 0x7F
_LONGER: Final = {126: 2, 127: 8}
"""Values of the size that say how many bytes behind it hold the real one."""


class WireFrame(NamedTuple):
    flags: int
    """The upper half of the first byte."""
    opcode: int
    mask: int | None
    """None = it is not masked."""
    payload: bytes
    header: bytes
    """As sent, like `sent`."""
    sent: bytes
    """The payload."""
    cut: bool
    """There is more of the payload than PAYLOAD_LIMIT."""


class FrameReader:
    """Bytes in, frames out. What is kept is less than one frame, or PAYLOAD_LIMIT of it."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = 0

    def feed(self, data: bytes) -> list[WireFrame]:
        self._buffer += data
        found = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def held(self) -> int:
        return len(self._buffer)

    def _next(self) -> WireFrame | None:
        buffer = self._buffer
        passed = min(self._skip, len(buffer))
        del buffer[:passed]
        self._skip -= passed
        if len(buffer) < 2:
            return None
        size = buffer[1] & _SIZE
        at = 2 + _LONGER.get(size, 0)
        start = at + 4 if buffer[1] & _MASKED else at
        if len(buffer) < start:
            return None
        if at > 2:
            size = int.from_bytes(buffer[2:at])
        taken = min(size, PAYLOAD_LIMIT)
        if len(buffer) < start + taken:
            return None
        header, sent = bytes(buffer[:start]), bytes(buffer[start : start + taken])
        del buffer[: start + taken]
        self._skip = size - taken
        mask = header[at:]
        payload = _unmasked(sent, mask) if mask else sent
        return WireFrame(
            header[0] & _FLAGS,
            header[0] & _OPCODE,
            int.from_bytes(mask) if mask else None,
            payload,
            header,
            sent,
            size > taken,
        )


def _unmasked(data: bytes, mask: bytes) -> bytes:
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(len(data))
