"""The public face of TCP reassembly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.applications import UNDIVIDED
from vpi_tui.model.batch import (
    I32,
    I64,
    U8,
    U16,
    DecodedBatch,
    DecoderEvent,
    FlowBatch,
    PacketBatch,
    StreamBatch,
)
from vpi_tui.stream import kernels, layout
from vpi_tui.stream.kernels_held import NEVER
from vpi_tui.stream.policies import HostPolicies, first_copies, host_policies

EVERYTHING = 1 << 62
BAD_CHECKSUMS = sum(1 << event for event in (DecoderEvent.IPV4_CSUM_INVALID, DecoderEvent.TCP_CSUM_INVALID))
_LEAST_CELLS = 256
_FIRST_ARENA = 2 * layout.ROW_ROOM
_FIRST_STRETCHES = 2 * layout.ROW_STRETCHES
_NO_ROWS: U8 = np.empty(0, np.uint8)


class Reassembler:
    """All TCP streams of one sensor.

    max_flows: slots of the flow table. memory: bytes for what is kept, at most; when they are used
    up, directions lose what they keep, and that is counted. wanted: uint16[2, 2, 65536], direction
    (to server, to client) x (destination, source) port: 0 = no rule inspects a stream like that, else
    1 + the bytes given again before fresh ones (at most CELL). depth: bytes followed of each
    direction, 0 = all. midstream: follow connections whose beginning was not seen. checksums: leave
    out segments with a wrong one. hosts: whose bytes count where segments overlap, by destination; None =
    the default's everywhere. tells_different: a copy with other bytes is an event. urgent_in_line: all
    urgent bytes are of the stream, else all but the last. inline: each segment is
    given out when it comes, behind the CHUNK bytes before it, and the first copy of bytes counts everywhere:
    a packet that says something else is rewritten.
    """

    def __init__(
        self,
        max_flows: int,
        memory: int,
        wanted: U16,
        *,
        depth: int = 0,
        midstream: bool = False,
        checksums: bool = True,
        hosts: HostPolicies | None = None,
        tells_different: bool = True,
        urgent_in_line: bool = False,
        inline: bool = False,
    ) -> None:
        cells = max(_LEAST_CELLS, memory // (layout.CELL + 4 + layout.SEGMENT_DTYPE.itemsize))
        self._inline = inline
        self.want(wanted)
        self._limits = layout.Limits(
            depth=depth or EVERYTHING,
            midstream=int(midstream),
            bad_events=BAD_CHECKSUMS if checksums else 0,
            tells_different=int(tells_different or inline),
            out_of_band=int(not urgent_in_line and not inline),
            inline=int(inline),
        )
        self._hosts = first_copies() if inline else hosts or host_policies()
        self._pools = layout.Pools(
            directions=np.zeros(2 * max_flows, layout.DIRECTION_DTYPE),
            cells=np.zeros((cells + 1) * layout.CELL, np.uint8),
            following=np.zeros(cells + 1, np.int32),
            segments=np.zeros(cells + 1, layout.SEGMENT_DTYPE),
            begun=np.zeros((2 * max_flows, layout.BEGINNINGS + 1), np.uint32),
            parked=np.zeros(2 * max_flows, np.int32),
            numbers=np.zeros(layout.N_NUMBERS, np.int64),
        )
        self._pools.numbers[layout.N_DUE] = NEVER
        self._out = _columns(_FIRST_ARENA, _FIRST_STRETCHES)
        self._taken, self._none_foreign = _NO_ROWS, _NO_ROWS

    def want(self, wanted: U16) -> None:
        """Follow connections that open from now on as far as this says; inline all, whose packets may have to
        be rewritten."""
        if self._inline:
            self._wanted = np.full_like(wanted, 1 + layout.CHUNK)
        else:
            self._wanted = np.minimum(wanted, np.uint16(1 + layout.CELL))

    def ignore_checksums(self) -> None:
        """Take segments whose checksum is wrong too, from now on."""
        self._limits = self._limits._replace(bad_events=0)

    def update(
        self,
        packets: PacketBatch,
        decoded: DecodedBatch,
        flows: FlowBatch,
        ended_slots: NDArray[Any],
        foreign: U8 | None = None,
    ) -> StreamBatch:
        """The stretches that a batch releases. Its columns are overwritten by the next call.

        ended_slots: int[...], slots of flows that are over and were not given to others since. foreign:
        uint8[rows], what `SessionTracker.update` gave; None = nobody has judged them.
        """
        rows = len(decoded.packet)
        if len(self._taken) < rows:
            self._taken, self._none_foreign = np.zeros((2, rows), np.uint8)
        if foreign is None:
            foreign = self._none_foreign[:rows]
        self._start()
        self._out = self._out._replace(events=decoded.stream_events, undivided=UNDIVIDED[flows.app])
        self.forget_flows(ended_slots)
        kernels.open_flows(self._pools, decoded, flows, self._wanted)
        row = 0
        while True:
            row = kernels.update_rows(
                self._pools, packets, decoded, flows, foreign, row, self._limits, self._hosts, self._taken,
                self._out,
            )  # fmt: skip
            if row >= rows:
                return self._batch(self._taken[:rows])
            self._grow()

    def forget_flows(self, ended_slots: NDArray[Any]) -> None:
        """Drop what is kept of flows that are over."""
        kernels.forget_flows(self._pools, ended_slots)

    def release(self, now_ns: int) -> StreamBatch | None:
        """What has waited for too long by packet time `now_ns`: call again until it is None."""
        if now_ns < self._pools.numbers[layout.N_DUE]:
            return None
        return self._release(now_ns, False)

    def release_all(self) -> StreamBatch | None:
        """What waits, at the end of the capture: call again until it is None."""
        if not self._pools.numbers[layout.N_HELD_FIRST]:
            return None
        return self._release(0, True)

    def _release(self, now_ns: int, everything: bool) -> StreamBatch:
        self._start()
        kernels.release_held(self._pools, now_ns, everything, self._limits, self._out)
        return self._batch(_NO_ROWS)

    def lost(self, slots: NDArray[Any]) -> NDArray[np.bool_]:
        """bool[n, 2], to server and to client: were bytes of the streams of these flows lost?

        A hole that nobody has filled counts, as bytes are there behind it. To be asked before a flow is
        forgotten; of what is not followed nothing is known, and False.
        """
        both = self._pools.directions.reshape(-1, 2)[slots]
        lost: NDArray[np.bool_] = (both["flags"] & layout.LOST != 0) | (both["early"] != 0)
        return lost

    def memory(self) -> int:
        """Bytes of the cells in use."""
        return int(self._pools.numbers[layout.N_CELLS_USED]) * layout.CELL

    def waits(self) -> int:
        """Directions that hold bytes back; walks the queue."""
        count, number = 0, int(self._pools.numbers[layout.N_HELD_FIRST])
        while number:
            count, number = count + 1, int(self._pools.directions[number - 1]["held_after"])
        return count

    def stats(self) -> dict[str, float]:
        """Counters since the start and present sizes, under their EVE paths."""
        numbers = self._pools.numbers
        counts = {name: float(numbers[place]) for name, place in _COUNTERS.items()}
        known = int(numbers[layout.N_TOP_DIRECTION]) * layout.DIRECTION_DTYPE.itemsize
        active = float(numbers[layout.N_SESSIONS] - numbers[layout.N_OVER])
        sizes = {"tcp.memuse": float(known), "tcp.reassembly_memuse": float(self.memory())}
        return {**sizes, "tcp.active_sessions": active, **counts}

    def filled(self) -> float:
        """How much of the room for bytes is in use, 0 to 1."""
        return float(self._pools.numbers[layout.N_CELLS_USED]) / (len(self._pools.following) - 1)

    def _start(self) -> None:
        self._pools.numbers[layout.N_ARENA] = 0
        self._pools.numbers[layout.N_STRETCHES] = 0

    def _grow(self) -> None:
        """Twice the room for what is given out, what is there already included."""
        old, numbers = self._out, self._pools.numbers
        new = _columns(2 * len(old.arena), 2 * len(old.row))
        new = new._replace(events=old.events, undivided=old.undivided)
        new.arena[: numbers[layout.N_ARENA]] = old.arena[: numbers[layout.N_ARENA]]
        stretches = numbers[layout.N_STRETCHES]
        columns: list[tuple[NDArray[Any], NDArray[Any]]] = list(zip(old[1:-2], new[1:-2], strict=True))
        for before, after in columns:
            after[:stretches] = before[:stretches]
        self._out = new

    def _batch(self, taken: U8) -> StreamBatch:
        out, count = self._out, int(self._pools.numbers[layout.N_STRETCHES])
        return StreamBatch(
            buf=out.arena,
            row=out.row[:count],
            flow=out.flow[:count],
            direction=out.direction[:count],
            start=out.start[:count],
            fresh=out.fresh[:count],
            end=out.end[:count],
            stream_offset=out.stream_offset[:count],
            window=out.window[:count],
            gap=out.gap[:count],
            reassembled=taken,
        )


_COUNTERS = {
    "tcp.sessions": layout.N_SESSIONS,
    "tcp.midstream_pickups": layout.N_MIDSTREAM,
    "tcp.reassembly_gap": layout.N_GAPS,
    "tcp.overlap": layout.N_OVERLAP,
    "tcp.overlap_diff_data": layout.N_DIFFERENT,
    "tcp.retransmission": layout.N_RETRANSMITTED,
    "tcp.out_of_order": layout.N_EARLY,
    "tcp.segment_memcap_drop": layout.N_DROPPED,
    "tcp.out_of_window": layout.N_OUTSIDE,
    "tcp.stream_evicted": layout.N_EVICTED,
    "tcp.bytes_not_inspected": layout.N_LOST,
    "tcp.stream_depth_reached": layout.N_DEEP,
    "tcp.urgent_oob_data": layout.N_URGENT,
}


def _columns(arena: int, stretches: int) -> layout.Output:
    def ints() -> I32:
        return np.empty(stretches, np.int32)

    def longs() -> I64:
        return np.empty(stretches, np.int64)

    def bytes_() -> U8:
        return np.empty(stretches, np.uint8)

    return layout.Output(
        arena=np.empty(arena, np.uint8), row=ints(), flow=ints(), direction=bytes_(), start=longs(),
        fresh=longs(), end=longs(), stream_offset=longs(), window=longs(), gap=bytes_(),
        events=np.empty(0, np.uint64), undivided=np.empty(0, np.uint8),
    )  # fmt: skip
