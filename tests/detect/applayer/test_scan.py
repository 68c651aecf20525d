"""From a capture to alerts: rules about transactions beside all else that a rule may ask."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from scapy.layers import dns as wire
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from vpi_tui.cli.main import main

from . import test_http2, test_tls

CLIENT, SERVER = "10.0.0.1", "10.0.0.2"
REQUEST = b"POST /a/../login.php?x=%41 HTTP/1.1\r\nHost: Shop.Example\r\nContent-Length: 8\r\n\r\nuser=bob"
RESPONSE = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 6\r\n\r\nsecret"


class Connection:
    """A TCP connection whose packets add up. Its windows take 64 KiB before they are acknowledged, and more
    once both sides have sent something."""

    def __init__(self, port: int = 80, sport: int = 40_000) -> None:
        self.ports = (sport, port)
        self.seq = [1000, 5000]
        self.packets: list[Packet] = []
        self._send(0, "S", sync=True)
        self._send(1, "SA", sync=True)
        self._send(0, "A")

    def _send(self, side: int, flags: str, data: bytes = b"", *, sync: bool = False) -> None:
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        ports = self.ports if side == 0 else self.ports[::-1]
        ack = self.seq[1 - side] if "A" in flags else 0
        tcp = TCP(sport=ports[0], dport=ports[1], flags=flags, seq=self.seq[side], ack=ack, window=65_535)
        tcp.options = [("WScale", 14)] if sync else []
        self.packets.append(Ether() / IP(src=ends[0], dst=ends[1]) / tcp / Raw(data))
        self.seq[side] += len(data) + (sync or "F" in flags)

    def acknowledge(self, side: int) -> Connection:
        """A side, 0 = the client, has all that there was."""
        self._send(side, "A")
        return self

    def client(self, data: bytes, *, piece: int = 1000) -> Connection:
        for at in range(0, len(data), piece):
            self._send(0, "PA", data[at : at + piece])
        return self

    def server(self, data: bytes, *, piece: int = 1000) -> Connection:
        for at in range(0, len(data), piece):
            self._send(1, "PA", data[at : at + piece])
        return self

    def close(self) -> Connection:
        for side in (0, 1):
            self._send(side, "FA")
        self._send(0, "A")
        return self


def scan(
    tmp_path: Path,
    packets: list[Packet],
    *rules: str,
    settings: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> list[dict[str, object]]:
    """The alert events. Each rule gets its place as sid. more: words of the command."""
    capture, ruleset, out = tmp_path / "c.pcap", tmp_path / "r.rules", tmp_path / "out"
    wrpcap(str(capture), packets)
    texts = [f"{rule.rstrip(')')} sid:{n};)" for n, rule in enumerate(rules, 1)]
    ruleset.write_text("\n".join(texts) + "\n")
    named = [word for setting in settings for word in ("--set", setting)]
    assert main(["scan", "-r", str(capture), "-S", str(ruleset), "-l", str(out), *named, *more]) == 0
    events = [json.loads(line) for file in out.iterdir() for line in file.read_text().splitlines()]
    return [event for event in events if event["event_type"] == "alert"]


def sids(events: list[dict[str, object]]) -> Counter[int]:
    return Counter(event["alert"]["signature_id"] for event in events)  # type: ignore[index]


@pytest.mark.parametrize("piece", [1, 20, 1000])
def test_one_alert_a_transaction_and_rule(tmp_path: Path, piece: int) -> None:
    connection = Connection()
    for _ in range(3):
        connection.client(REQUEST, piece=piece).server(RESPONSE, piece=piece)
    events = scan(
        tmp_path,
        connection.close().packets,
        'alert http any any -> any any (http.uri; content:"/login.php?x=A"; startswith;)',
        'alert tcp any any -> any 80 (content:"/login"; http_uri; content:"shop.example"; http_host;)',
        'alert http any any -> any any (http.method; content:"POST"; http.request_body; content:"bob";)',
        'alert http any any -> any any (flow:to_client; http.server; content:"nginx"; file.data; bsize:6;)',
        'alert http any any -> any any (flow:to_server; http.server; content:"nginx";)',
        'alert http any any -> any any (http.uri; content:"/a/";)',
        'alert http any any -> any any (pcre:"/^POST$/M"; urilen:<20; http.host; content:!"other";)',
        'alert http any any -> any any (content:"POST /a"; http.host; content:"shop";)',
    )
    assert sids(events) == {1: 3, 2: 3, 3: 3, 4: 3, 7: 3, 8: 3}
    for event in events:
        to_client = event["alert"]["signature_id"] == 4  # type: ignore[index]
        assert event["src_ip"] == (SERVER if to_client else CLIENT)


def test_the_port_does_not_matter(tmp_path: Path) -> None:
    connection = Connection(port=4711).client(REQUEST).server(RESPONSE).close()
    events = scan(
        tmp_path,
        connection.packets,
        'alert http any any -> any any (http.uri; content:"login";)',
        'alert http any any -> any 80 (http.uri; content:"login";)',
        'alert http any any -> any any (content:"secret";)',
        'alert tls any any -> any any (content:"secret";)',
        "alert tcp any any -> any any (flow:to_server; app-layer-protocol:http;)",
        "alert tcp any any -> any any (flow:to_server; app-layer-protocol:!tls;)",
        'alert tcp any any -> any any (flow:to_server; app-layer-protocol:!"tls";)',
    )
    assert set(sids(events)) == {1, 3, 5, 6, 7}
    assert sids(events)[5] == sids(events)[6] == sids(events)[7] == 1


def test_bits_link_request_and_response(tmp_path: Path) -> None:
    events = scan(
        tmp_path,
        Connection().client(REQUEST).server(RESPONSE).packets,
        'alert http any any -> any any (http.uri; content:"login"; flowbits:set,seen; flowbits:noalert;)',
        'alert http any any -> any any (http.stat_code; content:"200"; flowbits:isset,seen;)',
        'alert http any any -> any any (http.stat_code; content:"200"; flowbits:isset,other;)',
    )
    assert sids(events) == {2: 1}


def test_a_pass_rule_and_a_threshold(tmp_path: Path) -> None:
    connection = Connection().client(REQUEST * 4)
    limited = "threshold:type limit, track by_src, count 1, seconds 60;"
    events = scan(
        tmp_path, connection.packets, f'alert http any any -> any any (http.uri; content:"login"; {limited})'
    )
    assert sids(events) == {1: 1}
    events = scan(
        tmp_path,
        connection.packets,
        'alert http any any -> any any (http.uri; content:"login";)',
        'pass http any any -> any any (http.host; content:"shop";)',
    )
    assert sids(events) == {}


def test_a_request_that_never_ends_is_inspected_at_the_end(tmp_path: Path) -> None:
    events = scan(
        tmp_path,
        Connection().client(REQUEST[:40]).packets,
        'alert http any any -> any any (http.uri; content:"login";)',
    )
    assert sids(events) == {1: 1}


def test_several_headers_of_a_name(tmp_path: Path) -> None:
    request = b"GET / HTTP/1.1\r\nA-One: 1\r\nB-Two: 2\r\n\r\n"
    events = scan(
        tmp_path,
        Connection().client(request).packets,
        'alert http any any -> any any (http.request_header; content:"A-One"; content:"2";)',
        'alert http any any -> any any (http.request_header; content:"1"; http.request_header; content:"2";)',
    )
    assert sids(events) == {2: 1}


def test_datagrams(tmp_path: Path) -> None:
    query = wire.DNS(rd=1, qd=wire.DNSQR(qname="evil.example"))
    packets = [
        Ether() / IP(src=CLIENT, dst=SERVER) / UDP(sport=40_000 + n, dport=53) / query for n in range(2)
    ]
    events = scan(
        tmp_path,
        packets,
        'alert dns any any -> any any (dns.query; content:"evil"; nocase; bsize:12;)',
        "alert dns any any -> any any (dns.rrtype:a;)",
        "alert dns any any -> any any (dns.rrtype:!a;)",
    )
    assert sids(events) == {1: 2, 2: 2}


def test_rules_about_transactions_are_not_held_against_frames(tmp_path: Path) -> None:
    query = wire.DNS(rd=1, qd=[wire.DNSQR(qname="evil.example"), wire.DNSQR(qname="two.example")])
    packets = [Ether() / IP(src=CLIENT, dst=SERVER) / UDP(sport=40_000, dport=53) / query]
    connection = Connection().client(REQUEST).server(RESPONSE).close()
    events = scan(
        tmp_path,
        packets + connection.packets,
        'alert dns any any -> any any (frame:pdu; content:"evil";)',
        "alert dns any any -> any any (dns.authorities.rrname; absent;)",
        "alert dns any any -> any any (dns.rrtype:28,or_absent; flow:to_client;)",
        'alert dns any any -> any any (dns.query; content:"evil"; dns.query; content:"two";)',
        'alert http1 any any -> any any (frame:request; content:"POST";)',
        "alert http any any -> any any (http.request_body; absent; flow:to_server;)",
        "alert http any any -> any any (http.cookie; absent; flow:to_server;)",
    )
    assert sids(events) == {1: 1, 2: 1, 4: 1, 5: 1, 7: 1}


def test_a_header_field_without_a_value_is_there_all_the_same(tmp_path: Path) -> None:
    events = scan(
        tmp_path,
        Connection().client(b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: \r\n\r\n").server(RESPONSE).packets,
        "alert http any any -> any any (http.user_agent; bsize:0;)",
        "alert http any any -> any any (http.user_agent; absent;)",
        'alert http any any -> any any (http.user_agent; absent: or_else; content:!"a";)',
        "alert http any any -> any any (http.referer; absent;)",
    )
    assert sids(events) == {1: 1, 3: 1, 4: 1}


def test_a_request_and_its_response_at_once(tmp_path: Path) -> None:
    other = REQUEST.replace(b"login", b"other")
    events = scan(
        tmp_path,
        Connection().client(REQUEST).server(RESPONSE).client(other).server(RESPONSE).packets,
        'alert http any any => any 80 (http.uri; content:"login"; http.stat_code; content:"200";)',
        'alert http any any => any 80 (http.uri; content:"login"; http.stat_code; content:"404";)',
        'alert http any any => any 80 (http.uri; content:"login"; file.data: to_client; content:"secret";)',
        'alert http any any => any 80 (http.uri; content:"login"; file.data: to_server; content:"bob";)',
    )
    assert sids(events) == {1: 1, 3: 1, 4: 1}


def test_a_request_and_its_response_go_the_way_that_the_rule_says(tmp_path: Path) -> None:
    asked = '(http.uri; content:"login"; http.stat_code; content:"200";)'
    ends = (
        f"any any => {SERVER} 80",
        f"{CLIENT} !80 => any any",
        f"{SERVER} any => any any",
        f"any any => {CLIENT} any",
        "any 80 => any any",
        "any any => any !80",
    )
    events = scan(
        tmp_path,
        Connection().client(REQUEST).server(RESPONSE).packets,
        *(f"alert http {way} {asked}" for way in ends),
    )
    assert sids(events) == {1: 1, 2: 1}


@pytest.mark.parametrize(
    "ends",
    [
        ["$EXTERNAL_NET any => $HOME_NET any"],
        [f"{CLIENT} any => any any", *(f"10.9.{number}.1 any => any any" for number in range(100))],
    ],
)
def test_so_does_one_from_the_outside_or_among_many_about_other_hosts(
    tmp_path: Path, ends: list[str]
) -> None:
    """Which groups of rules and which lists by address a packet meets follows from its own ends."""
    asked = '(http.uri; content:"login"; http.response_line; content:"HTTP/1.1 200";)'
    events = scan(
        tmp_path,
        Connection().client(REQUEST).server(RESPONSE).packets,
        *(f"alert http {way} {asked}" for way in ends),
        settings=(f"vars.address-groups.HOME_NET=[{SERVER}]", "vars.address-groups.EXTERNAL_NET=!$HOME_NET"),
    )
    assert sids(events) == {1: 1}


def test_who_answers_first_is_the_server_of_a_connection_met_midway(tmp_path: Path) -> None:
    connection = Connection().client(REQUEST).server(RESPONSE).close()
    events = scan(
        tmp_path,
        connection.packets[4:],
        'alert http any any -> any any (http.stat_code; content:"200";)',
        settings=("stream.midstream=true",),
    )
    assert [event["src_ip"] for event in events] == [SERVER]


def test_each_frame_alerts_once(tmp_path: Path) -> None:
    request = b"REGISTER sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\nhi"
    connection = Connection(5060).client(request * 3, piece=10).close()
    head = "alert sip any any -> any any"
    rules = (
        f'{head} (frame:pdu; content:"hi"; endswith;)',
        f'{head} (flow:to_client; frame:pdu; content:"hi";)',
        f'{head} (frame:stream; content:"REGISTER"; startswith;)',
        f"{head} (frame:request.line; bsize:24;)",
        f'{head} (frame:request.line; content:"SIP/2.0|0d 0a|"; endswith;)',
        f'{head} (sip.method; content:"REGISTER";)',
    )
    assert sids(scan(tmp_path, connection.packets, *rules)) == {1: 3, 3: 1, 4: 3, 5: 3, 6: 3}


def test_rules_follow_a_flow_to_another_protocol(tmp_path: Path) -> None:
    asked = b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    switched = b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    connection = Connection().client(asked).server(switched).client(b"\x81\x02hi").server(b"\x81\x02ho")
    events = scan(
        tmp_path,
        connection.close().packets,
        'alert websocket any any -> any any (msg:"protocol alone";)',
        'alert websocket any any -> any any (websocket.payload; content:"hi"; bsize:2;)',
        'alert http1 any any -> any any (http.uri; content:"/chat";)',
        "alert websocket any any -> any any (websocket.opcode:text; flow:to_client;)",
    )
    found = sids(events)
    assert found[1] >= 1
    assert {sid: found[sid] for sid in (2, 3, 4)} == {2: 1, 3: 1, 4: 1}


def test_dns_over_http2_is_both(tmp_path: Path) -> None:
    post = [(b":method", b"POST"), (b":path", b"/dns-query"), (b"content-type", b"application/dns-message")]
    query = test_http2.frame(0, test_http2.QUERY, 1, 1)
    plain = test_http2.headers([(b":method", b"GET"), (b":path", b"/")], 3, 5)
    connection = Connection(port=8080)
    connection.client(test_http2.MAGIC + test_http2.headers(post, 1) + query).client(plain)
    events = scan(
        tmp_path,
        connection.close().packets,
        'alert dns any any -> any any (dns.query; content:"google";)',
        'alert doh2 any any -> any any (dns.query; content:"google"; http.uri; content:"/dns-query";)',
        'alert http2 any any -> any any (http.method; content:"POST";)',
        'alert http any any -> any any (http.method; content:"GET";)',
        'alert doh2 any any -> any any (http.method; content:"GET";)',
        "alert dns any any -> any any (dns.rrtype:1; flow:to_client;)",
    )
    assert sids(events) == {1: 1, 2: 1, 3: 1, 4: 1}


def test_modifiers_are_older_than_http2(tmp_path: Path) -> None:
    asked = [(b":method", b"GET"), (b":path", b"/login"), (b":authority", b"shop.example")]
    rules = (
        'alert http any any -> any any (content:"/login"; http_uri;)',
        'alert tcp any any -> any any (uricontent:"/login"; flow:to_server;)',
        'alert http any any -> any any (pcre:"/^.login/U";)',
        'alert http any any -> any any (http.method; content:"GET"; pkt_data; content:"login"; http_uri;)',
        'alert http any any -> any any (http.uri; content:"/login"; urilen:6;)',
    )
    second = Connection(port=8080).client(test_http2.MAGIC + test_http2.headers(asked, 1, 5)).close()
    assert sids(scan(tmp_path, second.packets, *rules)) == {5: 1}
    first = Connection().client(b"GET /login HTTP/1.1\r\nHost: a\r\n\r\n").close()
    (tmp_path / "first").mkdir()
    assert sids(scan(tmp_path / "first", first.packets, *rules)) == dict.fromkeys(range(1, 6), 1)


def test_events_of_a_transaction(tmp_path: Path) -> None:
    """One alert a transaction and side; what an answer brings about is also told to those who look at the
    client's side, which is where Suricata's own rules look."""
    coded = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip\r\nContent-Length: 0\r\n\r\n"
    connection = Connection()
    for _ in range(2):
        connection.client(b"GET / HTTP/1.1\r\n\r\n", piece=5).server(coded, piece=20)
    events = scan(
        tmp_path,
        connection.close().packets,
        "alert http any any -> any any (flow:to_server; app-layer-event:http.too_many_encoding_layers;)",
        "alert http any any -> any any (flow:to_client; app-layer-event:http.too_many_encoding_layers;)",
        "alert http any any -> any any (flow:established; app-layer-event:http.missing_host_header;)",
        "alert http any any -> any any (app-layer-event:http.gzip_decompression_failed;)",
    )
    assert sids(events) == {1: 2, 2: 2, 3: 4}
    written = (tmp_path / "out" / "eve.json").read_text().splitlines()
    odd = [event["anomaly"] for event in map(json.loads, written) if event["event_type"] == "anomaly"]
    assert Counter(one["event"] for one in odd) == {"TOO_MANY_ENCODING_LAYERS": 2, "MISSING_HOST_HEADER": 2}
    assert all(one["type"] == "applayer" and one["app_proto"] == "http" for one in odd)


def test_a_flaw_that_no_rule_asks_for_is_logged(tmp_path: Path) -> None:
    """Certificates are looked at for the log as for rules."""
    fields = {**test_tls.GOOD, "serial": test_tls.tlv(4, b"1")}
    whole = test_tls.tlv(
        0x30, test_tls.tlv(0x30, *fields.values()), test_tls.ALGORITHM, test_tls.tlv(3, b"s")
    )
    connection = Connection(443).client(test_tls.message(1, test_tls.hello_body([5], b"")))
    scan(tmp_path, connection.server(test_tls.certified(whole)).close().packets)
    written = (tmp_path / "out" / "eve.json").read_text().splitlines()
    odd = [event["anomaly"] for event in map(json.loads, written) if event["event_type"] == "anomaly"]
    assert [one["event"] for one in odd] == ["CERTIFICATE_INVALID_SERIAL"]
