"""FTP's data connections: known by what the control connection arranged, in both modes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detect.applayer.test_scan import Connection, scan, sids
from vpi_tui.detect.applayer.expectations import MOST_EXPECTED, Arranged, Expectations
from vpi_tui.detect.applayer.ftp.parser import FtpTransaction

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


def test_what_is_expected_is_bounded() -> None:
    expected = Expectations()
    hosts = (b"a", b"b")
    for port in range(MOST_EXPECTED + 5):
        expected.add(hosts, Arranged("ftp-data", port, FtpTransaction()))
    assert len(expected.ports) == MOST_EXPECTED
    assert expected.take(hosts, 0) is None
    found = expected.take((b"b", b"a"), 9)
    assert found is not None
    assert found.port == 9
    assert expected.take(hosts, 9) is None
