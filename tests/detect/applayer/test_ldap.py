"""LDAP messages, and the responses to each request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.base import Successor
from vpi_tui.detect.applayer.ldap import LDAP
from vpi_tui.detect.applayer.ldap.parser import COUNT, MOST_WAITING, RESPONSES_LIMIT, START_TLS, LdapParser
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def tlv(tag: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    size = bytes((len(value),)) if len(value) < 0x80 else b"\x84" + len(value).to_bytes(4, "big")
    return bytes((tag,)) + size + value


def octets(value: bytes) -> bytes:
    return tlv(4, value)


def message(number: int, operation: bytes) -> bytes:
    return tlv(0x30, tlv(2, bytes((number >> 8, number & 0xFF))), operation)


def result(tag: int, code: int = 0, text: bytes = b"", dn: bytes = b"") -> bytes:
    return tlv(tag, tlv(0x0A, bytes((code,))), octets(dn), octets(text))


DN = b"dc=example,dc=com"
ATTRIBUTE = tlv(0x30, octets(b"cn"), tlv(0x31, octets(b"Bob"), octets(b"Rob")))
LIMITS = tlv(0x0A, b"\x02") + tlv(0x0A, b"\0") + tlv(2, b"\0") + tlv(2, b"\0") + tlv(1, b"\0")
FILTER = tlv(0x87, b"objectClass")
BIND = tlv(0x60, tlv(2, b"\x03"), octets(b"cn=admin"), tlv(0x80, b"secret"))
SEARCH = tlv(0x63, octets(DN), LIMITS, FILTER, tlv(0x30, octets(b"cn"), octets(b"mail")))
ENTRY = tlv(0x64, octets(b"cn=bob"), tlv(0x30, ATTRIBUTE))
DONE = result(0x65, 4, b"too many")


def run(*pieces: tuple[int, bytes]) -> list[Transaction]:
    parser = LdapParser()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    return list(found)


def values(found: Transaction, name: str) -> list[bytes]:
    direction = SERVER if ".request." in name else CLIENT
    return list(LDAP.buffers[name].get(found, direction)) if found.stage[direction] else []


def events(*pieces: tuple[int, bytes]) -> list[str]:
    return [name for found in run(*pieces) for names in found.events for name in names]


DIALOGUE = [
    (SERVER, message(1, BIND)), (CLIENT, message(1, result(0x61))), (SERVER, message(2, SEARCH)),
    (CLIENT, message(2, ENTRY)), (CLIENT, message(2, ENTRY)), (CLIENT, message(2, DONE)),
    (SERVER, message(3, tlv(0x42))),
]  # fmt: skip


@pytest.mark.parametrize("piece", [1, 1000])
def test_a_search_and_its_responses(piece: int) -> None:
    split = [(way, data[at : at + piece]) for way, data in DIALOGUE for at in range(0, len(data), piece)]
    bind, search, unbind = run(*split)
    assert values(bind, "ldap.request.operation") == [b"\0"]
    assert values(bind, "ldap.request.dn") == [b"cn=admin"]
    assert values(bind, "ldap.responses.result_code") == [bytes(4)]
    assert values(search, "ldap.request.dn") == [DN]
    assert values(search, "ldap.request.attribute_type") == [b"cn", b"mail"]
    assert values(search, "ldap.responses.count") == [b"\0\0\0\3"]
    assert values(search, "ldap.responses.operation") == [b"\4", b"\4", b"\5"]
    assert values(search, "ldap.responses.dn") == [b"cn=bob", b"cn=bob", b""]
    assert values(search, "ldap.responses.result_code") == [b"", b"", b"\0\0\0\4"]
    assert values(search, "ldap.responses.message") == [b"too many"]
    assert values(search, "ldap.responses.attribute_type") == [b"cn", b"cn"]
    assert values(unbind, "ldap.request.operation") == [b"\2"]
    assert values(unbind, "ldap.request.dn") == []


@pytest.mark.parametrize(
    ("request_", "dn", "attributes"),
    [
        (tlv(0x66, octets(DN), tlv(0x30, tlv(0x30, tlv(0x0A, b"\2"), ATTRIBUTE))), DN, [b"cn"]),
        (tlv(0x68, octets(DN), tlv(0x30, ATTRIBUTE)), DN, [b"cn"]),
        (tlv(0x4A, DN), DN, []),
        (tlv(0x6C, octets(DN), octets(b"cn=new"), tlv(1, b"\xff")), DN, []),
        (tlv(0x6E, octets(DN), tlv(0x30, octets(b"sn"), octets(b"x"))), DN, [b"sn"]),
        (tlv(0x77, tlv(0x80, b"1.2.3"), tlv(0x81, b"value")), None, []),
    ],
)
def test_each_request_names_its_entry(request_: bytes, dn: bytes | None, attributes: list[bytes]) -> None:
    (found,) = run((SERVER, message(1, request_)))
    assert values(found, "ldap.request.dn") == ([] if dn is None else [dn])
    assert values(found, "ldap.request.attribute_type") == attributes
    assert found.stage[CLIENT] == Stage.DONE


def test_datagrams_hold_several_responses() -> None:
    parser = LdapParser()
    (asked,) = parser.datagram(SERVER, message(7, SEARCH))
    assert parser.datagram(CLIENT, message(7, ENTRY) + message(7, DONE)) == [asked]
    assert values(asked, "ldap.responses.operation") == [b"\4", b"\5"]


def test_of_a_datagram_to_the_server_the_first_request_counts() -> None:
    parser = LdapParser()
    (asked,) = parser.datagram(SERVER, message(7, SEARCH) + message(8, SEARCH))
    assert parser.datagram(SERVER, message(9, SEARCH)[:-1]) == [asked]
    assert list(asked.events[SERVER]) == ["ldap.incomplete_data"]
    assert not parser.datagram(SERVER, message(9, SEARCH)), "nothing is read any more"
    assert not LdapParser().datagram(SERVER, message(7, SEARCH)[:-1])


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([(CLIENT, message(2, DONE))], ["ldap.request_not_found"]),
        ([(CLIENT, message(0, result(0x78)))], []),
        ([(SERVER, message(2, SEARCH)), (CLIENT, b"\x30\x03abc")], ["ldap.invalid_data"]),
        ([(SERVER, message(2, SEARCH)), (CLIENT, b"\x30\x84\x7f\xff\xff\xff")], ["ldap.invalid_data"]),
        ([(SERVER, message(2, SEARCH)), (CLIENT, message(2, DONE) + b"x")], ["ldap.invalid_data"]),
        ([(SERVER, message(2, SEARCH)), (CLIENT, message(2, DONE)), (CLIENT, b"x")], []),
        ([(CLIENT, b"\x30\x03abc")], []),
        ([(SERVER, message(2, SEARCH)), (SERVER, b"GET / HTTP/1.1")], []),
        ([(SERVER, message(2, tlv(0x42))), (CLIENT, b"x")], []),
        ([(SERVER, message(n, SEARCH)) for n in range(MOST_WAITING + 1)], []),
        (
            [(SERVER, message(n, SEARCH)) for n in range(MOST_WAITING + 5)],
            ["ldap.too_many_transactions"] * (MOST_WAITING + 1),
        ),
    ],
)
def test_what_is_wrong_is_an_event(pieces: list[tuple[int, bytes]], wanted: list[str]) -> None:
    assert events(*pieces) == wanted


def test_behind_a_gap_a_message_begins_or_nothing_is_read() -> None:
    for data, is_read in ((message(3, SEARCH), True), (b"bc" + message(3, SEARCH), False)):
        parser = LdapParser()
        parser.feed(SERVER, message(1, SEARCH), 0)
        parser.feed(SERVER, data, 10)
        assert parser.over() is not is_read


def test_encryption_ends_the_reading() -> None:
    parser = LdapParser()
    parser.feed(SERVER, message(1, tlv(0x77, tlv(0x80, START_TLS))), 0)
    parser.feed(CLIENT, message(1, result(0x78)), 0)
    assert parser.successor() == Successor("tls")
    assert not parser.feed(SERVER, message(2, SEARCH), 0)


def test_rules_are_told_how_many_responses_each_piece_leaves() -> None:
    parser = LdapParser()
    pieces = [(SERVER, message(2, SEARCH)), (CLIENT, message(2, ENTRY)), (CLIENT, message(2, ENTRY) * 2)]
    told = [
        [window.data[-1] for one in parser.feed(*piece, 0) for window in one.grown(CLIENT).get(COUNT, ())]
        for piece in [*pieces, (CLIENT, message(2, DONE))]
    ]
    assert told == [[], [0, 1], [3], [4]]
    assert [w.data[-1] for one in run_of_datagrams(*pieces[:2]) for w in one.grown(CLIENT)[COUNT]] == [1]


def run_of_datagrams(*pieces: tuple[int, bytes]) -> list[Transaction]:
    parser = LdapParser()
    return list(dict.fromkeys(one for way, data in pieces for one in parser.datagram(way, data)))


def test_responses_are_counted_beyond_those_that_are_kept() -> None:
    entry = message(1, tlv(0x64, octets(bytes(60_000)), tlv(0x30)))
    parser = LdapParser()
    parser.feed(SERVER, message(1, SEARCH), 0)
    for _ in range(10):
        parser.feed(CLIENT, entry, 0)
    assert parser.held() < 2 * RESPONSES_LIMIT
    (found,) = parser.feed(CLIENT, message(1, DONE), 0)
    assert values(found, "ldap.responses.count") == [b"\0\0\0\x0b"]


PIECES = st.one_of(
    st.sampled_from([data for _, data in DIALOGUE]),
    st.binary(max_size=40).map(lambda data: message(2, tlv(0x63, data))),
    st.binary(max_size=20),
)


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), PIECES), max_size=20))
def test_nothing_raises(pieces: list[tuple[int, bytes]]) -> None:
    for found in run(*pieces):
        for name in LDAP.buffers:
            values(found, name)


def test_an_answer_that_nobody_asked_for_is_seen_from_both_sides() -> None:
    (found,) = LdapParser().feed(CLIENT, message(1, result(0x65)), 0)
    for side in (SERVER, CLIENT):
        assert found.stage[side] == Stage.DONE
        assert list(found.told[side]) == ["ldap.request_not_found"]
