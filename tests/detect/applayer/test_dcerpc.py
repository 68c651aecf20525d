"""Calls of DCE/RPC: put together, cut anywhere, refused contexts, datagrams."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.dcerpc import DCERPC
from vpi_tui.detect.applayer.dcerpc.calls import CALLS_LIMIT, MOST_OPEN, STUB_LIMIT, Call
from vpi_tui.detect.applayer.dcerpc.parser import DcerpcParser
from vpi_tui.detect.applayer.dcerpc.pdu import Kind
from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

from .dcerpc_pdus import (
    EPM,
    FIRST,
    LAST,
    MIDDLE,
    SVCCTL,
    bind,
    bind_ack,
    datagram,
    pdu,
    request,
    response,
)
from .test_scan import CLIENT as CLIENT_IP
from .test_scan import SERVER as SERVER_IP
from .test_scan import Connection, scan, sids

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Piece = tuple[int, bytes]


values = partial(feeding.values, DCERPC)


def feed(pieces: list[Piece], parser: DcerpcParser | None = None) -> list[Call]:
    """The calls that are whole, in the order in which they came up."""
    parser = parser or DcerpcParser()
    moved: dict[Transaction, None] = {}
    for direction, data in pieces:
        moved.update(dict.fromkeys(parser.feed(direction, data, 0)))
    moved.update(dict.fromkeys(parser.finish()))
    return [found for found in moved if isinstance(found, Call)]


def requests(calls: list[Call]) -> list[Call]:
    return [call for call in calls if call.request == Kind.REQUEST]


def session(little: bool) -> list[Piece]:
    return [
        (SERVER, bind((0, EPM, 3), (1, SVCCTL, 2), little=little)),
        (CLIENT, bind_ack(2, 0, little=little)),
        (SERVER, request(15, b"abcdef", context=1, flags=FIRST, little=little)),
        (SERVER, request(15, b"ghi", context=1, flags=MIDDLE, little=little)),
        (SERVER, request(15, b"jkl", context=1, flags=LAST, little=little)),
        (CLIENT, response(b"xyz", context=1, little=little)),
    ]


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_a_session_in_either_byte_order_however_it_is_cut(little: bool, piece: int) -> None:
    whole = session(little)
    cut = [(side, data[at : at + piece]) for side, data in whole for at in range(0, len(data), piece)]
    bound, call = feed(cut)
    assert bound.request == Kind.BIND
    assert bound.results == [2, 0]
    assert call.little_endian == little
    assert call.stage == [Stage.NONE, Stage.DONE, Stage.DONE]
    assert values(call, "dcerpc.stub_data", SERVER) == [b"abcdefghijkl"]
    assert values(call, "dcerpc.stub_data", CLIENT) == [b"xyz"]
    assert call.fragments == [0, 3, 1]
    for direction in (SERVER, CLIENT):
        assert values(call, "dcerpc.opnum", direction) == [b"\0\x0f"]
        assert values(call, "dcerpc.iface", direction) == [SVCCTL.bytes + b"\0\2\1"]


def test_a_refused_context_is_no_interface() -> None:
    pieces = [(SERVER, bind((7, EPM, 3))), (CLIENT, bind_ack(2)), (SERVER, request(1, b"x", context=7))]
    (call,) = requests(feed(pieces))
    assert values(call, "dcerpc.iface", SERVER) == []
    assert values(call, "dcerpc.opnum", SERVER) == [b"\0\1"]


def test_contexts_are_altered() -> None:
    pieces = [
        (SERVER, bind((0, EPM, 3))),
        (CLIENT, bind_ack(0)),
        (SERVER, bind((0, SVCCTL, 2), (1, EPM, 1), kind=14, call=5)),
        (CLIENT, bind_ack(0, 0, kind=15, call=5)),
        (SERVER, request(1, b"x", context=0, call=6)),
        (SERVER, request(1, b"x", context=1, call=7)),
    ]
    first, second = requests(feed(pieces))
    assert values(first, "dcerpc.iface", SERVER) == [SVCCTL.bytes + b"\0\2\1"]
    assert values(second, "dcerpc.iface", SERVER) == [EPM.bytes + b"\0\1\1"]


@pytest.mark.parametrize(("flags", "first"), [(3, 1), (1, 1), (2, 0), (0, 0)])
def test_whether_a_bind_is_a_first_fragment(flags: int, first: int) -> None:
    pieces = [(SERVER, bind((0, EPM, 3), flags=flags)), (CLIENT, bind_ack(0)), (SERVER, request(1, b"x"))]
    (call,) = requests(feed(pieces))
    assert values(call, "dcerpc.iface", SERVER)[0][18] == first


def test_a_request_without_fragment_flags_is_whole() -> None:
    parser = DcerpcParser()
    (call,) = parser.feed(SERVER, request(3, b"abc", flags=0), 0)
    assert call.stage[SERVER] == Stage.DONE


def test_object_and_credentials_are_stub_data() -> None:
    sent = request(3, b"abc", flags=0x83, auth=b"secret")
    (call,) = requests(feed([(SERVER, sent), (CLIENT, response(b"done"))]))
    assert values(call, "dcerpc.stub_data", SERVER) == [bytes(16) + b"abc" + sent[-14:]]
    assert values(call, "dcerpc.stub_data", CLIENT) == [b"done"]


def test_the_same_number_again_is_another_call() -> None:
    pieces = [(SERVER, request(1, b"one")), (CLIENT, response(b"r")), (SERVER, request(2, b"two"))]
    assert [call.opnum for call in requests(feed(pieces))] == [1, 2]


def test_a_fault_answers() -> None:
    pieces = [(SERVER, request(1, b"one")), (CLIENT, pdu(3, bytes(16), call=2))]
    (call,) = feed(pieces)
    assert call.response == Kind.FAULT
    assert call.stage[CLIENT] == Stage.DONE


def test_fragments_that_never_come_are_not_waited_for_in_vain() -> None:
    (call,) = feed([(SERVER, request(1, b"half", flags=FIRST))])
    assert call.stage[SERVER] == Stage.DONE
    assert values(call, "dcerpc.stub_data", SERVER) == [b"half"]


def test_after_a_gap_the_next_pdu_is_found() -> None:
    parser = DcerpcParser()
    parser.feed(SERVER, request(1, b"lost")[:30], 0)
    (call,) = parser.feed(SERVER, b"\x05\x05\0rest" + request(9, b"found"), 40)
    assert values(call, "dcerpc.opnum", SERVER) == [b"\0\x09"]


@pytest.mark.parametrize("little", [True, False])
def test_datagrams(little: bool) -> None:
    parser = DcerpcParser()
    assert parser.datagram(SERVER, datagram(0, b"ab", opnum=4, flags=4, little=little)) == []
    (call,) = parser.datagram(SERVER, datagram(0, b"cd", opnum=4, flags=6, little=little))
    assert values(call, "dcerpc.stub_data", SERVER) == [b"abcd"]
    assert values(call, "dcerpc.iface", SERVER) == [EPM.bytes + b"\0\3\1"]
    (same,) = parser.datagram(CLIENT, datagram(2, b"xy", opnum=4, little=little))
    assert same is call
    assert values(call, "dcerpc.stub_data", CLIENT) == [b"xy"]
    assert parser.held() == 0


NOISE = st.one_of(
    st.binary(max_size=40),
    st.builds(
        pdu, st.integers(0, 20), st.binary(max_size=60), flags=st.integers(0, 255), call=st.integers(0, 3),
        little=st.booleans(), auth=st.binary(max_size=3),
    ),
    st.builds(request, st.integers(0, 9), st.binary(max_size=9), flags=st.integers(0, 255)),
    st.just(bind((0, EPM, 3))),
    st.just(bind_ack(0)),
    st.builds(datagram, st.integers(0, 9), st.binary(max_size=9), flags=st.integers(0, 255)),
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), NOISE, st.integers(0, 1))))
def test_noise_raises_nothing(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = DcerpcParser()
    moved: list[Transaction] = []
    for direction, data, gap in pieces:
        moved += parser.feed(direction, data, gap)
        moved += parser.datagram(direction, data)
    moved += parser.finish()
    for found in moved:
        for name in DCERPC.buffers:
            for direction in (SERVER, CLIENT):
                values(found, name, direction)


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), NOISE), max_size=12), st.integers(1, 9))
def test_cuts_change_nothing(pieces: list[Piece], size: int) -> None:
    cut = [(side, data[at : at + size]) for side, data in pieces for at in range(0, len(data), size)]

    def told(calls: list[Call]) -> list[object]:
        return [(c.call_id, c.request, c.opnum, c.stage, *map(bytes, c.stub), c.interfaces) for c in calls]

    assert told(feed(pieces)) == told(feed(cut))


def test_what_is_kept_is_bounded() -> None:
    parser = DcerpcParser()
    block = bytes(60_000)
    for number in range(3 * MOST_OPEN):
        parser.feed(SERVER, request(1, b"x", call=number), 0)
        parser.feed(SERVER, request(1, block, call=number % 40, flags=FIRST if number < 40 else 0), 0)
        parser.datagram(SERVER, datagram(0, block, flags=4, sequence=number))
    assert parser.held() <= 2 * (CALLS_LIMIT + STUB_LIMIT) + 2048 * MOST_OPEN


STUB = b"\\\0\\\0" + b"\x01\x02\x00\x00"


def test_rules(tmp_path: Path) -> None:
    connection = Connection(135)
    connection.client(bind((0, EPM, 3), (1, SVCCTL, 2))).server(bind_ack(0, 0))
    connection.client(request(15, STUB, context=1)).server(response(b"ok", context=1)).close()
    interface = f"dcerpc.iface:{SVCCTL}"
    events = scan(
        tmp_path,
        connection.packets,
        f"alert dcerpc any any -> any any (flow:to_server; {interface};)",
        f"alert tcp any any -> any any (flow:to_server; dce_iface:{EPM};)",
        f"alert tcp any any -> any any (flow:to_server; {interface},=2; dcerpc.opnum:1,10-15;)",
        f"alert tcp any any -> any any (flow:to_server; {interface},>2;)",
        f"alert tcp any any -> any any (flow:to_server; {interface},!2;)",
        f"alert tcp any any -> any any ({interface},<3,any_frag; dce_opnum:15;)",
        "alert tcp any any -> any any (flow:to_server; dcerpc.opnum:>15;)",
        'alert tcp any any -> any any (dce_stub_data; content:"ok";)',
        'alert tcp any any -> any any (dce_stub_data; content:"|5c 00|"; byte_test:2,=,513,2,relative,dce;)',
        'alert tcp any any -> any any (dce_stub_data; content:"|5c 00|"; byte_test:2,=,258,2,relative,dce;)',
        "alert tcp any any -> any any (dcerpc.stub_data; byte_extract:2,4,n,dce; byte_test:2,=,n,4,little;)",
        "alert tcp any any -> any any (dcerpc.stub_data; byte_math:bytes 2,offset 4,oper -,rvalue 0x1fc,"
        "result r,dce; byte_test:1,=,r,4; isdataat:r;)",
        'alert udp any any -> any any (dce_stub_data; content:"ok";)',
    )
    assert sids(events) == {1: 1, 3: 1, 6: 2, 8: 1, 9: 1, 11: 1}


def test_rules_about_datagrams(tmp_path: Path) -> None:
    packet = Ether() / IP(src=CLIENT_IP, dst=SERVER_IP) / UDP(sport=1025, dport=1026)
    answer = Ether() / IP(src=SERVER_IP, dst=CLIENT_IP) / UDP(sport=1026, dport=1025)
    events = scan(
        tmp_path,
        [packet / Raw(datagram(0, b"hello", opnum=4)), answer / Raw(datagram(2, b"world", opnum=4))],
        f"alert dcerpc any any -> any any (flow:to_server; dcerpc.iface:{EPM},=3; dcerpc.opnum:4;)",
        'alert udp any any -> any any (dcerpc.stub_data; content:"world";)',
        "alert udp any any -> any any (dcerpc.opnum:5;)",
    )
    assert sids(events) == {1: 1, 2: 1}


def test_a_server_met_midway_is_known_by_its_response(tmp_path: Path) -> None:
    connection = Connection(49_155).client(request(1, b"a")).server(response(b"b"))
    events = scan(
        tmp_path,
        connection.client(request(2, b"c", call=3)).packets[4:],
        "alert dcerpc any any -> any any (flow:to_server; dcerpc.opnum:2;)",
        settings=("stream.midstream=true",),
    )
    assert [event["dest_port"] for event in events] == [49_155]


def test_frames() -> None:
    parser = DcerpcParser()
    parser.frames = FrameLog(frozenset({"pdu", "hdr", "data"}))
    message = request(1, b"abc")
    parser.feed(SERVER, message, 0)
    assert {frame.name: frame.data for frame in parser.frames.take()} == {
        "pdu": message, "hdr": message[:16], "data": message[16:],
    }  # fmt: skip
