"""What expressions of rules have captured: kept with the flow, or with the packet until its batch is over."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Literal

from vpi_tui.detect.match.run import CONTEXT
from vpi_tui.model.batch import I32
from vpi_tui.model.signature import VariableHolds

MOST_FLOWS: Final = 65_536
"""Flows with captures; the one that got its first longest ago makes room."""
MEMORY: Final = 64 << 20
"""Bytes of all of them."""
MOST_NAMES: Final = 32
"""Captures of one flow or packet: names can come from the wire."""

Captured = Mapping[tuple[str, str], bytes]
"""(scope, name) -> text."""
Texts = Mapping[str, bytes]
_NONE: Final[Texts] = {}


class CapturedTexts:
    """Texts by name, of flows (told apart by slot and generation) and of the rows of one batch."""

    def __init__(self) -> None:
        self.evicted = 0
        self._flows: OrderedDict[int, tuple[int, dict[str, bytes]]] = OrderedDict()
        self._held = 0
        """Bytes of those, names included."""
        self._rows: dict[int, dict[str, bytes]] = {}

    def __bool__(self) -> bool:
        return bool(self._flows or self._rows)

    def new_batch(self) -> None:
        self._rows.clear()

    def keep(self, slot: int, born: int, row: int, captured: Captured) -> None:
        """slot, row: -1 = none, and so nothing is kept there."""
        for (scope, name), text in captured.items():
            if scope == "pkt" and row >= 0:
                _add(self._rows.setdefault(row, {}), name, text)
            elif scope == "flow" and slot >= 0:
                self._held += _add(self._of_slot(slot, born), name, text)
        while self._held > MEMORY and len(self._flows) > 1:
            self._evict(next(iter(self._flows)))

    def of(self, scope: Literal["flow", "pkt"], slot: int, born: int, row: int) -> Texts:
        if scope == "pkt":
            return self._rows.get(row, _NONE)
        found = self._flows.get(slot)
        return found[1] if found and found[0] == born else _NONE

    def forget(self, slots: I32) -> None:
        """slots: int32[n], of flows that ended."""
        for slot in self._flows.keys() & set(slots.tolist()) if self._flows else ():
            self._forget(slot)

    def _of_slot(self, slot: int, born: int) -> dict[str, bytes]:
        found = self._flows.get(slot)
        if found is None or found[0] != born:
            if slot in self._flows:
                self._forget(slot)
            elif len(self._flows) >= MOST_FLOWS:
                self._evict(next(iter(self._flows)))
            found = self._flows[slot] = born, {}
        return found[1]

    def _evict(self, slot: int) -> None:
        self._forget(slot)
        self.evicted += 1

    def _forget(self, slot: int) -> None:
        self._held -= sum(len(name) + len(text) for name, text in self._flows.pop(slot)[1].items())


def _add(texts: dict[str, bytes], name: str, text: bytes) -> int:
    """How many bytes there are more."""
    before = texts.get(name)
    if before is None and len(texts) >= MOST_NAMES:
        return 0
    texts[name] = text
    return len(text) - len(before) if before is not None else len(name) + len(text)


def contexts_in(captured: Captured) -> tuple[tuple[str, bytes], ...]:
    """What sets tell of the values that were found in them, which goes with this one match."""
    return tuple((name, text) for (scope, name), text in captured.items() if scope == CONTEXT and text)


def variable_holds(asked: VariableHolds, texts: Texts) -> bool:
    text = texts.get(asked.name)
    return text is not None and (asked.pattern in text) != asked.negated
