"""POP3: commands, replies of one line and of many, and what is odd about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.pop3 import BEGUN_LIMIT, MOST_WAITING, Pop3Parser, Pop3Transaction
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
        (CLIENT, b"+ok\r\n"),
        (CLIENT, b"+ abc\r\n"),
        (CLIENT, b"+OK in two"),
    ],
)
def test_what_is_no_message_ends_the_reading(way: int, data: bytes) -> None:
    parser = Pop3Parser()
    parser.feed(SERVER, b"NOOP\r\n", 0)
    parser.feed(way, data, 0)
    assert parser.over()
    assert parser.feed(SERVER, b"QUIT\r\n", 0) == []


def test_what_is_sent_up_to_a_lonely_dot_is_one_reply() -> None:
    pieces = [(SERVER, b"NOOP\r\nLIST\r\n"), (CLIENT, b"+OK\r\n+OK list\r\n1 120\r\n.\r\n")]
    assert [answered for _, _, answered, _ in told(pieces)] == [Stage.DONE, Stage.NONE]


@pytest.mark.parametrize("line", [b"AGJvYgBwYXNz=", b" QUIT", b"QUIT\nQUIT", b""])
def test_a_line_that_is_no_command_is_part_of_an_authentication(line: bytes) -> None:
    pieces = [
        (SERVER, b"AUTH PLAIN\r\n"),
        (CLIENT, b"+ \r\n"),
        (SERVER, line + b"\r\n"),
        (CLIENT, b"+OK\r\n"),
    ]
    assert told(pieces) == [
        (b"AUTH", Stage.DONE, Stage.DONE, []),
        (b"<SASL DATA>", Stage.DONE, Stage.DONE, []),
    ]


@pytest.mark.parametrize(
    "mail",
    [
        b"+OK\r\nSubject: x\r\n\r\n-ERR is text\r\n.\r\n",
        b"+OK 22 octets\r\nA sentence.\r\nAnother\r\n.\r\n",
        b"+OK 0 octets\r\n.\r\n",
    ],
)
def test_a_mail_is_passed_over_however_it_is_cut(mail: bytes) -> None:
    """Its first line comes as a whole, as it does when a server sends it."""
    first = mail.index(b"\n") + 1
    for size in range(1, len(mail)):
        pieces = [mail[:first], *(mail[at : at + size] for at in range(first, len(mail), size))]
        talk = [(SERVER, b"RETR 1\r\nQUIT\r\n"), *((CLIENT, one) for one in pieces), (CLIENT, b"+OK\r\n")]
        assert [(name, answered) for name, _, answered, _ in told(talk)] == [
            (b"RETR", Stage.DONE),
            (b"QUIT", Stage.DONE),
        ]
    refused = [(SERVER, b"RETR 1\r\nQUIT\r\n"), (CLIENT, b"-ERR no such mail\r\n+OK\r\n")]
    assert [answered for _, _, answered, _ in told(refused)] == [Stage.DONE, Stage.DONE]


def test_missing_bytes_of_a_mail_are_of_it() -> None:
    parser = Pop3Parser()
    parser.feed(SERVER, b"RETR 1\r\nQUIT\r\n", 0)
    parser.feed(CLIENT, b"+OK 1000 octets\r\n" + b"x" * 500, 0)
    assert parser.feed(CLIENT, b"y" * 99, 400) == []
    first, second = parser.feed(CLIENT, b"z.\r\n+OK\r\n", 0)
    assert [first.command, second.command] == [b"RETR", b"QUIT"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", [b"LIST", b"UIDL", b"TOP 1 0"])
def test_an_answer_of_many_lines_is_waited_for(command: bytes) -> None:
    answer = b"+OK 2\r\n1 120\r\n2 200\r\n.\r\n"
    for at in range(len(b"+OK 2\r\n"), len(answer)):
        parser = Pop3Parser()
        parser.feed(SERVER, command + b"\r\n", 0)
        assert parser.feed(CLIENT, answer[:at], 0) == []
        (found,) = parser.feed(CLIENT, answer[at:], 0)
        assert found.lines == [b"1 120", b"2 200"]  # type: ignore[attr-defined]
        assert parser.held() == 0


def test_an_answer_that_does_not_end_is_given_up() -> None:
    parser = Pop3Parser()
    parser.feed(SERVER, b"LIST\r\n", 0)
    for _ in range(600):
        parser.feed(CLIENT, b"+OK\r\n" + b"x" * 500, 0)
    assert parser.over()
    assert parser.held() < 2_000


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
        assert parser.held() <= 1024 * MOST_WAITING + BEGUN_LIMIT
