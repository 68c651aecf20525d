"""Pairs as a list and as a grid."""

from __future__ import annotations

import random
from operator import attrgetter

import pytest

from vpi_tui.model.matrix import ELSEWHERE, PairStat
from vpi_tui.model.topology import Locality
from vpi_tui.view.filters import FilterError, parse
from vpi_tui.view.flow_table import FIELDS as FLOW_FIELDS
from vpi_tui.view.matrix import (
    FIELDS,
    MEASURES,
    SHADES,
    SORTS,
    flows_filter,
    grid,
    inside_share,
    joined,
    mark_of,
    pair_rows,
    shade,
    told,
)

NS = 1_000_000_000


def stat(src: str, dest: str, size: int = 1000, **changes: object) -> PairStat:
    values: dict[str, object] = {
        "switch": "br0",
        "locality": Locality.EAST_WEST,
        "flows": 2,
        "alerts": 0,
        "first_ns": 10 * NS,
        "last_ns": 20 * NS,
    }
    return PairStat(src, dest, bytes=size, **{**values, **changes})  # type: ignore[arg-type]


STATS = (
    stat("web", "db", 5000, alerts=2, broken="policy.yaml:12"),
    stat("web", "db", 700, switch="br1", first_ns=5 * NS, new=True),
    stat("db", "web", 10),
    stat("web", "world", 90_000, locality=Locality.NORTH_SOUTH),
    stat("app", "db", 300, new=True),
)


def test_one_pair_for_two_ends_on_two_switches() -> None:
    pair = joined(STATS)["web", "db"]
    assert (pair.src, pair.bytes, pair.flows, pair.alerts) == ("web", 5700, 4, 2)
    assert (pair.first_ns, pair.new, pair.broken) == (5 * NS, True, "policy.yaml:12")
    assert told(pair, 65 * NS) == "web > db  5.70 kB  4 flows  2 alerts  east-west  first 1m 00s ago"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("src:web", {("web", "db"), ("web", "world")}),
        ("dest:=web", {("db", "web")}),
        ("new", {("web", "db"), ("app", "db")}),
        ("is:broken", {("web", "db")}),
        ("alert:1-", {("web", "db")}),
        ("alert:2", {("web", "db")}),
        ("!is:east-west", {("web", "world")}),
        ("guest:app", {("app", "db")}),
        ("switch:br0 world", {("web", "world")}),
        ("nobody", set()),
    ],
)
def test_filters(text: str, pairs: set[tuple[str, str]]) -> None:
    assert set(joined(STATS, parse(text, FIELDS))) == pairs


def test_what_cannot_be_asked_is_an_error() -> None:
    with pytest.raises(FilterError, match="dest:"):
        parse("dst:web", FIELDS)


@pytest.mark.parametrize("sort", list(SORTS))
def test_every_order_has_every_pair_and_its_reverse(sort: str) -> None:
    pairs = joined(STATS)
    down, up = (pair_rows(pairs, sort, way, 65 * NS, "!") for way in (True, False))
    keys = [down.key(n) for n in range(len(down))]
    assert keys == [up.key(n) for n in reversed(range(len(up)))]
    assert sorted(keys) == sorted(pairs)  # type: ignore[type-var]


def test_marks_are_a_sign_and_a_word() -> None:
    marks = [mark_of(pair, "!") for pair in joined(STATS).values()]
    assert marks[0] == ("! policy", "error")
    assert marks[-1] == ("+ new", "new")
    assert marks[1][0] == ""


@pytest.mark.parametrize("measure", MEASURES)
def test_the_grid_has_those_who_spoke_and_no_guests_last(measure: str) -> None:
    rng = random.Random(3)
    names = [*(f"vm{n}" for n in range(20)), *ELSEWHERE]
    stats = [
        stat(rng.choice(names), rng.choice(names), rng.randint(1, 10**9), alerts=rng.randint(0, 9))
        for _ in range(80)
    ]
    pairs = joined(stats)
    made = grid(pairs, measure)
    assert set(made.sources) == {src for src, _ in pairs}
    assert set(made.dests) == {dest for _, dest in pairs}
    for axis, side in ((made.sources, 0), (made.dests, 1)):
        guests = [name for name in axis if name not in ELSEWHERE]
        assert list(axis[: len(guests)]) == guests
        sums = [sum(pair.bytes for key, pair in pairs.items() if key[side] == name) for name in guests]
        assert sums == sorted(sums, reverse=True)
    for src in made.sources:
        for dest in made.dests:
            assert (made.cell(src, dest) is None) == ((src, dest) not in pairs)
    hottest = max(pairs.values(), key=attrgetter(measure))
    assert made.cell(hottest.src, hottest.dest).shade == SHADES  # type: ignore[union-attr]


def test_shades_are_powers_of_ten_and_traffic_is_never_drawn_as_none() -> None:
    assert [shade(value, 10_000) for value in (10_000, 1_001, 1_000, 100, 10, 1, 0)] == [4, 4, 3, 2, 1, 1, 0]
    assert shade(5, 0) == 0


def test_the_flows_of_a_pair_can_be_asked_for() -> None:
    assert flows_filter("web-1", "db 2") == 'src:=web-1 dst:="db 2"'
    assert flows_filter("world", "host") == "is:client-world is:server-host"
    for name in ("db 2", *ELSEWHERE):
        text = flows_filter("web-1", name)
        assert all(term.whole or term.key == "is" for term in parse(text, FLOW_FIELDS).terms)
    assert flows_filter('a"b', "db") == ""


def test_the_share_that_stayed_inside() -> None:
    assert [inside_share(1, 2), inside_share(3, 2), inside_share(1, 0)] == [0.5, 1.0, 0.0]
