"""The reassembly once more, naively: bytes and positions, no pools, no queue, no arena.

The oracle of the property tests. It knows nothing of memory limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vpi_tui.model.os_policy import OsPolicy
from vpi_tui.stream.layout import (
    BEGINNINGS,
    CHUNK,
    EARLY_BYTES,
    EARLY_SEGMENTS,
    FARTHEST,
    HOLD_NS,
    MOST_OVERLAPS,
    PATIENCE,
)
from vpi_tui.stream.policies import TCP_POLICIES

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class Segment:
    flow: int
    direction: int
    flags: int
    seq: int
    ack: int = 0
    data: bytes = b""
    ts_ns: int = 0
    first: bool = False
    """It opens the flow in its slot."""


@dataclass(frozen=True)
class Stretch:
    row: int
    flow: int
    direction: int
    old: bytes
    new: bytes
    offset: int
    """Of the first old byte."""
    gap: bool
    inside: int
    """Bytes before the new ones that are of the same window of the stream."""


@dataclass
class Side:
    """One direction. Positions count from the first byte; base: sequence number of position 0."""

    base: int | None = None
    position: int = 0
    acked: int | None = None
    window: bytes = b""
    inside: int = 0
    """How many of the last bytes of `window` are of a window of the stream that is not over."""
    pending: bytes = b""
    begun: list[int] = field(default_factory=list)
    """Where the segments of the pending bytes begin."""
    early: list[tuple[int, bytes]] = field(default_factory=list)
    gap: bool = False
    full: bool = False
    since: int | None = None
    waited: int = 0

    def ranges(self) -> list[tuple[range, bytes]]:
        return [(range(place, place + len(data)), data) for place, data in self.early]

    def place(self, seq: int) -> int:
        assert self.base is not None
        ahead = (seq - self.base - self.position) % (1 << 32)
        return self.position + (ahead - (1 << 32) if ahead >= 1 << 31 else ahead)


class Twin:
    def __init__(
        self, *, lookback: int, depth: int, midstream: bool, policy: OsPolicy = OsPolicy.BSD
    ) -> None:
        self.lookback, self.midstream = lookback, midstream
        self.policy = TCP_POLICIES[policy]
        self.depth = depth or 1 << 62
        self.sides: dict[tuple[int, int], Side] = {}
        self.queue: list[tuple[int, int]] = []
        self.out: list[Stretch] = []
        self.now = 0

    def run(self, segments: list[Segment]) -> tuple[list[Stretch], list[int]]:
        self.out = []
        for segment in segments:
            if segment.first:
                self._forget(segment.flow)
        return self.out, [self._segment(row, segment) for row, segment in enumerate(segments)]

    def finish(self) -> list[Stretch]:
        self.out = []
        while self.queue:
            key = self.queue[0]
            self._flush(key, -1)
            self._leave(key)
        return self.out

    def _forget(self, flow: int) -> None:
        for direction in (1, 2):
            self._leave((flow, direction))
            self.sides.pop((flow, direction), None)

    def _side(self, key: tuple[int, int]) -> Side:
        return self.sides.setdefault(key, Side())

    def _segment(self, row: int, s: Segment) -> int:
        self.now = max(self.now, s.ts_ns)
        self._look_again()
        key, peer = (s.flow, s.direction), (s.flow, 3 - s.direction)
        side, seq, taken = self._side(key), s.seq, 0
        if s.flags & SYN:
            seen = side.position or side.window or side.pending or side.early
            if side.base is None or not seen:
                side.base, side.position, side.acked = (s.seq + 1) % (1 << 32), 0, None
            seq = (s.seq + 1) % (1 << 32)
            s = replace(s, data=b"")  # without Fast Open they are no part of the stream
        if s.flags & ACK:
            self._acknowledged(peer, s.ack, row)
        if s.data:
            self._release(peer, row)
            taken = 0 if s.flags & RST else self._data(key, row, seq, s)
        if s.flags & (FIN | RST) and side.base is not None:
            last = seq if s.flags & RST else (seq + len(s.data)) % (1 << 32)
            self._ended(key, last, s.flags, row)
        return taken

    def _acknowledged(self, key: tuple[int, int], ack: int, row: int) -> None:
        side = self._side(key)
        if side.base is None or side.place(ack) - side.position > FARTHEST:
            return
        place = side.place(ack)
        side.acked = place if side.acked is None else max(place, side.acked)
        while side.early and side.early[0][0] <= side.acked:
            self._give_up(key, row)

    def _data(self, key: tuple[int, int], row: int, seq: int, s: Segment) -> int:
        side = self._side(key)
        if side.base is None:
            if not self.midstream and self._side((s.flow, 3 - s.direction)).base is None:
                return 0
            side.base, side.position = seq, 0
        if side.full:
            return 0
        place = side.place(seq)
        if place - side.position > FARTHEST:
            return 0
        if side.acked is not None and side.position < place <= side.acked:
            self._skip(key, place, row)
            self._stop_at_depth(key)
        while (
            place > side.position
            and side.early
            and (
                len(side.early) >= EARLY_SEGMENTS
                or sum(len(d) for _, d in side.early) + len(s.data) > EARLY_BYTES
            )
        ):
            self._give_up(key, row)
        if side.full:
            return 0
        if place > side.position:
            return self._too_early(key, place, s.data)
        return self._in_order(key, row, place, s)

    def _later_wins(self, later: range, earlier: range) -> bool:
        begins, ends = later.start - earlier.start, later.stop - earlier.stop
        case = 3 * (1 + (begins > 0) - (begins < 0)) + 1 + (ends > 0) - (ends < 0)
        return bool(self.policy >> case & 1)

    def _settled(self, side: Side, later: range, data: bytes, stop: int) -> tuple[bytes, bool]:
        """The bytes that count of a segment, and whether an early one says something else before `stop`."""
        settled, differs = bytearray(data), False
        for earlier, old in side.ranges():
            for place in range(max(later.start, earlier.start), min(later.stop, earlier.stop, stop)):
                byte = old[place - earlier.start]
                differs |= byte != data[place - later.start]
                if not self._later_wins(later, earlier):
                    settled[place - later.start] = byte
        return bytes(settled), differs

    def _too_early(self, key: tuple[int, int], place: int, data: bytes) -> int:
        side, later = self._side(key), range(place, place + len(data))
        overlaps = [r for r, _ in side.ranges() if r.start < later.stop and later.start < r.stop]
        if len(overlaps) > MOST_OVERLAPS:
            return 0
        settled, differs = self._settled(side, later, data, later.stop)
        for number, (earlier, old) in enumerate(side.ranges()):
            kept = bytearray(old)
            for at in range(max(later.start, earlier.start), min(later.stop, earlier.stop)):
                kept[at - earlier.start] = settled[at - later.start]
            side.early[number] = (earlier.start, bytes(kept))
        side.early.insert(sum(begin <= place for begin, _ in side.early), (place, settled))
        self._enter(key)
        return int(not differs)

    def _rewrite(self, side: Side, later: range, data: bytes) -> None:
        """Put other bytes into the pending ones where they count."""
        front = side.position - len(side.pending)
        begins = [front, *side.begun[-BEGINNINGS:][1:]]
        pending = bytearray(side.pending)
        for begin, end in zip(begins, [*begins[1:], side.position], strict=True):
            if self._later_wins(later, range(begin, end)):
                for place in range(max(begin, later.start), min(end, later.stop)):
                    if side.acked is None or place >= side.acked:
                        pending[place - front] = data[place - later.start]
        side.pending = bytes(pending)

    def _in_order(self, key: tuple[int, int], row: int, place: int, s: Segment) -> int:
        side, later = self._side(key), range(place, place + len(s.data))
        kept = side.window + side.pending
        begin = side.position - len(kept)
        same = all(
            byte == kept[place + k - begin]
            for k, byte in enumerate(s.data)
            if begin <= place + k < side.position
        )
        if not same and side.pending:
            self._rewrite(side, later, s.data)
        if later.stop <= side.position:
            had = side.acked is not None and later.stop <= side.acked
            return int(same and not had)
        stop = min(later.stop, self.depth)
        settled, differs = self._settled(side, later, s.data, stop)
        data = settled[side.position - place : stop - place]
        same = same and not differs
        joins = bool(side.early) and side.early[0][0] <= side.position + len(data)
        side.begun = [*(side.begun if side.pending else []), side.position]
        side.pending += data
        side.position += len(data)
        if joins or s.flags & (PSH | FIN) or len(side.pending) >= CHUNK or side.position >= self.depth:
            if joins:
                self._join(side)
            self._release(key, row)
            self._stop_at_depth(key)
        else:
            self._enter(key)
        return int(same)

    def _join(self, side: Side) -> None:
        while side.early and side.early[0][0] <= side.position:
            place, data = side.early.pop(0)
            rest = data[side.position - place :][: max(0, self.depth - side.position)]
            side.pending += rest
            side.position += len(rest)

    def _skip(self, key: tuple[int, int], place: int, row: int) -> None:
        side = self._side(key)
        self._release(key, row)
        side.window, side.inside, side.position, side.gap = b"", 0, place, True

    def _give_up(self, key: tuple[int, int], row: int) -> None:
        side = self._side(key)
        self._skip(key, side.early[0][0], row)
        self._join(side)
        self._release(key, row)
        self._stop_at_depth(key)
        self._unhold(key)

    def _stop_at_depth(self, key: tuple[int, int]) -> None:
        side = self._side(key)
        if side.position >= self.depth:
            side.full, side.early, side.window, side.inside, side.pending = True, [], b"", 0, b""
            self._unhold(key)

    def _release(self, key: tuple[int, int], row: int) -> None:
        side = self.sides.get(key)
        if side is None or not side.pending:
            return
        far = max(0, len(side.window) - self.lookback)
        offset = side.position - len(side.pending) - len(side.window) + far
        old = side.window[far:]
        self.out.append(Stretch(row, *key, old, side.pending, offset, side.gap, side.inside))
        together = side.window + side.pending
        side.inside += len(side.pending)
        if side.inside >= CHUNK:
            together, side.inside = together[len(together) - min(self.lookback, len(together)) :], 0
        side.window = together
        side.pending, side.gap = b"", False
        self._unhold(key)

    def _flush(self, key: tuple[int, int], row: int) -> None:
        side = self._side(key)
        self._release(key, row)
        while side.early:
            self._give_up(key, row)
        side.window, side.inside = b"", 0

    def _ended(self, key: tuple[int, int], seq: int, flags: int, row: int) -> None:
        side = self._side(key)
        if side.place(seq) != side.position:
            return
        if flags & RST:
            self._flush((key[0], 3 - key[1]), row)
            self._flush(key, row)
            return
        self._release(key, row)
        if not side.early:
            side.window, side.inside = b"", 0

    def _enter(self, key: tuple[int, int]) -> None:
        if key not in self.queue:
            self.queue.append(key)
            self._side(key).since = self.now

    def _leave(self, key: tuple[int, int]) -> None:
        if key in self.queue:
            self.queue.remove(key)
            self._side(key).waited = 0

    def _unhold(self, key: tuple[int, int]) -> None:
        side = self._side(key)
        if not side.early and not side.pending:
            self._leave(key)

    def _look_again(self) -> None:
        while self.queue:
            key = self.queue[0]
            side = self._side(key)
            assert side.since is not None
            if self.now < side.since + HOLD_NS:
                return
            waited = min(side.waited + 1, PATIENCE)
            self._release(key, -1)
            if waited >= PATIENCE and side.acked is None:
                while side.early:
                    self._give_up(key, -1)
            self._leave(key)
            if side.early:
                self._enter(key)
                side.waited = waited
