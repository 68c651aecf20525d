"""The inbox: grouping, what the operator says of a group, bounds, filters, rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.view import filters
from vpi_tui.view.alerts import FIELDS, Inbox, inbox_rows, other, parties, select, subject
from vpi_tui.view.escape import is_safe
from vpi_tui.view.scope import Scope

from .samples import HOSTILE, NS, START, alert

MARKS = ("!", "*", ".")


def inbox(*alerts: object, **bounds: int) -> Inbox:
    box = Inbox(**bounds)
    box.add(alerts)
    return box


def names(groups: object) -> list[str]:
    return [group.key[2] for group in groups]


def test_one_signature_about_one_guest_is_one_group():
    box = inbox(
        alert(1),
        alert(2, dest_guest="db-2", dest_ip="10.0.0.3"),
        alert(3, sid=5),
        alert(4, src_guest="", src_ip="203.0.113.9", dest_guest="web-1"),
        alert(5, src_guest="", dest_guest="", src_ip="203.0.113.9"),
    )
    assert len(box) == 3
    first = box.get((1, 9000100, "web-1"))
    assert (first.count, first.first_ns, first.last_ns) == (3, START + NS, START + 4 * NS)
    assert list(first.peers) == ["db-1", "db-2", "203.0.113.9"]
    assert box.get((1, 9000100, "203.0.113.9")).count == 1
    assert box.total == 5


@pytest.mark.parametrize(
    ("src", "dest", "about", "peer"),
    [
        ("web", "db", "web", "db"),
        ("web", "", "web", "10.0.0.2"),
        ("", "db", "db", "10.0.0.1"),
        ("", "", "10.0.0.1", "10.0.0.2"),
    ],
)
def test_who_it_is_about(src, dest, about, peer):
    raised = alert(src_guest=src, dest_guest=dest)
    assert (subject(raised), other(raised)) == (about, peer)
    sign = "<" if dest and not src else ">"
    assert parties(inbox(raised).groups()[0]) == f"{about} {sign} {peer}"


def test_acknowledging_and_what_comes_later():
    box = inbox(alert(1), alert(2))
    key = box.groups()[0].key
    assert "acknowledged 2" in box.acknowledge(key)
    assert select(box) == []
    assert len(select(box, acknowledged=True)) == 1
    assert box.open_by_severity() == (0, 0, 0)
    box.add([alert(3)])
    assert select(box)[0].open == 1
    assert box.open_by_severity() == (0, 1, 0)
    box.acknowledge(key)
    assert "opened again" in box.acknowledge(key)
    assert box.groups()[0].open == 3
    assert box.acknowledge((1, 1, "nobody")) == "No alert is chosen."


def test_notes():
    box = inbox(alert())
    key = box.groups()[0].key
    assert "kept" in box.annotate(key, "  known scanner  " + "x" * 9_999)
    assert box.groups()[0].note.startswith("known scanner")
    assert len(box.groups()[0].note) == 500
    assert names(select(box, wanted=filters.parse("is:noted", FIELDS))) == ["web-1"]
    assert names(select(box, wanted=filters.parse("scanner", FIELDS))) == ["web-1"]
    assert "removed" in box.annotate(key, "  ")
    assert select(box, wanted=filters.parse("is:noted", FIELDS)) == []


@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["a", "b", "c", ""])), max_size=120))
def test_bounds_hold_and_everything_is_counted(raised):
    box = Inbox(most_alerts=20, most_groups=6)
    for number, (sid, guest) in enumerate(raised, 1):
        box.add([alert(number, sid=sid, src_guest=guest)])
        assert len(box) <= 6
        assert box.kept <= 20 + 6
    assert box.total == len(raised)
    assert sum(group.count for group in box.groups()) <= box.total
    for group in box.groups():
        assert group.kept[-1] is group.newest


def test_peers_of_a_group_are_bounded():
    box = inbox(*(alert(n, dest_guest="", dest_ip=f"10.{n >> 8}.{n & 255}.1") for n in range(1, 2000)))
    (group,) = box.groups()
    assert group.count == 1999
    assert list(group.peers) == [f"10.{n >> 8}.{n & 255}.1" for n in range(1968, 2000)], "the newest stay"


def test_the_group_that_was_quiet_longest_makes_room():
    box = inbox(alert(1, sid=1), alert(2, sid=2), alert(3, sid=1), alert(4, sid=3), most_groups=2)
    assert [group.key[1] for group in box.groups()] == [3, 1]


def test_what_the_engine_dropped_is_remembered():
    box = Inbox()
    box.add([alert()], dropped=5)
    box.add([alert(2)], dropped=3)
    assert box.dropped == 5
    box.clear()
    assert (box.total, box.dropped, len(box), box.kept) == (0, 0, 0, 0)


BOX = inbox(
    alert(1, priority=3, sid=1, src_guest="low"),
    alert(2, priority=1, sid=2, src_guest="high", technique="T1190", switch="br1"),
    alert(3, priority=2, sid=3, src_guest="mid", src_ip="192.168.7.7"),
    alert(4, priority=2, sid=3, src_guest="mid", src_ip="192.168.7.7"),
)


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        ("severity", ["high", "mid", "low"]),
        ("last", ["mid", "high", "low"]),
        ("count", ["mid", "high", "low"]),
        ("first", ["mid", "high", "low"]),
        ("guest", ["mid", "low", "high"]),
        ("nonsense", ["mid", "high", "low"]),
    ],
)
def test_order(sort, wanted):
    assert names(select(BOX, sort=sort)) == wanted
    assert names(select(BOX, sort=sort, descending=False)) == wanted[::-1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sev:high", {"high"}),
        ("sev:1-2", {"high", "mid"}),
        ("tech:t1190", {"high"}),
        ("net:192.168.0.0/16", {"mid"}),
        ("src:192.168", {"mid"}),
        ("guest:db-1 !guest:low", {"high", "mid"}),
        ("sid:3", {"mid"}),
        ("port:443", {"high", "mid", "low"}),
        ("switch:br1", {"high"}),
        ("scan", {"high", "mid", "low"}),
        ("is:acked", set()),
        ("pack:recon app:tls", {"high", "mid", "low"}),
    ],
)
def test_filters(text, found):
    assert set(names(select(BOX, wanted=filters.parse(text, FIELDS)))) == found


def test_scope():
    assert names(select(BOX, scope=Scope("switch", "br1"))) == ["high"]
    assert names(select(BOX, scope=Scope("guest", "mid"))) == ["mid"]
    assert set(names(select(BOX, scope=Scope("guest", "db-1")))) == {"high", "mid", "low"}
    assert BOX.open_by_severity(Scope("guest", "mid")) == (0, 2, 0)


def test_rows_say_it_all():
    rows = inbox_rows(select(BOX), MARKS, START + 64 * NS)
    assert rows.find((1, 2, "high")) == 0
    cells = [cell if isinstance(cell, str) else cell[0] for cell in rows.row(0)]
    assert cells == [
        "! high",
        "1",
        "RECON port scan",
        "high > db-1",
        "1m 02s",
        "T1190",
        "14:13:22",
        "14:13:22",
        "open",
    ]


def test_only_rows_that_are_looked_at_are_made():
    """A flood opens groups by the thousand; a terminal shows some twenty of them."""
    many = inbox(*(alert(n, sid=n, src_guest=f"guest-{n}") for n in range(1, 500)))
    groups = select(many)
    made = []
    rows = inbox_rows(groups, MARKS, START, off=Watched(made))
    assert len(rows) == 499
    assert rows.find(groups[400].key) == 400
    assert not made
    rows.row(7)
    assert made == [groups[7].key[:2]]


class Watched:
    """A set of rules that notes what it is asked for."""

    def __init__(self, asked):
        self.asked = asked

    def __contains__(self, key):
        self.asked.append(key)
        return False


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_reaches_a_cell(text):
    box = inbox(
        alert(1, src_guest=text, msg=text, technique=text),
        alert(2, sid=2, src_guest="", dest_guest="", src_ip=text, dest_ip=text),
    )
    for group in box.groups():
        box.annotate(group.key, text)
    rows = inbox_rows(select(box), MARKS, START)
    for index in range(len(rows)):
        for cell in rows.row(index):
            shown = cell if isinstance(cell, str) else cell[0]
            assert is_safe(shown)
            assert len(shown) < 300
