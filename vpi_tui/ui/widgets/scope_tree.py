"""ScopeTree: switches and their guests, each with rate, sparkline, alerts and coverage."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Unpack

from vpi_tui.ui.widgets.glyphs import Glyphs, sparkline
from vpi_tui.ui.widgets.line_table import Column, LineTable
from vpi_tui.ui.widgets.line_widget import Common
from vpi_tui.ui.widgets.lines import Cell, Span, fit, squeezed

_SEVERITY_STYLES = ("severity.high", "severity.medium", "severity.low")


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One line of the tree. key: what a selection reports, such as "guest:web-1"; "" = everything.

    guides: one flag for each level above, True when that ancestor has more siblings below; its length is the
    depth. last: no sibling below. alerts: counts by severity, high first. expanded: None = has no children.
    """

    key: Hashable
    name: str
    style: str = "guest"
    guides: tuple[bool, ...] = ()
    last: bool = False
    rate: str = ""
    spark: tuple[float, ...] = ()
    alerts: tuple[int, int, int] = (0, 0, 0)
    coverage: str = "unknown"
    expanded: bool | None = None


class _TreeSource:
    def __init__(self, rows: Sequence[TreeRow], keys: Sequence[Hashable]) -> None:
        self.rows = rows
        self._keys = keys
        self._places = {key: index for index, key in enumerate(keys)}

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> Sequence[Cell]:
        return (self.rows[index].name,)

    def key(self, index: int) -> Hashable:
        return self._keys[index]

    def find(self, key: Hashable) -> int | None:
        return self._places.get(key)


class ScopeTree(LineTable):
    """Posts the messages of LineTable; RowSelected is the scope to show, RowToggled asks to fold or unfold.

    Parts leave in this order as it gets narrow: the sparkline, the rate.
    """

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(
            (Column("name", "", 8, 1),),
            _TreeSource((), ()),
            empty=("No virtual switch yet.", "Start the engine, or open the demo."),
            header=False,
            **common,
        )
        self._rows: Sequence[TreeRow] = ()
        self._scope: Hashable = None

    def set_rows(
        self, rows: Sequence[TreeRow], scope: Hashable = None, keys: Sequence[Hashable] | None = None
    ) -> None:
        """scope: key of the row that the screens are narrowed to; it is marked. keys: those of the rows, for
        rows that are made as they are looked at."""
        self._rows = rows
        self._scope = scope
        self.set_source(_TreeSource(rows, [row.key for row in rows] if keys is None else keys))

    def row_spans(self, index: int, room: int) -> Sequence[Span]:
        row = self._rows[index]
        glyphs = self.look.glyphs
        right = self._right(row, room - 2, glyphs)
        left = room - 3 - sum(len(text) for text, _ in right)
        name = _name(row, left, glyphs, row.key == self._scope)
        return [self._coverage(row, glyphs), (" ", "text"), *name, (" ", "text"), *right]

    def _coverage(self, row: TreeRow, glyphs: Glyphs) -> Span:
        return glyphs.coverage.get(row.coverage, glyphs.coverage["unknown"]), f"coverage.{row.coverage}"

    def _right(self, row: TreeRow, room: int, glyphs: Glyphs) -> list[Span]:
        """Sparkline, rate and badge; the columns stand still whatever the row holds."""
        spans: list[Span] = []
        if room >= 35:
            spans += ((sparkline(row.spark, 7, glyphs), "sparkline"), (" ", "text"))
        if room >= 20:
            spans.append((fit(row.rate, 9, "right", glyphs.ellipsis), "number"))
        spans.append(_badge(row.alerts, glyphs))
        return spans


def _name(row: TreeRow, width: int, glyphs: Glyphs, in_scope: bool) -> list[Span]:
    guides = "".join(glyphs.branch_through if more else "  " for more in row.guides[:-1])
    if row.guides:
        guides += glyphs.branch_last if row.last else glyphs.branch
    elif row.expanded is not None:
        guides = (glyphs.expanded if row.expanded else glyphs.collapsed) + " "
    elif row.key:
        guides = "  "
    guides = guides[: max(width - 4, 0)]
    room = width - len(guides)
    here = f" {glyphs.here}" if in_scope else ""
    name = squeezed(row.name, room - len(here), glyphs.ellipsis) + here
    style = "accent" if in_scope else row.style
    return [(guides, "tree.guide"), (fit(name, room, ellipsis=glyphs.ellipsis), style)]


def _badge(alerts: tuple[int, int, int], glyphs: Glyphs) -> Span:
    """The gravest severity there is, with its count, in five cells."""
    for mark, style, count in zip(glyphs.severity, _SEVERITY_STYLES, alerts, strict=True):
        if count:
            figure = str(count) if count < 1000 else f"{min(count // 1000, 99)}k"
            return f" {mark}{figure:>3}", style
    return " " * 5, "text"
