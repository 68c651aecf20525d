"""The walk over ring blocks, on blocks made by hand as linux/if_packet.h lays them out."""

from __future__ import annotations

import struct
import sys
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpi_tui.capture.columns import FrameColumns, allocate
from vpi_tui.capture.kernels_ring import walk_block
from vpi_tui.capture.ring import UNKNOWN_LINK, _link_types
from vpi_tui.model.batch import LinkType, PacketFlag

BIG = sys.byteorder == "big"
LINK_TYPES = _link_types()
CSUM_NOT_READY, VLAN_VALID = 1 << 3, 1 << 4


class RingFrame(NamedTuple):
    data: bytes
    ts: tuple[int, int] = (1_700_000_000, 5)
    length: int = 1500
    ifindex: int = 3
    status: int = 1
    vlan_tci: int = 0
    hatype: int = 1


def frame_bytes(frame: RingFrame, *, last: bool) -> bytes:
    mac = 48 + 20 + 14
    size = (mac + len(frame.data) + 15) // 16 * 16
    head = struct.pack(
        "=6I2H2I2H8x",
        0 if last else size,
        *frame.ts,
        len(frame.data),
        frame.length,
        frame.status,
        mac,
        mac + 14,
        0xABCD,
        frame.vlan_tci,
        0x8100,
        0,
    )
    address = struct.pack("=HHiHBB8s", 17, 8, frame.ifindex, frame.hatype, 3, 6, b"\2" * 6)
    return (head + address).ljust(mac, b"\0") + frame.data.ljust(size - mac, b"\0")


def ring_block(frames: list[RingFrame]) -> bytes:
    body = b"".join(frame_bytes(frame, last=frame is frames[-1]) for frame in frames)
    head = struct.pack("=5I", 1, 48, 1, len(frames), 48).ljust(48, b"\0")
    return head + body


def walk(data: bytes, *, start: int = 0, capacity: int = 100) -> tuple[FrameColumns, int, int]:
    buf = np.frombuffer(bytearray(b"\xee" * start + data), np.uint8)
    columns = allocate(capacity)
    rows, lost = walk_block(buf, start, len(data), BIG, LINK_TYPES, columns, 0)
    return columns, rows, lost


def test_fields() -> None:
    frames = [
        RingFrame(b"first", (1_700_000_000, 999_999_999), 1514, 7),
        RingFrame(b"", status=1 | VLAN_VALID, vlan_tci=0x2123, hatype=772),
        RingFrame(b"third", length=2, status=1 | CSUM_NOT_READY, hatype=0xFFFE, vlan_tci=99),
        RingFrame(b"wifi", hatype=803),
    ]
    data = ring_block(frames)
    columns, rows, lost = walk(data, start=4096)
    assert (rows, lost) == (4, 0)
    bodies = [data[o - 4096 : o - 4096 + n] for o, n in zip(columns.offset, columns.caplen, strict=True)][:4]
    assert bodies == [b"first", b"", b"third", b"wifi"]
    assert columns.length[:4].tolist() == [1514, 1500, 5, 1500]
    assert columns.ts_ns[0] == 1_700_000_000_999_999_999
    assert columns.ifindex[:4].tolist() == [7, 3, 3, 3]
    assert columns.vlan_tci[:4].tolist() == [0, 0x12123, 0, 0]
    assert columns.flags[:4].tolist() == [0, 0, PacketFlag.CHECKSUM_NOT_READY, 0]
    expected = [LinkType.ETHERNET, LinkType.ETHERNET, LinkType.RAW, UNKNOWN_LINK]
    assert columns.link_type[:4].tolist() == expected


def test_a_row_is_fresh_each_time() -> None:
    first = ring_block([RingFrame(b"x", status=1 | VLAN_VALID | CSUM_NOT_READY, vlan_tci=5)])
    buf = np.frombuffer(bytearray(first + ring_block([RingFrame(b"y")])), np.uint8)
    columns = allocate(4)
    walk_block(buf, 0, len(first), BIG, LINK_TYPES, columns, 0)
    walk_block(buf, len(first), len(buf) - len(first), BIG, LINK_TYPES, columns, 0)
    assert columns.vlan_tci[0] == 0
    assert columns.flags[0] == 0


def test_blocks_add_up_and_stop_at_the_capacity() -> None:
    data = ring_block([RingFrame(b"x"), RingFrame(b"y"), RingFrame(b"z")])
    buf = np.frombuffer(bytearray(data), np.uint8)
    columns = allocate(5)
    rows, lost = walk_block(buf, 0, len(data), BIG, LINK_TYPES, columns, 0)
    assert (rows, lost) == (3, 0)
    rows, lost = walk_block(buf, 0, len(data), BIG, LINK_TYPES, columns, rows)
    assert (rows, lost) == (5, 1)


@pytest.mark.parametrize("claimed", [3, 0xFFFFFFFF])
def test_a_wrong_count_ends_with_the_chain(claimed: int) -> None:
    data = bytearray(ring_block([RingFrame(b"x"), RingFrame(b"y")]))
    data[12:16] = struct.pack("=I", claimed)
    _, rows, lost = walk(bytes(data))
    assert (rows, lost) == (2, claimed - 2)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8))
def test_damage_stays_in_the_block(noise: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(ring_block([RingFrame(b"abc"), RingFrame(noise)]))
    for at, value in changes:
        if at < len(data):
            data[at] = value
    columns, rows, _ = walk(bytes(data), start=64)
    assert rows <= 100
    assert np.all(columns.offset[:rows] >= 64)
    assert np.all(columns.offset[:rows] + columns.caplen[:rows] <= 64 + len(data))
    assert np.all(columns.length[:rows] >= columns.caplen[:rows])
