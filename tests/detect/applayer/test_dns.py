"""DNS messages that scapy makes, and some that nobody should send."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import dns as wire

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.dns import (
    DNS,
    NAME_LIMIT,
    CutError,
    DnsUdpOrTcp,
    Names,
    follow_name,
    parse_message,
    read_name,
)
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
    assert values(found, "dns.rcode", SERVER) == [b"\0\0"]


def test_an_answer() -> None:
    (found,) = DnsUdpOrTcp().datagram(CLIENT, ANSWER)
    assert values(found, "dns.rcode", CLIENT) == [b"\0\3"]
    assert values(found, "dns.answers.rrname", CLIENT) == [b"example.com"]
    assert values(found, "dns.authorities.rrname", CLIENT) == [b"com"]
    assert values(found, "dns.additionals.rrname", CLIENT) == [b"mail.example.com"]
    everything = values(found, "dns.response.rrname", CLIENT)
    assert {b"mail.example.com", b"a.nic.com"} <= set(everything)
    assert b"root.nic.com" not in everything  # the mailbox of an SOA


def test_messages_in_a_stream_cut_anywhere() -> None:
    stream = b"".join(struct.pack("!H", len(m)) + m for m in (QUERY, ANSWER, QUERY))
    for at in range(len(stream)):
        parser = DnsUdpOrTcp()
        found = [*parser.feed(CLIENT, stream[:at], 0), *parser.feed(CLIENT, stream[at:], 0)]
        names = [values(one, "dns.queries.rrname", CLIENT) for one in found]
        assert names == [[b"www.example.com"], [b"example.com"], [b"www.example.com"]]
        assert parser.held() == 0


def header(flags: int, *counts: int) -> bytes:
    return struct.pack("!6H", 1, flags, *counts)


ASKED = b"\1a\0\0\1\0\1"
LABEL = b"\x3f" + b"a" * 63


@pytest.mark.parametrize(
    ("direction", "data", "expected"),
    [
        (SERVER, QUERY, []),
        (CLIENT, ANSWER, []),
        (SERVER, header(0, 1, 0, 0, 0) + b"\1a", ["malformed_data"]),
        (SERVER, header(0x40, 1, 0, 0, 0) + ASKED, ["z_flag_set"]),
        (SERVER, header(7 << 11, 1, 0, 0, 0) + ASKED, ["invalid_opcode"]),
        (SERVER, header(0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1", ["infinite_loop"]),
        (SERVER, header(0, 1, 0, 0, 0) + b"\xc0\x0e\xc0\x0c\0\1\0\1", ["too_many_labels"]),
        (SERVER, header(0, 1, 0, 0, 0) + b"\1a" * 300 + ASKED, ["malformed_data"]),
        (SERVER, header(0, 1, 0, 0, 0) + LABEL * 100 + b"\0\0\1\0\1", ["name_too_long"]),
        (CLIENT, header(0x8000, 1, 0, 1, 0) + ASKED + b"\1b", ["invalid_authorities"]),
        (CLIENT, header(0x8000, 1, 0, 0, 1) + ASKED + b"\1b", ["invalid_additionals"]),
        (CLIENT, header(0x8000, 1, 1, 0, 0) + ASKED + b"\1b", ["malformed_data"]),
    ],
)  # fmt: skip
def test_events(direction: Direction, data: bytes, expected: list[str]) -> None:
    (found,) = DnsUdpOrTcp().datagram(direction, data)
    assert list(found.events[direction]) == [f"dns.{name}" for name in expected]


@pytest.mark.parametrize(
    ("direction", "data"),
    [
        (SERVER, QUERY[:9]),
        (SERVER, header(0, 0, 0, 0, 0)),
        (SERVER, header(0, 20, 0, 0, 0) + ASKED),
        (CLIENT, header(0x8000, 0, 0, 0, 0) + b"behind no records"),
        (CLIENT, header(0x8000, 1, 0, 0, 999) + ASKED),
    ],
)
def test_what_has_no_head_of_a_message_is_none(direction: Direction, data: bytes) -> None:
    """As in Suricata it is passed over in datagrams, and ends the reading of a stream."""
    assert DnsUdpOrTcp().datagram(direction, data) == []
    parser = DnsUdpOrTcp()
    stream = b"".join(struct.pack("!H", len(m)) + m for m in (QUERY, data, QUERY))
    assert len(parser.feed(direction, stream, 0)) == 1
    assert parser.feed(CLIENT, struct.pack("!H", len(ANSWER)) + ANSWER, 0) == []


def test_rules_see_no_part_of_what_cannot_be_read() -> None:
    cut = header(0x40, 2, 0, 0, 0) + ASKED + b"\x05short"
    (found,) = DnsUdpOrTcp().datagram(SERVER, cut)
    assert list(found.events[SERVER]) == ["dns.malformed_data"]
    for name in ("dns.query", "dns.queries.rrname", "dns.rrtype", "dns.opcode", "dns.rcode"):
        assert values(found, name, SERVER) == []


def test_names_in_queries_behind_their_questions() -> None:
    """Authorities and additionals are looked at in what servers send."""
    signed = bytes(
        wire.DNS(qd=wire.DNSQR(qname="a.example"), ar=wire.DNSRR(rrname="key.example", type="TXT"))
    )
    (found,) = DnsUdpOrTcp().datagram(SERVER, signed)
    for name in ("dns.authorities.rrname", "dns.additionals.rrname"):
        assert values(found, name, SERVER) == []
    assert values(found, "dns.query", SERVER) == [b"a.example"]


def test_behind_a_gap_a_message_is_waited_for() -> None:
    parser = DnsUdpOrTcp()
    whole = struct.pack("!H", len(QUERY)) + QUERY
    assert len(parser.feed(SERVER, whole + whole[:9], 0)) == 1
    assert parser.feed(SERVER, b"", 30) == []
    assert parser.feed(SERVER, b"the end of something else", 0) == []
    assert len(parser.feed(SERVER, whole[:20], 0)) == 0
    assert len(parser.feed(SERVER, whole[20:] + whole, 0)) == 2


def test_messages_that_go_the_wrong_way() -> None:
    parser = DnsUdpOrTcp()
    said = [(SERVER, QUERY), (CLIENT, ANSWER), (SERVER, ANSWER), (CLIENT, QUERY)]
    found = [(direction, *parser.datagram(direction, data)) for direction, data in said]
    assert [list(one.events[direction]) for direction, one in found] == [
        [],
        [],
        ["dns.not_request"],
        ["dns.not_response"],
    ]


def test_a_flow_that_begins_with_an_answer() -> None:
    parser = DnsUdpOrTcp()
    for direction, data in ((SERVER, ANSWER), (CLIENT, QUERY), (SERVER, ANSWER)):
        (found,) = parser.datagram(direction, data)
        assert not any(found.events)


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


@given(st.lists(st.binary(min_size=1, max_size=4) | st.integers(0, 40), max_size=24), st.booleans())
def test_names_read_before_change_none(pieces: list[bytes | int], ends: bool) -> None:
    """A pointer to a name that is known gives what following it would."""
    parts = [
        bytes((len(one),)) + one if isinstance(one, bytes) else struct.pack("!H", 0xC000 | one)
        for one in pieces
    ]
    data = b"\0".join(parts) + bytes(ends)
    known: Names = {}
    for at in range(len(data)):
        outcomes = [
            outcome(partial(read_name, data, at, known=known)),
            outcome(partial(follow_name, data, at)),
        ]
        assert outcomes[0] == outcomes[1]


def outcome(read: Callable[..., tuple[bytes, int]]) -> tuple[tuple[bytes, int] | None, set[str]]:
    """What a name is read as, and what is odd about it."""
    odd: list[str] = []
    try:
        return read(odd=odd), set(odd)
    except CutError:
        return None, set(odd)


def test_the_root_is_no_name_that_rules_see() -> None:
    asked = wire.DNS(qd=wire.DNSQR(qname="."), ar=[wire.DNSRROPT()])
    (found,) = DnsUdpOrTcp().datagram(SERVER, bytes(asked))
    assert found.message.questions[0].name == b""
    assert values(found, "dns.query", SERVER) == values(found, "dns.additionals.rrname", SERVER) == []
    assert values(found, "dns.opcode", SERVER) == [b"\0\0"]
