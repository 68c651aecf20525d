"""The matrix beside sums over the flow table, made by hand."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from tests.flow.rows import SECOND, Seg, batch
from tests.flow.test_talkers import Traffic
from vpi_tui.flow.pairs import MAX_FIRST_SEEN, SETTLE_NS, FirstSeen, PairTable, end_name, pair_ids
from vpi_tui.flow.records import FLOW_DTYPE
from vpi_tui.flow.table import FlowTable, FlowTimeouts
from vpi_tui.flow.talkers import Talkers
from vpi_tui.inventory.attribute import Attributor
from vpi_tui.model.matrix import ELSEWHERE, PairStat
from vpi_tui.model.topology import End, Guest, Locality, Switch, Topology

GUESTS = ("web", "db")
TOPOLOGY = Topology(
    switches=(Switch("br0", "bridge"),),
    guests=(Guest("web", "br0", ips=("10.0.0.1",)), Guest("db", "br0", ips=("10.0.0.2",))),
    host_ips=("198.51.100.1",),
)
Pair = tuple[str, str, str, int]


def sums_of(table: FlowTable) -> dict[Pair, tuple[int, int]]:
    """(ends, switch, locality) -> (bytes, flows), over every live flow that is not inside a tunnel."""
    sums: dict[Pair, list[int]] = defaultdict(lambda: [0, 0])
    for flow in table.used():
        if not flow["flow_id"] or flow["tunnel"]:
            continue
        ends = (end_name(int(flow[name]), GUESTS) for name in ("src_guest", "dest_guest"))
        key = (*ends, "br0" if flow["switch"] == 0 else "", int(flow["locality"]))
        sums[key][0] += int(flow["bytes_toserver"] + flow["bytes_toclient"])  # type: ignore[index]
        sums[key][1] += 1  # type: ignore[index]
    return {key: (size, flows) for key, (size, flows) in sums.items()}


def told(talkers: Talkers, window: str = "all") -> tuple[PairStat, ...]:
    return talkers.pairs.told(window, ("br0",), GUESTS)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_the_matrix_is_the_sum_of_the_flow_table(seed: int) -> None:
    rng = random.Random(seed)
    table, talkers = FlowTable(4096, FlowTimeouts(*[10**6] * 9)), Talkers()
    attributor, traffic = Attributor(TOPOLOGY), Traffic(rng)
    now = 1_700_000_000 * SECOND
    for _ in range(80):
        now += rng.choice((SECOND // 3, SECOND, 20 * SECOND))
        rows = traffic.rows(now)
        attributor.attribute(table.update(*batch([seg for seg, _ in rows])), table.records)
        talkers.tick(table, now)
    got = {(r.src, r.dest, r.switch, int(r.locality)): (r.bytes, r.flows) for r in told(talkers)}
    assert got == sums_of(table)
    assert {row.src for row in told(talkers)} & {row.dest for row in told(talkers)} & {"web", "db"}
    sizes = [row.bytes for row in told(talkers)]
    assert sizes == sorted(sizes, reverse=True)
    short = sum(row.bytes for row in told(talkers, "10m"))
    assert 0 < sum(row.bytes for row in told(talkers, "10s")) <= short <= sum(sizes)


def test_flows_that_ended_before_the_tick_are_counted() -> None:
    table, talkers = FlowTable(64, FlowTimeouts(*[1] * 9)), Talkers()
    flows = table.update(*batch([Seg(ts_ns=SECOND)]))
    Attributor(TOPOLOGY).attribute(flows, table.records)
    table.expire(100 * SECOND)
    table.drain_closed()
    talkers.tick(table, 100 * SECOND)
    assert [(row.src, row.dest, row.bytes, row.flows) for row in told(talkers)] == [("web", "db", 100, 1)]


def test_alerts_count_where_the_flow_runs() -> None:
    table, talkers = FlowTable(64), Talkers()
    flows = table.update(*batch([Seg(ts_ns=SECOND), Seg(ts_ns=SECOND, dst="203.0.113.9")]))
    Attributor(TOPOLOGY).attribute(flows, table.records)
    slots = flows.flow[:2].tolist()
    talkers.pairs.alerted(table.records[[slots[0], slots[1], slots[0]]])
    talkers.tick(table, SECOND)
    talkers.pairs.alerted(table.records[[slots[0]]])
    talkers.tick(table, 2 * SECOND)
    assert {(row.dest, row.alerts) for row in told(talkers)} == {("db", 3), ("world", 1)}


def test_a_pair_is_new_when_it_comes_after_the_others_or_after_the_baseline() -> None:
    table, talkers = FlowTable(64), Talkers()
    attributor = Attributor(TOPOLOGY)

    def seen(seg: Seg, now: int) -> None:
        attributor.attribute(table.update(*batch([replace(seg, ts_ns=now)])), table.records)
        talkers.tick(table, now)

    start = 1_000 * SECOND
    seen(Seg(), start)
    assert [(row.new, row.first_ns) for row in told(talkers)] == [(False, start)]
    late = start + SETTLE_NS + SECOND
    seen(Seg(src="10.0.0.2", dst="203.0.113.9"), late)
    assert {(row.src, row.new) for row in told(talkers)} == {("web", False), ("db", True)}
    talkers.pairs.baseline_ns = late
    assert not any(row.new for row in told(talkers))
    seen(Seg(src="10.0.0.1", dst="203.0.113.9"), late + SECOND)
    assert [row.dest for row in told(talkers) if row.new] == ["world"]


def test_guests_that_move_in_the_topology_keep_what_they_said() -> None:
    table, talkers = FlowTable(64), Talkers()
    talkers.pairs.follow(GUESTS)
    Attributor(TOPOLOGY).attribute(table.update(*batch([Seg(ts_ns=SECOND)])), table.records)
    talkers.tick(table, SECOND)
    talkers.pairs.follow((*GUESTS, "mail"))
    assert [(row.src, row.dest) for row in told(talkers)] == [("web", "db")]
    talkers.pairs.follow(("new", "db", "web"))
    moved = talkers.pairs.told("all", ("br0",), ("new", "db", "web"))
    assert [(row.src, row.dest, row.first_ns) for row in moved] == [("web", "db", SECOND)]
    talkers.pairs.follow(("db",))
    assert [(row.src, row.dest) for row in talkers.pairs.told("10s", ("br0",), ("db",))] == [
        ("unknown", "db")
    ]


def test_groups_have_names() -> None:
    table, talkers = FlowTable(64), Talkers()
    ends = ("10.0.0.2", "10.0.0.255", "224.0.0.251", "203.0.113.9")
    flows = table.update(*batch([Seg(ts_ns=SECOND, dst=dst) for dst in ends]))
    for slot, mac in zip(flows.flow.tolist(), (0x22, (1 << 48) - 1, 0x0100_5E00_00FB, 0x33), strict=True):
        table.records["dest_mac"][slot] = mac
    Attributor(TOPOLOGY).attribute(flows, table.records)
    talkers.tick(table, SECOND)
    assert {row.dest for row in told(talkers)} == {"db", "broadcast", "multicast", "world"}
    assert {row.locality for row in told(talkers) if row.dest.endswith("cast")} == {Locality.UNKNOWN}


def test_what_is_remembered_is_bounded() -> None:
    first = FirstSeen()
    pair = np.arange(MAX_FIRST_SEEN + 5, dtype=np.uint64)
    first.note(pair, np.ones(len(pair), np.int64))
    first.note(pair[-5:], np.ones(5, np.int64))
    assert (len(first.pair), first.lost) == (MAX_FIRST_SEEN, 10)
    assert first.when(pair[[0, -1]]).tolist() == [1, 0]


def test_every_end_has_its_name_and_its_number() -> None:
    assert {end_name(int(end), GUESTS) for end in End} == set(ELSEWHERE)
    ends = np.array([-3, -2, -1, 0, 1, 32_767], np.int16)
    pairs = pair_ids(np.repeat(ends, 6), np.tile(ends, 6))
    assert len(set(pairs.tolist())) == 36


def test_a_pair_with_alerts_outlives_larger_ones_without() -> None:
    table = PairTable()
    flows = np.zeros(30, FLOW_DTYPE)
    flows["dest_guest"], flows["locality"] = np.arange(30), Locality.EAST_WEST
    table.alerted(flows[3:4])
    table.tick(SECOND)
    names = tuple(f"vm{n}" for n in range(30))
    assert [row.dest for row in table.told("all", (), names, limit=1)] == ["vm3"]
