"""The overview's figures and tree, and the wall of panes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.model.coverage import PortCoverage, Verdict
from vpi_tui.model.snapshot import Talker, TalkerTable
from vpi_tui.view.escape import is_safe
from vpi_tui.view.history import History
from vpi_tui.view.humanize import bit_rate
from vpi_tui.view.overview import (
    SPARK_POINTS,
    east_west,
    protocol_mix,
    talker_rows,
    talkers,
    traffic,
    tree,
)
from vpi_tui.view.scope import ALL, Scope, absence, counters_of, exists
from vpi_tui.view.switches import grid, panes

from .samples import HOSTILE, NS, START, counters, guest, snapshot, switch

PICTURE = snapshot(
    total=switch("all", counters=counters(bytes_in=1000, inside_bytes=250), alerts=(1, 0, 0)),
    switches=(switch("br0", alerts=(1, 0, 0), coverage="seen"), switch("br1")),
    guests=(
        guest("web", counters=counters(bytes_in=300, bytes_out=100, inside_bytes=100), alerts=(1, 0, 0)),
        guest("db", present=False, counters=counters(pkts_in=1)),
        guest("dns", "br1"),
        guest("lost", "gone"),
    ),
)


def history(*pictures: object) -> History:
    kept = History()
    for picture in pictures:
        kept.add(picture)
    return kept


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 10**12)), max_size=8), st.integers(2, 6)
)
def test_the_mix_is_a_whole(given_protocols, most):
    ranked = tuple(sorted(given_protocols, key=lambda p: -p[1]))
    mix = protocol_mix(snapshot(protocols=ranked), most)
    whole = sum(amount for _, amount in ranked)
    assert len(mix) <= most
    assert sum(row.bytes for row in mix) == whole
    assert sum(row.share for row in mix) == pytest.approx(1.0 if whole else 0.0)
    assert [row.bytes for row in mix if row.name != "other"] == [a for _, a in ranked if a][
        : len(mix) - any(row.name == "other" for row in mix)
    ]


def test_the_share_that_never_left_the_host():
    assert (east_west(PICTURE, ALL).bytes, east_west(PICTURE, ALL).share) == (250, 0.25)
    assert east_west(PICTURE, Scope("guest", "web")).share == 0.25
    assert east_west(PICTURE, Scope("guest", "nobody")).share == 0.0


def test_talkers():
    table = TalkerTable(
        "port", "1m", (Talker("tcp/443", "br0", "", 10, 1500, 2), Talker("udp/53", "", "", 5, 500, 5)), 4000
    )
    picture = snapshot(talkers=(table,))
    assert talkers(picture, "guest", "1m") is None
    assert len(talker_rows(None, 5)) == 0
    rows = talker_rows(talkers(picture, "port", "1m"), 1)
    assert len(rows) == 1
    assert rows.row(0) == (("tcp/443", "protocol"), "38%", "1.50 kB", "10", "2")
    assert rows.find(("port", "tcp/443")) == 0


def test_the_tree():
    nodes = tree(PICTURE, history(PICTURE))
    assert [(n.depth, n.key) for n in nodes] == [
        (0, ""),
        (1, "switch:br0"),
        (2, "guest:web"),
        (2, "guest:db"),
        (1, "switch:br1"),
        (2, "guest:dns"),
        (1, "guest:lost"),
    ]
    by_key = {node.key: node for node in nodes}
    assert (by_key["guest:db"].name, by_key["guest:db"].rate) == ("db", "gone")
    assert absence(guest("mail", state="shut off")) == "shut off"
    mail = guest("mail", state="running", counters=counters(pkts_in=1))
    assert absence(mail) == "gone", "its port went away without its manager"
    assert absence(guest("mail")) == "not seen"
    assert by_key["guest:web"].alerts == (1, 0, 0)
    assert [node.key for node in nodes if node.last] == ["guest:db", "guest:dns", "guest:lost"]
    assert all(len(node.spark) == SPARK_POINTS for node in nodes)
    assert by_key["switch:br0"].expanded
    assert by_key["guest:web"].expanded is None


def test_what_nobody_watches_stands_in_the_tree_too():
    ports = (
        PortCoverage("br0", "vnet1", "web", Verdict.SEEN, "Seen."),
        PortCoverage("br0", "vnet7", "left-out", Verdict.ONE_WAY, "Half."),
        PortCoverage("br9", "vnet8", "legacy", Verdict.UNKNOWN, "Silent."),
        PortCoverage("br9", "vnet9", "", Verdict.BLIND, "Not watched."),
    )
    picture = replace(PICTURE, coverage=ports)
    nodes = {node.key: node for node in tree(picture, history(picture))}
    left_out, legacy, switch_9 = (nodes[k] for k in ("guest:left-out", "guest:legacy", "switch:br9"))
    assert {n.rate for n in (left_out, legacy, switch_9)} == {"unwatched"}
    assert (left_out.coverage, legacy.coverage, switch_9.coverage) == ("one-way", "unknown", "blind")
    assert nodes["guest:web"].rate != "unwatched"
    assert len(nodes) == len(tree(PICTURE, history(PICTURE))) + 3
    assert exists(picture, Scope("switch", "br9"))
    assert exists(picture, Scope("guest", "legacy"))
    assert not exists(PICTURE, Scope("switch", "br9"))
    assert counters_of(picture, Scope("switch", "br9")) == counters()
    assert counters_of(PICTURE, Scope("switch", "gone")) == counters()


def test_a_folded_switch_hides_its_guests():
    nodes = tree(PICTURE, history(PICTURE), folded={"switch:br0"})
    assert "guest:web" not in {node.key for node in nodes}
    assert [node.expanded for node in nodes if node.key == "switch:br0"] == [False]


def test_rates_stand_beside_the_names():
    later = snapshot(
        taken_ns=START + 2 * NS,
        guests=(guest("web", counters=counters(bytes_in=250_300, bytes_out=100, inside_bytes=100)),),
    )
    nodes = {node.key: node for node in tree(later, history(PICTURE, later))}
    assert nodes["guest:web"].rate == "1.00 Mb/s"
    assert nodes[""].rate == "-"


def test_the_tree_and_the_curves_tell_the_same_rate():
    burst = [
        snapshot(taken_ns=START + n * NS, total=switch("all", counters=counters(bytes_in=size)))
        for n, size in enumerate((0, 1_000_000, 1_001_000))
    ]
    kept = history(*burst)
    told = traffic(kept, ALL, 10).now
    assert sum(told) > 1000
    assert tree(burst[-1], kept)[0].rate == bit_rate(sum(told))


# The wall -------------------------------------------------------------------------------------


def test_panes_of_switches():
    first, second = panes(PICTURE, history(PICTURE), 12, by_guest=False)
    assert (first.key, first.title, first.coverage, first.alerts) == ("switch:br0", "br0", "seen", (1, 0, 0))
    assert dict(first.lines)["guests"] == "1 on 2 ports"
    assert dict(second.lines)["busiest"] == "dns"
    assert dict(second.lines)["alert"] == "none"
    assert len(first.traffic.upper) == 12
    assert [p.key for p in panes(PICTURE, history(), 3, by_guest=False, scope=Scope("switch", "br1"))] == [
        "switch:br1"
    ]


def test_the_curves_of_a_switch_are_what_its_rates_say():
    """What stayed on the host above what left it; for a guest what it sent above what it received."""
    sizes = [(1_000 * n, 100 * n) for n in range(20)]
    kept = history(
        *(
            snapshot(
                taken_ns=START + n * NS,
                switches=(switch("br0", counters=counters(bytes_in=all_of_it, inside_bytes=inside)),),
                guests=(guest("web", counters=counters(bytes_in=all_of_it, bytes_out=inside)),),
            )
            for n, (all_of_it, inside) in enumerate(sizes)
        )
    )
    shown = snapshot(switches=(switch("br0"),), guests=(guest("web"),))
    (of_switch,) = panes(shown, kept, 8, by_guest=False)
    (of_guest,) = panes(shown, kept, 8, by_guest=True)
    for pane, upper, lower in ((of_switch, 100, 900), (of_guest, 1_000, 100)):
        told = pane.traffic
        assert told.now == (upper, lower)
        assert set(told.upper) == {8.0 * upper}
        assert set(told.lower) == {8.0 * lower}


def test_a_sensor_shows_guests_of_switches_that_are_not_watched():
    guests = (guest("web", "ovs0"), guest("db", "ovs0", present=False), guest("dns", "br0"))
    span = switch("span0", kind="interface", ports=1)
    bridge = switch("br0", ports=1)
    at_span, at_bridge = panes(snapshot(switches=(span, bridge), guests=guests), history(), 3, by_guest=False)
    assert (dict(at_span.lines)["guests"], dict(at_span.lines)["busiest"]) == ("1 active", "web")
    assert dict(at_bridge.lines)["guests"] == "1 on 1 port"
    two = snapshot(switches=(span, switch("span1", kind="interface")), guests=guests)
    assert dict(panes(two, history(), 3, by_guest=False)[0].lines)["guests"] == "0 active"


def test_the_worst_alert_is_told():
    guests = (
        guest("a", alerts=(0, 5, 0), last_alert="medium one"),
        guest("b", alerts=(1, 0, 0), last_alert="high one"),
    )
    (pane,) = panes(snapshot(switches=(switch("br0"),), guests=guests), history(), 3, by_guest=False)
    assert dict(pane.lines)["alert"] == "b: high one"


def test_panes_of_guests_the_busiest_first():
    later = snapshot(
        taken_ns=START + NS,
        guests=tuple(
            guest(n, counters=counters(bytes_in=b)) for n, b in (("idle", 0), ("busy", 900), ("some", 90))
        ),
    )
    earlier = snapshot(guests=tuple(guest(n) for n in ("idle", "busy", "some")))
    shown = panes(later, history(earlier, later), 4, by_guest=True)
    assert [pane.title for pane in shown] == ["busy", "some", "idle"]
    assert shown[0].lines == (("on", "br0 tap-busy"), ("peer", "-"), ("alert", "none"))
    assert len(panes(later, history(earlier, later), 4, by_guest=True, limit=2)) == 2
    assert [p.title for p in panes(later, history(), 4, by_guest=True, scope=Scope("guest", "some"))] == [
        "some"
    ]


@given(st.integers(0, 300), st.integers(1, 400), st.integers(1, 120))
def test_the_grid_fits_whenever_it_can(count, width, height):
    columns, pane_width, pane_height = grid(count, width, height)
    assert columns >= 1
    if count and width >= 36:
        assert columns * pane_width + columns - 1 <= width
        assert pane_width >= 36
        assert columns <= count
        assert pane_height >= 7
        rows = -(-count // columns)
        possible = any(
            -(-count // c) * 8 - 1 <= height for c in range(1, width // 36 + 1) if (width - c + 1) // c >= 36
        )
        if possible:
            assert rows * pane_height + rows - 1 <= height


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_is_shown(text):
    picture = snapshot(
        switches=(switch(text, kind=text),),
        guests=(guest(text, text, port=text, last_alert=text, top_peer=text),),
        protocols=((text, 5),),
        talkers=(TalkerTable("peer", "all", (Talker(text, text, text, 1, 1, 1),), 1),),
    )
    kept = history(picture)
    shown = [node.name for node in tree(picture, kept)]
    for by_guest in (False, True):
        for pane in panes(picture, kept, 3, by_guest=by_guest):
            shown += [pane.title, pane.kind, *(line for _, line in pane.lines)]
    shown += [row.name for row in protocol_mix(picture)]
    shown += [talker_rows(picture.talkers[0], 1).row(0)[0][0]]
    assert all(is_safe(part) and len(part) < 300 for part in shown)


def test_a_switch_that_is_only_named_tells_how_many_of_its_guests_were_seen():
    guests = (guest("web", "br-prod"), guest("db", "br-prod", present=False))
    named = snapshot(switches=(switch("br-prod", kind="elsewhere", ports=0),), guests=guests)
    assert dict(panes(named, history(), 3, by_guest=False)[0].lines)["guests"] == "1 of 2 active"


def test_a_sensor_of_which_all_guests_are_on_switches_elsewhere_says_so():
    guests = (guest("web", "br-prod"), guest("db", "br-prod", present=False), guest("dns", "br0"))
    shown = (switch("span0", kind="interface", ports=1), switch("br-prod", ports=0), switch("br0", ports=1))
    at_span = panes(snapshot(switches=shown, guests=guests), history(), 3, by_guest=False)[0]
    assert dict(at_span.lines)["guests"] == "1 active, of switches elsewhere"


def test_of_a_capture_nobody_knows_what_a_wire_would_have_seen():
    switches = (switch("br0", counters=counters(bytes_in=1000, inside_bytes=250)),)
    for mode, said in (("replay", "passed between hosts of this capture"), ("live", "never left this host")):
        (pane,) = panes(snapshot(switches=switches, mode=mode), history(), 3, by_guest=False)
        assert dict(pane.lines)["inside"] == f"25% of 1.00 kB {said}"
