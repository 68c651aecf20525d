"""HTTP/1: however segments cut a connection, the same transactions come of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.http import HTTP1
from vpi_tui.detect.applayer.http.parser import HttpParser
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
FIELD_NAMES = st.sampled_from(
    [b"Host", b"host", b"X", b" X", b"X ", b"", b"A\0", b"Cookie", b"X(", b"Expect"]
)
FIELD_VALUES = st.sampled_from(
    [b" a", b" a", b"a", b"", b" ", b"\ta\t", b" a: b", b"\0", b" gzip, x", b" b\xff"]
)
FIELDS = st.lists(
    st.tuples(
        FIELD_NAMES,
        st.sampled_from([b":", b":", b":", b""]),
        FIELD_VALUES,
        st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\n folded\r\n"]),
    )
    .map(b"".join)
    .filter(
        bytes.strip
    ),  # what stands behind an empty line is body or not as far as it is there, as in libhtp
    max_size=5,
).map(b"".join)
STARTS = st.sampled_from(
    [b"GET /a HTTP/1.1", b"POST /b?c=%41 HTTP/1.0", b"GET /d", b" PUT /e HTTP/1.1", b"PUT\t/e  HTTP/1.1"]
)
STATUSES = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 404 ", b"http/1.1 200", b"HTTP/1.1  500 a b"])
CHUNKS = st.lists(
    st.sampled_from(
        [b"4\r\nabcd\r\n", b"4\r\nabcd\r\n", b"A\r\n0123456789\r\n", b"004\nabcd\n", b"4;x=y\r\nabcd\r\n",
         b" 4 \r\nabcd\r\n", b"\r\n4\r\nabcd\r\n", b"4\r\nabcdX\r\n", b"2\r\n\r\n\r\n"]
    ),
    max_size=6,
)  # fmt: skip
LAST_CHUNKS = st.sampled_from([b"0\r\n\r\n", b"0\n\n", b"00\r\nT: u\r\n\r\n"])


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """(the field that frames it, the body)."""
    if draw(st.booleans()):
        return b"Transfer-Encoding: chunked\r\n", b"".join(draw(CHUNKS)) + draw(LAST_CHUNKS)
    body = draw(st.sampled_from([b"", b"abc", b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200\n\n", bytes(300)]))
    return b"Content-Length: %d\r\n" % len(body), body


@st.composite
def messages(draw: st.DrawFn, starts: st.SearchStrategy[bytes]) -> bytes:
    framing, body = draw(bodies())
    fields = [draw(FIELDS), framing, draw(FIELDS)]
    return draw(starts) + b"\r\n" + b"".join(fields) + b"\r\n" + body


@st.composite
def pieces(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.sets(st.integers(1, len(data) - 1), max_size=12)))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def outcome(sent: list[tuple[int, bytes]]) -> list[object]:
    """What rules see at the end of each transaction, in the order in which they began."""
    parser = HttpParser()
    found = {}
    for direction, data in sent:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    return [
        (
            feeding.seen(HTTP1, one),
            [sorted(names) for names in one.events],
            [(file.direction, file.name, file.state, file.size, file.digests) for file in one.files],
        )
        for one in found
    ]


@settings(max_examples=200)
@given(st.data())
def test_cuts_change_nothing(data: st.DataObject) -> None:
    asked = b"".join(data.draw(st.lists(messages(STARTS), min_size=1, max_size=3)))
    answered = b"".join(data.draw(st.lists(messages(STATUSES), min_size=1, max_size=3)))
    cut = [(SERVER, piece) for piece in data.draw(pieces(asked))]
    cut += [(CLIENT, piece) for piece in data.draw(pieces(answered))]
    assert outcome(cut) == outcome([(SERVER, asked), (CLIENT, answered)])
