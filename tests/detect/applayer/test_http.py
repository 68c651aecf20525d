"""HTTP/1: what rules see of hand-made connections, however they are cut."""

from __future__ import annotations

import gzip
import zlib
from functools import partial

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.base import BODY_LIMIT
from vpi_tui.detect.applayer.http import HTTP1
from vpi_tui.detect.applayer.http.parser import HttpParser
from vpi_tui.detect.applayer.http.unanswered import KEPT_LIMIT, MOST_OPEN
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
REQUEST = (
    b"POST /a//b/../c%41?q=%3d#f HTTP/1.1\r\nHost: Www.Example.com:8080\r\nUser-Agent: probe\r\n"
    b"Cookie: k=v\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 7\r\n\r\npayload"
)
RESPONSE = (
    b"HTTP/1.1 404 Not Found\r\nServer: s\r\nSet-Cookie: c=d\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n"
)
Pieces = list[tuple[int, bytes]]


def transactions(pieces: Pieces, *, finish: bool = True) -> list[Transaction]:
    """All transactions of a connection, in the order in which they first moved."""
    parser = HttpParser()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    if finish:
        found.update(dict.fromkeys(parser.finish()))
    return list(found)


seen = partial(feeding.seen, HTTP1)


def one(pieces: Pieces, name: str, direction: int = CLIENT) -> list[bytes]:
    (found,) = transactions(pieces)
    return seen(found).get((name, direction), [])


def test_buffers_of_a_whole_transaction() -> None:
    (found,) = transactions([(SERVER, REQUEST), (CLIENT, RESPONSE)])
    assert found.stage[SERVER] == found.stage[CLIENT] == Stage.DONE
    buffers = seen(found)
    assert buffers["http.uri", SERVER] == [b"/a/cA?q==#f"]
    assert buffers["http.uri.raw", SERVER] == [b"/a//b/../c%41?q=%3d#f"]
    assert buffers["http.method", SERVER] == [b"POST"]
    assert buffers["http.host", SERVER] == [b"www.example.com"]
    assert buffers["http.host.raw", SERVER] == [b"Www.Example.com:8080"]
    assert buffers["http.cookie", SERVER] == [b"k=v"]
    assert buffers["http.cookie", CLIENT] == [b"c=d"]
    assert buffers["http.request_body", SERVER] == [b"payload"]
    assert buffers["http.stat_code", CLIENT] == [b"404"]
    assert buffers["http.stat_msg", CLIENT] == [b"Not Found"]
    assert buffers["http.response_body", CLIENT] == buffers["file.data", CLIENT] == [b"hello world"]
    assert buffers["http.header", SERVER] == [
        b"Host: Www.Example.com:8080\r\nUser-Agent: probe\r\nX-Two: 1, 2\r\nContent-Length: 7\r\n"
    ]
    assert buffers["http.header_names", CLIENT] == [b"\r\nServer\r\nSet-Cookie\r\nTransfer-Encoding\r\n\r\n"]
    assert b"X-Trailer: t" in buffers["http.response_header", CLIENT]


def test_fields_that_are_empty_are_there() -> None:
    names = ("Connection", "Content-Type", "Referer", "User-Agent", "Cookie")
    asked = b"".join(b"%b:\r\n" % name.encode() for name in names)
    answered = b"Server:\r\nLocation: \r\nSet-Cookie:\r\nContent-Length: 0\r\n"
    (found,) = transactions(
        [(SERVER, b"GET / HTTP/1.1\r\n%b\r\n" % asked), (CLIENT, b"HTTP/1.1 204 \r\n%b\r\n" % answered)]
    )
    buffers = seen(found)
    of_request = ("connection", "content_type", "referer", "user_agent", "cookie")
    assert all(buffers[f"http.{name}", SERVER] == [b""] for name in of_request)
    assert all(
        buffers[f"http.{name}", CLIENT] == [b""] for name in ("server", "location", "cookie", "stat_msg")
    )
    assert ("http.accept", SERVER) not in buffers
    assert ("http.connection", CLIENT) not in buffers


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"HTTP/1.1 200", []),
        (b"HTTP/1.1 200 ", [b""]),
        (b"HTTP/1.1 200 OK", [b"OK"]),
        (b"HTTP/1.1  200 \t OK now ", [b"OK now "]),
        (b"HTTP/1.1", []),
    ],
)
def test_the_message_of_a_status_line(line: bytes, message: list[bytes]) -> None:
    pieces = [(SERVER, b"GET / HTTP/1.1\r\n\r\n"), (CLIENT, line + b"\r\nContent-Length: 0\r\n\r\n")]
    assert one(pieces, "http.stat_msg") == message


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_cuts_change_nothing(step: int) -> None:
    whole = [seen(found) for found in transactions([(SERVER, REQUEST * 2), (CLIENT, RESPONSE * 2)])]
    cut = [
        (direction, data[at : at + step])
        for direction, data in ((SERVER, REQUEST * 2), (CLIENT, RESPONSE * 2))
        for at in range(0, len(data), step)
    ]
    assert [seen(found) for found in transactions(cut)] == whole
    assert len(whole) == 2


def test_every_single_cut_changes_nothing() -> None:
    whole = seen(transactions([(SERVER, REQUEST), (CLIENT, RESPONSE)])[0])
    for at in range(1, len(RESPONSE)):
        pieces = [(SERVER, REQUEST[:at]), (SERVER, REQUEST[at:])]
        pieces += [(CLIENT, RESPONSE[:at]), (CLIENT, RESPONSE[at:])]
        assert seen(transactions([piece for piece in pieces if piece[1]])[0]) == whole


RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(b"plain text" * 20) + RAW.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"plain text" * 20, mtime=0)),
        ("x-gzip", gzip.compress(b"plain text" * 20, mtime=0)[:-6]),
        ("gzip", gzip.compress(b"plain text" * 20, mtime=0)[:-8] + b"\0" * 8),
        ("deflate", zlib.compress(b"plain text" * 20)),
        ("deflate", DEFLATED),
        ("br", brotli.compress(b"plain text" * 20)),
        ("gzip", b"plain text" * 20),
        ("deflate, gzip", gzip.compress(zlib.compress(b"plain text" * 20), mtime=0)),
    ],
)
def test_codings(coding: str, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    pieces = [(SERVER, b"GET / HTTP/1.1\r\n\r\n"), (CLIENT, head + body)]
    assert one(pieces, "http.response_body") == [b"plain text" * 20]


def test_a_bomb_unfolds_to_the_limit() -> None:
    body = gzip.compress(gzip.compress(bytes(50 << 20)))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\n"
    (data,) = one([(SERVER, b"GET / HTTP/1.1\r\n\r\n"), (CLIENT, head + body)], "http.response_body")
    assert data == bytes(BODY_LIMIT)


def test_answers_find_their_questions() -> None:
    requests = b"HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n"
    answers = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"
        b"HTTP/1.1 204 No\r\n\r\n"
    )
    found = transactions([(SERVER, requests), (CLIENT, answers)], finish=False)
    shown = [
        (b[("http.uri", SERVER)], b[("http.stat_code", CLIENT)], b.get(("http.response_body", CLIENT)))
        for b in map(seen, found)
    ]
    assert shown == [([b"/1"], [b"200"], None), ([b"/2"], [b"200"], [b"2"]), ([b"/3"], [b"204"], None)]
    assert all(t.stage[CLIENT] == Stage.DONE for t in found)


@pytest.mark.parametrize(
    ("answer", "codes", "body"),
    [
        (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", [b"103"], None),
        (b"HTTP/1.1 102 P\r\nContent-Length: 3\r\n\r\nabc", [b"102"], [b"abc"]),
        (b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc", [b"101"], [b"abc"]),
        (b"HTTP/1.1 100 C\r\nContent-Length: 0\r\n\r\n", [b"200"], None),
        (b"HTTP/1.1 100 C\r\nContent-Length: 3\r\n\r\nabc", [b"100"], [b"abc"]),
        (b"HTTP/1.1 100 C\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", [b"100"], [b"a"]),
    ],
)
def test_interim_answers(answer: bytes, codes: list[bytes], body: list[bytes] | None) -> None:
    """One that says how long its body is has a body; one but 100 is an answer."""
    rest = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    found = transactions([(SERVER, b"GET / HTTP/1.1\r\n\r\n"), (CLIENT, answer + rest)])
    buffers = seen(found[0])
    assert (buffers["http.stat_code", CLIENT], buffers.get(("http.response_body", CLIENT))) == (codes, body)
    assert len(found) == (1 if codes == [b"200"] else 2)


def test_a_line_of_next_to_nothing_in_front_of_an_answer() -> None:
    pieces = [(SERVER, b"GET / HTTP/1.1\r\n\r\n"), (CLIENT, b"ab\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody")]
    assert one(pieces, "http.stat_code") == [b"200"]
    assert one([pieces[0], (CLIENT, b"abc\r\n\r\nHTTP")], "http.response_body") == [b"abc\r\n\r\nHTTP"]


@pytest.mark.parametrize(
    ("line", "uri", "protocol"),
    [
        (b"GET /a b", b"/a", [b"b"]),
        (b"GET /a b HTTP/1.1", b"/a b", [b"HTTP/1.1"]),
        (b"GET /a\tHTTP/1.1", b"/a", [b"HTTP/1.1"]),
        (b"GET /a\tb HTTP/1.1", b"/a\tb", [b"HTTP/1.1"]),
        (b"GET /a", b"/a", []),
    ],
)
def test_what_stands_last_in_a_request_line_is_its_protocol(
    line: bytes, uri: bytes, protocol: list[bytes]
) -> None:
    pieces = [(SERVER, line + b"\r\nHost: a\r\n\r\n")]
    assert one(pieces, "http.uri.raw", SERVER) == [uri]
    assert one(pieces, "http.protocol", SERVER) == protocol


def test_lines_that_go_on_are_joined_by_the_blanks_that_they_begin_with() -> None:
    pieces = [(SERVER, b"GET / HTTP/1.1\r\nUser-Agent: a \r\n\t b\r\n  c\r\n\r\n")]
    assert one(pieces, "http.user_agent", SERVER) == [b"a \t b  c"]


def test_a_body_without_length_ends_with_the_connection() -> None:
    pieces = [(SERVER, b"GET / HTTP/1.0\n\n"), (CLIENT, b"HTTP/1.0 200 OK\n\nuntil the"), (CLIENT, b" end")]
    assert one(pieces, "http.response_body") == [b"until the end"]


def test_what_a_tunnel_carries_is_not_http() -> None:
    pieces = [
        (SERVER, b"CONNECT h:443 HTTP/1.1\r\n\r\n"),
        (CLIENT, b"HTTP/1.1 200 OK\r\n\r\n"),
        (SERVER, b"GET /inside HTTP/1.1\r\n\r\n"),
    ]
    assert len(transactions(pieces)) == 1


def test_lost_bytes_of_a_body_do_not_hide_the_next_request() -> None:
    parser = HttpParser()
    parser.feed(SERVER, b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n" + b"x" * 40, 0)
    found = list(parser.feed(SERVER, b"GET /next HTTP/1.1\r\n\r\n", 60))
    assert [seen(t)["http.uri", SERVER] for t in found] == [[b"/"], [b"/next"]]


LINES = [
    b"GET / HTTP/1.1\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"\r\n",
    b"\n",
    b"Content-Length: 5\r\n",
    b"5\r\n",
    b"0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"\x1f\x8b\x08\0",
    b" folded\r\n",
    b"hello",
    b"GET http://u@h:1/%2e%2e/%u002f%zz HTTP/1.1\r\n",
    b"Host: [::1]:80\r\n",
    b":\r\n",
    b"ffffffffffffffff\r\n",
]
piece = st.one_of(st.sampled_from(LINES), st.binary(max_size=40))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), piece, st.sampled_from([0, 0, 7])), max_size=30))
def test_nothing_raises_and_nothing_grows(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = HttpParser()
    found: list[Transaction] = []
    for direction, data, gap in pieces:
        found += parser.feed(direction, data, gap)
    assert parser.held() <= sum(len(data) for _, data, _ in pieces) * 1100 + 1024 * len(pieces)
    found += parser.finish()
    for transaction in found:
        for buffers in seen(transaction).values():
            assert all(isinstance(data, bytes) for data in buffers)


@pytest.mark.parametrize(
    "endless",
    [b"A" * 1000, b"GET /" + b"a" * 1000, b"X: y\r\n" * 100, b"\x1f\x8b" * 500, b"1\r\nx\r\n" * 100],
)
def test_endless_input_is_bounded(endless: bytes) -> None:
    parser = HttpParser()
    parser.feed(SERVER, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", 0)
    for _ in range(1000):
        parser.feed(SERVER, endless, 0)
        assert parser.held() < 2 * BODY_LIMIT + 600 * 1024


@pytest.mark.parametrize("field", [b"X: " + b"y" * 60_000, b"\r\n".join(b"x%d:" % n for n in range(1000))])
def test_requests_that_nobody_answers_make_room(field: bytes) -> None:
    """What waits is weighed with its heads, and the first give way to the last."""
    parser, found = HttpParser(), []
    for number in range(100):
        found += parser.feed(SERVER, b"GET /%d HTTP/1.1\r\n%s\r\n\r\n" % (number, field), 0)
        assert parser.held() < KEPT_LIMIT + 4096 * MOST_OPEN
    assert KEPT_LIMIT / 2 < sum(one.weight() for one in parser.waiting) < 2 * KEPT_LIMIT
    (answered,) = parser.feed(CLIENT, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0)
    assert answered in found[1:]
    held = parser.held()
    parser.feed(CLIENT, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0)
    assert parser.held() < held
