"""The feed's framing: whole messages come out, whatever portions the bytes come in."""

from __future__ import annotations

import contextlib
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.feed import codec
from vpi_tui.feed.messages import GetRules, Goodbye, Hello, SetSpeed, Toggle, Watch
from vpi_tui.model.errors import FeedError

COMMANDS = [
    Hello(1, "x"),
    Watch("guest:web-01", True),
    GetRules(),
    Toggle(False, ((1, 2),), "recon"),
    SetSpeed(0.0, True),
]


@given(st.lists(st.integers(1, 40), min_size=1))
def test_any_portions_give_the_same_messages(cuts: list[int]) -> None:
    stream = b"".join(codec.encode(c) for c in COMMANDS)
    decoder = codec.engine_side()
    out = []
    position = 0
    while position < len(stream):
        size = cuts[position % len(cuts)]
        out += decoder.feed(stream[position : position + size])
        position += size
    assert out == COMMANDS


@given(st.binary(max_size=200))
def test_random_bytes_never_raise_anything_but_a_feed_error(data: bytes) -> None:
    decoder = codec.ui_side()
    with contextlib.suppress(FeedError):
        decoder.feed(struct.pack("!I", len(data)) + data)


def test_a_message_of_the_other_side_is_refused() -> None:
    with pytest.raises(FeedError):
        codec.engine_side().feed(codec.encode(Goodbye("bye")))


def test_an_announced_giant_is_refused_before_it_is_stored() -> None:
    with pytest.raises(FeedError, match="announced"):
        codec.ui_side().feed(struct.pack("!I", codec.MAX_FRAME + 1))


def test_a_frame_is_plain_messagepack_behind_its_length() -> None:
    frame = codec.encode(SetSpeed(2.5))
    assert struct.unpack("!I", frame[:4])[0] == len(frame) - 4
    assert msgspec.msgpack.decode(frame[4:]) == {"type": "SetSpeed", "speed": 2.5, "paused": False}
