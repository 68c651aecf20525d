"""The public face of the flow table."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow import kernels, kernels_index, kernels_slots
from vpi_tui.flow.appproto import app_tables
from vpi_tui.flow.records import FLOW_DTYPE, KERNEL_DTYPE, OPAQUE, RECORD_SIZE, EndReason
from vpi_tui.model.batch import U8, DecodedBatch, FlowBatch, PacketBatch, StreamBatch

__all__ = ["FLOW_DTYPE", "FlowTable", "FlowTimeouts", "Touched"]

Rows = NDArray[Any]
"""structured[k] of FLOW_DTYPE."""

_NO_SLOTS, _NO_APPS = np.empty(0, np.int32), np.empty(0, np.uint8)
_SECOND = 1_000_000_000
_U64 = (1 << 64) - 1
_FIRST_INDEX = 1 << 17
_EVICTED_KEPT = 1 << 14
_FINS_AWAITED = 1 << 16
_RETIRED_KEPT = 1 << 18
_EXPIRE_SHARE = 16
_EXPIRE_LEAST = 4096


@dataclass(frozen=True, slots=True)
class FlowTimeouts:
    """Seconds of silence after which a flow ends; defaults are Suricata's, closed is a short grace."""

    tcp_new: int = 60
    tcp_established: int = 600
    tcp_closed: int = 10
    udp_new: int = 30
    udp_established: int = 300
    icmp_new: int = 30
    icmp_established: int = 300
    other_new: int = 30
    other_established: int = 300

    def nanoseconds(self) -> NDArray[np.int64]:
        """int64[4, 3]: tcp, udp, icmp, other by FlowState."""
        rows = [
            (self.tcp_new, self.tcp_established, self.tcp_closed),
            (self.udp_new, self.udp_established, 0),
            (self.icmp_new, self.icmp_established, 0),
            (self.other_new, self.other_established, 0),
        ]
        return np.array(rows, np.int64) * _SECOND


class TcpOptions(NamedTuple):
    """What the flow loop is told of TCP."""

    midstream: bool
    one_sided: bool
    bad_events: int
    """Bits of DecoderEvent with which no segment ends a connection."""


class TableArrays(NamedTuple):
    """What the kernels work on."""

    records: Rows
    entries: NDArray[np.uint64]
    free: NDArray[np.int32]
    touched: NDArray[np.int32]
    fins: NDArray[np.uint64]
    """Numbers of FINs that are ahead: kernels_sent."""
    evicted: Rows
    evicted_slot: NDArray[np.int32]
    timeouts: NDArray[np.int64]
    secret: NDArray[np.uint64]
    numbers: NDArray[np.int64]


class Touched(NamedTuple):
    """Flows that had packets since the last drain: `rows` of `records`, but for those without a flow_id.

    Whoever takes them notes in each record what was told (kernels_facts.add_facts).
    """

    records: Rows
    """structured of KERNEL_DTYPE."""
    rows: NDArray[np.int32]


class FlowTable:
    """Bidirectional flows, keyed with both VLAN ids and the tunnel.

    max_flows: beyond it the idlest of some flows is evicted, those without an answer first, and counted.
    seed: of the hash; leave it out except in tests. midstream: follow TCP connections whose start was not
    seen; the sender of a first SYN+ACK is then the server, and the first acknowledgement makes it
    established. one_sided: so does that of a client whose server is not seen. bad_events: bits of
    DecoderEvent with which no segment ends a connection. talkers: keep what flows did until
    `drain_touched`, also when they have ended. dated: count flow ids from a number that the first packet's
    time gives, not from 1, so that logs of many runs and sensors can lie together.
    """

    def __init__(
        self,
        max_flows: int = 1 << 20,
        timeouts: FlowTimeouts | None = None,
        *,
        midstream: bool = True,
        one_sided: bool = False,
        bad_events: int = 0,
        talkers: bool = True,
        dated: bool = False,
        seed: int | None = None,
    ) -> None:
        if not 1 <= max_flows <= 1 << 28:
            raise ValueError(f"max_flows: 1 to {1 << 28}, not {max_flows}")
        self.max_flows = max_flows
        self._tcp = TcpOptions(midstream, one_sided, bad_events)
        self._talkers = talkers
        self._dated = dated
        records = _aligned_records(max_flows)
        self.records: Rows = records.view(FLOW_DTYPE)
        """structured[max_flows] of FLOW_DTYPE, by slot; memory is used as slots are."""
        self._arrays = TableArrays(
            records=records.view(KERNEL_DTYPE),
            entries=np.zeros(min(_FIRST_INDEX, _index_size(max_flows)), np.uint64),
            free=np.zeros(max_flows, np.int32),
            touched=np.zeros(max_flows, np.int32),
            fins=np.zeros(min(_FINS_AWAITED, 2 << (max_flows - 1).bit_length()), np.uint64),
            evicted=np.zeros(min(_EVICTED_KEPT, max_flows), KERNEL_DTYPE),
            evicted_slot=np.zeros(min(_EVICTED_KEPT, max_flows), np.int32),
            timeouts=(timeouts or FlowTimeouts()).nanoseconds(),
            secret=_secret(seed),
            numbers=np.zeros(kernels_slots.N_NUMBERS, np.int64),
        )
        self._apps = app_tables()
        self._named_at = np.zeros(max_flows, np.int32)
        self._out = _OutColumns(0)
        self._retired: list[Rows] = []
        self._retired_rows = 0
        self._retired_lost = 0

    def update(self, packets: PacketBatch, decoded: DecodedBatch) -> FlowBatch:
        """Assign each decoded row to a flow. The columns are overwritten by the next call.

        `closed` holds the flows that ended during the last call or in `expire` since; their slots
        are given to new flows from this call on.
        """
        rows = len(decoded.packet)
        if self._dated and len(packets.ts_ns):
            self._arrays.numbers[kernels_slots.N_SERIAL] = _serial_of(int(packets.ts_ns[0]))
            self._dated = False
        closed = self.drain_closed()
        self._grow_index(rows)
        if rows > self._out.capacity:
            self._out = _OutColumns(rows)
        out = self._out
        opened = kernels.update_rows(
            self._arrays,
            self._apps,
            packets,
            decoded,
            out.flow,
            out.direction,
            out.state,
            out.first,
            out.app,
            out.new_rows,
            self._tcp,
        )
        return FlowBatch(
            flow=out.flow[:rows],
            direction=out.direction[:rows],
            state=out.state[:rows],
            first=out.first[:rows],
            app=out.app[:rows],
            new_rows=out.new_rows[:opened],
            closed=closed,
        )

    def ignore_checksums(self) -> None:
        """Segments whose checksum is wrong end connections too, from now on."""
        self._tcp = self._tcp._replace(bad_events=0)

    def recognise(self, streams: StreamBatch, flows: FlowBatch | None = None) -> None:
        """Name the applications of flows whose first bytes came in more than one piece.

        flows: the batch that released the stretches; what it says of the rows behind each is set right.
        """
        flow, app = (flows.flow, flows.app) if flows is not None else (_NO_SLOTS, _NO_APPS)
        kernels.recognise_streams(self._arrays, self._apps, streams, flow, app, self._named_at)

    def recognise_starts(self, streams: StreamBatch) -> U8:
        """uint8[stretches]: what those that begin a stream look like, each direction by itself; APP_FAILED =
        the connection is taken for none all the same."""
        found = np.zeros(streams.flow.size, np.uint8)
        kernels.recognise_starts(self._arrays, self._apps, streams, found)
        return found

    def expire(self, now_ns: int) -> None:
        """End flows that were silent too long by packet time `now_ns`; a sixteenth of the table a call."""
        used = int(self._arrays.numbers[kernels_slots.N_USED])
        kernels.expire_some(self._arrays, now_ns, max(_EXPIRE_LEAST, used // _EXPIRE_SHARE))

    def drain_closed(self) -> Rows:
        """Records of ended flows that were not handed out yet; frees their slots."""
        arrays, numbers = self._arrays, self._arrays.numbers
        pending = int(numbers[kernels_slots.N_FREE] - numbers[kernels_slots.N_READY])
        kept = int(numbers[kernels_slots.N_EVICTED_KEPT])
        if not pending and not kept:
            return self.records[:0]
        ready = int(numbers[kernels_slots.N_READY])
        slots = arrays.free[ready : ready + pending]
        raw = arrays.records.view(OPAQUE)[slots]
        if kept:
            raw = np.concatenate((raw, arrays.evicted[:kept].view(OPAQUE)))
        arrays.records["flow_id"][slots] = 0
        numbers[kernels_slots.N_READY] += pending
        numbers[kernels_slots.N_EVICTED_KEPT] = 0
        self._retire(raw.view(KERNEL_DTYPE))
        closed = raw.view(FLOW_DTYPE)
        closed["slot"][:pending] = slots
        closed["slot"][pending:] = arrays.evicted_slot[:kept]
        return closed

    def close_all(self) -> Rows:
        """End every flow (the capture is over) and return all records not handed out yet."""
        arrays, numbers = self._arrays, self._arrays.numbers
        slots = self._live_slots()
        closing = arrays.records["reason"]
        closing[slots] = EndReason.SHUTDOWN
        at = int(numbers[kernels_slots.N_FREE])
        arrays.free[at : at + len(slots)] = slots
        numbers[kernels_slots.N_FREE] += len(slots)
        numbers[kernels_slots.N_ACTIVE] = 0
        arrays.entries.fill(0)
        return self.drain_closed()

    def active(self) -> int:
        """Number of live flows."""
        return int(self._arrays.numbers[kernels_slots.N_ACTIVE])

    def used(self) -> Rows:
        """The live records as far as slots were ever used; a flow_id of 0 = free."""
        return self.records[: int(self._arrays.numbers[kernels_slots.N_USED])]

    def columns(self, limit: int, where: NDArray[np.bool_] | None = None) -> Rows:
        """Copies of up to `limit` live records, the latest first when there are more.

        where: bool[max_flows or fewer] by slot; only those.
        """
        slots = self._live_slots()
        if where is not None:
            slots = slots[slots < len(where)]
            slots = slots[where[slots]]
        if len(slots) > limit:
            last = self.records["last_ns"][slots]
            # In the order of their slots, so that rows stand still from one picture to the next.
            slots = np.sort(slots[np.argpartition(last, len(slots) - limit)[len(slots) - limit :]])
        rows = self.records[slots]
        rows["slot"] = slots
        return rows

    def get(self, flow_id: int) -> Rows | None:
        """The live record with this id as structured[1], or None."""
        used = int(self._arrays.numbers[kernels_slots.N_USED])
        slots = np.flatnonzero(self.records["flow_id"][:used] == np.uint64(flow_id))
        if flow_id == 0 or not len(slots) or self.records["reason"][slots[0]]:
            return None
        row: Rows = self.records[slots[:1]]
        row["slot"] = slots[0]
        return row

    def drain_touched(self) -> list[Touched]:
        """Flows with packets since the last drain, those that ended meanwhile included."""
        arrays, numbers = self._arrays, self._arrays.numbers
        parts = [Touched(ended, np.arange(len(ended), dtype=np.int32)) for ended in self._retired]
        parts.append(Touched(arrays.records, arrays.touched[: int(numbers[kernels_slots.N_TOUCHED])]))
        numbers[kernels_slots.N_TOUCHED] = 0
        self._retired, self._retired_rows = [], 0
        return parts

    def memory(self) -> int:
        """Bytes in use, as far as slots were ever used."""
        arrays = self._arrays
        used = int(arrays.numbers[kernels_slots.N_USED])
        small = arrays.evicted.nbytes + arrays.evicted_slot.nbytes + arrays.fins.nbytes
        per_slot = RECORD_SIZE + arrays.free.itemsize + arrays.touched.itemsize
        return used * per_slot + arrays.entries.nbytes + small + self._retired_rows * RECORD_SIZE

    def stats(self) -> dict[str, float]:
        """Counters since the start and present sizes, under their EVE paths."""
        numbers = self._arrays.numbers
        return {
            "flow.active": float(numbers[kernels_slots.N_ACTIVE]),
            "flow.total": float(numbers[kernels_slots.N_TOTAL]),
            "flow.tcp": float(numbers[kernels_slots.N_TCP]),
            "flow.udp": float(numbers[kernels_slots.N_UDP]),
            "flow.icmpv4": float(numbers[kernels_slots.N_ICMP] - numbers[kernels_slots.N_ICMPV6]),
            "flow.icmpv6": float(numbers[kernels_slots.N_ICMPV6]),
            "flow.other": float(numbers[kernels_slots.N_OTHER]),
            "flow.evicted": float(numbers[kernels_slots.N_EVICTED]),
            "flow.get_used": float(numbers[kernels_slots.N_EVICTED]),
            "flow.evicted_unreported": float(numbers[kernels_slots.N_EVICTED_LOST]),
            "flow.memcap": float(numbers[kernels_slots.N_REFUSED]),
            "flow.tcp_reuse": float(numbers[kernels_slots.N_REUSE]),
            "flow.timeout": float(numbers[kernels_slots.N_TIMEOUT]),
            "flow.talkers_lost": float(self._retired_lost),
            "flow.memuse": float(self.memory()),
            "tcp.syn": float(numbers[kernels_slots.N_SYN]),
            "tcp.synack": float(numbers[kernels_slots.N_SYNACK]),
            "tcp.rst": float(numbers[kernels_slots.N_RST]),
            "tcp.urg": float(numbers[kernels_slots.N_URG]),
            "tcp.no_flow": float(numbers[kernels_slots.N_NO_FLOW]),
            **self._left_out(),
        }

    def _left_out(self) -> dict[str, float]:
        """Segments with a wrong checksum, if these are looked at or were."""
        count = float(self._arrays.numbers[kernels_slots.N_BAD_SUM])
        return {"tcp.invalid_checksum": count} if count or self._tcp.bad_events else {}

    def filled(self) -> float:
        """How much of the room for flows is in use, 0 to 1."""
        return self.active() / self.max_flows

    def _live_slots(self) -> NDArray[np.int32]:
        used = int(self._arrays.numbers[kernels_slots.N_USED])
        live = (self.records["flow_id"][:used] != 0) & (self.records["reason"][:used] == 0)
        return np.flatnonzero(live).astype(np.int32)

    def _grow_index(self, rows: int) -> None:
        """Keep the index at most two thirds full, whatever the next `rows` rows open."""
        needed = min(self.active() + rows, self.max_flows)
        size = len(self._arrays.entries)
        while size * 2 < needed * 3:
            size *= 2
        if size > len(self._arrays.entries):
            index = np.zeros(size, np.uint64)
            kernels_index.index_copy(self._arrays.entries, index)
            self._arrays = self._arrays._replace(entries=index)

    def _retire(self, raw: Rows) -> None:
        """Remember ended flows that drain_touched has not reported yet; bounded."""
        if not self._talkers:
            return
        due = raw.view(OPAQUE)[raw["dirty"] != 0].view(KERNEL_DTYPE)
        room = _RETIRED_KEPT - self._retired_rows
        self._retired_lost += max(0, len(due) - room)
        due = due[:room]
        if len(due):
            self._retired.append(due)
            self._retired_rows += len(due)


class _OutColumns:
    """Result columns of one update, kept from batch to batch."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.flow = np.zeros(capacity, np.int32)
        self.direction = np.zeros(capacity, np.uint8)
        self.state = np.zeros(capacity, np.uint8)
        self.first = np.zeros(capacity, np.uint8)
        self.app = np.zeros(capacity, np.uint8)
        self.new_rows = np.zeros(capacity, np.int32)


def _index_size(flows: int) -> int:
    size = 64
    while size * 2 < flows * 3:
        size *= 2
    return size


def _aligned_records(count: int) -> NDArray[np.uint8]:
    """Zeroed records that start on a cache line; the system gives the pages when they are touched."""
    block = np.zeros(count * RECORD_SIZE + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + count * RECORD_SIZE]


def _serial_of(ts_ns: int) -> int:
    """A number below 2^50 from a time, so that those of any two times are far apart (splitmix64).

    With room for as many flows behind it: readers of JSON hold no whole number beyond 2^53.
    """
    mixed = ts_ns + 0x9E3779B97F4A7C15 & _U64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _U64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _U64
    return (mixed ^ mixed >> 31) >> 14


def _secret(seed: int | None) -> NDArray[np.uint64]:
    """uint64[8]: odd multipliers of the hash."""
    random = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
    return random.integers(0, 1 << 64, 8, np.uint64) | np.uint64(1)
