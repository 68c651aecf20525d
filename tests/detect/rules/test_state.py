from __future__ import annotations

import json

import pytest

from vpi_tui.detect.rules.state import MAX_HISTORY, RuleSwitches, ShippedRule
from vpi_tui.model.errors import VpiError

RULES = [ShippedRule(1, sid, pack, True) for sid, pack in ((1, "a"), (2, "a"), (3, ""))]
OFF = ShippedRule(1, 4, "", False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "rules.json"


def test_without_a_file_all_is_as_shipped(path):
    assert RuleSwitches.load(path).apply([*RULES, OFF]) == [True, True, True, False]


def test_switches_are_kept_across_restarts(path):
    switches = RuleSwitches.load(path)
    switches.set(False, rules=[(1, 3)])
    switches.set(True, rules=[(1, 4)])
    assert RuleSwitches.load(path).apply([*RULES, OFF]) == [True, True, False, True]


def test_the_later_of_rule_and_pack_counts(path):
    switches = RuleSwitches.load(path)
    switches.set(False, packs=["a"])
    assert switches.apply(RULES) == [False, False, True]
    switches.set(True, rules=[(1, 1)])
    assert switches.apply(RULES) == [True, False, True]
    switches.set(False, packs=["a"])
    assert RuleSwitches.load(path).apply(RULES) == [False, False, True]


def test_undo_step_by_step_also_after_a_restart(path):
    switches = RuleSwitches.load(path)
    switches.set(False, packs=["a"])
    switches.set(False, rules=[(1, 3), (1, 4)])
    switches = RuleSwitches.load(path)
    assert switches.undo() == "2 rules or packs off"
    assert switches.apply(RULES) == [False, False, True]
    assert switches.undo() == "pack a off"
    assert RuleSwitches.load(path).apply(RULES) == [True, True, True]
    assert switches.undo() == ""


def test_history_is_bounded(path):
    switches = RuleSwitches.load(path)
    for number in range(MAX_HISTORY + 5):
        switches.set(bool(number % 2), rules=[(1, 1)])
    assert len(RuleSwitches.load(path).history) == MAX_HISTORY


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"version": 2, "switches": {}, "history": []}',
        b'{"version": 1, "switches": {"1:1": true}, "history": []}',
        b'{"version": 1, "switches": {"1:1": ["yes", 1]}, "history": []}',
        b'{"version": 1, "switches": {}, "history": [1]}',
        b"[" * 100_000,
    ],
)
def test_a_broken_file_is_kept_aside_and_told(path, text):
    path.parent.mkdir()
    for number in (1, 2):
        path.write_bytes(text)
        switches = RuleSwitches.load(path)
        aside = path.with_name(f"rules.json.broken-{number}")
        assert aside.read_bytes() == text
        assert str(aside) in switches.notices[0]
        assert switches.apply(RULES) == [True] * 3
        assert not path.exists()


def test_saving_leaves_no_scraps_and_is_whole(path):
    switches = RuleSwitches.load(path)
    switches.set(False, rules=[(1, 1)])
    assert [item.name for item in path.parent.iterdir()] == ["rules.json"]
    assert json.loads(path.read_text())["switches"] == {"1:1": [False, 1]}


def test_a_switch_that_cannot_be_saved_is_told_and_holds(tmp_path):
    (tmp_path / "file").write_text("")
    switches = RuleSwitches(tmp_path / "file" / "rules.json")
    with pytest.raises(VpiError, match="cannot be saved"):
        switches.set(False, rules=[(1, 1)])
    assert switches.apply(RULES) == [False, True, True]
