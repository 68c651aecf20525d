"""What rules add to datasets comes from the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.test_valuetable import table_of
from vpi_tui.model import valueset
from vpi_tui.model.valueset import LEARNED_MEMORY, ValueSet


def test_what_rules_add_is_bounded_by_its_bytes() -> None:
    values, each = ValueSet("seen", "string", limit=1 << 30), 10 << 20
    long = [bytes([number]) * each for number in range(12)]
    assert [values.add(one) for one in long] == [True] * 9 + [False] * 3
    assert sum(map(len, values.values)) <= LEARNED_MEMORY
    assert values.add(b"short"), "there is room for it"
    assert values.remove(long[0])
    assert values.add(long[11])


_WORD = st.sampled_from([b"a", b"b", b"ab", b".b", b"a.b", b"c.a.b", b""])


@given(st.lists(_WORD), st.lists(st.tuples(st.sampled_from(["add", "remove", "holds"]), _WORD)))
def test_a_set_with_a_long_list_changes_as_any(listed: list[bytes], asked: list[tuple[str, bytes]]) -> None:
    few, many = (
        ValueSet("few", "string", listed, limit=4),
        ValueSet("many", "string", table_of(listed), limit=4),
    )
    for what, value in asked:
        assert getattr(few, what)(value) == getattr(many, what)(value), (what, value)
        for word in (b"a", b"b", b"ab", b".b", b"a.b", b"c.a.b", b""):
            for subdomain in (False, True):
                assert few.holds(word, subdomain=subdomain) == many.holds(word, subdomain=subdomain)


def test_what_a_long_list_holds_takes_no_room_of_what_rules_add() -> None:
    long = bytes(LEARNED_MEMORY)
    values = ValueSet("seen", "string", table_of([long]), limit=2)
    assert values.remove(long)
    assert not values.holds(long)
    assert values.add(long)
    assert values.add(b"short")
    assert not values.add(b"third"), "there are two"


def test_what_an_earlier_run_has_added_counts_as_added() -> None:
    """Else a set grew by as much as one run may add with each start."""
    half = LEARNED_MEMORY // 2
    for values in ([bytes(half), b"a"], table_of([bytes(half), b"a"])):
        seen = ValueSet("seen", "string", limit=10)
        seen.resume(values)
        assert not seen.add(b"b" * half)
        assert seen.remove(bytes(half))
        assert seen.add(b"b" * half)
        assert not seen.add(bytes(half))


@given(st.lists(_WORD), st.lists(st.tuples(st.sampled_from(["add", "remove"]), _WORD)))
def test_all_that_it_holds_is_told(listed: list[bytes], asked: list[tuple[str, bytes]]) -> None:
    values, naive = ValueSet("many", "string", table_of(listed), limit=100), set(listed)
    for what, value in asked:
        before = values.changes
        assert getattr(values, what)(value) == (values.changes > before)
        (naive.add if what == "add" else naive.discard)(value)
    told = list(values)
    assert set(told) == naive
    assert len(told) == len(naive)


def test_a_reload_makes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or who reloads now and then would have sets without a bound."""
    monkeypatch.setattr(valueset, "LEARNED_MEMORY", 150)
    values = ValueSet("s", "string", limit=9)
    added = []
    for word in (b"a", b"b", b"c"):
        added.append(values.add(word))
        before, values = values, ValueSet("s", "string", limit=9)
        values.go_on(before)
    assert added == [True, True, False]
