"""Frames to batches, and decoded rows back to plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vpi_tui.decode.decoder import Decoder
from vpi_tui.model.batch import DecodedBatch, DecoderEvent, LinkType, PacketBatch

Row = dict[str, Any]
PAD = 64
"""Bytes before each frame that the decoder must not look at; the last frame ends where the buffer ends."""


def packet_batch(
    frames: Sequence[bytes],
    *,
    link: int = LinkType.ETHERNET,
    lengths: Sequence[int] | None = None,
    vlan_tci: int = 0,
    flags: int = 0,
    pad: int = 0xA5,
) -> PacketBatch:
    """lengths: bytes on the wire, where the frames were cut. pad: value of the bytes between frames."""
    count = len(frames)
    sizes = np.array([len(frame) for frame in frames], np.int32)
    offset = PAD + np.concatenate(([0], np.cumsum(sizes + PAD)))[:count].astype(np.int64)
    buf = np.full(int((sizes + PAD).sum()), pad, np.uint8)
    for at, frame in zip(offset, frames, strict=True):
        buf[at : at + len(frame)] = np.frombuffer(frame, np.uint8)
    return PacketBatch(
        buf=buf,
        offset=offset,
        caplen=sizes,
        length=sizes if lengths is None else np.array(lengths, np.int32),
        ts_ns=np.arange(count, dtype=np.int64),
        link_type=np.full(count, link, np.uint16),
        ifindex=np.zeros(count, np.int32),
        vlan_tci=np.full(count, vlan_tci, np.uint32),
        flags=np.full(count, flags, np.uint8),
        kernel_packets=0,
        kernel_drops=0,
    )


def event_names(bits: int) -> set[str]:
    return {event.name for event in DecoderEvent if bits >> event & 1}


def rows_of(packets: PacketBatch, decoded: DecodedBatch) -> list[Row]:
    """Plain values; offsets count from the start of the frame, and `payload` holds the bytes."""
    rows = []
    for at in range(len(decoded.packet)):
        row: Row = {name: getattr(decoded, name)[at].tolist() for name in DecodedBatch._fields}
        start = int(packets.offset[row["packet"]])
        payload = row["payload_off"]
        row["payload"] = (
            packets.buf[payload : payload + row["payload_len"]].tobytes() if payload >= 0 else b""
        )
        for name in ("ip_off", "l4_off", "payload_off"):
            row[name] -= start if row[name] >= 0 else 0
        low, high = row.pop("oddities")
        row["events"] = event_names(row["events"] | low << 64 | high << 128)
        rows.append(row)
    return rows


def decode(
    frames: Sequence[bytes], *, verify: bool = True, zero_is_rest: bool = False, **of: Any
) -> list[Row]:
    """The rows of some frames."""
    packets = packet_batch(frames, **of)
    decoder = Decoder(verify_checksums=verify, zero_length_is_rest=zero_is_rest)
    return rows_of(packets, decoder.decode(packets))


def decode_one(frame: bytes, **of: Any) -> Row:
    """The only row of one frame."""
    (row,) = decode([frame], **of)
    return row
