"""The dump beside the tree of a packet: where it begins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.ui.widgets.packet_pane import HexView

DATA = bytes(range(256)) * 8


def offsets(view: HexView, height: int) -> list[int]:
    lines = view.compose_lines(80, height)
    return [int(line.spans[1][0], 16) for line in lines]


@given(place=st.integers(0, len(DATA) - 2), heights=st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_where_the_dump_begins_depends_on_no_height_it_had_before(place: int, heights: list[int]) -> None:
    view, fresh = HexView(), HexView()
    for each in (view, fresh):
        each.set_data(DATA)
        each.mark((place, place + 2))
    shown = [offsets(view, height) for height in heights][-1]
    assert place // 16 * 16 in shown
    assert shown == offsets(fresh, heights[-1])
    assert shown[0] == 0 or place >= 16 * heights[-1]
