"""Files that come in several responses: put together in whatever order, within bounds, across connections."""

from __future__ import annotations

import hashlib
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stream import scanning
from vpi_tui.detect.applayer import ranges
from vpi_tui.detect.applayer.files import File, FileNeeds, FileState
from vpi_tui.detect.applayer.ranges import TIMEOUT_NS, Ranges, Span, span_of

DATA = bytes(range(100))


def bring(
    store: Ranges, start: int, end: int, data: bytes | None = None, size: int = len(DATA)
) -> File | None:
    """One response with the bytes from start to before end."""
    part = store.part(b"a", b"/f", b"bytes %d-%d/%d" % (start, end - 1, len(DATA)), FileNeeds())
    if part is None:
        return None
    for byte in DATA[start:end] if data is None else data:
        part.feed(bytes((byte,)))
    return part.close()


def test_in_whatever_order() -> None:
    pieces = [(0, 30), (30, 60), (50, 80), (80, 100)]
    for order in permutations(pieces):
        store = Ranges()
        *early, last = (bring(store, *piece) for piece in order)
        assert early == [None] * 3
        assert last is not None
        assert (last.state, last.size, last.name) == (FileState.CLOSED, 100, b"/f")
        assert last.digests["md5"] == hashlib.md5(DATA).digest()
        assert last.tail() == DATA
        assert store.held() == 0


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 40)), max_size=30), st.randoms())
def test_overlaps_change_nothing(extra: list[tuple[int, int]], random) -> None:  # type: ignore[no-untyped-def]
    pieces = [(0, 35), (35, 70), (70, 100), *((at, min(at + size, 100)) for at, size in extra)]
    pieces = [piece for piece in pieces if piece != (0, 100)]
    random.shuffle(pieces)
    store = Ranges()
    found = [file for piece in pieces if (file := bring(store, *piece)) is not None]
    assert found
    assert all(file.tail() == DATA for file in found)


def test_two_at_once() -> None:
    store = Ranges()
    first = store.part(b"a", b"/f", b"bytes 0-49/100", FileNeeds())
    second = store.part(b"a", b"/f", b"bytes 50-99/100", FileNeeds())
    assert first is not None
    assert second is not None
    second.feed(DATA[50:])
    first.feed(DATA[:20])
    assert second.close() is None
    first.feed(DATA[20:50])
    whole = first.close()
    assert whole is not None
    assert whole.tail() == DATA


def test_what_is_missing_is_not_made_up() -> None:
    store = Ranges()
    assert bring(store, 50, 100) is None
    part = store.part(b"a", b"/f", b"bytes 0-49/100", FileNeeds())
    assert part is not None
    part.feed(DATA[:20])
    part.skip(30)
    whole = part.close()
    assert whole is not None
    assert (whole.state, whole.gaps, whole.digests) == (FileState.TRUNCATED, True, {})
    assert bring(store, 0, 20, DATA[:10]) is None  # cut short: the next one begins where it ended
    assert bring(store, 20, 100) is None
    assert bring(store, 5, 20) is not None


@pytest.mark.parametrize(
    ("text", "span"),
    [
        (b"bytes 0-9/100", Span(0, 9, 100)),
        (b" bytes \t5-99/100", Span(5, 99, 100)),
        (b"bytes 0-99/100", None),
        (b"bytes 0-9/*", None),
        (b"bytes */100", None),
        (b"bytes 9-5/100", None),
        (b"bytes 5-100/100", None),
        (b"lines 0-9/100", None),
    ],
)
def test_what_is_a_part(text: bytes, span: Span | None) -> None:
    assert span_of(text) == span


def test_it_is_forgotten_in_time() -> None:
    store = Ranges()
    bring(store, 0, 50)
    store.now_ns = TIMEOUT_NS + 1
    assert bring(store, 50, 100) is None
    assert bring(store, 0, 50) is not None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "FILE_MEMORY", 1 << 20)
    monkeypatch.setattr(ranges, "MEMORY", 4 << 20)
    store, size = Ranges(), 1 << 40
    for number in range(64):
        name = b"/%d" % (number % 16)
        start = number * (1 << 18) + 7
        part = store.part(b"a", name, b"bytes %d-%d/%d" % (start, start + (1 << 18) - 1, size), FileNeeds())
        if part is not None:
            part.feed(bytes(1 << 18))
            part.close()
        assert store.held() <= 4 << 20
    part = store.part(b"a", b"/large", b"bytes 0-%d/%d" % (size // 2, size), FileNeeds())
    assert part is not None
    for _ in range(8):
        part.feed(bytes(1 << 18))
    assert part.close() is None
    assert store.part(b"a", b"/large", b"bytes 5-9/100", FileNeeds()) is None


def test_names_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MEMORY", 1 << 20)
    store = Ranges()
    for number in range(256):
        assert store.part(b"a" * 8_000, b"/%0*d" % (8_000, number), b"bytes 0-1/4", FileNeeds()) is not None
        assert store.held() <= 1 << 20
    assert store.held() > 1 << 19


def test_so_many_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MOST_FILES", 4)
    store = Ranges()
    for number in range(6):
        part = store.part(b"a", b"/%d" % number, b"bytes 0-1/4", FileNeeds())
        assert part is not None
        part.feed(b"ab")
        part.close()
    found = [store.part(b"a", b"/%d" % number, b"bytes 2-3/4", FileNeeds()) for number in (5, 1)]
    assert [part is not None and part.close() is None for part in found] == [True, True]
    assert store.part(b"a", b"/5", b"bytes 0-1/4", FileNeeds()) is None  # known
    assert store.part(b"a", b"/1", b"bytes 0-1/4", FileNeeds()) is not None  # forgotten


def test_rules_see_the_whole_file_with_the_range_that_completes_it(tmp_path: Path) -> None:
    def response(start: int, end: int) -> bytes:
        head = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/100\r\nContent-Length: %d\r\n\r\n"
        return head % (start, end - 1, end - start) + DATA[start:end]

    def asked(port: int, start: float, *spans: tuple[int, int]) -> list:  # type: ignore[type-arg]
        talk = scanning.Connection(start=start)
        talk.open()
        request, at, back = b"GET /f HTTP/1.1\r\nHost: a.example\r\n\r\n", 0, 0
        for span in spans:
            talk.at(at, request).answer(back, response(*span))
            at, back = at + len(request), back + len(response(*span))
        for packet in talk.packets:
            key = "sport" if packet.sport == scanning.CLIENT[1] else "dport"
            setattr(packet.payload, key, port)
        return talk.packets

    digest = hashlib.md5(DATA).hexdigest()
    (tmp_path / "digests").write_text(digest)
    rules = [
        "alert http any any -> any any (filemd5:digests; sid:1;)",
        "alert http any any -> any any (filesize:100; sid:2;)",
        'alert http any any -> any any (file.data; content:"|1d 1e 1f 3b 3c 3d|"; sid:3;)',
        'alert http any any -> any any (file.data; content:"|1d 1e 1f 20|"; content:"|3b 3c 3d|"; sid:4;)',
    ]
    packets = asked(4001, 1000.0, (60, 100), (0, 30)) + asked(4002, 1001.0, (30, 60))
    alerts, _ = scanning.scan(tmp_path, rules, packets)
    last = len(packets)
    assert sorted((a.sid, a.packet_number) for a in alerts) == [(1, last), (2, last), (4, last)]
