"""Tables of values against sets and dictionaries of Python."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.model import valuetable
from vpi_tui.model.valuetable import EVEN, FEW, ScoreTable, TableBuilder, ValueTable, few_or_uneven

SAME_HASH = b"plumless", b"buckeroo"
_VALUE = st.one_of(st.binary(max_size=3), st.sampled_from(SAME_HASH), st.binary(max_size=40))


def table_of(*pieces: list[bytes]) -> ValueTable:
    builder = TableBuilder()
    for piece in pieces:
        builder.add(piece)
    return builder.table()


@given(st.lists(st.lists(_VALUE)), st.lists(_VALUE))
def test_a_table_holds_what_a_set_holds(pieces: list[list[bytes]], others: list[bytes]) -> None:
    table = table_of(*pieces)
    values = {value for piece in pieces for value in piece}
    assert sorted(table) == sorted(values)
    assert len(table) == len(values)
    assert table.places == sum(map(len, pieces))
    for value in (*others, *values, *(value[:-1] for value in values), *(value + b"\0" for value in values)):
        assert (value in table) == (value in values)


@given(st.lists(st.tuples(_VALUE, st.integers(-1, 1 << 30))), st.lists(_VALUE))
def test_the_first_score_of_a_value_counts(pairs: list[tuple[bytes, int]], others: list[bytes]) -> None:
    values = table_of([value for value, _ in pairs])
    table = ScoreTable(values, np.array([score for _, score in pairs], np.int32))
    scores = dict(reversed(pairs))
    assert dict(table.items()) == scores
    for value in (*others, *scores):
        assert table.get(value) == scores.get(value)


@pytest.mark.parametrize("values", [SAME_HASH, SAME_HASH[:1], SAME_HASH[1:]])
def test_values_with_one_hash_are_told_apart(values: tuple[bytes, ...]) -> None:
    assert crc32(SAME_HASH[0]) == crc32(SAME_HASH[1])
    table = table_of(list(values), [*values, b"other"])
    assert sorted(table) == sorted({*values, b"other"})
    assert [value in table for value in SAME_HASH] == [value in values for value in SAME_HASH]


def test_few_values_and_chosen_ones_belong_into_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [b"%d" % number for number in range(FEW + 1)]
    assert few_or_uneven(table_of(many[:-1]))
    assert not few_or_uneven(table_of(many))
    monkeypatch.setattr(valuetable, "FEW", 0)
    chosen = [value for value in (b"%d" % n for n in range(10_000)) if crc32(value) >> 25 == 1]
    assert len(chosen) > EVEN
    assert few_or_uneven(table_of(chosen))
    assert sorted(table_of(chosen)) == sorted(chosen)


def test_arrays_that_are_no_table() -> None:
    blob, start, order, index = table_of([b"a", b"b", b"c"]).arrays
    with pytest.raises(ValueError, match="no table"):
        ValueTable(blob, start, order, index[:-1])
    with pytest.raises(ValueError, match="no table"):
        ValueTable(blob, start[:0], order, index)
    with pytest.raises(ValueError, match="no scores"):
        ScoreTable(ValueTable(blob, start, order, index), np.zeros(1, np.int32))
