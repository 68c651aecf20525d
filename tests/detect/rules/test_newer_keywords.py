"""Keywords that Suricata has had since version 8, and those of an engine through which packets pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, GRE, Dot1Q, Ether
from scapy.layers.ntp import NTPHeader
from scapy.packet import Packet

from tests.detect.applayer.test_scan import Connection, scan, sids
from tests.detect.rules.rule_text import PARSER, parse, refused
from vpi_tui.model.signature import Action

MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
GET = b"GET /abcd HTTP/1.1\r\nHost: h\r\n\r\n"


def datagram(*tags: int) -> Packet:
    made = Ether(**MACS)
    for tag in tags:
        made /= Dot1Q(vlan=tag)
    return made / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=9) / b"abc"


def test_the_ethernet_header_of_any_frame(tmp_path: Path) -> None:
    packets = [Ether(**MACS) / ARP(psrc="10.0.0.1", pdst="10.0.0.2"), datagram(7)]
    rules = (
        'alert ether any any -> any any (ether.hdr; content:"|02 00 00 00 00 02|"; startswith; bsize:14;)',
        'alert ip any any -> any any (ether.hdr; content:"|81 00|"; offset:12; depth:2;)',
        'alert arp any any -> any any (msg:"x";)',
        'alert arp any any -> any any (ether.hdr; content:"|81 00|"; endswith;)',
    )
    assert sids(scan(tmp_path, packets, *rules)) == {1: 2, 2: 1, 3: 1}


def test_what_is_inside_a_tunnel_has_not_the_ethernet_header_around_it(tmp_path: Path) -> None:
    packet = Ether(**MACS) / IP(src="1.0.0.1", dst="1.0.0.2") / GRE() / datagram()[IP]
    rules = (
        'alert ip any any -> any any (ether.hdr; content:"|02|"; startswith;)',
        'alert ip any any -> any any (ipv4.hdr; content:"E"; startswith;)',
    )
    assert sids(scan(tmp_path, [packet], *rules)) == {1: 1, 2: 2}


@pytest.mark.parametrize(
    ("condition", "tags"),
    [
        ("300,-1", [(300,), (9, 300), (7, 9, 300)]),
        ("300,-2", [(300, 9)]),
        ("<300,-1", [(300, 9), (300, 7, 9)]),
        ("count >1", [(9, 300), (300, 9), (7, 9, 300), (300, 7, 9)]),
        ("300,0", [(300,), (300, 9), (300, 7, 9)]),
        ("300,2", [(7, 9, 300)]),
        ("300,-3", [(300, 7, 9)]),
    ],
)
def test_vlans_by_place(tmp_path: Path, condition: str, tags: list[tuple[int, ...]]) -> None:
    for stack in ((), (300,), (9, 300), (300, 9), (7, 9, 300), (300, 7, 9)):
        found = scan(tmp_path, [datagram(*stack)], f"alert ip any any -> any any (vlan.id:{condition};)")
        assert len(found) == (stack in tags), stack


def test_counters_of_both_ways(tmp_path: Path) -> None:
    connection = Connection().client(b"a").client(b"b").server(b"c")
    found = scan(tmp_path, connection.packets, "alert tcp any any -> any any (flow.pkts:both,>1;)")
    assert len(found) == 1  # with the last packet the server has sent two as well
    assert "each way" in parse_text("flow.bytes:both,>1;")


def test_numbers_of_64_bits(tmp_path: Path) -> None:
    """The widths that the manual states, also where what is counted never gets there."""
    most = (1 << 64) - 1
    conditions = {
        f"flow.bytes:toserver,<{most}; flags:S;": 1,
        f"flow.bytes_toserver:&{1 << 63}=0; flags:S;": 1,
        f"flow.bytes:toserver,>{1 << 63}; flags:S;": 0,
    }
    rules = [f"alert tcp any any -> any any ({condition})" for condition in conditions]
    counts = sids(scan(tmp_path, Connection().client(b"a").packets, *rules))
    assert [counts[n] for n in range(1, len(rules) + 1)] == list(conditions.values())
    for name in ("leasetime", "rebinding_time", "renewal_time"):
        parse(f"dhcp.{name}:{most};", head="alert dhcp any any -> any any")
    assert "out of range" in refused(f"flow.bytes:either,{most + 1};")


def parse_text(options: str) -> str:
    from vpi_tui.detect.rules.explain import describe

    return describe(parse(options))


@pytest.mark.parametrize(("condition", "alerts"), [("&4=4", 1), ("&4=0", 0), ("&0xc!=8", 1)])
def test_bits_of_a_size(tmp_path: Path, condition: str, alerts: int) -> None:
    rule = f"alert http any any -> any any (http.uri; bsize:{condition};)"  # of 5 bytes
    assert len(scan(tmp_path, Connection().client(GET).packets, rule)) == alerts
    assert "&" in parse_text(f"http.uri; bsize:{condition};")


def test_messages_of_ntp(tmp_path: Path) -> None:
    ends = {"src": "10.0.0.1", "dst": "10.0.0.2"}
    back = {"src": "10.0.0.2", "dst": "10.0.0.1"}
    asked = Ether() / IP(**ends) / UDP(sport=123, dport=123) / NTPHeader(version=4, mode=3, stratum=0)
    answer = NTPHeader(version=4, mode=4, stratum=2, id="192.0.2.1")
    packets = [asked, Ether() / IP(**back) / UDP(sport=123, dport=123) / answer]
    conditions = (
        "ntp.mode:client;",
        "ntp.mode:!client;",
        "ntp.stratum:2;",
        'ntp.reference_id; content:"|c0 00 02 01|";',
        "ntp.version:>=4;",
        "ntp.version:3;",
        "ntp.version:<9;",
        "ntp.mode:8;",
    )
    rules = [f"alert ntp any any -> any any ({condition})" for condition in conditions]
    assert sids(scan(tmp_path, packets, *rules)) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 2, 7: 2}


def test_what_a_monitor_does_not_do_leaves_the_alert(tmp_path: Path) -> None:
    packets = Connection().client(GET).packets
    rules = (
        'alert http any any -> any any (http.uri; content:"/ab"; replace:"/xy";)',
        'alert http any any -> any any (http.uri; content:"/ab"; nfq_set_mark:0x1/0xff;)',
        "alert http any any -> any any (http.uri; bsize:5; config: logging disable, type tx, scope tx;)",
        "config http any any -> any any (http.uri; bsize:5; config: logging disable, type tx, scope tx;)",
        "alert http any any -> any any (http.uri; dataset:isnotset,seen, type string, state seen.lst;)",
    )
    assert sids(scan(tmp_path, packets, *rules)) == {1: 1, 2: 1, 3: 1, 5: 1}
    PARSER.notices.clear()
    for text in ('content:"ab"; replace:"cd";', "nfq_set_mark:2;", "tls.store;"):
        parse(text)
        assert len(PARSER.notices) == 1, text
        PARSER.notices.clear()


def test_actions_that_only_change_something_do_not_alert() -> None:
    made = parse('content:"a";', head="config tcp any any -> any any")
    assert (made.action, made.noalert) == (Action.ALERT, True)


def test_flows_are_not_tracked_from_a_hook_of_packets_on() -> None:
    options = "config: tracking disable, type flow, scope packet;"
    assert parse(options, head="config ip:pre_flow any any -> any any").noalert
    assert "needs a hook" in refused(options, head="config ip any any -> any any")
    assert "needs a hook" in refused(options, head="config http1:request_line any any -> any any")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ('content:"abc"; replace:"ab";', "needs 3 bytes"),
        ("nfq_set_mark:x;", "needs a mark"),
        ("config: logging enable, type tx, scope tx;", "config: needs"),
        ("vlan.id:1,3;", "layer 0, 1, 2, -1, -2, -3, any or all"),
        ("http.uri; dataset:set,a, type string, state a, load a;", "excludes load and save"),
        ("http.uri; dataset:set,a, type string, state a, save b;", "excludes load and save"),
        ("http.uri; dataset:set,a, type string, state ../a;", "inside of the data directory"),
    ],
)
def test_what_makes_no_sense_is_refused(options: str, reason: str) -> None:
    assert reason in refused(options)
