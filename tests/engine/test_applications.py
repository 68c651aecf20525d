"""Counts of flows by application only ever grow."""

from __future__ import annotations

from typing import Any

import numpy as np

from vpi_tui.engine.applications import Applications
from vpi_tui.flow.records import FLOW_DTYPE
from vpi_tui.model.applications import APP_PROTOS

TCP, UDP, PSH = 6, 17, 8


def flows(*kinds: tuple[int, str, int]) -> Any:
    """One for each (protocol, application, flags of both ends)."""
    rows = np.zeros(len(kinds), FLOW_DTYPE)
    for row, (proto, app, flags) in zip(rows, kinds, strict=True):
        row["flow_id"], row["proto"], row["app_proto"] = 1, proto, APP_PROTOS.index(app)
        row["tcp_flags_toserver"] = row["tcp_flags_toclient"] = flags
        row["pkts_toserver"] = row["pkts_toclient"] = 1
    return rows


def test_what_has_ended_and_what_lives_is_counted() -> None:
    counted = Applications()
    counted.ended(flows((TCP, "dns", PSH), (UDP, "dns", 0), (TCP, "", PSH), (TCP, "", 0), (UDP, "", 0)))
    live = flows((TCP, "dns", PSH), (TCP, "", PSH), (TCP, "tls", PSH), (TCP, "tls", PSH))
    live[2]["flow_id"] = 0
    live[3]["reason"] = 1
    assert counted.flows(live, {}) == {
        ("dns", False): 2, ("dns", True): 1, ("failed", False): 1, ("failed", True): 1,
    }  # fmt: skip


def test_flows_that_change_count_twice_and_those_lost_stay_counted() -> None:
    counted, nothing = Applications(), flows()
    assert counted.flows(flows((TCP, "smtp", PSH)), {}) == {("smtp", False): 1}
    both = {("smtp", False): 1, ("tls", False): 1}
    assert counted.flows(flows((TCP, "tls", PSH)), {"smtp": 1}) == both
    assert counted.flows(nothing, {"smtp": 1}) == both
