from __future__ import annotations

import re

import pytest

from vpi_tui.decode.ipopts import OPTION_BITS
from vpi_tui.detect.rules.keywords.packet_ip import IP_OPTIONS
from vpi_tui.model.batch import DecodedBatch, DecoderEvent

from .rule_text import columns, parse, refused

TCP = [(((6, 6),), None, False)]
ANY = "alert ip any any -> any any"
ICMP = [(((1, 1), (58, 58)), None, False)]


def exactly(value, mask):
    return [(((value, value),), mask, False)]


@pytest.mark.parametrize(
    ("value", "test"),
    [
        ("S", (((2, 2),), 0xFF, False)),
        ("SA", (((0x12, 0x12),), 0xFF, False)),
        ("0", (((0, 0),), 0xFF, False)),
        ("0,CE", (((0, 0),), 0xFF, False)),
        ("!0", (((0, 0),), 0xFF, True)),
        ("S,CE", (((2, 2),), 0x3F, False)),
        ("S,12", (((2, 2),), 0x3F, False)),
        ("+SA", (((0x12, 0x12),), 0x12, False)),
        ("*SA", (((0, 0),), 0x12, True)),
        ("!R", (((4, 4),), 4, True)),
        ("FPU,CE", (((0x29, 0x29),), 0x3F, False)),
        ("SF+", (((3, 3),), 3, False)),
    ],
)
def test_flags(value, test):
    made = columns(f"flags:{value};")
    assert (made.keys(), made["proto"], made["tcp_flags"][0]) == ({"proto", "tcp_flags"}, TCP, test)
    assert columns(f"tcp.flags: {value};") == made


@pytest.mark.parametrize(
    ("options", "column", "test"),
    [
        ("ttl:64;", "ttl", (((64, 64),), None, False)),
        ("ttl:<5;", "ttl", (((0, 4),), None, False)),
        ("ttl:>=250;", "ttl", (((250, 255),), None, False)),
        ("ttl:!0;", "ttl", (((1, 255),), None, False)),
        ("ttl:10-20;", "ttl", (((11, 19),), None, False)),
        ("tos:x20;", "tos", (((32, 32),), None, False)),
        ("tos:!8;", "tos", (((8, 8),), None, True)),
        ("id:31337;", "ip_id", (((31337, 31337),), None, False)),
        ("fragbits:MD;", "frag_bits", (((3, 3),), 7, False)),
        ("fragbits:M+;", "frag_bits", (((1, 1),), 7, False)),
        ("fragbits:+M;", "frag_bits", (((1, 1),), 1, False)),
        ("fragbits:+M;", "frag_bits", (((1, 1),), None, True)),
        ("fragbits:!M;", "frag_bits", (((1, 1),), 1, True)),
        ("fragoffset:>0;", "frag_offset", (((1, 0xFFFF),), None, False)),
        ("ipopts:rr;", "ip_opts", (((4, 4),), 4, False)),
        ("ipopts:any;", "ip_opts", (((0, 0),), None, True)),
        ("ip_proto:gre;", "proto", (((47, 47),), None, False)),
        ("ip_proto:Sprite-RPC;", "proto", (((90, 90),), None, False)),
        ('ip_proto:"!TCP";', "proto", (((0, 5), (7, 255)), None, False)),
        ("ip_proto:ipip;", "proto", (((4, 4),), None, False)),
        ("ip_proto:!6;", "proto", (((0, 5), (7, 255)), None, False)),
        ("sameip;", "same_ip", (((1, 1),), None, False)),
        ("seq:0;", "tcp_seq", (((0, 0),), None, False)),
        ("tcp.ack:7;", "tcp_ack", (((7, 7),), None, False)),
        ("window:!5;", "tcp_window", (((0, 4), (6, 65535)), None, False)),
        ("tcp.window:55808;", "tcp_window", (((55808, 55808),), None, False)),
        ("itype:8;", "icmp_type", (((8, 8),), None, False)),
        ("itype: != 0;", "icmp_type", (((1, 255),), None, False)),
        ("itype:3<>7;", "icmp_type", (((4, 6),), None, False)),
        ("icode:<=2;", "icmp_code", (((0, 2),), None, False)),
        ("icmp_id:0;", "icmp_id", (((0, 0),), None, False)),
        ("icmp_seq:2216;", "icmp_seq", (((2216, 2216),), None, False)),
        ("dsize:300;", "payload_len", (((300, 300),), None, False)),
        ("dsize:100<>200;", "payload_len", (((101, 199),), None, False)),
        ("ttl:&0x80=0x80;", "ttl", (((0x80, 0x80),), 0x80, False)),
        ("dsize:&3!=0;", "payload_len", (((1, 3),), 3, False)),
        ("itype:&0x0f=8;", "icmp_type", (((8, 8),), 15, False)),
        ("tcp.mss:& 0xff = 0;", "tcp_mss", (((0, 0),), 0xFF, False)),
        ("vlan.id:&0xf00=0x100,all;", "vlan_any", (((0, 255), (257, 0xF00)), 0xF00, True)),
        ("vlan.layers:>1;", "vlan_layers", (((2, 3),), None, False)),
        ("vlan.layers:<=3;", "vlan_layers", (((0, 3),), None, False)),
        ("vlan.id:300;", "vlan_any", (((300, 300),), None, False)),
        ("vlan.id:300,1;", "vlan1", (((300, 300),), None, False)),
        ("vlan.id:300,all;", "vlan_any", (((0, 299), (301, 4095)), None, True)),
    ],
)
def test_columns(options, column, test):
    made = columns(options, head=ANY)
    assert test in made[column]


def test_a_field_needs_the_header_that_has_it():
    assert columns("itype:0;", head=ANY)["proto"] == ICMP
    assert columns("window:0;")["proto"] == TCP
    assert columns("ttl:0;")["ip_v"] == [(((4, 4), (6, 6)), None, False)]
    assert columns("fragbits:D;")["ip_v"] == [(((4, 4),), None, False)]
    assert columns("icmp_id:0;", head=ANY)["icmp_type"] == [
        (((0, 0), (8, 8), (13, 18), (128, 129)), None, False)
    ]
    assert columns("tcp.mss:<500;")["tcp_mss"] == [(((1, 0xFFFF),), None, False), (((0, 499),), None, False)]


def test_option_bits_are_those_of_the_decoder():
    assert {name: 1 << at for at, name in enumerate(IP_OPTIONS)} == OPTION_BITS


def test_every_column_is_a_column():
    pseudo = {"same_ip", "vlan_any", "vlan0", "vlan1"}
    every = (
        "ttl:1; tos:1; id:1; fragbits:M; fragoffset:1; ipopts:rr; ip_proto:6; sameip; seq:1; ack:1; window:1;"
        "tcp.mss:1; flags:S; dsize:1; vlan.id:1; vlan.id:1,0; vlan.id:1,1; vlan.layers:1; tcpv4-csum:valid;"
    )
    assert set(columns(every)) <= set(DecodedBatch._fields) | pseudo


@pytest.mark.parametrize(
    ("name", "event", "version", "proto"),
    [
        ("tcpv4", DecoderEvent.TCP_CSUM_INVALID, 4, 6),
        ("udpv6", DecoderEvent.UDP_CSUM_INVALID, 6, 17),
        ("icmpv4", DecoderEvent.ICMPV4_CSUM_INVALID, 4, 1),
        ("icmpv6", DecoderEvent.ICMPV6_CSUM_INVALID, 6, 58),
    ],
)
def test_checksums(name, event, version, proto):
    bit = 1 << event
    made = columns(f"{name}-csum:invalid;", head=ANY)
    assert made == {
        "ip_v": exactly(version, None),
        "proto": exactly(proto, None),
        "events": exactly(bit, bit),
    }
    assert columns(f"{name}-csum:valid;", head=ANY)["events"] == [(((bit, bit),), bit, True)]


def test_decoder_events():
    bit = 1 << DecoderEvent.TCP_HLEN_TOO_SMALL
    head = "alert pkthdr any any -> any any"
    assert columns("decode-event:tcp.hlen_too_small;", head=head) == {"events": exactly(bit, bit)}
    assert "did you mean tcp.hlen_too_small" in refused("decode-event:tcp.hlen_to_small;")


def test_packet_fields_make_the_rule_look_at_packets():
    assert parse('flags:PA; content:"x";').inspect == "packet"
    assert parse('content:"x";').inspect == "auto"
    assert parse('l3_proto:ipv4; content:"x";').inspect == "auto"  # says the same of all of a connection
    assert parse('content:"x";', head="alert tcp-pkt any any -> any any").inspect == "packet"
    assert parse('content:"x";', head="alert tcp-stream any any -> any any").inspect == "stream"
    assert "no packet can match" in refused("dsize:1;", head="alert tcp-stream any any -> any any")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("flags:SX;", "unknown flag 'X'"),
        ("flags:+*S;", "more than one"),
        ("ttl:256;", "out of range"),
        ("ttl:<0;", "no number"),
        ("ttl:5<>6;", "no number lies between"),
        ("ttl:x;", "not a number"),
        ("ttl:;", "needs a value"),
        ("ipopts:foo;", "unknown option"),
        ("ip_proto:foo;", "unknown protocol"),
        ("dsize:1; dsize:2;", "only one"),
        ("vlan.id:1,3;", "layer 0, 1"),
        ("vlan.id:4096;", "0 to 4095"),
        ("vlan.layers:4;", "0 to 3"),
        ("tcpv4-csum:maybe;", "valid or invalid"),
        ("itype:+8;", "not a number"),
        ("sameip:1;", "takes no value"),
    ],
)
def test_refused(options, reason):
    assert re.search(reason, refused(options))
