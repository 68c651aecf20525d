"""Files beside the rules: what is wrong in them is told, and what is missing refuses the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpi_tui.detect.rules import atoms, threshold_file
from vpi_tui.detect.rules.loader import load
from vpi_tui.detect.rules.reputation import MOST_NOTICES, Reputation
from vpi_tui.detect.rules.variables import Variables
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.signature import Ranges

from .rule_text import refused


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("iprep:src,bad,>,1;", "no reputation-categories-file is configured"),
        ("iprep:here,bad,>,1;", "one of src, dst, any, both"),
        ("geoip:src,RU;", "no geoip-database is configured"),
        ("geoip:src,Russia;", "two letters"),
        ("flow.pkts:10;", "needs toserver, toclient, either or both"),
        ("flow.pkts:server,10;", "needs toserver, toclient, either or both"),
        ("flow.bytes_toclient:x;", "not a number"),
    ],
)
def test_what_is_refused(options: str, reason: str) -> None:
    assert reason in refused(options)


def test_lines_of_reputation_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "categories").write_text("1,bad\nx,worse\n61,far\n")
    (tmp_path / "list").write_text("10.0.0.1,1,5\n10.0.0.300,1,5\n10.0.0.1,1,128\n::1,1,5\n")
    made = Reputation.read(tmp_path / "categories", [tmp_path / "list"])
    assert [(Path(origin.path).name, origin.line) for origin, _ in made.notices] == [
        ("categories", 2),
        ("categories", 3),
        ("list", 2),
        ("list", 3),
    ]
    assert len(made.with_score("bad", ((0, 127),)).spans) == 2
    with pytest.raises(ConfigError, match="cannot be read"):
        Reputation.read(tmp_path / "missing", [])


def test_whoever_checks_rules_is_told_of_such_lines(tmp_path: Path) -> None:
    (tmp_path / "categories").write_text("1,bad\n")
    (tmp_path / "list").write_text("10.0.0.1,1,5\nnonsense\n")
    rules = tmp_path / "a.rules"
    rules.write_text("alert ip any any -> any any (iprep:src,bad,>,1; sid:1;)\n")
    options = {
        "reputation-categories-file": str(tmp_path / "categories"),
        "default-reputation-path": str(tmp_path),
        "reputation-files": "list",
    }
    assert [str(notice) for notice in load([rules], options=options).notices] == [
        f"{tmp_path / 'list'}:2: iprep: needs `address,category,score`; the line is left out"
    ]


def test_a_file_of_another_kind_fills_no_memory(tmp_path: Path) -> None:
    (tmp_path / "categories").write_text("none\n" * 1_000)
    (tmp_path / "list").write_text("none\n" * 1_000)
    made = Reputation.read(tmp_path / "categories", [tmp_path / "list"])
    assert len(made.notices) == MOST_NOTICES


def test_of_an_address_the_last_score_counts_and_of_a_network_the_first(tmp_path: Path) -> None:
    (tmp_path / "categories").write_text("1,bad\n")
    (tmp_path / "list").write_text(
        "10.0.0.1,1,5\n10.0.0.1,1,7\n10.0.0.1/32,1,9\n10.0.1.0/24,1,5\n10.0.1.0/24,1,7\n10.0.2.1/32,1,5\n10.0.2.1/32,1,7\n"
    )
    made = Reputation.read(tmp_path / "categories", [tmp_path / "list"])
    assert len(made.with_score("bad", ((5, 5),)).spans) == 2
    assert made.with_score("bad", ((7, 7),)) == Ranges(atoms.address("10.0.0.1"))
    assert made.with_score("bad", ((9, 9),)).spans == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("supress gen_id 1, sig_id 1", "needs one of suppress"),
        ("suppress gen_id 1", "needs gen_id and sig_id"),
        ("suppress gen_id 0, sig_id 7", "gen_id 0 means all"),
        ("suppress gen_id 1, sig_id 1, track by_src", "or neither"),
        ("suppress gen_id 1, sig_id 1, track by_src, ip 10.0.0.300", "not an address"),
        ("threshold gen_id 1, sig_id 1, type limit, track by_src, count 1", "seconds is missing"),
        ("rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 2, new_action pass", "timeout"),
    ],
)
def test_lines_of_limits_that_are_none(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "threshold.config"
    path.write_text(f"# first\n\n{line}\nsuppress gen_id 1, sig_id 2\n")
    entries, errors = threshold_file.read(path, Variables())
    assert [entry.sid for entry in entries] == [2]
    (error,) = errors
    assert error.line == 3
    assert reason in error.reason


@pytest.mark.parametrize(
    "line",
    [
        "suppress\tgen_id 1,\tsig_id\t7",
        "rate_filter gen_id 1, sig_id 7, track by_rule, count 1, seconds 2, new_action log, timeout 3",
        "rate_filter gen_id 1, sig_id 7, track by_rule, count 1, seconds 2, new_action sdrop, timeout 3",
    ],
)
def test_lines_of_limits_in_other_ways(tmp_path: Path, line: str) -> None:
    path = tmp_path / "threshold.config"
    path.write_text(line)
    entries, errors = threshold_file.read(path, Variables())
    assert not errors
    assert [entry.sid for entry in entries] == [7]
