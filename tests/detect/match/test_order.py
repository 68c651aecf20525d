"""Candidates in order: by packet, then transaction, then rule, a stretch before its packet, each once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vpi_tui.detect.match.kernels_order import Ends, in_order

RULES, ROWS, STRETCHES, ENTRIES = 12, 9, 7, 5


def ends(draw: np.random.Generator, row: Any) -> Ends:
    return Ends(
        row=np.array(row, np.int32),
        flow=draw.integers(-1, 50, len(row)).astype(np.int32),
        born=draw.integers(0, 1 << 32, len(row)).astype(np.uint32),
        direction=draw.integers(0, 3, len(row)).astype(np.uint8),
        src_ip=draw.integers(0, 1 << 63, (len(row), 2)).astype(np.uint64),
        dest_ip=draw.integers(0, 1 << 63, (len(row), 2)).astype(np.uint64),
    )


def found(draw: np.random.Generator, places: int, count: int) -> Any:
    return np.stack((draw.integers(0, places, count), draw.integers(0, RULES, count)), axis=1)


def twin(pairs: list[Any], rank: Any, sources: list[Ends], packet_of: Any, ts_ns: Any) -> list[Any]:
    """The same, candidate by candidate."""
    order = set()
    for kind, (own, of) in enumerate(zip(pairs, sources, strict=True)):
        for place, rule in own.tolist():
            stretch, entry = (place if kind == 1 else 1 << 40), (place if kind == 2 else -1)
            order.add((int(of.row[place]), entry, int(rank[rule]), stretch, rule, kind, place))
    candidates = []
    for row, entry, _, _, rule, kind, place in sorted(order):
        of = sources[kind]
        looked_up = [int(of.flow[place]), int(of.born[place]), int(of.direction[place])]
        time = int(ts_ns[packet_of[max(row, 0)]])
        addresses = [of.src_ip[place].tolist(), of.dest_ip[place].tolist()]
        candidates.append([rule, row, place if kind == 1 else -1, entry, *looked_up, time, *addresses])
    return candidates


@pytest.mark.parametrize("seed", range(40))
def test_as_if_each_were_sorted_by_itself(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = ends(draw, range(ROWS))
    streams = ends(draw, draw.integers(-1, ROWS, STRETCHES))
    entries = ends(draw, draw.integers(-1, ROWS, ENTRIES))
    rank = draw.permutation(RULES).astype(np.int32)
    pairs = [found(draw, n, int(draw.integers(0, 60))) for n in (ROWS, STRETCHES, ENTRIES)]
    packet_of, ts_ns = draw.integers(0, 4, ROWS).astype(np.int32), draw.integers(0, 1 << 62, 4)
    columns = in_order(*pairs, rank, rows, streams, entries, packet_of, ts_ns)
    given = [list(one) for one in zip(*(column.tolist() for column in columns), strict=True)]
    assert given == twin(pairs, rank, [rows, streams, entries], packet_of, ts_ns)


def test_without_packets_there_is_no_time() -> None:
    draw = np.random.default_rng(1)
    nothing, none = ends(draw, []), np.empty((0, 2), np.int64)
    stretch = np.array([[0, 3]], np.int64)
    rank = np.arange(RULES, dtype=np.int32)
    no_rows, no_times = np.empty(0, np.int32), np.empty(0, np.int64)
    of = ends(draw, [-1])
    columns = in_order(none, stretch, none, rank, nothing, of, nothing, no_rows, no_times)
    assert [column.tolist() for column in columns[:4]] == [[3], [-1], [0], [-1]]
    assert columns[4].tolist() == of.flow.tolist()
    assert columns[7].tolist() == [0]
