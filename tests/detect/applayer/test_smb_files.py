"""Files that SMB moves, and the frames of its records."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vpi_tui.detect.applayer.files import FileState
from vpi_tui.detect.applayer.frame_names import FRAMES
from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.smb.parser import SmbParser
from vpi_tui.detect.applayer.smb.transaction import SmbTransaction
from vpi_tui.detect.applayer.smb.transfers import MOST_EARLY, MOST_EARLY_BYTES, MOST_OPEN
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

from . import smb_messages as smb
from .smb_messages import record
from .test_scan import Connection, scan, sids

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Piece = tuple[int, bytes]
DATA = b"MZ" + bytes(range(256)) * 4

SETUP2: list[Piece] = [
    (SERVER, record(smb.tree_connect2(r"\\srv\docs", message=1))),
    (CLIENT, record(smb.tree_connected2(1, message=1))),
    (SERVER, record(smb.create2(r"dir\tool.exe", message=2))),
    (CLIENT, record(smb.created2(message=2))),
]
WRITTEN2: list[Piece] = [
    *SETUP2,
    (SERVER, record(smb.write2(DATA[:100], message=3))),
    (SERVER, record(smb.write2(DATA[600:], offset=600, message=4))),
    (SERVER, record(smb.write2(DATA[100:600], offset=100, message=5))),
    (SERVER, record(smb.close2(message=6))),
]
READ2: list[Piece] = [
    *SETUP2,
    (SERVER, record(smb.read2(512, message=3))),
    (CLIENT, record(smb.was_read2(DATA[:512], message=3))),
    (SERVER, record(smb.read2(4096, offset=512, message=4))),
    (CLIENT, record(smb.was_read2(DATA[512:], message=4))),
    (SERVER, record(smb.close2(message=6))),
]
SETUP1: list[Piece] = [
    (SERVER, record(smb.tree_connect1(r"\\srv\docs"))),
    (CLIENT, record(smb.tree_connected1(b"A:"))),
    (SERVER, record(smb.create1(r"dir\tool.exe", mid=2))),
    (CLIENT, record(smb.created1(mid=2))),
]
WRITTEN1: list[Piece] = [
    *SETUP1,
    (SERVER, record(smb.write1(DATA[:500], mid=3))),
    (SERVER, record(smb.write1(DATA[500:], offset=500, mid=4))),
    (SERVER, record(smb.close1(mid=5))),
]
READ1: list[Piece] = [
    *SETUP1,
    (SERVER, record(smb.read1(4096, mid=3))),
    (CLIENT, record(smb.was_read1(DATA, mid=3))),
    (SERVER, record(smb.close1(mid=5))),
]


def feed(pieces: list[Piece], parser: SmbParser | None = None) -> list[SmbTransaction]:
    """The transactions that carry files."""
    parser = parser or SmbParser()
    moved: dict[Transaction, None] = {}
    for direction, data in pieces:
        moved.update(dict.fromkeys(parser.feed(direction, data, 0)))
    moved.update(dict.fromkeys(parser.finish()))
    return [found for found in moved if isinstance(found, SmbTransaction) and found.files]


@pytest.mark.parametrize(
    ("pieces", "direction"), [(WRITTEN2, SERVER), (READ2, CLIENT), (WRITTEN1, SERVER), (READ1, CLIENT)]
)
@pytest.mark.parametrize("piece", [3, 100, 10_000])
def test_a_file_that_is_moved(pieces: list[Piece], direction: Direction, piece: int) -> None:
    cut = [(side, data[at : at + piece]) for side, data in pieces for at in range(0, len(data), piece)]
    (found,) = feed(cut)
    (file,) = found.files
    assert (file.direction, file.name, file.size) == (direction, rb"dir\tool.exe", len(DATA))
    assert file.state is FileState.CLOSED
    assert file.digests["sha256"] == hashlib.sha256(DATA).digest()
    assert found.stage[direction] == Stage.DONE


@pytest.mark.parametrize("piece", [700, 100_000])
def test_a_write_that_is_longer_than_a_record_is_waited_for(piece: int) -> None:
    data = DATA * 300
    whole = record(smb.write2(data, message=3))
    cut = [(SERVER, whole[at : at + piece]) for at in range(0, len(whole), piece)]
    parser = SmbParser()
    for side, part in cut:
        for moved in parser.feed(side, part, 0):
            moved.grown(side)
        assert parser.held() < len(data) // 2
    ((file,),) = [one.files for one in feed([(SERVER, record(smb.close2()))], parser)]
    assert file.digests["md5"] == hashlib.md5(data).digest()


def test_a_gap_within_a_long_write() -> None:
    whole = record(smb.write2(DATA * 300, message=3))
    parser = SmbParser()
    parser.feed(SERVER, whole[:2000], 0)
    parser.feed(SERVER, whole[5000:] + record(smb.tree_connect2(r"\\srv\x", message=9)), 3000)
    found = [one for one in parser.finish() if isinstance(one, SmbTransaction)]
    ((file,),) = [one.files for one in found if one.files]
    assert file.gaps
    assert file.size == len(DATA) * 300 - 3000
    assert [one.share for one in found if one.share] == [rb"\srv\x"]


def test_reading_to_the_end_closes() -> None:
    end = [
        (SERVER, record(smb.read2(9, offset=len(DATA), message=9))),
        (CLIENT, record(smb.smb2(8, bytes(9), reply=True, status=0xC0000011, message=9))),
    ]
    parser = SmbParser()
    (found,) = {one for side, data in (*READ2[:-1], *end) for one in parser.feed(side, data, 0) if one.files}
    assert found.files[0].state is FileState.CLOSED


def test_what_is_never_closed_is_truncated() -> None:
    ((file,),) = [one.files for one in feed(WRITTEN2[:-1])]
    assert file.state is FileState.TRUNCATED


def test_anomalies_of_files() -> None:
    again = (SERVER, record(smb.write2(b"other", message=7)))
    (found,) = feed([*WRITTEN2[:-1], again])
    assert list(found.events[SERVER]) == ["smb.file_overlap"]
    early = [(SERVER, record(smb.write2(b"x", offset=2 * n + 9, message=n))) for n in range(MOST_EARLY + 1)]
    (found,) = feed([*SETUP2, *early])
    assert list(found.events[SERVER]) == ["smb.write_queue_cnt_exceeded"]


def test_parts_behind_a_hole_are_counted_by_what_they_say_of_their_size() -> None:
    size = 2 << 20
    parser = SmbParser()
    found: set[Transaction] = set()
    for side, data in SETUP2:
        parser.feed(side, data, 0)
    for n in range(MOST_EARLY_BYTES // size + 1):
        # Of each part only the head comes: its bytes are lost, and it waits all the same.
        whole = record(smb.write2(bytes(size), offset=1 + n * size, message=n))
        found |= set(parser.feed(SERVER, whole[:2000], 0))
        found |= set(parser.feed(SERVER, b"", len(whole) - 2000))
        (one,) = [t for t in found if t.files]
        assert bool(one.events[SERVER]) == (n == MOST_EARLY_BYTES // size), n
    assert list(one.events[SERVER]) == ["smb.write_queue_size_exceeded"]
    assert parser.held() < 8 << 20


def test_files_are_bounded() -> None:
    parser = SmbParser()
    for number in range(3 * MOST_OPEN):
        fid = number.to_bytes(16, "big")
        parser.feed(SERVER, record(smb.write2(DATA, fid=fid, message=number)), 0)
    assert parser.held() < 8 << 20


def frames(pieces: list[Piece]) -> list[tuple[int, str, bytes]]:
    parser = SmbParser()
    parser.frames = FrameLog(frozenset(FRAMES["smb"]))
    for side, data in pieces:
        parser.feed(side, data, 0)
    return [
        (side, frame.name, frame.data)
        for frame in parser.frames.take()
        for side in (SERVER, CLIENT)
        if frame.stage[side]
    ]


@pytest.mark.parametrize("piece", [1, 10_000])
def test_frames_of_a_compound_and_of_the_other_versions(piece: int) -> None:
    first, second, old = smb.create2("x", message=1), smb.close2(message=2), smb.close1()
    secret = b"\xfdSMB" + bytes(60)
    pieces = [(SERVER, record(first, second)), (CLIENT, record(old)), (CLIENT, record(secret))]
    cut = [(side, data[at : at + piece]) for side, data in pieces for at in range(0, len(data), piece)]
    found = frames(cut)
    compound = pieces[0][1]
    assert (SERVER, "nbss.pdu", compound) in found
    assert (SERVER, "nbss.hdr", compound[:4]) in found
    assert (SERVER, "nbss.data", compound[4:]) in found
    assert [data for _, name, data in found if name == "smb2.pdu"][1] == second
    assert [data for _, name, data in found if name == "smb2.hdr"][1] == second[:64]
    assert [data for _, name, data in found if name == "smb2.data"][1] == second[64:]
    assert (CLIENT, "smb1.hdr", old[:32]) in found
    assert (CLIENT, "smb1.data", old[32:]) in found
    assert (CLIENT, "smb3.hdr", secret[:52]) in found
    assert (CLIENT, "smb3.data", secret[52:]) in found


def test_rules(tmp_path: Path) -> None:
    connection = Connection(445)
    for side, data in (*WRITTEN2, *READ1):
        (connection.client if side == SERVER else connection.server)(data)
    found = scan(
        tmp_path,
        connection.close().packets,
        'alert smb any any -> any any (flow:to_server; file.data; content:"MZ"; startswith;)',
        'alert smb any any -> any any (flow:to_client; file.data; content:"MZ"; startswith;)',
        'alert smb any any -> any any (flow:to_server; filename:"tool.exe";)',
        f"alert smb any any -> any any (flow:to_server; filesize:{len(DATA)};)",
        f"alert smb any any -> any any (filesize:>{len(DATA)};)",
        'alert smb any any -> any any (file.data; content:"PK"; startswith;)',
        'alert smb any any -> any any (flow:to_server; frame:smb1.hdr; content:"|ff|SMB|a2|"; startswith;)',
        'alert smb any any -> any any (flow:to_server; frame:smb2.data; content:"MZ";)',
        'alert smb any any -> any any (frame:smb2.hdr; content:"MZ";)',
    )
    assert sids(found) == {1: 1, 2: 1, 3: 1, 4: 1, 7: 1, 8: 1}
