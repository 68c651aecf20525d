"""What travels from the parsers to the matcher."""

from __future__ import annotations

from dataclasses import dataclass

from vpi_tui.detect.applayer.base import Application, Stage, Transaction


@dataclass(frozen=True, slots=True)
class Progress:
    """One direction of a transaction came from one stage to a later one."""

    application: Application
    transaction: Transaction
    flow: int
    """Slot in the flow table."""
    direction: int
    row: int
    """Row of the DecodedBatch that brought it about; -1 = none did."""
    before: Stage
    stage: Stage
    udp: bool = False
    sent: bytes = b""
    """The direction's latest bytes as they came, for rules that look at payload as well."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A transaction of which nothing more will come, for the log."""

    application: Application
    transaction: Transaction
    flow: int
    """Slot in the flow table; the flow is still the one that the slot names."""
    row: int
    """Row of the DecodedBatch that brought its end; -1 = none did."""
