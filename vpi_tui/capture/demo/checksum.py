"""Layout and checksums of many frames at once, in numpy (RFC 1071, RFC 8200 section 8.1)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I64, U8, U16, U64


class Layout(NamedTuple):
    """Where the headers of `n` frames are. All offsets are positions in the arena."""

    l3: I64
    """int64[n]: the IP header."""
    l4: I64
    """int64[n]: the transport header; -1 = no IP."""
    end: I64
    """int64[n]: one past the last byte."""
    proto: U8
    """uint8[n]: IP protocol; 0 = no IP."""
    v6: np.ndarray[tuple[int], np.dtype[np.bool_]]


def layout(arena: U8, offset: I64, length: I64) -> Layout:
    """Headers of Ethernet frames with at most one VLAN tag and no IPv6 extension headers."""
    words = arena.view(">u2")
    ethertype = words[(offset + 12) // 2]
    tagged = ethertype == 0x8100
    l3 = offset + np.where(tagged, 18, 14)
    ethertype = words[(l3 - 2) // 2]
    v4, v6 = ethertype == 0x0800, ethertype == 0x86DD
    proto = np.where(v4, arena[l3 + 9], np.where(v6, arena[l3 + 6], 0)).astype(np.uint8)
    header = np.where(v6, 40, (arena[l3] & 0xF).astype(np.int64) * 4)
    l4 = np.where(v4 | v6, l3 + header, -1)
    return Layout(l3, l4, offset + length, proto, v6)


def _folded(total: U64) -> U16:
    for _ in range(3):
        total = (total & np.uint64(0xFFFF)) + (total >> np.uint64(16))
    return (~total & np.uint64(0xFFFF)).astype(np.uint16)


def _sums(words: U16, start: I64, end: I64) -> U64:
    """Sum of the 16-bit words of [start, end) for each row; both are even arena positions, rising.

    In blocks, because numpy widens the whole stretch before it adds.
    """
    total = np.empty(len(start), np.uint64)
    for first in range(0, len(start), _BLOCK):
        rows = slice(first, first + _BLOCK)
        edges = np.stack([start[rows], end[rows]], axis=1).reshape(-1) // 2
        stretch = words[edges[0] : edges[-1] + 1]
        total[rows] = np.add.reduceat(stretch, edges - edges[0], dtype=np.uint32)[::2]
    return total


_BLOCK = 1024


def _gathered(words: U16, start: I64, count: int) -> U64:
    """Sum of `count` 16-bit words from `start` on, for each row."""
    total: U64 = words[start[:, None] // 2 + np.arange(count)].sum(axis=1, dtype=np.uint64)
    return total


CHECKSUM_AT = {1: 2, 6: 16, 17: 6, 58: 2}
"""Offset of the checksum in the transport header, by IP protocol."""


def fill(arena: U8, where: Layout) -> None:
    """Write IPv4 header and ICMP, TCP, UDP checksums.

    Frames lie in the arena in the order of the rows; two spare bytes follow the last. Each begins
    at an even position and an odd one is followed by a zero byte. Words are summed in host order,
    which the checksum does not mind, and are written as they are.
    """
    words = arena.view(np.uint16)
    v4 = (where.proto != 0) & ~where.v6
    l3 = where.l3[v4]
    words[(l3 + 10) // 2] = 0
    words[(l3 + 10) // 2] = _folded(_gathered(words, l3, 10))
    _fill_transport(words, where)


def _fill_transport(words: U16, where: Layout) -> None:
    field = np.zeros(256, np.int64)
    for number, at in CHECKSUM_AT.items():
        field[number] = at
    rows = np.flatnonzero(field[where.proto])
    l3, l4, end = where.l3[rows], where.l4[rows], where.end[rows]
    proto, v6 = where.proto[rows], where.v6[rows]
    place = (l4 + field[proto]) // 2
    words[place] = 0
    total = _sums(words, l4, end + (end & 1))
    pseudo = (end - l4).astype(">u2").view(np.uint16).astype(np.uint64)
    pseudo += proto.astype(">u2").view(np.uint16)
    pseudo[~v6] += _gathered(words, l3[~v6] + 12, 4)
    pseudo[v6] += _gathered(words, l3[v6] + 8, 16)
    pseudo[proto == 1] = 0
    value = _folded(total + pseudo)
    value[(proto == 17) & (value == 0)] = 0xFFFF
    words[place] = value
