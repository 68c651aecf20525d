"""DNP3 frames, the messages that they carry, and the objects in them."""

from __future__ import annotations

import struct
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.dnp3 import DNP3
from vpi_tui.detect.applayer.dnp3.link import crc
from vpi_tui.detect.applayer.dnp3.message import MOST_OBJECTS
from vpi_tui.detect.applayer.dnp3.parser import FLOOD, MOST_SEGMENTS, Dnp3Parser
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
READ = b"\xc0\x01\x3c\x02\x06\x3c\x01\x06"
"""Read class 1 and class 0."""
ANSWER = b"\xc0\x81\x96\x00\x01\x02\x00\x00\x02\x81\x01\x81\x1e\x01\x17\x01\x07\x01\x39\x30\x00\x00"
"""Restart, need time, class 1, trouble ...; three binary inputs, one analog input with its index."""


def checked(data: bytes) -> bytes:
    return b"".join(data[at : at + 16] + crc(data[at : at + 16]) for at in range(0, len(data), 16))


def frame(user_data: bytes, control: int = 0xC4, length: int | None = None) -> bytes:
    size = 5 + len(user_data) if length is None else length
    return checked(b"\x05\x64" + struct.pack("<BBHH", size, control, 1024, 1)) + checked(user_data)


def message(data: bytes, piece: int = 249) -> list[bytes]:
    """The frames that carry a fragment."""
    parts = [data[at : at + piece] for at in range(0, len(data), piece)]
    heads = [n & 0x3F | 0x40 * (n == 0) | 0x80 * (n == len(parts) - 1) for n in range(len(parts))]
    return [frame(bytes((head,)) + part) for head, part in zip(heads, parts, strict=True)]


def run(*pieces: tuple[int, bytes]) -> list[Transaction]:
    parser = Dnp3Parser()
    return [found for direction, data in pieces for found in parser.feed(direction, data, 0)]


values = partial(feeding.values, DNP3)


def events(*pieces: tuple[int, bytes]) -> list[str]:
    return [name for found in run(*pieces) for names in found.events for name in names]


@pytest.mark.parametrize("piece", [6, 16, 249])
def test_request_and_response_in_segments_byte_by_byte(piece: int) -> None:
    sent = [(SERVER, frames) for frames in message(READ, piece)]
    sent += [(CLIENT, frames) for frames in message(ANSWER, piece)]
    bytewise = [(direction, data[n : n + 1]) for direction, data in sent for n in range(len(data))]
    for pieces in (sent, bytewise):
        request, response = run(*pieces)
        assert values(request, "dnp3.data", SERVER) == [READ]
        assert values(request, "dnp3_func", SERVER) == [b"\x01"]
        assert values(request, "dnp3_obj", SERVER) == [b"\x3c\x02", b"\x3c\x01"]
        assert values(response, "dnp3_func", CLIENT) == [b"\x81"]
        assert values(response, "dnp3_ind", CLIENT) == [b"\x96\x00"]
        assert values(response, "dnp3_obj", CLIENT) == [b"\x01\x02", b"\x1e\x01"]
        assert not any([*request.events, *response.events])


def test_crc_of_the_standard() -> None:
    assert crc(bytes.fromhex("0564 05c0 0100 0a00")) == bytes.fromhex("e08c")


BAD = bytearray(frame(b"\xc0" + READ))
BAD[-1] ^= 1
LOST = bytearray(frame(b"\xc0" + READ))
LOST[4] ^= 1


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([(SERVER, bytes(LOST))], "dnp3.bad_link_crc"),
        ([(SERVER, bytes(BAD))], "dnp3.bad_transport_crc"),
        ([(SERVER, frame(b"", length=4))], "dnp3.len_too_small"),
        ([(SERVER, frame(b"\xc0"))], "dnp3.len_too_small"),
        ([(SERVER, frame(b"\x40" + READ)), (SERVER, frame(b"\x81\x06"))], "dnp3.len_too_small"),
        ([(SERVER, frame(b"\xc0\xc0\x02\xee\x01\x00\x00\x01\x00\x00"))], "dnp3.unknown_object"),
        ([(SERVER, frame(b"\xc0\xc0\x02\x01\x01\x01\x00\x00\xff\xff"))], "dnp3.too_many_points"),
        ([(SERVER, one) for one in message(b"\xc0\x01" + b"\x3c\x02\x06" * (MOST_OBJECTS + 1))],
         "dnp3.too_many_objects"),
        ([(SERVER, one) for one in message(b"\xc0\x01" + bytes(249 * (MOST_SEGMENTS + 2)))],
         "dnp3.too_long_reassembly"),
        ([(SERVER, message(READ)[0])] * (FLOOD + 1), "dnp3.flooded"),
        ([(SERVER, frame(b"\x40" + READ))] * (FLOOD + 1), "dnp3.flooded"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_an_event(pieces: list[tuple[int, bytes]], wanted: str) -> None:
    assert events(*pieces) == [wanted]


def test_an_answer_ends_a_flood() -> None:
    asked = [(SERVER, message(READ)[0])] * FLOOD
    assert not events(*asked, (CLIENT, message(ANSWER)[0]), *asked)


def test_messages_that_end_are_no_flood() -> None:
    piece = [(CLIENT, one) for one in message(ANSWER, 11)]
    assert len(piece) > 1
    assert not events(*piece * (2 * FLOOD))


def test_a_banner_is_passed_over() -> None:
    (found,) = run((CLIENT, b"DNP3 Server\r\n" + message(ANSWER)[0]))
    assert values(found, "dnp3_func", CLIENT) == [b"\x81"]


PIECES = st.one_of(st.sampled_from([*message(READ), *message(ANSWER, 9), bytes(BAD)]), st.binary(max_size=30))


def test_a_short_segment_of_a_response_ends_the_reading() -> None:
    parser = Dnp3Parser()
    parser.feed(CLIENT, frame(b"\x40" + ANSWER), 0)
    (found,) = parser.feed(CLIENT, frame(b"\x81\x00\x00"), 0)
    assert list(found.events[CLIENT]) == ["dnp3.len_too_small"]
    assert parser.over()


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), PIECES), max_size=20))
def test_nothing_raises(pieces: list[tuple[int, bytes]]) -> None:
    for found in run(*pieces):
        for name in DNP3.buffers:
            values(found, name, CLIENT)
