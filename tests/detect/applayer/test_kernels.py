"""The compiled loops of parsers against plain ones."""

from __future__ import annotations

import binascii
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.dnp3.link import crc
from vpi_tui.detect.applayer.kernels import blocks_are_right
from vpi_tui.detect.applayer.smtp.base64_text import Base64


def plain_base64(text: bytes) -> bytes:
    letters = re.sub(rb"[^A-Za-z0-9+/]+", b"", text.partition(b"=")[0])
    whole = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


@given(st.lists(st.sampled_from([b"QUJD", b"Zm9v", b"+/9z", b"a", b"\r\n", b" ", b"=", b"\xff", b"-"])))
def test_base64_is_read_as_far_as_it_goes(pieces: list[bytes]) -> None:
    """However the text is cut."""
    cut, whole = Base64(), Base64()
    expected = plain_base64(b"".join(pieces))
    assert b"".join(map(cut.feed, pieces)) + cut.close() == expected
    assert whole.feed(b"".join(pieces)) + whole.close() == expected


@given(st.binary(min_size=1, max_size=64), st.integers(1, 16), st.data())
def test_one_wrong_bit_is_found(data: bytes, block: int, draw: st.DataObject) -> None:
    parts = [data[at : at + block] for at in range(0, len(data), block)]
    frame = bytearray(b"head" + b"".join(part + crc(part) for part in parts))
    assert blocks_are_right(np.frombuffer(bytes(frame), np.uint8), 4, block)
    frame[draw.draw(st.integers(4, len(frame) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert not blocks_are_right(np.frombuffer(bytes(frame), np.uint8), 4, block)
