"""Packets behind an alert: rules with `tag` have them told, as many as they say and no more."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from tests.detect.applayer.test_scan import Connection
from tests.engine.test_log import scan
from vpi_tui.engine import tagged

SESSION = 'alert udp any any -> any 53 (msg:"m"; content:"begin"; tag:{}; sid:1;)\n'


class Talk(Connection):
    """Datagrams; each comes a second behind the one before."""

    def __init__(self) -> None:
        self.packets: list[Any] = []

    def says(
        self, data: bytes, *, source: str = "10.0.0.1", dest: str = "10.0.0.2", port: int = 40_000
    ) -> Talk:
        ports = {"sport": port, "dport": 53} if source == "10.0.0.1" else {"sport": 53, "dport": port}
        packet = Ether() / IP(src=source, dst=dest) / UDP(**ports) / data
        packet.time = 1_700_000_000 + len(self.packets)
        self.packets.append(packet)
        return self


def told(found: list[dict[str, Any]]) -> list[int]:
    """Numbers of the packets that are told."""
    return [event["pcap_cnt"] for event in found if event["event_type"] == "packet"]


def of(tmp_path: Path, talk: Connection, tag: str, *settings: str) -> list[int]:
    return told(scan(tmp_path, talk, SESSION.format(tag), *settings))


def conversation(packets: int = 9) -> Talk:
    """Its second packet raises the alert. Another flow of the client, and one of others, go on beside it."""
    talk = Talk().says(b"before").says(b"begin")
    for number in range(packets):
        talk.says(b"on %d" % number).says(b"beside", port=50_000).says(
            b"z", source="10.0.0.8", dest="10.0.0.9"
        )
    return talk


@pytest.mark.parametrize(
    ("tag", "numbers"),
    [
        ("session,1,packets", []),
        ("session,3,packets", [3, 6]),  # the one that raised the alert counts
        ("session", [3, 6, 9, 12, 15, 18, 21, 24, 27]),
        ("session,7,seconds", [3, 6, 9]),
        ("session,0,seconds", []),
        ("host,4,packets,src", [3, 4, 6]),
        ("host,4,packets", [3, 4, 6]),  # the destination, who speaks to nobody else
        ("session,141,bytes", [3, 6]),  # frames of 47, 46 and 46 bytes
        ("session,138,bytes", [3]),
    ],
)
def test_as_many_are_told_as_the_rule_says(tmp_path: Path, tag: str, numbers: list[int]) -> None:
    assert of(tmp_path, conversation(), tag) == numbers


def test_a_packet_is_told_as_it_was(tmp_path: Path) -> None:
    talk = conversation(1)
    found = scan(tmp_path, talk, SESSION.format("session"))
    (event,) = (event for event in found if event["event_type"] == "packet")
    (alert,) = (event for event in found if event["event_type"] == "alert")
    assert b64decode(event["packet"]) == bytes(talk.packets[2])
    assert event["packet_info"] == {"linktype": 1, "linktype_name": "EN10MB"}
    assert event["flow_id"] == alert["flow_id"]
    assert (event["src_ip"], event["dest_port"], event["proto"]) == ("10.0.0.1", 53, "UDP")


def test_each_end_of_a_host_is_its_packet(tmp_path: Path) -> None:
    talk = Talk().says(b"begin").says(b"answer", source="10.0.0.2", dest="10.0.0.1")
    talk.says(b"z", source="10.0.0.8", dest="10.0.0.1").says(b"z", source="10.0.0.8", dest="10.0.0.2")
    assert of(tmp_path, talk, "host,9,packets,src") == [2, 3]
    assert of(tmp_path, talk, "host,9,packets,dst") == [2, 4]


def test_another_alert_begins_anew_and_is_told_itself_so_often(tmp_path: Path) -> None:
    talk = Talk()
    for _ in range(2):
        talk.says(b"begin").says(b"x").says(b"x").says(b"x")
    assert of(tmp_path, talk, "session,2,packets") == [2, 6]
    talk = Talk()
    for _ in range(3):
        talk.says(b"begin").says(b"x")
    assert of(tmp_path, talk, "session,3,packets") == [2, 3, 4, 5, 6]
    talk = Talk()
    for _ in range(30):
        talk.says(b"begin")
    left_out = {
        1,
        13,
        14,
        26,
        27,
    }  # the first of a tag, and where it ends because it was begun anew too often
    assert of(tmp_path, talk, "session,3,packets") == [n for n in range(1, 31) if n not in left_out]


def test_a_tag_without_a_packet_for_minutes_is_over(tmp_path: Path) -> None:
    talk = Talk().says(b"begin")
    for later in (600, 1_201):
        talk.says(b"x").packets[-1].time = 1_700_000_000 + later
    assert of(tmp_path, talk, "host,9,packets,src") == [2]


def test_what_is_held_back_tags_nothing(tmp_path: Path) -> None:
    limited = "session,2,packets; threshold:type threshold, track by_src, count 2, seconds 60"
    talk = Talk().says(b"begin").says(b"x").says(b"begin").says(b"x")
    assert of(tmp_path, talk, limited) == [4]
    assert of(tmp_path, talk, "session; noalert") == []


def test_a_flow_that_is_over_leaves_its_tag_to_no_other(tmp_path: Path) -> None:
    rule = 'alert tcp any any -> any any (msg:"m"; content:"begin"; tag:session; sid:1;)\n'
    first, second = Connection().client(b"begin").close(), Connection().client(b"quiet").close()
    first.packets += second.packets  # the same ends and ports again
    assert told(scan(tmp_path, first, rule)) == [5, 6, 7]


def test_a_stream_that_nobody_acknowledges_tags_its_flow(tmp_path: Path) -> None:
    rule = 'alert tcp any any -> any any (msg:"m"; content:"be"; content:"gin"; tag:session; sid:1;)\n'
    connection = Connection().client(b"be").client(b"gin").client(b"more").acknowledge(1)
    assert told(scan(tmp_path, connection, rule))[-1] == len(connection.packets)


def test_a_flood_is_told_within_bounds_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagged, "MOST", 5)
    found = scan(tmp_path, conversation(), SESSION.format("session"))
    assert told(found) == [3, 6, 9, 12, 15]
    stats = [event["vpi"]["stats"] for event in found if event["event_type"] == "stats"]
    assert stats[-1]["output"]["eve"]["tagged_left_out"] == 4


def test_other_types_of_events_come_alone(tmp_path: Path) -> None:
    assert of(tmp_path, conversation(), "session", "--events", "alert") == []
    assert len(of(tmp_path, conversation(), "session", "--events", "packet")) == 9
