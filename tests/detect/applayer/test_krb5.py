"""Kerberos messages, built by scapy."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import kerberos as wire

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.krb5 import KRB5, MESSAGE_LIMIT, Krb5Parser, parse_message
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def name(*parts: str) -> wire.PrincipalName:
    return wire.PrincipalName(nameType=1, nameString=[wire.ASN1_GENERAL_STRING(part) for part in parts])


def request(kind: int = 10) -> bytes:
    body = wire.KRB_KDC_REQ_BODY(
        cname=name("robin"), realm=wire.ASN1_GENERAL_STRING("LAB"), sname=name("krbtgt", "LAB"), etype=[18]
    )
    made = wire.KRB_AS_REQ if kind == 10 else wire.KRB_TGS_REQ
    return bytes(wire.Kerberos(root=made(reqBody=body)))


def reply(encryption: int = 18, ticket: int = 23) -> bytes:
    granted = wire.KRB_Ticket(
        realm=wire.ASN1_GENERAL_STRING("LAB"),
        sname=name("http", "web"),
        encPart=wire.EncryptedData(etype=ticket, cipher=b"x" * 300),
    )
    made = wire.KRB_AS_REP(
        crealm=wire.ASN1_GENERAL_STRING("LAB"),
        cname=name("robin"),
        ticket=granted,
        encPart=wire.EncryptedData(etype=encryption, cipher=b"y" * 40),
    )
    return bytes(wire.Kerberos(root=made))


def error(code: int) -> bytes:
    made = wire.KRB_ERROR(errorCode=code, realm=wire.ASN1_GENERAL_STRING("LAB"), sname=name("krbtgt", "LAB"))
    return bytes(wire.Kerberos(root=made))


values = partial(feeding.values, KRB5)


def number(found: Transaction, buffer: str, direction: int) -> list[int]:
    return [int.from_bytes(value) for value in values(found, buffer, direction)]


@pytest.mark.parametrize("kind", [10, 12])
def test_a_request(kind: int) -> None:
    message = parse_message(request(kind))
    assert message is not None
    assert (message.kind, message.realm, message.cname) == (kind, b"LAB", (b"robin",))
    assert message.sname == (b"krbtgt", b"LAB")


def test_a_reply() -> None:
    (found,) = Krb5Parser().datagram(CLIENT, reply(18, 23))
    assert values(found, "krb5.cname", CLIENT) == [b"robin"]
    assert values(found, "krb5.sname", CLIENT) == [b"http", b"web"]
    assert number(found, "krb5_msg_type", CLIENT) == [11]
    assert number(found, "krb5.ticket_encryption", CLIENT) == [23]
    assert number(found, "krb5_err_code", CLIENT) == []
    assert found.events[CLIENT] == {}


def test_weak_encryption() -> None:
    (found,) = Krb5Parser().datagram(CLIENT, reply(23, -128 & 0xFF))
    assert list(found.events[CLIENT]) == ["krb5.weak_encryption"]


def test_an_error() -> None:
    (found,) = Krb5Parser().datagram(CLIENT, error(25))
    assert number(found, "krb5_msg_type", CLIENT) == [30]
    assert number(found, "krb5_err_code", CLIENT) == [25]
    assert values(found, "krb5.sname", CLIENT) == [b"krbtgt", b"LAB"]


def prefixed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(4) + message for message in messages)


def test_a_stream_cut_anywhere() -> None:
    stream = prefixed(request(), request(12), request())
    for size in (1, 2, 3, 50, len(stream)):
        parser = Krb5Parser()
        found = [
            t for at in range(0, len(stream), size) for t in parser.feed(SERVER, stream[at : at + size], 0)
        ]
        assert [number(one, "krb5_msg_type", SERVER) for one in found] == [[10], [12], [10]]


@pytest.mark.parametrize(
    "other", [b"\x6e\x02\x30\0", b"\x6a\x82\xff\xff", b"\x30\x02\x05\0", b"\x6a\x02\x05\0"]
)
def test_what_is_none_of_the_messages_that_are_read(other: bytes) -> None:
    parser = Krb5Parser()
    for _ in range(2):
        assert parser.datagram(SERVER, other) == []
        assert len(parser.datagram(SERVER, request())) == 1


def test_what_is_malformed_behind_a_message() -> None:
    parser = Krb5Parser()
    assert len(parser.datagram(SERVER, request())) == 1
    assert parser.datagram(CLIENT, b"\x6b") == [], "the one before it is done with"
    (found,) = parser.feed(SERVER, prefixed(request(), b"\x6a", request()), 0)
    assert list(found.events[SERVER]) == ["krb5.malformed_data"]
    assert parser.over()
    assert parser.feed(CLIENT, prefixed(reply()), 0) == []
    silent = Krb5Parser()
    silent.feed(SERVER, prefixed(request()), 0)
    assert silent.feed(SERVER, prefixed(b"\x6a"), 0) == []


def test_a_message_that_is_too_long_ends_the_reading() -> None:
    parser = Krb5Parser()
    assert parser.feed(SERVER, (MESSAGE_LIMIT + 1).to_bytes(4), 0) == []
    assert parser.feed(SERVER, prefixed(request()), 0) == []


@given(st.lists(st.tuples(st.integers(0, 800), st.integers(0, 255))))
def test_nothing_raises(changes: list[tuple[int, int]]) -> None:
    data = bytearray(reply())
    for at, value in changes:
        data[at % len(data)] = value
    for one in Krb5Parser().datagram(CLIENT, bytes(data)):
        for buffer in KRB5.buffers:
            values(one, buffer, CLIENT)
