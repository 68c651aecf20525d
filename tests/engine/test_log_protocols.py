"""What events of application layers say of their flow: which way, and what it was before."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import GRE, Ether
from scapy.layers.snmp import SNMP, SNMPget, SNMPresponse
from scapy.layers.vxlan import VXLAN

from tests.detect.applayer.test_describe_sessions import TICKET
from tests.detect.applayer.test_scan import REQUEST, Connection
from tests.detect.applayer.test_successors import CONNECT, HELLO, SMTP
from tests.detect.applayer.test_tls import message
from tests.engine.test_log import scan
from vpi_tui.engine import log
from vpi_tui.model.batch import Direction
from vpi_tui.output.evidence import printable

NO_RULES = "# none\n"
RESUMING = message(1, b"\3\3" + bytes(33) + b"\0\2\0\x2f\1\0" + TICKET)
"""A hello of which the log tells, whatever comes of it."""


def talk(connection: Connection, said: list[tuple[int, bytes]]) -> Connection:
    for direction, data in said:
        (connection.client if direction == Direction.TO_SERVER else connection.server)(data)
    return connection


def of_type(found: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(event for event in found if event["event_type"] == kind)


def test_tls_tells_what_its_flow_was_before(tmp_path: Path) -> None:
    connection = talk(Connection(25), SMTP).client(RESUMING).close()
    found = scan(tmp_path, connection, NO_RULES)
    assert of_type(found, "tls")["tls"]["from_proto"] == "smtp"
    assert of_type(found, "smtp")["app_proto"] == "smtp"
    assert of_type(found, "tls")["app_proto"] == "tls"


def test_an_alert_tells_what_its_flow_was_before(tmp_path: Path) -> None:
    connection = talk(Connection(80), CONNECT).client(HELLO).close()
    rule = 'alert tls any any -> any any (msg:"m"; tls.sni; content:"inside"; sid:1;)\n'
    found = scan(tmp_path, connection, rule)
    alert = of_type(found, "alert")
    assert (alert["app_proto"], alert["app_proto_orig"]) == ("tls", "http")
    assert of_type(found, "http")["app_proto"] == "http"


def test_a_flow_that_has_always_been_tls_says_nothing_of_it(tmp_path: Path) -> None:
    found = scan(tmp_path, Connection(443).client(RESUMING).close(), NO_RULES)
    assert "from_proto" not in of_type(found, "tls")["tls"]


def test_a_handshake_that_fails_is_told_with_its_alerts_alone(tmp_path: Path) -> None:
    rule = 'alert tls any any -> any any (msg:"m"; tls.sni; content:"inside"; sid:1;)\n'
    found = scan(tmp_path, Connection(443).client(HELLO).close(), rule)
    assert of_type(found, "alert")["tls"]["sni"] == "inside.example"
    assert not [event for event in found if event["event_type"] == "tls"]


@pytest.mark.parametrize("asked", [True, False])
def test_the_source_of_a_message_is_who_sent_it(tmp_path: Path, asked: bool) -> None:
    connection = Connection()
    there, back = (
        (IP(src="10.0.0.1", dst="10.0.0.2"), 40_000, 161),
        (IP(src="10.0.0.2", dst="10.0.0.1"), 161, 40_000),
    )
    connection.packets = [
        Ether() / ip / UDP(sport=source, dport=dest) / SNMP(community=b"c", PDU=pdu)
        for (ip, source, dest), pdu in ((there, SNMPget()), (back, SNMPresponse()))
    ]
    kind = "get_request" if asked else "response"
    found = scan(tmp_path, connection, NO_RULES, "--events", "snmp")
    (told,) = (event for event in found if event["snmp"]["pdu_type"] == kind)
    ends = [(told[f"{end}_ip"], told[f"{end}_port"]) for end in ("src", "dest")]
    assert ends == (
        [("10.0.0.1", 40_000), ("10.0.0.2", 161)] if asked else [("10.0.0.2", 161), ("10.0.0.1", 40_000)]
    )


def test_the_class_of_an_alert_may_be_written_in_capitals(tmp_path: Path) -> None:
    rule = 'alert tcp any any -> any any (content:"POST"; classtype:Trojan-Activity; sid:1;)\n'
    (alert,) = scan(tmp_path, Connection().client(REQUEST).close(), rule, "--events", "alert")
    assert alert["alert"]["category"] == "A Network Trojan was detected"


@pytest.mark.parametrize("shown", [True, False])
def test_an_alert_tells_the_frame_that_it_was_raised_on(tmp_path: Path, shown: bool) -> None:
    rule = 'alert http any any -> any any (msg:"m"; frame:request; content:"POST"; startswith; sid:1;)\n'
    settings = ("--set", f"eve.payload={'yes' if shown else 'no'}", "--events", "alert")
    (alert,) = scan(tmp_path, Connection().client(REQUEST).close(), rule, *settings)
    told = {"type": "request", "direction": "toserver", "complete": True, "length": len(REQUEST)}
    if shown:
        told["payload"] = base64.b64encode(REQUEST).decode()
        told["payload_printable"] = printable(REQUEST)
    assert alert["frame"] == told


def test_a_frame_to_the_client_of_which_rules_see_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "FRAME_LIMIT", 10)
    rule = 'alert http any any -> any any (msg:"m"; frame:response; content:"200"; sid:1;)\n'
    answered = Connection().client(REQUEST).server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    (alert,) = scan(tmp_path, answered.close(), rule, "--events", "alert")
    assert alert["frame"] == {"type": "response", "direction": "toclient", "complete": False}


def tunnelled(tmp_path: Path, *packets: Any) -> dict[str, Any]:
    connection = Connection()
    connection.packets = list(packets)
    rule = 'alert udp any any -> any 161 (msg:"m"; content:"public"; sid:1;)\n'
    (alert,) = scan(tmp_path, connection, rule, "--events", "alert")
    return alert


INSIDE = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=4000, dport=161) / SNMP(PDU=SNMPget())
OUTSIDE = {"src_ip": "192.0.2.1", "dest_ip": "192.0.2.2", "pcap_cnt": 1, "pkt_src": "wire/pcap"}


def outer() -> IP:
    return IP(src="192.0.2.1", dst="192.0.2.2")


def test_an_alert_tells_the_tunnel_that_it_came_through(tmp_path: Path) -> None:
    alert = tunnelled(
        tmp_path, Ether() / outer() / UDP(sport=5555, dport=4789) / VXLAN(vni=7) / Ether() / INSIDE
    )
    assert alert["pkt_src"] == "vxlan encapsulation"
    assert alert["src_ip"] == "10.0.0.1"
    assert alert["tunnel"] == OUTSIDE | {"src_port": 5555, "dest_port": 4789, "proto": "UDP", "depth": 1}


def test_of_tunnels_in_tunnels_the_outermost_is_told(tmp_path: Path) -> None:
    middle = IP(src="198.51.100.1", dst="198.51.100.2", proto=4)
    alert = tunnelled(tmp_path, Ether() / outer() / GRE() / middle / INSIDE)
    assert alert["pkt_src"] == "ipv4 tunnel"
    assert alert["tunnel"] == OUTSIDE | {"src_port": 0, "dest_port": 0, "proto": "GRE", "depth": 2}


def test_what_came_through_no_tunnel_has_none(tmp_path: Path) -> None:
    alert = tunnelled(tmp_path, Ether() / INSIDE)
    assert alert["pkt_src"] == "wire/pcap"
    assert "tunnel" not in alert


def test_events_of_application_layers_tell_the_tunnel(tmp_path: Path) -> None:
    connection = Connection()
    connection.packets = [Ether() / outer() / GRE() / INSIDE]
    (told,) = scan(tmp_path, connection, NO_RULES, "--events", "snmp")
    assert told["pkt_src"] == "gre tunnel"


REMEMBERING = (
    'alert http any any -> any any (http.method; content:"POST"; flowbits:set,traffic/label/web;'
    " flowbits:set,seen; flowint:count,=,3; noalert; sid:1;)\n"
)


def test_a_flow_tells_what_rules_have_left_with_it(tmp_path: Path) -> None:
    marked, plain = Connection(sport=40_001).client(REQUEST).close(), Connection(sport=40_002).close()
    marked.packets += plain.packets
    found = scan(tmp_path, marked, REMEMBERING, "--events", "flow")
    first, second = sorted(found, key=lambda event: int(event["src_port"]))
    assert first["traffic"] == {"label": ["web"]}
    assert first["metadata"] == {"flowbits": ["seen"], "flowints": {"count": 3}}
    assert not {"traffic", "metadata"} & second.keys()


def test_a_flow_that_follows_another_in_its_place_has_nothing_of_it(tmp_path: Path) -> None:
    again = Connection(sport=40_001).client(REQUEST).close()
    again.packets += Connection(sport=40_001).client(b"GET / HTTP/1.1\r\n\r\n").close().packets
    found = scan(tmp_path, again, REMEMBERING, "--events", "flow")
    assert ["metadata" in event for event in found] == [True, False]


def test_a_flow_that_a_rule_lets_through_says_so(tmp_path: Path) -> None:
    passed, plain = Connection(sport=40_001).client(REQUEST).close(), Connection(sport=40_002).close()
    passed.packets += plain.packets
    rule = 'pass http any any -> any any (msg:"m"; http.method; content:"POST"; sid:1;)\n'
    found = scan(tmp_path, passed, rule, "--events", "flow")
    first, second = sorted(found, key=lambda event: int(event["src_port"]))
    assert first["flow"]["action"] == "pass"
    assert "action" not in second["flow"]


def test_a_flow_tells_how_many_transactions_it_had(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    two = Connection(sport=40_001).client(REQUEST).server(answer).client(REQUEST).server(answer).close()
    two.packets += Connection(sport=40_001).client(REQUEST).packets  # in its place
    two.packets += Connection(sport=40_002).close().packets
    found = [event["flow"] for event in scan(tmp_path, two, NO_RULES) if event["event_type"] == "flow"]
    assert [flow.get("tx_cnt") for flow in found] == [2, 1, None]


def test_a_flow_whose_ends_begin_another_one_says_so(tmp_path: Path) -> None:
    again = Connection().client(REQUEST).close()
    again.packets += Connection().client(REQUEST).close().packets
    found = scan(tmp_path, again, NO_RULES)
    assert [e["flow"]["reason"] for e in found if e["event_type"] == "flow"] == ["tcp_reuse", "shutdown"]
    assert of_type(found, "stats")["stats"]["flow"]["tcp_reuse"] == 1


MISMATCH = (
    "alert tcp any any -> any any (app-layer-event:applayer_mismatch_protocol_both_directions; sid:1;)\n"
)


def test_a_flow_and_its_alert_tell_what_each_direction_looks_like(tmp_path: Path) -> None:
    mixed = Connection(8080).client(REQUEST).server(b"SSH-2.0-OpenSSH_9.6\r\n").client(b"x").close()
    found = scan(tmp_path, mixed, MISMATCH)
    for event in (of_type(found, "flow"), of_type(found, "alert")):
        assert (event["app_proto"], event["app_proto_tc"]) == ("http", "ssh")
        assert not {"app_proto_ts", "app_proto_orig"} & event.keys()


def test_a_direction_that_looks_like_nothing_has_failed(tmp_path: Path) -> None:
    odd = Connection(8080).client(REQUEST).server(bytes(range(128, 256)) * 4).client(b"x").close()
    flow = of_type(scan(tmp_path, odd, MISMATCH), "flow")
    assert (flow["app_proto"], flow["app_proto_tc"]) == ("http", "failed")


@pytest.mark.parametrize("rules", [NO_RULES, MISMATCH])
def test_a_flow_tells_what_it_was_before(tmp_path: Path, rules: str) -> None:
    found = scan(tmp_path, talk(Connection(25), SMTP).client(RESUMING).close(), rules)
    flow = of_type(found, "flow")
    assert (flow["app_proto"], flow["app_proto_orig"], flow["flow"]["tx_cnt"]) == ("tls", "smtp", 1)
    assert not {"app_proto_ts", "app_proto_tc"} & flow.keys()


def test_what_it_was_before_is_told_also_where_nobody_follows_what_it_is(tmp_path: Path) -> None:
    begun = talk(Connection(25), SMTP).client(RESUMING).close()
    flow = of_type(scan(tmp_path, begun, NO_RULES, "--events", "flow,smtp"), "flow")
    assert (flow["app_proto"], flow["app_proto_orig"], flow["flow"].get("tx_cnt")) == ("tls", "smtp", None)


def test_an_alert_about_a_transaction_is_of_what_the_flow_was_then(tmp_path: Path) -> None:
    rule = 'alert smtp any any -> any any (msg:"m"; smtp.helo; content:"me"; sid:1;)\n'
    alert = of_type(scan(tmp_path, talk(Connection(25), SMTP).client(RESUMING).close(), rule), "alert")
    assert alert["smtp"]["helo"] == "me"
    assert "app_proto_orig" not in alert


def test_an_alert_about_a_packet_tells_what_its_flow_was_before(tmp_path: Path) -> None:
    rule = 'alert tcp any any -> any any (msg:"m"; flags:F+; flow:to_server; sid:1;)\n'
    found = scan(tmp_path, talk(Connection(25), SMTP).client(RESUMING).close(), rule)
    assert of_type(found, "alert")["app_proto_orig"] == "smtp"


def stats_of(found: list[dict[str, Any]]) -> dict[str, Any]:
    layer: dict[str, Any] = [event for event in found if event["event_type"] == "stats"][-1]["stats"][
        "app_layer"
    ]
    return layer


def test_statistics_count_flows_and_transactions_by_application(tmp_path: Path) -> None:
    connection = talk(Connection(25), SMTP).client(RESUMING).close()
    connection.packets += Connection(80).client(REQUEST).packets
    there, back = (
        (IP(src="10.0.0.1", dst="10.0.0.2"), 40_000, 53),
        (IP(src="10.0.0.2", dst="10.0.0.1"), 53, 40_000),
    )
    for (ip, sport, dport), dns in ((there, DNS(qd=DNSQR(qname="a.example"))), (back, DNS(qr=1))):
        connection.packets.append(Ether() / ip / UDP(sport=sport, dport=dport) / dns)
    found = scan(tmp_path, connection, NO_RULES, "--events", "stats,dns,http,smtp,tls")
    assert stats_of(found) == {
        "expectations": 0,
        "flow": {"smtp": 1, "tls": 1, "http": 1, "dns_udp": 1},
        "tx": {"smtp": 1, "tls": 1, "http": 1, "dns_udp": 2},
    }
