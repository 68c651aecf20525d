"""Memory for a DecodedBatch: two blocks, so that two fills make every row blank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import DecodedBatch

_TYPES: dict[str, type[np.generic]] = {
    "packet": np.int32,
    "ip_v": np.uint8,
    "ethertype": np.uint16,
    "src_ip": np.uint64,
    "dest_ip": np.uint64,
    "src_port": np.uint16,
    "dest_port": np.uint16,
    "proto": np.uint8,
    "vlan": np.uint16,
    "vlan_layers": np.uint8,
    "src_mac": np.uint64,
    "dest_mac": np.uint64,
    "ip_off": np.int64,
    "ip_len": np.int32,
    "l4_off": np.int64,
    "payload_off": np.int64,
    "payload_len": np.int32,
    "ttl": np.uint8,
    "tos": np.uint8,
    "ip_id": np.uint32,
    "frag_bits": np.uint8,
    "frag_offset": np.uint16,
    "fragment": np.uint8,
    "ip_opts": np.uint32,
    "tcp_flags": np.uint16,
    "tcp_seq": np.uint32,
    "tcp_ack": np.uint32,
    "tcp_window": np.uint16,
    "tcp_mss": np.uint16,
    "icmp_type": np.uint8,
    "icmp_code": np.uint8,
    "icmp_id": np.uint16,
    "icmp_seq": np.uint16,
    "tunnel": np.uint32,
    "events": np.uint64,
    "oddities": np.uint64,
    "stream_events": np.uint64,
}
_PAIRS = frozenset({"src_ip", "dest_ip", "vlan", "oddities"})
_OFFSETS = frozenset({"ip_off", "l4_off", "payload_off"})
_LINE = 64


class Columns:
    """`capacity` rows of every column; `full` is the DecodedBatch over all of them."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._zeros = np.zeros(_block_size(capacity, set(_TYPES) - _OFFSETS), np.uint8)
        self._minus = np.full(_block_size(capacity, set(_OFFSETS)), 0xFF, np.uint8)
        at = {False: 0, True: 0}
        columns: dict[str, NDArray[np.generic]] = {}
        for name in DecodedBatch._fields:
            offset_column = name in _OFFSETS
            block = self._minus if offset_column else self._zeros
            start = at[offset_column]
            size = _column_size(name, capacity)
            shape = (capacity, 2) if name in _PAIRS else (capacity,)
            used = int(np.prod(shape)) * np.dtype(_TYPES[name]).itemsize
            columns[name] = block[start : start + used].view(_TYPES[name]).reshape(shape)
            at[offset_column] = start + size
        self.full = DecodedBatch(**columns)  # type: ignore[arg-type]

    def blank(self) -> None:
        """Make every value 0 and every offset -1."""
        self._zeros.fill(0)
        self._minus.fill(0xFF)

    def rows(self, count: int) -> DecodedBatch:
        """Views of the first `count` rows."""
        return DecodedBatch._make(column[:count] for column in self.full)


def _column_size(name: str, capacity: int) -> int:
    """Bytes of one column, rounded up so that the next one starts on a cache line of its own."""
    size = capacity * np.dtype(_TYPES[name]).itemsize * (2 if name in _PAIRS else 1)
    return -(-size // _LINE) * _LINE


def _block_size(capacity: int, names: set[str]) -> int:
    return sum(_column_size(name, capacity) for name in names)
