"""The frames of a record, by the names that Suricata gives them."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.smb.headers import (
    SMB1_HEADER,
    SMB2_HEADER,
    TRANSFORM_HEADER,
    MalformedError,
    smb2_parts,
)

_HEADERS: Final = {
    b"\xffSMB": ("smb1", SMB1_HEADER),
    b"\xfeSMB": ("smb2", SMB2_HEADER),
    b"\xfdSMB": ("smb3", TRANSFORM_HEADER),
}


def emit_frames(frames: FrameLog, direction: int, header: bytes, data: bytes) -> None:
    """header: the four bytes of the record; data: what they announce."""
    _add(frames, direction, "nbss", header + data, len(header))
    kind, size = _HEADERS.get(data[:4], ("", 0))
    if kind == "smb2":
        try:
            for part in smb2_parts(data):
                _add(frames, direction, kind, part, size)
        except MalformedError:
            return
    elif kind:
        _add(frames, direction, kind, data, size)


def _add(frames: FrameLog, direction: int, kind: str, data: bytes, size: int) -> None:
    frames.add(direction, f"{kind}.pdu", data)
    frames.add(direction, f"{kind}.hdr", data[:size])
    frames.add(direction, f"{kind}.data", data[size:])
