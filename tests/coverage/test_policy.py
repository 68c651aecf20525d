"""coverage.yaml: what it demands, whom it fails, and what is wrong with a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vpi_tui.coverage.policy import Policy, audit, read_policy
from vpi_tui.model.coverage import PortCoverage, Verdict
from vpi_tui.model.errors import ConfigError

TEXT = """
minimum: 90
tags:
  - {name: prod, minimum: 99}
  - {name: lab, allow: [seen, blind]}
guests:
  - {name: legacy, minimum: 0, allow: [blind, unknown]}
"""


def port(
    guest: str, verdict: Verdict, percent: int = 100, truth: str = "counters", true: int = 10_000
) -> PortCoverage:
    seen = true * percent // 100
    return PortCoverage("br0", f"p-{guest}", guest, verdict, ".", true_in=true, seen_in=seen, truth=truth)


def policy(tmp_path: Path, text: str = TEXT) -> Policy:
    file = tmp_path / "coverage.yaml"
    file.write_text(text)
    return read_policy(file)


def test_whom_it_fails(tmp_path: Path) -> None:
    ports = [
        port("seen", Verdict.SEEN),
        port("some", Verdict.PARTIAL, 92),
        port("less", Verdict.PARTIAL, 80),
        port("prod-some", Verdict.PARTIAL, 92),
        port("lab-blind", Verdict.BLIND, 0),
        port("legacy", Verdict.BLIND, 0),
        port("idle", Verdict.UNKNOWN, true=0),
        replace(port("quiet", Verdict.UNKNOWN, 50, true=400), quiet=True),
        replace(port("blind-and-quiet", Verdict.BLIND, 100, true=400), quiet=True),
        port("bypass", Verdict.UNKNOWN, true=0, truth=""),
        port("two", Verdict.SEEN),
        port("two", Verdict.BLIND, 0),
    ]
    found = audit(ports, {"prod-some": ("prod",), "lab-blind": ("lab",)}, policy(tmp_path))
    assert {f.guest for f in found if not f.passes} == {
        "less", "prod-some", "bypass", "two", "blind-and-quiet",
    }  # fmt: skip
    two = next(f for f in found if f.guest == "two")
    assert (two.percent, two.verdict) == (50.0, Verdict.BLIND)


def test_without_a_policy_nothing_is_demanded() -> None:
    assert all(f.passes for f in audit([port("x", Verdict.BLIND, 0)], {}, Policy()))


def test_an_empty_file_demands_the_usual(tmp_path: Path) -> None:
    found = audit([port("x", Verdict.PARTIAL, 94), port("y", Verdict.PARTIAL, 96)], {}, policy(tmp_path, ""))
    assert [f.passes for f in found] == [False, True]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("minimum: 120", 1, "percentage"),
        ("minimum: 90\nallow: [sene]", 2, "no verdict"),
        ("guests:\n  - {minimum: 3}", 2, "without a name"),
        ("tags:\n  - {name: a}\n  - {name: a}", 3, "twice"),
        ("minimum: 90\nmaximum: 3", 2, "maximum"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy(tmp_path, text)
    assert f"coverage.yaml:{line}: " in str(caught.value)
    assert words in str(caught.value)
