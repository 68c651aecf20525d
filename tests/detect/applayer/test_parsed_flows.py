"""Flows that are followed make room for others, at a cost that does not depend on how many they are."""

from __future__ import annotations

import time

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.followed import Followed
from vpi_tui.detect.applayer.outbox import Outbox
from vpi_tui.detect.applayer.parsed_flows import ParsedFlows
from vpi_tui.detect.applayer.registry import by_name

TURNS = 30_000


def followed() -> Followed:
    application = by_name()["dns"]
    return Followed(application, application.parser(Limits()), udp=True, keeps_sent=False)


def cpu_of_making_room(most: int) -> int:
    """Nanoseconds that so many new flows take when `most` are followed already."""
    flows, one = ParsedFlows(Outbox(()), 1 << 30, most), followed()
    for slot in range(most):
        flows.add(slot, one)
    began = time.thread_time_ns()
    for slot in range(most, most + TURNS):
        flows.add(slot, one)
    took = time.thread_time_ns() - began
    assert list(flows.of) == list(range(TURNS, most + TURNS)), "those followed longest make room"
    assert flows.evicted == TURNS
    return took


def test_room_is_made_at_once_however_many_flows_there_are() -> None:
    few, many = (min(cpu_of_making_room(most) for _ in range(3)) for most in (100, 50_000))
    assert many < 6 * few
