"""Floods of tiny messages are looked at part by part, which nobody can tell but by the memory taken."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
from scapy.packet import Packet

from vpi_tui.detect.applayer import feeder, tracker
from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.http2.frames import END_HEADERS, END_STREAM, Kind
from vpi_tui.detect.applayer.http2.parser import MAGIC, MOST_STREAMS
from vpi_tui.detect.applayer.http2.transaction import Http2Transaction
from vpi_tui.detect.applayer.parts import SEEN_AGAIN, Cut, _stretches, cut_before, cut_inside
from vpi_tui.detect.applayer.tracker import MOST_WAITING, AppLayer
from vpi_tui.detect.applayer.transaction import A_TRANSACTION
from vpi_tui.detect.match.matcher import Matcher
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction, StreamBatch

from . import test_ftp_data
from .test_http2 import frame
from .test_pass_by import SLOTS, stretches
from .test_scan import REQUEST, RESPONSE, Connection, scan

INDEXED = b"\x82\x84\x86"
"""GET / of http, of which the table has every field."""


def streams_of(count: int, fields: bytes = INDEXED, first: int = 1) -> bytes:
    ends = END_HEADERS | END_STREAM
    return b"".join(frame(Kind.HEADERS, fields, first + 2 * n, ends) for n in range(count))


def interleaved(*connections: Connection) -> list[Packet]:
    longest = max(len(one.packets) for one in connections)
    return [one.packets[n] for n in range(longest) for one in connections if n < len(one.packets)]


def test_a_flood_of_streams_does_not_live_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living, told = [], []
    match = Matcher.match

    def watched(self, packets, decoded, flows, streams, view, progress=(), sealed=()):  # type: ignore[no-untyped-def]
        told.append(len(progress))
        living.append(sum(type(one) is Http2Transaction for one in gc.get_objects()))
        return match(self, packets, decoded, flows, streams, view, progress, sealed)

    monkeypatch.setattr(Matcher, "match", watched)
    count, secret = 30_000, b"\x82\x86\x04\x07/secret"
    said = MAGIC + streams_of(count) + streams_of(1, secret, 2 * count + 1)
    flood = Connection()
    for at in range(0, len(said), 56_000):
        flood.client(said[at : at + 56_000], piece=1400).acknowledge(1)
    rule = 'alert http any any -> any any (http.uri; content:"/"; startswith; threshold:type limit, '
    alerts = scan(
        tmp_path,
        flood.close().packets,
        rule + "track by_src, count 1, seconds 60;)",
        'alert http any any -> any any (http.uri; content:"secret";)',
    )
    assert [a["alert"]["signature_id"] for a in alerts] == [1, 2]
    assert sum(told) >= count
    most = MOST_WAITING // A_TRANSACTION + 200  # the packet that is one too many is taken as a whole
    assert max(told) < most
    assert max(living) < most + MOST_STREAMS


@pytest.mark.parametrize("piece", [1400, 60_000])
def test_what_fills_a_hole_is_looked_at_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """One packet releases half a megabyte of messages, two bytes each; what is behind them is seen."""
    told, match = [], Matcher.match

    def watched(self, packets, decoded, flows, streams, view, progress=(), sealed=()):  # type: ignore[no-untyped-def]
        told.append(len(progress))
        return match(self, packets, decoded, flows, streams, view, progress, sealed)

    monkeypatch.setattr(Matcher, "match", watched)
    hello, ping, count = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02ab", b"\xc0\x00", 60_000
    flood = Connection(1883).client(hello).server(b"\x20\x02\x00\x00")
    at = len(flood.packets)
    flood.client(ping * count + b"\x30\x09\x00\x01tsecret" + ping, piece=piece)
    flood.packets.append(flood.packets.pop(at))
    alerts = scan(
        tmp_path,
        flood.close().packets,
        'alert mqtt any any -> any any (mqtt.publish.message; content:"secret";)',
        'alert tcp any any -> any any (content:"|c0 00 30 09 00 01|tsecret|c0|";)',
        "alert mqtt any any -> any any (mqtt.type:PINGREQ; threshold:type limit, "
        "track by_src, count 1, seconds 60;)",
    )
    assert sorted(a["alert"]["signature_id"] for a in alerts) == [1, 2, 3]
    assert sum(told) >= count
    assert max(told) < MOST_WAITING // A_TRANSACTION + feeder.PIECE


def test_fields_that_unfold_weigh_what_they_take() -> None:
    """A block of 16 bytes may hold 64 kB of fields."""
    layer = AppLayer(Demand({"http2"}))
    app_of = np.full(SLOTS, APP_PROTOS.index("http2"), np.uint8)
    first = MAGIC + streams_of(1, b"\x40\x01x\x7f\xa1\x1e" + b"y" * 4_000)
    said = [first] + [streams_of(1, b"\xbe" * 15, 3 + 2 * n) for n in range(1_000)]
    places = np.cumsum([0, *map(len, said)]).tolist()
    rest = stretches(*((1, Direction.TO_SERVER, at, data) for at, data in zip(places, said, strict=False)))
    found = layer.released(rest, app_of)
    assert layer.cut is not None
    assert layer.cut.row == 0
    assert 50 < layer.cut.stretch < 200
    assert len({id(one.transaction) for one in found}) == layer.cut.stretch
    assert not layer.stats()["app_layer.error"]


RULES = (
    'alert http any any -> any any (http.uri; content:"/login.php"; flowbits:set,asked;)',
    "alert tcp any any -> any any (flags:A; flow:to_server; flowbits:isset,asked;)",
    'alert http any any -> any any (flow:to_client; file.data; content:"secret"; flowbits:unset,asked;)',
    'alert http any any -> any any (http.uri; content:"/"; http.method; content:"GET";)',
    'alert tcp any any -> any 80 (content:"user=bob";)',
    "alert ftp any any -> any any (ftp.command; content:!NONE; threshold:type both, track by_flow, "
    "count 2, seconds 60;)".replace("!NONE", '"P"'),
    *test_ftp_data.RULES,
)


def of_all_sorts() -> list[Packet]:
    """Connections whose packets alternate: requests and answers, many streams, and files that another
    connection arranges. Some say their last after their end."""
    web, many = Connection(80, 40_001), Connection(80, 40_002)
    for n in range(5):
        web.client(REQUEST, piece=30).server(RESPONSE, piece=20)
        many.client((b"" if n else MAGIC) + streams_of(40, first=1 + 80 * n), piece=100)
    control = test_ftp_data.control(b"STOR", b"PASV\r\n", b"227 Entering (10,0,0,2,195,80).\r\n")
    data = Connection(50_000, 40_022).client(test_ftp_data.DATA)
    late = Connection(80, 40_003).client(REQUEST).close().server(RESPONSE).acknowledge(0)
    early = [*control.client(b"NOOP\r\nPWD\r\n").acknowledge(1).packets]
    return early + interleaved(web.close(), many.close(), data.close(), late, control.close())


@pytest.mark.parametrize("most", [0, A_TRANSACTION, 20 * A_TRANSACTION])
def test_where_a_part_ends_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    parts, match = [0], Matcher.match

    def counted(*args, **kwargs):  # type: ignore[no-untyped-def]
        parts[0] += 1
        return match(*args, **kwargs)

    monkeypatch.setattr(Matcher, "match", counted)
    packets, found = of_all_sorts(), []
    for number, waiting in enumerate((MOST_WAITING, most)):
        monkeypatch.setattr(tracker, "MOST_WAITING", waiting)
        parts[0] = 0
        room = tmp_path / str(number)
        room.mkdir()
        events = scan(room, packets, *RULES)
        found.append([{**event, "metadata": 0, "flow_id": 0} for event in events])
    assert len({event["alert"]["signature_id"] for event in found[0]}) >= 8
    assert found[0] == found[1]
    assert parts[0] > 10


@pytest.mark.parametrize("most", [0, 20 * A_TRANSACTION, MOST_WAITING])
def test_a_flood_in_a_flow_that_goes_first_is_told_when_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Requests in front of it come first, those behind it later, and the file that it arranges is known."""
    monkeypatch.setattr(tracker, "MOST_WAITING", most)
    before, behind = Connection(80, 40_001), Connection(80, 40_003)
    for n in range(30):
        before.client(b"GET /before%d HTTP/1.1\r\n\r\n" % n)
        behind.client(b"GET /behind%d HTTP/1.1\r\n\r\n" % n)
    control = Connection(21, 40_021).server(b"220 hi\r\n").client(b"PASV\r\n")
    control.server(b"227 Entering (10,0,0,2,195,80).\r\n")
    at = len(control.packets)
    control.client(b"\n" * 20_000 + b"STOR passwd\r\n")
    control.packets.append(control.packets.pop(at))
    data = Connection(50_000, 40_022).client(test_ftp_data.DATA).close()
    packets = [*before.packets, *control.packets, *data.packets, *behind.packets]
    alerts = scan(
        tmp_path,
        packets,
        'alert ftp any any -> any any (frame:ftp.command_line; content:"STOR"; startswith;)',
        'alert ftp-data any any -> any any (ftpdata_command:stor; file_data; content:"root";)',
        'alert http any any -> any any (http.uri; content:"/be";)',
    )
    found = [(a["alert"]["signature_id"], a["src_port"]) for a in alerts]  # type: ignore[index]
    assert found == [(3, 40_001)] * 30 + [(1, 40_021), (2, 40_022)] + [(3, 40_003)] * 30


def numbered(*rows: int) -> StreamBatch:
    made = stretches(*((1, Direction.TO_SERVER, n, b"x") for n in range(len(rows))))
    return made._replace(row=np.array(rows, np.int32))


@pytest.mark.parametrize(
    ("rows", "stretch", "cut"),
    [
        ((0, 3, 3, 3), 3, Cut(3, 1)),
        ((0, 3, 4), 2, Cut(4, 2)),
        ((0, 3, -1, -1, 7), 3, Cut(4, 3)),
        ((-1, -1), 1, Cut(0, 1)),
    ],
)
def test_a_cut_divides_no_row(rows: tuple[int, ...], stretch: int, cut: Cut) -> None:
    assert cut_before(numbered(*rows), stretch) == cut


def test_a_stretch_is_divided_where_it_was_enough() -> None:
    data = bytes(range(256)) * 40
    whole = stretches((1, Direction.TO_SERVER, 0, b"before"), (1, Direction.TO_SERVER, 6, data))
    whole = whole._replace(row=np.array([0, 1], np.int32), reassembled=np.ones(3, np.uint8))
    at = int(whole.start[1]) + 9_000
    cut = cut_inside(whole, 1, at)
    assert cut == Cut(2, 1, at)
    front, back = _stretches(whole, Cut(0, 0), cut), _stretches(whole, cut, None)
    assert (front.row.tolist(), front.end.tolist()) == ([0, 1], [int(whole.end[0]), at])
    assert (back.row.tolist(), back.fresh.tolist(), back.end.tolist()) == ([-1], [at], [int(whole.end[1])])
    assert at - back.start[0] == SEEN_AGAIN
    assert back.stream_offset[0] - 6 == back.start[0] - whole.start[1]
    assert (front.reassembled.size, back.reassembled.size) == (2, 1)
