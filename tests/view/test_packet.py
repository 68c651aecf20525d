"""A packet taken apart: every field names its bytes, and no bytes can break it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether

from vpi_tui.view.escape import is_safe
from vpi_tui.view.packet import MOST_LINES, dissect, payload_lines

ETHERNET, RAW_IP = 1, 101
TEXT = b"GET /x?q=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: a\x1b[31m\r\n\r\n"
HTTP = bytes(
    Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    / Dot1Q(vlan=7)
    / IP(src="10.0.0.1", dst="10.0.0.2", ttl=61)
    / TCP(sport=51000, dport=80, seq=0x01020304, flags="PA", options=[("MSS", 1460)])
    / TEXT
)
ANSWER = bytes(
    Ether()
    / IPv6(src="fd00::1", dst="fd00::2")
    / UDP(sport=53, dport=4444)
    / DNS(qr=1, qd=DNSQR(qname="a.example"), an=DNSRR(rrname="a.example", rdata="192.0.2.7"))
)
REQUEST = bytes(Ether() / ARP(psrc="10.0.0.9", pdst="10.0.0.1")).ljust(60, b"\0")
FRAMES = (HTTP, ANSWER, REQUEST)


def field(lines, layer, name):
    """The field of a layer: its line."""
    inside = False
    for line in lines:
        inside = line.name == layer if line.depth == 0 else inside
        if inside and line.depth == 1 and line.name == name:
            return line
    raise AssertionError(f"{layer} has no {name}")


def test_fields_and_their_bytes():
    lines = dissect(HTTP, ETHERNET)
    assert [line.name for line in lines if not line.depth] == ["Ethernet", "802.1Q", "IPv4", "TCP", "Payload"]
    for layer, name, value, raw in (
        ("Ethernet", "dst", "02:00:00:00:00:02", bytes.fromhex("020000000002")),
        ("802.1Q", "vlan", "7", struct.pack("!H", 7)),
        ("IPv4", "ttl", "61", b"\x3d"),
        ("IPv4", "src", "10.0.0.1", bytes([10, 0, 0, 1])),
        ("TCP", "sport", "51000", struct.pack("!H", 51000)),
        ("TCP", "seq", str(0x01020304), b"\x01\x02\x03\x04"),
        ("TCP", "options", "MSS 1460", b"\x02\x04" + struct.pack("!H", 1460)),
    ):
        line = field(lines, layer, name)
        assert line.value == value
        assert HTTP[line.start : line.stop] == raw


def test_text_is_shown_line_by_line():
    lines = [line for line in dissect(HTTP, ETHERNET) if HTTP[line.start : line.stop].startswith(b"Host")]
    assert [line.name for line in lines] == ["Host: shop.example"]
    assert any(line.name == "User-Agent: a\\x1b[31m" for line in dissect(HTTP, ETHERNET))
    assert payload_lines(bytes(range(256))) == []
    assert payload_lines(b"") == []


def test_records_inside_a_field():
    lines = dissect(ANSWER, ETHERNET)
    at = next(n for n, line in enumerate(lines) if line.value == "192.0.2.7")
    assert lines[at].depth == 3
    assert ANSWER[lines[at].start : lines[at].stop] == bytes([192, 0, 2, 7])


def test_what_an_icmp_error_quotes_is_where_it_stands():
    quoted = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=5353, dport=53) / b"12345678"
    frame = bytes(Ether() / IP() / ICMP(type=3, code=3) / quoted)
    layers = [line for line in dissect(frame, ETHERNET) if not line.depth]
    assert [line.name for line in layers] == ["Ethernet", "IPv4", "ICMP", "IPerror", "UDPerror", "Payload"]
    places = [(line.start, line.stop) for line in layers]
    assert places == [(0, 14), (14, 34), (34, 42), (42, 62), (62, 70), (70, 78)]
    port = field(dissect(frame, ETHERNET), "UDPerror", "sport")
    assert frame[port.start : port.stop] == (5353).to_bytes(2)


def test_padding_is_told():
    last = dissect(REQUEST, ETHERNET)[-1]
    assert (last.name, last.value) == ("Padding", "18 bytes")
    assert (last.start, last.stop) == (42, 60)


@pytest.mark.parametrize(
    ("link_type", "frame", "first"),
    [
        (RAW_IP, HTTP[18:], "IPv4"),
        (RAW_IP, ANSWER[14:], "IPv6"),
        (229, ANSWER[14:], "IPv6"),
        (9999, HTTP, "Payload"),
    ],
)
def test_link_types(link_type, frame, first):
    assert dissect(frame, link_type)[0].name == first


def test_nothing():
    assert dissect(b"", ETHERNET) == []


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FRAMES),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6),
    st.integers(1, 200),
    st.sampled_from([ETHERNET, ETHERNET, RAW_IP, 0, 113, 276]),
)
def test_mutilated_frames(frame, changes, length, link_type):
    data = bytearray(frame)
    for place, value in changes:
        data[place % len(data)] = value
    data = data[:length]
    for line in dissect(bytes(data), link_type):
        assert 0 <= line.start <= line.stop <= len(data)
        assert is_safe(line.name)
        assert is_safe(line.value)


def test_a_tower_of_layers_is_bounded():
    tower = bytes(Ether(type=0x0800)) + b"".join(bytes(IP(proto=4, len=20 * (3000 - n))) for n in range(3000))
    lines = dissect(tower, ETHERNET)
    assert 40 < len(lines) <= MOST_LINES + 1
    assert sum(not line.depth for line in lines) < 60
