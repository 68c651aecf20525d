"""What rules add to datasets comes from the wire."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.model.test_valuetable import table_of
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
