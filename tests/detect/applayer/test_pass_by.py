"""Flows whose parser is done are passed by, however much they go on to say."""

from __future__ import annotations

import numpy as np

from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import U8, Direction, StreamBatch

SLOTS = 4
ENCRYPTED = b"\x17\x03\x03\0\x01x"


def stretches(*said: tuple[int, int, int, bytes]) -> StreamBatch:
    """said: (slot, direction, offset in the stream, bytes)"""
    end = np.cumsum([len(data) for *_, data in said], dtype=np.int64)
    start = end - np.array([len(data) for *_, data in said], np.int64)
    return StreamBatch(
        buf=np.frombuffer(b"".join(data for *_, data in said), np.uint8),
        row=np.full(len(said), -1, np.int32),
        flow=np.array([slot for slot, *_ in said], np.int32),
        direction=np.array([direction for _, direction, *_ in said], np.uint8),
        start=start,
        fresh=start,
        end=end,
        stream_offset=np.array([offset for _, _, offset, _ in said], np.int64),
        window=start,
        gap=np.zeros(len(said), np.uint8),
        reassembled=np.zeros(0, np.uint8),
    )


def tls() -> U8:
    return np.full(SLOTS, APP_PROTOS.index("tls"), np.uint8)


def test_a_flow_is_passed_by_once_both_sides_encrypt() -> None:
    layer = AppLayer(Demand({"tls"}))
    one_side = layer.released(stretches((1, Direction.TO_SERVER, 0, ENCRYPTED)), tls())
    assert [progress.flow for progress in one_side] == [1]
    assert layer.stats()["app_layer.flows"] == 1
    both = stretches((1, Direction.TO_CLIENT, 0, ENCRYPTED), (1, Direction.TO_CLIENT, 6, ENCRYPTED))
    assert [progress.direction for progress in layer.released(both, tls())] == [Direction.TO_CLIENT]
    assert layer.stats()["app_layer.flows"] == 0
    more = stretches((1, Direction.TO_SERVER, 6, ENCRYPTED), (3, Direction.TO_SERVER, 0, ENCRYPTED))
    assert [progress.flow for progress in layer.released(more, tls())] == [3]
    assert layer.stats()["app_layer.memuse"] > 0
