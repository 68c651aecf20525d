"""Telnet sessions as frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.telnet import LINE_LIMIT, TelnetParser
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
DIALOGUE = [
    (CLIENT, b"\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0"), (SERVER, b"\xff\xfb\x18"),
    (CLIENT, b"Welcome\r\nlogin: "), (SERVER, b"bob\r\n"), (CLIENT, b"bob\r\nPassword: "),
    (SERVER, b"secret\r\n"), (SERVER, b"\xff\xf4"), (CLIENT, b"\nLast login: never\r\n$ "),
    (SERVER, b"ls\xff\r\n"), (CLIENT, b"ls\r\n"),
]  # fmt: skip


def run(pieces: list[tuple[int, bytes]]) -> tuple[list[tuple[int, str, bytes]], TelnetParser]:
    parser = TelnetParser()
    parser.frames = FrameLog(frozenset({"pdu", "ctl", "data"}))
    found: list[tuple[int, str, bytes]] = []
    for direction, data in pieces:
        parser.feed(direction, data, 0)
        for frame in parser.frames.take():
            way = CLIENT if frame.stage[CLIENT] else SERVER
            found.append((way, frame.name, frame.data))
    return found, parser


def test_commands_and_lines() -> None:
    found, _ = run(DIALOGUE)
    assert [one for one in found if one[1] != "pdu"] == [
        (CLIENT, "ctl", b"\xff\xfd\x18"),
        (CLIENT, "ctl", b"\xff\xfa\x18\x01"),
        (CLIENT, "ctl", b"\xff\xf0"),
        (SERVER, "ctl", b"\xff\xfb\x18"),
        (CLIENT, "data", b"Welcome\r\nlogin: "),
        (SERVER, "data", b"bob\r\n"),
        (CLIENT, "data", b"bob\r\nPassword: "),
        (SERVER, "data", b"secret\r\n"),
        (SERVER, "ctl", b"\xff\xf4"),
        (CLIENT, "data", b"\n"),
        (CLIENT, "data", b"Last login: never\r\n"),
        (SERVER, "data", b"ls\xff\r\n"),
        (CLIENT, "data", b"$ ls\r\n"),
    ]
    assert [one[2] for one in found if one[1] == "pdu"] == [one[2] for one in found if one[1] != "pdu"]


def test_behind_a_refusal_the_server_asks_again() -> None:
    again = [*DIALOGUE[:6], (CLIENT, b"Login incorrect\nThis is it\nlogin: ")]
    assert [data for _, name, data in run(again)[0] if name == "data"][-2:] == [
        b"Login incorrect\n",
        b"This is it\nlogin: ",
    ]


def test_a_piece_whose_end_does_not_come_is_a_frame_in_the_end() -> None:
    _, parser = run([(CLIENT, b"a prompt>"), (SERVER, b"whoami")])
    parser.finish()
    assert [(one.name, one.data) for one in parser.frames.take()] == [
        ("pdu", b"whoami"), ("data", b"whoami"), ("pdu", b"a prompt>"), ("data", b"a prompt>"),
    ]  # fmt: skip


def test_what_the_client_sends_byte_by_byte_is_the_same() -> None:
    sent = [(SERVER, data) for way, data in DIALOGUE if way == SERVER]
    bytewise = [(way, data[at : at + 1]) for way, data in sent for at in range(len(data))]
    assert run(sent)[0] == run(bytewise)[0]


def test_a_line_without_end_is_given_in_pieces() -> None:
    found, parser = run([(SERVER, b"a" * (3 * LINE_LIMIT))])
    assert [len(data) for _, name, data in found if name == "data"] == [LINE_LIMIT] * 3
    assert parser.held() == 0


PIECES = st.one_of(st.sampled_from([data for _, data in DIALOGUE]), st.binary(max_size=20))


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), PIECES), max_size=20))
def test_every_byte_is_in_a_frame_or_held(pieces: list[tuple[int, bytes]]) -> None:
    found, parser = run(pieces)
    given_out = sum(len(data) for _, name, data in found if name == "pdu")
    assert given_out + parser.held() == sum(len(data) for _, data in pieces)
