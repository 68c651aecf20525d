"""One flow that is parsed: what is known of it, and what it weighs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vpi_tui.detect.applayer.base import A_TRANSACTION, Application, Frame, Parser, Transaction

A_FLOW: Final = 2_048
"""Bytes that a parser costs beside what it says it holds."""
WEIGHED_AFTER: Final = 4_096
"""Bytes counted as kept after which a parser is asked what it keeps."""


@dataclass(slots=True)
class Followed:
    """A flow, its parser, and what is kept beside it."""

    application: Application
    parser: Parser
    udp: bool
    keeps_sent: bool = False
    """Do rules look at payload beside its transactions?"""
    held: int = A_FLOW
    unweighed: int = 0
    """Bytes since the parser was asked what it holds."""
    position: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Where the next bytes of each Direction are expected in the stream."""
    sent: list[bytes] = field(default_factory=lambda: [b"", b"", b""])
    stream: list[Frame | None] = field(default_factory=lambda: [None, None, None])
    """By Direction: all bytes so far as a frame, when rules want that."""
    row: int = -1
    """The row that last brought bytes, in the batch that is worked on."""
    transactions: int = 0
    """How many have begun."""
    open: dict[Transaction, None] = field(default_factory=dict)
    """Those to log once nothing more comes of them, in order."""

    has_frames: bool = field(init=False)
    """Do rules look at frames of its protocol?"""
    may_change: bool = field(init=False)
    """May its parser name a successor? Most cannot, and are not asked each time."""
    may_end: bool = field(init=False)
    """The same of `over`."""

    def __post_init__(self) -> None:
        kind = type(self.parser)
        self.has_frames = bool(self.parser.frames.wanted)
        self.may_change = kind.successor is not Parser.successor
        self.may_end = kind.over is not Parser.over

    def weigh(self, size: int, told: int) -> int:
        """Count so many more bytes; by how much what is held grew. told: how many transactions have moved.

        Between two times that the parser is asked, all bytes count as kept and each move as a transaction.
        """
        grown = size + told * A_TRANSACTION
        self.unweighed += grown
        before, self.held = self.held, self.held + grown
        if self.unweighed >= WEIGHED_AFTER:
            self.unweighed = 0
            self.held = A_FLOW + self.parser.held()
            if self.open:  # what the parser has given up already is held here
                self.held += sum(transaction.weight() for transaction in self.open)
        return self.held - before
