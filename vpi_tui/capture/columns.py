"""The columns that a source fills again and again, allocated once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I32, I64, U8, U16, U32, PacketBatch


class FrameColumns(NamedTuple):
    """The columns of a PacketBatch, `capacity` long; kernels write rows from 0 on."""

    offset: I64
    caplen: I32
    length: I32
    ts_ns: I64
    link_type: U16
    ifindex: I32
    vlan_tci: U32
    flags: U8


def allocate(capacity: int) -> FrameColumns:
    """Zeroed columns: what a source never writes (vlan_tci of a file) stays 0."""
    return FrameColumns(
        offset=np.zeros(capacity, np.int64),
        caplen=np.zeros(capacity, np.int32),
        length=np.zeros(capacity, np.int32),
        ts_ns=np.zeros(capacity, np.int64),
        link_type=np.zeros(capacity, np.uint16),
        ifindex=np.zeros(capacity, np.int32),
        vlan_tci=np.zeros(capacity, np.uint32),
        flags=np.zeros(capacity, np.uint8),
    )


def as_batch(
    buf: U8, columns: FrameColumns, count: int, kernel_packets: int = 0, kernel_drops: int = 0
) -> PacketBatch:
    """The first `count` rows as a batch that shares memory with `columns` and `buf`."""
    return PacketBatch(
        buf=buf,
        offset=columns.offset[:count],
        caplen=columns.caplen[:count],
        length=columns.length[:count],
        ts_ns=columns.ts_ns[:count],
        link_type=columns.link_type[:count],
        ifindex=columns.ifindex[:count],
        vlan_tci=columns.vlan_tci[:count],
        flags=columns.flags[:count],
        kernel_packets=kernel_packets,
        kernel_drops=kernel_drops,
    )


def first_rows(batch: PacketBatch, count: int) -> PacketBatch:
    """The same batch with its first `count` rows."""
    return batch._replace(
        offset=batch.offset[:count],
        caplen=batch.caplen[:count],
        length=batch.length[:count],
        ts_ns=batch.ts_ns[:count],
        link_type=batch.link_type[:count],
        ifindex=batch.ifindex[:count],
        vlan_tci=batch.vlan_tci[:count],
        flags=batch.flags[:count],
    )
