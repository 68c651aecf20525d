"""What pass rules let through, and for how long."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import TCP
from scapy.utils import wrpcap

from tests.detect.applayer.test_scan import Connection, scan, sids
from tests.detect.match.build import Packet, Stretch, column, content, matcher_of, rule, run
from vpi_tui.cli.main import main
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.signature import Action, Signature

SYN, RST, ACK = 2, 4, 16


def web(action: str, condition: str) -> str:
    return f"{action} http any any -> any any ({condition})"


def passing(**options: object) -> Signature:
    return rule(2, action=Action.PASS, steps=(content(b"ok"),), **options)


def told(action_scope: str, packets: list[Packet], stretches: list[Stretch] | None = None) -> list[int]:
    """Rows on which a rule about any packet alerts beside a pass rule about a content."""
    rules = (passing(action_scope=action_scope), rule(1, columns=(column("first", (0, 255)),)))
    return [match.row for match in run(matcher_of(*rules), packets, stretches)]


def test_a_packet_is_passed_or_its_flow() -> None:
    packets = [Packet(), Packet(b"ok"), Packet()]
    assert told("auto", packets) == [0, 2]
    assert told("packet", packets) == [0, 2]
    assert told("flow", packets) == [0]


def test_what_is_found_in_a_stream_passes_the_flow_unless_the_rule_says_otherwise() -> None:
    packets = [Packet(), Packet(b"ok", taken=True), Packet()]
    stretches = [Stretch(b"ok", row=1)]
    assert told("auto", packets, stretches) == [0]
    assert told("packet", packets, stretches) == [0, 2]


def test_a_rule_about_the_application_passes_the_flow() -> None:
    app = rule(2, action=Action.PASS, protocol="ssh")
    other = rule(1, columns=(column("first", (0, 255)),))
    packets = [Packet(), Packet(app=APP_PROTOS.index("ssh")), Packet()]
    matches = run(matcher_of(app, other), packets)
    assert [match.row for match in matches] == [0]


@pytest.mark.parametrize(
    ("options", "whole"),
    [
        ("flow:to_server;", True),
        ("flow:to_server; flowbits:set,seen;", True),
        ("flow:to_server,established;", False),
        ("flow:to_server; flowbits:isnotset,seen;", False),
        ("flow:to_server; dsize:>0;", False),
    ],
)
def test_a_rule_about_the_application_that_asks_more_passes_packets(
    tmp_path: Path, options: str, whole: bool
) -> None:
    connection = Connection()
    for _ in range(4):
        connection.client(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.server(b"HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 1\r\n\r\nx")
    rules = web("pass", options), web("alert", 'http.server; content:"s";')
    alerts = len(scan(tmp_path, connection.close().packets, *rules))
    assert alerts <= 1 if whole else alerts >= 3


@pytest.mark.parametrize(("action", "alerts"), [("pass:tx", 2), ("pass:flow", 1), ("pass", 1)])
def test_a_transaction_is_passed_and_not_the_next(tmp_path: Path, action: str, alerts: int) -> None:
    connection = Connection()
    for path in (b"/a", b"/b", b"/c"):
        connection.client(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.server(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    rules = web(action, 'http.uri; content:"/b";'), web("alert", 'http.stat_code; content:"200";')
    found = scan(tmp_path, connection.close().packets, *rules, web("alert", 'http.uri; content:"/";'))
    assert sids(found) == {2: alerts, 3: alerts}


@pytest.mark.parametrize(
    ("setting", "late", "whole"),
    [
        ("ignore", 1, 1),
        ("pass-flow", 0, 1),
    ],
)
def test_connections_whose_start_was_not_seen(tmp_path: Path, setting: str, late: int, whole: int) -> None:
    connection = Connection().client(b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
    settings = "stream.midstream=true", f"stream.midstream-policy={setting}"
    alert = web("alert", 'http.uri; content:"/b";')
    assert sids(scan(tmp_path, connection.packets[3:], alert, settings=settings))[1] == late
    assert sids(scan(tmp_path, connection.packets, alert, settings=settings))[1] == whole


@pytest.mark.parametrize(("flags", "passed"), [("S", 0), ("SA", 1), ("A", 1), ("PA", 1), ("R", 0), ("F", 0)])
def test_which_first_segments_are_of_a_connection_underway(tmp_path: Path, flags: str, passed: int) -> None:
    segment = Connection().client(b"abc").packets[-1]
    segment[TCP].flags = flags
    settings = ("stream.midstream-policy=pass-flow",)
    found = scan(tmp_path, [segment], 'alert tcp any any -> any any (content:"abc";)', settings=settings)
    assert len(found) == 1 - passed


def test_a_policy_that_would_contradict_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrpcap(str(tmp_path / "c.pcap"), Connection().packets)
    words = ["--set", "stream.midstream=yes", "--set", "stream.midstream-policy=bypass"]
    assert main(["scan", "-r", str(tmp_path / "c.pcap"), *words]) != 0
    assert "Write pass-flow or ignore" in capsys.readouterr().err


def test_a_pass_rule_may_alert_before_it_lets_all_else_through(tmp_path: Path) -> None:
    connection = Connection()
    for path in (b"/a", b"/b", b"/c"):
        connection.client(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.server(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    packets = connection.close().packets
    other = web("alert", 'http.method; content:"GET";')
    passing = web("pass", 'http.uri; content:"/"; alert;')
    assert sids(scan(tmp_path, packets, passing, other)) == {1: 1}
    passing = web("pass:tx", 'http.uri; pcre:"/[bc]/"; alert;')
    assert sids(scan(tmp_path, packets, passing, other)) == {1: 2, 2: 1}
    passing = web("pass", 'http.uri; content:"/"; alert; noalert;')
    assert not sids(scan(tmp_path, packets, passing, other))
