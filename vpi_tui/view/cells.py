"""Cells: what a view says of one field of a row, for any widget to draw."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

Cell = str | tuple[str, str]
"""Text, or (text, name of a theme style). The names are those of the themes: `severity.high`, `muted`, ..."""

SEVERITY_STYLES = ("severity.high", "severity.medium", "severity.low")
SEVERITY_WORDS = ("high", "medium", "low")


def severity_index(priority: int) -> int:
    """Place of a rule's priority in `Severities`: 0 = high, 1 = medium, 2 = low. Unset (0) counts as low."""
    return min(priority, 3) - 1 if priority > 0 else 2


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. key: what it is about, so that a cursor can follow it."""

    key: Hashable
    cells: tuple[Cell, ...]


class Rows:
    """Rows in memory that a table can show; the cursor finds its row again by key."""

    __slots__ = ("_places", "rows")

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.rows = rows
        self._places: dict[Hashable, int] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> Sequence[Cell]:
        return self.rows[index].cells

    def key(self, index: int) -> Hashable:
        return self.rows[index].key

    def find(self, key: Hashable) -> int | None:
        if self._places is None:
            self._places = {row.key: index for index, row in enumerate(self.rows)}
        return self._places.get(key)


class LazyRows:
    """Rows of which a table shows few: the cells of one are made when it is looked at.

    keys: what each row is about, in order. cells: makes those of the row at an index.
    """

    __slots__ = ("_cells", "_keys", "_places")

    def __init__(self, keys: Sequence[Hashable], cells: Callable[[int], tuple[Cell, ...]]) -> None:
        self._keys = keys
        self._cells = cells
        self._places: dict[Hashable, int] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def row(self, index: int) -> Sequence[Cell]:
        return self._cells(index)

    def key(self, index: int) -> Hashable:
        return self._keys[index]

    def find(self, key: Hashable) -> int | None:
        if self._places is None:
            self._places = {known: index for index, known in enumerate(self._keys)}
        return self._places.get(key)
