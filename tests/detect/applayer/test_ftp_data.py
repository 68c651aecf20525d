"""FTP's data connections: known by what the control connection arranged, in both modes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.detect.applayer.test_scan import Connection, scan, sids
from vpi_tui.detect.applayer.expectations import (
    MOST_EXPECTED,
    MOST_OF_PAIR,
    Arranged,
    Control,
    Expectations,
)
from vpi_tui.detect.applayer.ftp.parser import FtpParser, FtpTransaction
from vpi_tui.model.batch import Direction

DATA = b"root:x:0:0" * 500
RULES = (
    'alert ftp-data any any -> any any (ftpdata_command:stor; flow:to_server; file_data; content:"root";)',
    'alert ftp-data any any -> any any (ftpdata_command:retr; flow:to_client; file_data; content:"root";)',
    'alert ftp-data any any -> any any (ftpdata_command:stor; flow:to_client; file_data; content:"root";)',
    'alert ftp-data any any -> any any (filename:"passwd"; filesize:5000;)',
    'alert ftp-data any any -> any any (file.name; content:"passwd"; flow:to_server; ftpdata_command:retr;)',
    "alert tcp any any -> any any (ftpbounce;)",
)
CALLED_BACK = (
    'alert ftp-data any any -> any any (flow:to_server; filename:"passwd"; file_data; content:"root";)',
    "alert ftp-data any any -> any any (ftpdata_command:stor;)",
    "alert ftp-data any any -> any any (ftpdata_command:retr;)",
)


def control(command: bytes, arrangement: bytes, reply: bytes) -> Connection:
    made = Connection(21, 40_021).server(b"220 hi\r\n").client(arrangement).server(reply)
    return made.client(command + b" passwd\r\n").server(b"150 go on\r\n")


@pytest.mark.parametrize(
    ("command", "expected"), [(b"STOR", {1: 1, 4: 1}), (b"RETR", {2: 1, 4: 1}), (b"LIST", {})]
)
@pytest.mark.parametrize(
    ("arrangement", "reply"),
    [
        (b"PASV\r\n", b"227 Entering (10,0,0,2,195,80).\r\n"),
        (b"EPSV\r\n", b"229 Entering (|||50000|)\r\n"),
    ],
)
def test_passive(
    tmp_path: Path, command: bytes, expected: dict[int, int], arrangement: bytes, reply: bytes
) -> None:
    first = control(command, arrangement, reply)
    second = Connection(50_000, 40_022)
    (second.client if command == b"STOR" else second.server)(DATA)
    events = scan(tmp_path, first.packets + second.close().packets, *RULES)
    assert sids(events) == expected


@pytest.mark.parametrize(("command", "expected"), [(b"STOR", {4: 1, 8: 1}), (b"RETR", {4: 1, 7: 1, 9: 1})])
def test_active_turns_the_directions(tmp_path: Path, command: bytes, expected: dict[int, int]) -> None:
    """The server of the data connection is the FTP client; here the two hosts stay where they are. A command
    is seen in the direction of a passive transfer all the same, as in Suricata."""
    first = control(command, b"PORT 10,0,0,1,195,80\r\n", b"200 ok\r\n")
    second = Connection(50_000, 20)
    (second.server if command == b"STOR" else second.client)(DATA)
    events = scan(tmp_path, first.packets + second.close().packets, *RULES, *CALLED_BACK)
    assert sids(events) == expected


def test_a_third_host_is_a_bounce(tmp_path: Path) -> None:
    first = control(b"RETR", b"PORT 10,0,0,9,195,80\r\n", b"200 ok\r\n")
    assert sids(scan(tmp_path, first.close().packets, *RULES)) == {6: 1}


@pytest.mark.parametrize("arrangement", [b"PORT 10,0,0,1,0,80\r\n", b"EPRT |1|10.0.0.1|80|\r\n"])
def test_what_looks_like_something_else_is_not_hidden_by_an_arrangement(
    tmp_path: Path, arrangement: bytes
) -> None:
    """Nobody has to log in to announce a port, be it one where a server listens."""
    first = control(b"RETR", arrangement, b"530 log in first\r\n")
    second = Connection(80, 40_022).client(b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n").close()
    rules = (*RULES, 'alert http any any -> any any (http.uri; content:"/evil";)')
    assert sids(scan(tmp_path, first.packets + second.packets, *rules)) == {7: 1}


def arranged(port: int) -> Arranged:
    return Arranged("ftp-data", port, FtpTransaction())


def test_what_is_expected_is_bounded() -> None:
    expected = Expectations()
    for port in range(MOST_EXPECTED + 5):
        expected.add((b"a", b"%d" % port), arranged(port), Control(1, 1))
    assert len(expected.ports) == MOST_EXPECTED
    assert expected.take((b"a", b"0"), 0) is None
    found = expected.take((b"9", b"a"), 9)
    assert found is not None
    assert found.port == 9
    assert expected.take((b"a", b"9"), 9) is None


def test_two_hosts_take_the_room_of_no_others() -> None:
    expected = Expectations()
    expected.add((b"c", b"d"), arranged(7), Control(1, 1))
    for port in range(MOST_EXPECTED + 5):
        expected.add((b"a", b"b"), arranged(port), Control(1, 1))
    assert len(expected.ports) == MOST_OF_PAIR + 1
    assert expected.take((b"b", b"a"), MOST_EXPECTED - 6) is None
    assert expected.take((b"b", b"a"), MOST_EXPECTED - 5) is not None
    assert expected.take((b"c", b"d"), 7) is not None


def test_a_control_connection_makes_room_among_its_own() -> None:
    """Many clients may stand behind one address."""
    expected, hosts = Expectations(), (b"a", b"b")
    expected.add(hosts, arranged(7), Control(1, 1))
    for port in range(1_000, 1_100):
        expected.add(hosts, arranged(port), Control(2, 1))
    assert len(expected) == MOST_OF_PAIR
    assert expected.take(hosts, 7) is not None
    assert expected.take(hosts, 1_099) is not None


def test_control_connections_of_a_pair_share_its_room() -> None:
    expected, hosts = Expectations(), (b"a", b"b")
    for port in range(20):
        expected.add(hosts, arranged(port), Control(port, 1))
    assert sorted(expected.ports) == list(range(20 - MOST_OF_PAIR, 20))


@pytest.mark.parametrize("invented", ["client", "server"])
def test_a_host_with_invented_peers_takes_the_room_of_no_others(invented: str) -> None:
    expected = Expectations()
    expected.add((b"c", b"d"), arranged(7), Control(1, 1))
    for number in range(2 * MOST_EXPECTED):
        peer = b"%d" % number
        hosts = (peer, b"x") if invented == "client" else (b"x", peer)
        expected.add(hosts, arranged(number), Control(2 + number, 1))
    assert len(expected) == MOST_EXPECTED
    assert expected.take((b"c", b"d"), 7) is not None
    assert expected.take((peer, b"x"), number) is not None


def test_a_port_of_a_switch_behind_which_both_ends_are_invented_takes_the_room_of_no_other() -> None:
    expected = Expectations()
    expected.add((b"c", b"d"), arranged(7), Control(1, 5))
    for number in range(2 * MOST_EXPECTED):
        expected.add((b"%d" % number, b"x%d" % number), arranged(number), Control(2 + number, 6))
    assert len(expected) == MOST_EXPECTED
    assert expected.take((b"c", b"d"), 7) is not None


def test_a_port_is_expected_until_its_last_flow_has_come() -> None:
    expected = Expectations()
    for host in (b"a", b"b", b"b"):
        expected.add((host, b"z"), arranged(7), Control(1, 1))
    assert expected.take((b"a", b"z"), 7) is not None
    assert 7 in expected.ports
    assert expected.take((b"b", b"z"), 7) is not None
    assert 7 not in expected.ports
    assert not expected


def test_a_flood_of_arrangements_is_cheap() -> None:
    expected = Expectations()
    began = time.process_time()
    for number in range(4 * MOST_EXPECTED):
        expected.add((b"a", b"%d" % number), arranged(number % 65_536), Control(1, 1))
    assert time.process_time() - began < 1


def test_an_arrangement_keeps_no_replies() -> None:
    parser = FtpParser()
    parser.feed(Direction.TO_SERVER, b"PORT 10,0,0,1,195,80\r\nRETR a\r\n", 0)
    parser.feed(Direction.TO_CLIENT, b"200 ok\r\n" + b"550-no\r\n" * 200, 0)
    (found,) = parser.arranged
    assert isinstance(found.cause, FtpTransaction)
    assert (found.cause.command, found.cause.argument, found.cause.replies) == (b"RETR", b"a", [])
