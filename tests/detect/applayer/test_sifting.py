"""DNS datagrams in which no rule can find anything meet no parser, and nothing else changes by that."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import dns as wire
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from tests.detect.match.build import Packet as Sent
from tests.detect.match.build import decoded_of
from tests.detect.rules.rule_text import parse
from tests.stream.scanning import scan
from vpi_tui.cli.main import main
from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.dns import DnsUdpOrTcp, parse_message
from vpi_tui.detect.applayer.kernels_dns import ASKS, ODD, SILENT, plain_messages
from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.detect.match.dns_sieve import sieves_of
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.loader import load
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def question(name: str = "www.example.com", **fields: object) -> bytes:
    return bytes(wire.DNS(rd=1, qd=wire.DNSQR(qname=name), **fields))


WITH_EDNS = question(ar=wire.DNSRROPT(rclass=1232))
ANSWER = bytes(
    wire.DNS(
        qr=1, qd=wire.DNSQR(qname="example.com", qtype="MX"),
        an=[wire.DNSRRMX(rrname="example.com", exchange="mail.example.com"),
            wire.DNSRRSRV(rrname="_sip._tcp.example.com", target="sip.example.com")],
        ns=[wire.DNSRRSOA(rrname="com", mname="a.nic.com", rname="root.nic.com")],
        ar=[wire.DNSRR(rrname="mail.example.com", rdata="10.0.0.1")],
    )
)  # fmt: skip
POINTING = ANSWER[:12] + b"\7example\3com\0\0\x0f\0\1" + b"\xc0\x0c\0\x05\0\1\0\0\0\x3c\0\x02\xc0\x14"
POINTING = POINTING[:4] + struct.pack("!4H", 1, 1, 0, 0) + POINTING[12:]


def told(*messages: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    """Verdict and name of each message, which stand behind each other in one buffer."""
    sizes = np.array([len(data) for _, data in messages], np.int64)
    buf = np.frombuffer(b"".join(data for _, data in messages), np.uint8)
    directions = np.array([direction for direction, _ in messages], np.uint8)
    verdict, ends = np.empty(len(messages), np.uint8), np.empty(len(messages), np.int64)
    names = np.empty(buf.size, np.uint8)
    plain_messages(buf, np.cumsum(sizes) - sizes, sizes, directions, verdict, names, ends)
    begins = [0, *ends.tolist()[:-1]]
    found = [names[begin:end].tobytes() for begin, end in zip(begins, ends.tolist(), strict=True)]
    return list(zip(verdict.tolist(), found, strict=True))


def test_plain_messages() -> None:
    long = "a" * 63 + ".b.example"
    assert told(
        (SERVER, question()), (CLIENT, ANSWER), (SERVER, WITH_EDNS), (CLIENT, POINTING),
        (SERVER, question(".")), (SERVER, question(long)),
    ) == [
        (ASKS, b"www.example.com"), (SILENT, b""), (ASKS, b"www.example.com"), (SILENT, b""),
        (ASKS, b""), (ASKS, long.encode()),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("direction", "message"),
    [
        (CLIENT, question()),
        (SERVER, ANSWER),
        (SERVER, question(z=1)),
        (SERVER, question(opcode=7)),
        (SERVER, question()[:-1]),
        (SERVER, question()[:11]),
        (SERVER, b""),
        (CLIENT, ANSWER[:-3]),
        (SERVER, question(qdcount=2)),
        (SERVER, question()[:4] + struct.pack("!4H", 1, 0, 0, 1) + question()[12:] + b"\0\0\x29"),
        (SERVER, question()[:12] + b"\xc0\x0c\0\1\0\1"),
        (SERVER, question()[:12] + b"\x40" * 80),
        (CLIENT, POINTING[:-2] + b"\xc0\x29"),
        (CLIENT, POINTING[:-2] + b"\xc0\x00"),
        (CLIENT, POINTING[:4] + struct.pack("!4H", 1, 65_535, 0, 0) + POINTING[12:]),
    ],
)
def test_what_is_not_plain(direction: int, message: bytes) -> None:
    first, last = (SERVER, question("first.example")), (SERVER, question("last.example"))
    assert told(first, (direction, message), last) == [
        (ASKS, b"first.example"),
        (ODD, b""),
        (ASKS, b"last.example"),
    ]


@given(
    st.sampled_from([question(), WITH_EDNS, ANSWER, POINTING]),
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=4),
    st.integers(0, 200),
    st.sampled_from([SERVER, CLIENT]),
)
def test_plain_is_what_the_parser_finds_nothing_odd_in(
    message: bytes, changes: Sequence[tuple[int, int]], size: int, direction: int
) -> None:
    changed = bytearray(message)
    for place, byte in changes:
        changed[place % len(changed)] = byte
    data = bytes(changed[: size or None]) if size < 60 else bytes(changed)
    ((verdict, name),) = told((direction, data))
    if verdict == ODD:
        return
    read = parse_message(data)
    assert read.events == []
    assert read.is_response == (direction == CLIENT) == (verdict == SILENT)
    if verdict == ASKS:
        assert [one.name for one in read.questions] == [name]


def sieve_of(folder: Path, *rules: str) -> bool:
    path = folder / "some.rules"
    path.write_text("\n".join(rules))
    loaded = load([path])
    assert not loaded.errors
    return bool(sieves_of(RuleSet.compile(loaded.signatures)))


QUERY_RULE = 'alert dns any any -> any any (msg:"m"; dns.query; content:"evil"; sid:1;)'


@pytest.mark.parametrize(
    ("options", "sifts"),
    [
        ('dns.query; content:"evil"; nocase; endswith;', True),
        ('dns.query; dotprefix; content:".evil.example";', True),
        ('content:"|01 00|"; offset:2; depth:2; dns.query; content:"evil";', True),
        ("app-layer-event:dns.malformed_data;", True),
        ('dns.query; content:!"good";', False),
        ('dns.query; pcre:"/^[a-z]{20}/";', False),
        ("dns.opcode:4;", False),
        ("dns.rrtype:16;", False),
        ('dns.answers.rrname; content:"evil";', False),
        ('frame:dns.pdu; content:"evil";', False),
    ],
)
def test_rules_that_look_at_more_are_not_sifted_for(tmp_path: Path, options: str, sifts: bool) -> None:
    rule = f'alert dns any any -> any any (msg:"m"; {options} sid:2;)'
    assert sieve_of(tmp_path, QUERY_RULE, rule) is sifts


def datagrams(*sent: tuple[int, bytes], port: int = 40_000, start: float = 100.0) -> list[Packet]:
    """Of one flow."""
    made = []
    for number, (direction, data) in enumerate(sent):
        ends, ports = ("10.0.0.1", "10.0.0.2"), (port, 53)
        if direction == CLIENT:
            ends, ports = ends[::-1], ports[::-1]
        packet = IP(src=ends[0], dst=ends[1]) / UDP(sport=ports[0], dport=ports[1]) / Raw(data)
        packet.time = start + number / 100
        made.append(packet)
    return made


GOOD = (SERVER, question("good.example")), (CLIENT, ANSWER)
EVIL = (SERVER, question("a.EVIL.example"))


def test_only_what_a_rule_seeks_is_parsed(tmp_path: Path) -> None:
    nocase = QUERY_RULE.replace('"evil"', '"evil"; nocase')
    packets = [*datagrams(*GOOD * 5, port=1_000), *datagrams(*GOOD, EVIL, *GOOD, port=2_000)]
    alerts, stats = scan(tmp_path, [nocase], packets)
    assert [(a.sid, a.packet_number) for a in alerts] == [(1, 13)]
    assert stats["app_layer.tx"] == 8
    assert stats["detect.candidates"] == 1


def test_without_the_sieve_all_are_the_same(tmp_path: Path) -> None:
    """A rule about operations has all messages parsed; the other one alerts as before."""
    packets = datagrams(*GOOD, EVIL, *GOOD, EVIL)
    rule = QUERY_RULE.replace('"evil"', '"evil"; nocase')
    more = 'alert dns any any -> any any (msg:"m"; dns.opcode:9; sid:2;)'
    path, text, out = tmp_path / "some.pcap", tmp_path / "some.rules", tmp_path / "eve.json"
    wrpcap(str(path), [Ether() / packet for packet in packets])
    lines = []
    for rules in ([rule], [rule, more]):
        text.write_text("\n".join(rules))
        assert main(["scan", "-r", str(path), "-S", str(text), "--eve", str(out), "--events", "alert"]) == 0
        lines.append([json.loads(line) for line in out.read_text().splitlines()])
        out.unlink()
    assert lines[0] == lines[1]
    assert [line["tx_id"] for line in lines[0]] == [2, 5]
    assert lines[0][0]["dns"]


def test_a_message_that_goes_the_wrong_way_after_others(tmp_path: Path) -> None:
    """What was sifted tells which way queries go."""
    rule = 'alert dns any any -> any any (msg:"m"; app-layer-event:dns.not_request; sid:1;)'
    alerts, _ = scan(tmp_path, [rule], datagrams(*GOOD, (SERVER, ANSWER), *GOOD))
    assert [a.packet_number for a in alerts] == [3]


def batches(folder: Path, *parts: Sequence[Packet]) -> tuple[str, ...]:
    """Captures, of which each is a batch of its own."""
    paths = [folder / f"{number}.pcap" for number in range(len(parts))]
    for path, packets in zip(paths, parts, strict=True):
        wrpcap(str(path), list(packets), linktype=101)
    return tuple(map(str, paths))


def test_a_flow_that_has_its_parser_is_sifted_no_more(tmp_path: Path) -> None:
    """Else the numbers of its transactions would leave some out."""
    files = batches(tmp_path, datagrams(*GOOD, EVIL), datagrams(*GOOD, EVIL, start=101.0))
    text, out = tmp_path / "some.rules", tmp_path / "eve.json"
    text.write_text(QUERY_RULE.replace('"evil"', '"evil"; nocase'))
    captures = [word for path in files for word in ("-r", path)]
    assert main(["scan", *captures, "-S", str(text), "--eve", str(out), "--events", "alert"]) == 0
    assert [json.loads(line)["tx_id"] for line in out.read_text().splitlines()] == [2, 5]


def test_another_flow_in_the_same_slot_begins_anew() -> None:
    rules = RuleSet.compile([parse("app-layer-event:dns.not_request;", head="alert dns any any -> any any")])
    for first, odd in ((0, ["dns.not_request"]), (3, [])):
        layer, seen = AppLayer(Demand({"dns"}, sieves=sieves_of(rules))), list[Progress]()
        for direction, data, begins in ((SERVER, question(), 3), (SERVER, ANSWER, first)):
            sent = Sent(data, proto=17, app=APP_PROTOS.index("dns"), direction=direction, first=begins)
            seen = layer.update(*decoded_of([sent]), None, np.zeros(1, np.uint8))
        assert [event for one in seen for event in one.transaction.events[SERVER]] == odd


def test_what_was_sifted_tells_the_parser_which_way_queries_go() -> None:
    parser = DnsUdpOrTcp()
    parser.sifted()
    (wrong,) = parser.datagram(SERVER, ANSWER)
    assert list(wrong.events[SERVER]) == ["dns.not_request"]
    (right,) = DnsUdpOrTcp().datagram(SERVER, ANSWER)
    assert not right.events[SERVER]


def test_payload_beside_a_name_is_that_of_its_datagram(tmp_path: Path) -> None:
    rules = [
        f'alert dns any any -> any any (msg:"m"; content:"{sent}"; dns.query; content:"evil"; sid:{sid};)'
        for sid, sent in ((1, "good"), (2, "evil"))
    ]
    evil = (SERVER, question("a.evil.example"))
    alerts, _ = scan(tmp_path, rules, datagrams(evil, *GOOD, evil, evil))
    assert [(a.sid, a.packet_number) for a in alerts] == [(2, 1), (2, 4), (2, 5)]
