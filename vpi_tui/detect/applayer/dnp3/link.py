"""The data link layer of DNP3: frames out of a stream, and the check of their bytes (IEEE 1815, 9.2)."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from vpi_tui.detect.applayer.kernels import blocks_are_right

START: Final = b"\x05\x64"
HEADER: Final = 10
"""Bytes of a frame's header, its CRC included."""
_COUNTED: Final = 5
"""Bytes of the header that the length counts."""
_BLOCK: Final = 16
_CRC: Final = 2
_USER_DATA: Final = frozenset({3, 4})
"""Link functions that carry user data, confirmed and not."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ 0xA6BC if value & 1 else value >> 1
        table.append(value)
    return tuple(table)


_TABLE: Final = _crc_table()


def crc(data: bytes) -> bytes:
    """The two bytes that follow a block."""
    value = 0
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return (~value & 0xFFFF).to_bytes(2, "little")


class Frame(NamedTuple):
    """One frame. data: user data without the CRCs; None = a CRC in it is wrong."""

    control: int
    destination: int
    source: int
    data: bytes | None

    @property
    def is_user_data(self) -> bool:
        return self.control & 0x0F in _USER_DATA


class LinkError(ValueError):
    """What comes is no frame. The text is the event that says so, "" for none."""


def frame_size(header: bytes) -> int:
    """Bytes of the frame that this header begins. Raises LinkError."""
    if not header.startswith(START):
        raise LinkError
    if crc(header[: HEADER - _CRC]) != header[HEADER - _CRC : HEADER]:
        raise LinkError("dnp3.bad_link_crc")
    if header[2] < _COUNTED:
        raise LinkError("dnp3.len_too_small")
    size = header[2] - _COUNTED
    return HEADER + size + _CRC * -(-size // _BLOCK)


def parse_frame(frame: bytes) -> Frame:
    """frame: all of it, as long as frame_size says."""
    return Frame(
        frame[3],
        int.from_bytes(frame[4:6], "little"),
        int.from_bytes(frame[6:8], "little"),
        _user_data(frame),
    )


def _user_data(frame: bytes) -> bytes | None:
    if not blocks_are_right(np.frombuffer(frame, np.uint8), HEADER, _BLOCK):
        return None
    blocks = frame[:-_CRC]
    return b"".join([blocks[at : at + _BLOCK] for at in range(HEADER, len(blocks), _BLOCK + _CRC)])
