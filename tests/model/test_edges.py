"""Sets of addresses as edges, against the arithmetic of spans and sets of integers."""

from __future__ import annotations

from operator import and_

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.rules import sets
from vpi_tui.model import edges, parts
from vpi_tui.model.parts import IP_MAX, Ranges

_BOUNDARIES = [0, (1 << 64) - 8, (0xFFFF << 32) - 8, (1 << 48) - 8, IP_MAX - 16]
_ADDRESS = st.builds(lambda base, more: base + more, st.sampled_from(_BOUNDARIES), st.integers(0, 16))
_SPANS = st.lists(st.tuples(_ADDRESS, _ADDRESS).map(sorted).map(tuple), max_size=12).map(sets.union)
NEAR = [base + more for base in _BOUNDARIES for more in range(17)]


def keys(values: list[int]) -> edges.Edges:
    return np.array([value.to_bytes(16) for value in values], edges.KEY)


@given(_SPANS)
def test_spans_become_edges_and_spans_again(spans: sets.Spans) -> None:
    ends = edges.edges_of(spans)
    assert edges.spans_of(ends) == spans
    low, high = edges.bounds_of(ends)
    assert [
        (a << 64 | b, c << 64 | d) for (a, b), (c, d) in zip(low.tolist(), high.tolist(), strict=True)
    ] == [*spans]
    expected = [any(low <= value <= high for low, high in spans) for value in NEAR]
    assert [edges.holds(ends, value) for value in NEAR] == expected
    assert edges.inside(ends, keys(sorted(NEAR))).tolist() == [
        edges.holds(ends, value) for value in sorted(NEAR)
    ]


@given(_SPANS, _SPANS)
def test_what_is_done_with_edges_is_what_is_done_with_spans(one: sets.Spans, other: sets.Spans) -> None:
    first, second = edges.edges_of(one), edges.edges_of(other)
    common = sets.subtract(one, sets.complement(other, IP_MAX))
    assert edges.spans_of(edges.combined(first, second, and_)) == common
    assert edges.spans_of(edges.complement(first)) == sets.complement(one, IP_MAX)
    assert edges.meet(first, second) == bool(common)


@pytest.mark.parametrize("value", [0, 255, (1 << 64) - 1, IP_MAX - 1])
def test_the_next_address(value: int) -> None:
    assert edges.next_of(keys([value])).tolist() == keys([value + 1]).tolist()


def test_behind_the_last_address_is_the_first() -> None:
    assert edges.next_of(keys([IP_MAX])).tolist() == keys([0]).tolist()


@given(_SPANS, _SPANS)
def test_many_ranges_are_the_same_as_few(one: sets.Spans, other: sets.Spans) -> None:
    few, few_others = Ranges(one), Ranges(other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "FEW_RANGES", 0)
        many, many_others = Ranges(one), Ranges.of(edges.edges_of(other))
    assert many.is_large == bool(one)
    assert (many == many_others) == (few == few_others)
    assert many != few or not one
    assert (many.spans, many.count, many.first(2)) == (few.spans, few.count, few.first(2))
    assert [array.tolist() for array in many.bounds()] == [array.tolist() for array in few.bounds()]
    assert [value in many for value in NEAR] == [value in few for value in NEAR]


def test_ranges_are_kept_as_edges_by_their_number_alone() -> None:
    spans = tuple((2 * number, 2 * number) for number in range(parts.FEW_RANGES + 1))
    assert [Ranges(spans[1:]).is_large, Ranges(spans).is_large] == [False, True]
    assert Ranges.of(edges.edges_of(spans)) == Ranges(spans)
    assert Ranges.of(edges.edges_of(spans[1:])) == Ranges(spans[1:])
    assert hash(Ranges.of(edges.edges_of(spans))) == hash(Ranges(spans))
    assert len(repr(Ranges(spans))) < 100


@pytest.mark.parametrize("behind", [1 << 64, 2 << 64, (1 << 64) + 1])
def test_the_last_address_of_a_range_is_before_the_edge(behind: int) -> None:
    low, high = edges.bounds_of(keys([5, behind]))
    assert low.tolist() == [[0, 5]]
    assert high.tolist() == [[(behind - 1) >> 64, (behind - 1) & ((1 << 64) - 1)]]
