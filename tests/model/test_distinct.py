"""Which of many combinations are there for the first time."""

from __future__ import annotations

import numpy as np
import pytest

from vpi_tui.model.distinct import firsts_of


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_the_first_of_each_combination_is_found_in_order(count: int) -> None:
    columns = np.random.default_rng(7).integers(0, 4, (3, count)).astype(np.uint64)
    seen: dict[tuple[int, ...], int] = {}
    for place, one in enumerate(zip(*columns.tolist(), strict=True)):
        seen.setdefault(one, place)
    assert firsts_of(columns).tolist() == list(seen.values())
