"""POP3: commands, replies of one line and of many, and what is odd about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.pop3 import MOST_WAITING, Pop3Parser, Pop3Transaction
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.model.batch import Direction

from .test_scan import Connection, scan, sids
from .test_successors import client_hello

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Pieces = list[tuple[int, bytes]]
TALK: Pieces = [
    (CLIENT, b"+OK ready\r\n"),
    (SERVER, b"CAPA\r\n"),
    (CLIENT, b"+OK\r\nUSER\r\nTOP\r\n.\r\n"),
    (SERVER, b"USER bob\r\nPASS word\r\n"),
    (CLIENT, b"+OK\r\n-ERR no\r\n"),
    (SERVER, b"AUTH PLAIN AGJvYgBwYXNz=\r\n"),
    (CLIENT, b"+OK in\r\n"),
    (SERVER, b"LIST 1\r\nRETR 1\r\n"),
    (CLIENT, b"+OK 1 120\r\n"),
    (CLIENT, b"+OK 120\r\nSubject: x\r\n\r\n..dot\r\n-ERR is text\r\n.\r\n"),
    (SERVER, b"QUIT\r\n"),
    (CLIENT, b"+OK bye\r\n"),
]


def told(pieces: Pieces) -> list[tuple[bytes, int, int, list[str]]]:
    """(command, stages of both sides, events) of each transaction in order."""
    parser = Pop3Parser()
    found: dict[Pop3Transaction, None] = {}
    for direction, data in pieces:
        for one in parser.feed(direction, data, 0):
            assert isinstance(one, Pop3Transaction)
            found[one] = None
    return [
        (
            one.command,
            int(one.stage[SERVER]),
            int(one.stage[CLIENT]),
            [*one.events[1], *one.events[2]],
        )
        for one in found
    ]


def test_a_session() -> None:
    names = (b"", b"CAPA", b"USER", b"PASS", b"AUTH", b"LIST", b"RETR", b"QUIT")
    assert told(TALK) == [(name, Stage.DONE, Stage.DONE, []) for name in names]


@pytest.mark.parametrize(
    ("way", "data"),
    [
        (SERVER, b"QUI"),
        (SERVER, b" QUIT\r\n"),
        (SERVER, b"QUIT\nQUIT\r\n"),
        (SERVER, b"AGJvYgBwYXNz=\r\n"),
        (CLIENT, b"+ \r\n"),
        (CLIENT, b"+ok\r\n"),
        (CLIENT, b"+OK 120\r\nSubject: x\r\n"),
    ],
)
def test_what_is_no_message_ends_the_reading(way: int, data: bytes) -> None:
    parser = Pop3Parser()
    parser.feed(SERVER, b"RETR 1\r\n", 0)
    parser.feed(way, data, 0)
    assert parser.over()
    assert parser.feed(SERVER, b"QUIT\r\n", 0) == []


def test_what_is_sent_up_to_a_lonely_dot_is_one_reply() -> None:
    pieces = [(SERVER, b"NOOP\r\nLIST\r\n"), (CLIENT, b"+OK\r\n+OK list\r\n1 120\r\n.\r\n")]
    assert [answered for _, _, answered, _ in told(pieces)] == [Stage.DONE, Stage.NONE]


def test_behind_missing_bytes_the_next_message_is_read() -> None:
    parser = Pop3Parser()
    assert parser.feed(SERVER, b"ord=\r\n", 7) == []
    assert parser.feed(SERVER, b"ails=\r\n", 0) == []
    (found,) = parser.feed(SERVER, b"QUIT\r\n", 0)
    assert not parser.over()
    assert found.command == b"QUIT"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("way", "line", "events"),
    [
        (SERVER, b"XYZZY", ["pop3.unknown_command"]),
        (SERVER, b"USER", ["pop3.incorrect_argument_count"]),
        (SERVER, b"USER two words", ["pop3.incorrect_argument_count"]),
        (SERVER, b"PASS two words", ["pop3.incorrect_argument_count"]),
        (SERVER, b"TOP 1", ["pop3.incorrect_argument_count"]),
        (SERVER, b"AUTH", ["pop3.incorrect_argument_count"]),
        (SERVER, b"quit", ["pop3.unknown_command"]),
        (SERVER, b"UTF8", ["pop3.unknown_command"]),
        (SERVER, b"QUIT now", ["pop3.incorrect_argument_count"]),
        (SERVER, b"USER " + b"x" * 249, []),
        (SERVER, b"USER " + b"x" * 250, ["pop3.request_too_long"]),
        (SERVER, b"X" * 5000, ["pop3.unknown_command", "pop3.request_too_long"]),
        (CLIENT, b"+OK " + b"x" * 506, []),
        (CLIENT, b"+OK " + b"x" * 507, ["pop3.response_too_long"]),
    ],
)
def test_what_is_odd(way: int, line: bytes, events: list[str]) -> None:
    ((*_, found),) = told([(way, line + b"\r\n")])
    assert found == events


def test_commands_that_nobody_answers() -> None:
    assert not any(events for *_, events in told([(SERVER, b"NOOP\r\n" * (MOST_WAITING + 1))]))
    found = told([(SERVER, b"NOOP\r\n" * (MOST_WAITING + 2))])
    assert [events for *_, events in found] == [["pop3.too_many_transactions"]] * (MOST_WAITING + 1)


def test_rules_of_its_events_and_the_change_to_tls(tmp_path: Path) -> None:
    connection = Connection(port=110).server(b"+OK ready\r\n").client(b"XYZZY\r\n").server(b"-ERR what\r\n")
    connection.client(b"STLS\r\n").server(b"+OK go\r\n")
    connection.client(client_hello(b"host.example"))
    rules = (
        "alert pop3 any any -> any any (app-layer-event:pop3.unknown_command;)",
        'alert tls any any -> any any (tls.sni; content:"host.example";)',
        'alert pop3:response_complete any any -> any any (msg:"x";)',
    )
    assert sids(scan(tmp_path, connection.packets, *rules)) == {1: 2, 2: 1, 3: 3}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([SERVER, CLIENT]),
            st.one_of(st.sampled_from([data for _, data in TALK]), st.binary(max_size=20)),
            st.sampled_from([0, 0, 7]),
        ),
        max_size=20,
    )
)
def test_nothing_raises(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = Pop3Parser()
    for direction, data, gap in pieces:
        parser.feed(direction, data, gap)
    parser.finish()


@pytest.mark.parametrize("endless", [b"A" * 9000, b"\r\n" * 4000, b"RETR 1\r\n" * 500, b"+OK\r\n" * 500])
def test_endless_input_is_bounded(endless: bytes) -> None:
    parser = Pop3Parser()
    for _ in range(50):
        parser.feed(SERVER, endless, 0)
        parser.feed(CLIENT, endless, 0)
        assert parser.held() <= 1024 * MOST_WAITING
