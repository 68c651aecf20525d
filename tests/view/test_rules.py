"""The rule book: packs and their rules, hits, refusals, filters, rows."""

from __future__ import annotations

import pytest
from hypothesis import given

from vpi_tui.feed.messages import PackRow, RefusedRow, RuleRow, RulesMessage
from vpi_tui.model.snapshot import RuleStat
from vpi_tui.view import filters
from vpi_tui.view.escape import is_safe
from vpi_tui.view.rules import FIELDS, REFUSED, Order, RuleBook, RuleRows, Signs

from .samples import HOSTILE, START, texts


def rule(sid: int, pack: str = "recon", **values: object) -> RuleRow:
    base = {
        "gid": 1,
        "rev": 1,
        "msg": f"rule {sid}",
        "origin": f"/etc/rules/{pack}.yaml:{sid}",
        "classtype": "network-scan",
        "priority": 2,
        "technique": "T1046",
        "enabled": True,
    }
    return RuleRow(**(base | values), sid=sid, pack=pack)


def book(*rules: RuleRow, refused: tuple[RefusedRow, ...] = ()) -> RuleBook:
    packs = (PackRow("recon", "scans", "1", "/x/recon.yaml"), PackRow("web", "attacks", "1", "/x/web.yaml"))
    return RuleBook(RulesMessage(serial=3, packs=packs, rules=rules, refused=refused))


BOOK = book(
    rule(1),
    rule(2, enabled=False, priority=1),
    rule(3, "web", classtype="web-application-attack", technique="T1190"),
    rule(3, "local.rules", gid=5),
    refused=(RefusedRow("/x/local.rules", 7, 99, "unknown keyword http2"),),
)
BOOK.set_hits([RuleStat(1, 3, 1500, START, 4000, 1600, 2 * 10**9), RuleStat(1, 1, 0, 0, 9000, 0, 10**9)], 8.0)


def keys(opened: frozenset[str] = frozenset(), text: str = "") -> list[object]:
    wanted = filters.parse(text, FIELDS)
    return [entry.key for entry in BOOK.entries(opened, wanted)]


def test_closed_packs_show_their_names_alone():
    assert keys() == [("pack", "recon"), ("pack", "web"), ("pack", "local.rules"), ("pack", REFUSED)]


def test_opened_packs_show_their_rules():
    assert keys(frozenset({"web", REFUSED})) == [
        ("pack", "recon"),
        ("pack", "web"),
        ("rule", 1, 3),
        ("pack", "local.rules"),
        ("pack", REFUSED),
        ("refused", 0),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sid:3", {(1, 3), (5, 3)}),
        ("is:off", {(1, 2)}),
        ("off", {(1, 2)}),
        ("on pack:recon", {(1, 1)}),
        ("is:hit", {(1, 3)}),
        ("sev:high", {(1, 2)}),
        ("tech:t1190", {(1, 3)}),
        ("class:web", {(1, 3)}),
        ("file:recon.yaml", {(1, 1), (1, 2)}),
        ("!pack:recon", {(1, 3), (5, 3)}),
        ("nothing", set()),
    ],
)
def test_filters_open_what_they_find(text, found):
    rules = {key[1:] for key in keys(text=text) if key[0] == "rule"}
    assert rules == found


def test_refused_rules_are_found_by_their_reason():
    assert keys(text="http2") == [("pack", REFUSED), ("refused", 0)]
    assert ("refused", 0) in keys(text="is:refused")


@pytest.mark.parametrize(
    ("key", "descending", "first"),
    [
        ("cpu", True, [3, 1]),
        ("cpu", False, [2]),
        ("checks", True, [1, 3]),
        ("matches", True, [3]),
        ("hits", True, [3]),
        ("last", True, [3]),
        ("severity", True, [2]),
        ("name", False, [1, 2, 3]),
    ],
)
def test_all_rules_in_one_order(key, descending, first):
    entries = BOOK.entries(frozenset(), order=Order(key, descending))
    assert all(entry.rule for entry in entries)
    assert len(entries) == len(BOOK)
    assert [entry.rule.sid for entry in entries][: len(first)] == first
    only = BOOK.entries(frozenset(), filters.parse("pack:recon", FIELDS), Order(key, descending))
    assert {entry.rule.sid for entry in only} == {1, 2}


def test_a_rule_that_is_off_for_a_reason_says_so():
    book_ = book(rule(1, enabled=False, why_off="budget"))
    row = texts_of(rows(book_, frozenset({"recon"})), 1)
    assert row[0] == "off: budget"
    assert book_.has_reasons
    assert book_.entries(frozenset(), filters.parse("state:budget", FIELDS))
    assert book_.entries(frozenset(), filters.parse("is:off", FIELDS))


def test_finding_by_number():
    assert BOOK.find("3") == ((1, 3), (5, 3))
    assert BOOK.find("5:3") == ((5, 3),)
    assert BOOK.find("4") == ()
    assert BOOK.on_in("recon") == 1


@given(texts)
def test_finding_by_anything(text):
    assert all(key in BOOK.by_id for key in BOOK.find(text))


def rows(source: RuleBook, opened: frozenset[str]) -> RuleRows:
    return RuleRows(source, source.entries(opened), opened, Signs())


def texts_of(source: RuleRows, index: int) -> list[str]:
    return [cell if isinstance(cell, str) else cell[0] for cell in source.row(index)]


def test_rows():
    opened = frozenset({"recon", "web", "local.rules", REFUSED})
    source = rows(BOOK, opened)
    assert texts_of(source, 0)[:3] == ["- part", "1/2", "recon  scans"]
    assert texts_of(source, 1)[:5] == ["  * on", "1", "rule 1", "medium", "T1046"]
    assert texts_of(source, 2)[:4] == ["  o off", "2", "rule 2", "high"]
    web = texts_of(source, source.find(("rule", 1, 3)))
    assert web[5:] == ["1.50k", "4.00k", "1.60k", "25%", "14:13:20", "web.yaml:3"]
    tried = texts_of(source, source.find(("rule", 1, 1)))
    assert tried[5:10] == ["-", "9.00k", "-", "12%", "-"]
    assert texts_of(source, 0)[5:9] == ["-", "9.00k", "-", "12%"], "a pack has the sums of its rules"
    assert texts_of(source, source.find(("rule", 5, 3)))[1] == "5:3"
    assert texts_of(source, source.find(("pack", "local.rules")))[2] == "local.rules"
    assert texts_of(source, source.find(("refused", 0))) == [
        "  refused",
        "99",
        "unknown keyword http2",
        *[""] * 7,
        "local.rules:7",
    ]
    assert source.find("nothing") is None
    assert source.entry(len(source)) is None


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_reaches_a_cell(text):
    made = book(rule(1, text, msg=text, technique=text, origin=text), refused=(RefusedRow(text, 1, 1, text),))
    source = rows(made, frozenset({text, REFUSED}))
    shown = [cell for index in range(len(source)) for cell in texts_of(source, index)]
    assert len(source) == 6
    assert all(is_safe(cell) and len(cell) < 400 for cell in shown)


def test_before_the_engine_has_answered():
    assert len(RuleBook()) == 0
    assert RuleBook().entries(frozenset()) == []
    assert RuleBook().serial == -1
