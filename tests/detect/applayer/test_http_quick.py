"""The quick ways through a message give what the machine gives, byte by byte or all at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.application import instances
from vpi_tui.detect.applayer.files import NOTHING_GROWN
from vpi_tui.detect.applayer.http import HTTP1
from vpi_tui.detect.applayer.http.headers import parse_headers, plain_headers
from vpi_tui.detect.applayer.http.parser import HttpParser
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
NAMES = st.sampled_from(
    [b"Host", b"host", b"Content-Length", b"X", b"", b" X", b"X ", b"A\0", b"Cookie", b"X("]
)
VALUES = st.sampled_from(
    [b"L" * 20_000, b" a", b" a", b" 4", b"3", b" 5 ", b"", b"\ta\t", b" a: b", b"chunked", b"\0", b" a\rb"]
)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\r\n "])
FIELDS = st.lists(st.tuples(NAMES, st.sampled_from([b":", b":", b":", b""]), VALUES, ENDS), max_size=5)
STARTS = st.sampled_from(
    [b"GET /a HTTP/1.1", b"POST /b?c=%41 HTTP/1.0", b"GET", b"", b" GET / HTTP/1.1", b"\0", b"A\rB"]
)
STATUSES = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 304 ", b"HTTP/1.1 100 Go", b"garbage", b"", b"http/1.1"]
)
BODIES = st.sampled_from([b"", b"abc", b"HTTP/1.1 200", b"3\r\nabc\r\n0\r\n\r\n", b"\r\n\r\n", b"abcdefgh"])


def head(start: bytes, fields: list[tuple[bytes, ...]]) -> bytes:
    return start + b"\r\n" + b"".join(b"".join(field) for field in fields) + b"\r\n"


def seen(cuts: list[tuple[int, bytes]], *, quick: bool) -> list[object]:
    """All that rules see, after the last byte and after the end."""
    parser = HttpParser()
    if not quick:
        for reader in (parser._requests, parser._responses):
            reader._quickly = lambda data: False  # type: ignore[method-assign]
    out: list[object] = []
    moved = [list(parser.feed(direction, data, 0)) for direction, data in cuts]
    for batch in (*moved, list(parser.finish())):
        for found in batch:
            for direction in (SERVER, CLIENT):
                grown = found.grown(direction) or NOTHING_GROWN
                values = {
                    name: tuple(instances(buffer, found, direction)) for name, buffer in HTTP1.buffers.items()
                }
                out.append(
                    (direction, found.stage[direction], dict(grown), values, list(found.events[direction]))
                )
    return out


@given(st.lists(st.tuples(STARTS, FIELDS, BODIES, STATUSES, FIELDS, BODIES), min_size=1, max_size=3))
def test_whole_messages_are_read_as_by_the_machine(messages: list[tuple]) -> None:
    cuts = []
    for start, fields, body, status, answered, answer in messages:
        cuts += [(SERVER, head(start, fields)), (SERVER, body), (CLIENT, head(status, answered) + answer)]
    sent = [cut for cut in cuts if cut[1]]
    assert seen(sent, quick=True) == seen(sent, quick=False)


@given(FIELDS)
def test_plain_fields_are_those_of_the_lenient_reader(fields: list[tuple[bytes, ...]]) -> None:
    block = head(b"", fields)[2:]
    plain = plain_headers(block) if (b"\r\n" + block).find(b"\r\n\r\n") == len(block) - 2 else None
    if plain is not None:
        lenient = parse_headers(block)
        assert plain == lenient
        assert plain.text(b"cookie") == lenient.text(b"cookie")


def test_an_ordinary_head_takes_the_quick_way() -> None:
    reader = HttpParser()._requests
    assert reader._quickly(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert not reader._quickly(b"GET / HTTP/1.1\r\nHost: a\r\n")
