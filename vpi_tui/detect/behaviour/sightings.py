"""Which MAC addresses are seen at which ports: only pairs that were not seen lately are looked at.

A direct-mapped table answers for nearly every packet with a few operations on columns; two pairs that fall on
one place take turns there, and are looked at more often. Nothing is missed: a place holds the whole pair.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I64, U64, DecodedBatch, PacketBatch

PLACES_LOG2 = 13
MAX_NEW = 8_192
"""Rows of one batch that are looked at more closely; of a flood, the beginning is enough."""
MAX_SIGHTINGS = 1_024
"""Distinct pairs given of one batch."""
_ODD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - PLACES_LOG2)
_TUNNELLED = np.uint64(1 << 48)
_GROUP = 1 << 40


class Sighting(NamedTuple):
    """A frame that entered at a port."""

    row: int
    mac: int
    """Of its sender, no group address."""
    ifindex: int
    vlan: int
    """The outer one; 0 = untagged."""
    ts_ns: int


class Sightings:
    def __init__(self) -> None:
        self._macs = np.zeros(1 << PLACES_LOG2, np.uint64)
        self._ports = np.zeros(1 << PLACES_LOG2, np.uint64)

    def take(self, packets: PacketBatch, decoded: DecodedBatch) -> list[Sighting]:
        """Pairs that are new, in the order of the packets. What is inside of tunnels entered no port here."""
        macs = decoded.src_mac
        ports = _port_keys(packets, decoded)
        at = _places(macs, ports)
        new = np.flatnonzero((self._macs[at] != macs) | (self._ports[at] != ports))[:MAX_NEW]
        if not new.size:
            return []
        _, firsts = np.unique(macs[new] * _ODD ^ ports[new], return_index=True)
        rows = new[np.sort(firsts)[:MAX_SIGHTINGS]]
        self._macs[at[rows]], self._ports[at[rows]] = macs[rows], ports[rows]
        times = packets.ts_ns[decoded.packet[rows]].tolist()
        columns = zip(rows.tolist(), macs[rows].tolist(), ports[rows].tolist(), times, strict=True)
        return [
            Sighting(row, mac, port & 0xFFFF_FFFF, port >> 32, ts_ns)
            for row, mac, port, ts_ns in columns
            if mac and not mac & _GROUP and not port >> 48
        ]

    def forget(self, mac: int, ifindex: int, vlan: int) -> None:
        """Look at this pair again with its next packet."""
        macs, ports = np.array([mac], np.uint64), np.array([ifindex | vlan << 32], np.uint64)
        at = _places(macs, ports)
        if self._macs[at] == macs and self._ports[at] == ports:
            self._macs[at] = 0

    def forget_all(self) -> None:
        self._macs[:] = 0
        self._ports[:] = 0


def _port_keys(packets: PacketBatch, decoded: DecodedBatch) -> U64:
    """ifindex, VLAN above it, and above that whether the row is inside a tunnel."""
    keys = packets.ifindex[decoded.packet].astype(np.uint32).astype(np.uint64)
    keys |= decoded.vlan[:, 0].astype(np.uint64) << np.uint64(32)
    keys[decoded.tunnel != 0] |= _TUNNELLED
    return keys


def _places(macs: U64, ports: U64) -> I64:
    return (((macs ^ ports * _ODD) * _ODD) >> _SHIFT).astype(np.int64)
