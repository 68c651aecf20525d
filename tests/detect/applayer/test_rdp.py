"""The setup of remote desktops, of messages that are put together here ([MS-RDPBCGR], 4.1)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.rdp import MOST_CHANNELS, Message, RdpParser
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def packet(body: bytes) -> bytes:
    return struct.pack("!BBH", 3, 0, 4 + len(body)) + body


def connection(kind: int, variable: bytes) -> bytes:
    return packet(bytes((6 + len(variable), kind)) + bytes(5) + variable)


def negotiation(kind: int, value: int) -> bytes:
    return struct.pack("<BBHI", kind, 0, 8, value)


REQUEST = connection(0xE0, b"Cookie: mstshash=robin\r\n" + negotiation(1, 3))
CONFIRM = connection(0xD0, negotiation(2, 2))


def wide(text: str, size: int) -> bytes:
    return text.encode("utf-16-le").ljust(size, b"\0")


def initial(*channels: bytes) -> bytes:
    core = struct.pack("<IHHHHII", 0x80004, 1280, 800, 0xCA01, 0xAA03, 0x409, 2600) + wide("DESKTOP", 32)
    core += struct.pack("<III", 4, 0, 12) + bytes(64) + struct.pack("<HHIHHH", 0xCA01, 1, 9, 24, 7, 0x21)
    core += wide("id-1", 64)
    net = struct.pack("<I", len(channels)) + b"".join(name.ljust(8, b"\0") + bytes(4) for name in channels)
    blocks = b"".join(
        struct.pack("<HH", kind, 4 + len(one)) + one for kind, one in ((0xC001, core), (0xC003, net))
    )
    return packet(b"\2\xf0\x80\x7f\x65\x82\1\1" + b"Duca" + struct.pack("!H", 0x8000 | len(blocks)) + blocks)


def messages(direction: int, *pieces: bytes) -> list[Message]:
    parser = RdpParser()
    return [found.message for piece in pieces for found in parser.feed(direction, piece, 0)]  # type: ignore[attr-defined]


def test_who_asks_for_what() -> None:
    (asked,) = messages(SERVER, REQUEST)
    assert (asked.kind, asked.cookie, asked.protocols) == ("initial_request", b"robin", 3)
    (answered,) = messages(CLIENT, CONFIRM)
    assert (answered.kind, answered.protocols, answered.error) == ("initial_response", 2, None)
    (refused,) = messages(CLIENT, connection(0xD0, negotiation(3, 5)))
    assert (refused.protocols, refused.error) == (None, 5)


def test_what_a_client_says_of_itself() -> None:
    (found,) = messages(SERVER, initial(b"rdpdr", b"cliprdr"))
    assert found.channels == [b"rdpdr", b"cliprdr"]
    client = found.client
    assert client is not None
    assert (client.name, client.width, client.height, client.build) == ("DESKTOP", 1280, 800, 2600)
    assert (client.keyboard_type, client.function_keys, client.product, client.serial) == (4, 12, 1, 9)
    assert (client.capabilities, client.identifier) == (0x21, "id-1")


def test_channels_are_bounded() -> None:
    (found,) = messages(SERVER, initial(*[b"x"] * 40))
    assert len(found.channels) == MOST_CHANNELS


@pytest.mark.parametrize("size", [1, 2, 5, 33])
def test_a_stream_cut_anywhere(size: int) -> None:
    stream = REQUEST + initial(b"rdpdr")
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert messages(SERVER, *pieces) == messages(SERVER, stream)
    assert len(messages(SERVER, stream)) == 2


def test_where_tls_begins_the_flow_is_passed_by() -> None:
    parser = RdpParser()
    parser.feed(SERVER, REQUEST + b"\x16\3\1", 0)
    assert not parser.over()
    parser.feed(CLIENT, CONFIRM + b"\x16\3\3", 0)
    assert parser.over()
    assert parser.feed(SERVER, REQUEST, 0) == []
    assert parser.held() == 0


@given(st.integers(0, 300), st.binary())
def test_nothing_raises(at: int, junk: bytes) -> None:
    for good in (REQUEST, CONFIRM, initial(b"rdpdr")):
        parser = RdpParser()
        parser.feed(SERVER, good[:at] + junk + good[at + len(junk) :], 0)
        parser.feed(SERVER, junk, 0)
        assert parser.held() <= 0xFFFF + len(junk)
