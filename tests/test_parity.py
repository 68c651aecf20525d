"""The score that compares alerts with another engine's, on made-up alerts, and the reasons beside it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, handed, section
from benchmarks.parity import Score, all_enabled, counted, explained, in_child, table
from benchmarks.parity_reasons import REASONS, Reason, reason_for
from vpi_tui.capture.demo.attacks import EXPECTED_SIDS
from vpi_tui.capture.demo.scenario import write_demo_pcap
from vpi_tui.config.paths import rules_dir
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.spec import EngineSpec

LACKS = Reason("lacks", "no parser", rules=frozenset({"1:4"}))
GUESS = Reason("newer", "perhaps", rules=frozenset({"1:3"}), inferred=True)
NEWER = Reason("newer", "counted once", rules=frozenset({"1:2"}), captures=frozenset({"a"}))
REASONS_HERE = (LACKS, NEWER)


@pytest.fixture
def score() -> Score:
    made = Score()
    made.add("a.pcap", theirs={"1:1": 2, "1:2": 3, "1:3": 1}, ours={"1:1": 2, "1:2": 1, "1:4": 5})
    made.add("b.pcap", theirs={"1:2": 1}, ours={"1:2": 4})
    return made


def test_alerts_of_a_capture_are_counted_by_rule(tmp_path: Path) -> None:
    write_demo_pcap(tmp_path / "demo.pcap")
    spec = EngineSpec("replay", rules_dir=str(rules_dir()), speed=0.0)
    rules = RuleBook.load(spec)
    found = in_child(replace(spec, files=(str(tmp_path / "demo.pcap"),)), rules)
    assert {f"1:{sid}" for sid in EXPECTED_SIDS} <= found.keys()
    assert list(found) == sorted(found, key=lambda rule: tuple(map(int, rule.split(":"))))
    assert all(count > 0 for count in found.values())


def figures(score: Score) -> tuple[int, int, int, int]:
    return score.wanted, score.found, score.extra, score.equal


def test_pairs_are_found_extra_or_equal(score: Score) -> None:
    assert figures(score) == (4, 3, 1, 1)
    assert [(d.capture, d.rule, d.ours, d.theirs) for d in score.differences] == [
        ("a.pcap", "1:2", 1, 3),
        ("a.pcap", "1:3", 0, 1),
        ("a.pcap", "1:4", 5, 0),
        ("b.pcap", "1:2", 4, 1),
    ]


def test_a_reason_takes_only_the_differences_out_that_it_covers(score: Score) -> None:
    assert figures(score.without({"lacks"}, REASONS_HERE)) == (4, 3, 0, 1)
    left = score.without({"lacks", "newer"}, REASONS_HERE)
    assert figures(left) == (3, 2, 0, 1)
    assert [(d.capture, d.rule) for d in left.differences] == [("a.pcap", "1:3"), ("b.pcap", "1:2")]
    assert figures(score) == (4, 3, 1, 1), "the score itself stays as it is"


def test_an_inferred_reason_is_said_to_be_one_and_takes_nothing_out(score: Score) -> None:
    assert figures(score.without({"newer"}, (GUESS,))) == figures(score)
    assert "Suricata 8 does otherwise: perhaps (inferred) |" in explained(score, {}, (GUESS,))


def test_what_has_no_reason_is_said_to_have_none(score: Score) -> None:
    rows = explained(score, {"1:3": "Third"}, REASONS_HERE).splitlines()[2:]
    unexplained = [row for row in rows if "not explained" in row]
    assert len(rows) == 4
    assert len(unexplained) == 2
    assert "| 1:3 | Third | 1 | 0 | 1 | **not explained** |" in unexplained
    assert "| 1:4 |  | 1 | 5 | 0 | the other build lacks it: no parser |" in rows


def test_the_table_shows_shares_of_what_the_other_engine_has(score: Score) -> None:
    assert "| all | 4 | 3 (75.0%) | 1 (25.0%) | 1 (25.0%) |" in table(score).splitlines()


def test_events_of_the_engine_are_left_out() -> None:
    assert counted({"1:2199999": 1, "1:2200000": 2, "1:2299999": 3, "1:2300000": 4}) == {
        "1:2199999": 1,
        "1:2300000": 4,
    }


def test_rules_that_are_commented_out_are_enabled(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.rules").write_text("#alert one\n## alert two\n# said: alert three\nalert four\n")
    assert (all_enabled(source, tmp_path) / "a.rules").read_text() == (
        "alert one\nalert two\n# said: alert three\nalert four\n"
    )


def test_the_first_reason_that_covers_a_pair_is_given() -> None:
    assert reason_for("a.pcap", "1:2", REASONS_HERE) is NEWER
    assert reason_for("b.pcap", "1:2", REASONS_HERE) is None
    assert all(reason.text and (reason.rules or reason.captures) for reason in REASONS)


def test_the_files_are_handed_on_and_not_named_in_the_report() -> None:
    parity = next(benchmark for benchmark in BENCHMARKS if benchmark.name == "parity")
    options = argparse.Namespace(
        rules=[Path("r")], expected=[Path("one"), Path("two")], captures=[Path("1"), Path("2")]
    )
    given = handed(parity, options)
    assert " ".join(given) == "--rules r --expected one --expected two --captures 1 --captures 2"
    assert "--rules RULES --expected EXPECTED --captures CAPTURES`" in section(parity, "out")
