"""Rows behind the stretch that names their flow belong to it, though they came in the same batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.flow.rows import ACK, Seg, batch
from vpi_tui.flow.table import FlowTable
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction, FlowBatch, StreamBatch

HTTP = APP_PROTOS.index("http")
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
WEB, OTHER = Seg(flags=ACK), Seg(sport=40001, flags=ACK)


def begun(*released: tuple[int, int]) -> StreamBatch:
    """A stretch for each (row, slot): the client's first bytes, a request."""
    count = len(released)
    nothing = np.zeros(count, np.int64)
    return StreamBatch(
        buf=np.frombuffer(REQUEST, np.uint8).copy(),
        row=np.array([row for row, _ in released], np.int32),
        flow=np.array([slot for _, slot in released], np.int32),
        direction=np.full(count, Direction.TO_SERVER, np.uint8),
        start=nothing,
        fresh=nothing,
        end=nothing + len(REQUEST),
        stream_offset=nothing,
        window=nothing,
        gap=np.zeros(count, np.uint8),
        reassembled=np.zeros(0, np.uint8),
    )


def opened(table: FlowTable, *rows: Seg) -> FlowBatch:
    return table.update(*batch(rows))


def apps(flows: FlowBatch) -> Any:
    return flows.app.tolist()


def test_the_rows_behind_are_named_and_no_other() -> None:
    table = FlowTable(8)
    flows = opened(table, WEB, OTHER, WEB, OTHER, WEB, WEB.back())
    web, other = flows.flow[:2].tolist()
    table.recognise(begun((1, other), (2, web)), flows)
    assert apps(flows) == [0, 0, 0, HTTP, HTTP, HTTP], "a row that names a flow came before its name"


@pytest.mark.parametrize("rows", [(1, 2), (2, 1)])
def test_the_first_stretch_that_names_a_flow_counts(rows: tuple[int, int]) -> None:
    table = FlowTable(8)
    flows = opened(table, WEB, WEB, WEB, WEB)
    slot = int(flows.flow[0])
    table.recognise(begun(*((row, slot) for row in rows)), flows)
    assert apps(flows) == [0, 0, HTTP, HTTP]


def test_a_batch_knows_nothing_of_the_one_before() -> None:
    table = FlowTable(8)
    flows = opened(table, WEB, OTHER, WEB, WEB)
    web, other = flows.flow[:2].tolist()
    table.recognise(begun((0, web)), flows)
    assert apps(flows) == [0, 0, HTTP, HTTP]
    flows.app[:] = 0
    table.recognise(begun((1, other)), flows)
    assert apps(flows) == [0, 0, 0, 0]


def test_what_no_packet_released_names_the_flow_alone() -> None:
    table = FlowTable(8)
    flows = opened(table, WEB, WEB)
    table.recognise(begun((-1, int(flows.flow[0]))), flows)
    assert apps(flows) == [0, 0]
    assert table.records["app_proto"][flows.flow[0]] == HTTP
