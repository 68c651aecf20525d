"""What a table asks for its rows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol, runtime_checkable

from vpi_tui.ui.widgets.lines import Cell


@runtime_checkable
class RowSource(Protocol):
    """Rows, already sorted and filtered. A new object for each refresh, or the same one changed.

    A source that also has `find(key) -> int | None` lets the cursor follow its row however far it moved.
    """

    def __len__(self) -> int: ...

    def row(self, index: int) -> Sequence[Cell]:
        """The cells of a row, one for each column."""
        ...

    def key(self, index: int) -> Hashable:
        """What the row is about, so that the cursor stays with it when rows move."""
        ...


class SequenceSource:
    """A source over rows in memory: (key, cells) pairs."""

    def __init__(self, rows: Sequence[tuple[Hashable, Sequence[Cell]]] = ()) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, index: int) -> Sequence[Cell]:
        return self._rows[index][1]

    def key(self, index: int) -> Hashable:
        return self._rows[index][0]
