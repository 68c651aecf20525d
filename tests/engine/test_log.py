"""The log of a running engine, and the events of application layers that a scan writes."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.detect.applayer.test_scan import REQUEST, RESPONSE, Connection
from tests.engine.runs import engine, order, reached, until
from vpi_tui.cli.main import main
from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.engine.anomalies import MOST
from vpi_tui.engine.log import logged
from vpi_tui.engine.spec import EVENT_TYPES, LogSpec
from vpi_tui.engine.transactions import NOTHING_LOGGED

SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "eve-schema.json"


def events(*paths: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def scan(tmp_path: Path, connection: Connection, rule: str, *settings: str) -> list[dict[str, Any]]:
    from scapy.utils import wrpcap

    wrpcap(str(tmp_path / "c.pcap"), connection.packets)
    (tmp_path / "r.rules").write_text(rule)
    words = ["-r", str(tmp_path / "c.pcap"), "-S", str(tmp_path / "r.rules"), "-l", str(tmp_path)]
    assert main(["scan", *words, *settings]) == 0
    return events(tmp_path / "eve.json")


@pytest.fixture
def http(tmp_path: Path) -> list[dict[str, Any]]:
    connection = Connection().client(REQUEST).server(RESPONSE).close()
    rule = 'alert http any any -> any any (msg:"m"; http.method; content:"POST"; sid:1;)\n'
    return scan(tmp_path, connection, rule, "--set", "eve.payload=yes", "--set", "eve.packet=yes")


def test_a_transaction_is_an_event_of_its_own(http: list[dict[str, Any]]) -> None:
    found = next(event for event in http if event["event_type"] == "http")
    assert found["http"] == {
        "hostname": "shop.example",
        "url": "/a/../login.php?x=%41",
        "http_method": "POST",
        "protocol": "HTTP/1.1",
        "status": 200,
        "length": 6,
    }
    assert (found["src_ip"], found["dest_port"], found["tx_id"]) == ("10.0.0.1", 80, 0)


def test_an_alert_tells_its_transaction_its_flow_and_its_bytes(http: list[dict[str, Any]]) -> None:
    alert = next(event for event in http if event["event_type"] == "alert")
    assert alert["http"]["url"] == "/a/../login.php?x=%41"
    assert alert["flow"]["bytes_toserver"] > 0
    assert alert["packet_info"] == {"linktype": 1, "linktype_name": "EN10MB"}
    assert alert["tx_id"] == 0


def test_all_of_it_holds_to_the_schema(http: list[dict[str, Any]]) -> None:
    if not SCHEMA.exists():
        pytest.skip("the EVE schema is not here")
    assert {event["event_type"] for event in http} == {"alert", "fileinfo", "flow", "http", "stats"}
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    for event in http:
        validator.validate({k: v for k, v in event.items() if k != "vpi"})


def test_a_request_that_nobody_answered_is_logged_when_its_flow_ends(tmp_path: Path) -> None:
    found = scan(tmp_path, Connection().client(REQUEST), "# none\n")
    assert Counter(event["event_type"] for event in found)["http"] == 1
    assert "status" not in next(event["http"] for event in found if event["event_type"] == "http")


def test_chunks_are_counted_as_they_were_sent(tmp_path: Path) -> None:
    body = b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n"
    response = (
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nLocation: /new\r\n\r\n" + body + b"\r\n"
    )
    for piece in (1000, 1):
        connection = Connection().client(REQUEST).server(response, piece=piece).close()
        (found,) = scan(tmp_path, connection, "# none\n", "--events", "http")
        assert (found["http"]["length"], found["http"]["redirect"]) == (len(body), "/new")


def test_a_file_is_told_by_who_sent_it(tmp_path: Path) -> None:
    connection = Connection().client(REQUEST).server(RESPONSE).close()
    found = scan(tmp_path, connection, "# none\n", "--events", "fileinfo")
    assert {event["event_type"] for event in found} == {"fileinfo"}
    download = next(event for event in found if event["src_ip"] == "10.0.0.2")
    file = download["fileinfo"]
    assert (file["size"], file["state"], file["stored"], file["gaps"]) == (6, "CLOSED", False, False)
    assert download["src_port"] == 80
    assert download["http"]["url"] == "/a/../login.php?x=%41"
    assert "md5" not in file


def test_only_the_digests_that_rules_asked_for_are_told(tmp_path: Path) -> None:
    connection = Connection().client(REQUEST).server(RESPONSE).close()
    (tmp_path / "hashes").write_text("0" * 32 + "\n")
    rule = 'alert http any any -> any any (msg:"m"; filemd5:!hashes; sid:1;)\n'
    found = scan(tmp_path, connection, rule, "--events", "fileinfo", "--data-dir", str(tmp_path))
    file = next(event["fileinfo"] for event in found if event["src_ip"] == "10.0.0.2")
    assert re.fullmatch("[0-9a-f]{32}", file["md5"])
    assert "sha256" not in file


def test_a_rule_tells_its_references_and_whom_it_protects(tmp_path: Path) -> None:
    connection = Connection().client(REQUEST).server(RESPONSE).close()
    rule = (
        'alert http any any -> any any (msg:"m"; flow:to_server; http.method; content:"POST"; target:dest_ip;'
        " reference:url,example.org/a; reference:cve,2024-1; sid:1;)\n"
    )
    (found,) = scan(tmp_path, connection, rule, "--events", "alert")
    body = found["alert"]
    assert body["references"][0] == "http://example.org/a"
    assert body["references"][1].endswith("cvename.cgi?name=2024-1")
    assert (body["source"]["ip"], body["target"]) == ("10.0.0.1", {"ip": "10.0.0.2", "port": 80})


def test_a_flow_tells_the_flags_that_were_seen(tmp_path: Path) -> None:
    connection = Connection().client(REQUEST).server(RESPONSE).close()
    (found,) = scan(tmp_path, connection, "# none\n", "--events", "flow")
    tcp = found["tcp"]
    assert (tcp["tcp_flags"], tcp["tcp_flags_ts"], tcp["tcp_flags_tc"]) == ("1b", "1b", "1b")
    assert {"syn", "fin", "psh", "ack"} <= tcp.keys()
    assert "rst" not in tcp


def test_what_is_odd_in_packets_is_told_up_to_a_bound(tmp_path: Path) -> None:
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether

    connection = Connection()
    broken = Ether() / IP(src="10.0.0.9", dst="10.0.0.2", len=10) / TCP()
    connection.packets = [broken] * (MOST + 5)
    found = scan(tmp_path, connection, "# none\n", "--events", "anomaly,stats")
    anomalies = [event for event in found if event["event_type"] == "anomaly"]
    assert len(anomalies) == MOST
    assert anomalies[0]["anomaly"]["type"] == "decode"
    assert anomalies[0]["anomaly"]["event"].startswith("decoder.ipv4.")
    assert [event["pcap_cnt"] for event in anomalies[:2]] == [1, 2]
    (stats,) = (event for event in found if event["event_type"] == "stats")
    assert stats["vpi"]["stats"]["output"]["eve"]["anomalies_left_out"] == 5


def test_what_is_odd_in_a_connection_is_told_where_rules_have_it_followed(tmp_path: Path) -> None:
    connection = Connection()
    connection._send(1, "SA", b"")
    rule = 'alert tcp any any -> any any (msg:"m"; stream-event:est_synack_resend; sid:1;)\n'
    found = scan(tmp_path, connection, rule, "--events", "anomaly")
    kinds = {(event["anomaly"]["type"], event["anomaly"]["event"].partition(".")[0]) for event in found}
    assert ("stream", "stream") in kinds


def test_parsers_run_only_for_the_types_that_are_logged() -> None:
    assert logged(("alert", "flow", "stats")) == NOTHING_LOGGED
    assert logged(("dns", "alert")).protocols == {"dns", "doh2"}
    assert logged(("http",)).protocols == {"http1", "http2"}
    assert "http1" in logged(("fileinfo",)).protocols
    assert "dns" not in logged(("fileinfo",)).protocols
    assert logged(("anomaly",)).protocols == set(DESCRIPTIONS)


def test_every_protocol_that_is_described_has_its_type_of_event() -> None:
    assert {one.event_type for one in DESCRIPTIONS.values()} <= set(EVENT_TYPES)
    assert set(DESCRIPTIONS) <= set(by_name())


def test_only_the_types_that_are_asked_for(tmp_path: Path) -> None:
    connection = Connection().client(REQUEST).server(RESPONSE).close()
    assert {e["event_type"] for e in scan(tmp_path, connection, "# none\n", "--events", "http")} == {"http"}


def test_a_running_engine_logs_and_reopens_on_sighup(tmp_path: Path) -> None:
    path, moved = tmp_path / "eve.json", tmp_path / "moved"
    spec = order(speed=20.0, log=LogSpec(str(path), stats_seconds=1.0), interval=0.2)
    with engine(spec) as client:
        reached(client, "running")
        until(lambda: path.stat().st_size > 0)
        path.rename(moved)
        os.kill(client.pid, signal.SIGHUP)
        until(path.exists)
        until(lambda: path.stat().st_size > 0)
    kinds = Counter(event["event_type"] for event in events(moved, path))
    assert kinds["stats"] >= 2
    assert kinds["flow"] > 0


def test_a_full_disk_is_told_and_the_engine_goes_on() -> None:
    with engine(order(speed=20.0, log=LogSpec("/dev/full", stats_seconds=1.0), interval=0.2)) as client:
        reached(client, "running")

        def told() -> bool:
            snapshot = client.latest()
            assert snapshot is not None
            return snapshot.stats.get("output.eve.lost", 0) > 0 and any(
                "/dev/full" in n for n in snapshot.notices
            )

        until(told)
        before = client.latest()
        until(lambda: client.latest().stats["decoder.pkts"] > before.stats["decoder.pkts"])  # type: ignore[union-attr]


def test_the_log_tells_what_it_lost_once_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    path.symlink_to("/dev/full")
    with engine(order(speed=20.0, log=LogSpec(str(path), stats_seconds=0.5), interval=0.2)) as client:
        until(lambda: (found := client.latest()) and found.stats.get("output.eve.lost"), 60)
        path.unlink()
        os.kill(client.pid, signal.SIGHUP)
        until(lambda: path.exists() and b'"stats"' in path.read_bytes(), 60)
    told = next(event for event in events(path) if event["event_type"] == "stats")
    assert told["vpi"]["stats"]["output"]["eve"]["lost"] > 0


def test_a_body_without_a_byte_is_no_file(tmp_path: Path) -> None:
    connection = (
        Connection().client(b"GET /f HTTP/1.1\r\nHost: h\r\n\r\n").server(b"HTTP/1.1 200 OK\r\n\r\n").close()
    )
    found = scan(tmp_path, connection, "# none\n", "--events", "fileinfo,http")
    assert [event["event_type"] for event in found] == ["http"]


def ranged(content_range: bytes) -> bytes:
    return b"HTTP/1.1 206 Part\r\nContent-Length: 4\r\nContent-Range: " + content_range + b"\r\n\r\nabcd"


def test_a_part_of_a_file_tells_its_place(tmp_path: Path) -> None:
    asked = b"GET /f HTTP/1.1\r\nHost: h\r\n\r\n"
    connection = Connection().client(asked).server(ranged(b"bytes 10-13/90")).client(asked)
    connection.server(ranged(b"bytes 0-3/4")).close()
    found = [e["fileinfo"] for e in scan(tmp_path, connection, "# none\n", "--events", "fileinfo")]
    places = [(file.get("start"), file.get("end"), file["size"]) for file in found]
    assert places == [(10, 13, 4), (None, None, 4)]
