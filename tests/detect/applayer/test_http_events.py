"""HTTP/1: each anomaly is raised by the bytes that have it, once, on its side; plain messages raise none."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest

from vpi_tui.detect.applayer.http.parser import HttpParser
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
ASK = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def conversation(*said: tuple[int, bytes]) -> list[Transaction]:
    parser = HttpParser()
    found: dict[Transaction, None] = {}
    for direction, data in said:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    return list(found)


def events(direction: int, *said: tuple[int, bytes]) -> list[str]:
    return [name for found in conversation(*said) for name in found.events[direction]]


def asked(fields: bytes, line: bytes = b"GET / HTTP/1.1") -> bytes:
    return line + b"\r\n" + fields + b"\r\n"


def told(fields: bytes, line: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return line + b"\r\n" + fields + b"\r\n"


HOST = b"Host: a.example\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
REQUESTS = {
    "request_line_leading_whitespace": asked(HOST, b" GET / HTTP/1.1"),
    "method_delim_non_compliant": asked(HOST, b"GET\t/ HTTP/1.1"),
    "uri_delim_non_compliant": asked(HOST, b"GET /a\tb HTTP/1.1"),
    "request_line_invalid": asked(HOST, b"WHAT / IS/3"),
    "request_line_missing_protocol": asked(HOST, b"GET /"),
    "request_uri_host_invalid": asked(HOST, b"GET http://a..example/ HTTP/1.1"),
    "request_header_host_invalid": asked(b"Host: a b\r\n"),
    "host_header_ambiguous": asked(HOST, b"GET http://b.example/ HTTP/1.1"),
    "missing_host_header": asked(b"Accept: */*\r\n"),
    "request_auth_unrecognized": asked(HOST + b"Authorization: Magic 1\r\n"),
    "invalid_transfer_encoding_value_in_request": asked(HOST + b"Transfer-Encoding: gzip\r\n"),
    "invalid_content_length_field_in_request": asked(HOST + b"Content-Length: many\r\n"),
    "duplicate_content_length_field_in_request": asked(
        HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n") + b"x",
    "request_header_repetition": asked(HOST + b"X: 1\r\nx: 2\r\n"),
    "request_field_missing_colon": asked(HOST + b"nothing\r\n"),
    "request_header_invalid": asked(HOST + b"X(y): 1\r\n"),
    "invalid_request_field_folding": asked(b" X: 1\r\n" + HOST),
    "request_field_too_long": asked(HOST + b"X: " + b"a" * 18_100 + b"\r\n"),
    "request_too_many_headers": asked(HOST + b"".join(b"x%d: 1\r\n" % n for n in range(1_100))),
    "invalid_request_chunk_len": asked(HOST + CHUNKED, b"POST / HTTP/1.1") + b"zz\r\n",
    "request_chunk_extension": asked(HOST + CHUNKED, b"POST / HTTP/1.1")
    + b"1;a=b\r\nx\r\n0\r\n\r\n",
    "request_body_unexpected": asked(HOST) + b"some words\r\n",
    "file_name_too_long": asked(HOST + b"Content-Length: 1\r\n", b"PUT /" + b"a" * 5_000 + b" HTTP/1.1")
    + b"x",
}  # fmt: skip
RESPONSES = {
    "response_invalid_protocol": told(b"", b"HTTP/7.1 200 OK"),
    "response_invalid_status": told(b"", b"HTTP/1.1 2x0 OK"),
    "response_abnormal_transfer_encoding": told(b"Transfer-Encoding: x chunked\r\n") + b"0\r\n\r\n",
    "response_chunked_old_proto": told(b"Transfer-Encoding: chunked\r\n", b"HTTP/1.0 200 OK") + b"0\r\n\r\n",
    "invalid_content_length_field_in_response": told(b"Content-Length: many\r\n"),
    "duplicate_content_length_field_in_response": told(b"Content-Length: 1\r\nContent-Length: 2\r\n") + b"x",
    "response_header_repetition": told(b"X: 1\r\nx: 2\r\n"),
    "response_field_missing_colon": told(b"nothing\r\n"),
    "response_header_invalid": told(b"X y: 1\r\n"),
    "invalid_response_field_folding": told(b"X: 1\r\n Y: 2\r\n"),
    "response_field_too_long": told(b"X: " + b"a" * 18_100 + b"\r\n"),
    "response_too_many_headers": told(b"".join(b"x%d: 1\r\n" % n for n in range(1_100))),
    "invalid_response_chunk_len": told(b"Transfer-Encoding: chunked\r\n") + b"zz\r\n",
    "response_chunk_extension": told(b"Transfer-Encoding: chunked\r\n") + b"1;a=b\r\nx\r\n0\r\n\r\n",
    "response_multipart_byteranges": told(b"Content-Type: multipart/byteranges; boundary=x\r\n"),
    "100_continue_already_seen": told(b"", b"HTTP/1.1 100 Continue") * 2 + OK,
    "too_many_encoding_layers": told(b"Content-Encoding: gzip, gzip, gzip\r\n"),
    "abnormal_ce_header": told(b"Content-Encoding: zstd\r\n"),
    "gzip_decompression_failed": told(b"Content-Encoding: gzip\r\n") + b"\x07" * 5_000,
    "compression_bomb": told(b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n" % len(
        twice := gzip.compress(gzip.compress(bytes(3 << 20))))) + twice,
    "range_invalid": told(b"Content-Range: bytes 9-3/20\r\nContent-Length: 1\r\n") + b"x",
    "file_name_too_long": told(
        b"Content-Disposition: attachment; filename=" + b"a" * 5_000 + b"\r\nContent-Length: 1\r\n") + b"x",
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_raises_its_event(name: str) -> None:
    found = [one for one in conversation((SERVER, REQUESTS[name])) if f"http.{name}" in one.events[SERVER]]
    assert [one.stage[SERVER] for one in found] == [Stage.DONE]


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_raises_its_event(name: str) -> None:
    found = conversation((SERVER, ASK), (CLIENT, RESPONSES[name]))
    assert [f"http.{name}" in one.events[CLIENT] for one in found] == [True] + [False] * (len(found) - 1)
    assert found[0].stage[CLIENT] is Stage.DONE


@pytest.mark.parametrize("name", ["too_many_encoding_layers", "abnormal_ce_header"])
def test_codings_are_told_where_the_rules_of_suricata_look(name: str) -> None:
    """The client's side had been seen to its end by then: rules look at it again."""
    parser = HttpParser()
    (made,) = parser.feed(SERVER, ASK, 0)
    made.inspected[SERVER] = made.stage[SERVER]
    parser.feed(CLIENT, RESPONSES[name], 0)
    assert f"http.{name}" in made.events[SERVER]
    assert made.inspected[SERVER] < made.stage[SERVER]


def test_an_answer_to_nothing() -> None:
    assert events(CLIENT, (CLIENT, OK)) == ["http.unable_to_match_response_to_request"]


def test_an_answer_to_half_a_line() -> None:
    assert "http.request_line_incomplete" in events(SERVER, (SERVER, b"GET /half"), (CLIENT, OK))


@pytest.mark.parametrize("at", range(len(ASK), 2 * len(ASK)))
def test_an_answer_to_the_first_of_two(at: int) -> None:
    """The second request is not cut by it, wherever its first bytes end."""
    two = ASK * 2
    found = conversation((SERVER, two[:at]), (CLIENT, OK), (SERVER, two[at:]), (CLIENT, OK))
    assert len(found) == 2
    assert not any(any(one.events) for one in found)


@pytest.mark.parametrize(
    ("direction", "begun", "event"),
    [
        (SERVER, b"GET /", "http.request_field_too_long"),
        (CLIENT, b"HTTP/1.1 200 ", "http.response_field_too_long"),
        (CLIENT, told(CHUNKED) + b"1;", "http.invalid_response_chunk_len"),
    ],
)
def test_a_line_without_end(direction: Direction, begun: bytes, event: str) -> None:
    first = ((SERVER, ASK),) if direction == CLIENT else ()
    (found,) = conversation(*first, (direction, begun + b"a" * 20_000), (direction, b"a" * 9))
    assert event in found.events[direction]
    assert found.stage[direction] is Stage.DONE


def test_too_many_warnings() -> None:
    odd = asked(HOST + b"no colon\r\n")
    assert "http.too_many_warnings" not in events(SERVER, (SERVER, odd * 500))
    assert events(SERVER, (SERVER, odd * 600)).count("http.too_many_warnings") == 1


PLAIN_ASKED = [
    ASK,
    b"POST /a?b=%2541 HTTP/1.1\r\nHost: a-b_c.example.:8080\r\nAuthorization: Bearer x\r\n"
    b"Content-Length: 3\r\n\r\nabc",
    b"GET http://a.example:80/x HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"GET http://u:p@a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\nX-Long: a\r\n b\r\n\r\n",
    b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n" + ASK,
]
PACKED = gzip.compress(bytes(1 << 20))
PLAIN_TOLD = [
    OK,
    b"HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nSet-Cookie: a=b\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED,
    b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(b"a" * 9_000),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n" + brotli.compress(b"abcd" * 90_000),
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/5\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 9-3/*\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes 9-3/5\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: x-gzip\r\n\r\n",
]


@pytest.mark.parametrize("said", PLAIN_ASKED)
def test_plain_requests_raise_nothing(said: bytes) -> None:
    assert events(SERVER, (SERVER, said)) == []


@pytest.mark.parametrize("said", PLAIN_TOLD)
def test_plain_responses_raise_nothing(said: bytes) -> None:
    assert events(CLIENT, (SERVER, ASK), (CLIENT, said)) == []
