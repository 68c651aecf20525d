"""What an alert says: each field from where it belongs, and many of one batch each of its own packet."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from communityid import CommunityID, FlowTuple
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Dot1Q, Ether

from tests.engine.test_log import scan
from tests.engine.test_tagged import Talk
from vpi_tui.engine import alerts as alerting
from vpi_tui.engine.log import EventLog
from vpi_tui.model.batch import DecodedBatch, PacketBatch
from vpi_tui.model.event import Alert
from vpi_tui.output import eve

RULE = (
    'alert udp any any -> any 53 (msg:"m"; content:"begin"; pcre:"/n(?P<flow_who>\\w+)/"; flowbits:set,seen; '
    "flowint:count,=,3; classtype:misc-attack; priority:2; target:dest_ip; "
    "metadata:mitre_technique_id T1071_004; reference:cve,2026-1; sid:7; gid:5; rev:3;)\n"
)


def test_each_field_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Alert] = []
    event_of = eve.alert_event

    def alert_event(alert: Alert, category: str) -> dict[str, Any]:
        seen.append(alert)
        return event_of(alert, category)

    monkeypatch.setattr(eve, "alert_event", alert_event)
    talk = Talk().says(b"before").says(b"begin nobody")
    for packet in talk.packets:
        packet[Ether].payload = Dot1Q(vlan=7) / packet[IP]
        packet[Ether].type = 0x8100
    told = scan(tmp_path, talk, RULE)
    (alert,) = seen
    (flow,) = [event["flow_id"] for event in told if event["event_type"] == "flow"]
    label = CommunityID().calc(FlowTuple.make_udp("10.0.0.1", "10.0.0.2", 40_000, 53))
    assert msgspec.structs.asdict(alert) == {
        "number": 1, "ts_ns": 1_700_000_001_000_000_000, "gid": 5, "sid": 7, "rev": 3, "msg": "m",
        "classtype": "misc-attack", "priority": 2, "action": "alert", "technique": "T1071.004",
        "pack": "r.rules",
        "in_iface": "", "switch": "c.pcap", "src_guest": "10.0.0.1", "dest_guest": "",
        "locality": "north-south",
        "src_ip": "10.0.0.1", "src_port": 40_000, "dest_ip": "10.0.0.2", "dest_port": 53, "proto": 17,
        "app_proto": "", "vlan": (7,), "direction": "to_server",
        "community_id": label, "flow_id": flow, "packet_number": 2, "stream": False,
        "flowbits": ("seen",), "flowints": (("count", 3),), "flowvars": (("who", b"obody"),), "pktvars": (),
        "target": "dest_ip", "metadata": (("mitre_technique_id", "T1071_004"),),
        "reference": (("cve", "2026-1"),), "tunnel": None, "context": (),
    }  # fmt: skip


def test_what_an_alert_says_of_a_row_is_the_column_of_that_name() -> None:
    """Numbers that no two columns share tell them apart; the row is the second of its packet's batch."""

    def columns(kind: type[Any], base: int) -> Any:
        values = ((name, np.array([0, base + n], np.int64)) for n, name in enumerate(kind._fields))
        return SimpleNamespace(**dict(values))

    packets, decoded = columns(PacketBatch, 1_000), columns(DecodedBatch, 2_000)
    decoded.packet[1] = 1
    seen = alerting._seen([1, -1], packets, decoded)[1]._asdict()
    assert seen.pop("row") == 1
    of = {name: packets if name in {"offset", "caplen", "link_type", "ifindex"} else decoded for name in seen}
    assert seen == {name: getattr(batch, name)[1] for name, batch in of.items()}


def test_alerts_of_one_batch_are_each_of_their_packet(tmp_path: Path) -> None:
    talk = Talk()
    for number in range(5):
        talk.says(b"one %d" % number).says(b"back", source="10.0.0.2", dest="10.0.0.1")
        talk.packets.append(Ether() / IP(src="10.0.0.3", dst="10.0.0.4") / ICMP(type=8, code=number) / b"one")
    for number, packet in enumerate(talk.packets):
        packet.time = 1_700_000_000 + number
    rules = "".join(
        f'alert {proto} any any -> any any (msg:"m"; content:"one"; sid:{sid};)\n'
        for proto, sid in (("ip", 1), ("udp", 2), ("icmp", 3))
    )
    found = scan(tmp_path, talk, rules, "--set", "eve.payload=yes", "--set", "eve.packet=yes")
    alerts = [event for event in found if event["event_type"] == "alert"]
    told = [
        (event["pcap_cnt"], event["alert"]["signature_id"], event["src_ip"], b64decode(event["payload"]))
        for event in alerts
    ]
    assert told == [
        one
        for n in range(5)
        for one in (
            *((3 * n + 1, sid, "10.0.0.1", b"one %d" % n) for sid in (1, 2)),
            *((3 * n + 3, sid, "10.0.0.3", b"one") for sid in (1, 3)),
        )
    ]
    assert all(b64decode(a["packet"]) == bytes(talk.packets[a["pcap_cnt"] - 1]) for a in alerts)
    assert [a["icmp_code"] for a in alerts if a["alert"]["signature_id"] == 3] == [0, 1, 2, 3, 4]
    assert [a["flow"]["pkts_toserver"] for a in alerts if "icmp_code" not in a] == [5] * 10
    flow = next(event for event in found if event["event_type"] == "flow" and event["proto"] == "UDP")
    assert flow["flow"]["alerted"]


def test_what_the_log_asks_about_alerts_is_kept_no_longer_than_their_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[int, int, int]] = []
    alerts_of = EventLog.alerts

    def alerts(log: EventLog, told: Sequence[Alert]) -> None:
        alerter = log._pipeline.alerter
        before = len(alerter.slots)
        alerts_of(log, told)
        kept.append((before, len(alerter.slots), len(alerter.transactions)))

    monkeypatch.setattr(EventLog, "alerts", alerts)
    scan(tmp_path, Talk().says(b"one"), 'alert udp any any -> any any (msg:"m"; content:"one"; sid:1;)\n')
    assert (1, 0, 0) in kept
    assert not any(slots or transactions for _, slots, transactions in kept)
