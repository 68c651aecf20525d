"""enable.conf, disable.conf and modify.conf as suricata-update reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpi_tui.model.errors import ConfigError
from vpi_tui.update.selection import read_selection

RULES = """\
# a comment
alert tcp any any -> any any (msg:"ONE heartbleed"; sid:1; rev:1;)
#alert udp any any -> any 53 (msg:"TWO"; sid:2; metadata: deployment Perimeter, tier 1;)
drop tcp any any -> any any (msg:"THREE, seconds 60"; \\
    gid:7; sid:3;)
"""


def chosen(tmp_path: Path, *, file: str = "emerging-dos.rules", **confs: str) -> dict[int, str]:
    """sid -> the line of the rule as it is installed."""
    paths = {}
    for name in ("enable", "disable", "modify"):
        paths[name] = None
        if name in confs:
            paths[name] = tmp_path / f"{name}.conf"
            paths[name].write_text(confs[name])
    lines = read_selection(**paths).apply(RULES, file).splitlines()
    assert len(lines) == 3
    return dict(enumerate(lines, 1))


def on(lines: dict[int, str]) -> set[int]:
    return {sid for sid, line in lines.items() if not line.startswith("#")}


def test_without_a_choice_all_is_as_shipped(tmp_path: Path) -> None:
    lines = chosen(tmp_path)
    assert on(lines) == {1, 3}
    assert lines[3].endswith("gid:7; sid:3;)")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("1", {3}),
        ("1:1, 7:3", set()),
        ("3", {1, 3}),
        ("re:HEARTBLEED", {3}),
        ("group:emerging-dos.rules", set()),
        ("group:emerging-d*", set()),
        ("filename:rules/*dos*", set()),
        ("group:emerging-web", {1, 3}),
        ("# 1\n\n7:3", {1}),
        ("1 # too loud", {3}),
        ("1, 7:3\t# both", set()),
        ("re:heart#?bleed # sic", {3}),
        ("*", set()),
    ],
)
def test_disabled(text: str, left: set[int], tmp_path: Path) -> None:
    assert on(chosen(tmp_path, disable=text)) == left


@pytest.mark.parametrize("text", ["2", "re:TWO", "metadata: deployment perimeter", "metadata: tier 1"])
def test_enabled_also_when_it_was_a_comment(text: str, tmp_path: Path) -> None:
    assert on(chosen(tmp_path, enable=text)) == {1, 2, 3}


def test_a_comment_may_stand_behind_a_change_but_not_within_its_quotes(tmp_path: Path) -> None:
    lines = chosen(tmp_path, modify='7:3 "seconds 60" "seconds #1 #2"   # slower')
    assert "THREE, seconds #1 #2" in lines[3]


def test_what_is_enabled_wins_over_what_is_disabled(tmp_path: Path) -> None:
    assert on(chosen(tmp_path, disable="*", enable="2")) == {2}


@pytest.mark.parametrize(
    ("text", "sid", "wanted"),
    [
        (r'7:3 "seconds \d+" "seconds 3600"', 3, "seconds 3600"),
        ('* "^drop" "alert"', 3, "alert tcp any"),
        ('modifysid * "^drop" | "reject"', 3, "reject tcp any"),
        (r're:heartbleed "msg:\"(\w+)" "msg:\"NEW ${1}"', 1, 'msg:"NEW ONE heart'),
        (r're:"ONE heart" "rev:(\d)" "rev:\1\1"', 1, "rev:11;"),
        ('metadata-add 1 "tier" "2"', 1, "metadata: tier 2;)"),
    ],
)
def test_modified(text: str, sid: int, wanted: str, tmp_path: Path) -> None:
    lines = chosen(tmp_path, modify=text)
    assert wanted in lines[sid]
    unchanged = chosen(tmp_path)
    assert [lines[n] == unchanged[n] for n in (1, 2, 3)] == [n != sid for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("disable", "1\nwhatever"),
        ("disable", "1\nre:("),
        ("modify", "\n1 no quotes"),
        ("modify", '\n1 "(a)" "\\2"'),
        ("modify", '\n1 "(" "b"'),
    ],
)
def test_what_makes_no_sense_is_named_with_its_line(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"{name}\.conf:2: "):
        chosen(tmp_path, **{name: text})
