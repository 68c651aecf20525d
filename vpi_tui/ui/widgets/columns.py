"""Columns of a table and where they stand. Pure: a layout depends on the width and on the column that sorts,
so it never jumps by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vpi_tui.ui.widgets.lines import Align

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """width: the least that the column needs. weight: its share of what is left over; 0 = it never grows.

    priority: 0 = always shown; else the highest is hidden first when the table is too narrow.
    limit: most cells that it grows to; 0 = no limit. style: theme style of cells that bring none.
    """

    key: str
    title: str
    width: int
    weight: float = 0
    align: Align = "left"
    style: str = "table.cell"
    priority: int = 0
    limit: int = 0
    sortable: bool = True


class Placed(NamedTuple):
    """A column that is shown. number: its place among all columns. x: first cell. width: its cells."""

    column: Column
    number: int
    x: int
    width: int


def place(columns: Sequence[Column], width: int, sorted_by: str = "") -> tuple[Placed, ...]:
    """Which columns stand where in `width` cells. The first column is cut when even that does not fit.

    sorted_by: key of the column that sorts. It is hidden last: an order that cannot be seen explains nothing.
    """
    shown = list(enumerate(columns))
    while len(shown) > 1 and _least(shown) > width:
        others = [entry for entry in shown if entry[1].key != sorted_by]
        hideable = [entry for entry in others if entry[1].priority > 0] or others[1:] or shown[1:]
        shown.remove(max(hideable, key=lambda entry: (entry[1].priority, entry[0])))
    widths = _grow([column for _, column in shown], width - GAP * (len(shown) - 1))
    placed, x = [], 0
    for (index, column), cells in zip(shown, widths, strict=True):
        placed.append(Placed(column, index, x, cells))
        x += cells + GAP
    return tuple(placed)


def _least(shown: Sequence[tuple[int, Column]]) -> int:
    return sum(column.width for _, column in shown) + GAP * (len(shown) - 1)


def _grow(columns: Sequence[Column], room: int) -> list[int]:
    """Share what is left over by weight, in whole cells; the remainder goes to the first that may grow."""
    widths = [column.width for column in columns]
    if sum(widths) > room:
        return [max(min(widths[0], room), 0), *widths[1:]] if widths else []
    growing = {number for number, column in enumerate(columns) if column.weight > 0}
    while growing and (spare := room - sum(widths)) > 0:
        total = sum(columns[number].weight for number in growing)
        before = sum(widths)
        for number in sorted(growing):
            column = columns[number]
            share = int(spare * column.weight / total)
            most = column.limit - widths[number] if column.limit else share
            if share >= most and column.limit:
                growing.discard(number)
            widths[number] += max(min(share, most), 0)
        if sum(widths) == before:
            for number in sorted(growing)[:spare]:
                widths[number] += 1
                if columns[number].limit and widths[number] >= columns[number].limit:
                    growing.discard(number)
    return widths
