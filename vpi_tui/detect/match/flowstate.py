"""What is remembered per flow: flowbits and passed flows. Bounded; a reused slot starts empty."""

from __future__ import annotations

import fnmatch
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.types import ScopeResolver
from vpi_tui.model.batch import I32, I64, U32, U64, Columns
from vpi_tui.model.signature import FlowBits, Scope, Signature

MOST_FLOWS: Final = 262_144
"""Flows with flowbits, and flows with flowints; the one that got its first bit longest ago makes room."""
MOST_MATCHES: Final = 2 * MOST_FLOWS
"""Matches of rules that match once, of all flows; the flow that has the oldest makes room."""
NOWHERE: Final = -1
"""No window of a stream."""

RuleKey = tuple[int, int]
"""(gid, sid): lasts longer than a rule's number."""
_U32: Final = 0xFFFFFFFF
_FOLD: Final = 0xFFFF_FFFF_FFFF_FFFF
_NO_NUMBERS: Final[Mapping[str, int]] = {}


class FlowState:
    """Slots are told apart from their earlier use by a generation, which the packet loop counts."""

    def __init__(self) -> None:
        self.generation: U32 = np.ones(1, np.uint32)
        """uint32[slots]: grows with each flow in a slot."""
        self.passed: U32 = np.zeros(1, np.uint32)
        """uint32[slots]: the generation that a pass rule let through; 0 = none."""
        self.marked: U64 = np.zeros(1, np.uint64)
        """uint64[slots]: the flowbits that the flow, or an earlier one in the slot, has had, folded."""
        self.evicted = 0
        self._bits: OrderedDict[int, tuple[int, int]] = OrderedDict()
        """Slot -> (generation, set of bits)."""
        self._numbers: OrderedDict[int, tuple[int, dict[str, int]]] = OrderedDict()
        """Slot -> (generation, flowints)."""
        self._once: OrderedDict[int, tuple[int, dict[tuple[RuleKey, int], int]]] = OrderedDict()
        """Slot -> (generation, the latest window by rule and direction, of rules that match once in each)."""
        self._matches = 0
        """How many of those there are."""

    def make_room(self, slots: int) -> None:
        """Grow to at least so many slots."""
        short = slots - self.generation.size
        if short > 0:
            extra = max(short, self.generation.size)
            known = self.generation.size
            self.generation = _with_zeros(self.generation, extra)
            self.generation[known:] = 1
            self.passed = _with_zeros(self.passed, extra)
            self.marked = _with_zeros(self.marked, extra)

    def bits(self, slot: int, born: int) -> int:
        found = self._bits.get(slot)
        return found[1] if found and found[0] == born else 0

    def set_bits(self, slot: int, born: int, bits: int) -> None:
        if not bits:
            self._bits.pop(slot, None)
            return
        if slot not in self._bits and len(self._bits) >= MOST_FLOWS:
            self._bits.popitem(last=False)
            self.evicted += 1
        self._bits[slot] = (born, bits)
        self.marked[slot] |= np.uint64(folded(bits))

    def numbers(self, slot: int, born: int) -> Mapping[str, int]:
        """The flowints of a flow."""
        found = self._numbers.get(slot)
        return found[1] if found and found[0] == born else _NO_NUMBERS

    def set_number(self, slot: int, born: int, name: str, value: int) -> None:
        found = self._numbers.get(slot)
        if found is None or found[0] != born:
            if len(self._numbers) >= MOST_FLOWS:
                self._numbers.popitem(last=False)
                self.evicted += 1
            found = self._numbers[slot] = born, {}
        found[1][name] = value & _U32

    def has_matched(self, slot: int, born: int, rule: RuleKey, direction: int, window: int) -> bool:
        """Did a rule match in this window of the flow's direction before?"""
        found = self._once.get(slot)
        return found is not None and found[0] == born and found[1].get((rule, direction)) == window

    def is_first(self, slot: int, born: int, rule: RuleKey, direction: int, window: int = NOWHERE) -> bool:
        """Did a rule not match on this direction of the flow before? From now on it did.

        window: of the stream; in another one than that of its latest match it matches again.
        """
        found = self._once.get(slot)
        if found is None or found[0] != born:
            self._forget_matches(slot)
            found = self._once[slot] = born, {}
        windows, key = found[1], (rule, direction)
        if windows.get(key) == window:
            return False
        self._matches += key not in windows
        windows[key] = window
        while len(self._once) > MOST_FLOWS or self._matches > MOST_MATCHES:
            self._forget_matches(next(iter(self._once)))
            self.evicted += 1
        return True

    def _forget_matches(self, slot: int) -> None:
        found = self._once.pop(slot, None)
        if found is not None:
            self._matches -= len(found[1])

    def forget(self, slots: I32) -> None:
        """slots: int32[n], of flows that ended."""
        known = slots[(slots >= 0) & (slots < self.passed.size)]
        self.passed[known] = 0
        self.marked[known] = 0
        gone = set(slots.tolist())
        for slot in self._bits.keys() & gone:
            del self._bits[slot]
        for slot in self._numbers.keys() & gone:
            del self._numbers[slot]
        for slot in self._once.keys() & gone:
            self._forget_matches(slot)

    @property
    def remembers(self) -> bool:
        """Is there a flowbit or flowint of any flow?"""
        return bool(self._bits or self._numbers)

    @property
    def flows(self) -> int:
        return len(self._bits)


class BitPlan:
    """A rule's flowbits with the names as bits of one integer."""

    __slots__ = ("changes", "conditions")

    def __init__(self, flowbits: Sequence[FlowBits], numbers: dict[str, int]) -> None:
        self.conditions: list[tuple[int, bool]] = []
        """(these bits, of which one must be set: True, or not set: False)"""
        self.changes: list[tuple[str, int]] = []
        for step in flowbits:
            bits = sum(1 << numbers.setdefault(name, len(numbers)) for name in dict.fromkeys(step.names))
            if step.op in ("isset", "isnotset"):
                self.conditions.append((bits, step.op == "isset"))
            else:
                self.changes.append((step.op, bits))

    def allows(self, bits: int | None) -> bool:
        """bits: None = of a packet without a flow, of which no condition holds."""
        if bits is None:
            return not self.conditions
        return all(bits & asked if wanted else bits & asked != asked for asked, wanted in self.conditions)

    def change(self, bits: int) -> int:
        for op, named in self.changes:
            bits = bits | named if op == "set" else bits & ~named if op == "unset" else bits ^ named
        return bits


def folded(bits: int) -> int:
    """A set of flowbits in 64 bits: different ones may come to be the same."""
    folds = 0
    while bits:
        folds |= bits & _FOLD
        bits >>= 64
    return folds


class BitSieve:
    """Tells without looking at each which candidates fail by their flowbits, as most that ask for some do."""

    def __init__(self, plans: Mapping[int, BitPlan], rules: int) -> None:
        self._asks: U64 = np.zeros((rules, 2), np.uint64)
        """uint64[n, 2]: bits, folded, that the rule wants set: all of these, and one of those; 0 = none."""
        self._has_any: NDArray[np.bool_] = np.zeros(rules, np.bool_)
        """bool[n]: it wants some."""
        self._gives: U64 = np.zeros(rules, np.uint64)
        """uint64[n]: bits that a match may set."""
        for number, plan in plans.items():
            wanted = [bits for bits, is_set in plan.conditions if is_set]
            either = [bits for bits in wanted if bits.bit_count() > 1]
            self._asks[number, 0] = folded(sum({bits for bits in wanted if bits.bit_count() == 1}))
            self._asks[number, 1] = folded(either[0]) if either else 0
            self._has_any[number] = self._asks[number].any()
            self._gives[number] = folded(plan.change(0))

    def hopeless(self, state: FlowState, rule: I32, flow: I64) -> NDArray[np.bool_]:
        """bool per candidate: it asks for a bit that its flow does not have, nor may get from another."""
        if not self._has_any[rule].any():
            return np.zeros(rule.size, np.bool_)
        asks = self._asks[rule]
        marked, at, gives = state.marked, np.maximum(flow, 0), self._gives[rule]
        giving = np.flatnonzero(gives)
        givers = at[giving]
        before = marked[givers]  # what others may set is lent to the flows for this one look
        np.bitwise_or.at(marked, givers, gives[giving])
        have = marked[at]
        marked[givers] = before
        lacks = (have & asks[:, 0]) != asks[:, 0]
        fails: NDArray[np.bool_] = lacks | ((have & asks[:, 1]) == 0) & (asks[:, 1] != 0)
        return fails


def bit_plans(
    special: Mapping[int, Signature], known: Sequence[str] = ()
) -> tuple[dict[int, BitPlan], tuple[str, ...]]:
    """Plans of the rules that have flowbits, by rule number; and the names of the bits, lowest first.

    known: names that keep their bits, because flows have them.
    """
    numbers = {name: number for number, name in enumerate(known)}
    plans = {n: BitPlan(s.flowbits, numbers) for n, s in special.items() if s.flowbits}
    return plans, tuple(numbers)


def _with_zeros(column: Columns, extra: int) -> Columns:
    """Longer by so many zeros, which take no memory until they are written to."""
    longer = np.zeros(column.size + extra, column.dtype)
    longer[: column.size] = column
    return longer


def names_of(bits: int, names: Sequence[str]) -> tuple[str, ...]:
    """Names of the bits that are set, lowest first."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(names[lowest.bit_length() - 1])
        bits ^= lowest
    return tuple(found)


def scope_holds(scope: Scope, resolver: ScopeResolver | None, flow: int) -> bool:
    """Does the flow touch the switches, guests and tags that the rule names? No resolver: no."""
    if not (scope.switches or scope.guests or scope.tags):
        return True
    if resolver is None or flow < 0:
        return False
    return (
        (not scope.switches or _any_like((resolver.switch_of(flow),), scope.switches))
        and (not scope.guests or _any_like(resolver.guests_of(flow), scope.guests))
        and (not scope.tags or _any_like(resolver.tags_of(flow), scope.tags))
    )


def _any_like(names: Iterable[str], patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)
