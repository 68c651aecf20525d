"""Rules from the cache are the rules of the files, or they are not taken from it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rights import needs_root
from vpi_tui.config import paths
from vpi_tui.engine import rulecache
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.rulecache import MOST_ENTRIES, compiled_rules
from vpi_tui.engine.scan import run_scan
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.errors import ConfigError

DNS = 'alert udp any any -> any 53 (msg:"{msg}"; content:"|01 00 00 01|"; sid:{sid}; classtype:{kind};)\n'
NAMES = (
    'alert dns any any -> any any (msg:"names"; dns.query; dataset:isset,n,type string,load n.lst; sid:5;)\n'
)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.rules").write_text(DNS.format(msg="a query", sid=1, kind="misc-activity") + NAMES)
    (folder / "b.rules").write_text("alert tcp nonsense\n" + DNS.format(msg="b", sid=2, kind="no-such-class"))
    (folder / "n.lst").write_text("ZXZpbC5leGFtcGxl\n")
    return folder


@pytest.fixture
def spec(tmp_path: Path, rules: Path) -> EngineSpec:
    return EngineSpec("replay", rules=(str(rules),), rule_cache=str(tmp_path / "cache"))


def entry(spec: EngineSpec) -> Path:
    (found,) = Path(spec.rule_cache).iterdir()
    return found


def was_taken(spec: EngineSpec) -> bool:
    """Load once more: does the entry stay the very same file?"""
    before = entry(spec).stat().st_ino
    with entry(spec).open("rb"):  # held open, so that its number is not given to the next
        compiled_rules(spec)
        return entry(spec).stat().st_ino == before


def shown(book: RuleBook) -> tuple[object, ...]:
    """All that an operator sees of rules."""
    rows = book.rows()
    details = [book.detail(row.gid, row.sid) for row in rows.rules]
    return rows.packs, rows.rules, rows.refused, details, book.loaded, list(map(str, book.refused))


def test_an_operator_sees_no_difference(spec: EngineSpec, demo_file: Path) -> None:
    spec = replace(spec, rules=(*spec.rules, str(paths.rules_dir())), files=(str(demo_file),), speed=0.0)
    without = RuleBook.load(replace(spec, rule_cache=""))
    first, second = RuleBook.load(spec), RuleBook.load(spec)
    assert was_taken(spec)
    assert shown(without) == shown(first) == shown(second)
    assert any(error.line == 1 and "b.rules" in error.path for error in second.refused)
    found = [run_scan(spec, None, lambda *_: None, rules=book).by_rule for book in (without, second)]
    assert found[0] == found[1]
    assert len(found[0]) > 20


def add_a_file(folder: Path) -> None:
    (folder / "c.rules").write_text(DNS.format(msg="c", sid=3, kind="misc-activity"))


def classify(folder: Path) -> None:
    (folder / "classification.config").write_text("config classification: no-such-class,something,1\n")


def change_a_set(folder: Path) -> None:
    (folder / "n.lst").write_text("b3RoZXI=\n")


def change_a_rule(folder: Path) -> None:
    path = folder / "a.rules"
    about = path.stat()
    path.write_text(path.read_text().replace("a query", "A QUERY"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


CHANGES: list[Callable[[Path], None]] = [
    change_a_rule,
    add_a_file,
    classify,
    lambda folder: (folder / "b.rules").unlink(),
    lambda folder: (folder / "n.lst").unlink(),
    change_a_set,
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_compiled_anew(spec: EngineSpec, rules: Path, change: Callable[[Path], None]) -> None:
    compiled_rules(spec)
    assert was_taken(spec)
    change(rules)
    assert shown(RuleBook.load(spec)) == shown(RuleBook.load(replace(spec, rule_cache="")))
    assert was_taken(spec), "and is kept in place of the old"
    (rules / "n.lst").write_text("b25lIG1vcmU=\n")
    assert not was_taken(spec)


def test_a_set_of_values_is_as_its_file_says_at_each_start(spec: EngineSpec) -> None:
    def values() -> set[bytes]:
        (step,) = [s.steps[-1] for s in compiled_rules(spec).ruleset.signatures if s.sid == 5]
        found: set[bytes] = step.values.values  # type: ignore[union-attr]
        return found

    first = values()
    assert first == {b"evil.example"}
    first.add(b"seen while running")
    assert values() == {b"evil.example"}


def test_variables_and_settings_have_entries_of_their_own(spec: EngineSpec, tmp_path: Path) -> None:
    thresholds = tmp_path / "threshold.config"
    thresholds.write_text("suppress gen_id 1, sig_id 1\n")
    others = [
        replace(spec, variables={"vars.address-groups.HOME_NET": "10.0.0.0/8"}),
        replace(spec, options={"threshold-file": str(thresholds)}),
        replace(spec, options={"data-dir": str(tmp_path)}),
    ]
    names = {rulecache.entry_of(one) for one in (spec, *others)}
    assert len(names) == 4
    assert rulecache.entry_of(replace(spec, options={"stream.midstream": "yes"})) in names
    assert compiled_rules(others[1]).ruleset.noalert.tolist() == [1, 0, 0]
    thresholds.write_text("suppress gen_id 1, sig_id 2\n")
    assert compiled_rules(others[1]).ruleset.noalert.tolist() == [0, 0, 1]
    thresholds.unlink()
    with pytest.raises(ConfigError, match="threshold"):
        compiled_rules(others[1])


def test_another_program_makes_its_own(
    spec: EngineSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = rulecache.entry_of(spec)
    same, other = tmp_path / "same", tmp_path / "other"
    for package in (same, other):
        for room in ("detect", "model"):
            copy = shutil.ignore_patterns("__pycache__")
            shutil.copytree(paths.PACKAGE / room, package / room, ignore=copy)
    keyword = other / "detect" / "rules" / "keywords" / "content.py"
    keyword.write_text(keyword.read_text() + "# changed\n")
    monkeypatch.setattr(rulecache, "PACKAGE", same)
    assert rulecache.entry_of(spec) == ours
    monkeypatch.setattr(rulecache, "PACKAGE", other)
    others = rulecache.entry_of(spec)
    assert others != ours
    keyword.write_text("# replaced under a process that runs on\n")
    assert rulecache.entry_of(spec) == others


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def give_away(path: Path) -> None:
    os.chown(path, 65534, -1)


DAMAGES: list[Callable[[Path], None]] = [
    flip,
    lambda path: path.write_bytes(b"") and None,
    lambda path: os.truncate(path, path.stat().st_size - 1),
    lambda path: path.write_bytes(b"vpirules" + bytes(200)) and None,
    lambda path: path.chmod(0o666),
    link,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=["a bit", "empty", "cut", "zeros", "writable", "a link"])
def test_an_entry_that_is_not_as_we_wrote_it_is_passed_over(
    spec: EngineSpec, damage: Callable[[Path], None]
) -> None:
    good = shown(RuleBook.load(spec))
    damage(entry(spec))
    assert shown(RuleBook.load(spec)) == good
    assert not entry(spec).is_symlink()
    assert was_taken(spec), "a good one is there again"


@needs_root
def test_what_belongs_to_somebody_else_is_passed_over(spec: EngineSpec) -> None:
    compiled_rules(spec)
    give_away(entry(spec))
    assert not was_taken(spec)
    give_away(Path(spec.rule_cache))
    assert rulecache.entry_of(spec) is None


def test_a_directory_that_others_can_write_is_not_used(spec: EngineSpec) -> None:
    folder = Path(spec.rule_cache)
    folder.mkdir()
    folder.chmod(0o777)
    assert RuleBook.load(spec).loaded > 3
    assert not list(folder.iterdir())


def test_without_room_rules_load_all_the_same(spec: EngineSpec) -> None:
    """/proc can be written by nobody, as a full disk."""
    assert RuleBook.load(replace(spec, rule_cache="/proc/vpi-tui")).loaded > 3


def test_a_large_set_is_compiled_by_a_child(spec: EngineSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = shown(RuleBook.load(replace(spec, rule_cache="")))
    monkeypatch.setattr(rulecache, "LARGE", 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    assert shown(RuleBook.load(spec)) == plain
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt > before
    assert was_taken(spec)
    with pytest.raises(ConfigError, match="threshold"):
        compiled_rules(replace(spec, options={"threshold-file": "/nowhere"}))


def test_so_is_one_with_long_lists_of_addresses(
    spec: EngineSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "categories").write_text("1,bad\n")
    (tmp_path / "list").write_text("10.0.0.1,1,5\n" * 1_000)
    options = {"reputation-categories-file": "categories", "reputation-files": "list, "}
    monkeypatch.setattr(rulecache, "LARGE", 10_000)
    assert not rulecache._is_large(replace(spec, options=options))
    options["default-reputation-path"] = str(tmp_path)
    assert rulecache._is_large(replace(spec, options=options))


def test_only_the_newest_stay(spec: EngineSpec) -> None:
    folder = Path(spec.rule_cache)
    several = [replace(spec, variables={"X": str(number)}) for number in range(MOST_ENTRIES + 2)]
    for number, one in enumerate(several):
        compiled_rules(one)
        made = rulecache.entry_of(one)
        assert made is not None
        os.utime(made, (number, number))
    left = sorted(folder.iterdir())
    assert len(left) == MOST_ENTRIES
    assert rulecache.entry_of(several[-1]) in left
    assert rulecache.entry_of(several[0]) not in left


def test_several_starts_at_a_time_leave_one_good_entry(spec: EngineSpec) -> None:
    text = f"""
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.spec import EngineSpec, LogSpec
print(RuleBook.load({spec!r}).loaded)
"""
    command = [sys.executable, "-c", text]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=paths.child_environment()) for _ in range(3)
    ]
    told = {process.communicate(timeout=120)[0] for process in running}
    assert told == {f"{RuleBook.load(spec).loaded}\n".encode()}
    assert was_taken(spec)
