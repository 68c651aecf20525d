"""NFS of all versions over UDP and TCP, of messages that are put together here (RFC 1813, 7530)."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.frame_names import FRAMES
from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.nfs import NFS
from vpi_tui.detect.applayer.nfs.parser import MOST_WAITING, NfsParser
from vpi_tui.detect.applayer.nfs.rpc import FRAGMENT_LIMIT, RECORD_LIMIT, Records
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

from .test_scan import Connection, scan, sids

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
HANDLE = b"handle01"
ATTRIBUTES = struct.pack("!I", 1) + bytes(84)


def opaque(data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + data + bytes(-len(data) % 4)


def call(version: int, procedure: int, data: bytes = b"", xid: int = 1, program: int = 100_003) -> bytes:
    unix = struct.pack("!I", 7) + opaque(b"host") + struct.pack("!III", 1000, 100, 0)
    head = struct.pack("!IIIIII", xid, 0, 2, program, version, procedure)
    return head + struct.pack("!I", 1) + opaque(unix) + bytes(8) + data


def reply(data: bytes = b"", xid: int = 1) -> bytes:
    return struct.pack("!IIIIII", xid, 1, 0, 0, 0, 0) + data


def status(code: int = 0) -> bytes:
    return struct.pack("!I", code)


def marked(*messages: bytes) -> bytes:
    return b"".join((len(one) | 0x80000000).to_bytes(4) + one for one in messages)


def numbers(found: Transaction, buffer: str) -> list[int]:
    return [int.from_bytes(value) for value in NFS.buffers[buffer].get(found, SERVER)]


def procedures(found: list[Transaction]) -> list[list[int]]:
    return [numbers(one, "nfs_procedure") for one in found]


LOOKUP = call(3, 3, opaque(b"dir") + opaque(b"notes.txt"))
FOUND = reply(status() + opaque(HANDLE))


def test_a_call_and_its_reply() -> None:
    parser = NfsParser()
    (found,) = parser.datagram(SERVER, LOOKUP)
    assert (found.version, found.file_name) == (3, b"notes.txt")
    assert found.credentials.user[:2] == (b"host", 1000)
    assert numbers(found, "nfs_procedure") == [3]
    assert numbers(found, "nfs_version") == [3]
    assert list(NFS.buffers["nfs_procedure.name"].get(found, SERVER)) == [b"lookup"]
    assert (found.stage[SERVER], found.stage[CLIENT]) == (Stage.DONE, Stage.NONE)
    assert parser.datagram(CLIENT, FOUND) == [found]
    assert (found.stage[CLIENT], found.status) == (Stage.DONE, 0)


def test_a_handle_is_known_by_the_name_that_was_looked_up() -> None:
    parser = NfsParser()
    parser.datagram(SERVER, LOOKUP)
    parser.datagram(CLIENT, FOUND)
    (found,) = parser.datagram(SERVER, call(3, 1, opaque(HANDLE), xid=2))
    assert found.file_name == b"notes.txt"


def test_names_of_a_directory() -> None:
    entry = (
        struct.pack("!IQ", 1, 5) + opaque(b"notes.txt") + bytes(8) + ATTRIBUTES + status(1) + opaque(HANDLE)
    )
    parser = NfsParser()
    parser.datagram(SERVER, call(3, 17, opaque(b"dir") + bytes(24)))
    parser.datagram(CLIENT, reply(status() + ATTRIBUTES + bytes(8) + entry + status(0) + status(1)))
    (found,) = parser.datagram(SERVER, call(3, 4, opaque(HANDLE) + status(), xid=2))
    assert found.file_name == b"notes.txt"


def test_a_file_that_is_read_is_one_transaction() -> None:
    parser = NfsParser()
    moved = []
    for xid, (offset, data, last) in enumerate([(0, b"abcd", 0), (4, b"ef", 1)]):
        moved += parser.datagram(SERVER, call(3, 6, opaque(HANDLE) + struct.pack("!QI", offset, 4), xid))
        answer = status() + ATTRIBUTES + struct.pack("!II", len(data), last) + opaque(data)
        moved += parser.datagram(CLIENT, reply(answer, xid))
    (found,) = set(moved)
    assert numbers(found, "nfs_procedure") == [6]
    assert (found.is_file, found.chunks, found.size, found.stage[CLIENT]) == (True, 2, 6, Stage.DONE)
    (file,) = found.files
    assert (file.direction, file.size, file.digests["md5"]) == (CLIENT, 6, hashlib.md5(b"abcdef").digest())


def test_a_file_that_is_written_ends_with_its_commit() -> None:
    parser = NfsParser()
    write = opaque(HANDLE) + struct.pack("!QII", 0, 4, 0) + opaque(b"data")
    (found,) = parser.datagram(SERVER, call(3, 7, write))
    assert (found.stage[SERVER], found.size) == (Stage.HEAD, 4)
    moved = parser.datagram(SERVER, call(3, 21, opaque(HANDLE) + bytes(12), xid=2))
    assert procedures(moved) == [[7, 21]]
    assert found.stage[SERVER] == Stage.DONE


def test_version_2() -> None:
    parser, handle = NfsParser(), HANDLE.ljust(32, b"\0")
    parser.datagram(SERVER, call(2, 4, handle + opaque(b"boot")))
    parser.datagram(CLIENT, reply(status() + handle + bytes(68)))
    parser.datagram(SERVER, call(2, 6, handle + struct.pack("!III", 0, 8, 0), xid=2))
    attributes = bytes(20) + struct.pack("!I", 3) + bytes(44)
    (found,) = parser.datagram(CLIENT, reply(status() + attributes + opaque(b"abc"), xid=2))
    assert (found.file_name, found.size, found.stage[CLIENT]) == (b"boot", 3, Stage.DONE)


def compound(*operations: bytes, head: bytes = opaque(b"tag") + status(0)) -> bytes:
    return head + status(len(operations)) + b"".join(operations)


PUTFH = status(22) + opaque(HANDLE)


def test_version_4() -> None:
    parser = NfsParser()
    opening = status(18) + bytes(20) + opaque(b"owner") + status(0) + status(0) + opaque(b"notes.txt")
    parser.datagram(SERVER, call(4, 1, compound(PUTFH, opening, status(10))))
    opened = status(18) + status() + bytes(40) + status(0) + status(0)
    answer = status() + compound(
        status(22) + status(), opened, status(10) + status() + opaque(HANDLE), head=opaque(b"")
    )
    parser.datagram(CLIENT, reply(answer))
    write = status(38) + bytes(16) + struct.pack("!QI", 0, 0) + opaque(b"data")
    (found,) = parser.datagram(SERVER, call(4, 1, compound(PUTFH, write), xid=2))
    assert (found.version, found.file_name, found.procedures, found.size) == (4, b"notes.txt", [38], 4)
    closing = status(4) + bytes(20)
    assert parser.datagram(SERVER, call(4, 1, compound(PUTFH, closing), xid=3)) == [found]
    assert found.stage[SERVER] == Stage.DONE
    (gone,) = parser.datagram(SERVER, call(4, 1, compound(PUTFH, status(28) + opaque(b"old")), xid=4))
    assert (gone.file_name, gone.procedures) == (b"old", [28])


def test_a_stream_cut_anywhere_and_in_fragments() -> None:
    half = len(LOOKUP) // 2
    pieces = half.to_bytes(4) + LOOKUP[:half] + marked(LOOKUP[half:])
    stream = marked(LOOKUP) + pieces + marked(call(3, 1, opaque(HANDLE), xid=9))
    for size in (1, 3, 7, len(stream)):
        parser = NfsParser()
        found = [
            t for at in range(0, len(stream), size) for t in parser.feed(SERVER, stream[at : at + size], 0)
        ]
        assert procedures(found) == [[3], [3], [1]]


def test_behind_missing_bytes_the_next_record_is_found() -> None:
    parser = NfsParser()
    parser.feed(SERVER, marked(LOOKUP), 0)
    found = parser.feed(SERVER, b"rest of something" + marked(call(3, 1, opaque(HANDLE), xid=9)), 70_000)
    assert procedures(found) == [[1]]


def test_what_is_missing_within_a_record_is_left_empty() -> None:
    records = Records()
    assert list(records.feed((8 | 0x80000000).to_bytes(4) + b"ab")) == []
    assert list(records.feed(b"gh", 4)) == [b"ab\0\0\0\0gh"]


def test_records_are_bounded() -> None:
    records = Records()
    size = RECORD_LIMIT + 10
    (found,) = [*records.feed((size | 0x80000000).to_bytes(4) + bytes(size))]
    assert len(found) == RECORD_LIMIT
    assert list(records.feed((FRAGMENT_LIMIT + 1).to_bytes(4))) == []
    assert records.lost


def test_another_program_is_passed_by() -> None:
    parser = NfsParser()
    assert parser.datagram(SERVER, call(2, 3, program=100_000)) == []
    assert parser.over()


def test_calls_that_nobody_answers() -> None:
    parser = NfsParser()
    for xid in range(MOST_WAITING + 1):
        assert not any(one.events[SERVER] for one in parser.datagram(SERVER, call(3, 0, xid=xid)))
    found = parser.datagram(SERVER, call(3, 0, xid=MOST_WAITING + 1))
    assert [list(one.events[SERVER]) for one in found] == [[], ["nfs.too_many_transactions"]]
    commits = NfsParser()
    for xid in range(MOST_WAITING + 2):  # of the transactions of files, if any
        assert commits.datagram(SERVER, call(3, 21, opaque(b"file"), xid)) == []


def test_malformed() -> None:
    parser = NfsParser()
    found = parser.datagram(SERVER, call(3, 3, b"\xff\xff\xff\xff"))
    assert list(found[0].events[SERVER]) == ["nfs.malformed_data"]
    (found,) = parser.datagram(SERVER, call(9, 3))
    assert list(found.events[SERVER]) == ["nfs.non_existing_version"]
    assert numbers(found, "nfs_version") == []


def test_frames() -> None:
    parser = NfsParser()
    parser.frames = FrameLog(frozenset(FRAMES["nfs"]))
    parser.feed(SERVER, marked(LOOKUP), 0)
    asked = {frame.name: frame.data for frame in parser.frames.take()}
    assert asked["rpc.pdu"] == marked(LOOKUP)
    assert asked["nfs.pdu"] == opaque(b"dir") + opaque(b"notes.txt")
    assert asked["rpc.creds"][:4] == status(1)
    assert len(asked["rpc.creds"]) == 8 + int.from_bytes(asked["rpc.creds"][4:8])
    parser.feed(CLIENT, marked(FOUND), 0)
    answered = {frame.name: frame.data for frame in parser.frames.take()}
    assert answered["nfs.status"] == status()
    assert answered["rpc.hdr"] + answered["rpc.data"] == marked(FOUND)


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), st.integers(0, 100), st.binary())))
def test_nothing_raises_and_nothing_grows(pieces: list[tuple[int, int, bytes]]) -> None:
    parser = NfsParser()
    for direction, at, junk in pieces:
        good = LOOKUP if direction == SERVER else FOUND
        for data in (junk, good[:at] + junk, good[:at] + junk + good[at + len(junk) :]):
            parser.datagram(direction, data)
            parser.feed(direction, marked(data), at)
    parser.finish()
    assert parser.held() < 512 * MOST_WAITING


def test_a_commit_is_a_procedure_of_the_file_alone(tmp_path: Path) -> None:
    connection = Connection(2049)
    write = opaque(HANDLE) + struct.pack("!QII", 0, 4, 0) + opaque(b"data")
    connection.client(marked(call(3, 7, write))).server(marked(reply(bytes(16))))
    connection.client(marked(call(3, 21, opaque(HANDLE) + bytes(12), xid=2))).server(
        marked(reply(bytes(16), 2))
    )
    connection.client(marked(call(3, 21, opaque(b"other") + bytes(12), xid=3)))
    found = scan(
        tmp_path,
        connection.close().packets,
        "alert nfs any any -> any any (nfs_procedure:21;)",
        "alert nfs any any -> any any (nfs_procedure:7;)",
    )
    assert sids(found) == {1: 1, 2: 1}
