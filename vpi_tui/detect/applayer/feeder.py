"""Bytes to parsers: each flow gets its own with its first bytes, and what moves is handed out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from typing import Final

from vpi_tui.detect.applayer.application import Application
from vpi_tui.detect.applayer.base import Parser
from vpi_tui.detect.applayer.costs import Costs, Speaker, pair_of
from vpi_tui.detect.applayer.expectations import Control, Ends, Expectations
from vpi_tui.detect.applayer.followed import UNKNOWN, Followed
from vpi_tui.detect.applayer.frame_names import STREAM
from vpi_tui.detect.applayer.frames import PIECE_OF_FRAMES
from vpi_tui.detect.applayer.outbox import Outbox
from vpi_tui.detect.applayer.parsed_flows import ParsedFlows
from vpi_tui.detect.applayer.parsers import Parsers
from vpi_tui.detect.applayer.sifting import Sifted
from vpi_tui.detect.applayer.transaction import A_TRANSACTION

PIECE: Final = 16_384
"""Bytes of a stretch that a parser is given at a time; one that fills a hole may release half a megabyte."""


class Feeder:
    """outbox: takes what moves. flows: those that are followed. expected: takes what flows arrange.

    sifted: what came of flows before they had a parser.
    """

    parsers: Parsers
    """By which flows are followed; set before the first byte."""

    def __init__(self, outbox: Outbox, flows: ParsedFlows, expected: Expectations, sifted: Sifted) -> None:
        self.ends: Ends | None = None
        """Who speaks in each slot, as of this batch; None = nobody knows."""
        self.errors: Counter[tuple[str, bool]] = Counter()
        """Flows of which a parser was in error, by application and whether over UDP."""
        self.costs: Costs | None = None
        """Takes what each flow costs; None = nobody asks."""
        self.avoided: Set[Speaker] = frozenset()
        """Whose flows are not followed."""
        self.passed_over = 0
        """Flows that were not followed, or no further, because of that."""
        self._outbox, self._flows, self._expected, self._sifted = outbox, flows, expected, sifted

    def feed(
        self, slot: int, application: Application, direction: int, data: bytes, row: int, at: int
    ) -> Followed | None:
        """at: place of the bytes in the stream; -1 = a datagram. None = the flow is passed by."""
        costs = self.costs
        if costs is None:
            return self._feed(slot, application, direction, data, row, at)
        began = costs.clock()
        found = self._feed(slot, application, direction, data, row, at)
        costs.add(slot, costs.clock() - began, self.ends)
        return None if found is not None and slot in self._flows.passed_by.just else found

    def _feed(
        self, slot: int, application: Application, direction: int, data: bytes, row: int, at: int
    ) -> Followed | None:
        flows, outbox = self._flows, self._outbox
        followed = flows.of.get(slot)
        if followed is None or followed.application is not application:
            if slot in flows.passed_by.just or self._passes_over(slot):
                return None
            followed = self._follow(slot, application, udp=at < 0)
        size, position = len(data), followed.position
        gap = at - position[direction]
        if gap < 0 or at <= 0:
            gap = 0
        position[direction] = at + size
        followed.row = row
        followed.way, followed.room = direction, UNKNOWN
        sent = followed.sent
        if sent is not None:
            if at < 0:
                sent[direction].clear()
            sent[direction].add(data)
        parser, has_frames = followed.parser, followed.has_frames
        if has_frames and STREAM in parser.frames.wanted:
            outbox.note(slot, followed, followed.hear(direction, data))
        try:
            moved = parser.datagram(direction, data) if at < 0 else parser.feed(direction, data, gap)
            if moved:
                size += A_TRANSACTION * outbox.note(slot, followed, moved)
            if parser.arranged:
                self._arrange(slot, parser)
            if has_frames:
                size += A_TRANSACTION * outbox.note(slot, followed, parser.frames.take())
        except (
            ValueError,
            IndexError,
            KeyError,
            AttributeError,
            OverflowError,
            RecursionError,
            AssertionError,
            TypeError,
        ):
            # A flaw in a parser must not stop the sensor: this flow is no longer parsed, and it is counted.
            self.errors[application.apps[0], at < 0] += 1
            flows.pass_by(slot, row)
            return None
        if followed.may_end and parser.over():
            flows.pass_by(slot, row)
            return None
        return followed if flows.keeps(slot, followed, size, row) else None

    def _passes_over(self, slot: int) -> bool:
        """Is it a flow of those who are avoided?"""
        avoided, ends = self.avoided, self.ends
        if not avoided or ends is None:
            return False
        if int(ends.guest[slot]) not in avoided and pair_of(ends, slot) not in avoided:
            return False
        self._flows.pass_by(slot, -1)
        self.passed_over += 1
        return True

    def avoid(self, speakers: Set[Speaker]) -> None:
        """Follow no flow of theirs; those of others are followed when they are new."""
        fresh = speakers - self.avoided
        self.avoided = speakers
        if fresh:
            for slot in list(self._flows.of):
                self._passes_over(slot)

    def _arrange(self, slot: int, parser: Parser) -> None:
        control = Control(slot, int(self.ends.place[slot]) if self.ends is not None else 0)
        for one in parser.arranged:
            self._expected.add(parser.ends, one, control)
        parser.arranged = []

    def feed_some(
        self,
        slot: int,
        application: Application,
        direction: int,
        data: bytes,
        row: int,
        at: int,
        enough: int,
    ) -> tuple[Followed | None, int]:
        """As `feed`, piece by piece until more waits than `enough`; and how many bytes were taken."""
        size = PIECE_OF_FRAMES if self.parsers.emits_frames(application) else PIECE
        taken = 0
        while True:
            piece = data[taken : taken + size]
            fed = self.feed(slot, application, direction, piece, row, at + taken)
            taken += len(piece)
            if fed is None or taken == len(data):
                return fed, len(data)
            if self._outbox.weight > enough or (fed.may_change and fed.parser.successor() is not None):
                return fed, taken

    def feed_waiting(self, slot: int, followed: Followed) -> None:
        """What waits does so no more, though nothing follows it."""
        data, way = followed.join(), followed.way
        at = followed.position[way] - len(data)
        self.feed(slot, followed.application, way, data, followed.row, at)

    def _follow(self, slot: int, application: Application, *, udp: bool) -> Followed:
        """Begin to, in the place of whatever was followed there before."""
        self._flows.drop(slot)
        found = self.parsers.follow(application, slot, self.ends, udp=udp)
        if self.ends is not None and found.parser.needs_ends:
            found.parser.ends = self.ends.addresses(slot)
        if udp and (before := self._sifted.count(slot)):
            found.transactions = before
            found.parser.sifted()
        self._flows.add(slot, found)
        return found
