"""Scores of addresses, however a list says them, against one that is asked line by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.match.build import ip
from vpi_tui.detect.rules import atoms, reputation, scored, valuefiles
from vpi_tui.detect.rules.reputation import MOST_NOTICES, Reputation
from vpi_tui.detect.rules.scored import ScoredBuilder
from vpi_tui.model import edges
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.parts import IP_MAX

_V4 = st.builds("10.0.{}.{}".format, st.integers(0, 1), st.integers(0, 7))
_V6 = st.builds(
    "{}::{:x}".format, st.sampled_from(["", "2001:db8", "ffff:ffff:ffff:ffff:ffff"]), st.integers(0, 7)
)
_LAST = st.just("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
_NETWORK = st.one_of(
    st.builds("{}/{}".format, _V4, st.integers(0, 32)), st.builds("{}/{}".format, _V6, st.integers(0, 128))
)
_AROUND = ["any", "::/0", "::/1", "::/79", "::/80", "::", "0.0.0.0/0", "::ffff:0:0/96", "::ffff:10.0.0.0/109"]
_OTHERWISE = [
    "010.0.0.1",
    "::ffff:10.0.0.3",
    "10.0.0.0/255.255.255.252",
    "10.0.0.0/031",
    "255.255.255.255/32",
]
_ODD = st.sampled_from([*_AROUND, *_OTHERWISE, "255.255.255.255"])
_LINES = st.lists(st.tuples(st.one_of(_V4, _V6, _LAST, _NETWORK, _ODD), st.integers(0, 3)), max_size=14)
_TEN = atoms.V4_BASE | 10 << 24
_ASKED = [
    *(
        0,
        1,
        2,
        (1 << 64) - 1,
        1 << 64,
        atoms.V4_BASE - 1,
        atoms.V4_BASE,
        (1 << 48) - 1,
        1 << 48,
        1 << 127,
        IP_MAX,
    ),
    *(low + more for low in (_TEN, _TEN | 256, 0x20010DB8 << 96) for more in range(9)),
]


def said_of(address: int, lines: list[tuple[str, int]]) -> int | None:
    """The last line about the address alone, or else the first one of its narrowest network."""
    best: tuple[int, int | None] = (1 << 200, None)
    for word, score in lines:
        spans = atoms.address(word)
        if not any(low <= address <= high for low, high in spans):
            continue
        size = max(high for _, high in spans) - min(low for low, _ in spans) + (word == "any")
        if "/" not in word and size == 0:
            best = -1, score
        elif size < best[0]:
            best = size, score
    return best[1]


@settings(max_examples=300, deadline=None)
@given(_LINES)
def test_scores_are_those_of_a_naive_reading(lines: list[tuple[str, int]]) -> None:
    builder = ScoredBuilder()
    assert all(builder.add(word, score) for word, score in lines)
    found = builder.finish()
    for score in range(4):
        ends = found.within(((score, score),))
        expected = [said_of(address, lines) == score for address in _ASKED]
        assert [edges.holds(ends, address) for address in _ASKED] == expected


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_range_is_the_networks_that_it_is_made_of(one: int, other: int) -> None:
    low, high = sorted((one, other))
    builder = ScoredBuilder()
    assert builder.add(f"::{low:x}-::{high:x}", 5)
    assert edges.spans_of(builder.finish().within(((5, 5),))) == ((low, high),)


def test_ranges_may_not_become_more_networks_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scored, "MOST_OF_RANGES", 300)
    builder = ScoredBuilder()
    widest = "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"
    assert builder.add(widest, 1)
    assert not builder.add(widest, 2)
    assert builder.add("10.0.0.1-10.0.0.2", 2)
    assert edges.spans_of(builder.finish().within(((1, 1),)))[0][0] == 1


def test_lines_of_all_kinds_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valuefiles, "PIECE", 64)
    (tmp_path / "categories").write_text("# names\n1,bad,Bad\r\n 2 , Worse , x\n\n")
    lines = [f"10.0.{n >> 8}.{n & 255},{1 + n % 2},{n % 100}" for n in range(1_000)]
    lines[10:10] = [
        "",
        "# a comment",
        " 10.9.0.1 , 1 , 50 , why # so",
        "10.9.0.2,1",
        "10.9.0.3,1,5#",
        "#10.9.0.4,1,5",
    ]
    (tmp_path / "list").write_bytes("\r\n".join(lines).encode() + b"\n10.9.0.5,1,\xff\n")
    made = Reputation.read(tmp_path / "categories", [tmp_path / "list"])
    assert [origin.line for origin, _ in made.notices] == [14, 1_007]
    found = made.with_score("bad", ((0, 127),)), made.with_score("worse", ((0, 127),))
    assert [sum(high - low + 1 for low, high in ranges.spans) for ranges in found] == [502, 500]
    for n in range(1_000):
        address = atoms.V4_BASE | 10 << 24 | n
        score = made.with_score("bad" if n % 2 == 0 else "worse", ((n % 100, n % 100),))
        assert address in score
        assert address not in found[1 - n % 2]
    assert (atoms.V4_BASE | 10 << 24 | 9 << 16 | 1) in made.with_score("bad", ((50, 50),))


def test_of_a_file_of_another_kind_the_first_lines_are_told(tmp_path: Path) -> None:
    (tmp_path / "categories").write_text("1,bad\n")
    (tmp_path / "list").write_text("nonsense\n" * (3 * MOST_NOTICES) + "10.0.0.1,1,5\n")
    made = Reputation.read(tmp_path / "categories", [tmp_path / "list"])
    assert len(made.notices) == MOST_NOTICES
    assert ip("10.0.0.1") in made.with_score("bad", ((5, 5),))


def test_a_list_of_any_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reputation, "MAX_FILE", 8)
    (tmp_path / "categories").write_text("1,bad\n")
    (tmp_path / "list").write_text("10.0.0.1,1,5\n")
    with pytest.raises(ConfigError, match="larger than 8 bytes"):
        Reputation.read(tmp_path / "categories", [tmp_path / "list"])
