"""FTP: commands and their replies, however they are cut."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.ftp import FTP
from vpi_tui.detect.applayer.ftp.parser import LINE_LIMIT, MOST_OPEN, FtpParser
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Pieces = list[tuple[int, bytes]]
Seen = dict[tuple[str, int], list[bytes]]
TALK: Pieces = [
    (CLIENT, b"220-Welcome\r\n220 ready\r\n"),
    (SERVER, b"user Anna\r\n"),
    (CLIENT, b"331 password?\r\n"),
    (SERVER, b"PORT 10,0,0,1,4,1\r\n"),
    (CLIENT, b"200 ok\r\n"),
    (SERVER, b"RETR a b.txt\r\n"),
    (CLIENT, b"150 opening\r\n226-almost\r\n 226 no end\r\n226 complete\r\n"),
    (SERVER, b"EPSV\r\n"),
    (CLIENT, b"229 Entering (|||50001|)\r\n"),
]


seen = partial(feeding.seen, FTP)


def answered(*pieces: tuple[int, bytes]) -> list[list[bytes]]:
    """What rules are told about being answered after each piece, and at the end."""
    parser = FtpParser()

    def told(moved: list[Transaction]) -> list[bytes]:
        windows = (window for one in moved for window in one.grown(CLIENT).get("ftp.reply_received", ()))
        return [window.data for window in windows]

    return [*(told(parser.feed(direction, data, 0)) for direction, data in pieces), told(parser.finish())]


def test_a_reply_that_announces_another_is_none() -> None:
    ask, opening, done = (SERVER, b"RETR a\r\n"), (CLIENT, b"150 opening\r\n"), (CLIENT, b"226 ok\r\n")
    assert answered(ask, opening, done) == [[], [b"\0"], [b"\1"], []]
    assert answered(ask, opening) == [[], [b"\0"], [b"\0"]]
    assert answered(ask, (CLIENT, opening[1] + done[1])) == [[], [b"\1"], []]
    assert answered(ask) == [[], [b"\0"]]
    assert answered((SERVER, b"FEAT\r\n"), (CLIENT, b"211 none\r\n")) == [[], [], []]  # Suricata names none


def transactions(pieces: Pieces) -> list[Seen]:
    parser = FtpParser()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    return [seen(one) for one in found]


def test_commands_and_replies() -> None:
    greeting, user, port, retrieve, passive = transactions(TALK)
    assert not greeting  # rules do not see what no command has asked for
    assert user["ftp.command", SERVER] == [b"USER"]
    assert user["ftp.command_data", SERVER] == [b"Anna"]
    assert user["ftp.completion_code", CLIENT] == [b"331"]
    assert ("ftp.mode", SERVER) not in user
    assert user["ftp.dynamic_port", CLIENT] == [b"\0\0"]
    for direction in (SERVER, CLIENT):
        assert port["ftp.mode", direction] == [b"active"]
        assert port["ftp.dynamic_port", direction] == [(4 * 256 + 1).to_bytes(2)]
        assert passive["ftp.mode", direction] == [b"passive"]
        assert passive["ftp.dynamic_port", direction] == [(50001).to_bytes(2)]
    assert passive["ftp.reply_received", CLIENT] == [b"\1"]
    assert ("ftp.reply_received", SERVER) not in passive
    assert retrieve["ftp.command_data", SERVER] == [b"a b.txt"]
    assert retrieve["ftp.completion_code", CLIENT] == [b"150", b"226"]
    assert retrieve["ftp.reply", CLIENT] == [
        b"opening",
        b"226-almost",
        b" 226 no end",
        b"complete",
    ]


@pytest.mark.parametrize("step", [1, 2, 5])
def test_cuts_change_nothing(step: int) -> None:
    cut = [(d, data[at : at + step]) for d, data in TALK for at in range(0, len(data), step)]
    assert transactions(cut) == transactions(TALK)


@pytest.mark.parametrize(
    ("line", "port"),
    [
        (b"EPRT |1|10.0.0.1|50000|", 50000),
        (b"EPRT |2|fe80::1|50000|", 50000),
        (b"EPRT |1|10.0.0.1|99999|", 0),
        (b"PORT nothing", 0),
    ],
)
def test_announced_ports(line: bytes, port: int) -> None:
    (found,) = transactions([(SERVER, line + b"\r\n"), (CLIENT, b"200 ok\r\n")])
    assert found["ftp.dynamic_port", SERVER] == [port.to_bytes(2)]
    assert (("ftp.mode", SERVER) in found) == (port != 0)
    (found,) = transactions([(SERVER, line + b"\r\n")])
    assert ("ftp.mode", SERVER) not in found, "nobody has agreed to it"


@pytest.mark.parametrize("cut", [1, LINE_LIMIT, LINE_LIMIT + 1, LINE_LIMIT + 2])
def test_lines_that_are_too_long(cut: int) -> None:
    long = b"331 " + b"a" * LINE_LIMIT + b"\r\n"
    talk = [
        (SERVER, b"USER a\r\nQUIT\r\n"),
        (CLIENT, long[:cut]),
        (CLIENT, long[cut:]),
        (CLIENT, b"221 ok\r\n"),
    ]
    user, quits = transactions(talk)
    assert user["app-layer-event", CLIENT] == [b"ftp.response_command_too_long"]
    assert user["ftp.reply", CLIENT] == [b"a" * (LINE_LIMIT - 4)]
    assert quits["ftp.reply", CLIENT] == [b"ok"]
    (found,) = transactions([(SERVER, b"USER " + long)])
    assert found["app-layer-event", SERVER] == [b"ftp.request_command_too_long"]
    assert found["ftp.command", SERVER] == [b"USER"]
    assert len(found["ftp.command_data", SERVER][0]) == LINE_LIMIT - 5
    assert not transactions([(SERVER, b"X" * LINE_LIMIT + b"USER\r\n")])[0], "no command is too long"


@pytest.mark.parametrize(
    ("line", "command", "data"),
    [
        (b"XCWD /tmp", [b"CWD"], [b"/tmp"]),
        (b"auth tls", [b"AUTH TLS"], None),
        (b"SITE CHMOD 755 a", [b"SITE"], [b"CHMOD 755 a"]),
        (b"FEAT", None, None),
    ],
)
def test_a_command_is_a_name_anywhere(
    line: bytes, command: list[bytes] | None, data: list[bytes] | None
) -> None:
    (found,) = transactions([(SERVER, line + b"\r\n")])
    assert found.get(("ftp.command", SERVER)) == command
    assert found.get(("ftp.command_data", SERVER)) == data


def test_a_data_connection_serves_one_command() -> None:
    parser = FtpParser()
    parser.feed(SERVER, b"PORT 10,0,0,1,4,1\r\nRETR a\r\nRETR b\r\n", 0)
    assert [one.port for one in parser.arranged] == [1025]


def test_what_is_encrypted_is_another_protocol() -> None:
    parser = FtpParser()
    parser.feed(SERVER, b"AUTH TLS\r\n", 0)
    parser.feed(CLIENT, b"234 go\r\n", 0)
    successor = parser.successor()
    assert successor is not None
    assert successor.application == "tls"


def test_commands_that_nobody_answers() -> None:
    parser = FtpParser()
    found = parser.feed(SERVER, b"NOOP\r\n" * (MOST_OPEN + 1), 0)
    assert not any(one.events[SERVER] for one in found)
    odd = [one for one in parser.feed(SERVER, b"QUIT\r\n" * 2, 0) if one.events[SERVER]]
    assert [(one.command, list(one.events[SERVER])) for one in odd] == [
        (b"NOOP", ["ftp.too_many_transactions"])
    ]
    assert parser.over()


def test_lost_bytes_cost_a_line() -> None:
    parser = FtpParser()
    parser.feed(SERVER, b"USE", 0)
    (found,) = parser.feed(SERVER, b"nna\r\nPASS x\r\n", 4)
    assert seen(found)["ftp.command", SERVER] == [b"PASS"]


PIECES = [
    b"USER a\r\n",
    b"PASV\r\n",
    b"227 (1,2,3,4,999,999)\r\n",
    b"220-\r\n",
    b"220 \r\n",
    b"\n",
    b"150 \n",
    b"AUTH\n",
]
piece = st.one_of(st.sampled_from(PIECES), st.binary(max_size=30))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), piece, st.sampled_from([0, 0, 0, 7])), max_size=25)
)
def test_nothing_raises(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = FtpParser()
    found: list[Transaction] = []
    for direction, data, gap in pieces:
        found += parser.feed(direction, data, gap)
    found += parser.finish()
    for transaction in found:
        assert all(isinstance(one, bytes) for data in seen(transaction).values() for one in data)


@pytest.mark.parametrize("endless", [b"A" * 9000, b"\r\n" * 4000, b"A" * 4000 + b"\r\n"])
def test_endless_input_is_bounded(endless: bytes) -> None:
    parser = FtpParser()
    for _ in range(600):
        parser.feed(SERVER, endless, 0)
        parser.feed(CLIENT, b"331-" + endless, 0)
        assert parser.held() <= (2 * MOST_OPEN + 4) * (LINE_LIMIT + 256)
