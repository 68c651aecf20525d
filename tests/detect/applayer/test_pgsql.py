"""PostgreSQL: requests, what answers them, and what is no message."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.base import Successor
from vpi_tui.detect.applayer.pgsql import PGSQL
from vpi_tui.detect.applayer.pgsql.message import BODY_LIMIT, CANCEL, GSSENC, SSL
from vpi_tui.detect.applayer.pgsql.parser import MOST_RESPONSES, MOST_WAITING, PgsqlParser, PgsqlTransaction
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def start(code: int, body: bytes = b"") -> bytes:
    return struct.pack("!II", len(body) + 8, code) + body


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


READY = message(b"Z", b"I")
ROW = message(b"D", b"\0\2\0\0\0\3row\xff\xff\xff\xff")
DIALOGUE = [
    (SERVER, start(SSL)), (CLIENT, b"N"),
    (SERVER, start(3 << 16, b"user\0bob\0database\0shop\0\0")),
    (CLIENT, message(b"R", b"\0\0\0\x05salt")),
    (SERVER, message(b"p", b"md5abc\0")),
    (CLIENT, message(b"R", bytes(4)) + message(b"S", b"TimeZone\0UTC\0") + message(b"K", bytes(8)) + READY),
    (SERVER, message(b"Q", b"SELECT 1;\0")),
    (CLIENT, message(b"T", b"\0\1a") + 3 * ROW + message(b"C", b"SELECT 3\0") + READY),
    (SERVER, message(b"Q", b"DROP x;\0")),
    (CLIENT, message(b"E", b"SERROR\0C42P01\0\0") + READY),
    (SERVER, message(b"X")),
]  # fmt: skip


def run(*pieces: tuple[int, bytes]) -> list[Transaction]:
    parser = PgsqlParser()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    return list(found)


def query(found: Transaction) -> list[bytes]:
    return list(PGSQL.buffers["pgsql.query"].get(found, SERVER))


def events(*pieces: tuple[int, bytes]) -> list[str]:
    return [name for found in run(*pieces) for names in found.events for name in names]


@pytest.mark.parametrize("piece", [1, 1000])
def test_a_dialogue(piece: int) -> None:
    split = [(way, data[at : at + piece]) for way, data in DIALOGUE for at in range(0, len(data), piece)]
    found = run(*split)
    assert [query(one) for one in found] == [[], [], [], [b"SELECT 1;"], [b"DROP x;"], []]
    outcomes = [one.outcome for one in found if isinstance(one, PgsqlTransaction)]
    assert outcomes[0].encrypted is False
    assert outcomes[1].authentication == 5
    assert outcomes[2].parameters == [(b"TimeZone", b"UTC")]
    assert (outcomes[3].fields, outcomes[3].rows, outcomes[3].row_bytes) == (1, 3, 9)
    assert outcomes[3].completed == b"SELECT 3"
    assert outcomes[4].error == [(b"S", b"ERROR"), (b"C", b"42P01")]
    assert all(one.stage[SERVER] == Stage.DONE for one in found)
    assert not events(*split)


def test_a_query_is_seen_before_its_answer() -> None:
    parser = PgsqlParser()
    (found,) = parser.feed(SERVER, message(b"Q", b"SELECT 1\0"), 0)
    assert (found.stage[SERVER], found.stage[CLIENT]) == (Stage.DONE, Stage.NONE)


def test_encryption_ends_the_reading() -> None:
    parser = PgsqlParser()
    parser.feed(SERVER, start(SSL), 0)
    parser.feed(CLIENT, b"S\x16", 0)
    assert parser.successor() == Successor("tls", (b"", b"", b"\x16"))
    parser = PgsqlParser()
    parser.feed(SERVER, start(GSSENC), 0)
    parser.feed(CLIENT, b"G", 0)
    assert parser.over()


def test_after_a_gap_the_next_message_counts() -> None:
    parser = PgsqlParser()
    parser.feed(SERVER, message(b"Q", b"SELECT 1\0")[:9], 0)
    assert parser.feed(SERVER, b"2\0 rest of what is lost", 4) == []
    (found,) = parser.feed(SERVER, message(b"Q", b"SELECT 3\0"), 0)
    assert query(found) == [b"SELECT 3"]


def test_behind_what_is_malformed_others_follow() -> None:
    parser = PgsqlParser()
    for _ in range(2):
        (odd,) = parser.feed(SERVER, start(0x00FF00FF), 0)
        assert list(odd.events[SERVER]) == ["pgsql.malformed_request"]
    assert len(parser.feed(SERVER, message(b"y", b"of a kind that is not known"), 0)) == 1
    (found,) = parser.feed(SERVER, message(b"Q", b"SELECT 3\0"), 0)
    assert query(found) == [b"SELECT 3"]


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([(SERVER, start(0x00FF00FF))], ["pgsql.malformed_request"]),
        ([(SERVER, start(2 << 16, b"of an old version"))], []),
        ([(SERVER, b"GET / HTTP/1.0\r\n")], []),
        ([(SERVER, message(b"X", b"?"))], ["pgsql.invalid_length"]),
        ([(SERVER, b"\0\0\0\5\0")], ["pgsql.invalid_length"]),
        ([(SERVER, b"Q\0\0\0\3")], ["pgsql.invalid_length"]),
        ([(CLIENT, message(b"\1"))], []),
        ([(CLIENT, message(b"Z"))], ["pgsql.invalid_length"]),
        ([(CLIENT, message(b"R", b"\0\0\0\7"))] * 2, ["pgsql.malformed_response"] * 2),
        ([(SERVER, start(SSL)), (CLIENT, b"x")], []),
        ([(SERVER, start(CANCEL, b"12345678"))], []),
        (
            [(SERVER, message(b"Q", b"a\0")), (CLIENT, message(b"S") * (MOST_RESPONSES + 1) + READY)],
            ["pgsql.too_many_responses"],
        ),
        ([(SERVER, message(b"Q", b"a\0"))] * (MOST_WAITING + 1), []),
        ([(SERVER, message(b"Q", b"a\0"))] * (MOST_WAITING + 2), ["pgsql.too_many_transactions"]),
    ],
)
def test_what_is_wrong_is_an_event(pieces: list[tuple[int, bytes]], wanted: list[str]) -> None:
    assert events(*pieces) == wanted


def test_long_messages_are_passed_over() -> None:
    parser = PgsqlParser()
    size = 10 * BODY_LIMIT
    head = b"d" + struct.pack("!I", size + 4)
    parser.feed(SERVER, head, 0)
    for _ in range(10):
        parser.feed(SERVER, bytes(BODY_LIMIT), 0)
        assert parser.held() < 2 * BODY_LIMIT
    found = parser.feed(SERVER, message(b"Q", b"SELECT 2\0"), 0)
    assert query(found[0]) == [b"SELECT 2"]


PIECES = st.one_of(st.sampled_from([data for _, data in DIALOGUE]), st.binary(max_size=20))


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), PIECES), max_size=20))
def test_nothing_raises(pieces: list[tuple[int, bytes]]) -> None:
    for found in run(*pieces):
        query(found)
