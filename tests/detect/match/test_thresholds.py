"""Counts of thresholds when there are more senders than places."""

from __future__ import annotations

import numpy as np
import pytest

from vpi_tui.detect.match.kernels_threshold import (
    BY_SRC,
    DETECTION_FILTER,
    WAYS,
    ThresholdRules,
    apply_thresholds,
)
from vpi_tui.detect.match.threshold_windows import threshold_table

SECOND = 1_000_000_000
ATTACKER = 7


def alerted(senders: list[int], seconds: list[float], limit: int = 5, window: int = 60) -> list[int]:
    """Places of the matches that a `detection_filter` lets through; there is room for 8 senders."""
    table = threshold_table(WAYS)
    rules = ThresholdRules(
        np.array([DETECTION_FILTER], np.uint8), np.array([BY_SRC], np.uint8),
        *(np.array([value], np.int64) for value in (limit, window * SECOND, 1)),
    )  # fmt: skip
    count = len(senders)
    address = np.zeros((count, 2), np.uint64)
    address[:, 1] = senders
    nobody, keep = np.zeros(count, np.int32), np.ones(count, np.uint8)
    times = (np.array(seconds) * SECOND).astype(np.int64)
    order = np.arange(count, dtype=np.int32)
    apply_thresholds(
        rules,
        table,
        np.uint64(3),
        nobody,
        order,
        times,
        address,
        address,
        nobody,
        nobody.astype(np.uint32),
        keep,
    )
    return [int(place) for place in np.flatnonzero(keep)]


@pytest.mark.parametrize("between", [3, 30])
def test_invented_senders_do_not_hide_the_one_that_goes_on(between: int) -> None:
    senders = [ATTACKER, ATTACKER]
    for flood in range(1, 6):
        senders += [*range(1000 * flood, 1000 * flood + between), ATTACKER]
    found = alerted(senders, [0.01 * at for at in range(len(senders))])
    assert [senders[place] for place in found] == [ATTACKER, ATTACKER]


def test_a_window_that_is_over_makes_room_before_one_that_is_open() -> None:
    early, late = [1] * 4, [sender for sender in range(2, 9) for _ in range(2)]
    senders = [*early, *late, 100, *[2] * 4]
    seconds = [0.0] * 4 + [61.0] * (len(senders) - 4)
    assert [senders[place] for place in alerted(senders, seconds)] == [2]
