"""Talkers and counters beside sums made by hand."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace

import pytest

from tests.flow.rows import ACK, SECOND, Seg, batch
from vpi_tui.flow.table import FlowTable, FlowTimeouts
from vpi_tui.flow.talkers import Names, Talkers, proto_name
from vpi_tui.flow.windows import ALL_TIME_LIMIT, SPANS
from vpi_tui.inventory.attribute import Attributor
from vpi_tui.model.snapshot import Counters, TalkerKind, Window
from vpi_tui.model.topology import Guest, Switch, Topology

GUESTS = {"10.0.0.1": "web", "10.0.0.2": "db"}
TOPOLOGY = Topology(
    switches=(Switch("br0", "bridge"),),
    guests=tuple(Guest(name, "br0", ips=(ip,)) for ip, name in GUESTS.items()),
)
NAMES = Names(("br0",), ("web", "db"))
BUCKETS: dict[Window, tuple[int, int]] = {name: (span.seconds, span.count) for name, span in SPANS.items()}
WINDOWS: list[Window] = [*BUCKETS, "all"]
KINDS: list[TalkerKind] = ["guest", "peer", "port", "application"]


@dataclass(frozen=True)
class Packet:
    """One row, and the tick that counted it."""

    seg: Seg
    client: Seg
    """The row that opened its flow."""
    tick_ns: int


def labels(kind: TalkerKind, packet: Packet) -> set[str]:
    """The lines of a list that a packet counts in."""
    client = packet.client
    source, dest = GUESTS.get(client.src, client.src), GUESTS.get(client.dst, client.dst)
    if kind in ("guest", "peer") and client.tunnel:
        return set()
    if kind == "guest":
        return {source, dest}
    if kind == "peer":
        return {f"{source} > {dest}"}
    if kind == "port":
        return (
            {f"{proto_name(client.proto)}/{client.dport}"}
            if client.proto in (6, 17) and client.dport
            else set()
        )
    return {"http"} if client.dport == 80 and client.proto == 6 else {proto_name(client.proto)}


def in_window(packet: Packet, window: Window, now_ns: int) -> bool:
    if window == "all":
        return True
    seconds, count = BUCKETS[window]
    return packet.tick_ns // (seconds * SECOND) > now_ns // (seconds * SECOND) - count


def naive_top(
    kind: TalkerKind, window: Window, packets: list[Packet], now_ns: int
) -> dict[str, tuple[int, int]]:
    """Line -> (packets, bytes)."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for packet in packets:
        if in_window(packet, window, now_ns):
            size = packet.seg.length - (14 if packet.seg.tunnel else 0)
            for label in labels(kind, packet):
                sums[label][0] += 1
                sums[label][1] += size
    return {label: (pkts, size) for label, (pkts, size) in sums.items()}


def random_flow(rng: random.Random) -> Seg:
    proto = rng.choice((6, 6, 17, 1))
    src = rng.choice(["10.0.0.1", "10.0.0.2", "198.51.100.1", "2001:db8::7"])
    dst = "2001:db8::8" if ":" in src else rng.choice(["10.0.0.1", "10.0.0.2", "203.0.113.9"])
    web = proto == 6 and rng.random() < 0.5
    return Seg(
        src=src,
        dst=dst,
        sport=rng.randint(1024, 60000) if proto != 1 else 8,
        dport=80 if web else (443 if proto != 1 else 0),
        proto=proto,
        flags=ACK,
        tunnel=rng.choice((0, 0, 0, 2 << 24 | 9)),
        payload=b"GET / HTTP/1.1\r\n" if web else 0,
    )


class Traffic:
    """Random flows; gives the rows of one tick with the row that opened their flow."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._flows: list[Seg] = []

    def rows(self, now_ns: int) -> list[tuple[Seg, Seg]]:
        rng, rows = self._rng, []
        for _ in range(rng.randint(0, 6)):
            if not self._flows or rng.random() < 0.4:
                self._flows.append(random_flow(rng))
                opener = row = self._flows[-1]
            else:
                opener = rng.choice(self._flows[-8:])
                row = rng.choice((opener, opener.back(payload=0)))
            rows.append((replace(row, ts_ns=now_ns, length=rng.randint(60, 1500)), opener))
        return rows


@pytest.mark.parametrize("seed", range(6))
def test_every_list_and_window_is_the_sum_of_its_packets(seed: int) -> None:
    rng = random.Random(seed)
    table, talkers = FlowTable(4096, FlowTimeouts(*[10**6] * 9)), Talkers()
    attributor, traffic = Attributor(TOPOLOGY), Traffic(rng)
    packets: list[Packet] = []
    now = 1_700_000_000 * SECOND
    for _ in range(60):
        now += rng.choice((SECOND // 3, SECOND, 2 * SECOND, 20 * SECOND))
        rows = traffic.rows(now)
        attributor.attribute(table.update(*batch([seg for seg, _ in rows])), table.records)
        packets += [Packet(seg, opener, now) for seg, opener in rows]
        talkers.tick(table, now)
        for window in WINDOWS:
            for kind in KINDS:
                got = talkers.top(kind, window, k=1000, names=NAMES)
                told = {row.label: (row.pkts, row.bytes) for row in got.rows}
                assert told == naive_top(kind, window, packets, now), (kind, window)
                sizes = [row.bytes for row in got.rows]
                assert sizes == sorted(sizes, reverse=True)
                outer = [p.seg.length for p in packets if in_window(p, window, now) and not p.client.tunnel]
                assert got.total_bytes == sum(outer)


def talkers_of(*rows: Seg, ticks: int = 1) -> Talkers:
    """All rows again in each of some ticks, a second apart."""
    table, talkers = FlowTable(1 << 15), Talkers()
    attributor = Attributor(TOPOLOGY)
    for tick in range(ticks):
        now = (100 + tick) * SECOND
        flows = table.update(*batch([replace(row, ts_ns=now) for row in rows]))
        attributor.attribute(flows, table.records)
        talkers.tick(table, now)
    return talkers


EAST_WEST = Seg(src="10.0.0.1", dst="10.0.0.2", length=100)
NORTH_SOUTH = Seg(src="10.0.0.2", dst="203.0.113.9", dport=53, proto=17, length=40)


def test_counters_of_guests_switches_and_all() -> None:
    tally = talkers_of(EAST_WEST, EAST_WEST.back(length=300), NORTH_SOUTH, ticks=2).tally
    assert tally.guests.get(0) == Counters(2, 2, 200, 600, 800)
    assert tally.guests.get(1) == Counters(4, 2, 680, 200, 800)
    assert tally.switches.get(0) == Counters(6, 0, 880, 0, 800)
    assert tally.guests.get(7) == tally.guests.get(-1) == Counters()


def test_what_a_guest_and_the_host_exchange_stays_inside() -> None:
    table, talkers = FlowTable(64), Talkers()
    attributor = Attributor(replace(TOPOLOGY, host_ips=("10.0.0.254",)))
    rows = [replace(EAST_WEST, dst="10.0.0.254"), replace(NORTH_SOUTH, src="10.0.0.254"), EAST_WEST]
    attributor.attribute(table.update(*batch(rows)), table.records)
    talkers.tick(table, SECOND)
    assert talkers.tally.total() == Counters(3, 0, 240, 0, 200)


def test_guests_that_move_in_the_topology_keep_what_they_said() -> None:
    table, talkers = FlowTable(64), Talkers()
    talkers.follow(NAMES.guests, (False,))
    Attributor(TOPOLOGY).attribute(table.update(*batch([EAST_WEST, NORTH_SOUTH])), table.records)
    talkers.tick(table, SECOND)
    said = [talkers.tally.guests.get(number) for number in (0, 1)]
    lines = {kind: talkers.top(kind, "10s", names=NAMES).rows for kind in KINDS}
    assert talkers.moves(("new", "db", "web"))
    for guests in (("new", "db", "web"), ("db", "new", "web"), ("web", "db")):
        talkers.follow(guests, (False,))
        assert [talkers.tally.guests.get(guests.index(name)) for name in ("web", "db")] == said
        for kind, before in lines.items():
            assert talkers.top(kind, "10s", names=Names(("br0",), guests)).rows == before
    assert not talkers.moves(("web", "db", "mail"))
    assert not talkers.moves(("fe80::1", "db")), "it has another name"
    talkers.follow(("fe80::1", "db"), (False,))
    assert talkers.tally.guests.get(0) == said[0]
    talkers.follow(("web", "db"), (False,))
    talkers.follow(("db",), (False,))
    assert talkers.tally.guests.get(0) == said[1]
    gone = {row.label for row in talkers.top("guest", "10s", names=Names(("br0",), ("db",))).rows}
    assert "db" in gone
    assert "10.0.0.1" in gone


@pytest.mark.parametrize("closed", [True, False])
def test_where_there_is_no_uplink_what_is_for_all_stays_inside(closed: bool) -> None:
    """What goes to an address elsewhere is routed by the host: it leaves all the same."""
    table, talkers = FlowTable(64), Talkers()
    talkers.follow(NAMES.guests, (closed,))
    attributor = Attributor(replace(TOPOLOGY, host_ips=("10.0.0.254",)))
    everyone = Seg(src="10.0.0.1", dst="224.0.0.251", dport=5353, proto=17, length=60)
    rows = [everyone, replace(everyone, src="10.0.0.254", length=70), EAST_WEST, NORTH_SOUTH]
    flows, records = table.update(*batch(rows)), table.records
    records["dest_mac"][records["dest_port"] == 5353] = 0x01005E0000FB
    attributor.attribute(flows, records)
    talkers.tick(table, SECOND)
    talkers.tally.add_without_flow(0, 1, 2, 84)
    talkers.tally.add_without_flow(-1, -1, 1, 42)
    staying = 60 + 70 + 84 if closed else 0
    tally = talkers.tally
    assert tally.total() == Counters(7, 0, 396, 0, 100 + staying)
    assert tally.switches.get(0) == Counters(6, 0, 354, 0, 100 + staying)
    assert tally.guests.get(0).inside_bytes == 100 + (60 if closed else 0)
    assert tally.guests.get(1).inside_bytes == 100 + (84 if closed else 0)


def test_what_is_inside_a_tunnel_is_counted_once() -> None:
    tally = talkers_of(EAST_WEST, replace(EAST_WEST, sport=1, tunnel=1 << 24)).tally
    assert tally.switches.get(0).bytes_in == 100


def test_flows_are_counted_as_flows_however_often_they_are_seen() -> None:
    rows = [replace(EAST_WEST, sport=port) for port in range(5)]
    (row,) = talkers_of(*rows, ticks=3).top("peer", "all", names=NAMES).rows
    assert (row.label, row.pkts, row.flows) == ("web > db", 15, 5)


def test_scope_narrows_to_a_switch_or_a_guest() -> None:
    talkers = talkers_of(EAST_WEST, NORTH_SOUTH)
    assert {row.label for row in talkers.top("peer", "all", names=NAMES).rows} == {
        "web > db",
        "db > 203.0.113.9",
    }
    mine = talkers.top("peer", "all", scope_guest=0, names=NAMES)
    assert [row.label for row in mine.rows] == ["web > db"]
    assert mine.total_bytes == 100
    assert talkers.top("peer", "all", scope_switch=1).rows == ()


def test_protocols_since_the_start() -> None:
    web = replace(EAST_WEST, payload=b"GET / HTTP/1.1\r\n", flags=ACK)
    assert talkers_of(web, NORTH_SOUTH, ticks=2).protocols() == (("http", 200), ("udp", 80))


def test_time_that_runs_backwards_counts_in_the_newest_bucket() -> None:
    table, talkers = FlowTable(64), Talkers()
    for now in (100 * SECOND, 40 * SECOND):
        table.update(*batch([EAST_WEST]))
        talkers.tick(table, now)
    assert talkers.top("guest", "10s").total_bytes == 200


def test_more_ends_than_are_kept_are_counted_as_dropped() -> None:
    count = ALL_TIME_LIMIT + 100
    small = [Seg(src=f"10.1.{n >> 8}.{n & 255}", length=60) for n in range(count)]
    talkers = talkers_of(*small, replace(EAST_WEST, length=9000), ticks=9)
    rows = talkers.top("peer", "all", k=count + 1, names=NAMES).rows
    assert rows[0].label == "web > db"
    assert rows[0].bytes == 9 * 9000
    assert len(rows) <= 2 * ALL_TIME_LIMIT
    assert talkers.stats()["talkers.keys_dropped"] > 0
