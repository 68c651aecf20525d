"""Any bytes as a capture file: the packets and the offset of the fault are those of the naive reader.

An input is a byte of switches (gzip, sizes of the buffer) and the file.
"""

from __future__ import annotations

import gzip
from typing import Final

import numpy as np

from tests.capture.builders import fault_of, naive
from tests.capture.test_fuzz import SEEDS
from tests.fuzz.target import Target, file_of
from vpi_tui.capture.files import FileSource

SIZES = [(1, 7), (3, 64), (16, 2 << 20), (16, 2 << 20)]
GZIP_AROUND, GZIP_TAKEN = 4, 8


def one_input(data: bytes) -> None:
    if not data:
        return
    switches, content = data[0], data[1:]
    max_packets, refill = SIZES[switches & 3]
    if switches & GZIP_TAKEN:
        content = b"\x1f\x8b\x08" + content
    around = gzip.compress(content, 0) if switches & GZIP_AROUND else content
    with file_of(around, ".pcap") as path, np.errstate(over="ignore"):
        frames, error = fault_of(FileSource(path, max_packets=max_packets, refill_bytes=refill))
    if switches & GZIP_TAKEN:
        return
    expected = naive(content)
    if expected is None:
        assert error is not None
        assert not frames
        return
    # Times of a binary clock finer than 2**-30 s may differ by the last nanosecond.
    assert [f._replace(ts_ns=0) for f in frames] == [f._replace(ts_ns=0) for f in expected.frames]
    assert all(abs(a.ts_ns - b.ts_ns) <= 1 for a, b in zip(frames, expected.frames, strict=True))
    assert (error.offset if error else None) == expected.fault_at


def seeds() -> list[bytes]:
    return [bytes([switches]) + seed for switches in (0, 1, 2, 6) for seed in SEEDS]


TARGETS: Final = (Target("capture", one_input, seeds),)
