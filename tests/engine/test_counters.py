"""What is counted of packets, connections and parsers: each where it happens, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment, fragment6
from scapy.packet import Packet, Raw

from tests.detect.applayer import test_ftp_data
from tests.detect.applayer.test_scan import REQUEST
from tests.detect.applayer.test_scan import Connection as Talk
from tests.engine.runs import order
from tests.engine.test_log import scan as log_of
from tests.engine.test_log_protocols import of_type
from tests.stream.scanning import Connection, content, scan
from vpi_tui.detect.applayer.http.parser import HttpParser
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.pressure import Pressure
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources.demo import DemoFeed
from vpi_tui.view.engine import _TABLES

RULES = [content("secret"), "alert tcp any any -> any any (stream-event:est_packet_out_of_window; sid:2;)"]


def counted(tmp_path: Path, packets: list[Packet], **settings: Any) -> dict[str, float]:
    return scan(tmp_path, RULES, packets, **settings)[1]


def test_segments_that_open_and_end_connections(tmp_path: Path) -> None:
    talk = Connection().open().at(0, b"abc").at(3, b"d", "PAU").raw("R", 1005)
    talk.packets[-2][TCP].urgptr = 1
    stats = counted(tmp_path, talk.packets)
    names = ("syn", "synack", "rst", "urg", "urgent_oob_data", "no_flow", "invalid_checksum")
    assert [stats[f"tcp.{name}"] for name in names] == [1, 1, 1, 1, 1, 0, 0]
    assert (stats["tcp.sessions"], stats["tcp.active_sessions"]) == (1, 1)


def test_segments_that_are_left_out_are_counted_where_sums_are_looked_at(tmp_path: Path) -> None:
    talk = Connection().open().raw("S", 9_000)
    talk.packets[-1][TCP].chksum = 0x1234
    stats = counted(tmp_path, talk.packets)
    assert (stats["tcp.syn"], stats["tcp.invalid_checksum"]) == (1, 1)
    stats = counted(tmp_path, talk.packets, checksums="none")
    assert stats["tcp.syn"] == 2
    assert "tcp.invalid_checksum" not in stats


def test_a_connection_that_is_over_is_active_no_more(tmp_path: Path) -> None:
    talk = Connection().open().raw("R", 1001)
    talk.packets += Connection(start=2_000.0).open().packets
    stats = counted(tmp_path, talk.packets)
    assert (stats["tcp.sessions"], stats["tcp.active_sessions"]) == (2, 1)


def test_streams_that_come_to_the_depth(tmp_path: Path) -> None:
    talk = Connection().open().at(0, b"x" * 95).at(95, b"y" * 50).at(145, b"z")
    stats = counted(tmp_path, talk.packets, options={"stream.reassembly.depth": "100"})
    assert stats["tcp.stream_depth_reached"] == stats["stream.reassembly_depth_reached"] == 1
    assert not counted(tmp_path, talk.packets)["tcp.stream_depth_reached"]


def test_events_of_streams(tmp_path: Path) -> None:
    talk = Connection().open().at(0, b"abc").at(1 << 24, b"far").at(1 << 24, b"far")
    stats = counted(tmp_path, talk.packets)
    assert stats["stream.est_packet_out_of_window"] == 2
    assert "stream.est_invalid_ack" not in stats


def test_flows_and_fragments_by_version(tmp_path: Path) -> None:
    four, six = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="fe80::1", dst="fe80::2")
    large = UDP(sport=1, dport=2) / Raw(b"x" * 3_000)
    packets = [four / ICMP(), six / ICMPv6EchoRequest(), *fragment(four / large, 1_400)]
    packets += fragment6(six / IPv6ExtHdrFragment(id=7) / large, 1_400)[:-1]
    stats = counted(tmp_path, packets)
    assert (stats["flow.icmpv4"], stats["flow.icmpv6"]) == (1, 1)
    assert (stats["defrag.ipv4.fragments"], stats["defrag.ipv4.reassembled"]) == (3, 1)
    assert (stats["defrag.ipv6.fragments"], stats["defrag.ipv6.reassembled"]) == (2, 0)


def test_sizes_of_packets(tmp_path: Path) -> None:
    talk = Connection().raw("S", 1000, ack=0).raw("A", 1001, b"x" * 100)
    stats = counted(tmp_path, talk.packets)
    assert (stats["decoder.max_pkt_size"], stats["decoder.avg_pkt_size"]) == (140, 90)


def test_the_fullest_stage_is_the_pressure(tmp_path: Path) -> None:
    few = [IP(src=f"10.0.0.{n}", dst="10.0.1.1") / UDP(dport=9) for n in range(1, 4)]
    stats = counted(tmp_path, few, max_flows=4)
    assert stats["memcap.pressure"] == stats["memcap.pressure_max"] == 75
    pressure = Pressure()
    pressure.look(0.1, 0.5)
    pressure.look(0.2, 0.05)
    assert pressure.stats() == {"memcap.pressure": 20, "memcap.pressure_max": 50}


def test_data_connections_that_are_expected(tmp_path: Path) -> None:
    asked = test_ftp_data.control(b"STOR", b"PASV\r\n", b"227 Entering (10,0,0,2,195,80).\r\n")
    rule = "alert ftp-data any any -> any any (ftpdata_command:stor; sid:1;)\n"
    stats = of_type(log_of(tmp_path, asked, rule, "--events", "stats"), "stats")["stats"]
    assert stats["app_layer"]["expectations"] == 1


def test_flaws_of_parsers_by_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(HttpParser, "feed", raises)
    found = log_of(tmp_path, Talk().client(REQUEST), "# none\n", "--events", "stats,http")
    event = of_type(found, "stats")
    assert event["stats"]["app_layer"]["error"] == {"http": {"internal": 1}}
    assert event["vpi"]["stats"]["app_layer"]["error"] == 1


def test_each_table_that_the_engine_screen_tells_of_is_counted() -> None:
    spec = order(speed=0.0)
    stats = Pipeline(spec, RuleBook.load(spec), DemoFeed(spec)).stats()
    assert {known.path for known in _TABLES if not known.if_any} <= stats.keys()


def test_rules_that_are_at_work(tmp_path: Path) -> None:
    rules = "\n".join([*RULES, "alert tcp any any -> any any (nonsense; sid:3;)\n"])
    stats = of_type(log_of(tmp_path, Talk(), rules, "--events", "stats"), "stats")["stats"]
    assert stats["detect"]["engines"] == [{"id": 0, "rules_loaded": 2, "rules_failed": 1}]
