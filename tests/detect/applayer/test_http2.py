"""HTTP/2: framing, header fields, streams, upgrades and DNS in bodies."""

from __future__ import annotations

import base64
import gzip
import hashlib
import struct
from collections.abc import Iterable
from functools import partial

import numpy as np
import pytest
from hpack import Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.http.parser import HttpParser
from vpi_tui.detect.applayer.http2 import DOH2, HTTP2
from vpi_tui.detect.applayer.http2.fields import LIST_LIMIT, FieldDecoder
from vpi_tui.detect.applayer.http2.frames import END_HEADERS, END_STREAM, FRAME_LIMIT, PADDED, Kind
from vpi_tui.detect.applayer.http2.parser import KEPT_LIMIT, MAGIC, MOST_STREAMS, Http2Parser
from vpi_tui.detect.applayer.http2.transaction import Http2Transaction
from vpi_tui.detect.applayer.ranges import Ranges
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction

from .test_pass_by import SLOTS, stretches

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Field = tuple[bytes, bytes]
ASKED: list[Field] = [(b":method", b"GET"), (b":path", b"/a%20b?c"), (b":authority", b"u@Host.Example:80")]
TOLD: list[Field] = [(b":status", b"200"), (b"content-encoding", b"gzip"), (b"set-cookie", b"a=b")]
QUERY = bytes.fromhex("0000010000010000000000000377777706676f6f676c6503636f6d0000010001")


def frame(kind: int, payload: bytes = b"", stream: int = 0, flags: int = 0) -> bytes:
    return struct.pack("!IBI", len(payload) << 8 | kind, flags, stream) + payload


def headers(
    fields: Iterable[Field], stream: int, flags: int = END_HEADERS, encoder: Encoder | None = None
) -> bytes:
    return frame(Kind.HEADERS, (encoder or Encoder()).encode(list(fields)), stream, flags)


def settings_frame(*pairs: tuple[int, int]) -> bytes:
    return frame(Kind.SETTINGS, b"".join(struct.pack("!HI", *pair) for pair in pairs))


values = partial(feeding.values, DOH2)


def read(
    *said: tuple[int, bytes], parser: Http2Parser | None = None, step: int = 0
) -> list[Http2Transaction]:
    """The transactions in order. step: bytes that are fed at a time; 0 = all."""
    parser = parser or Http2Parser()
    moved: dict[Transaction, None] = {}
    for direction, data in said:
        for at in range(0, len(data), step or len(data) or 1):
            moved.update(dict.fromkeys(parser.feed(direction, data[at : at + (step or len(data))], 0)))
    moved.update(dict.fromkeys(parser.finish()))
    return [found for found in moved if isinstance(found, Http2Transaction)]


def exchange() -> list[tuple[int, bytes]]:
    body = gzip.compress(b"the body")
    block = Encoder().encode(TOLD)
    return [
        (SERVER, MAGIC + settings_frame((1, 8192), (4, 65535)) + headers(ASKED, 1, END_HEADERS | END_STREAM)),
        (CLIENT, frame(Kind.HEADERS, b"\x03" + block[:5] + bytes(3), 1, PADDED)),
        (CLIENT, frame(Kind.CONTINUATION, block[5:], 1, END_HEADERS)),
        (CLIENT, frame(Kind.DATA, b"\x02" + body[:9] + bytes(2), 1, PADDED)),
        (CLIENT, frame(Kind.DATA, body[9:], 1, END_STREAM)),
        (SERVER, frame(Kind.WINDOW_UPDATE, struct.pack("!I", 77), 1)),
        (CLIENT, frame(Kind.GOAWAY, struct.pack("!II", 1, 11) + b"calm")),
    ]


@pytest.mark.parametrize("step", [0, 1, 7])
def test_an_exchange_however_it_is_cut(step: int) -> None:
    about, stream, goaway = read(*exchange(), step=step)
    assert [about.stream, stream.stream, goaway.stream] == [0, 1, 0]
    assert values(about, "http2.settings", SERVER) == [
        struct.pack("!HI", *one) for one in ((1, 8192), (4, 65535))
    ]
    assert values(stream, "http.uri", SERVER) == [b"/a%20b?c"]
    assert values(stream, "http.host", SERVER) == [b"host.example"]
    assert values(stream, "http.host.raw", SERVER) == [b"u@Host.Example:80"]
    assert values(stream, "http.request_line", SERVER) == [b"GET /a%20b?c HTTP/2\r\n"]
    assert values(stream, "http.header", CLIENT) == [b":status: 200\r\ncontent-encoding: gzip\r\n"]
    assert values(stream, "http.header_names", CLIENT) == [
        b"\r\n:status\r\ncontent-encoding\r\nset-cookie\r\n\r\n"
    ]
    assert values(stream, "http2.header", CLIENT)[0] == b"::status: 200"
    assert values(stream, "http.cookie", CLIENT) == [b"a=b"]
    assert values(stream, "http.response_body", CLIENT) == [b"the body"]
    assert values(stream, "http2.window", SERVER) == [struct.pack("!I", 77)]
    assert values(stream, "app-layer-event", SERVER) == [b"http2.userinfo_in_uri"]
    assert values(goaway, "http2.errorcode", CLIENT) == [struct.pack("!I", 11)]
    assert values(goaway, "http2.frametype", CLIENT) == [bytes((Kind.GOAWAY,))]
    assert stream.is_over


def test_fields_that_are_empty_are_none() -> None:
    named = [*ASKED, (b"user-agent", b""), (b"referer", b"r"), (b"content-type", b"")]
    (found,) = read((SERVER, MAGIC + headers(named, 1)))
    assert values(found, "http.user_agent", SERVER) == values(found, "http.content_type", SERVER) == []
    assert values(found, "http.referer", SERVER) == [b"r"]


def test_what_comes_late_is_looked_at_again() -> None:
    parser = Http2Parser()
    (found,) = parser.feed(SERVER, MAGIC + headers(ASKED, 1, END_HEADERS | END_STREAM), 0)
    assert found.stage[SERVER] == Stage.DONE
    found.inspected[SERVER] = Stage.DONE
    (again,) = parser.feed(SERVER, frame(Kind.RST_STREAM, struct.pack("!I", 8), 1), 0)
    assert again is found
    assert found.inspected[SERVER] == Stage.NONE
    assert values(found, "http2.errorcode", SERVER) == [struct.pack("!I", 8)]


def test_header_tables_outlive_their_blocks() -> None:
    encoder = Encoder()
    first = headers([*ASKED, (b"x-once", b"1" * 40)], 1, encoder=encoder)
    encoder.header_table_size = 0
    encoder.header_table_size = 4096
    second = headers([*ASKED, (b"x-once", b"1" * 40)], 3, encoder=encoder)
    one, two = read((SERVER, MAGIC + first + second))
    assert values(one, "http.header", SERVER) == values(two, "http.header", SERVER)
    assert values(two, "http2.size_update", SERVER) == [bytes(8), struct.pack("!Q", 4096)]


@pytest.mark.parametrize(
    ("block", "flaw"),
    [
        (b"\x82\x40\x05ab", "invalid_frame_data"),
        (b"\x82\xff" + b"\xff" * 12, "header_integer_overflow"),
        (b"\x82\xff" + b"\xff" * 9 + b"\x7f", "header_integer_overflow"),
        (b"\x82\xff\x00", "invalid_header"),
        (b"\x82\x80", "invalid_header"),
        (b"\x82\x40\x81\xff\x01a", "invalid_header"),
    ],
)
def test_fields_in_front_of_a_flaw_are_seen(block: bytes, flaw: str) -> None:
    (found,) = read((SERVER, MAGIC + frame(Kind.HEADERS, block, 1, END_HEADERS)))
    assert values(found, "http.method", SERVER) == [b"GET"]
    assert values(found, "app-layer-event", SERVER) == [b"http2." + flaw.encode()]


def test_what_the_table_does_not_have_hides_nothing_behind_it() -> None:
    block = b"\x82\xff\x00\x80\x7f\x20\x01x\x84"
    (found,) = read((SERVER, MAGIC + frame(Kind.HEADERS, block, 1, END_HEADERS)))
    assert values(found, "http.uri", SERVER) == [b"/"]
    assert values(found, "http2.header", SERVER) == [b"::method: GET", b"::path: /"]
    assert values(found, "app-layer-event", SERVER) == [b"http2.invalid_header"]


def test_a_block_that_unfolds_is_bounded() -> None:
    large = Encoder().encode([(b"x", b"y" * 4000)], huffman=False)
    block = FieldDecoder().decode(large + b"\xbe" * 10_000)
    assert block.flaw == "invalid_header"
    assert sum(len(name) + len(value) for name, value in block.fields) <= LIST_LIMIT


def test_a_long_frame_hides_nothing_behind_it() -> None:
    long = frame(0x42, bytes(FRAME_LIMIT + 5000), 0)
    (odd, found) = read((SERVER, MAGIC + long + headers(ASKED, 1)), step=997)
    assert values(odd, "app-layer-event", SERVER) == [b"http2.long_frame_data"]
    assert values(found, "http.method", SERVER) == [b"GET"]


def test_lost_bytes_of_a_body_do_not_hide_what_follows() -> None:
    parser = Http2Parser()
    parser.feed(SERVER, MAGIC + headers(ASKED, 1) + frame(Kind.DATA, bytes(1000), 1)[:500], 0)
    found = parser.feed(SERVER, bytes(9) + headers(ASKED, 3), 1000 - 491 - 9)
    first, second = (one for one in found if isinstance(one, Http2Transaction))
    assert (first.stream, second.stream) == (1, 3)
    assert [(file.size, file.position, file.gaps) for file in first.files] == [(500, 1000, True)]
    parser.feed(CLIENT, b"", 5)
    parser.feed(SERVER, b"", 5)
    assert parser.over()


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        (frame(Kind.WINDOW_UPDATE, b"123", 1), "invalid_frame_length"),
        (frame(Kind.PRIORITY, b"1234", 1), "invalid_frame_length"),
        (frame(Kind.RST_STREAM, b"12345", 1), "invalid_frame_length"),
        (frame(Kind.GOAWAY, b"1234", 0), "invalid_frame_length"),
        (frame(Kind.PUSH_PROMISE, b"12", 1), "invalid_frame_data"),
        (frame(Kind.HEADERS, b"12", 1, 0x24), "invalid_frame_data"),
        (frame(Kind.DATA, b"12", 0), "data_stream_zero"),
    ],
)
def test_malformed_frames_are_events(payload: bytes, event: str) -> None:
    found = read((SERVER, MAGIC + payload))
    assert f"http2.{event}".encode() in [
        name for one in found for name in values(one, "app-layer-event", SERVER)
    ]


def test_data_of_no_stream_is_an_event_of_its_own_transaction() -> None:
    settings = settings_frame((3, 100))
    _, found = read((SERVER, MAGIC + settings), (SERVER, frame(Kind.DATA, b"12", 0)))
    assert values(found, "app-layer-event", SERVER) == [b"http2.data_stream_zero"]


def test_a_stream_cannot_be_used_again() -> None:
    first = headers(ASKED, 1, END_HEADERS | END_STREAM)
    answer = headers([(b":status", b"204")], 1, END_HEADERS | END_STREAM)
    (found,) = read((SERVER, MAGIC + first), (CLIENT, answer), (SERVER, first))
    assert b"http2.stream_id_reuse" in values(found, "app-layer-event", SERVER)


def test_without_the_preface_frames_are_read_nevertheless() -> None:
    (found,) = read((SERVER, headers(ASKED, 1)))
    assert values(found, "app-layer-event", SERVER)[0] == b"http2.invalid_client_magic"
    assert values(found, "http.method", SERVER) == [b"GET"]


def test_bodies_are_files() -> None:
    body = bytes(range(256)) * 800
    named = [(b":status", b"200"), (b"content-disposition", b'attachment; filename="a.bin"')]
    sent = b"".join(frame(Kind.DATA, body[at : at + 9000], 1) for at in range(0, len(body), 9000))
    (found,) = read(
        (SERVER, MAGIC + headers(ASKED, 1) + frame(Kind.DATA, b"up", 1, END_STREAM)),
        (CLIENT, headers(named, 1) + sent + frame(Kind.DATA, b"", 1, END_STREAM)),
    )
    up, down = found.files
    assert (up.direction, up.name, up.size, up.digests["md5"]) == (
        SERVER,
        b"/a b",
        2,
        hashlib.md5(b"up").digest(),
    )
    assert (down.name, down.size, down.digests["sha256"]) == (
        b"a.bin",
        len(body),
        hashlib.sha256(body).digest(),
    )


def test_rules_see_a_body_while_it_comes() -> None:
    parser = Http2Parser()
    (found,) = parser.feed(CLIENT, headers([(b":status", b"200")], 1), 0)
    assert not found.grown(CLIENT)
    parser.feed(CLIENT, 6 * frame(Kind.DATA, bytes(8000), 1), 0)
    (window,) = found.grown(CLIENT)["http.response_body"]
    assert (len(window.data), window.ended) == (48_000, False)
    parser.feed(CLIENT, frame(Kind.DATA, b"end", 1, END_STREAM), 0)
    (window,) = found.grown(CLIENT)["file.data"]
    assert window.data.endswith(b"\0end")
    assert window.ended


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ((b"content-encoding", b"gzip"), "failed_decompression"),
        ((b"content-encoding", b"br"), "failed_decompression"),
        ((b"content-range", b"bytes 9-2/20"), "invalid_range"),
        ((b"content-range", b"lines 0-3/9"), "invalid_range"),
    ],
)
def test_bodies_that_are_not_what_they_say(field: Field, event: str) -> None:
    answer = headers([(b":status", b"206"), field], 1)
    (found,) = read((CLIENT, answer + frame(Kind.DATA, b"\xff none of it" * 400, 1, END_STREAM)))
    assert values(found, "app-layer-event", CLIENT) == [f"http2.{event}".encode()]


def test_ranges_that_are_well() -> None:
    for value in (b"bytes 0-9/10", b"bytes 5-9/*", b"bytes */100"):
        answer = headers([(b":status", b"206"), (b"content-range", value)], 1)
        (found,) = read((CLIENT, answer + frame(Kind.DATA, b"x", 1, END_STREAM)))
        assert values(found, "app-layer-event", CLIENT) == []


def test_ranges_of_a_file_are_put_together() -> None:
    parser = Http2Parser()
    parser.ranges = Ranges()
    said = [(SERVER, MAGIC)]
    for stream, (start, data) in ((1, (3, b"def")), (3, (0, b"abc"))):
        told = [(b":status", b"206"), (b"content-range", b"bytes %d-%d/6" % (start, start + 2))]
        said.append((SERVER, headers(ASKED, stream, END_HEADERS | END_STREAM)))
        said.append((CLIENT, headers(told, stream) + frame(Kind.DATA, data, stream, END_STREAM)))
    first, second = read(*said, parser=parser)
    assert [(file.size, file.is_open) for file in first.files] == [(3, False)]
    part, whole = second.files
    assert (part.size, whole.size, whole.digests["md5"]) == (3, 6, hashlib.md5(b"abcdef").digest())


def test_streams_are_bounded() -> None:
    parser = Http2Parser()
    parser.feed(SERVER, MAGIC, 0)
    open_streams = b"".join(headers(ASKED, 2 * n + 1) for n in range(MOST_STREAMS + 10))
    moved = parser.feed(SERVER, open_streams, 0)
    odd = [one.stream for one in moved if "http2.too_many_streams" in one.events[SERVER]]
    assert odd == [2 * n + 1 for n in range(9)], "each that is one too many is said of the oldest"
    held = parser.held()
    parser.feed(SERVER, b"".join(headers(ASKED, 2 * n + 1) for n in range(5000, 5500)), 0)
    assert parser.held() <= held * 1.05


UPGRADE = (
    b"GET /robots.txt HTTP/1.1\r\nHost: h2.example\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: "
    + base64.urlsafe_b64encode(struct.pack("!HI", 3, 100)).rstrip(b"=")
    + b"\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def test_fields_that_unfold_on_many_streams_are_bounded() -> None:
    """A block of 16 bytes may hold 64 kB of fields; the oldest streams give way to the latest."""
    parser, indexed = Http2Parser(), b"\x40\x01x\x7f\xa1\x1e" + b"y" * 4_000
    found = parser.feed(SERVER, MAGIC + frame(Kind.HEADERS, indexed, 1, END_HEADERS), 0)
    for number in range(3, 999, 2):
        found += parser.feed(SERVER, frame(Kind.HEADERS, b"\xbe" * 15, number, END_HEADERS), 0)
        assert parser.held() < KEPT_LIMIT + 4_096 * MOST_STREAMS
    assert sum(one.is_over for one in found) > 400
    assert parser.held() > KEPT_LIMIT / 2
    parser.finish()
    assert parser.held() == 0


def test_the_tracker_changes_the_protocol_in_the_middle() -> None:
    layer = AppLayer(Demand({"http2"}))
    app_of = np.full(SLOTS, APP_PROTOS.index("http"), np.uint8)
    answer = SWITCHED + settings_frame((3, 5)) + headers([(b":status", b"404")], 1, END_HEADERS | END_STREAM)
    found = layer.released(
        stretches(
            (1, SERVER, 0, UPGRADE),
            (1, CLIENT, 0, answer),
            (1, SERVER, len(UPGRADE), MAGIC + headers(ASKED, 3)),
        ),
        app_of,
    )
    assert APP_PROTOS[app_of[1]] == "http2"
    of_http2 = [one.transaction for one in found if one.application is HTTP2]
    streams = {one.stream: one for one in of_http2 if isinstance(one, Http2Transaction)}
    assert values(streams[1], "http.uri", SERVER) == [b"/robots.txt"]
    assert values(streams[1], "http.host", SERVER) == [b"h2.example"]
    assert values(streams[1], "http.stat_code", CLIENT) == [b"404"]
    assert values(streams[3], "http.method", SERVER) == [b"GET"]
    numbers = [values(one, "http2.settings", SERVER) for one in of_http2]
    assert [struct.pack("!HI", 3, 100)] in numbers
    assert not layer.stats()["app_layer.error"]


def test_settings_of_an_upgrade_that_are_none() -> None:
    parser = HttpParser()
    parser.feed(SERVER, UPGRADE.replace(b"HTTP2-Settings: ", b"HTTP2-Settings: !"), 0)
    parser.feed(CLIENT, SWITCHED, 0)
    successor = parser.successor()
    assert successor is not None
    assert successor.cause is not None
    (found,) = Http2Parser.after_upgrade(Limits(), successor.cause).finish()
    assert "http2.invalid_http1_settings" in found.events[SERVER]


def test_dns_messages_in_bodies_and_in_uris() -> None:
    post = [(b":method", b"POST"), (b":path", b"/dns-query"), (b"content-type", b"application/dns-message")]
    text = base64.urlsafe_b64encode(QUERY).rstrip(b"=")
    get = [(b":method", b"GET"), (b":path", b"/q?a=b&dns=" + text), (b"accept", b"application/dns-message")]
    posted, got = read(
        (SERVER, MAGIC + headers(post, 1) + frame(Kind.DATA, QUERY, 1, END_STREAM)),
        (SERVER, headers(get, 3, END_HEADERS | END_STREAM)),
    )
    for found in (posted, got):
        assert found.application == "doh2"
        assert values(found, "dns.query", SERVER) == [b"www.google.com"]


def test_a_dns_message_that_is_too_long() -> None:
    answer = [(b":status", b"200"), (b"content-type", b"application/dns-message")]
    (found,) = read((CLIENT, headers(answer, 1) + 8 * frame(Kind.DATA, bytes(9000), 1)))
    assert values(found, "app-layer-event", CLIENT) == [b"http2.dns_response_too_long"]
    assert values(found, "dns.rcode", CLIENT) == []


PIECES = [
    MAGIC,
    settings_frame((1, 0xFFFFFFFF)),
    headers(ASKED, 1),
    headers(TOLD, 1, 0),
    frame(Kind.CONTINUATION, b"\x82", 1, END_HEADERS),
    frame(Kind.DATA, gzip.compress(b"x" * 50), 1, END_STREAM),
    frame(Kind.DATA, b"\xff", 1, PADDED),
    frame(Kind.RST_STREAM, b"1234", 1),
    frame(Kind.PUSH_PROMISE, b"\0\0\0\2\x82", 1, END_HEADERS),
    b"\xff\xff\xff\0\0\0\0\0\1",
    b"\0",
]
piece = st.one_of(st.sampled_from(PIECES), st.binary(max_size=40))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), piece, st.sampled_from([0, 0, 7])), max_size=30))
def test_nothing_raises_and_nothing_grows(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = Http2Parser()
    found: list[Transaction] = []
    for direction, data, gap in pieces:
        found += parser.feed(direction, data, gap)
    assert parser.held() <= 200_000 + 10_000 * len(pieces)
    found += parser.finish()
    for transaction in found:
        for name in DOH2.buffers:
            for direction in (SERVER, CLIENT):
                assert all(isinstance(data, bytes) for data in values(transaction, name, direction))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), piece), max_size=12), st.integers(1, 9))
def test_cuts_change_nothing(pieces: list[tuple[int, bytes]], step: int) -> None:
    def seen(found: list[Http2Transaction]) -> list[object]:
        names = ("http.header", "http2.frametype", "file.data", "app-layer-event", "http2.window")
        return [
            (one.stream, [sorted(values(one, n, d)) for n in names for d in (SERVER, CLIENT)])
            for one in found
        ]

    whole, cut = read(*pieces), read(*pieces, step=step)
    assert sorted(map(repr, seen(whole))) == sorted(map(repr, seen(cut)))
