"""What each direction looks like by itself, and the events of the detection of protocols."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, UDP

from tests.stream.scanning import Connection, numbers, scan
from vpi_tui.engine import pacing
from vpi_tui.flow.kernels_recognition import GIVEN_UP
from vpi_tui.model.detection_events import DetectionEvent, rule_name

REQUEST, BANNER = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NOTHING = b"\x01" * 40
EVENTS = [
    f"alert ip any any -> any any (flow:established; app-layer-event:{rule_name(event)}; sid:{event};)"
    for event in DetectionEvent
]


@pytest.fixture
def talk() -> Connection:
    return Connection().open()


def events(folder: Path, talk: Connection) -> list[tuple[str, int]]:
    """(event, number of the packet behind the handshake)."""
    alerts, _ = scan(folder, EVENTS, talk.packets)
    return [(rule_name(DetectionEvent(a.sid)).removeprefix("applayer_"), a.packet_number - 3) for a in alerts]


def test_an_ordinary_conversation_is_not_odd(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, REQUEST).answer(0, RESPONSE).at(len(REQUEST), REQUEST)
    assert events(tmp_path, talk) == []


def test_two_protocols_at_once(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, REQUEST).answer(0, BANNER).answer(len(BANNER), b"Protocol mismatch.\n")
    assert events(tmp_path, talk) == [("mismatch_protocol_both_directions", 2)]


def test_a_banner_that_comes_in_pieces_is_one(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, REQUEST).answer(0, BANNER[:3]).answer(3, BANNER[3:])
    assert events(tmp_path, talk) == [("mismatch_protocol_both_directions", 3)]


def test_an_answer_that_is_nothing(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, REQUEST).answer(0, NOTHING).answer(len(NOTHING), NOTHING)
    assert events(tmp_path, talk) == [("detect_protocol_only_one_direction", 2)]


def test_a_server_that_speaks_unasked(tmp_path: Path, talk: Connection) -> None:
    talk.answer(0, b"hello?").at(0, REQUEST)
    assert events(tmp_path, talk) == [("wrong_direction_first_data", 2)]


def test_much_of_nothing_and_no_answer(tmp_path: Path, talk: Connection) -> None:
    size = 1400
    for place in range(0, GIVEN_UP + 5 * size, size):
        talk.at(place, b"\x01" * size).acked(place + size)
    assert events(tmp_path, talk) == [("proto_detection_skipped", 2 * (GIVEN_UP // size) + 1)]


@pytest.mark.parametrize("odd", [False, True])
def test_what_follows_starttls(tmp_path: Path, talk: Connection, odd: bool) -> None:
    commands = b"EHLO a\r\n", b"STARTTLS\r\n"
    talk.answer(0, b"220 a ESMTP\r\n").at(0, commands[0]).answer(13, b"250 a\r\n").at(8, commands[1])
    talk.answer(20, b"220 go ahead\r\n").at(
        18, b"MAIL FROM:<a>\r\n" if odd else b"\x16\x03\x01\0\x05\1\0\0\1\0"
    )
    # A server of SMTP is not known by its greeting, but by its port.
    found = [name for name, _ in events(tmp_path, talk) if "one_direction" not in name]
    assert found == (["no_tls_after_starttls", "unexpected_protocol"] if odd else [])


def modes(*texts: str) -> list[str]:
    """Rules 1, 2, ... of one keyword for each text, of several where there is a +."""
    options = [text.replace("+", "; app-layer-protocol:") for text in texts]
    return [
        f"alert ip any any -> any any (app-layer-protocol:{option}; sid:{sid};)"
        for sid, option in enumerate(options, 1)
    ]


def test_each_direction_is_asked_for_by_itself(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, REQUEST).answer(0, BANNER).at(len(REQUEST), b"", "A").answer(len(BANNER), b"", "A")
    rules = modes(
        "http1,to_server+ssh,to_client", "ssh,either", "!ssh,to_server", "ssh,to_server", "!ssh,to_client",
        "http1,original", "http1,final",
    )  # fmt: skip
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert {alert.sid for alert in alerts} == {1, 2, 3, 7}


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_side_is_known_from_its_packet_on(
    tmp_path: Path, talk: Connection, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """And not from the batch's beginning."""
    monkeypatch.setattr(pacing, "SLICE", size)
    talk.at(0, REQUEST).answer(0, b"").at(len(REQUEST), b"").answer(0, BANNER).at(len(REQUEST), b"")
    talk.answer(len(BANNER), b"more")
    rules = modes("http1,to_server+ssh,to_client", "ssh,either", "ssh", "http,final", "!dns,either")
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert sorted((a.sid, a.packet_number - 3) for a in alerts) == [
        (1, 6), (2, 6), (3, 6), (4, 3), (4, 6), (5, 3), (5, 6),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_first_bytes_in_pieces_name_what_comes_behind(
    tmp_path: Path, talk: Connection, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(pacing, "SLICE", size)
    talk.at(0, REQUEST[:2], "A").at(2, REQUEST[2:]).answer(0, b"").at(len(REQUEST), REQUEST)
    rules = [*modes("http,final"), 'alert http any any -> any any (http.uri; content:"nowhere"; sid:9;)']
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert sorted((a.sid, a.packet_number - 3) for a in alerts) == [(1, 4)]


def test_a_packet_is_asked_about_its_own_direction(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, REQUEST).answer(0, BANNER).at(len(REQUEST), REQUEST).answer(len(BANNER), NOTHING)
    rules = modes(
        "ssh",
        "http",
        "ssh|http1,exact,to_client",
        "!http",
        "!http|ssh",
        "!ssh,either",
        "!tls|dns,either",
        "failed",
    )
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert {(a.sid, a.direction) for a in alerts if a.sid in (1, 2, 4)} == {
        (1, "to_client"), (2, "to_server"), (4, "to_client")
    }  # fmt: skip
    assert {alert.sid for alert in alerts} == {1, 2, 3, 4, 7}


def test_a_flow_that_changed_was_another_at_first(tmp_path: Path, talk: Connection) -> None:
    ask = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    answer = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    talk.at(0, ask).answer(0, answer).answer(len(answer), b"\x81\x02hi")
    rules = [
        *modes("http1,original+websocket,final", "websocket,original"),
        'alert http any any -> any any (http.uri; content:"nowhere"; sid:9;)',
        'alert websocket any any -> any any (websocket.payload; content:"nowhere"; sid:10;)',
    ]
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert {alert.sid for alert in alerts} == {1}


def test_datagrams_are_what_their_flow_is(tmp_path: Path) -> None:
    query = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=4000) / DNS(rd=1, qd=DNSQR(qname="a.example"))
    query.time = 1000.0
    alerts, _ = scan(tmp_path, modes("dns,either", "dns,to_client+tls,to_server", "!dns,either"), [query])
    assert [(a.sid, n) for a, n in zip(alerts, numbers(alerts), strict=True)] == [(1, 1)]


def places(folder: Path, talk: Connection, *texts: str) -> list[list[int]]:
    """Numbers of the packets behind the handshake on which each rule alerts."""
    alerts, _ = scan(folder, modes(*texts), talk.packets)
    return [[a.packet_number - 3 for a in alerts if a.sid == sid] for sid in range(1, len(texts) + 1)]


def test_one_direction_that_is_nothing_is_not_known_to_be(tmp_path: Path, talk: Connection) -> None:
    """The other one may still say what it is."""
    for place in range(0, 160, 40):
        talk.at(place, NOTHING)
    assert places(tmp_path, talk, "failed", "!http", "!http,final", "failed,either") == [[], [], [], []]


def test_two_directions_that_are_nothing_are(tmp_path: Path, talk: Connection) -> None:
    """And each of them says so once, with its next packet."""
    for place in range(0, 160, 40):
        talk.at(place, NOTHING).answer(place, NOTHING)
    found = places(tmp_path, talk, "failed", "!http", "!http,final", "failed,final", "unknown,final")
    assert found == [[3, 4], [3, 4], [3, 4], [3, 4], [-2, -1, 0, 1]]


def test_few_bytes_are_enough_to_be_nothing(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, NOTHING[:17]).answer(0, NOTHING[:10]).at(17, b"\1").answer(10, b"\1")
    assert places(tmp_path, talk, "failed") == [[3, 4]]


def test_a_rule_that_asks_more_of_the_flow_is_about_each_packet(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, REQUEST).answer(0, RESPONSE).at(len(REQUEST), REQUEST).answer(len(RESPONSE), RESPONSE)
    rules = [
        "alert tcp any any -> any any (flow:to_server; app-layer-protocol:http; sid:1;)",
        "alert tcp any any -> any any (flow:established,to_server; app-layer-protocol:http; sid:2;)",
    ]
    talk.at(2 * len(REQUEST), b"")
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert [(a.sid, a.packet_number - 3) for a in alerts] == [(2, 1), (1, 3), (2, 3), (2, 5)]


def test_no_parser_sees_a_server_that_spoke_unasked(tmp_path: Path, talk: Connection) -> None:
    """The client's direction is what it looks like all the same."""
    talk.answer(0, b"hello?").at(0, REQUEST).answer(6, RESPONSE).at(len(REQUEST), REQUEST)
    rules = [
        *modes("http", "http,final", "failed,final", "failed"),
        'alert http any any -> any any (http.uri; content:"/"; sid:9;)',
        "alert http any any -> any any (flow:to_server; sid:10;)",
    ]
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert [(a.sid, a.packet_number - 3) for a in alerts] == [(3, 3), (4, 3), (1, 4), (3, 4)]


def test_each_direction_of_datagrams_says_so_twice(tmp_path: Path) -> None:
    packets = []
    for number in range(6):
        one = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=4000, dport=4001) / (b"\1" * 20)
        if number % 2:
            one = IP(src="10.0.0.2", dst="10.0.0.1") / UDP(sport=4001, dport=4000) / (b"\1" * 20)
        one.time = 1000.0 + number
        packets.append(one)
    alerts, _ = scan(tmp_path, modes("failed", "!dns,final", "dns"), packets)
    assert sorted((a.sid, a.packet_number) for a in alerts) == [
        (sid, number) for sid in (1, 2) for number in (1, 2, 3, 4)
    ]


def test_first_bytes_of_a_client_met_midway_have_to_tell(tmp_path: Path) -> None:
    """Or else its requests might begin anywhere."""
    rules = [
        *modes("failed", "http"),
        'alert http any any -> any any (http.stat_code; content:"200"; sid:9;)',
    ]
    for first, wanted in ((NOTHING, {1}), (REQUEST, {2, 9}), (NOTHING[:9], {1, 2, 9})):
        talk = Connection().at(0, first).answer(0, RESPONSE).at(len(first), b"").answer(len(RESPONSE), b"")
        talk.at(len(first), REQUEST).answer(len(RESPONSE), RESPONSE).at(len(first) + len(REQUEST), b"")
        alerts, _ = scan(tmp_path, rules, talk.packets, options={"stream.midstream": "yes"})
        assert {alert.sid for alert in alerts} == wanted, first


@pytest.mark.parametrize(
    ("said", "odd"), [(b"AUTH LOGIN\r\n", False), (b"\1" * 5_000, True), (b"QUIT\r\n", True)]
)
def test_what_is_nothing_behind_starttls_may_yet_become_tls(
    tmp_path: Path, talk: Connection, said: bytes, odd: bool
) -> None:
    talk.answer(0, b"220 a ESMTP\r\n").at(0, b"EHLO a\r\n").answer(13, b"250 a\r\n").at(8, b"STARTTLS\r\n")
    talk.answer(20, b"220 go ahead\r\n")
    for place in range(0, len(said), 1_000):
        talk.at(18 + place, said[place : place + 1_000])
    found = [name for name, _ in events(tmp_path, talk) if "one_direction" not in name]
    assert found == (["no_tls_after_starttls", "unexpected_protocol"] if odd else [])
