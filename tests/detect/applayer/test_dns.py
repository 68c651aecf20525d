"""DNS messages that scapy makes, and some that nobody should send."""

from __future__ import annotations

import struct
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import dns as wire

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.dns import DNS, NAME_LIMIT, DnsUdpOrTcp, parse_message
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
QUERY = bytes(wire.DNS(qd=wire.DNSQR(qname="www.example.com", qtype="AAAA")))
ANSWER = bytes(
    wire.DNS(
        qr=1, rcode=3, qd=wire.DNSQR(qname="example.com", qtype="MX"),
        an=[wire.DNSRRMX(rrname="example.com", exchange="mail.example.com")],
        ns=[wire.DNSRRSOA(rrname="com", mname="a.nic.com", rname="root.nic.com")],
        ar=[wire.DNSRR(rrname="mail.example.com", rdata="10.0.0.1")],
    )
)  # fmt: skip


values = partial(feeding.values, DNS)


def test_a_query() -> None:
    (found,) = DnsUdpOrTcp().datagram(SERVER, QUERY)
    assert values(found, "dns.query", SERVER) == [b"www.example.com"]
    assert values(found, "dns.rrtype", SERVER) == [b"\0\x1c"]
    assert values(found, "dns.opcode", SERVER) == [b"\0\0"]
    assert values(found, "dns.rcode", SERVER) == []


def test_an_answer() -> None:
    (found,) = DnsUdpOrTcp().datagram(CLIENT, ANSWER)
    assert values(found, "dns.rcode", CLIENT) == [b"\0\3"]
    assert values(found, "dns.answers.rrname", CLIENT) == [b"example.com"]
    assert values(found, "dns.authorities.rrname", CLIENT) == [b"com"]
    assert values(found, "dns.additionals.rrname", CLIENT) == [b"mail.example.com"]
    everything = values(found, "dns.response.rrname", CLIENT)
    assert {b"mail.example.com", b"a.nic.com", b"root.nic.com"} <= set(everything)


def test_messages_in_a_stream_cut_anywhere() -> None:
    stream = b"".join(struct.pack("!H", len(m)) + m for m in (QUERY, ANSWER, QUERY))
    for at in range(len(stream)):
        parser = DnsUdpOrTcp()
        found = [*parser.feed(CLIENT, stream[:at], 0), *parser.feed(CLIENT, stream[at:], 0)]
        names = [values(one, "dns.queries.rrname", CLIENT) for one in found]
        assert names == [[b"www.example.com"], [b"example.com"], [b"www.example.com"]]
        assert parser.held() == 0


def test_pointers_in_a_circle_end() -> None:
    circle = struct.pack("!6H", 1, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"
    assert parse_message(circle).events == ["dns.malformed_data"]


def test_a_name_is_cut() -> None:
    label = b"\x3f" + b"a" * 63
    message = struct.pack("!6H", 1, 0, 1, 0, 0, 0) + label * 100 + b"\0\0\1\0\1"
    (question,) = parse_message(message).questions
    assert len(question.name) <= NAME_LIMIT


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=40).map(lambda tail: ANSWER[:30] + tail)))
def test_nothing_raises(data: bytes) -> None:
    for transaction in DnsUdpOrTcp().datagram(CLIENT, data):
        for name, buffer in DNS.buffers.items():
            assert all(isinstance(value, bytes) for value in values(transaction, name, CLIENT)), buffer
