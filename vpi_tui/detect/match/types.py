"""What the matcher takes besides batches, and what it gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from vpi_tui.model.batch import U8, U16, U64


class Match(NamedTuple):
    """One rule that held. Matches come in packet order, then in rule order (see ordering.py)."""

    rule: int
    """Index into `RuleSet.signatures`."""
    row: int
    """Row of the DecodedBatch; -1 = a stretch of a stream that a time-out released."""
    flow: int
    """Slot in the flow table; -1 = none."""
    direction: int
    """A Direction: of the packet, or of the stretch that matched."""
    stream: int
    """Index into the StreamBatch; -1 = the packet itself matched."""
    ts_ns: int
    entry: int = -1
    """Index into the batch's progress of transactions; -1 = it is not about a transaction."""
    memory: Remembered | None = None
    """What was remembered of the flow and the packet then; None = nothing."""

    @property
    def transaction(self) -> bool:
        """Is it about a transaction, of which the packet only brought the end?"""
        return self.entry >= 0


class Remembered(NamedTuple):
    """Names and values that rules have left with a flow, and with the packet that matched."""

    flowbits: tuple[str, ...] = ()
    flowints: tuple[tuple[str, int], ...] = ()
    flowvars: tuple[tuple[str, bytes], ...] = ()
    pktvars: tuple[tuple[str, bytes], ...] = ()
    context: tuple[tuple[str, bytes], ...] = ()
    """By name, what sets tell of the values that the rule found in them: JSON."""
    passed: bool = False
    """A rule lets the flow through; only said of flows that are looked back on."""


class FlowView(NamedTuple):
    """What the matcher needs of the flow table: one entry per slot, views on the table's records.

    Addresses are two halves in host order, IPv4 as ::ffff:a.b.c.d. Client is who opened the flow.
    """

    client_ip: U64
    """uint64[slots, 2]"""
    server_ip: U64
    """uint64[slots, 2]"""
    client_port: U16
    server_port: U16
    locality: U8
    """uint8[slots]: a Locality."""
    app: U8
    """uint8[slots]: number in applications.APP_PROTOS; 0 = not known."""


class ScopeResolver(Protocol):
    """Names of the places that a flow touches, for rules that name switches, guests or tags."""

    def switch_of(self, flow: int) -> str:
        """Name of the virtual switch; "" when it is not known."""

    def guests_of(self, flow: int) -> Iterable[str]:
        """Names of the guests at its two ends, as far as they are known."""

    def tags_of(self, flow: int) -> Iterable[str]:
        """Tags of those guests."""
