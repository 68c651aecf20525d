"""WebSocket: frames and masks, fragments, compressed messages, and the upgrade from HTTP/1."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.detect.applayer.websocket import WEBSOCKET
from vpi_tui.detect.applayer.websocket.frames import PAYLOAD_LIMIT
from vpi_tui.detect.applayer.websocket.parser import WebSocketParser
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction

from .test_pass_by import SLOTS, stretches

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x12\x34\x56\x78"


def frame(payload: bytes, opcode: int = TEXT, flags: int = 0x80, mask: bytes = b"") -> bytes:
    size = len(payload)
    marked = 0x80 if mask else 0
    if size < 126:
        head = bytes((flags | opcode, marked | size))
    elif size < 65536:
        head = struct.pack("!BBH", flags | opcode, marked | 126, size)
    else:
        head = struct.pack("!BBQ", flags | opcode, marked | 127, size)
    return (
        head + mask + bytes(one ^ mask[at % 4] for at, one in enumerate(payload)) if mask else head + payload
    )


def values(found: Transaction, name: str, direction: int = SERVER) -> list[bytes]:
    return list(WEBSOCKET.buffers[name].get(found, direction))


def payloads(data: bytes, parser: WebSocketParser | None = None, step: int = 0) -> list[bytes]:
    parser, found = parser or WebSocketParser(), []
    for at in range(0, len(data), step or len(data)):
        found += parser.feed(SERVER, data[at : at + (step or len(data))], 0)
    return [value for one in found for value in values(one, "websocket.payload")]


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize("size", [0, 5, 125, 126, 300, 65535])
def test_a_masked_frame_however_it_is_cut(size: int, step: int) -> None:
    if size > 1000 and step:
        step = 1021
    sent = bytes(at & 0xFF for at in range(size))
    assert payloads(frame(sent, mask=MASK) + frame(b"next"), step=step) == [sent, b"next"]


def test_what_the_header_says() -> None:
    masked, plain = WebSocketParser().feed(SERVER, frame(b"a", BINARY, 0xC0, MASK) + frame(b"b", PONG, 0), 0)
    assert values(masked, "websocket.opcode") == [bytes((BINARY,))]
    assert values(masked, "websocket.flags") == [b"\xc0"]
    assert values(masked, "websocket.mask") == [MASK]
    assert values(masked, "websocket.payload", CLIENT) == []
    assert values(plain, "websocket.mask") == []
    assert values(plain, "websocket.flags") == [b"\0"]


def test_fragments_with_a_control_frame_between_them() -> None:
    parts = frame(b"one ", TEXT, 0) + frame(b"ping", PING) + frame(b"two ", 0, 0) + frame(b"three", 0)
    assert payloads(parts) == [b"one ", b"ping", b"two ", b"one two three"]


@pytest.mark.parametrize("takeover", [True, False])
def test_compressed_messages_share_a_window_or_do_not(takeover: bool) -> None:
    texts = [b"the same words again, the same words", b"the same words again, and others", b"", b"the same"]
    sent, packer = b"", zlib.compressobj(wbits=-15)
    for text in texts:
        packer = packer if takeover else zlib.compressobj(wbits=-15)
        packed = (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
        half = len(packed) // 2
        sent += frame(packed[:half], TEXT, 0x40) + frame(packed[half:], 0, 0x80)
    assert payloads(sent)[1::2] == texts


def test_what_cannot_be_inflated_stays_as_it_is() -> None:
    assert payloads(frame(b"\xff\xff plain", TEXT, 0xC0) + frame(b"after")) == [b"\xff\xff plain", b"after"]


def test_a_message_that_unfolds_is_bounded() -> None:
    packer = zlib.compressobj(9, wbits=-15)
    bomb = (packer.compress(bytes(20 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    parser = WebSocketParser()
    assert [len(one) for one in payloads(frame(bomb, BINARY, 0xC0), parser)] == [PAYLOAD_LIMIT]
    assert parser.held() < 2 * PAYLOAD_LIMIT


def test_long_payloads_and_messages_are_events() -> None:
    parser = WebSocketParser()
    long, after = parser.feed(
        SERVER, frame(bytes(PAYLOAD_LIMIT + 9), mask=MASK) + frame(b"after", TEXT, 0), 0
    )
    assert values(long, "app-layer-event") == [b"websocket.skip_end_of_payload"]
    assert values(after, "app-layer-event") == []
    more, last = parser.feed(SERVER, frame(bytes(PAYLOAD_LIMIT - 5), 0, 0) + frame(b"last", 0), 0)
    assert values(more, "app-layer-event") == [b"websocket.reassembly_limit_reached"]
    assert values(last, "app-layer-event") == []
    assert parser.held() < 3 * PAYLOAD_LIMIT


def test_a_gap_ends_the_reading_of_both_sides() -> None:
    parser = WebSocketParser()
    (found,) = parser.feed(SERVER, frame(b"before"), 0)
    assert values(found, "websocket.payload") == [b"before"]
    assert parser.feed(SERVER, frame(b"behind"), 1) == []
    assert parser.feed(CLIENT, frame(b"behind"), 0) == []
    assert parser.over()


def test_frames_for_rules_are_as_sent() -> None:
    parser = WebSocketParser()
    parser.frames = FrameLog(frozenset({"header", "data", "pdu"}))
    sent = frame(b"abc", mask=MASK)
    parser.feed(SERVER, sent, 0)
    found = {one.name: one.data for one in parser.frames.take()}
    assert found == {"header": sent[:6], "data": sent[6:], "pdu": sent}


ASKED = b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"


@pytest.mark.parametrize("early", [b"", frame(b"hello")])
def test_the_tracker_hands_the_flow_over(early: bytes) -> None:
    layer = AppLayer(Demand({"websocket"}))
    app_of = np.full(SLOTS, APP_PROTOS.index("http"), np.uint8)
    said = (
        (1, SERVER, 0, ASKED),
        (1, CLIENT, 0, SWITCHED + early),
        (1, SERVER, len(ASKED), frame(b"hi", mask=MASK)),
    )
    found = layer.released(stretches(*said), app_of)
    assert APP_PROTOS[app_of[1]] == "websocket"
    seen = [
        values(one.transaction, "websocket.payload", one.direction)
        for one in found
        if one.application is WEBSOCKET
    ]
    assert seen == [*([[b"hello"]] if early else []), [b"hi"]]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([SERVER, CLIENT]),
            st.one_of(
                st.binary(max_size=40),
                st.builds(
                    frame, st.binary(max_size=30), st.integers(0, 15), st.sampled_from([0, 0x40, 0x80, 0xC0])
                ),
            ),
            st.sampled_from([0, 0, 0, 5]),
        ),
        max_size=30,
    )
)
def test_nothing_raises_and_nothing_grows(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = WebSocketParser()
    for direction, data, gap in pieces:
        for found in parser.feed(direction, data, gap):
            for name in WEBSOCKET.buffers:
                assert all(isinstance(value, bytes) for value in values(found, name, direction))
        assert parser.held() <= 6 * PAYLOAD_LIMIT
