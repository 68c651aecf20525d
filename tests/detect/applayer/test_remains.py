"""What is kept of flows whose parser is gone."""

from __future__ import annotations

import numpy as np

from vpi_tui.detect.applayer.outbox import Outbox
from vpi_tui.detect.applayer.parsed_flows import ParsedFlows
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


def test_what_another_flow_has_left_in_a_slot_is_none_of_the_next_one() -> None:
    flows = ParsedFlows(Outbox(()), 1 << 20, 64)
    flows.remains.keep(3, Parsed(2))
    flows.forget(np.array([3], np.int32))
    assert flows.remains.of(3) == NOT_PARSED
