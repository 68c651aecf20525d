"""What an engine publishes after one loop of the demo, and what it answers."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.engine.runs import answer, engine, order, reached, until
from vpi_tui.capture.demo import hosts
from vpi_tui.capture.demo.attacks import EXPECTED_SIDS
from vpi_tui.engine.child import EngineClient
from vpi_tui.feed.messages import AlertDetail, FlowDetail, GetAlert, GetFlow, Watch
from vpi_tui.flow.talkers import KINDS
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Snapshot
from vpi_tui.view.filters import parse
from vpi_tui.view.flow_table import FIELDS
from vpi_tui.view.flows import FlowTable
from vpi_tui.view.matrix import flows_filter

WINDOWS = ("10s", "1m", "10m", "all")


@pytest.fixture(scope="module")
def alerts(played: EngineClient) -> list[Alert]:
    snapshot = reached(played, "finished")
    found: list[Alert] = []
    until(lambda: found.extend(played.take_alerts()[0]) or len(found) == snapshot.stats["detect.alert"])  # type: ignore[func-returns-value]
    return found


def watched(client: EngineClient, watch: Watch) -> Snapshot:
    """The first snapshot that was made after the engine had taken the order."""
    client.send(watch)
    answer(client, GetFlow(1), FlowDetail)
    before = client.latest()
    assert before is not None
    return until(lambda: (s := client.latest()) is not None and s.seq > before.seq and s)  # type: ignore[no-any-return]


def test_guests_and_switches_are_those_of_the_demo(played: EngineClient) -> None:
    snapshot = reached(played, "finished")
    topology = hosts.topology()
    assert [s.name for s in snapshot.switches] == [s.name for s in topology.switches]
    assert {g.name: g.switch for g in snapshot.guests} == {g.name: g.switch for g in topology.guests}
    assert all(g.present and g.port and g.ips and g.macs and g.top_peer for g in snapshot.guests)
    assert sum(s.ports for s in snapshot.switches) == len(topology.ports)
    total = snapshot.total.counters
    assert total.bytes_in == sum(s.counters.bytes_in for s in snapshot.switches)
    assert 0 < total.inside_bytes < total.bytes_in
    assert total.pkts_in == sum(s.counters.pkts_in for s in snapshot.switches)
    assert total.pkts_in == snapshot.stats["decoder.pkts"] > 100_000, "each frame once, also without a flow"
    assert total.bytes_in == snapshot.stats["decoder.bytes"]


def test_alerts_are_counted_where_they_belong(played: EngineClient, alerts: list[Alert]) -> None:
    snapshot = reached(played, "finished")
    assert {a.sid for a in alerts if a.gid == 1} == EXPECTED_SIDS
    assert sum(snapshot.total.alerts) == len(alerts)
    for switch in snapshot.switches:
        mine = [a for a in alerts if a.switch == switch.name]
        assert switch.alerts == tuple(
            sum(min(a.priority, 3) == severity for a in mine) for severity in (1, 2, 3)
        )
    for guest in snapshot.guests:
        mine = [a for a in alerts if guest.name in (a.src_guest, a.dest_guest)]
        assert sum(guest.alerts) == len(mine)
        assert guest.last_alert == (mine[-1].msg if mine else "")
    assert {(r.gid, r.sid): r.hits for r in snapshot.rules if r.hits} == {
        key: sum((a.gid, a.sid) == key for a in alerts) for key in {(a.gid, a.sid) for a in alerts}
    }


def test_each_attack_is_laid_to_the_guest_that_it_was_staged_at(alerts: list[Alert]) -> None:
    """The six of the story: who did it, to whom."""
    parties = {(a.gid, a.sid): (a.src_guest, a.dest_guest) for a in alerts}
    assert parties[1, 9000300] == ("", "web-01"), "SQL injection from outside"
    assert parties[1, 9000100][0] == "web-01", "port scan by the web server"
    assert parties[1, 9000200] == ("", "jump-01"), "SSH guessing from outside"
    assert parties[1, 9000400] == ("web-01", "win-fs01"), "lateral movement over SMB"
    assert parties[1, 9000502][0] == "app-01", "DNS tunnel"
    assert parties[2, 1] == ("build-01", "hv-mgmt"), "ARP spoofing"


def test_statistics_have_their_eve_paths(played: EngineClient) -> None:
    stats = reached(played, "finished").stats
    assert stats["decoder.pkts"] > 100_000
    assert 0 < stats["engine.cpu_seconds"] < 600
    assert 50e6 < stats["engine.rss_bytes"] < 2e9
    assert stats["engine.pid"] == played.pid
    assert stats["feed.alerts_dropped"] == 0
    assert {
        f"stage.{name}.seconds" for name in ("capture", "decode", "flow", "attribute", "detect", "tick")
    } <= set(stats)


def test_talkers_and_protocols_follow_the_scope(played: EngineClient) -> None:
    everything = watched(played, Watch(interval=0.1))
    kinds = {(t.kind, t.window) for t in everything.talkers}
    assert kinds == set(product(KINDS, WINDOWS))
    guest = watched(played, Watch("guest:db-01", interval=0.1))
    for table in guest.talkers:
        if table.kind == "peer":
            assert all("db-01" in row.label for row in table.rows)
    assert 0 < sum(size for _, size in guest.protocols) < sum(size for _, size in everything.protocols)
    gone = watched(played, Watch("guest:nobody", interval=0.1))
    assert not any(table.rows for table in gone.talkers)


def test_flows_are_sent_when_watched_live_and_closed(played: EngineClient) -> None:
    without = watched(played, Watch(interval=0.1))
    assert (without.flows.count, without.has_flows, without.has_matrix) == (0, False, False)
    columns = watched(played, Watch(flows=True, interval=0.1)).flows
    table = FlowTable(columns)
    assert columns.count == columns.total > 2_000
    assert len(set(table["flow_id"].tolist())) == columns.count, "no flow is sent twice"
    states = set(table["state"].tolist())
    assert states == {0, 1, 2}
    switch = watched(played, Watch("switch:br-ops", True, interval=0.1)).flows
    assert {FlowTable(switch).names[n] for n in FlowTable(switch)["switch"].tolist()} == {"br-ops"}
    few = watched(played, Watch("guest:db-01", True, 50, 0.1)).flows
    rows = FlowTable(few)
    assert few.count == 50
    number = rows.names.index("db-01")
    assert ((rows["src_guest"] == number) | (rows["dest_guest"] == number)).all()
    assert np.all(rows["start_ns"] <= rows["end_ns"])


def test_a_flow_is_answered_with_its_alerts(played: EngineClient, alerts: list[Alert]) -> None:
    sql = next(a for a in alerts if a.sid == 9000300)
    detail = answer(played, GetFlow(sql.flow_id), FlowDetail)
    assert detail.flow is not None
    assert detail.flow.community_id == sql.community_id
    assert detail.flow.alerted
    assert sql in detail.alerts
    assert {a.flow_id for a in detail.alerts} == {sql.flow_id}


def test_an_alert_is_answered_with_rule_packet_and_flow(played: EngineClient, alerts: list[Alert]) -> None:
    sql = next(a for a in alerts if a.sid == 9000300)
    detail = answer(played, GetAlert(sql.number), AlertDetail)
    assert "9000300" in detail.rule
    assert "web-attack.yaml" in detail.origin
    assert b"UNION" in detail.frame or b"UNION" in detail.stream
    assert detail.flow is not None
    assert detail.flow.flow_id == sql.flow_id
    assert detail.reason == ""


def test_an_alert_without_a_flow_is_placed_by_its_ends(played: EngineClient, alerts: list[Alert]) -> None:
    arp = next(a for a in alerts if (a.gid, a.sid) == (2, 1))
    assert (arp.flow_id, arp.src_guest, arp.dest_guest, arp.locality) == (
        0,
        "build-01",
        "hv-mgmt",
        "east-west",
    )
    assert answer(played, GetAlert(arp.number), AlertDetail).origin == "built in"


def test_evidence_that_made_room_is_said_to_be_gone(demo_file: Path) -> None:
    with engine(order("replay", files=(str(demo_file),), speed=0.0, evidence_memory=2_000)) as client:
        newest = int(reached(client, "finished").stats["detect.alert"])
        gone = answer(client, GetAlert(1), AlertDetail)
        assert gone.frame == b""
        assert "no longer kept" in gone.reason
        never = answer(client, GetAlert(newest + 1), AlertDetail)
        assert "no alert" in never.reason
        assert answer(client, GetAlert(newest), AlertDetail).reason == ""


def test_time_goes_on_while_nothing_comes(played: EngineClient) -> None:
    """An engine that has nothing to do does next to nothing."""
    before = reached(played, "finished").stats["engine.cpu_seconds"]
    played.send(Watch())
    time.sleep(2)
    after = until(lambda: (s := played.latest()) is not None and s)
    assert after.stats["engine.cpu_seconds"] - before < 0.2


def test_each_flow_is_one_of_the_flows_of_just_one_pair(played: EngineClient) -> None:
    """What Enter on the Matrix asks the Flows screen for, for all pairs of guests, the world and groups."""
    reached(played, "finished")
    snapshot = watched(played, Watch(flows=True, interval=0.1, matrix=True, matrix_window="all"))
    assert snapshot.has_flows
    assert snapshot.has_matrix
    flows = FlowTable(snapshot.flows)
    pairs = {(pair.src, pair.dest) for pair in snapshot.matrix}
    assert {dest for _, dest in pairs} > {"world", "multicast"}
    times = np.zeros(len(flows), np.int64)
    for src, dest in sorted(pairs):
        found = flows.mask(parse(flows_filter(src, dest), FIELDS))
        assert found is not None
        assert found.any(), (src, dest)
        times += found
    assert (times == 1).all()
