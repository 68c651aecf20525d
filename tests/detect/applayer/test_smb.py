"""SMB 1 and 2: framing, shares, log-ons, calls through pipes, anomalies."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.dcerpc.pdu import Kind
from vpi_tui.detect.applayer.smb import SMB
from vpi_tui.detect.applayer.smb.commands import MOST_OPEN, OpenCommands
from vpi_tui.detect.applayer.smb.parser import SmbParser
from vpi_tui.detect.applayer.smb.records import START, WHOLE_LIMIT, Records
from vpi_tui.detect.applayer.smb.transaction import SmbTransaction
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

from . import smb_messages as smb
from .dcerpc_pdus import EPM, FIRST, LAST, SVCCTL, bind, bind_ack, request, response
from .smb_messages import record
from .test_scan import Connection, scan, sids

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Piece = tuple[int, bytes]


def feed(pieces: list[Piece], parser: SmbParser | None = None) -> list[SmbTransaction]:
    parser = parser or SmbParser()
    moved: dict[Transaction, None] = {}
    for direction, data in pieces:
        moved.update(dict.fromkeys(parser.feed(direction, data, 0)))
    moved.update(dict.fromkeys(parser.finish()))
    return [found for found in moved if isinstance(found, SmbTransaction)]


def values(found: list[SmbTransaction], name: str, direction: int = SERVER) -> list[bytes]:
    """What a buffer holds, over all transactions that are done in a direction."""
    buffer = SMB.buffers[name]
    done = [one for one in found if one.stage[direction] == Stage.DONE and buffer.directions >> direction & 1]
    return [value for one in done for value in buffer.get(one, direction)]


def events(found: list[SmbTransaction], direction: int) -> list[str]:
    return [name for one in found for name in one.events[direction]]


LOGON = smb.logon("CONTOSO", "Administrator", "WS1")
SMB2: list[Piece] = [
    (SERVER, record(smb.negotiate1(b"NT LM 0.12", b"SMB 2.002", b"SMB 2.???"))),
    (CLIENT, record(smb.negotiated2(0x02FF, message=0))),
    (SERVER, record(smb.negotiate2(0x0202, 0x0311))),
    (CLIENT, record(smb.negotiated2(0x0311))),
    (SERVER, record(smb.session_setup2(LOGON, message=2))),
    (CLIENT, record(smb.smb2(1, bytes(8), reply=True, message=2))),
    (SERVER, record(smb.tree_connect2(r"\\srv\IPC$", message=3))),
    (CLIENT, record(smb.tree_connected2(2, message=3))),
    (SERVER, record(smb.tree_connect2(r"\\srv\docs", message=4))),
    (CLIENT, record(smb.tree_connected2(1, message=4, tree=2))),
    (SERVER, record(smb.create2("svcctl", message=5))),
    (CLIENT, record(smb.created2(message=5))),
    (SERVER, record(smb.write2(bind((0, EPM, 3), (1, SVCCTL, 2)), message=6))),
    (SERVER, record(smb.read2(1024, message=7))),
    (CLIENT, record(smb.was_read2(bind_ack(2, 0), message=7))),
    (SERVER, record(smb.transceive2(request(12, b"hello", context=1), message=8))),
    (CLIENT, record(smb.transceived2(response(b"world", context=1), message=8))),
    (SERVER, record(smb.close2(message=9))),
]
SMB1: list[Piece] = [
    (SERVER, bytes.fromhex("81000044") + b" " + b"A" * 67),
    (CLIENT, bytes.fromhex("82000000")),
    (SERVER, record(smb.negotiate1(b"LANMAN1.0", b"NT LM 0.12"))),
    (CLIENT, record(smb.negotiated1(1))),
    (SERVER, record(smb.session_setup1(LOGON))),
    (CLIENT, record(smb.smb1(0x73, smb.ANDX + bytes(4), b"\0" + smb.wide("NT\0LM\0"), reply=True))),
    (SERVER, record(smb.tree_connect1(r"\\srv\IPC$"))),
    (CLIENT, record(smb.tree_connected1(b"IPC"))),
    (SERVER, record(smb.tree_connect1(r"\\srv\docs", unicode=False, mid=2))),
    (CLIENT, record(smb.tree_connected1(b"A:", mid=2, tree=2))),
    (SERVER, record(smb.create1(r"\svcctl", mid=3))),
    (CLIENT, record(smb.created1(mid=3))),
    (SERVER, record(smb.write1(bind((0, EPM, 3), (1, SVCCTL, 2)), mid=4))),
    (SERVER, record(smb.read1(1024, mid=5))),
    (CLIENT, record(smb.was_read1(bind_ack(2, 0), mid=5))),
    (SERVER, record(smb.trans1(request(12, b"hello", context=1), mid=6))),
    (CLIENT, record(smb.trans_response1(response(b"world", context=1), mid=6))),
    (SERVER, record(smb.close1(mid=7))),
]


@pytest.mark.parametrize(("version", "session"), [(1, SMB1), (2, SMB2)])
@pytest.mark.parametrize("piece", [1, 13, 10_000])
def test_a_session_however_it_is_cut(version: int, session: list[Piece], piece: int) -> None:
    cut = [(side, data[at : at + piece]) for side, data in session for at in range(0, len(data), piece)]
    found = feed(cut)
    assert values(found, "smb.named_pipe") == [rb"\srv\IPC$"]
    assert values(found, "smb.share") == [rb"\srv\docs"]
    assert values(found, "smb.ntlmssp_user") == [b"Administrator"]
    assert values(found, "smb.ntlmssp_domain") == [b"CONTOSO"]
    assert set(values(found, "smb.version", CLIENT)) <= {b"\1", b"\2"}
    assert found[-1].version == version
    (call,) = [one for one in found if one.request == Kind.REQUEST]
    for direction, stub in ((SERVER, b"hello"), (CLIENT, b"world")):
        assert values([call], "dcerpc.opnum", direction) == [b"\0\x0c"]
        assert values([call], "dcerpc.iface", direction) == [SVCCTL.bytes + b"\0\2\1"]
        assert values([call], "dcerpc.stub_data", direction) == [stub]
    assert [name for one in found for names in one.events for name in names] == []
    (who,) = [one.ntlm for one in found if one.ntlm]
    assert (who.host, who.version) == (b"WS1", "10.0 build 19041 rev 15")


def test_what_events_will_say_of_a_session() -> None:
    one = {transaction.command: transaction for transaction in feed(SMB1)}
    assert one[0x72].dialects == [b"LANMAN1.0", b"NT LM 0.12"]
    assert one[0x72].dialect == b"NT LM 0.12"
    assert one[0x73].native == {
        "request_os": b"Unix", "request_lm": b"Samba", "response_os": b"NT", "response_lm": b"LM",
    }  # fmt: skip
    assert one[0xA2].filename == rb"\svcctl"
    assert one[0xA2].status == 0
    two = {transaction.command: transaction for transaction in feed(SMB2) if transaction.version == 2}
    assert two[0].dialect == b"3.11"
    assert two[5].fid == smb.FID


def test_a_call_over_several_writes_and_reads() -> None:
    ask = request(3, b"ab", flags=FIRST) + request(3, b"cd", flags=LAST)
    reply = response(b"one", flags=FIRST) + response(b"two", flags=LAST)
    found = feed(
        [
            *SMB2[:14],
            (SERVER, record(smb.write2(ask[:20], message=20))),
            (SERVER, record(smb.write2(ask[20:], message=21))),
            (SERVER, record(smb.read2(30, message=22))),
            (CLIENT, record(smb.was_read2(reply[:30], message=22, status=smb.MORE))),
            (SERVER, record(smb.read2(300, message=23))),
            (CLIENT, record(smb.was_read2(reply[30:], message=23))),
        ]
    )
    assert values(found, "dcerpc.stub_data") == [b"abcd"]
    assert values(found, "dcerpc.stub_data", CLIENT) == [b"onetwo"]


def test_a_pipe_of_which_only_the_calls_were_seen() -> None:
    found = feed([(SERVER, record(smb.write2(request(9, b"x"), message=3)))])
    assert values(found, "dcerpc.opnum") == [b"\0\x09"]


def test_a_compound_of_related_commands() -> None:
    any_file = b"\xff" * 16
    parts = (
        smb.create2("svcctl", message=5),
        smb.write2(request(9, b"x"), fid=any_file, message=6, related=True),
    )
    found = feed([*SMB2[:8], (SERVER, record(*parts))])
    assert [one.filename for one in found if one.filename] == [b"svcctl"]
    assert values(found, "dcerpc.opnum") == [b"\0\x09"]


def test_commands_in_an_andx_chain() -> None:
    first = smb.session_setup1(LOGON)
    second = smb.tree_connect1(r"\\srv\IPC$ ")[32:]
    chained = first[:33] + b"\x75\0" + len(first).to_bytes(2, "little") + first[37:] + second
    found = feed([(SERVER, record(chained))])
    assert values(found, "smb.ntlmssp_user") == [b"Administrator"]
    assert len(values(found, "smb.share") + values(found, "smb.named_pipe")) == 1


def test_a_share_is_of_pipes_when_the_server_says_so() -> None:
    pieces = [
        (SERVER, record(smb.tree_connect2(r"\\srv\IPC$", message=3))),
        (CLIENT, record(smb.smb2(3, bytes(9), reply=True, status=smb.DENIED, message=3))),
        (SERVER, record(smb.tree_connect2(r"\\srv\C$", message=4))),
    ]
    found = feed(pieces)
    assert values(found, "smb.named_pipe") == []
    assert values(found, "smb.share") == [rb"\srv\IPC$", rb"\srv\C$"]


def test_a_negotiation_that_changes_to_smb2_is_of_smb1() -> None:
    for pieces, versions in ((SMB2[:2], [1]), (SMB2[:4], [1, 2])):
        for direction in (SERVER, CLIENT):
            assert [value[0] for value in values(feed(pieces), "smb.version", direction)] == versions


def test_a_negotiation_that_is_repeated_is_none_of_its_own() -> None:
    pieces = [(SERVER, record(smb.negotiate1(b"A", mid=n))) for n in (1, 2, 3)]
    (found,) = feed(pieces)
    assert list(found.events[SERVER]) == ["smb.duplicate_negotiate"]
    assert len(feed([*SMB2[:3], SMB2[2]])) == 2


def test_anomalies_of_no_command_are_of_the_transaction_before_them() -> None:
    beyond = (CLIENT, record(smb.was_read2(bytes((1 << 20) + 1))))
    found = feed([*SMB2[:4], beyond, beyond, *SMB2[4:6], beyond])
    assert events(found, CLIENT) == ["smb.read_response_too_large"] * 2
    assert [value[0] for value in values(found, "smb.version", CLIENT)] == [1, 2, 2]


@pytest.mark.parametrize("lost", [1, 30, 10_000])
def test_after_a_gap_the_next_message_is_found(lost: int) -> None:
    stream = b"".join(record(smb.tree_connect2(rf"\\srv\s{n}", message=n)) for n in range(100, 300))
    parser = SmbParser()
    moved = [*parser.feed(SERVER, stream[:40], 0), *parser.feed(SERVER, stream[40 + lost :], lost)]
    assert not [name for one in moved for name in one.events[SERVER]]
    missed = (40 + lost) // (len(stream) // 200) + 1
    assert values(feed([], parser), "smb.share") == [rf"\srv\s{n}".encode() for n in range(100 + missed, 300)]


def test_long_records_come_in_pieces() -> None:
    data = bytes(range(256)) * 800
    whole = record(b"\xfeSMB" + data)
    records, found = Records(), b""
    pieces = [piece for at in range(0, len(whole), 1000) for piece in records.feed(whole[at : at + 1000], 0)]
    assert len(whole) > WHOLE_LIMIT
    assert [piece.first for piece in pieces].count(True) == 1
    assert len(pieces[0].data) >= START - 4
    assert [piece.last for piece in pieces].count(True) == 1
    for piece in pieces:
        found += piece.data
    assert found == whole[4:]
    assert len(records) == 0


def test_empty_records_are_nothing() -> None:
    found = feed([(SERVER, bytes(4004) + record(smb.tree_connect2(r"\\srv\x")))])
    assert values(found, "smb.share") == [rb"\srv\x"]
    assert events(found, SERVER) == []


def moved(blob: bytes, **places: int) -> bytes:
    """A logon some of whose fields say another place of what they name."""
    at = blob.index(b"NTLMSSP")
    for name, place in places.items():
        field = at + {"domain": 28, "user": 36, "host": 44, "key": 52}[name]
        blob = blob[: field + 4] + place.to_bytes(4, "little") + blob[field + 8 :]
    return blob


@pytest.mark.parametrize("blob", [LOGON[:-20], moved(LOGON, key=1 << 10), moved(LOGON, user=8)])
def test_a_logon_that_does_not_hold_what_it_says_is_none(blob: bytes) -> None:
    found = feed([(SERVER, record(smb.session_setup2(blob)))])
    assert not values(found, "smb.ntlmssp_user")
    assert not events(found, SERVER)


EVENTS = [
    ("negotiate_malformed_dialects", [(SERVER, record(smb.smb1(0x72, b"", b"\x02\0\x02NT\0")))]),
    ("negotiate_malformed_dialects", [(SERVER, record(smb.smb1(0x72, b"", b"NT LM\0")))]),
    ("duplicate_negotiate", [(SERVER, record(smb.negotiate1(b"A", mid=n))) for n in (1, 2)]),
    ("unusual_ntlmssp_order", [(SERVER, record(smb.session_setup2(moved(LOGON, user=80))))]),
    ("malformed_data", [(SERVER, record(smb.tree_connect2("x")[:-2]))]),
    ("malformed_data", [(SERVER, record(smb.negotiate1(b"A")) + b"garbage that is no record")]),
    ("response_to_server", [(SERVER, record(smb.created2()))]),
    ("request_to_client", [(CLIENT, record(smb.create2("x")))]),
    ("read_request_too_large", [*SMB2[:4], (SERVER, record(smb.read2(2 << 20)))]),
    ("write_request_too_large", [*SMB2[:2], (SERVER, record(smb.write2(bytes((1 << 20) + 1))))]),
    ("read_response_too_large", [*SMB2[:2], (CLIENT, record(smb.was_read2(bytes((1 << 20) + 1))))]),
    ("negotiate_max_read_size_too_large", [(CLIENT, record(smb.negotiated2(0x0311, size=1 << 25)))]),
    ("negotiate_max_write_size_too_large", [(CLIENT, record(smb.negotiated2(0x0311, size=1 << 25)))]),
]


@pytest.mark.parametrize(("name", "pieces"), EVENTS)
def test_anomalies(name: str, pieces: list[Piece]) -> None:
    direction = pieces[-1][0]
    assert f"smb.{name}" in events(feed(pieces), direction)


WHOLE = [data for _, data in (*SMB1, *SMB2)]
NOISE = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(WHOLE),
    st.tuples(st.sampled_from(WHOLE), st.integers(0, 200)).map(lambda cut: cut[0][: cut[1]]),
    st.tuples(st.sampled_from(WHOLE), st.integers(4, 200), st.binary(min_size=1, max_size=4)).map(
        lambda one: one[0][: one[1]] + one[2] + one[0][one[1] + len(one[2]) :]
    ),
    st.tuples(st.integers(0, 255), st.binary(max_size=60), st.binary(max_size=30), st.booleans()).map(
        lambda one: record(smb.smb1(one[0], one[1][: len(one[1]) // 2 * 2], one[2], reply=one[3]))
    ),
    st.tuples(st.integers(0, 20), st.binary(max_size=130), st.booleans()).map(
        lambda one: record(smb.smb2(one[0], one[1], reply=one[2]))
    ),
)


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), NOISE, st.sampled_from([0, 0, 0, 5, 500]))))
def test_noise_raises_nothing(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = SmbParser()
    moved: list[Transaction] = []
    for direction, data, gap in pieces:
        moved += parser.feed(direction, data, gap)
    moved += parser.finish()
    for found in moved:
        for name, buffer in SMB.buffers.items():
            for direction in (SERVER, CLIENT):
                assert isinstance(name, str)
                list(buffer.get(found, direction))


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), NOISE), max_size=8), st.integers(1, 50))
def test_cuts_change_nothing(pieces: list[Piece], size: int) -> None:
    cut = [(side, data[at : at + size]) for side, data in pieces for at in range(0, len(data), size)]

    def told(found: list[SmbTransaction]) -> list[object]:
        return [
            (
                one.version,
                one.command,
                one.stage,
                one.events,
                one.share,
                one.filename,
                one.ntlm,
                bytes(one.stub[1]),
            )
            for one in found
        ]

    assert told(feed(pieces)) == told(feed(cut))


def test_what_is_kept_is_bounded() -> None:
    parser = SmbParser()
    stub = request(1, bytes(30_000), flags=FIRST)
    for number in range(2000):
        fid = number.to_bytes(16, "big")
        parser.feed(SERVER, record(smb.create2("x" * 90, message=3 * number)), 0)
        parser.feed(CLIENT, record(smb.created2(fid, message=3 * number)), 0)
        parser.feed(SERVER, record(smb.read2(9, fid=fid, message=3 * number + 1)), 0)
        parser.feed(SERVER, record(smb.write2(stub, fid=fid, message=3 * number + 2)), 0)
        parser.feed(SERVER, record(smb.tree_connect2("x" * 90, message=1 << 40 | number)), 0)
    assert parser.held() < 8 << 20


def test_rules(tmp_path: Path) -> None:
    connection = Connection(445)
    for side, data in SMB2:
        (connection.client if side == SERVER else connection.server)(data)
    found = scan(
        tmp_path,
        connection.close().packets,
        'alert smb any any -> any 445 (flow:to_server; smb.named_pipe; content:"IPC$"; endswith;)',
        'alert smb any any -> any any (smb_named_pipe; content:"docs";)',
        'alert smb any any -> any any (smb.share; content:"docs";)',
        'alert tcp any any -> any any (smb_share; content:"IPC$";)',
        'alert smb any any -> any any (smb.ntlmssp_user; content:"Administrator"; bsize:13;)',
        'alert smb any any -> any any (smb.ntlmssp_user; content:"Guest";)',
        'alert smb any any -> any any (smb.ntlmssp_domain; content:"CONTOSO";)',
        'alert smb any any -> any any (smb.ntlmssp_domain; content:"WORKGROUP";)',
        "alert smb any any -> any any (flow:to_server; smb.version:1;)",
        f"alert smb any any -> any any (flow:to_server; dcerpc.iface:{SVCCTL}; dcerpc.opnum:12;)",
        'alert dcerpc any any -> any any (dce_stub_data; content:"world";)',
        f"alert tcp any any -> any any (dce_iface:{EPM};)",
        "alert smb any any -> any any (app-layer-event:smb.malformed_data;)",
    )
    assert sids(found) == {1: 1, 3: 1, 5: 1, 7: 1, 9: 1, 10: 1, 11: 1}


def test_any_bind_through_a_pipe_counts_as_a_first_fragment() -> None:
    pieces = [
        (SERVER, record(smb.write2(bind((0, SVCCTL, 2), flags=0), message=6))),
        (SERVER, record(smb.read2(1024, message=7))),
        (CLIENT, record(smb.was_read2(bind_ack(0), message=7))),
        (SERVER, record(smb.transceive2(request(12, b"hello"), message=8))),
    ]
    found = feed([*SMB2[:-6], *pieces])
    assert values(found, "dcerpc.iface") == [SVCCTL.bytes + b"\0\2\1"]


def test_a_response_that_is_seen_first_tells_the_server(tmp_path: Path) -> None:
    connection = Connection(445)
    for side, data in SMB2[6:10]:
        (connection.client if side == SERVER else connection.server)(data)
    found = scan(
        tmp_path,
        connection.packets[4:],
        'alert smb any any -> any 445 (flow:to_server; smb.share; content:"docs";)',
        settings=("stream.midstream=true",),
    )
    assert sids(found) == {1: 1}


def test_a_negotiation_waits_like_any_command() -> None:
    commands, made = OpenCommands(), SmbTransaction()
    first, other = (1, 0, 1, 0x72), (2, 0, 1, 0)
    assert [*commands.put(first, made), *commands.put(other, SmbTransaction())] == []
    assert (commands.negotiation(1), commands.negotiation(2)) == (first, other)
    assert list(commands.put(first, SmbTransaction())) == [made]  # the same again: it waits behind the other
    pushed = [one for n in range(MOST_OPEN) for one in commands.put((2, 0, n, 5), SmbTransaction())]
    assert len(pushed) == 2
    assert (commands.negotiation(1), commands.negotiation(2), len(commands)) == (None, None, MOST_OPEN)
