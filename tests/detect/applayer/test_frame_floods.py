"""Floods of tiny messages hide no frame, and what frames weigh is known."""

from __future__ import annotations

import numpy as np
import pytest

from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.feeder import PIECE
from vpi_tui.detect.applayer.frame_names import STREAM, frames_of
from vpi_tui.detect.applayer.frames import Frame
from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction

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


def test_a_stream_that_grows_byte_by_byte_weighs_what_it_holds() -> None:
    layer = AppLayer(demand("http1", STREAM))
    layer.most_waiting = 1 << 20
    begin = b"GET / HTTP/1.1\r\nA: " + b"a" * 8_000
    more = ((1, SERVER, len(begin) + at, b"a") for at in range(2_000))
    found = told("http", layer, (1, SERVER, 0, begin), *more)
    assert layer.cut is not None
    kept = sum(len(one.transaction.data) for one in found if isinstance(one.transaction, Frame))
    assert kept <= layer.most_waiting + len(begin)
