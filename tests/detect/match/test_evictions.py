"""What rules remember makes room at once, however much of it there is."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from vpi_tui.detect.match import captured, flowstate, remembered
from vpi_tui.detect.match.captured import CapturedTexts
from vpi_tui.detect.match.flowstate import FlowState
from vpi_tui.detect.match.remembered import HostState

FLOOD = 40_000
Remember = Callable[[int], object]


def _host_bits() -> tuple[Remember, int]:
    hosts = HostState()
    return lambda n: hosts.set(("bit", (0, n), (0, 0)), 0, 60), remembered.MOST_BITS


def _flow_bits() -> tuple[Remember, int]:
    flows = FlowState()
    flows.make_room(flowstate.MOST_FLOWS + FLOOD)
    return lambda n: flows.set_bits(n, 1, 1), flowstate.MOST_FLOWS


def _flow_numbers() -> tuple[Remember, int]:
    flows = FlowState()
    return lambda n: flows.set_number(n, 1, "number", 1), flowstate.MOST_FLOWS


def _texts() -> tuple[Remember, int]:
    texts = CapturedTexts()
    return lambda n: texts.keep(n, 1, -1, {("flow", "name"): b"text"}), captured.MOST_FLOWS


@pytest.mark.parametrize("made", [_host_bits, _flow_bits, _flow_numbers, _texts])
def test_a_flood_makes_room_in_no_time(made: Callable[[], tuple[Remember, int]]) -> None:
    remember, most = made()
    for number in range(most):
        remember(number)
    began = time.process_time()
    for number in range(most, most + FLOOD):
        remember(number)
    assert time.process_time() - began < 1
