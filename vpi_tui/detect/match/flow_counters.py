"""Packets, bytes and age of flows as they were at each row of a batch, kept only while a rule asks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I32, I64, U32, DecodedBatch, FlowBatch, PacketBatch

_SECOND = 1_000_000_000


class Counted(NamedTuple):
    """Of one row or one flow each; [:, 0] to the server, [:, 1] to the client."""

    pkts: I64
    """int64[n, 2]: the row itself included."""
    bytes: I64
    """int64[n, 2]"""
    age: I64
    """int64[n]: seconds since the flow's first packet, by the whole seconds of both, as in Suricata."""


def _seconds(begin: I64, end: I64) -> I64:
    age: I64 = np.maximum(end // _SECOND - begin // _SECOND, 0)
    return age


class FlowCounters:
    """44 bytes a slot of the flow table."""

    def __init__(self) -> None:
        self._known: U32 = np.zeros(0, np.uint32)
        self._sums: I64 = np.zeros((0, 4), np.int64)
        """int64[slots, 4]: packets, then bytes, to server and to client."""
        self._begin: I64 = np.zeros(0, np.int64)
        self._end: I64 = np.zeros(0, np.int64)

    def of_rows(self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch, born: U32) -> Counted:
        """For the rows of a batch; to be called once for each. Rows without a flow have zeros."""
        rows = np.flatnonzero((flows.flow >= 0) & (flows.direction > 0))
        sums, age = np.zeros((flows.flow.size, 4), np.int64), np.zeros(flows.flow.size, np.int64)
        if not rows.size:
            return Counted(sums[:, :2], sums[:, 2:], age)
        slot, side = flows.flow[rows].astype(np.int64), flows.direction[rows].astype(np.int64) - 1
        frame = decoded.packet[rows]
        # What a tunnel carries counts from its own header on, as in Suricata.
        inside = decoded.tunnel[rows] != 0
        size = np.where(inside, decoded.ip_len[rows], packets.length[frame]).astype(np.int64)
        ts = packets.ts_ns[frame]
        self._make_room(int(slot.max()) + 1)
        _, group = np.unique(slot << 32 | born[rows], return_inverse=True)
        order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        ends = np.append(starts[1:], order.size) - 1
        each = np.repeat(np.arange(starts.size), ends - starts + 1)
        first, last = order[starts], order[ends]
        known = self._known[slot[first]] == born[rows][first]
        before = np.where(known[:, None], self._sums[slot[first]], 0)
        begin = np.where(known, self._begin[slot[first]], ts[first])
        added = np.zeros((order.size, 4), np.int64)
        at = np.arange(order.size)
        added[at, side[order]] = 1
        added[at, 2 + side[order]] = size[order]
        running = np.cumsum(added, axis=0)
        running += (before - running[starts] + added[starts])[each]
        self._keep(slot, born[rows], ts, running[ends], begin, last)
        sums[rows[order]] = running
        age[rows[order]] = _seconds(begin[each], ts[order])
        return Counted(sums[:, :2], sums[:, 2:], age)

    def now(self, flow: I32 | I64, born: U32 | I64) -> Counted:
        """For flows, after the batch."""
        if not self._known.size:
            nothing = np.zeros((flow.size, 2), np.int64)
            return Counted(nothing, nothing, np.zeros(flow.size, np.int64))
        slot = np.clip(flow, 0, self._known.size - 1)
        here = (flow >= 0) & (self._known[slot] == born)
        sums = np.where(here[:, None], self._sums[slot], 0)
        age = np.where(here, _seconds(self._begin[slot], self._end[slot]), 0)
        return Counted(sums[:, :2], sums[:, 2:], age)

    def _keep(self, slot: I64, born: U32, ts: I64, sums: I64, begin: I64, last: I64) -> None:
        """Of two flows in one slot the later one stays: it is written last."""
        later = np.argsort(last)
        into = slot[last][later]
        self._known[into] = born[last][later]
        self._sums[into] = sums[later]
        self._begin[into] = begin[later]
        self._end[into] = ts[last][later]

    def _make_room(self, slots: int) -> None:
        short = slots - self._known.size
        if short > 0:
            extra = max(short, self._known.size)
            self._known = np.concatenate((self._known, np.zeros(extra, np.uint32)))
            self._sums = np.concatenate((self._sums, np.zeros((extra, 4), np.int64)))
            self._begin = np.concatenate((self._begin, np.zeros(extra, np.int64)))
            self._end = np.concatenate((self._end, np.zeros(extra, np.int64)))
