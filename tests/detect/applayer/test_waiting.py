"""Bytes that bring nothing wait for those behind them within a batch; what comes of them stays the same."""

from __future__ import annotations

import base64
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer import smb_messages as smb
from tests.detect.applayer.feeding import Pieces
from tests.detect.applayer.test_pass_by import SLOTS, stretches
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.followed import UNKNOWN, Followed
from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.detect.applayer.window import ANY_SIZE
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import U8, Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
SLOT: Final = 1
TEXT: Final = bytes(range(33, 127)) * 600
PICTURE: Final = bytes(range(256)) * 260
BODIES: Final = Limits(buffers=frozenset({"http.request_body", "http.response_body"}))
GET: Final = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
MAIL: Final = (
    b"From: a\r\nContent-Type: multipart/mixed; boundary=cut\r\n\r\n"
    b"--cut\r\n\r\nsee http://a.example/b and\r\n..more https://c.example/\r\n"
    b'--cut\r\nContent-Disposition: attachment; filename="p"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    + base64.encodebytes(PICTURE).replace(b"\n", b"\r\n")
    + b'--cut\r\nContent-Disposition: attachment; filename="q"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41b\r\n-- \r\n" * 4_000 + b"--cut--\r\n.\r\n"
)


def chunked(data: bytes, size: int) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


CONVERSATIONS: Final[dict[str, tuple[str, Pieces]]] = {
    "a body of known length": (
        "http1",
        [(SERVER, GET), (CLIENT, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(TEXT) + TEXT),
         (SERVER, GET), (CLIENT, b"HTTP/1.1 204 No\r\n\r\n")],
    ),
    "a body up to the end": ("http1", [(SERVER, GET), (CLIENT, b"HTTP/1.0 200 OK\r\n\r\n" + 3 * TEXT)]),
    "a body in chunks": (
        "http1",
        [(SERVER, GET),
         (CLIENT, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(TEXT, 9_000))],
    ),
    "an upload": (
        "http1",
        [(SERVER, b"PUT /b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(TEXT) + TEXT),
         (CLIENT, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")],
    ),
    "a mail": (
        "smtp",
        [(CLIENT, b"220 a\r\n"), (SERVER, b"HELO b\r\nMAIL FROM:<c>\r\nDATA\r\n"),
         (CLIENT, b"250 d\r\n354 e\r\n"), (SERVER, MAIL), (CLIENT, b"250 f\r\n"), (SERVER, b"QUIT\r\n")],
    ),
    "a mail that nobody reads": (
        "smtp",
        [(SERVER, b"HELO b\r\nMAIL FROM:<c>\r\nDATA\r\n"), (SERVER, MAIL), (CLIENT, b"250 f\r\n"),
         (SERVER, b"MAIL FROM:<d>\r\nDATA\r\n.a\n..\r\n." + TEXT + b"\n.\nQUIT\r\n")],
    ),
    "a file over SMB": (
        "smb",
        [(SERVER, smb.record(smb.create2("f"))), (CLIENT, smb.record(smb.created2())),
         (SERVER, smb.record(smb.write2(TEXT)) + smb.record(smb.write2(PICTURE, offset=len(TEXT)))),
         (SERVER, smb.record(smb.close2()))],
    ),
    "one side of TLS": ("tls", [(CLIENT, b"\x17\x03\x03\x40\x00" + bytes(0x4000) + TEXT)]),
}  # fmt: skip


def app_of(name: str) -> U8:
    return np.full(SLOTS, APP_PROTOS.index(by_name()[name].apps[0]), np.uint8)


def told(progress: list[Progress]) -> list[object]:
    """What rules see of it, and where."""
    return [
        (one.transaction.number, one.row, one.direction, one.before, one.stage, one.sent, one.files,
         {name: list(windows) for name, windows in one.grown.items()})
        for one in progress
    ]  # fmt: skip


def ended(layer: AppLayer) -> list[object]:
    """How the files are in the end."""
    return [
        (
            one.transaction.number,
            [(file.name, file.size, file.state, file.digests) for file in one.transaction.files],
        )
        for one in layer.finish_all()
    ]


ASKED: Final[dict[str, Limits]] = {"http1": BODIES, "smtp": Limits()}
UNREAD: Final = Limits(buffers=frozenset())


def outcome(
    which: str, said: list[tuple[int, int, bytes]], sizes: list[int]
) -> tuple[list[object], list[object]]:
    """said: (direction, offset, bytes); sizes: how many of them one batch has, the last again and again."""
    name = CONVERSATIONS[which][0]
    asked = ASKED | {"smtp": UNREAD} if "nobody reads" in which else ASKED
    layer = AppLayer(Demand({name}, mixed={name}, limits=asked))
    seen: list[object] = []
    at = 0
    for number in range(len(said)):
        if at >= len(said):
            break
        size = sizes[min(number, len(sizes) - 1)]
        batch = stretches(*((SLOT, *one) for one in said[at : at + size]))
        rows = np.arange(at, at + len(batch.row), dtype=np.int32)
        seen += told(layer.released(batch._replace(row=rows), app_of(name)))
        at += size
    assert layer.stats()["app_layer.error"] == 0
    return seen, ended(layer)


def cut(pieces: Pieces, size: int, lost: int) -> list[tuple[int, int, bytes]]:
    """In stretches of so many bytes, of which the one of that number is missing."""
    said = []
    position = [0, 0, 0]
    for direction, data in pieces:
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            said.append((int(direction), position[direction], piece))
            position[direction] += len(piece)
    return said[:lost] + said[lost + 1 :] if lost >= 0 else said


@pytest.mark.parametrize("which", CONVERSATIONS)
@settings(max_examples=12)
@given(
    size=st.integers(200, 3_000),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    lost=st.integers(-3, 40),
)
def test_what_waits_changes_nothing(which: str, size: int, sizes: list[int], lost: int) -> None:
    said = cut(CONVERSATIONS[which][1], size, lost)
    assert outcome(which, said, sizes) == outcome(which, said, [1])


@given(
    sizes=st.lists(st.integers(1, 5), min_size=20, max_size=40),
    end=st.sampled_from([b"\r\n.\r\n", b"\n.\n", b"\n..\n\n.\n", b"\n.\r\r\n\r\n.\r\n"]),
)
def test_a_mail_ends_where_it_does_however_its_end_is_cut(sizes: list[int], end: bytes) -> None:
    which = "a mail that nobody reads"
    mail = b"MAIL FROM:<c>\r\nDATA\r\na.\r\n.b" + end + b"QUIT\r\n"
    said, at = [], 0
    for size in sizes:
        if mail[at : at + size]:
            said.append((int(SERVER), at, mail[at : at + size]))
        at += size
    assert outcome(which, said, [len(said)]) == outcome(which, said, [1])


def test_bytes_wait_up_to_where_something_happens() -> None:
    http = by_name()["http1"]
    followed = Followed(http, http.parser(BODIES))
    for direction, data in ((SERVER, GET), (CLIENT, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")):
        followed.parser.feed(direction, data, 0)
    followed.way, followed.room = CLIENT, UNKNOWN
    assert followed.hold(memoryview(bytes(600)), 3)
    assert followed.hold(memoryview(bytes(399)), 4)
    assert not followed.hold(memoryview(bytes(1)), 5), "the last byte of the body is its end"
    assert (followed.row, followed.position[CLIENT]) == (4, 999)
    assert followed.join(memoryview(b"x")) == bytes(999) + b"x"
    assert not followed.waiting


def test_a_mail_waits_for_no_line_that_may_end_it() -> None:
    smtp = by_name()["smtp"].parser(Limits(buffers=frozenset({"file.data"})))
    smtp.feed(SERVER, b"MAIL FROM:<a>\r\nDATA\r\n" + MAIL[: MAIL.index(b"base64") + 100], 0)
    assert 0 < smtp.patience(SERVER) < ANY_SIZE
    assert smtp.patience(CLIENT) == 0
    assert smtp.may_wait(b"abcd\r\nefgh")
    assert not any(map(smtp.may_wait, (b"a\r\n", b"a\n--cut\r\nb", b"a\r\n.\r\nQUIT")))
