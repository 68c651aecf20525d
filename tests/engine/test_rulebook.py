"""Switching rules: by rule, by pack, by list; kept, undone, and with very many of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpi_tui.config import paths
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import RuleRow, Toggle, ToggledMessage

MANY = 25_000
SQL = (1, 9000300)


def book(state: Path | str = "", *rules: str) -> RuleBook:
    return RuleBook.load(
        EngineSpec("replay", rules=rules, rules_dir=str(paths.rules_dir()), state_dir=str(state))
    )


def row(rules: RuleBook, gid: int, sid: int) -> RuleRow:
    return next(found for found in rules.rows().rules if (found.gid, found.sid) == (gid, sid))


def on(rules: RuleBook) -> set[tuple[int, int]]:
    """Those that the matcher will run, by its own array."""
    enabled = rules.ruleset.enabled.tolist()
    return {(s.gid, s.sid) for s, flag in zip(rules.ruleset.signatures, enabled, strict=True) if flag}


def test_one_rule_a_pack_and_a_list(tmp_path: Path) -> None:
    rules = book(tmp_path)
    every = on(rules)
    assert rules.toggle(Toggle(False, (SQL,))).changed == 1
    assert on(rules) == every - {SQL}
    recon = {(s.gid, s.sid) for s in rules.signatures if s.origin.pack == "recon"}
    told = rules.toggle(Toggle(False, pack="recon"))
    assert told.changed == len(recon)
    assert on(rules) == every - {SQL} - recon
    some = tuple(sorted(recon))[:3]
    assert rules.toggle(Toggle(True, some)).changed == 3
    assert on(rules) == (every - {SQL} - recon) | set(some)
    assert rules.enabled_count == len(on(rules)) + rules.built_in


def test_a_rule_file_is_switched_as_a_whole(tmp_path: Path) -> None:
    names = ("first.rules", "second.rules")
    for number, name in enumerate(names):
        sids = (10 * number + 1, 10 * number + 2)
        (tmp_path / name).write_text("".join(f"alert ip any any -> any any (sid:{sid};)\n" for sid in sids))
    files = tuple(str(tmp_path / name) for name in names)
    rules = book(tmp_path, *files)
    assert rules.toggle(Toggle(False, pack="second.rules")).changed == 2
    assert on(rules) == {(1, 1), (1, 2)} == on(book(tmp_path, *files))
    assert rules.undo().text == "Undone: pack second.rules off."
    assert on(rules) == {(1, 1), (1, 2), (1, 11), (1, 12)}


def test_behaviours_are_switched_like_rules(tmp_path: Path) -> None:
    rules = book(tmp_path)
    assert row(rules, 2, 1).enabled
    rules.toggle(Toggle(False, ((2, 1),)))
    assert not row(rules, 2, 1).enabled
    assert not row(book(tmp_path), 2, 1).enabled


def test_switches_and_undo_outlast_the_program(tmp_path: Path) -> None:
    rules = book(tmp_path)
    every = on(rules)
    rules.toggle(Toggle(False, (SQL,)))
    rules.toggle(Toggle(False, pack="recon"))
    later = book(tmp_path)
    assert on(later) == on(rules)
    assert later.undo().text == "Undone: pack recon off."
    assert on(later) == every - {SQL}
    assert later.undo().changed == 1
    assert on(later) == every
    assert later.undo() == ToggledMessage("Nothing to undo.", 0, later.serial)
    assert on(book(tmp_path)) == every


def test_an_undo_of_rules_that_are_not_loaded_says_that_none_changes(tmp_path: Path) -> None:
    others = tmp_path / "other.rules"
    others.write_text('alert tcp any any -> any any (msg:"Other"; content:"other"; sid:7;)\n')
    book(tmp_path, str(others)).toggle(Toggle(False, ((1, 7),)))
    assert book(tmp_path).undo().text == "Undone: 1:7 off; no loaded rule changes."


def test_the_serial_grows_only_when_something_was_meant(tmp_path: Path) -> None:
    rules = book(tmp_path)
    before = rules.serial
    assert rules.toggle(Toggle(False, ((1, 1),), "no such pack")).changed == 0
    assert rules.serial == before
    assert rules.toggle(Toggle(False, (SQL,))).serial > before
    assert not (tmp_path / "rules.json").read_text().count("no such pack")


def test_a_disk_that_takes_no_more_is_told_and_the_switch_acts(tmp_path: Path) -> None:
    state = tmp_path / "state"
    rules = book(state)
    state.write_text("not a directory any more")
    told = rules.toggle(Toggle(False, (SQL,)))
    assert told.changed == 1
    assert "not outlast" in told.text
    assert SQL not in on(rules)


def test_a_broken_state_is_put_aside_and_told(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text('{"version": 1, "switches": 7}')
    rules = book(tmp_path)
    assert SQL in on(rules)
    assert any("no valid state" in text for text in rules.notices)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> RuleBook:
    place = tmp_path_factory.mktemp("large")
    path = place / "many.rules"
    path.write_text(
        "".join(
            f'alert tcp any any -> any any (msg:"rule {n}"; content:"pattern-{n:05d}"; sid:{n + 1}; rev:1;)\n'
            for n in range(MANY)
        )
    )
    return book(place / "state", str(path))


@pytest.mark.parametrize(
    "sids", [((1, 77),), tuple((1, n + 1) for n in range(MANY))], ids=["one rule", "every rule"]
)
def test_a_switch_acts_among_25000_rules(large: RuleBook, sids: tuple[tuple[int, int], ...]) -> None:
    assert large.loaded - large.built_in == MANY
    before = on(large)
    assert large.toggle(Toggle(False, sids)).changed == len(sids)
    assert on(large) == before - set(sids)
    assert large.undo().changed == len(sids)
    assert on(large) == before
