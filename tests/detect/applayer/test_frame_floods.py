"""Floods of tiny messages hide no frame, and what frames weigh is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.feeder import PIECE
from vpi_tui.detect.applayer.frame_names import STREAM, frames_of
from vpi_tui.detect.applayer.frames import PIECE_OF_FRAMES, Frame
from vpi_tui.detect.applayer.parts import _stretches
from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.detect.applayer.transaction import A_TRANSACTION
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import U8, Direction, StreamBatch

from .test_pass_by import SLOTS, stretches
from .test_websocket import ASKED, BINARY, PING, SWITCHED, frame

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
SECRET = b"secret"
Said = tuple[int, int, int, bytes]

MQTT_HELLO = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02ab"
MQTT_FLOOD = (b"\xc0\x00" * PIECE + b"\x30\x0a\x00\x01t secret")[-2 * PIECE :]
LINES = (b"\n" * PIECE + b"RCPT TO:<secret>\r\n")[-PIECE:]
WEB_FLOOD = frame(b"", PING) * (PIECE // 2 - 200) + frame(SECRET, BINARY)


def told(begins: str, layer: AppLayer, *said: Said) -> list[Progress]:
    app_of = np.full(SLOTS, APP_PROTOS.index(begins), np.uint8)
    return layer.released(stretches(*said), app_of)


def demand(name: str, *names: str) -> Demand:
    return Demand({name}, frames={name: frozenset(names or set(frames_of(name)) - {STREAM})})


FLOODS: dict[str, tuple[str, str, list[Said]]] = {
    "mqtt": ("mqtt", "mqtt", [(1, SERVER, 0, MQTT_HELLO), (1, SERVER, len(MQTT_HELLO), MQTT_FLOOD)]),
    "smtp": ("smtp", "smtp", [(1, CLIENT, 0, b"220 a\r\n"), (1, SERVER, 0, LINES)]),
    "telnet": ("telnet", "telnet", [(1, SERVER, 0, LINES)]),
    "websocket": (
        "websocket",
        "http",
        [
            (1, SERVER, 0, ASKED),
            (1, CLIENT, 0, SWITCHED),
            (1, SERVER, len(ASKED), WEB_FLOOD),
        ],
    ),
    "before the upgrade": (
        "websocket",
        "http",
        [(1, SERVER, 0, ASKED), (1, CLIENT, 0, SWITCHED + WEB_FLOOD[-PIECE + len(SWITCHED) :])],
    ),
}


@pytest.mark.parametrize("case", FLOODS)
def test_what_stands_behind_a_flood_in_one_stretch_is_seen(case: str) -> None:
    name, begins, said = FLOODS[case]
    layer = AppLayer(demand(name))
    layer.most_waiting = 1 << 40
    found = [one.transaction for one in told(begins, layer, *said)]
    frames = [one for one in found if isinstance(one, Frame)]
    assert len(frames) > PIECE // 2 - 500
    assert any(SECRET in one.data for one in frames)


@pytest.mark.parametrize("before", [0, 3], ids=["first", "behind others"])
def test_a_flood_in_a_flow_that_arranges_others_is_divided_too(before: int) -> None:
    """Such flows go first, and what is in front of them is not forgotten meanwhile."""
    asked = Demand({"ftp", "ftp-data", "http1"}, frames={"ftp": frozenset({"command_line"})})
    layer = AppLayer(asked)
    layer.most_waiting = 1 << 20
    app_of = np.full(7, APP_PROTOS.index("http"), np.uint8)
    app_of[4:6] = APP_PROTOS.index("ftp")
    request = b"GET / HTTP/1.1\r\nA: " + b"a" * 1_000 + b"\r\n\r\n"
    web = [(slot, SERVER, 0, request * 300) for slot in range(before)]
    said = [*web, (4, SERVER, 0, LINES), (5, SERVER, 0, b"STOR a\r\n"), (6, SERVER, 0, request)]
    found = [one.transaction for part in parts(layer, stretches(*said), app_of) for one in part]
    lines = [one.data for one in found if isinstance(one, Frame)]
    assert lines == [*(b"\n" for _ in range(LINES.count(b"\n") - 1)), b"RCPT TO:<secret>\r\n", b"STOR a\r\n"]
    asked_for = [one for one in found if not isinstance(one, Frame) and not hasattr(one, "command")]
    assert len({id(one) for one in asked_for}) == 300 * before + 1


def parts(layer: AppLayer, rest: StreamBatch, app_of: U8) -> Iterator[list[Progress]]:
    """What each part brings; none of them much more than may wait."""
    while True:
        weight = layer._outbox.weight
        yield layer.released(rest, app_of)
        assert layer._outbox.weight - weight < 2 * (layer.most_waiting + PIECE_OF_FRAMES * A_TRANSACTION)
        if layer.cut is None:
            return
        rest = _stretches(rest, layer.cut, None)


def test_a_stream_that_grows_byte_by_byte_weighs_what_it_holds() -> None:
    layer = AppLayer(demand("http1", STREAM))
    layer.most_waiting = 1 << 20
    begin = b"GET / HTTP/1.1\r\nA: " + b"a" * 8_000
    more = ((1, SERVER, len(begin) + at, b"a") for at in range(2_000))
    found = told("http", layer, (1, SERVER, 0, begin), *more)
    assert layer.cut is not None
    kept = sum(len(one.transaction.data) for one in found if isinstance(one.transaction, Frame))
    assert kept <= layer.most_waiting + len(begin)
