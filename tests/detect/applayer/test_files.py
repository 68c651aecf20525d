"""Files of application layers: counted, digested, put in order, and seen in windows that miss nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer.test_scan import Connection, scan, sids
from tests.detect.rules.rule_text import parse
from tests.stream import scanning
from vpi_tui.detect.applayer.files import EARLY_LIMIT, MOST_EARLY, File, FileNeeds, FileState, grown
from vpi_tui.detect.applayer.http.files import FormParts
from vpi_tui.detect.applayer.http.parser import HttpParser
from vpi_tui.detect.applayer.parameters import attachment_name, form_parameter
from vpi_tui.detect.applayer.window import SlidingWindow, Window
from vpi_tui.detect.match import file_tests
from vpi_tui.engine import pacing
from vpi_tui.model.batch import Direction
from vpi_tui.model.signature import FileTest

SERVER = Direction.TO_SERVER
DATA = bytes(range(251)) * 40


def cut(data: bytes, sizes: list[int]) -> list[tuple[int, bytes]]:
    """(offset, piece) of consecutive pieces; the sizes come round again."""
    pieces, at, number = [], 0, 0
    while at < len(data):
        size = sizes[number % len(sizes)]
        pieces.append((at, data[at : at + size]))
        at, number = at + size, number + 1
    return pieces


# Windows ------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 700), min_size=1, max_size=20), st.integers(0, 400), st.integers(1, 64))
@settings(max_examples=60)
def test_windows_cover_all_and_overlap(sizes: list[int], minimum: int, overlap: int) -> None:
    window = SlidingWindow(minimum, overlap)
    taken: list[Window] = []
    for _, piece in cut(DATA, sizes):
        window.feed(piece)
        if found := window.take():
            taken.append(found)
        assert window.held <= max(minimum, overlap) + overlap
    window.closed = True
    taken += [found] if (found := window.take()) else []
    assert window.take() is None
    assert all(DATA[one.offset :][: len(one.data)] == one.data for one in taken)
    reach = 0
    for one in taken:
        assert one.offset <= max(0, reach - overlap)  # what lies across an edge is seen whole
        reach = one.offset + len(one.data)
    assert reach == len(DATA)
    assert [one.ended for one in taken[:-1]] == [False] * (len(taken) - 1)


def test_a_short_buffer_is_seen_once_and_whole() -> None:
    window = SlidingWindow(100, 10)
    for _ in range(5):
        window.feed(b"ab")
        assert window.take() is None
    window.closed = True
    assert window.take() == Window(b"ab" * 5)


# Files --------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 900), min_size=1, max_size=9), st.randoms())
@settings(max_examples=60)
def test_order_of_chunks_changes_nothing(sizes: list[int], random: Random) -> None:
    pieces = [piece for size in sizes for piece in cut(DATA, [size])]  # each byte comes several times
    if len(pieces) > MOST_EARLY:
        pieces = cut(DATA, [30])
    random.shuffle(pieces)
    file = File(SERVER, b"a.bin")
    for offset, piece in pieces:
        file.chunk(offset, piece)
    file.close()
    assert (file.size, file.state, file.gaps) == (len(DATA), FileState.CLOSED, False)
    assert file.digests["sha256"] == hashlib.sha256(DATA).digest()
    assert file.digests["md5"] == hashlib.md5(DATA, usedforsecurity=False).digest()


@pytest.mark.parametrize(("size", "count"), [(EARLY_LIMIT // 4, 9), (1, MOST_EARLY + 9)])
def test_what_waits_for_its_turn_is_bounded(size: int, count: int) -> None:
    file = File(SERVER)
    for number in range(count):
        file.chunk(10 + 2 * number * size, bytes(size))
        file.take(0)
        assert file.held() <= EARLY_LIMIT + size + 40_000
    file.close()
    assert (file.state, file.gaps, file.digests) == (FileState.TRUNCATED, True, {})
    assert file.size == size * count


def test_only_what_is_asked_for_is_done() -> None:
    file = File(SERVER, b"x", FileNeeds(frozenset({"sha1"}), data=False))
    file.append(DATA)
    assert file.held() == 1
    file.close()
    assert file.digests == {"sha1": hashlib.sha1(DATA, usedforsecurity=False).digest()}
    assert list(grown([file], SERVER)) == ["file", "file.name"]
    assert not grown([file], SERVER)


# Forms --------------------------------------------------------------------------------------------

FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="f"; filename="one.bin"\r\nContent-Type: a/b\r\n\r\n'
    b"first\r\n--XY\r\n-\r\n--XX\r\n"
    b"content-disposition: form-data; filename=empty.bin\r\n\r\n\r\n--XX\r\n"
    b'Content-Disposition: form-data; filename="none.bin"\r\n\r\n--XX--\r\nepilogue'
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_parts_with_a_file_name_are_files(size: int) -> None:
    files: list[File] = []
    events: list[str] = []

    def opened(name: bytes) -> File:
        files.append(File(SERVER, name))
        return files[-1]

    form = FormParts(b"XX", opened, events.append)
    for _, piece in cut(FORM, [size]):
        form.feed(piece)
    form.close(truncated=False)
    assert [(f.name, f.size, f.state) for f in files] == [
        (b"one.bin", 14, FileState.CLOSED),
        (b"empty.bin", 0, FileState.CLOSED),
        (b"none.bin", 0, FileState.CLOSED),
    ]
    assert [one.data for one in grown(files, SERVER)["file.data"]] == [b"first\r\n--XY\r\n-"]
    assert events == ["http.multipart_no_filedata"]


@pytest.mark.parametrize(("truncated", "state"), [(False, FileState.CLOSED), (True, FileState.TRUNCATED)])
def test_the_last_boundary_may_be_missing(truncated: bool, state: FileState) -> None:
    files = [File(SERVER, b"x")]
    form = FormParts(b"XX", lambda _name: files[0], lambda _event: None)
    form.feed(b"--XX\r\nContent-Disposition: form-data; filename=x\r\n\r\nabc\r\n--X")
    form.close(truncated=truncated)
    assert (files[0].state, files[0].size) == (state, 8)
    assert bool(files[0].digests) != truncated


@pytest.mark.parametrize(
    ("value", "form", "whole"),
    [
        (b"attachment; filename=a b.txt ; x=y", b"a b.txt", b"a b.txt "),
        (b'attachment; x="filename=no"; filename="a;b.txt"', b"a;b.txt", b"a;b.txt"),
        (b'attachment; filename="a\\"b.txt"', b'a"b.txt', b'a\\"b.txt'),
        (b"attachment; FILENAME=a.txt", None, b"a.txt"),
        (b"filename=a.txt", None, b"a.txt"),
        (b"attachment; nofilename=a.txt", None, b""),
        (b'attachment; filename="a.txt', b'"a.txt', b""),
        (b"attachment; filename*1=t.txt; filename*0=a", b"at.txt", b""),
        (b"attachment; filename*=UTF-8''a.txt", None, b""),
        (b"attachment; filename=; x=y", b"", b""),
        (b"attachment; filename=a; filename=b", b"b", b"a"),
    ],
)
def test_names_in_content_disposition(value: bytes, form: bytes | None, whole: bytes) -> None:
    assert form_parameter(value, b"filename") == form
    assert attachment_name(value) == whole


# Rules --------------------------------------------------------------------------------------------


def request(body: bytes, kind: bytes = b"text/plain", method: bytes = b"POST") -> bytes:
    head = b"%s /up/Load.TXT?q=1 HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (method, kind, len(body)) + body


def response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("piece", [7, 1400])
def test_keywords_about_files(tmp_path: Path, piece: int) -> None:
    body = b"some text" * 5
    (tmp_path / "list.md5").write_text(
        hashlib.md5(body, usedforsecurity=False).hexdigest() + "  name\n# more\n"
    )
    (tmp_path / "list.sha256").write_text("00" * 32 + "\n")
    connection = Connection()
    connection.client(request(body, method=b"PUT"), piece=piece).server(response(b"other"), piece=piece)
    connection.client(request(FORM, b"multipart/form-data; boundary=XX"), piece=piece)
    events = scan(
        tmp_path,
        connection.server(response(b""), piece=piece).close().packets,
        'alert http any any -> any any (filename:"load"; filesize:45;)',
        'alert tcp any any -> any any (fileext:"txt"; flow:to_server;)',
        'alert http any any -> any any (fileext:!"txt"; file.data; content:"first"; startswith;)',
        "alert http any any -> any any (filemd5:list.md5;)",
        "alert http any any -> any any (filesha256:!list.sha256; flow:to_server; filesize:14;)",
        "alert http any any -> any any (filesize:>14; filestore;)",
        "alert http any any -> any any (filesize:10<>20;)",
        'alert http any any -> any any (file.name; content:"one.bin"; file.data; content:"XY"; bsize:14;)',
        'alert http any any -> any any (filename:"one"; filesize:45;)',
        'alert http any any -> any any (file.name; content:"Load.TXT"; http.method; content:"PUT";)',
    )
    # Another file begins when the first has ended already: rules about whole files look at both again.
    again = 2 if piece == 7 else 1
    assert sids(events) == {1: 1, 2: 1, 3: 1, 4: 1, 5: again, 6: 1, 7: again, 8: 1, 10: 1}


def part(name: bytes, body: bytes) -> bytes:
    return b'--XX\r\nContent-Disposition: form-data; filename="%s"\r\n\r\n%s\r\n' % (name, body)


def alerts_of_form(folder: Path, pieces: list[bytes], *options: str) -> list[tuple[int, int]]:
    """(rule, piece of the form) of the alerts about a form that comes in these pieces."""
    head = (
        request(b"".join(pieces), b"multipart/form-data; boundary=XX").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    )
    talk = scanning.Connection().open()
    at = 0
    for piece in (head, *pieces):
        talk.at(at, piece)
        at += len(piece)
    rules = [
        f"alert http any any -> any any (flow:to_server; {option}; sid:{sid};)"
        for sid, option in enumerate(options, 1)
    ]
    alerts, _ = scanning.scan(folder, rules, talk.answer(0, response(b"")).packets)
    return sorted((alert.sid, alert.packet_number - 4) for alert in alerts)


def test_a_rule_about_names_or_contents_alerts_once_a_transaction(tmp_path: Path) -> None:
    """One about whole files once more with each file that begins behind its alert."""
    pieces = [part(b"a.txt", b"same") + b"--XX\r\n", part(b"b.txt", b"same")[6:], b"--XX--\r\n"]
    found = alerts_of_form(
        tmp_path,
        pieces,
        'file.data; content:"same"',
        'filename:".txt"',
        'fileext:"txt"',
        "filestore",
        "filesize:4",
    )
    assert [rule for rule, _ in found] == [1, 2, 3, 4, 4, 5, 5]


def test_a_rule_about_whole_files_is_done_when_the_next_one_was_there(tmp_path: Path) -> None:
    pieces = [part(b"a.txt", b"same") + part(b"b.txt", b"same")[:-4], b"me\r\n", b"--XX--\r\n"]
    found = alerts_of_form(tmp_path, pieces, "filesize:4", "filestore", "filesize:>9")
    assert [rule for rule, _ in found] == [1, 2]


def test_name_and_size_may_be_of_two_files(tmp_path: Path) -> None:
    pieces = [part(b"a.txt", b"short") + part(b"b.txt", b"rather long") + b"--XX--\r\n"]
    options = (
        'filename:"A.TXT"; filesize:11',
        'filename:"a"; startswith',
        'filename:"x"; endswith',
        'fileext:!"txt"',
    )
    found = alerts_of_form(tmp_path, pieces, *options)
    assert [rule for rule, _ in found] == [1, 2]


def test_a_short_name_has_not_the_extension(tmp_path: Path) -> None:
    pieces = [part(b"ab", b"short") + b"--XX--\r\n"]
    assert [rule for rule, _ in alerts_of_form(tmp_path, pieces, 'fileext:!"exe"', 'fileext:"b"')] == [1]


def test_a_file_that_nobody_has_asked_for_has_a_name() -> None:
    parser = HttpParser()
    (found,) = parser.feed(Direction.TO_CLIENT, response(b"x"), 0)
    assert [file.name for file in found.files] == [b"/libhtp::request_uri_not_seen"]


def test_each_mention_of_the_content_may_be_of_another_file(tmp_path: Path) -> None:
    form = b"".join(
        b'--XX\r\nContent-Disposition: form-data; filename="%d"\r\n\r\n%s\r\n' % pair
        for pair in enumerate((b"alpha beta", b"gamma delta"))
    )
    connection = Connection().client(request(form + b"--XX--\r\n", b"multipart/form-data; boundary=XX"))
    events = scan(
        tmp_path,
        connection.server(response(b"left right")).close().packets,
        'alert http any any -> any any (file.data; content:"alpha"; file.data; content:"delta"; endswith;)',
        'alert http any any -> any any (file.data; content:"alpha"; content:"delta";)',
        'alert http any any -> any any (file.data; content:"alpha"; file.data; content:"epsilon";)',
        'alert http any any -> any any (file.data; content:"left"; file.data; content:"right"; endswith;)',
    )
    assert sids(events) == {1: 1, 4: 1}


def test_bodies_are_inspected_while_they_come(tmp_path: Path) -> None:
    """What lies anywhere in a body is found, once; places count from its beginning."""
    body = bytearray(b"." * 300_000)
    body[:5], body[65_000:65_006], body[-4:] = b"BEGIN", b"MIDDLE", b"LAST"
    connection = Connection().acknowledge(1)
    connection.client(request(bytes(body)), piece=1400).server(response(bytes(body)), piece=1400)
    events = scan(
        tmp_path,
        connection.close().packets,
        'alert http any any -> any any (http.response_body; content:"MIDDLE"; offset:65000; depth:6;)',
        'alert http any any -> any any (http.request_body; content:"MIDDLE"; offset:65000; depth:6;)',
        'alert http any any -> any any (file.data; content:"LAST"; endswith; bsize:300000;)',
        'alert http any any -> any any (file.data; content:"BEGIN"; startswith; content:"LAST";)',
        'alert http any any -> any any (http.response_body; content:"MIDDLE"; startswith;)',
        'alert http any any -> any any (http.stat_code; content:"200"; file.data; content:"MIDDLE";)',
        settings=(
            "app-layer.protocols.http.libhtp.default-config.request-body-limit=0",
            "app-layer.protocols.http.libhtp.default-config.response-body-limit=0",
        ),
    )
    assert sids(events) == {1: 1, 2: 1, 3: 2, 6: 1}


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_what_is_said_of_a_whole_file_is_said_with_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Whichever packets are looked at together."""
    monkeypatch.setattr(pacing, "SLICE", size)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    talk = scanning.Connection().open().at(0, b"GET /a.bin HTTP/1.1\r\nHost: a\r\n\r\n")
    talk.answer(0, head + b"abc").answer(len(head) + 3, b"def").answer(len(head) + 6, b"ghi")
    rules = [
        f"alert http any any -> any any ({option}; sid:{sid};)"
        for sid, option in enumerate(("filesize:9", "filesize:>2", 'filename:"a.bin"'), 1)
    ]
    alerts, _ = scanning.scan(tmp_path, rules, talk.packets)
    assert sorted((a.sid, a.packet_number - 3) for a in alerts) == [(1, 4), (2, 4), (3, 2)]


@pytest.mark.parametrize(
    ("option", "whole", "cut"),
    [("9", True, False), (">8", True, True), (">=9", True, True), ("!8", True, False), ("<10", True, False)],
)
def test_of_a_file_that_is_cut_only_that_it_is_larger_can_be_said(
    option: str, whole: bool, cut: bool
) -> None:
    (test,) = parse(f"filesize:{option};").steps
    assert isinstance(test, FileTest)
    for truncated, wanted in ((False, whole), (True, cut)):
        file = File(Direction.TO_CLIENT)
        file.append(b"123456789")
        file.close(truncated=truncated)
        assert file_tests.tests_hold([test], file, False) == wanted
