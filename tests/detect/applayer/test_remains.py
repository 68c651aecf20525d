"""What is kept of flows whose parser is gone."""

from __future__ import annotations

import numpy as np

from vpi_tui.detect.applayer.remains import NOT_PARSED, Parsed, Remains


def test_a_slot_is_known_until_it_is_another_flows() -> None:
    remains = Remains()
    remains.keep(9, Parsed(3, "smtp"))
    remains.keep(70_000, Parsed(1))
    assert remains.of(9) == Parsed(3, "smtp")
    assert remains.of(8) == remains.of(10**9) == NOT_PARSED
    remains.forget(np.array([-1, 9, 10**9], np.int32))
    assert remains.of(9) == NOT_PARSED
    assert remains.of(70_000) == Parsed(1)


def test_the_latest_counts() -> None:
    remains = Remains()
    remains.keep(0, Parsed(3, "smtp"))
    remains.keep(0, Parsed(1, ""))
    assert remains.of(0) == Parsed(1)
