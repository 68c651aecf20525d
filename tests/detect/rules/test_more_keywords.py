"""asn1, datarep, fields of headers that few rules ask for, bypass; and what will not be supported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detect.match.build import Packet, hits, matcher_of, run
from tests.detect.rules.rule_text import columns, parse, refused
from vpi_tui.detect.match.asn1 import asn1_holds
from vpi_tui.detect.rules.known import NEVER
from vpi_tui.detect.rules.loader import load
from vpi_tui.model.signature import Asn1, Content, HasReputation, NumberIn


def _flaw(options: str, data: bytes, at: int = 0) -> bool:
    (step,) = parse(f"asn1:{options};").steps
    assert isinstance(step, Asn1)
    return asn1_holds(step, data, at + step.offset)


@pytest.mark.parametrize(
    ("options", "yes", "no"),
    [
        ("oversize_length 3", b"\x04\x04aaaa", b"\x04\x03aaa"),
        ("oversize_length 3 absolute_offset 1", b"-\x04\x04aaaa", b"\x04\x04aaaa"),
        ("oversize_length 9", b"\x30\x12\x30\x04\x04\x02aa\x04\x0a" + bytes(10), b"\x30\x05\x30\x03aaa"),
        ("bitstring_overflow", b"\x03\x01\xff", b"\x03\x01\x07"),
        ("double_overflow", b"\x09\x82\x01\x01" + b"\x05" * 257, b"\x09\x82\x01\x00" + b"\x05" * 256),
        ("double_overflow, oversize_length 1", b"\x31\x05\x02\x03abc", b"\x02\x01a"),
    ],
)  # fmt: skip
def test_flaws_of_ber(options: str, yes: bytes, no: bytes) -> None:
    assert _flaw(options, yes)
    assert not _flaw(options, no)


def test_ber_without_an_end_is_looked_at_in_bounds() -> None:
    assert not _flaw("oversize_length 60000", b"\x30\x80" * 30_000)
    assert not _flaw("oversize_length 60000", b"\x30\x00" * 30_000)


def test_a_relative_offset_starts_from_the_last_match() -> None:
    rules = [parse('content:"ab"; asn1:oversize_length 3, relative_offset 1;')]
    assert hits(rules, [Packet(b"ab-\x04\x04aaaa"), Packet(b"ab\x04\x04aaaa", flow=1)]) == [(0, 1)]


def test_scores_of_contents(tmp_path: Path) -> None:
    (tmp_path / "scores").write_text("YWJj,10\nZA==,200\n\n")
    rules = tmp_path / "t.rules"
    head = "alert http any any -> any any"
    rules.write_text(
        f"{head} (http.host; datarep:hosts,>,100,load scores,type string; sid:1;)\n"
        f"{head} (http.host; datarep:hosts,>,100,load missing,type string; sid:2;)\n"
        f"{head} (http.host; datarep:hosts,>,100,type string; sid:3;)\n"
        f"{head} (datarep:hosts,>,100,load scores,type string; sid:4;)\n"
    )
    loaded = load([rules])
    (step,), (again,) = (signature.steps for signature in loaded.signatures)
    assert isinstance(step, HasReputation)
    assert isinstance(again, HasReputation)
    assert again.scores is step.scores
    assert step.scores.scores == {b"abc": 10, b"d": 200}
    assert step.spans == ((101, 65535),)
    assert [error.line for error in loaded.errors] == [2, 4]


def test_fields_of_headers() -> None:
    assert columns("l3_proto:arp;")["ethertype"] == [(((0x0806, 0x0806),), None, False)]
    assert columns("vxlan_vni:5;")["tunnel"] == [(((2 << 24 | 5,) * 2,), None, False)]
    mtu = Packet(proto=58, version=6, more={"icmp_type": 2})
    # The packets of these tests have bytes 100, 101, 102 ... as their layer-4 header.
    number = int.from_bytes(bytes((104, 105, 106, 107)))
    assert hits([parse(f"icmpv6.mtu:{number};", head="alert icmp any any -> any any")], [mtu]) == [(0, 1)]
    igmp = Packet(proto=2)
    assert hits([parse("igmp.type:100;", head="alert ip any any -> any any")], [igmp]) == [(0, 1)]
    assert hits([parse("igmp.type:100;", head="alert igmp any any -> any any")], [igmp, Packet(proto=17)])
    assert not hits([parse('msg:"any";', head="alert igmp any any -> any any")], [Packet(proto=17)])
    assert hits([parse('igmp.hdr; content:"defg"; startswith;', head="alert ip any any -> any any")], [igmp])


def test_a_flow_that_is_passed_by_raises_no_more_alerts() -> None:
    rules = [parse('content:"x"; bypass;'), parse('content:"y";')]
    packets = [Packet(b"y"), Packet(b"xy"), Packet(b"y"), Packet(b"y", flow=1)]
    matcher = matcher_of(*rules)
    assert [(m.row, m.rule) for m in run(matcher, packets)] == [(0, 1), (1, 0), (1, 1), (3, 1)]
    assert [(m.row, m.rule) for m in run(matcher, [Packet(b"xy"), Packet(b"x", flow=1)])] == [(1, 0)]


@pytest.mark.parametrize("name", sorted(NEVER))
def test_what_will_not_be_supported_says_why(name: str) -> None:
    assert refused(f"{name};") == f"keyword {name}: not supported: {NEVER[name]}"


def test_a_modifier_moves_the_last_content_that_is_still_in_the_payload() -> None:
    steps = parse(
        'content:"a"; content:"b"; http_host; http_uri;', head="alert http any any -> any any"
    ).steps
    assert [(step.buffer, step.pattern) for step in steps if isinstance(step, Content)] == [
        ("http.uri", b"a"),
        ("http.host", b"b"),
    ]
    assert "in http.host already" in refused('content:"b"; http_host; http_uri;')


@pytest.mark.parametrize(("name", "most"), [("smb.version", 2), ("mqtt.qos", 2)])
def test_numbers_that_take_no_test_but_one_number(name: str, most: int) -> None:
    assert parse(f"{name}: {most} ;").steps == (NumberIn(name, ((most, most),)),)
    for other in (f">{most - 1}", f"!{most}", "1-2", str(most + 1), "-1", "1,all"):
        assert f"{name}: a number from" in refused(f"{name}:{other};")
