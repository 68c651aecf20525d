"""Broken capture files against the naive reader: the same packets, the same offset, no crash."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture import builders as build
from tests.capture.builders import Frame, fault_of, naive
from vpi_tui.capture.files import FileSource

SEEDS = [
    build.pcap([Frame(n * 1000, 60, 1, 0, b"p" * n) for n in range(6)]),
    build.pcap([Frame(n, 60, 1, 0, b"p" * n) for n in range(6)], magic=build.NS, big=True),
    build.pcap([Frame(n * 1000, 60, 1, 0, b"p" * n) for n in range(6)], magic=build.MODIFIED),
    b"".join(
        [
            build.section() + build.interface(1, 96) + build.interface(113, options=build.option(9, b"\x09")),
            *(build.enhanced(n % 2, n << 40, b"e" * n) for n in range(4)),
            build.block(0x0BAD, b"unknown") + build.obsolete(0, 7, b"obsolete") + build.simple(b"simple"),
            build.section(big=True)
            + build.interface(101, options=build.option(9, b"\x8a", big=True), big=True),
            *(build.enhanced(0, n << 8, b"f" * n, big=True) for n in range(3)),
            build.simple(b"big", big=True),
        ]
    ),
]
TELLING = st.sampled_from([0, 1, 2, 3, 4, 6, 12, 16, 32, 0x7F, 0x80, 0xFF])


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["set", "set", "set", "cut", "drop", "double"])):
            case "set":
                data[at : at + 1] = bytes([draw(TELLING)])
            case "cut":
                del data[max(at, 24) :]
            case "drop":
                del data[at : at + draw(st.integers(1, 8))]
            case _:
                data[at:at] = data[at : at + draw(st.integers(1, 40))]
    return bytes(data)


@settings(max_examples=400, deadline=None)
@given(mutated(), st.sampled_from([(1, 7), (3, 64), (16, 2 << 20)]), st.booleans())
def test_same_as_the_naive_reader(data: bytes, sizes: tuple[int, int], packed: bool) -> None:
    expected = naive(data)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(gzip.compress(data, 0) if packed else data)
        frames, error = fault_of(FileSource(file.name, max_packets=sizes[0], refill_bytes=sizes[1]))
    if expected is None:
        assert error is not None
        assert not frames
        return
    # Times of a binary clock finer than 2**-30 s may differ by the last nanosecond.
    assert [frame._replace(ts_ns=0) for frame in frames] == [f._replace(ts_ns=0) for f in expected.frames]
    assert all(abs(a.ts_ns - b.ts_ns) <= 1 for a, b in zip(frames, expected.frames, strict=True))
    assert (error.offset if error else None) == expected.fault_at


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", *(seed[:36] for seed in SEEDS), b"\x1f\x8b\x08\0"]))
def test_noise_never_crashes(noise: bytes, head: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(head + noise)
        fault_of(FileSource(file.name))
