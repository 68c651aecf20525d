"""One flow that is parsed: what is known of it, and what it weighs."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.application import Application
from vpi_tui.detect.applayer.base import Parser
from vpi_tui.detect.applayer.frame_names import STREAM
from vpi_tui.detect.applayer.frames import Frame
from vpi_tui.detect.applayer.transaction import Transaction

A_FLOW: Final = 2_048
"""Bytes that a parser costs beside what it says it holds."""
SENT_LIMIT: Final = 16_384
"""Bytes as sent that are kept of each direction for rules that look at payload as well."""
_MOST_SENT, _MOST_PIECES = 4 * SENT_LIMIT, 32
"""Bytes, and pieces, in which those are kept."""
WEIGHED_AFTER: Final = 4_096
"""Bytes counted as kept after which a parser is asked what it keeps."""
UNKNOWN: Final = -1


class _Traits(NamedTuple):
    """What parsers of a kind may do; of most flows it is not asked each time."""

    may_change: bool
    """May one name a successor?"""
    may_end: bool
    """May one be over?"""
    has_patience: bool
    """May bytes wait?"""


@cache
def _traits_of(kind: type[Parser]) -> _Traits:
    return _Traits(
        kind.successor is not Parser.successor,
        kind.over is not Parser.over,
        kind.patience is not Parser.patience,
    )


class Latest:
    """The last SENT_LIMIT bytes of some that come piece by piece, put together when they are asked for."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if self._size > _MOST_SENT or len(self._pieces) > _MOST_PIECES:
            self.take()

    def clear(self) -> None:
        """A datagram is looked at alone."""
        self._pieces.clear()
        self._size = 0

    def take(self) -> bytes:
        """They stay here as well."""
        if len(self._pieces) > 1 or self._size > SENT_LIMIT:
            latest = b"".join(self._pieces)[-SENT_LIMIT:]
            self._pieces, self._size = [latest], len(latest)
        return self._pieces[0] if self._pieces else b""


_NONE_SENT: Final = Latest()


class Followed:
    """A flow, its parser, and what is kept beside it."""

    __slots__ = (
        "application", "has_frames", "has_patience", "held", "may_change", "may_end", "open", "origin",
        "parser", "position", "room", "row", "sent", "stream", "transactions", "udp", "unweighed",
        "waiting", "way",
    )  # fmt: skip

    def __init__(
        self, application: Application, parser: Parser, *, udp: bool = False, keeps_sent: bool = False
    ) -> None:
        """keeps_sent: rules look at payload beside its transactions."""
        self.application = application
        self.parser = parser
        self.origin = ""
        """The application that the flow was before; "" = it has always been this one."""
        self.udp = udp
        self.held = A_FLOW
        self.unweighed = 0
        """Bytes that count as kept since the parser was asked what it holds."""
        self.position = [0, 0, 0]
        """Where the next bytes of each Direction are expected in the stream."""
        self.sent = (_NONE_SENT, Latest(), Latest()) if keeps_sent else None
        """By Direction: the latest bytes as they came; of datagrams those of the last one."""
        self.stream: list[Frame | None] = [None, None, None]
        """By Direction: all bytes so far as a frame, when rules want that."""
        self.row = -1
        """The row that last brought bytes, in the batch that is worked on."""
        self.way = 0
        """The Direction of the bytes that came last."""
        self.room = 0
        """How many more bytes of that may wait; UNKNOWN = its parser is still to be asked."""
        self.waiting: list[memoryview] = []
        """Bytes of that, in the buffer of the batch that is worked on, which wait for those behind them."""
        self.transactions = 0
        """How many have begun."""
        self.open: dict[Transaction, None] = {}
        """Those to log once nothing more comes of them, in order."""
        self.has_frames = bool(parser.frames.wanted)
        """Do rules look at frames of its protocol?"""
        self.may_change, self.may_end, patient = _traits_of(type(parser))
        self.has_patience = patient and not self.has_frames

    def hear(self, direction: int, data: bytes) -> tuple[Frame, ...]:
        """A direction's bytes from its start on are a frame, which rules see again while it grows."""
        before = self.stream[direction]
        if before is None or self.udp:
            made = Frame(direction, STREAM, data[:SENT_LIMIT])
            made.alerted = [set(), set(), set()]  # which those that follow it share
        elif len(before.data) < SENT_LIMIT:
            made = Frame(direction, STREAM, (before.data + data)[:SENT_LIMIT])
            made.alerted, made.rules_of = before.alerted, before.rules_of
        else:
            return ()
        self.stream[direction] = made
        return (made,)

    def hold(self, piece: memoryview, row: int) -> bool:
        """Let the next bytes of the direction that came last wait, if that changes nothing. Do they?"""
        if self.room == UNKNOWN:
            self.room = self.parser.patience(self.way)
        size = len(piece)
        if size > self.room or not self.parser.may_wait(piece):
            return False
        self.room -= size
        self.position[self.way] += size
        self.row = row
        self.waiting.append(piece)
        return True

    def join(self, *behind: memoryview) -> bytes:
        """What waits, which does so no more, and what follows it."""
        whole = b"".join((*self.waiting, *behind))
        self.waiting.clear()
        return whole

    def weigh(self) -> int:
        """Ask the parser what it holds; by how much what is held grew.

        Until there is enough to ask for, all bytes count as kept and each move as a transaction.
        """
        before, self.unweighed = self.held, 0
        self.held = A_FLOW + self.parser.held()
        if self.open:  # what the parser has given up already is held here
            self.held += sum(transaction.weight() for transaction in self.open)
        return self.held - before
