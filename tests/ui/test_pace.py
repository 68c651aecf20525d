"""A slow line gets fewer pictures, and more again when it has caught up."""

from __future__ import annotations

from vpi_tui.ui.pace import PATIENCE, RECOVERY, Pace


def test_one_dropped_frame_changes_nothing() -> None:
    pace = Pace(1.0)
    assert [pace.tick(dropped) for dropped in (1, 1, 2, 2, 3)] == [1.0] * 5


def test_slower_while_the_line_is_behind_and_back_again() -> None:
    pace = Pace(0.5)
    dropped = range(1, 20 * PATIENCE)
    seen = [pace.tick(count) for count in dropped]
    assert sorted(set(seen)) == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert seen == sorted(seen)
    after = [pace.tick(dropped[-1]) for _ in range(6 * RECOVERY)]
    assert after == sorted(after, reverse=True)
    assert after[-1] == 0.5


def test_a_wish_holds_at_once() -> None:
    pace = Pace(1.0)
    for dropped in range(1, 2 * PATIENCE + 1):
        pace.tick(dropped)
    pace.wish(0.25)
    assert pace.tick(2 * PATIENCE) == 0.25
