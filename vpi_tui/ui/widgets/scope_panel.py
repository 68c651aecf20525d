"""ScopePanel: the tree of switches and guests in its frame; choosing a line narrows all screens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack, overload

from textual import on
from textual.app import ComposeResult
from textual.message import Message

from vpi_tui.ui.widgets.line_table import LineTable
from vpi_tui.ui.widgets.line_widget import Common
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.ui.widgets.scope_tree import ScopeTree, TreeRow
from vpi_tui.view import overview, scope

if TYPE_CHECKING:
    from vpi_tui.ui.state import Session
    from vpi_tui.view.overview import TreeNode
    from vpi_tui.view.scope import Scope


class ScopePanel(Panel):
    """`show` it a session. It folds by itself and posts what was chosen."""

    class Chosen(Message):
        def __init__(self, chosen: Scope) -> None:
            super().__init__()
            self.scope = chosen

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(title="Switches and guests", **common)
        self._session: Session | None = None

    def compose(self) -> ComposeResult:
        yield ScopeTree()

    @property
    def scope_tree(self) -> ScopeTree:
        return self.query_one(ScopeTree)

    def show(self, session: Session) -> None:
        self._session = session
        if session.snapshot is None:
            self.scope_tree.set_rows(())
            return
        nodes = overview.tree(session.snapshot, session.history, session.folded)
        self.scope_tree.set_rows(_Rows(nodes), session.scope.key, [node.key for node in nodes])

    @on(LineTable.RowSelected)
    def _selected(self, message: LineTable.RowSelected) -> None:
        message.stop()
        self.post_message(self.Chosen(scope.parse(str(message.key))))

    @on(LineTable.RowToggled)
    def _toggled(self, message: LineTable.RowToggled) -> None:
        message.stop()
        if self._session is not None and str(message.key).startswith("switch:"):
            self._session.fold(str(message.key))
            self.show(self._session)


class _Rows(Sequence[TreeRow]):
    """Made as they are looked at."""

    def __init__(self, nodes: Sequence[TreeNode]) -> None:
        self._nodes = nodes

    def __len__(self) -> int:
        return len(self._nodes)

    @overload
    def __getitem__(self, index: int) -> TreeRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TreeRow]: ...
    def __getitem__(self, index: int | slice) -> TreeRow | Sequence[TreeRow]:
        return _Rows(self._nodes[index]) if isinstance(index, slice) else _row(self._nodes[index])


def _row(node: TreeNode) -> TreeRow:
    return TreeRow(
        node.key,
        node.name,
        node.style,
        _guides(node),
        node.last,
        node.rate,
        node.spark,
        node.alerts,
        node.coverage,
        node.expanded if node.depth else None,
    )


def _guides(node: TreeNode) -> tuple[bool, ...]:
    """Lines lead to guests alone: that everything hangs on `all` needs no line, and names need the room."""
    return (not node.last,) if node.depth == 2 else ()
