"""The flows that have a parser: what they weigh together, and how each ends."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from vpi_tui.detect.applayer.followed import WEIGHED_AFTER, Followed
from vpi_tui.detect.applayer.outbox import Outbox
from vpi_tui.detect.applayer.passed_by import PassedBy
from vpi_tui.detect.applayer.remains import Parsed, Remains
from vpi_tui.model.batch import I32

FLOW_SHARE: Final = 8
"""A flow that keeps more than one such part of the memory is passed by: it would drive out all others."""


class ParsedFlows:
    """outbox: takes what ends with a flow. memory: bytes that all keep at most; the flow followed longest
    makes room, as it does when there are more than `most`."""

    def __init__(self, outbox: Outbox, memory: int, most: int) -> None:
        self.of: OrderedDict[int, Followed] = OrderedDict()
        """By slot of the flow table, the one followed longest first. (A dict finds its first behind the holes
        of all that were taken from its front: in 40 µs with so many.)"""
        self.passed_by = PassedBy()
        self.remains = Remains()
        """Of those that are no longer in `of`."""
        self.held = 0
        """Bytes that all of them keep."""
        self.evicted = 0
        """How many made room, or took too much of it."""
        self._outbox = outbox
        self._memory, self._share, self._most = memory, memory // FLOW_SHARE, most

    def add(self, slot: int, followed: Followed) -> None:
        """A slot that nobody's flow is in."""
        self.of[slot] = followed
        self.held += followed.held
        if len(self.of) > self._most:
            self._evict(slot)

    def keeps(self, slot: int, followed: Followed, size: int, row: int) -> bool:
        """So many more bytes count as kept by the flow. Is it followed on? row: that brought it about."""
        followed.unweighed += size
        if followed.unweighed < WEIGHED_AFTER:
            followed.held += size
        else:
            size = followed.weigh()
        self.held += size
        if followed.held > self._share:
            self.evicted += 1
            self.finish(slot, row)
            self.pass_by(slot, row)
            return False
        while self.held > self._memory and len(self.of) > 1:
            self._evict(slot)
        return True

    def filled(self) -> float:
        """How much of the memory they keep, 0 to 1."""
        return self.held / self._memory

    def pass_by(self, slot: int, row: int) -> None:
        """Look at the flow no more, however much it goes on to say."""
        self.drop(slot, row)
        self.passed_by.add(slot)

    def drop(self, slot: int, row: int = -1) -> None:
        """row: of this batch, that brought it about; -1 = none did, whatever brought the last bytes."""
        found = self.of.pop(slot, None)
        if found is not None:
            self.held -= found.held
            self.remains.keep(slot, Parsed(found.transactions, found.origin))
            if found.open:
                found.row = row
                self._outbox.log_open(slot, found)
            found.parser.part()

    def forget(self, slots: I32) -> None:
        """int32[n]: slots that are another flow's now; what ended was finished when it ended."""
        self.passed_by.forget(slots)
        if self.of:
            for slot in self.of.keys() & set(slots.tolist()):
                self.of[slot].open.clear()  # their flow is not the one that the slot names now
                self.drop(slot)
        self.remains.forget(slots)

    def finish(self, slot: int, row: int) -> None:
        """The flow is over, if it is followed at all: nothing will complete what is open."""
        found = self.of.get(slot)
        if found is not None:
            found.row = row
            moved = found.parser.finish()
            if moved:
                self._outbox.note(slot, found, moved, over=True)
            if found.has_frames:
                self._outbox.note(slot, found, found.parser.frames.take())
            self.drop(slot, row)

    def _evict(self, but: int) -> None:
        oldest = next(slot for slot in self.of if slot != but)
        self.drop(oldest)
        self.evicted += 1
