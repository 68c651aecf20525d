"""pcapng: sections, interfaces, clocks, and blocks that make no sense."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.capture import builders as build
from tests.capture.builders import Frame, naive, read_all
from tests.capture.test_files import write
from vpi_tui.model.errors import CaptureError

SECOND = 1_700_000_000


def resolution(value: int, offset_s: int = 0, *, big: bool = False) -> bytes:
    seconds = struct.pack(">q" if big else "<q", offset_s)
    return build.option(9, bytes([value]), big=big) + build.option(14, seconds, big=big)


@pytest.mark.parametrize("big", [False, True])
def test_every_packet_block(tmp_path: Path, big: bool) -> None:
    data = b"".join(
        [
            build.section(big=big),
            build.interface(1, options=build.option(2, b"vnet0", big=big), big=big),
            build.interface(101, options=resolution(9, big=big), big=big),
            build.block(0x0BAD, b"what is this", big=big),
            build.enhanced(0, SECOND * 10**6 + 5, b"abcde", 1500, big=big),
            build.enhanced(1, SECOND * 10**9 + 7, b"", 60, big=big),
            build.obsolete(1, SECOND * 10**9 + 8, b"xyz", big=big),
            build.simple(b"simple", big=big),
        ]
    )
    source = write(tmp_path, data)
    assert read_all(source) == [
        Frame(SECOND * 10**9 + 5000, 1500, 1, 0, b"abcde"),
        Frame(SECOND * 10**9 + 7, 60, 101, 1, b""),
        Frame(SECOND * 10**9 + 8, 3, 101, 1, b"xyz"),
        Frame(SECOND * 10**9 + 8, 6, 1, 0, b"simple"),
    ]
    assert source.interfaces == ("vnet0", "")
    assert source.error is None


def test_simple_packets_are_cut_at_the_snap_length(tmp_path: Path) -> None:
    data = build.section() + build.interface(1, snaplen=4) + build.simple(b"abcd", 900)
    assert read_all(write(tmp_path, data)) == [Frame(0, 900, 1, 0, b"abcd")]


def test_sections_have_their_own_interfaces_and_byte_order(tmp_path: Path) -> None:
    data = b"".join(
        [
            build.section() + build.interface(1) + build.interface(113) + build.enhanced(1, 1, b"a"),
            build.section(big=True) + build.interface(276, big=True) + build.enhanced(0, 2, b"b", big=True),
        ]
    )
    frames = read_all(write(tmp_path, data))
    assert [(frame.link_type, frame.ifindex) for frame in frames] == [(113, 1), (276, 2)]


@pytest.mark.parametrize(
    "code", [0, 3, 6, 9, 10, 12, 27, 28, 29, 127, 128, 130, 148, 158, 160, 161, 191, 192, 255]
)
@pytest.mark.parametrize("ticks", [0, 1, SECOND * 10**6, (1 << 62) + 12345, (1 << 64) - 1])
@pytest.mark.parametrize("offset", [0, 3600, -3600, 1 << 62, -(1 << 63)])
def test_clocks(tmp_path: Path, code: int, ticks: int, offset: int) -> None:
    data = build.section() + build.interface(options=resolution(code, offset)) + build.enhanced(0, ticks, b"")
    expected = naive(data)
    assert expected is not None
    (frame,) = read_all(write(tmp_path, data))
    assert abs(frame.ts_ns - expected.frames[0].ts_ns) <= 1
    assert 0 <= frame.ts_ns <= build.MAX_TS_NS


@pytest.mark.parametrize("size", [1_200_000, 5_000_000])
def test_a_huge_block_is_skipped(tmp_path: Path, size: int) -> None:
    huge = build.block(0x0BAD, b"\xff" * size)
    data = build.section() + build.interface() + huge + build.enhanced(0, 1000, b"after") + huge
    source = write(tmp_path, data)
    assert read_all(source) == [Frame(1_000_000, 5, 1, 0, b"after")]
    assert source.error is None
    source = write(tmp_path, data[:-1])
    assert len(read_all(source)) == 1
    assert source.error is not None
    assert source.error.offset == len(data) - len(huge)


HEAD = build.section() + build.interface()
GOOD = build.enhanced(0, 1, b"good")


@pytest.mark.parametrize(
    "bad",
    [
        build.enhanced(1, 1, b"no such interface"),
        struct.pack("<III", 6, 0, 0),
        struct.pack("<III", 6, 13, 13),
        struct.pack("<III", 99, 8, 8),
        build.block(6, b"\0" * 16),
        build.block(3, b""),
        build.block(6, struct.pack("<5I", 0, 0, 0, 5, 5) + b"four"),
        build.block(6, struct.pack("<5I", 0, 0, 0, 0xFFFFFFFF, 5) + b"four"),
        build.block(3, struct.pack("<I", 5) + b"four"),
        build.block(6, b"\0" * (1 << 20)),
        GOOD[:-4] + b"\0\0\0\1",
        struct.pack("<III", 1, 12, 12),
        build.interface()[:-4] + b"\1\0\0\0",
        build.section(version=(2, 0)),
        build.section()[:8] + b"\0" * 20,
        GOOD[:-1],
        b"\6",
    ],
)
def test_what_makes_no_sense_ends_the_file_there(tmp_path: Path, bad: bytes) -> None:
    data = HEAD + GOOD + bad
    expected = naive(data)
    assert expected is not None
    assert expected.fault_at == len(HEAD + GOOD)
    source = write(tmp_path, data)
    assert read_all(source) == expected.frames
    assert source.error is not None
    assert source.error.offset == expected.fault_at


def test_packets_before_any_interface(tmp_path: Path) -> None:
    for packet in (build.simple(b"x"), build.enhanced(0, 1, b"x")):
        source = write(tmp_path, build.section() + packet)
        assert read_all(source) == []
        assert isinstance(source.error, CaptureError)
        assert source.error.offset == 28


def test_many_interfaces_are_numbered_up_to_a_bound(tmp_path: Path) -> None:
    data = build.section() + build.interface() * 65_536 + build.enhanced(65_535, 1, b"x")
    assert read_all(write(tmp_path, data))[0].ifindex == 65_535
    source = write(tmp_path, data + build.interface())
    assert len(read_all(source)) == 1
    assert source.error is not None


def test_bad_options_are_left_out(tmp_path: Path) -> None:
    options = [build.option(9, b""), build.option(14, b"\1"), struct.pack("<HH", 9, 0xFFFF) + b"\2\0\0\0"]
    for broken in options:
        data = build.section() + build.interface(options=broken) + build.enhanced(0, 3, b"")
        assert read_all(write(tmp_path, data))[0].ts_ns == 3000
