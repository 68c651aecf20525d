"""What travels from the parsers to the matcher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vpi_tui.detect.applayer.application import Application
from vpi_tui.detect.applayer.files import File
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.detect.applayer.window import Window


@dataclass(slots=True, eq=False)
class Progress:
    """One direction of a transaction came to a later stage, or a buffer of it has grown."""

    application: Application
    transaction: Transaction
    flow: int
    """Slot in the flow table."""
    direction: int
    row: int
    """Row of the DecodedBatch that brought it about; -1 = none did."""
    before: Stage
    stage: Stage
    udp: bool
    sent: bytes
    """The direction's latest bytes as they came, for rules that look at payload as well."""
    grown: Mapping[str, Sequence[Window]]
    """By buffer: what has come of those that grow."""
    files: int
    """How many files the transaction had by then."""
    number: int
    """Of all that were told; later ones have larger numbers."""
    origin: str
    """The application that the flow was before, as after STARTTLS; "" = none."""

    def files_then(self) -> list[tuple[File, bool]]:
        """The files of this direction that had begun, and whether each was open."""
        found = self.transaction.files[: self.files]
        return [(file, file.was_open(self.number)) for file in found if file.direction == self.direction]


class Sealed(NamedTuple):
    """From here on nobody can read what a flow carries."""

    flow: int
    """Slot in the flow table."""
    row: int
    """Row of the DecodedBatch that released the first encrypted bytes; -1 = none did."""
    direction: int
    """The Direction of those."""
    bypassed: bool = False
    """No rule looks at any more of it, whatever about."""


class Finished(NamedTuple):
    """A transaction of which nothing more will come, for the log."""

    application: Application
    transaction: Transaction
    flow: int
    """Slot in the flow table; the flow is still the one that the slot names."""
    row: int
    """Row of the DecodedBatch that brought its end; -1 = none did."""
    origin: str = ""
    """As of Progress."""
