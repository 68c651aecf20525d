"""EVE events against Suricata's own schema, where it is at hand, and by hand where it is not."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vpi_tui.model.event import Alert, FlowRecord, Looks, TransactionRecord
from vpi_tui.output import eve
from vpi_tui.output.evidence import alert_context, printable
from vpi_tui.output.writer import EveWriter

SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "eve-schema.json"

ALERT = Alert(
    number=7,
    ts_ns=1_700_000_000_123_456_789,
    gid=1,
    sid=9000301,
    rev=2,
    msg="WEB SQL injection",
    classtype="web-application-attack",
    priority=1,
    action="alert",
    technique="T1190",
    pack="web-attack",
    in_iface="vnet3",
    switch="br0",
    src_guest="web-01",
    dest_guest="db-01",
    locality="east-west",
    src_ip="10.0.0.5",
    src_port=40000,
    dest_ip="10.0.0.9",
    dest_port=80,
    proto=6,
    app_proto="http",
    vlan=(100,),
    direction="to_server",
    community_id="1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    flow_id=12345,
    packet_number=17,
    metadata=(("mitre_technique_id", "T1190"), ("tag", "a"), ("tag", "b"), ("alone", "")),
)
FLOW = FlowRecord(
    flow_id=5, community_id="1:x", switch="br0", client_guest="a", server_guest="b", locality="east-west",
    vlan=(), proto=58, src_ip="fe80::1", src_port=128, dest_ip="fe80::2", dest_port=129, app_proto="",
    start_ns=10**18, end_ns=10**18 + 5 * 10**9, state="established", pkts_toserver=1, pkts_toclient=1,
    bytes_toserver=100, bytes_toclient=100, reason="timeout",
)  # fmt: skip


def validate(event: dict[str, Any]) -> None:
    if not SCHEMA.exists():
        pytest.skip("the EVE schema is not here")
    _validator().validate({k: v for k, v in event.items() if k != "vpi"})


@cache
def _validator() -> Any:
    """Made once: to check the schema itself costs more than all events."""
    schema = json.loads(SCHEMA.read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def test_an_alert_has_suricatas_names() -> None:
    event = eve.alert_event(ALERT, "Web Application Attack")
    assert event["timestamp"] == "2023-11-14T22:13:20.123456+0000"
    assert event["alert"]["signature_id"] == 9000301
    assert event["alert"]["metadata"] == {"mitre_technique_id": ["T1190"], "tag": ["a", "b"]}
    told = replace(ALERT, context=(("who", b'{"by":"us","n":[1]}'),))
    assert eve.alert_event(told, "")["alert"]["context"] == {"who": {"by": "us", "n": [1]}}
    assert "metadata" not in eve.alert_event(replace(ALERT, metadata=(("alone", ""),)), "")["alert"]
    assert event["proto"] == "TCP"
    assert event["vpi"]["src_guest"] == "web-01"


@pytest.mark.parametrize(
    "event",
    [
        eve.alert_event(ALERT, "Web Application Attack"),
        eve.alert_event(replace(ALERT, packet_number=0, vlan=(), direction="", metadata=()), ""),
        eve.alert_event(replace(ALERT, context=(("who", b'{"by":"us","n":[1]}'),)), ""),
        eve.flow_event(FLOW),
    ],
)
def test_events_hold_to_the_schema(event: dict[str, Any]) -> None:
    validate(event)


@given(st.text())
def test_whatever_a_message_holds_a_line_stays_a_line(text: str) -> None:
    stream = io.BytesIO()
    writer = EveWriter(stream)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    writer.write(eve.alert_event(replace(ALERT, msg=text), ""))
    lines = stream.getvalue().split(b"\n")
    assert lines[1:] == [b""]
    assert json.loads(lines[0])["alert"]["signature"] == text


def test_icmp_has_type_and_code_instead_of_ports() -> None:
    event = eve.flow_event(FLOW)
    assert (event["icmp_type"], event["icmp_code"]) == (128, 0)
    assert (event["response_icmp_type"], event["response_icmp_code"]) == (129, 0)
    assert "src_port" not in event
    assert event["proto"] == "IPv6-ICMP"
    assert event["flow"]["age"] == 5
    validate(event)


def test_icmp_that_nobody_answered_has_no_answer() -> None:
    assert "response_icmp_type" not in eve.flow_event(replace(FLOW, pkts_toclient=0))
    unreachable = eve.flow_event(replace(FLOW, proto=1, src_port=3, dest_port=1))
    assert (unreachable["icmp_type"], unreachable["icmp_code"]) == (3, 1)
    assert "response_icmp_type" not in unreachable


@pytest.mark.parametrize(
    ("number", "name"),
    [(2, "IGMP"), (4, "IP-in-IP"), (89, "OSPF"), (112, "VRRP"), (143, "Ethernet"), (200, "200")],
)
def test_protocols_are_called_as_iana_calls_them(number: int, name: str) -> None:
    assert eve.flow_event(replace(FLOW, proto=number))["proto"] == name


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("fin", "timeout"),
        ("rst", "timeout"),
        ("timeout", "timeout"),
        ("evicted", "forced"),
        ("reuse", "tcp_reuse"),
        ("shutdown", "shutdown"),
        ("", "unknown"),
    ],
)
def test_why_a_flow_ended_is_said_in_the_words_of_eve(reason: str, told: str) -> None:
    event = eve.flow_event(replace(FLOW, reason=reason))
    assert event["flow"]["reason"] == told
    validate(event)


def test_the_state_of_a_connection_is_told_where_it_is_known() -> None:
    flow = replace(FLOW, proto=6)
    event = eve.flow_event(flow, tcp_state="close_wait")
    assert event["tcp"]["state"] == "close_wait"
    assert "state" not in eve.flow_event(flow)["tcp"]
    validate(event)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"proto": 17}, "failed"),
        ({"proto": 17, "pkts_toclient": 0}, None),
        ({"proto": 17, "app_proto": "dns"}, "dns"),
        ({"proto": 6, "tcp_flags_toserver": 0x1A, "tcp_flags_toclient": 0x1A}, "failed"),
        ({"proto": 6, "tcp_flags_toserver": 0x1A, "tcp_flags_toclient": 0x12}, None),
        ({"proto": 1}, None),
    ],
)
def test_an_application_that_nobody_knows_has_failed(changes: dict[str, Any], told: str | None) -> None:
    assert eve.flow_event(replace(FLOW, **changes)).get("app_proto") == told


def test_applications_beside_that_of_a_flow_are_told_where_they_differ() -> None:
    flow = replace(FLOW, proto=6, app_proto="postgresql")
    event = eve.flow_event(flow, looks=Looks("postgresql", "failed", "ikev2"), transactions=3)
    assert "app_proto_ts" not in event
    assert (event["app_proto_tc"], event["app_proto_orig"]) == ("failed", "ike")
    assert event["flow"]["tx_cnt"] == 3
    validate(event)


def test_what_is_missing_of_a_connection_is_told_of_each_direction() -> None:
    flow = replace(FLOW, proto=6)
    event = eve.flow_event(flow, lost=(True, False))
    assert event["tcp"]["ts_gap"] is True
    assert "tc_gap" not in event["tcp"]
    both = eve.flow_event(flow, lost=(True, True))
    assert both["tcp"]["tc_gap"] is True
    assert not {"ts_gap", "tc_gap"} & eve.flow_event(flow)["tcp"].keys()
    validate(both)


def test_addresses_of_ipv6_are_written_in_full() -> None:
    full = "fe80:0000:0000:0000:0000:0000:0000:0001"
    assert eve.flow_event(FLOW)["src_ip"] == eve.flow_so_far(FLOW)["src_ip"] == full
    aimed = replace(ALERT, src_ip="fe80::1", dest_ip="fe80::2", target="dest_ip")
    assert eve.alert_event(aimed, "")["alert"]["source"]["ip"] == full


def test_attacker_and_target_are_the_ends_that_the_rule_says() -> None:
    said = eve.alert_event(ALERT, "")["alert"]
    assert "source" not in said
    assert "target" not in said
    for target, ends in (("dest_ip", ("10.0.0.1", "10.0.0.2")), ("src_ip", ("10.0.0.2", "10.0.0.1"))):
        aimed = replace(ALERT, src_ip="10.0.0.1", dest_ip="10.0.0.2", target=target)
        told = eve.alert_event(aimed, "")["alert"]
        assert (told["source"]["ip"], told["target"]["ip"]) == ends
    nowhere = eve.alert_event(replace(ALERT, src_ip="", dest_ip="", target="dest_ip"), "")
    assert "target" not in nowhere["alert"]


def test_what_is_no_ip_has_no_protocol() -> None:
    spoofed = eve.alert_event(replace(ALERT, proto=0, src_port=0, dest_port=0), "")
    assert "proto" not in spoofed
    assert "ip_v" not in spoofed
    validate(spoofed)


def test_a_flow_tells_where_it_entered() -> None:
    assert eve.flow_event(FLOW, "vnet3")["in_iface"] == "vnet3"
    assert "in_iface" not in eve.flow_event(FLOW)


def test_bits_that_name_the_traffic_are_no_metadata() -> None:
    bits = ("traffic/id/ssh", "a.b", "traffic/label/safe", "traffic/label/known")
    event = eve.alert_event(replace(ALERT, flowbits=bits), "")
    assert event["traffic"] == {"id": ["ssh"], "label": ["safe", "known"]}
    assert event["metadata"] == {"flowbits": ["a.b"]}
    validate(event)


def test_bytes_are_shown_when_they_are_asked_for_and_known() -> None:
    said, frame = b"said", b"frame"
    assert alert_context(said, frame, 1, payload=False, packet=False) == {}
    assert alert_context(said, frame, 1, payload=True, packet=False).keys() == {
        "payload",
        "payload_printable",
    }
    assert alert_context(said, frame, 1, payload=False, packet=True).keys() == {"packet", "packet_info"}
    assert alert_context(b"", b"", 1, payload=True, packet=True) == {}


def test_a_frame_has_the_name_of_its_link() -> None:
    def linked(number: int) -> Any:
        return alert_context(b"", b"frame", number, payload=False, packet=True)["packet_info"]

    assert linked(1) == {"linktype": 1, "linktype_name": "EN10MB"}
    assert linked(147) == {"linktype": 147, "linktype_name": "n/a"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("http.missing_host_header", "MISSING_HOST_HEADER"),
        ("applayer.detect_protocol_only_one_direction", "DETECT_PROTOCOL_ONLY_ONE_DIRECTION"),
        ("dns.z_flag_set", "z_flag_set"),
        ("http2.stream_id_reuse", "stream_id_reuse"),
    ],
)
def test_anomalies_are_spelled_as_eve_spells_those_of_their_protocol(name: str, told: str) -> None:
    record = TransactionRecord(FLOW.end_ns, "dns", FLOW, "", 1, 0, anomalies=(name,))
    (event,) = eve.anomaly_events(record)
    assert event["anomaly"]["event"] == told
    validate(event)


def test_what_rules_left_with_a_flow_is_metadata() -> None:
    alert = replace(ALERT, flowbits=("a.b",), flowints=(("n", 3),), flowvars=(("who", b"bob\x1b"),))
    event = eve.alert_event(alert, "")
    assert event["metadata"] == {"flowbits": ["a.b"], "flowints": {"n": 3}, "flowvars": [{"who": "bob."}]}
    validate(event)


def test_bytes_as_text_are_what_can_be_shown() -> None:
    shown = printable(bytes(range(256)))
    assert [n for n, char in enumerate(shown) if char != "."] == [9, 10, 13, *range(32, 46), *range(47, 127)]
    assert all(ord(char) == n for n, char in enumerate(shown) if char != ".")
