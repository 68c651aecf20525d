"""EtherNet/IP messages and the CIP services in them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.rules.rule_text import parse, refused
from vpi_tui.detect.applayer.application import instances
from vpi_tui.detect.applayer.enip import ENIP
from vpi_tui.detect.applayer.enip.cip import MOST_KEYS
from vpi_tui.detect.applayer.enip.parser import MOST_WAITING, EnipParser
from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.detect.match.evaluate import Plan, Tally
from vpi_tui.model.batch import Direction

from .conversations import memory_of
from .test_scan import Connection, scan, sids

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def message(command: int, data: bytes = b"", session: int = 7, status: int = 0) -> bytes:
    return struct.pack("<HHII8xI", command, len(data), session, status, 0) + data


def items(*parts: tuple[int, bytes]) -> bytes:
    return struct.pack("<H", len(parts)) + b"".join(
        struct.pack("<HH", kind, len(data)) + data for kind, data in parts
    )


def unconnected(cip: bytes) -> bytes:
    return message(0x6F, bytes(6) + items((0, b""), (0xB2, cip)))


def connected(cip: bytes, sequence: int) -> bytes:
    return message(0x70, bytes(6) + items((0xA1, bytes(4)), (0xB1, struct.pack("<H", sequence) + cip)))


def multiple(head: bytes, *parts: bytes) -> bytes:
    at = 2 + 2 * len(parts)
    offsets = []
    for part in parts:
        offsets.append(at)
        at += len(part)
    return head + struct.pack(f"<H{len(parts)}H", len(parts), *offsets) + b"".join(parts)


GET = b"\x0e\x03\x20\xf6\x24\x01\x30\x06"
"""Get attribute single: class 246, instance 1, attribute 6."""
GET_LIST = b"\x03\x03\x21\x00\x00\x01\x24\x02" + b"\x02\x00\x05\x00\x07\x00"
"""Get attribute list: class 256, instance 2, attributes 5 and 7."""
SET_LIST = b"\x04\x02\x20\x04\x24\x03" + b"\x01\x00\x09\x00\xaa"
ANSWER = b"\x8e\x00\x05\x01\x34\x12"
"""Status 5, extended status 0x1234."""
IDENTITY = items(
    (0x0C, struct.pack("<H16xHHHBBHIB", 1, 1, 14, 54, 20, 11, 0x60, 0xC00FA09B, 4) + b"1756\x03")
)
SERVICES = items((0x100, struct.pack("<HH16s", 1, 0x120, b"Communications")))


def run(*pieces: tuple[int, bytes]) -> list[Transaction]:
    parser = EnipParser()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    return list(found)


def numbers(found: Transaction, name: str, direction: int) -> list[int]:
    return [int.from_bytes(value, "big") for value in ENIP.buffers[name].get(found, direction)]


class Seen:
    """A request as rules see it."""

    fresh = -1
    little_endian = False

    def __init__(self, sent: bytes) -> None:
        (self._found,) = run((SERVER, sent))

    def instances(self, name: str) -> list[bytes]:
        return list(ENIP.buffers[name].get(self._found, SERVER))


@pytest.mark.parametrize(
    ("options", "cip", "wanted"),
    [
        ("cip_service:14", GET, True),
        ("cip_service:15", GET, False),
        ("cip_service:14,246", GET, True),
        ("cip_service:14,245", GET, False),
        ("cip_service:14,246,6", GET, True),
        ("cip_service:14,246,7", GET, False),
        ("cip_service:14,246,!7", GET, True),
        ("cip_service:3,256,7", GET_LIST, True),
        ("cip_service:4,4,9", SET_LIST, True),
        ("cip_service:10", multiple(b"\x0a\x02\x20\x02\x24\x01", GET, GET_LIST), True),
        ("cip_service:14,246,6", multiple(b"\x0a\x02\x20\x02\x24\x01", GET_LIST, GET), True),
        ("cip_service:10", multiple(b"\x0a\x02\x20\x02\x24\x01"), True),
        ("enip.cip_class:256", GET_LIST, True),
        ("enip.cip_instance:>1", GET_LIST, True),
        ("enip.cip_attribute:5", GET_LIST, True),
        ("enip.cip_attribute:6", GET_LIST, False),
        ("enip_command:send_rr_data", GET, True),
        ("enip.status:success", GET, True),
    ],
)
def test_requests_as_rules_describe_them(options: str, cip: bytes, wanted: bool) -> None:
    found = Plan.of(parse(f"{options};").steps).match(Seen(unconnected(cip)), Tally())
    assert (found is not None) is wanted


DIALOGUE = [
    (SERVER, message(0x65, b"\1\0\0\0", session=0)), (CLIENT, message(0x65, b"\1\0\0\0")),
    (SERVER, message(0x63)), (CLIENT, message(0x63, IDENTITY)),
    (SERVER, message(0x04)), (CLIENT, message(0x04, SERVICES)),
    (SERVER, connected(GET, 1)), (SERVER, connected(GET, 2)), (CLIENT, connected(ANSWER, 2)),
]  # fmt: skip


@pytest.mark.parametrize("piece", [1, 1000])
def test_responses_belong_to_their_requests(piece: int) -> None:
    split = [(way, data[at : at + piece]) for way, data in DIALOGUE for at in range(0, len(data), piece)]
    session, identity, services, first, second = run(*split)
    assert numbers(session, "enip.protocol_version", SERVER) == [1]
    assert numbers(session, "enip.protocol_version", CLIENT) == [1]
    wanted = {
        "vendor_id": 1, "device_type": 14, "product_code": 54, "revision": 20 << 8 | 11,
        "identity_status": 0x60, "serial": 0xC00FA09B, "state": 3,
    }  # fmt: skip
    assert {name: numbers(identity, f"enip.{name}", CLIENT) for name in wanted} == {
        name: [value] for name, value in wanted.items()
    }
    assert ENIP.buffers["enip.product_name"].get(identity, CLIENT) == [b"1756"]
    assert ENIP.buffers["enip.service_name"].get(services, CLIENT) == [b"Communications"]
    assert numbers(services, "enip.capabilities", CLIENT) == [0x120]
    assert numbers(first, "enip.cip_status", CLIENT) == []
    assert numbers(second, "enip.cip_status", CLIENT) == [5]
    assert numbers(second, "enip.cip_extendedstatus", CLIENT) == [0x1234]


def test_datagrams_and_frames() -> None:
    parser = EnipParser()
    parser.frames = FrameLog(frozenset({"hdr", "data", "enip_item", "cip"}))
    (found,) = parser.datagram(SERVER, unconnected(GET))
    assert numbers(found, "enip_command", SERVER) == [0x6F]
    frames = {frame.name: frame.data for frame in parser.frames.take()}
    assert frames["hdr"] + frames["data"] == unconnected(GET)
    assert frames["cip"] == GET
    assert frames["enip_item"] == struct.pack("<HH", 0xB2, len(GET)) + GET
    assert not parser.datagram(SERVER, unconnected(GET)[:-1])


def test_each_service_of_several_is_a_frame() -> None:
    parser = EnipParser()
    parser.frames = FrameLog(frozenset({"cip"}))
    several = multiple(b"\x0a\x02\x20\x02\x24\x01", GET, GET)
    parser.datagram(SERVER, unconnected(several))
    assert [frame.data for frame in parser.frames.take()] == [several, GET, GET]


def test_behind_a_gap_a_message_is_waited_for() -> None:
    parser = EnipParser()
    assert not parser.feed(SERVER, unconnected(GET)[4:], 10)
    assert not parser.feed(SERVER, b"\xff" * 40, 0)
    (found,) = parser.feed(SERVER, unconnected(GET), 0)
    assert numbers(found, "enip_command", SERVER) == [0x6F]


def events(*pieces: tuple[int, bytes]) -> list[str]:
    return [name for found in run(*pieces) for names in found.events for name in names]


def test_what_is_wrong_is_an_event() -> None:
    assert events((SERVER, unconnected(GET[:-1]))) == ["enip.invalid_pdu"]
    assert events(*[(SERVER, message(0x63))] * (MOST_WAITING + 1)) == ["enip.too_many_transactions"]
    assert not events(*DIALOGUE)
    symbol = b"\x4c\x02\x91\x02ab\x01\0"
    for cip in (symbol, multiple(b"\x0a\x02\x20\x02\x24\x01", GET, symbol)):
        (found,) = run((SERVER, unconnected(cip)))
        assert list(found.events[SERVER]) == ["enip.invalid_pdu"]
        assert not ENIP.buffers["cip_service"].get(found, SERVER)
    opener = (CLIENT, message(0x63))
    assert (
        events(opener, (CLIENT, message(0x65, status=1)), (CLIENT, message(0x6F, status=1)))
        == ["enip.invalid_pdu"] * 2
    )
    assert not events((CLIENT, message(0x63)), (CLIENT, message(0x04)), (SERVER, message(0x64)))


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (message(0x63), True),
        (message(0x65, b"\1\0\0\0"), True),
        (message(0x65, b"\1\0"), False),
        (message(0x66), True),
        (message(0x66, b"\0\0"), False),
        (message(0x64), False),
        (message(0x64, b"\0\0"), True),
        (message(0), True),
        (message(0)[:-4] + b"\1\0\0\0", False),
        (message(0x63, status=7), False),
        (message(0x99), False),
    ],
)
def test_a_flow_that_begins_otherwise_is_none_of_ethernet_ip(sent: bytes, wanted: bool) -> None:
    for said in (EnipParser.datagram, lambda parser, direction, data: parser.feed(direction, data, 0)):
        parser = EnipParser()
        assert bool(said(parser, SERVER, sent)) is wanted
        assert parser.over() is not wanted
        assert bool(said(parser, SERVER, message(0x63))) is wanted


@pytest.mark.parametrize(("words", "wanted"), [(0, []), (1, [0x1234]), (2, [0x1234]), (3, [])])
def test_extended_status(words: int, wanted: list[int]) -> None:
    answer = b"\x8e\0\5" + bytes((words,)) + b"\x34\x12" * words
    (found,) = run((CLIENT, unconnected(answer)))
    assert numbers(found, "enip.cip_extendedstatus", CLIENT) == wanted


def overlapping(service: bytes, count: int) -> bytes:
    """A multiple service packet in which the same bytes are all its services."""
    offsets = struct.pack(f"<{count + 1}H", count, *[2 + 2 * count] * count)
    return b"\x0a\x02\x20\x02\x24\x01" + offsets + service


def test_services_that_overlap_make_no_more_of_their_bytes_than_others() -> None:
    path = b"".join(struct.pack("<BxH", 0x21, 0x300 + number) for number in range(64))
    service = b"\x03\x80" + path + struct.pack("<257H", 256, *range(0x400, 0x500))
    parser = EnipParser()
    for sequence in range(16):
        (found,) = parser.feed(SERVER, connected(overlapping(service, 64), sequence), 0)
        assert 320 <= len(ENIP.buffers["enip.cip_class"].get(found, SERVER)) + 256 < len(service)
        assert len(ENIP.buffers["cip_service"].get(found, SERVER)) == MOST_KEYS
    size, waiting = memory_of(parser)
    assert waiting == 16
    assert size < 2 * parser.held()
    (found,) = run((SERVER, unconnected(overlapping(GET, 2))))
    assert numbers(found, "enip.cip_attribute", SERVER) == [6, 6]


def test_segments_of_other_kinds_are_stepped_over() -> None:
    (found,) = run((SERVER, unconnected(b"\x0e\x04\x20\x04\x28\x01\x2c\x02\x30\x03")))
    assert numbers(found, "enip.cip_attribute", SERVER) == [3]


def test_a_response_has_the_request_looked_at_again() -> None:
    parser = EnipParser()
    (found,) = parser.feed(SERVER, message(0x63), 0)
    assert not instances(ENIP.buffers["enip.vendor_id"], found, SERVER)
    found.inspected[SERVER] = found.stage[SERVER]
    parser.feed(CLIENT, message(0x63, IDENTITY), 0)
    assert found.inspected[SERVER] < found.stage[SERVER]
    assert instances(ENIP.buffers["enip.vendor_id"], found, SERVER)


def test_rules_of_either_way_see_request_and_response(tmp_path: Path) -> None:
    connection = Connection(44818)
    for side, data in DIALOGUE[:4]:
        (connection.client if side == SERVER else connection.server)(data)
    connection.client(unconnected(GET)).server(unconnected(ANSWER))
    conditions = (
        "enip.vendor_id:1;",
        "enip.cip_class:246;",
        "enip.cip_status:5;",
        "enip.protocol_version:1;",
    )
    ways = ("", "flow:to_server; ", "flow:to_client; ")
    rules = [f"alert enip any any -> any any ({way}{one})" for way in ways for one in conditions]
    found = scan(tmp_path, connection.close().packets, *rules)
    # A version stands in the registration and its answer, and in the identity, which only a response tells.
    assert sids(found) == dict(enumerate((2, 2, 2, 3, 1, 1, 1, 1, 1, 1, 1, 2), 1))


@pytest.mark.parametrize("option", ["128", "1,2,3,4", "x", "1,"])
def test_services_that_cannot_be(option: str) -> None:
    assert refused(f"cip_service:{option};").startswith("cip_service")


PIECES = st.one_of(
    st.sampled_from([data for _, data in DIALOGUE]),
    st.binary(max_size=40).map(unconnected),
    st.binary(max_size=30).map(lambda data: message(0x63, data)),
    st.binary(max_size=30),
)


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), PIECES), max_size=20))
def test_nothing_raises(pieces: list[tuple[int, bytes]]) -> None:
    for found in run(*pieces):
        for buffer in ENIP.buffers.values():
            buffer.get(found, CLIENT)
            buffer.get(found, SERVER)
