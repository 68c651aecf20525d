"""What rules add to datasets comes from the wire."""

from __future__ import annotations

from vpi_tui.model.valueset import LEARNED_MEMORY, ValueSet


def test_what_rules_add_is_bounded_by_its_bytes() -> None:
    values, each = ValueSet("seen", "string", limit=1 << 30), 10 << 20
    long = [bytes([number]) * each for number in range(12)]
    assert [values.add(one) for one in long] == [True] * 9 + [False] * 3
    assert sum(map(len, values.values)) <= LEARNED_MEMORY
    assert values.add(b"short"), "there is room for it"
    assert values.remove(long[0])
    assert values.add(long[11])
