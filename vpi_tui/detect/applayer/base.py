"""What a parser is: one flow's bytes go in, transactions come out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from vpi_tui.detect.applayer.expectations import Arranged
from vpi_tui.detect.applayer.files import FileNeeds
from vpi_tui.detect.applayer.frames import NO_FRAMES, FrameLog
from vpi_tui.detect.applayer.ranges import Ranges
from vpi_tui.detect.applayer.transaction import Transaction

BODY_LIMIT: Final = 102_400
"""Bytes of a decoded body that rules see, as Suricata's request- and response-body-limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator may set of parsers; bytes, and layers of content codings."""

    request_body: int = BODY_LIMIT
    response_body: int = BODY_LIMIT
    decompression_layers: int = 2
    request_minimum: int = 32_768
    request_overlap: int = 4_096
    response_minimum: int = 40_960
    response_overlap: int = 16_384
    """Bytes of a body before rules see any, and that they see again with those behind them; as Suricata's
    request- and response-body-minimal-inspect-size and -inspect-window."""
    files: FileNeeds = field(default_factory=FileNeeds)
    """What is asked of files."""
    buffers: frozenset[str] | None = None
    """Names of the buffers of the protocol that rules look at; None = any."""
    events: frozenset[str] | None = None
    """The anomalies that rules look for, as `protocol.name`; None = any."""
    logged: bool = True
    """All that the log can say of a transaction of the protocol is asked for."""

    def wants(self, *buffers: str) -> bool:
        """Does a rule look at one of these buffers?"""
        return self.buffers is None or not self.buffers.isdisjoint(buffers)

    def heeds(self, *events: str) -> bool:
        """Does anybody look for one of these anomalies?"""
        return self.events is None or not self.events.isdisjoint(events)


Updates = Iterable[Transaction]
"""Transactions that came to another stage."""


@dataclass(frozen=True, slots=True)
class Successor:
    """What a flow speaks from here on, in the place of the protocol before."""

    application: str
    rest: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    """By Direction: bytes of it that have come already."""
    cause: Transaction | None = None
    """The transaction that brought it about."""


class Parser(ABC):
    """One flow's parser. What it keeps is bounded; whatever comes, it does not raise."""

    frames: FrameLog = NO_FRAMES
    """Where it emits frames; set by whoever wants some, before the first byte."""
    ends: tuple[bytes, bytes] = (b"", b"")
    """Addresses of client and server, 16 bytes each; b"" = not known. Set before the first byte."""
    needs_ends: ClassVar[bool] = False
    """Does it look at them?"""
    ranges: Ranges | None = None
    """Where files that come in several responses are put together, of all flows; None = nobody does that. Set
    before the first byte."""
    arranged: Sequence[Arranged] = ()
    """Flows that it has arranged; whoever takes care of them empties the list."""

    @abstractmethod
    def feed(self, direction: int, data: bytes, gap: int) -> Updates:
        """The next bytes of one direction. gap: how many bytes before them are missing; 0 = none."""

    def datagram(self, direction: int, data: bytes) -> Updates:
        """The payload of one datagram; like a part of a stream unless the protocol says otherwise."""
        return self.feed(direction, data, 0)

    @abstractmethod
    def finish(self) -> Updates:
        """The flow is over: what is incomplete will remain so."""

    def held(self) -> int:
        """Bytes that the parser keeps, roughly."""
        return 0

    def sifted(self) -> None:  # noqa: B027 - most flows are not sifted
        """Said before the first byte: messages of the flow have come, each the way that it should."""

    def successor(self) -> Successor | None:
        """Asked after each `feed`: does the flow change its protocol? Then the parser is asked no more."""
        return None

    def over(self) -> bool:
        """Nothing that may still come matters: the flow is passed by from here on."""
        return False

    def part(self) -> None:  # noqa: B027 - most have nothing to let go of
        """The flow is followed no more, and nothing is asked of the parser any more.

        What it and its parts know of each other is let go of, so that their memory is free at once and not
        when the next cycles are collected.
        """

    def patience(self, _direction: int) -> int:
        """Asked between two `feed`s: how many bytes that come next of a direction may wait for those behind?

        Fed at once they bring nothing: no move, event, frame, end, successor. Fed with what follows they
        come to the same, unless bytes of the other direction are fed in between. ANY_SIZE = the parser has no
        more to say of the direction.
        """
        return 0

    def may_wait(self, _data: bytes | memoryview) -> bool:
        """Asked of bytes for which there is patience, where that depends on what they are."""
        return True
