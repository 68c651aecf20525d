"""How VNC connections are set up, in three versions."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.rfb import RFB, TEXT_LIMIT, RfbParser
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
INIT = struct.pack("!HH16xI", 1280, 800, 4) + b"desk"
SECRET = bytes(range(16))
AUTHENTICATED = [
    (CLIENT, SECRET),
    (SERVER, SECRET[::-1]),
    (CLIENT, bytes(4)),
    (SERVER, b"\1"),
    (CLIENT, INIT),
]


def versions(minor: int) -> list[tuple[int, bytes]]:
    text = b"RFB 003.%03d\n" % minor
    return [(CLIENT, text), (SERVER, text)]


def run(pieces: list[tuple[int, bytes]]) -> tuple[Transaction, RfbParser]:
    parser = RfbParser()
    parser.frames = FrameLog(frozenset({"pdu"}))
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    (one,) = found
    return one, parser


def values(found: Transaction, name: str) -> list[bytes]:
    return list(RFB.buffers[name].get(found, CLIENT))


V38 = [*versions(8), (CLIENT, b"\2\1\2"), (SERVER, b"\2"), *AUTHENTICATED]
V33 = [*versions(3), (CLIENT, b"\0\0\0\2"), *AUTHENTICATED]
OPEN_37 = [*versions(7), (CLIENT, b"\1\1"), (SERVER, b"\1"), (SERVER, b"\1"), (CLIENT, INIT)]
OPEN_38 = [
    *versions(8),
    (CLIENT, b"\1\1"),
    (SERVER, b"\1"),
    (CLIENT, bytes(4)),
    (SERVER, b"\1"),
    (CLIENT, INIT),
]


@pytest.mark.parametrize(
    ("pieces", "security", "result"),
    [(V38, 2, [bytes(4)]), (V33, 2, [bytes(4)]), (OPEN_37, 1, []), (OPEN_38, 1, [bytes(4)])],
)
def test_the_setup_byte_by_byte(pieces: list[tuple[int, bytes]], security: int, result: list[bytes]) -> None:
    bytewise = [(way, data[at : at + 1]) for way, data in pieces for at in range(len(data))]
    for sent in (pieces, bytewise):
        found, parser = run(sent)
        assert values(found, "rfb.sectype") == [security.to_bytes(4, "big")]
        assert values(found, "rfb.secresult") == result
        assert values(found, "rfb.name") == [b"desk"]
        assert [frame.data for frame in parser.frames.take()] == [data for _, data in pieces]
        assert parser.over()
        assert not any(found.events)


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([*V38[:8], (CLIENT, INIT[:-4] + b"d\xffsk")], "rfb.malformed_message"),
        ([*V38[:6], (CLIENT, b"\0\0\0\1\0\0\0\2\xff\xff")], "rfb.malformed_message"),
        ([*V38[:6], (CLIENT, b"\0\0\0\1\0\0\0\2no"), (SERVER, b"why")], "rfb.confused_state"),
        ([*V33[:2], (CLIENT, b"\0\0\0\x13")], "rfb.unimplemented_security_type"),
        ([(CLIENT, versions(8)[0][1] + b"\2\1\2")], "rfb.confused_state"),
        ([*V38[:3], (SERVER, b"\2\2")], "rfb.confused_state"),
        ([*V38[:3], (SERVER, b"\x13")], "rfb.unimplemented_security_type"),
        ([*V38[:6], (CLIENT, b"\0\0\0\7")], "rfb.unknown_security_result"),
        ([*V38[:3], (CLIENT, b"not its turn")], "rfb.confused_state"),
        ([*V38[:1], (CLIENT, b"nor here")], "rfb.confused_state"),
    ],
)
def test_what_is_wrong_is_an_event(pieces: list[tuple[int, bytes]], wanted: str) -> None:
    found, parser = run(pieces)
    assert [name for names in found.events for name in names] == [wanted]
    assert parser.held() == 0


@pytest.mark.parametrize(
    "pieces",
    [
        [(CLIENT, b"HTTP/1.1 400\r\n")],
        [V38[0], (SERVER, b"RFB 003-008\n")],
        [(SERVER, V38[0][1]), *V38],
        [(SERVER, bytes(5 * TEXT_LIMIT))],
    ],
)
def test_what_does_not_begin_with_versions_is_none(pieces: list[tuple[int, bytes]]) -> None:
    found, parser = run(pieces)
    assert not any(found.events)
    assert parser.over()
    assert parser.held() == 0


def test_a_security_type_that_the_server_decides_on_is_one_that_is_known() -> None:
    found, _ = run([*V33[:2], (CLIENT, b"\0\0\0\x13")])
    assert values(found, "rfb.sectype") == []
    found, _ = run([*V33[:2], (CLIENT, bytes(4) + b"\0\0\0\2no")])
    assert values(found, "rfb.sectype") == [bytes(4)]


def test_a_refusal_says_why() -> None:
    found, _ = run([*V38[:6], (CLIENT, b"\0\0\0\1"), (CLIENT, b"\0\0\0\2no")])
    assert values(found, "rfb.secresult") == [b"\0\0\0\1"]
    assert found.reason == b"no"  # type: ignore[attr-defined]


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), st.binary(max_size=30)), max_size=10))
def test_nothing_raises(pieces: list[tuple[int, bytes]]) -> None:
    found, _ = run([*versions(8), *pieces])
    for name in RFB.buffers:
        values(found, name)
