"""The flow table beside its plain twin, and what the twin does not have: memory, eviction, drains."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.flow.rows import ACK, FIN, PSH, RST, SECOND, SYN, Seg, batch
from tests.flow.twin import Twin
from vpi_tui.flow import table as table_module
from vpi_tui.flow.counters import Tally
from vpi_tui.flow.facts import FactTable
from vpi_tui.flow.records import RECORD_SIZE, EndReason
from vpi_tui.flow.table import FlowTable, FlowTimeouts
from vpi_tui.inventory.addresses import address_of
from vpi_tui.model.batch import Direction, FlowBatch, FlowState

SHORT = FlowTimeouts(3, 8, 2, 2, 5, 2, 4, 1, 3)
FLAGS = [SYN, SYN | ACK, ACK, ACK | PSH, FIN | ACK, RST, RST | ACK, 0, FIN | SYN, 0x100 | ACK]

BAD_CHECKSUM = 1 << 5
NUMBERS = [(n + (1 << 32)) % (1 << 32) for n in (-9, -8, -1, 0, 6, 7, 13)]


def random_numbers(rng: random.Random) -> dict[str, int]:
    """Of a segment; few, so that some follow one another."""
    bad = rng.choice((0, 0, 0, BAD_CHECKSUM))
    return {"seq": rng.choice(NUMBERS), "ack": rng.choice(NUMBERS), "events": bad}


def random_segment(rng: random.Random, now_ns: int) -> Seg:
    hosts = ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"]
    version = rng.randrange(2) * 2
    return Seg(
        src=rng.choice(hosts[version : version + 2]),
        dst=rng.choice(hosts[version : version + 2]),
        sport=rng.choice((0, 80, 40000)),
        dport=rng.choice((80, 80, 40000)),
        proto=rng.choice((6, 6, 6, 6, 17, 1, 58, 132)),
        flags=rng.choice(FLAGS),
        payload=rng.choice((0, 0, 7)),
        ts_ns=now_ns,
        vlan=rng.choice(((0, 0), (0, 0), (5, 0), (5, 6))),
        tunnel=rng.choice((0, 0, 0, 2 << 24 | 7)),
        fragment=rng.choice((0, 0, 0, 3)),
        length=rng.randint(60, 1500),
        ip_v=rng.choice((-1,) * 12 + (0,)),
        malformed=rng.random() < 0.05,
        **random_numbers(rng),
    )


def random_tcp(rng: random.Random, now_ns: int) -> Seg:
    """A segment of the one connection that all of them belong to: so it goes through many states."""
    row = Seg(flags=rng.choice(FLAGS), payload=rng.choice((0, 7)), ts_ns=now_ns, **random_numbers(rng))
    return row if rng.random() < 0.5 else row.back()


def identity(table: FlowTable, flows: FlowBatch, row: int) -> tuple[int, int, int, int] | None:
    slot = int(flows.flow[row])
    if slot < 0:
        return None
    return (
        int(table.records["flow_id"][slot]),
        int(flows.direction[row]),
        int(flows.state[row]),
        int(flows.first[row]),
    )


def told(record: Any) -> tuple[Any, ...]:
    ends = []
    for side in ("src", "dest"):
        ip = tuple(int(half) for half in record[f"{side}_ip"])
        ends.append((str(address_of(*ip)), int(record[f"{side}_port"])))
    names = ("flow_id", "proto", "ip_v", "tunnel", "state", "start_ns", "last_ns", "reason")
    counts = [
        int(record[f"{what}_{way}"])
        for what in ("pkts", "bytes", "tcp_flags")
        for way in ("toserver", "toclient")
    ]
    return (*ends, tuple(record["vlan"].tolist()), *(int(record[name]) for name in names), *counts)


def told_by_twin(flow: Any) -> tuple[Any, ...]:
    proto, version, vlan, tunnel = flow.kind
    state, reason = int(flow.state), int(flow.reason)
    numbers = (flow.number, proto, version, tunnel, state, flow.start_ns, flow.last_ns, reason)
    counts = [flow_part[way] for flow_part in (flow.pkts, flow.bytes, flow.flags) for way in (1, 2)]
    return (flow.client, flow.server, vlan, *numbers, *counts)


@pytest.mark.parametrize(("midstream", "one_sided"), [(True, False), (False, False), (False, True)])
@pytest.mark.parametrize("make", [random_segment, random_tcp])
@pytest.mark.parametrize("seed", range(8))
def test_same_as_the_twin(
    seed: int, make: Callable[[random.Random, int], Seg], midstream: bool, one_sided: bool
) -> None:
    rng = random.Random(seed)
    options = {"midstream": midstream, "one_sided": one_sided, "bad_events": BAD_CHECKSUM}
    table = FlowTable(512, SHORT, seed=seed, **options)  # type: ignore[arg-type]
    twin = Twin(SHORT, **options)  # type: ignore[arg-type]
    now, ended = 0, []
    for _ in range(60):
        rows = []
        for _ in range(rng.randint(0, 25)):
            now += rng.choice((0, 1000, SECOND // 10, SECOND // 10, SECOND, 4 * SECOND))
            rows.append(make(rng, now - rng.choice((0, 0, 0, SECOND))))
        # A slot may be used again within the batch, so identity is asked for one row at a time.
        for row in rows:
            flows = table.update(*batch([row]))
            ended += [told(record) for record in flows.closed]
            assert identity(table, flows, 0) == twin.row(row)
        if rng.random() < 0.3:
            table.expire(now)
            twin.expire(now)
    assert table.active() == len(twin.live)
    ended += [told(record) for record in table.drain_closed()]
    assert sorted(ended) == sorted(told_by_twin(flow) for flow in twin.ended)
    live = [told(record) for record in table.columns(512)]
    assert sorted(live) == sorted(told_by_twin(flow) for flow in twin.live)


@pytest.mark.parametrize("seed", range(4))
def test_batches_give_what_single_rows_give(seed: int) -> None:
    rng = random.Random(100 + seed)
    one, many = FlowTable(512, SHORT, seed=1), FlowTable(512, SHORT, seed=1)
    now = 0
    for _ in range(30):
        rows = []
        for _ in range(rng.randint(1, 40)):
            now += rng.choice((0, 1000, SECOND // 10, SECOND))
            rows.append(random_segment(rng, now))
        whole = many.update(*batch(rows))
        for at, row in enumerate(rows):
            single = one.update(*batch([row]))
            got = (whole.flow[at] >= 0, whole.direction[at], whole.state[at], whole.first[at])
            assert got == (single.flow[0] >= 0, single.direction[0], single.state[0], single.first[0])
        assert sorted(told(r) for r in one.columns(512)) == sorted(told(r) for r in many.columns(512))


SEG = Seg()


@pytest.mark.parametrize(
    "other",
    [
        replace(SEG, vlan=(7, 0)),
        replace(SEG, vlan=(0, 7)),
        replace(SEG, tunnel=1 << 24),
        replace(SEG, proto=17),
        replace(SEG, dport=81),
        replace(SEG, src="10.0.0.3"),
    ],
)
def test_each_part_of_the_key_parts_flows(other: Seg) -> None:
    table = FlowTable(16)
    flows = table.update(*batch([SEG, other, SEG.back(), other.back()]))
    assert flows.flow.tolist() == [0, 1, 0, 1]
    assert flows.direction.tolist() == [1, 1, 2, 2]
    assert flows.new_rows.tolist() == [0, 1]


def test_a_connection_from_syn_to_fin() -> None:
    c, s = replace(SEG, flags=ACK), SEG.back(flags=ACK)
    rows = [
        replace(c, flags=SYN),
        replace(s, flags=SYN | ACK),
        c,
        replace(c, payload=9, flags=PSH | ACK),
        replace(c, flags=FIN | ACK, seq=9),
        replace(s, flags=FIN | ACK, seq=1),
        c,
    ]
    flows = FlowTable(16).update(*batch(rows))
    new, established, closed = FlowState.NEW, FlowState.ESTABLISHED, FlowState.CLOSED
    assert flows.state.tolist() == [new, new, *[established] * 4, closed]


@pytest.mark.parametrize("filled", ["by what was missing", "by an acknowledgement"])
def test_a_fin_behind_a_hole_counts_once_the_hole_is_filled(filled: str) -> None:
    c, s = replace(SEG, flags=ACK, seq=1), SEG.back(flags=ACK, seq=1)
    rows = [
        replace(c, flags=SYN, seq=0),
        replace(s, flags=SYN | ACK, seq=0),
        replace(c, flags=FIN | ACK, seq=10),
        replace(s, flags=FIN | ACK),
        c,
        replace(s, seq=2, ack=11) if "ack" in filled else replace(c, payload=9),
        c,
    ]
    flows = FlowTable(16).update(*batch(rows))
    new, established, closed = FlowState.NEW, FlowState.ESTABLISHED, FlowState.CLOSED
    assert flows.state.tolist() == [*[new] * 2, *[established] * 4, closed]


def test_a_flood_of_fins_ahead_makes_the_latest_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two have room: the third takes the place of the first, which counts when it is sent again."""
    monkeypatch.setattr(table_module, "_FINS_AWAITED", 4)
    talks = [replace(SEG, sport=port, flags=ACK, seq=1) for port in (1001, 1002, 1003)]
    table = FlowTable(64)
    size = table.memory()
    for c in talks:
        s = c.back()
        rows = [replace(c, flags=SYN, seq=0), replace(s, flags=SYN | ACK, seq=0), replace(s, flags=FIN | ACK)]
        table.update(*batch([*rows, replace(c, seq=1), replace(c, flags=FIN | ACK, seq=10)]))
    assert table.memory() == size + 3 * (RECORD_SIZE + 8)
    table.update(*batch([replace(c, payload=9) for c in talks]))
    closed = FlowState.CLOSED
    assert table.update(*batch(talks)).state.tolist() == [FlowState.ESTABLISHED, closed, closed]
    again = table.update(*batch([replace(talks[0], flags=FIN | ACK, seq=10), talks[0]]))
    assert again.state.tolist()[1] == closed


def test_a_forged_fin_far_ahead_ends_nothing_whatever_slot_it_had() -> None:
    """What an ended connection awaited says nothing of the next one in its slot."""
    c = replace(SEG, flags=ACK, seq=1)
    table = FlowTable(1)
    rows = [replace(c, flags=SYN, seq=0), replace(c.back(), flags=SYN | ACK, seq=0), c]
    table.update(*batch([*rows, replace(c, flags=FIN | ACK, seq=100_000)]))
    table.close_all()
    sent, ahead = replace(c, payload=99_999), replace(c, flags=FIN | ACK, seq=900_000)
    flows = table.update(*batch([*rows, sent, ahead, c]))
    assert flows.state.tolist()[2:] == [FlowState.ESTABLISHED] * 4
    assert table.records["tcp_flags_toserver"][0] & FIN


def test_a_million_flows_fit_200_megabytes() -> None:
    index, places = 8 * 2**21, RECORD_SIZE + 8
    assert 1_000_000 * places + index + FlowTable(1).memory() < 200e6


def test_midstream_server_is_who_sends_syn_ack() -> None:
    table = FlowTable(16)
    flows = table.update(*batch([SEG.back(flags=SYN | ACK), replace(SEG, flags=ACK)]))
    assert flows.direction.tolist() == [Direction.TO_CLIENT, Direction.TO_SERVER]
    assert flows.state.tolist() == [FlowState.NEW, FlowState.ESTABLISHED]
    assert table.records["dest_port"][0] == 80


def test_a_server_that_alone_is_seen_is_known_by_its_syn_ack() -> None:
    table = FlowTable(16, midstream=False, one_sided=True)
    flows = table.update(*batch([SEG.back(flags=SYN | ACK), SEG.back(flags=ACK)]))
    assert flows.direction.tolist() == [Direction.TO_CLIENT] * 2
    assert flows.state.tolist() == [FlowState.NEW, FlowState.ESTABLISHED]


def test_ports_where_each_direction_entered() -> None:
    table = FlowTable(16)
    table.update(*batch([replace(SEG, ifindex=4), SEG.back(ifindex=9), replace(SEG, ifindex=5)]))
    assert (table.records["ifindex_client"][0], table.records["ifindex_server"][0]) == (4, 9)


def test_numbers_of_tables_that_began_at_other_times_are_far_apart() -> None:
    """Readers of JSON hold no whole number beyond 2^53; a nanosecond is another time."""
    first = []
    for began in (0, 1, 2, *range(1_700_000_000 * SECOND, 1_700_000_300 * SECOND, SECOND)):
        table = FlowTable(2, dated=True)
        slot = table.update(*batch([Seg(ts_ns=began)])).flow[0]
        first.append(int(table.records["flow_id"][slot]))
    apart = np.diff(np.sort(first))
    assert apart.min() > 1 << 24, "as many flows as a long run has"
    assert max(first) > 1 << 48
    assert max(first) + (1 << 50) < 1 << 53


def many(count: int, first: int = 0, ts_ns: int = 0) -> list[Seg]:
    return [
        Seg(src=f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", flags=SYN, ts_ns=ts_ns + n)
        for n in range(first, first + count)
    ]


def test_eviction_is_counted_and_the_evicted_are_handed_out() -> None:
    table = FlowTable(64)
    table.update(*batch(many(64)))
    flows = table.update(*batch(many(40, first=1000, ts_ns=SECOND)))
    assert (flows.flow >= 0).all()
    assert table.active() == 64
    gone = table.drain_closed()
    assert len(gone) == table.stats()["flow.evicted"] == 40
    assert (gone["reason"] == EndReason.EVICTED).all()
    assert set(gone["flow_id"].tolist()) <= set(range(1, 65))
    alive = set(table.columns(64)["flow_id"].tolist())
    assert alive | set(gone["flow_id"].tolist()) == set(range(1, 105))


def test_the_idlest_is_evicted() -> None:
    table = FlowTable(8)
    table.update(*batch(many(8)))
    table.update(*batch([replace(many(8)[n], ts_ns=SECOND + n) for n in (0, 1, 2, 4, 5, 6, 7)]))
    table.update(*batch(many(1, first=100, ts_ns=2 * SECOND)))
    assert table.drain_closed()["flow_id"].tolist() == [4]


def test_a_flood_of_invented_senders_evicts_no_conversation() -> None:
    table = FlowTable(64)
    talk = replace(SEG, flags=ACK, seq=1), SEG.back(flags=ACK, seq=1)
    table.update(*batch([replace(SEG, flags=SYN), SEG.back(flags=SYN | ACK), *talk]))
    for wave in range(1, 20):
        table.update(*batch(many(60, first=1000 * wave, ts_ns=wave * SECOND)))
    assert table.get(1) is not None


def test_flows_of_this_batch_are_not_evicted_for_each_other() -> None:
    table = FlowTable(8)
    flows = table.update(*batch(many(20)))
    assert (flows.flow >= 0).sum() == 8
    assert table.stats()["flow.memcap"] == 12
    assert len(set(flows.flow[:8].tolist())) == 8


def test_a_flood_of_flows_grows_the_index_and_finds_all() -> None:
    table = FlowTable(1 << 19, seed=3)
    for first in range(0, 200_000, 20_000):
        table.update(*batch(many(20_000, first)))
    assert table.active() == 200_000
    assert table.stats()["flow.memcap"] == 0
    again = table.update(*batch(many(5_000, 100_000)))
    assert (again.first == 0).all()


def test_memuse_is_the_bytes_of_the_arrays() -> None:
    count = 4096
    table = FlowTable(count)
    table.update(*batch(many(count)))
    arrays = table._arrays
    real = sum(column.nbytes for column in arrays if column is not arrays.numbers)
    real -= arrays.timeouts.nbytes + arrays.secret.nbytes
    assert table.memory() == real == table.stats()["flow.memuse"]
    assert table.memory() <= 200 * count + sum(
        part.nbytes for part in (arrays.evicted, arrays.entries, arrays.fins)
    )


def test_memory_grows_with_the_flows_and_not_with_the_limit() -> None:
    small, large = FlowTable(1 << 18), FlowTable(1 << 22)
    assert large.memory() - small.memory() < 1 << 20
    before = large.memory()
    large.update(*batch(many(1000)))
    assert large.memory() - before == 1000 * (RECORD_SIZE + 8)


def test_close_all_hands_out_everything_once() -> None:
    table = FlowTable(64)
    table.update(*batch(many(30)))
    assert len(table.close_all()) == 30
    assert len(table.close_all()) == table.active() == 0
    flows = table.update(*batch(many(30)))
    assert (flows.first & 1).all()


def test_get_finds_live_flows_by_id_alone() -> None:
    table = FlowTable(64)
    table.update(*batch(many(5)))
    found = table.get(3)
    assert found is not None
    assert (int(found["flow_id"][0]), int(found["slot"][0])) == (3, 2)
    assert table.get(0) is table.get(99) is None
    table.close_all()
    assert table.get(3) is None


def test_the_latest_flows_are_shown_first() -> None:
    table = FlowTable(64)
    table.update(*batch(many(30)))
    assert sorted(table.columns(4)["last_ns"].tolist()) == [26, 27, 28, 29]
    where = np.zeros(10, np.bool_)
    where[[2, 5]] = True
    assert sorted(table.columns(4, where)["flow_id"].tolist()) == [3, 6]


@pytest.mark.parametrize("limit", [0, -1, 1 << 29])
def test_limits_that_make_no_sense(limit: int) -> None:
    with pytest.raises(ValueError, match="max_flows"):
        FlowTable(limit)


def added(table: FlowTable, capacity: int = 64) -> dict[int, tuple[int, ...]]:
    """Client port -> flows that began, packets, bytes to server, bytes to client."""
    facts = [fact for part in FactTable(capacity).collect(table.drain_touched(), Tally()) for fact in part]
    names = ("started", "pkts", "bytes_toserver", "bytes_toclient")
    assert all(fact["seen"] == 1 for fact in facts)
    return {int(fact["src_ip"][1]) & 0xFF: tuple(int(fact[name]) for name in names) for fact in facts}


@pytest.mark.parametrize("capacity", [1, 4, 64])
def test_touched_says_what_was_added_since_the_last_drain(capacity: int) -> None:
    table = FlowTable(64, SHORT)
    flows = many(10)
    table.update(*batch(flows))
    assert added(table, capacity) == dict.fromkeys(range(10), (1, 1, 100, 0))
    assert added(table) == {}
    table.update(*batch([flows[4], flows[4].back(length=77), flows[6]]))
    table.expire(100 * SECOND)  # they end before anybody asked
    table.update(*batch([]))
    assert added(table, capacity) == {4: (0, 2, 100, 77), 6: (0, 1, 100, 0)}


def test_a_slot_used_again_between_drains_counts_for_both_flows() -> None:
    table = FlowTable(1, SHORT)
    flows = many(3)
    table.update(*batch([flows[0]]))
    assert added(table) == {0: (1, 1, 100, 0)}
    for flow in (flows[0], flows[1], flows[2]):
        table.update(*batch([flow]))
    assert added(table) == {0: (0, 1, 100, 0), 2: (1, 1, 100, 0)}
    table.update(*batch([]))  # hands out what the last batch evicted
    assert added(table) == {1: (1, 1, 100, 0)}


def test_without_talkers_ended_flows_are_not_kept() -> None:
    table = FlowTable(64, SHORT, talkers=False)
    table.update(*batch(many(10)))
    table.expire(100 * SECOND)
    table.update(*batch([]))
    assert added(table) == {}
