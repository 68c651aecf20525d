"""How many alerts one packet may raise."""

from __future__ import annotations

import numpy as np

from vpi_tui.detect.match.candidates import Candidates
from vpi_tui.detect.match.most_alerts import within_most
from vpi_tui.detect.match.subjects import Subjects


def within(*alerts: tuple[int, int, int, int], most: int) -> list[bool]:
    """alerts: (rule, row, flow, direction) of each; the rule's number is its rank."""
    rule, row, flow, direction = (np.array(column, np.int64) for column in zip(*alerts, strict=True))
    size = len(alerts)
    nobody = np.zeros((size, 2), np.uint64)
    nothing = np.full(size, -1, np.int32)
    subjects = Subjects(flow, flow, direction.astype(np.uint8), flow, nobody, nobody)
    found = Candidates(rule.astype(np.int32), row.astype(np.int32), nothing, nothing)
    rank = np.arange(100, dtype=np.int32)
    allowed: list[bool] = within_most(found, subjects, np.arange(size), rank, most).tolist()
    return allowed


def test_those_of_the_first_rules_are_kept() -> None:
    assert within((5, 0, 1, 1), (3, 0, 1, 1), (9, 1, 1, 1), (4, 0, 1, 1), most=2) == [False, True, True, True]


def test_without_a_packet_each_flow_and_direction_counts_by_itself() -> None:
    ends = [(rule, -1, flow, direction) for flow in (0, 7) for direction in (1, 2) for rule in (1, 2)]
    assert within(*ends, most=2) == [True] * 8
    assert within(*ends, most=1) == [True, False] * 4
    assert within((1, 0, 0, 1), (2, -1, 0, 1), most=1) == [True, True]
