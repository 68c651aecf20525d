"""What rules remember besides flowbits: numbers and texts of flows, bits of hosts, pairs and transactions."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.detect.match.captured import CapturedTexts, variable_holds
from vpi_tui.detect.match.flowstate import FlowState
from vpi_tui.model.signature import FlowInt, HostBits, Signature, VariableHolds

MOST_BITS: Final = 262_144
"""Bits of hosts that are kept; the one that was set longest ago makes room."""
_SECOND: Final = 1_000_000_000

Address = tuple[int, int]
"""High and low half."""
Key = tuple[str, Address, Address]
"""Name of the bit and whose it is; of one host: the second address is (0, 0)."""
_NOBODY: Final[Address] = (0, 0)


class Who(NamedTuple):
    """Whose memory a rule asks: flow, row -1 = none; now_ns: time of the packet."""

    flow: int
    born: int
    src: Address
    dest: Address
    now_ns: int
    row: int
    transaction: Transaction | None


class Memory(NamedTuple):
    """All that rules remember, of whom it is."""

    flows: FlowState
    hosts: HostState
    texts: CapturedTexts


class HostState:
    """Bits with the second in which they end. A bit that was set again lives on."""

    def __init__(self) -> None:
        self.evicted = 0
        # Ordered, because a plain dict looks for its oldest entry behind all that were taken out.
        self._ends: OrderedDict[Key, int] = OrderedDict()

    @property
    def count(self) -> int:
        return len(self._ends)

    def is_set(self, key: Key, now_ns: int) -> bool:
        """Whole seconds are compared, as in Suricata; a bit that has ended is gone once it was asked for."""
        end = self._ends.get(key)
        if end is not None and end < now_ns // _SECOND:
            del self._ends[key]
            return False
        return end is not None

    def set(self, key: Key, now_ns: int, seconds: int) -> None:
        if self._ends.pop(key, None) is None and len(self._ends) >= MOST_BITS:
            self._ends.popitem(last=False)
            self.evicted += 1
        self._ends[key] = now_ns // _SECOND + seconds

    def unset(self, key: Key) -> None:
        self._ends.pop(key, None)

    def toggle(self, key: Key, now_ns: int, seconds: int) -> None:
        """A bit that nobody asked for since it ended is there still."""
        if key in self._ends:
            self.unset(key)
        else:
            self.set(key, now_ns, seconds)


_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_CONDITIONS: Final = frozenset((*_COMPARE, "isset", "isnotset"))


class RememberedPlan:
    """A rule's flowints, hostbits and captured texts, conditions and changes apart."""

    __slots__ = ("_asked_bits", "_asked_numbers", "_asked_texts", "_changed_bits", "_changed_numbers")

    def __init__(
        self, flowints: Sequence[FlowInt], hostbits: Sequence[HostBits], texts: Sequence[VariableHolds]
    ) -> None:
        self._asked_texts = texts
        self._asked_numbers = [step for step in flowints if step.op in _CONDITIONS]
        self._changed_numbers = [step for step in flowints if step.op not in _CONDITIONS]
        self._asked_bits = [step for step in hostbits if step.op in _CONDITIONS]
        self._changed_bits = [step for step in hostbits if step.op not in _CONDITIONS]

    def allows(self, memory: Memory, who: Who) -> bool:
        if self._asked_numbers:
            if who.flow < 0:
                return False
            numbers = memory.flows.numbers(who.flow, who.born)
            if not all(_number_holds(step, numbers) for step in self._asked_numbers):
                return False
        return all(_bit_holds(step, memory.hosts, who) for step in self._asked_bits) and all(
            variable_holds(asked, memory.texts.of(asked.scope, who.flow, who.born, who.row))
            for asked in self._asked_texts
        )

    def change(self, memory: Memory, who: Who) -> None:
        flows, hosts = memory.flows, memory.hosts
        for step in self._changed_numbers if who.flow >= 0 else ():
            numbers = flows.numbers(who.flow, who.born)
            operand, before = _operand(step, numbers), numbers.get(step.name)
            if step.op == "-" and before is None:
                continue
            after = {"=": operand, "+": (before or 0) + operand, "-": (before or 0) - operand}[step.op]
            flows.set_number(who.flow, who.born, step.name, after)
        for bits in self._changed_bits:
            if bits.track == "tx":
                _mark(who.transaction, bits.name)
                continue
            key = _key(bits, who)
            if bits.op == "unset":
                hosts.unset(key)
            elif bits.op == "toggle":
                hosts.toggle(key, who.now_ns, bits.seconds)
            else:
                hosts.set(key, who.now_ns, bits.seconds)


def _bit_holds(step: HostBits, hosts: HostState, who: Who) -> bool:
    if step.track == "tx":
        return who.transaction is not None and step.name in (who.transaction.bits or ())
    return hosts.is_set(_key(step, who), who.now_ns) == (step.op == "isset")


def _mark(transaction: Transaction | None, name: str) -> None:
    """What names are set is bounded by the names that rules have."""
    if transaction is not None:
        transaction.bits = transaction.bits or set()
        transaction.bits.add(name)


def _key(step: HostBits, who: Who) -> Key:
    if step.track == "pair":
        first, second = sorted((who.src, who.dest))
        return step.name, first, second
    return step.name, who.src if step.track == "src" else who.dest, _NOBODY


def _operand(step: FlowInt, numbers: Mapping[str, int]) -> int:
    """A flowint that is not set counts as 0."""
    return numbers.get(step.value, 0) if isinstance(step.value, str) else step.value


def _number_holds(step: FlowInt, numbers: Mapping[str, int]) -> bool:
    value = numbers.get(step.name)
    if step.op in ("isset", "isnotset"):
        return (value is not None) == (step.op == "isset")
    return value is not None and _COMPARE[step.op](value, _operand(step, numbers))


def remembered_plans(special: Mapping[int, Signature]) -> dict[int, RememberedPlan]:
    """Plans of the rules that have any, by rule number."""
    return {
        n: RememberedPlan(s.flowints, s.hostbits, s.variables)
        for n, s in special.items()
        if s.flowints or s.hostbits or s.variables
    }
