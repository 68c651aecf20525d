"""Sparklines, bars, areas, scales and columns as pure functions."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.ui.widgets.columns import GAP, Column, place
from vpi_tui.ui.widgets.glyphs import ASCII, UNICODE, area, bar, sparkline
from vpi_tui.ui.widgets.graph import ceiling, short_figure

values = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40)
glyphs = st.sampled_from([UNICODE, ASCII])


@given(values, st.integers(-1, 30), glyphs)
def test_sparklines_are_exactly_as_wide_as_told(given_values, width, kind):
    line = sparkline(given_values, width, kind)
    assert len(line) == max(width, 0)
    shown = given_values[-width:] if width > 0 else []
    for value, mark in zip(reversed(shown), reversed(line), strict=False):
        assert (mark != kind.spark[0]) == (value > 0 and max(shown) > 0) or math.isnan(max(shown))


def test_a_sparkline():
    assert sparkline([0, 1, 4, 8], 6) == "   ▁▄▇"
    assert sparkline([1, 2], 2, peak=8) == "▁▂"


@given(st.floats(allow_nan=True), st.integers(-2, 40), glyphs)
def test_bars_fill_their_width(share, width, kind):
    filled, rest = bar(share, width, kind)
    assert len(filled) + len(rest) == max(width, 0)
    if share > 0 and width > 0:
        assert filled


def dots(lines: list[str]) -> list[int]:
    """Number of dots in each of the columns of a braille picture, left to right."""
    masks = (0x47, 0xB8)
    return [
        sum(((ord(line[x]) - 0x2800 if line[x] != " " else 0) & mask).bit_count() for line in lines)
        for x in range(len(lines[0]))
        for mask in masks
    ]


@given(st.lists(st.floats(0, 2), max_size=30), st.integers(1, 12), st.integers(1, 6), st.booleans())
def test_braille_heights_are_the_values(given_values, width, height, hang):
    lines = area(given_values, width, height, 1.0, hang=hang)
    assert [len(line) for line in lines] == [width] * height
    shown = given_values[-2 * width :]
    wanted = [0.0] * (2 * width - len(shown)) + shown
    for count, value in zip(dots(lines), wanted, strict=True):
        assert (count > 0) == (value > 0)
        assert abs(count - min(value, 1.0) * 4 * height) <= 1


def test_an_area_hangs_from_the_top():
    assert area([1, 1], 1, 2, 2.0) == [" ", "⣿"]
    assert area([1, 1], 1, 2, 2.0, hang=True) == ["⣿", " "]
    assert area([2, 1], 2, 2, 2.0, ASCII) == ["# ", "##"]


@given(st.floats(1, 1e15))
def test_a_scale_is_round_and_near(value):
    top = ceiling(value)
    assert value <= top * (1 + 1e-9)
    assert top <= 1.5 * value * (1 + 1e-9)
    assert len(short_figure(top)) <= 5


@pytest.mark.parametrize(
    ("value", "text"), [(50, "50 b"), (1500, "1.5 kb"), (2e6, "2 Mb"), (1e9, "1 Gb"), (0, "0 b")]
)
def test_labels(value, text):
    assert short_figure(value, "b") == text


# Columns --------------------------------------------------------------------------------------

columns = st.lists(
    st.builds(
        Column,
        key=st.just("k"),
        title=st.just("t"),
        width=st.integers(1, 30),
        weight=st.sampled_from([0, 1, 2, 0.5]),
        priority=st.integers(0, 3),
        limit=st.sampled_from([0, 30, 50]),
    ),
    min_size=1,
    max_size=8,
)


@given(columns, st.integers(0, 250))
def test_columns_fit_and_use_the_width(given_columns, width):
    placed = place(given_columns, width)
    assert placed
    assert placed[-1].x + placed[-1].width <= max(width, 0)
    assert [p.number for p in placed] == sorted({p.number for p in placed})
    for one, other in pairwise(placed):
        assert other.x == one.x + one.width + GAP
    if len(placed) > 1:
        assert all(p.width >= p.column.width for p in placed)
        assert all(p.width <= max(p.column.limit, p.column.width) for p in placed if p.column.limit)
    if any(p.column.weight and not p.column.limit for p in placed):
        assert placed[-1].x + placed[-1].width == width


@given(columns, st.integers(0, 250))
def test_the_least_important_columns_leave_first(given_columns, width):
    shown = {p.number for p in place(given_columns, width)}
    hidden = set(range(len(given_columns))) - shown
    for number in hidden:
        assert given_columns[number].priority > 0 or not any(given_columns[n].priority for n in shown if n)
