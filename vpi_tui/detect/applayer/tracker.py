"""AppLayer: gives each flow of a needed protocol its parser, and hands out what progressed.

Python is entered once for each stretch of such a flow, or for several; for a datagram unless a sieve knows
that nothing is in it; never for other flows.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.costs import Costs, Speaker, renumbered
from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.expectations import Ends, Expectations
from vpi_tui.detect.applayer.feeder import Feeder
from vpi_tui.detect.applayer.followed import Followed
from vpi_tui.detect.applayer.frames import PIECE_OF_FRAMES
from vpi_tui.detect.applayer.outbox import Outbox
from vpi_tui.detect.applayer.parsed_flows import ParsedFlows
from vpi_tui.detect.applayer.parsers import Parsers
from vpi_tui.detect.applayer.parts import Cut, cut_before, cut_inside
from vpi_tui.detect.applayer.progress import Finished, Progress, Sealed
from vpi_tui.detect.applayer.ranges import Ranges
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.detect.applayer.remains import Parsed
from vpi_tui.detect.applayer.sifting import Sifted
from vpi_tui.model.applications import APP_FAILED, APP_PROTOS
from vpi_tui.model.batch import U8, DecodedBatch, Direction, FlowBatch, PacketBatch, StreamBatch
from vpi_tui.model.batch import FlowState as State

MEMORY: Final = 128 << 20
"""Bytes that all parsers keep at most: some 15,000 flows at once of a mix of protocols. The flow followed
longest makes room."""
MOST_FLOWS: Final = 65_536
MOST_RENAMED: Final = 1_024
"""Flows of one batch whose rows are named anew; of others later rows are."""
MOST_WAITING: Final = 8 << 20
"""Bytes of transactions that wait for rules and log to look at them, roughly: some thousand tiny ones."""
_UDP: Final = 17


_Rest = tuple[int, bytes, int]
"""A Direction, bytes of it, and their place in the stream."""


class _Ahead(NamedTuple):
    """What has been taken already of the stretches behind a cut: those that arrange flows go first."""

    taken: NDArray[np.bool_]
    """bool per stretch, as far as they go."""
    inside: int
    """Where in the arena the stretch behind those goes on that was taken in part; 0 = none was."""


_NOTHING_AHEAD: Final = _Ahead(np.zeros(0, np.bool_), 0)


class AppLayer:
    """The parsers of all flows.

    demand: of rules. logged: names of the protocols whose transactions are handed out once they are whole.
    memory: bytes that all keep at most.
    """

    def __init__(
        self,
        demand: Demand,
        *,
        logged: Iterable[str] = (),
        costs: Costs | None = None,
        memory: int = MEMORY,
        most_flows: int = MOST_FLOWS,
    ) -> None:
        self._outbox = Outbox(logged)
        self._sifted = Sifted()
        self._ranges = Ranges()
        self._expected = Expectations()
        self._flows = ParsedFlows(self._outbox, memory, most_flows)
        self._feeder = Feeder(self._outbox, self._flows, self._expected, self._sifted)
        self._feeder.costs = costs
        self.require(demand)
        self.most_waiting = MOST_WAITING
        """Bytes that wait to be looked at, after which the batch is cut; of streams alone, as datagrams are
        few."""
        self.cut: Cut | None = None
        """Where the last batch was cut; None = all of it is done."""
        self._inside = 0
        """Where in the arena the stretch goes on that was taken in part; 0 = none was."""
        self._ahead = _NOTHING_AHEAD
        self._renamed: dict[int, int] = {}
        """Flows that changed their protocol in this batch, and the row that brought it about."""
        self._begun: dict[int, tuple[int, int]] = {}
        self.left: Counter[str] = Counter()
        """How many flows were each application's before they changed to another one."""

    def require(self, demand: Demand) -> None:
        """Parse for other rules from now on. Parsers of flows that are open go on as they began."""
        logged = self._outbox.logged
        self._parsers = self._feeder.parsers = Parsers(demand, self._ranges, logged)
        self._outbox.due = demand.due
        unlogged = {name: sieve for name, sieve in demand.sieves.items() if name not in logged}
        self._sifted.use({APP_PROTOS.index(name): sieve for name, sieve in unlogged.items()})

    # Batches -------------------------------------------------------------------------------------

    def update(
        self,
        packets: PacketBatch,
        decoded: DecodedBatch,
        flows: FlowBatch,
        streams: StreamBatch | None,
        app_of: U8,
        ends: Ends | None = None,
    ) -> list[Progress]:
        """What progressed in one batch, or in the part of it in front of `cut`, in order of rows.

        What is behind a cut has to be given next.

        app_of: uint8[slots], the flow table's; a flow that changes its protocol gets its new number there,
        and in flows.app behind the row that brought it about. ends: who speaks in each slot; without it
        flows that others arrange are not known.
        """
        self._feeder.ends = ends
        self._begun.clear()
        if packets.ts_ns.size:
            self._ranges.now_ns = int(packets.ts_ns[0])
        if self.cut is None:
            self._forget_reused(flows)
        self._renamed.clear()
        self._take_streams(streams, app_of)
        rows = flows.flow.size if self.cut is None else self.cut.row
        if self._parsers.over_udp:
            self._take_datagrams(packets, decoded, flows, rows)
        self._finish_closed(flows, rows)
        for slot, row in self._renamed.items():
            of_flow = np.flatnonzero(flows.flow == slot)
            flows.app[of_flow[of_flow > row]] = app_of[slot]
        if self._ahead.taken.size:
            self._outbox.hold_back(rows)
        return self._outbox.take_progress()

    @property
    def changed(self) -> Mapping[int, int]:
        """Slots whose flow changed its protocol in the last batch, and the row that brought it about."""
        return self._renamed

    @property
    def begun(self) -> Mapping[int, tuple[int, int]]:
        """The same slots, also of what was released last, and where in the streams to server and client that
        which the flow has become begins."""
        return self._begun

    def seal(self, sealed: Iterable[Sealed]) -> list[Progress]:
        """These flows are encrypted, and what they carry is nobody's business any more."""
        for one in sealed:
            self._flows.finish(one.flow, one.row)
            self._flows.passed_by.add(one.flow)
        return self._outbox.take_progress()

    def released(self, streams: StreamBatch, app_of: U8, ends: Ends | None = None) -> list[Progress]:
        """What progressed by stretches that no packet released, as of `update`."""
        self._feeder.ends = ends
        self._begun.clear()
        self._take_streams(streams, app_of)
        return self._outbox.take_progress()

    def finish(self, slots: Iterable[int]) -> list[Progress]:
        """These flows are over."""
        for slot in map(int, slots):
            if slot in self._flows.of:
                self._flows.finish(slot, -1)
        return self._outbox.take_progress()

    def finish_all(self) -> list[Progress]:
        return self.finish(list(self._flows.of))

    @property
    def transactions(self) -> Mapping[tuple[str, bool], int]:
        """How many transactions of each application, and whether over UDP, have begun since the start."""
        return self._outbox.begun

    @property
    def errors(self) -> Counter[tuple[str, bool]]:
        """How many flows of each application, and whether over UDP, a parser's flaw has ended."""
        return self._feeder.errors

    def parsed(self, slot: int) -> Parsed:
        """What is known of a flow, also of one that has just ended."""
        followed = self._flows.of.get(slot)
        if followed is not None:
            return Parsed(followed.transactions, followed.origin)
        remains = self._flows.remains.of(slot)
        return remains._replace(transactions=remains.transactions or self._sifted.count(slot))

    def stats(self) -> dict[str, float]:
        return {
            "app_layer.flows": float(len(self._flows.of)),
            "app_layer.memuse": float(self._flows.held + self._ranges.held()),
            "app_layer.tx": float(self._outbox.transactions),
            "app_layer.evicted": float(self._flows.evicted),
            "app_layer.error": float(self.errors.total()),
            "app_layer.avoided": float(self._feeder.passed_over),
            "app_layer.expectations": float(len(self._expected)),
            "http.byterange.memuse": float(self._ranges.held()),
        }

    def filled(self) -> float:
        """How much of the memory of all parsers is in use, 0 to 1."""
        return self._flows.filled()

    def avoid(self, speakers: Set[Speaker]) -> None:
        """Parse from now on, also in the middle of a batch, what all but these say.

        A flow that was parsed no more stays so.
        """
        self._feeder.avoid(speakers)

    def renumber(self, guests: Mapping[int, int]) -> None:
        """They have other positions in the topology: those of now by those of before."""
        now = (renumbered(who, guests) for who in self._feeder.avoided)
        self._feeder.avoided = frozenset(who for who in now if who is not None)

    # Flows ---------------------------------------------------------------------------------------

    def _forget_reused(self, flows: FlowBatch) -> None:
        """Slots that are another flow's now."""
        if flows.new_rows.size:
            opened = flows.flow[flows.new_rows]
            self._flows.forget(opened)
            if self._feeder.costs is not None:
                self._feeder.costs.forget(opened)
            self._sifted.forget(opened)

    def _finish_closed(self, flows: FlowBatch, rows: int) -> None:
        """Connections that the batch closed, unless one has packets behind the first rows: nothing will
        complete what is open."""
        if not self._flows.of:
            return
        closed = np.flatnonzero(flows.state == State.CLOSED)
        for slot, row in dict(zip(flows.flow[closed].tolist(), closed.tolist(), strict=True)).items():
            if row < rows and slot in self._flows.of:
                self._flows.finish(slot, row)

    # Bytes ---------------------------------------------------------------------------------------

    def _take_streams(self, streams: StreamBatch | None, app_of: U8) -> None:
        """Sets `cut`."""
        self._outbox.go_on()
        self.cut, (taken, inside), self._ahead = None, self._ahead, _NOTHING_AHEAD
        if streams is None or not streams.row.size:
            return
        if not taken.size:
            taken = self._parsers.arranges[app_of[streams.flow]]
            if taken.any():  # they go first: what they arrange may lie in the same batch
                taken = taken[: self._take_those(streams, app_of, taken)]
                inside = self._inside
        if self._expected and self._parsers.arranges.any():
            self._meet(streams, app_of)
        which = np.zeros(streams.row.size, np.bool_)
        which[: taken.size] = ~taken
        done = min(self._take_those(streams, app_of, which), taken.size)
        if done == taken.size:
            self._inside, inside = inside, 0
        if done < streams.row.size:
            self.cut = cut_inside(streams, done, self._inside) if self._inside else cut_before(streams, done)
            self._ahead = _Ahead(taken[self.cut.stretch :], inside)

    def _meet(self, streams: StreamBatch, app_of: U8) -> None:
        """Flows that were arranged are what they were arranged for, unless they look like something else.

        Else whoever announces a port would hide what is said there from the rules about it.
        """
        if self._feeder.ends is None:
            return
        ports = self._feeder.ends.server_port
        app = app_of[streams.flow]
        unnamed = (streams.flow >= 0) & ((app == 0) | (app == APP_FAILED))
        for slot in np.unique(streams.flow[unnamed]).tolist():
            if int(ports[slot]) not in self._expected.ports or slot in self._flows.of:
                continue
            found = self._expected.take(self._feeder.ends.addresses(slot), int(ports[slot]))
            if found is None:
                continue
            application = by_name()[found.application]
            number = APP_PROTOS.index(application.apps[0])
            app_of[slot] = number
            if self._parsers.is_needed[number]:
                self._flows.add(slot, self._parsers.follow(application, slot, self._feeder.ends, found.cause))

    def _take_those(self, streams: StreamBatch, app_of: U8, which: NDArray[np.bool_]) -> int:
        """The number of the stretch before which it was enough, or within which (that sets `_inside`), or how
        many there are."""
        self._inside = 0
        buf, of_app, changed = streams.buf.data, self._parsers.of_app, False
        waiting: dict[int, Followed] = {}
        flows, feeder, outbox = self._flows.of, self._feeder, self._outbox
        done, last = streams.row.size, -1
        enough = outbox.weight + self.most_waiting
        for k, slot, number, direction, row, start, fresh, end, first in self._chosen(streams, app_of, which):
            if outbox.weight > enough and (row != last or row < 0):
                done = cut_before(streams, k).stretch
                break
            last = row
            application = of_app[int(app_of[slot]) if changed else number]
            if application is None:
                continue
            # What was inspected before may be news to the parser: its flow was not recognised yet.
            followed = flows.get(slot)
            if followed is not None:
                known = followed.position[direction]
            elif slot in self._flows.passed_by.just:
                continue
            else:
                known = 0
            begin = start + known - first if first <= known < first + fresh - start else fresh
            piece, at, joined = buf[begin:end], first + begin - start, b""
            if followed is not None and followed.has_patience:
                follows = direction == followed.way and at == known and application is followed.application
                if follows and followed.hold(piece, row):
                    waiting[slot] = followed
                    continue
                if followed.waiting and follows:
                    joined = followed.join(piece)
                    at -= len(joined) - len(piece)
                elif followed.waiting:
                    feeder.feed_waiting(slot, followed)
            data = joined or bytes(piece)
            taken = len(data)
            if taken > PIECE_OF_FRAMES and not joined:
                fed, taken = feeder.feed_some(slot, application, direction, data, row, at, enough)
            else:
                fed = feeder.feed(slot, application, direction, data, row, at)
            if fed is not None and fed.may_change and fed.parser.successor() is not None:
                changed |= self._take_over(slot, app_of)
            if taken < len(data):
                done, self._inside = k, start + at + taken - first
                break
        for slot, followed in waiting.items():
            if followed.waiting and flows.get(slot) is followed:
                feeder.feed_waiting(slot, followed)
        return done

    def _chosen(
        self, streams: StreamBatch, app_of: U8, which: NDArray[np.bool_]
    ) -> Iterator[tuple[int, int, int, int, int, int, int, int, int]]:
        """Of each stretch that has news for a parser: its number, flow, application, direction and row, its
        start, fresh part and end in the arena, and the place of its start in the stream."""
        app = app_of[streams.flow]
        at = np.flatnonzero(which & (self._parsers.is_needed[app] != 0))
        flow, fresh, end = streams.flow[at], streams.fresh[at], streams.end[at]
        keep = (flow >= 0) & (fresh < end) & ~self._flows.passed_by.mask(flow)
        at, flow, fresh, end = at[keep], flow[keep], fresh[keep], end[keep]
        columns = (
            at, flow, app[at], streams.direction[at], streams.row[at], streams.start[at], fresh, end,
            streams.stream_offset[at],
        )  # fmt: skip
        return zip(*(column.tolist() for column in columns), strict=True)

    def _take_datagrams(
        self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch, rows_done: int
    ) -> None:
        """Those of the first rows."""
        chosen = (decoded.proto == _UDP) & (decoded.payload_len > 0) & (flows.flow >= 0)
        chosen &= (decoded.payload_off >= 0) & (self._parsers.is_needed[flows.app] != 0)
        rows = np.flatnonzero(chosen[:rows_done])
        rows = rows[~self._flows.passed_by.mask(flows.flow[rows])]
        rows, begun = self._sifted.sift(rows, packets, decoded, flows, self._flows.of)
        for number, count in begun:
            self._outbox.transactions += count
            self._outbox.begun[APP_PROTOS[number], True] += count
        buf = packets.buf.data
        for row, slot, number, direction, start, size in zip(
            rows.tolist(),
            *(
                column[rows].tolist()
                for column in (
                    flows.flow, flows.app, flows.direction, decoded.payload_off, decoded.payload_len
                )
            ),
            strict=True,
        ):  # fmt: skip
            application = self._parsers.of_app[number]
            if application is not None and "udp" in application.transports:
                self._feeder.feed(slot, application, direction, bytes(buf[start : start + size]), row, -1)

    def _take_over(self, slot: int, app_of: U8) -> bool:
        """Let another protocol's parser go on with a flow whose own says so. Did it?

        Bytes that came before their protocol was known are fed in pieces, of which each may bring about
        another one: it goes on with what its predecessor has left, then with what is behind that.
        """
        rests = self._change(slot, app_of)
        if rests is None:
            return False
        while rests and slot in self._flows.of:
            direction, rest, at = rests.pop()
            followed = self._flows.of[slot]
            fed, taken = self._feeder.feed_some(
                slot, followed.application, direction, rest, followed.row, at, sys.maxsize
            )
            if taken < len(rest):
                rests.append((direction, rest[taken:], at + taken))
            if fed is not None:
                rests += self._change(slot, app_of) or ()
        return True

    def _change(self, slot: int, app_of: U8) -> list[_Rest] | None:
        """Put the parser of the next protocol in the place of one that says so.

        What is to be fed to it, the first at the end; None = the flow stays what it is.
        """
        followed = self._flows.of.get(slot)
        next_one = followed.parser.successor() if followed is not None else None
        if followed is None or next_one is None:
            return None
        app_of[slot] = APP_PROTOS.index(by_name()[next_one.application].apps[0])
        if len(self._renamed) < MOST_RENAMED:
            self._renamed[slot] = followed.row
            self._begun[slot] = _beginnings(followed.position, next_one.rest)
        self._outbox.note(slot, followed, followed.parser.finish())
        position, row, origin = followed.position, followed.row, followed.application
        self.left[origin.apps[0]] += 1
        self._flows.drop(slot, row)
        self._flows.remains.keep(slot, Parsed(0, origin.apps[0]))
        application = self._parsers.of_app[int(app_of[slot])]
        if application is None:
            return []
        followed = self._parsers.follow(application, slot, self._feeder.ends, next_one.cause)
        followed.position, followed.origin, followed.row = position, origin.apps[0], row
        self._flows.add(slot, followed)
        rests = ((way, next_one.rest[way]) for way in (Direction.TO_CLIENT, Direction.TO_SERVER))
        return [(way, rest, position[way] - len(rest)) for way, rest in rests if rest]

    def take_finished(self) -> list[Finished]:
        """Transactions that are whole, or whose flow is over, since the last call."""
        return self._outbox.take_finished()


def _beginnings(position: Sequence[int], rest: Sequence[bytes]) -> tuple[int, int]:
    """Where in the streams to server and client the `rest`, which has come already, begins."""
    _, asking, answering = map(len, rest)
    return position[Direction.TO_SERVER] - asking, position[Direction.TO_CLIENT] - answering
