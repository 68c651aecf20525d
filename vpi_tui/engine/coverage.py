"""Asks once a second who counted what, and holds it against what the sensor saw of the same time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from vpi_tui.coverage.arrangement import Setting
from vpi_tui.coverage.board import Board, figures, whole, worst
from vpi_tui.coverage.seen import SeenBytes
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.signs import SignReader
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.coverage import PortCoverage, TrueCount
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Topology

PERIOD_S = 1.0
OFTEN_S = 0.25
"""Between two looks at what was seen, where others count late."""
IN_THE_RING_NS = 40_000_000
"""A frame is handed over so long after it came at the latest: ring.RETIRE_MS and ticks of a timer."""
LATE_S = 8.0
LATE = (
    "What is seen is judged {:.0f} s late or more, as the engine is so far behind:"
    " key 9 shows what costs its time."
)
WAITING = 64
"""Counts that wait until the packets before them were read."""


class Coverage:
    """`poll` before each read, `idle` after one that gave nothing, `refresh` before `ports` is looked at.

    A count is taken at a moment, and compared once all packets from before it were counted.
    clock_ns: in the time of the packets. infers: nobody counts, so that signs have to do.
    """

    def __init__(
        self,
        source: EngineSource,
        ring_bytes: int = 0,
        clock_ns: Callable[[], int] = time.time_ns,
        *,
        infers: bool = False,
    ) -> None:
        self._source = source
        self._clock_ns = clock_ns
        self._seen = SeenBytes()
        self._board = Board()
        self._board.ring_bytes = ring_bytes
        self._followed: tuple[Topology, Setting] | None = None
        self._due = self._note_at = float("-inf")
        self._waiting: deque[tuple[int, tuple[TrueCount, ...], int, float]] = deque(maxlen=WAITING)
        """Moments that were marked, what was counted then, packets dropped by then, and when that was."""
        self._told_late = 0.0
        """Seconds that the notice speaks of; 0 = of none."""
        self.notice = ""
        """Why there are no counts; a whole sentence."""
        self.signs = SignReader(source) if infers else None
        """None = ports tell, and need not be concluded from signs."""
        self.ports: tuple[PortCoverage, ...] = ()
        """Every port that is known, in the order of the topology, as of the last `refresh`; then what was
        concluded from signs."""
        source.tally = self._tally

    def _tally(self, batch: PacketBatch) -> None:
        self._seen.count(batch)
        if self.signs is not None:
            self.signs.frames.count(batch)

    def refresh(self, pipeline: Pipeline) -> None:
        """Bring `ports` up to date."""
        counted = self._board.verdicts
        self.ports = counted
        if self.signs is not None:
            # What is counted need not be concluded.
            known = {port.guest for port in counted} - {""}
            self.ports += tuple(row for row in self.signs.conclude(pipeline) if row.guest not in known)

    def poll(self, now: float) -> None:
        """Take counts when a second is over. now: seconds of a steady clock."""
        if now < self._due:
            self._note(now)
            return
        self._due = now + PERIOD_S
        try:
            self.follow()
            counts = self._source.true_counts()
        except VpiError as error:
            self.notice = str(error)
            return
        moment = self._clock_ns()
        if not moment:  # time is that of the packets, and none has come
            return
        self.notice = self._lateness(now)
        self._seen.mark(moment)
        self._waiting.append((moment, counts, self._source.drops, now))
        self._compare()

    def _lateness(self, now: float) -> str:
        """Told anew when it has doubled, not every second. The time of a file or the demo may stand still."""
        late = now - self._waiting[0][3] if self._waiting and self._source.live else 0.0
        if late <= LATE_S:
            self._told_late = 0.0
            return ""
        if not self._told_late or late >= 2 * self._told_late:
            self._told_late = late
        return LATE.format(self._told_late)

    def _note(self, now: float) -> None:
        """Mark what is seen between two counts too, if one that comes late may be of that moment."""
        if self._board.counts_afar and now >= self._note_at:
            self._note_at = now + OFTEN_S
            self._seen.mark(self._clock_ns())

    def follow(self) -> None:
        """The whole, or the way in which it is watched, may have changed."""
        current = self._source.whole, self._source.arrangement()
        if current == self._followed:
            return
        self._followed = current
        topology, setting = current
        self._seen.follow(topology_with_sensors(topology, self._source.topology), setting.watched)
        self._board.follow(topology, setting)

    def idle(self) -> None:
        """The source had nothing to read: all that is older than a moment was counted."""
        self._seen.settle(self._clock_ns() - IN_THE_RING_NS)
        self._compare()

    def _compare(self) -> None:
        while (answer := self._seen.marked()) is not None:
            moment, seen = answer
            while self._waiting and self._waiting[0][0] < moment:
                self._waiting.popleft()
            if self._waiting and self._waiting[0][0] == moment:
                _, counts, drops, _ = self._waiting.popleft()
                self._board.add(moment, counts, seen, drops)
            else:
                self._board.note(moment, seen)

    # Verdicts ---------------------------------------------------------------------------------

    def of_switch(self, name: str) -> str:
        return str(worst(port for port in self.ports if port.switch == name))

    def by_guest(self) -> dict[str, str]:
        """The verdict on each guest that has a port."""
        ports: dict[str, list[PortCoverage]] = {}
        for port in self.ports:
            if port.guest:
                ports.setdefault(port.guest, []).append(port)
        return {guest: str(worst(found)) for guest, found in ports.items()}

    def total(self) -> str:
        return str(whole(self.ports))

    def stats(self) -> dict[str, float]:
        """By EVE path."""
        told = {f"coverage.{name}": value for name, value in figures(self._board.verdicts).items()}
        return {**told, "coverage.duplicate_factor": round(self._seen.duplicate_factor, 3)}


def topology_with_sensors(everything: Topology, watched: Topology) -> Topology:
    """The whole, and beside it the interfaces that get copies, which may be ports of a switch otherwise."""
    sensors = {switch.name: switch for switch in watched.switches if switch.kind == "interface"}
    ends = [port for port in watched.ports if port.switch in sensors]
    taken = {port.ifindex for port in ends}
    ports = [port for port in everything.ports if port.ifindex not in taken]
    switches = [switch for switch in everything.switches if switch.name not in sensors]
    return Topology(
        switches=(*switches, *sensors.values()),
        ports=(*ports, *ends),
        guests=everything.guests,
        mirrors=everything.mirrors,
    )


def open_coverage(spec: EngineSpec, source: EngineSource, pipeline: Pipeline) -> Coverage:
    """Live traffic is counted by the clock, all other by the time of its packets."""
    clock_ns = time.time_ns if source.live else lambda: pipeline.packet_ns
    infers = source.learns or spec.mode == "replay"
    coverage = Coverage(source, spec.ring_memory, clock_ns, infers=infers)
    pipeline.also_counted = coverage.stats
    return coverage
