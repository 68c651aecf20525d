"""What passed each port of the demo so far, by the scenario itself: what its coverage is judged by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from vpi_tui.capture.demo import hosts
from vpi_tui.capture.demo.timeline import Reel
from vpi_tui.model.batch import I64
from vpi_tui.model.coverage import TrueCount

TRUTH = "the demo's script"
BLIND_IN, BLIND_OUT = 9_000, 31_000
"""Bytes a second of the guest that is deliberately not watched."""
BLIND_FRAME = 700


class _Port(NamedTuple):
    ifindex: int
    name: str
    switch: str


class ScriptCounts:
    """Counts of a reel that is played loop after loop."""

    def __init__(self, reel: Reel) -> None:
        topology = hosts.topology()
        self._ports = [_Port(port.ifindex, port.name, port.switch) for port in topology.ports]
        self._reel = reel
        self._columns = np.array([port.ifindex for port in self._ports])
        self._entered = self._column(reel.ifindex.astype(np.int64))
        self._left = self._destinations(reel)
        self._loop = self._sums(len(reel.offset))

    def at(self, loop: int, row: int) -> tuple[TrueCount, ...]:
        """Of all rows before `row` of the loop with this number."""
        sums = loop * self._loop + self._sums(row)
        played_ns = loop * self._reel.length_ns + int(self._reel.at_ns[row - 1] if row else 0)
        return (*self._counts(sums), _blind(played_ns))

    def _counts(self, sums: I64) -> Iterator[TrueCount]:
        for port, (into, out, frames_in, frames_out) in zip(self._ports, sums.tolist(), strict=True):
            yield TrueCount(port.switch, port.name, into, out, frames_in, frames_out, TRUTH)

    def _sums(self, rows: int) -> I64:
        """int64[ports, 4]: bytes in, bytes out, frames in, frames out."""
        size, count = self._reel.length[:rows].astype(np.int64), len(self._ports)
        entered, left = self._entered[:rows], self._left[:rows]
        sums = np.zeros((count, 4), np.int64)
        one = np.ones_like(size)
        for column, places, weights in (
            (0, entered, size),
            (1, left, size),
            (2, entered, one),
            (3, left, one),
        ):
            known = places >= 0
            sums[:, column] = np.bincount(places[known], weights=weights[known], minlength=count)
        group = left == _ALL
        for place, port in enumerate(self._ports):
            mates = [n for n, other in enumerate(self._ports) if other.switch == port.switch and n != place]
            here = group & np.isin(entered, mates)
            sums[place, 1] += int(size[here].sum())
            sums[place, 3] += int(here.sum())
        return sums

    def _column(self, ifindex: I64) -> I64:
        """Place among the ports; -1 = none of them."""
        order = np.argsort(self._columns)
        at = np.minimum(np.searchsorted(self._columns[order], ifindex), len(order) - 1)
        found = order[at]
        return np.where(self._columns[found] == ifindex, found, -1)

    def _destinations(self, reel: Reel) -> I64:
        """Place of the port where each frame leaves its switch; _ALL = at all others, -1 = at none."""
        heads = reel.arena[reel.offset[:, None] + np.arange(6)].astype(np.uint64)
        macs = heads @ (np.uint64(1) << np.arange(40, -8, -8, dtype=np.uint64))
        homes = {host.mac: host.ifindex for host in (*hosts.GUESTS, hosts.GATEWAY_PROD, hosts.GATEWAY_OPS)}
        known = np.array(sorted(homes), np.uint64)
        at = np.minimum(np.searchsorted(known, macs), len(known) - 1)
        places = self._column(np.array([homes[int(mac)] for mac in known]))[at]
        _, switches = np.unique([port.switch for port in self._ports], return_inverse=True)
        same = switches[places] == switches[self._entered]
        left = np.where((known[at] == macs) & same & (places != self._entered), places, -1)
        return np.where(heads[:, 0].astype(np.int64) & 1, _ALL, left)


_ALL = -2


def _blind(played_ns: int) -> TrueCount:
    seconds = played_ns / 1e9
    into, out = int(BLIND_IN * seconds), int(BLIND_OUT * seconds)
    return TrueCount(hosts.DMZ, hosts.BLIND_PORT, into, out, into // BLIND_FRAME, out // BLIND_FRAME, TRUTH)
