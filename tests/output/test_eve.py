"""EVE events against Suricata's own schema, where it is at hand, and by hand where it is not."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vpi_tui.model.event import Alert, FlowRecord
from vpi_tui.output import eve

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
    metadata=(("mitre_technique_id", "T1190"), ("tag", "a"), ("tag", "b")),
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
    jsonschema.validate({k: v for k, v in event.items() if k != "vpi"}, json.loads(SCHEMA.read_text()))


def test_an_alert_has_suricatas_names() -> None:
    event = eve.alert_event(ALERT, "Web Application Attack")
    assert event["timestamp"] == "2023-11-14T22:13:20.123456+0000"
    assert event["alert"]["signature_id"] == 9000301
    assert event["alert"]["metadata"] == {"mitre_technique_id": ["T1190"], "tag": ["a", "b"]}
    assert event["proto"] == "TCP"
    assert event["vpi"]["src_guest"] == "web-01"


@pytest.mark.parametrize(
    "event",
    [
        eve.alert_event(ALERT, "Web Application Attack"),
        eve.alert_event(replace(ALERT, packet_number=0, vlan=(), direction="", metadata=()), ""),
        eve.flow_event(FLOW),
    ],
)
def test_events_hold_to_the_schema(event: dict[str, Any]) -> None:
    validate(event)


@given(st.text())
def test_whatever_a_message_holds_a_line_stays_a_line(text: str) -> None:
    stream = io.BytesIO()
    writer = eve.EveWriter(stream)
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
    assert (event["icmp_type"], event["icmp_code"]) == (128, 129)
    assert "src_port" not in event
    assert event["proto"] == "IPv6-ICMP"
    assert event["flow"]["age"] == 5


def test_what_rules_left_with_a_flow_is_metadata() -> None:
    alert = replace(ALERT, flowbits=("a.b",), flowints=(("n", 3),), flowvars=(("who", b"bob\x1b"),))
    event = eve.alert_event(alert, "")
    assert event["metadata"] == {"flowbits": ["a.b"], "flowints": {"n": 3}, "flowvars": [{"who": "bob."}]}
    validate(event)
