"""Requests that nobody answers: the parser says what it keeps of them, and keeps no more than some."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from tests.detect.applayer.conversations import MOST_HELD, memory_of
from tests.detect.applayer.test_pass_by import SLOTS, stretches
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.files import FILE_DATA
from vpi_tui.detect.applayer.mqtt.parser import MqttParser
from vpi_tui.detect.applayer.parsed_flows import FLOW_SHARE
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
BIG = b"x" * 30_000
SAID = 1_200
"""Requests: 36 MB of them."""


def mqtt(number: int) -> bytes:
    """A PUBLISH that waits for its PUBACK."""
    body = b"\0\1t" + (number + 1).to_bytes(2) + BIG
    return b"\x32" + bytes((len(body) & 127 | 128, len(body) >> 7 & 127 | 128, len(body) >> 14)) + body


def tlv(tag: int, value: bytes) -> bytes:
    return bytes((tag, 0x84)) + len(value).to_bytes(4) + value


def ldap(number: int) -> bytes:
    """A search below a long name."""
    limits = tlv(10, b"\0") + tlv(10, b"\0") + tlv(2, b"\0") + tlv(2, b"\0") + tlv(1, b"\0")
    search = tlv(4, BIG) + limits + tlv(0x87, b"objectClass") + tlv(0x30, b"")
    return tlv(0x30, tlv(2, number.to_bytes(3)) + tlv(0x63, search))


def pgsql(_number: int) -> bytes:
    return b"Q" + (len(BIG) + 5).to_bytes(4) + BIG + b"\0"


def enip(number: int) -> bytes:
    """A request of an unconnected message, with a session of its own."""
    item = struct.pack("<HH", 0xB2, len(BIG) + 6) + b"\x4c\x02\x20\x6b\x24\x01" + BIG
    data = bytes(6) + struct.pack("<HHH", 2, 0, 0) + item
    return struct.pack("<HHII8xI", 0x6F, len(data), number, 0, 0) + data


def nfs(number: int) -> bytes:
    """A lookup of a long name, with credentials that are too long."""
    call = struct.pack("!6I", number, 0, 2, 100_003, 3, 3)
    credentials = struct.pack("!II", 6, 4_000) + bytes(4_000) + bytes(8)
    about = struct.pack("!I", 32) + number.to_bytes(32) + struct.pack("!I", len(BIG)) + BIG
    message = call + credentials + about
    return (len(message) | 1 << 31).to_bytes(4) + message


def ftp(_number: int) -> bytes:
    return b"STOR " + BIG[:4_000] + b"\r\n"


def ftp_command(number: int) -> bytes:
    """A command that is nothing but a long word."""
    return b"%04d" % number + BIG[:4_000] + b"\r\n"


def http1(number: int) -> bytes:
    """A form with a file."""
    part = b'--X\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
    body = part + BIG + b"\r\n--X--\r\n"
    form = b"Content-Type: multipart/form-data; boundary=X\r\nContent-Length: %d" % len(body)
    return b"POST /%d HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n" % (number, form) + body


ALL, FILES = Limits(), Limits(buffers=frozenset({FILE_DATA}))
REQUESTS = (
    ("mqtt", mqtt, ALL), ("ldap", ldap, ALL), ("pgsql", pgsql, ALL), ("enip", enip, ALL), ("nfs", nfs, ALL),
    ("ftp", ftp, ALL), ("ftp", ftp_command, ALL),
    ("http1", http1, ALL), ("http1", http1, FILES),
)  # fmt: skip


@pytest.mark.parametrize(("protocol", "request_of", "limits"), REQUESTS)
def test_what_waits_for_an_answer_is_bounded(
    protocol: str, request_of: Callable[[int], bytes], limits: Limits
) -> None:
    parser = by_name()[protocol].parser(limits)
    found: dict[Transaction, None] = {}
    for number in range(SAID):
        moved = parser.feed(SERVER, request_of(number), 0)
        for transaction in moved:
            transaction.grown(SERVER)
        found.update(dict.fromkeys(moved))
        assert parser.held() < MOST_HELD
    assert len(found) >= SAID
    found.clear()
    size, waiting = memory_of(parser)
    assert waiting
    assert size < min(2 * MOST_HELD, 8 * parser.held())


def test_what_is_answered_is_kept_no_more() -> None:
    parser = MqttParser()
    for number in range(20):
        parser.feed(SERVER, mqtt(number), 0)
    held = parser.held()
    for number in range(20):
        parser.feed(CLIENT, b"\x40\2" + (number + 1).to_bytes(2), 0)
    assert held > 20 * len(BIG)
    assert parser.held() == 0


def test_a_flow_that_keeps_too_much_is_passed_by_and_drives_out_no_other() -> None:
    layer = AppLayer(Demand({"ftp"}), memory=400_000)
    app_of = np.full(SLOTS, APP_PROTOS.index("ftp"), np.uint8)
    layer.released(stretches((2, SERVER, 0, ftp(0))), app_of)
    for number in range(60):
        said = ftp(number)
        layer.released(stretches((1, SERVER, number * len(said), said)), app_of)
        assert layer.stats()["app_layer.memuse"] < 400_000 / FLOW_SHARE + 10_000
    assert layer.stats()["app_layer.evicted"] == 1
    assert layer.stats()["app_layer.flows"] == 1
    answered = layer.released(stretches((2, CLIENT, 0, b"226 done\r\n")), app_of)
    assert {one.flow for one in answered} == {2}


def test_what_a_flow_leaves_open_that_makes_room_names_no_row_of_another_batch() -> None:
    layer = AppLayer(Demand({"ftp"}), logged=("ftp",), most_flows=1)
    app_of = np.full(SLOTS, APP_PROTOS.index("ftp"), np.uint8)
    first = stretches((1, SERVER, 0, b"USER one\r\n"))
    layer.released(first._replace(row=np.array([7], np.int32)), app_of)
    assert not layer.take_finished()
    layer.released(stretches((2, SERVER, 0, b"USER two\r\n")), app_of)
    assert [(one.flow, one.row) for one in layer.take_finished()] == [(1, -1)]
