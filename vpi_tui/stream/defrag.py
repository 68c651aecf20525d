"""The public face of IP defragmentation: fragments in, rows of whole datagrams out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.model.batch import (
    I32,
    I64,
    U8,
    U16,
    U64,
    Columns,
    DecodedBatch,
    Fragment,
    LinkType,
    PacketBatch,
)
from vpi_tui.stream import kernels_defrag as kernels
from vpi_tui.stream.policies import HostPolicies, host_policies

TRACKERS: Final = 16_384
"""Datagrams that may be incomplete at a time: so many fragments it takes to push one out."""
MEMORY: Final = 32 << 20
"""Bytes for the data of incomplete datagrams."""
TIMEOUT_NS: Final = 60_000_000_000
"""RFC 791, RFC 8200: after so long without another fragment what is missing does not come any more."""
NESTING: Final = 3
"""Datagrams made of fragments of datagrams made of fragments."""
_OUT_BYTES: Final = 1 << 20
_OUT_ROWS: Final = 1024
_LOOSE: Final = 4
"""Frames that lie in at most so many times their own bytes are copied in one go: those of a file always, and
those of a ring but where it wraps."""
_FEW: Final = 16

_TRACKER: Final = np.dtype(
    [
        ("src_high", np.uint64),
        ("src_low", np.uint64),
        ("dest_high", np.uint64),
        ("dest_low", np.uint64),
        ("touched", np.int64),  # ns, time of the latest fragment
        ("ip_id", np.uint32),
        ("tunnel", np.uint32),
        ("vlan0", np.uint16),
        ("vlan1", np.uint16),
        ("bucket", np.int32),
        ("following", np.int32),  # in the bucket, or of the free ones: number + 1; 0 = none
        ("older", np.int32),
        ("newer", np.int32),
        ("end", np.int32),  # bytes up to the end of the farthest fragment
        ("units", np.int32),  # of 8 bytes that are there
        ("last_at", np.int32),  # where the nearest fragment without "more fragments" begins, with `last`
        ("last_end", np.int32),  # and ends: the datagram does
        ("header", np.int16),  # bytes of the headers; 0 = the first fragment has not come
        ("last", np.uint8),  # 1 = a fragment without "more fragments" came
        ("proto", np.uint8),
        ("ip_v", np.uint8),
    ]
)


class Pools(NamedTuple):
    """What is kept of incomplete datagrams, bounded."""

    trackers: Columns
    """_TRACKER[n]"""
    buckets: I32
    """int32[...]: first tracker of each bucket, number + 1."""
    present: U64
    """uint64[n, WORDS]: bitmap of the units that are there."""
    page_of: I32
    """int32[n, PAGES_A_DATAGRAM]: page number; 0 = none."""
    headers: U8
    """uint8[n, MOST_HEADER]"""
    pages: U8
    owners: U16
    """uint16[units, 2]: where the fragment begins and ends, in bytes, of which each unit of the pages is."""
    page_after: I32
    """int32[pages + 1]: next free page."""
    numbers: I64


class Limits(NamedTuple):
    timeout_ns: int
    salt: np.uint64
    """Secret: nobody outside can aim at one bucket."""


class Out(NamedTuple):
    """Whole datagrams, one behind the other."""

    buf: U8
    row: I32
    """int32[...]: row whose fragment completed it."""
    start: I64
    length: I32

    def taken(self, size: int, count: int) -> Out:
        """A copy of the first bytes and rows."""
        row, start, length = self.row[:count], self.start[:count], self.length[:count]
        return Out(self.buf[:size].copy(), row.copy(), start.copy(), length.copy())


class _Scratch:
    """Memory that each batch uses again: fresh megabytes cost a page fault for every four kilobytes."""

    def __init__(self) -> None:
        self._frames = np.empty(0, np.uint8)
        self._out: Out | None = None

    def frames(self, size: int) -> U8:
        """uint8[size], of any values; until the next call."""
        if size > self._frames.size:
            self._frames = np.empty(size + size // 8, np.uint8)
        return self._frames[:size]

    def out(self) -> Out:
        if self._out is None:
            self._out = Out(
                np.empty(_OUT_BYTES, np.uint8),
                np.empty(_OUT_ROWS, np.int32),
                np.empty(_OUT_ROWS, np.int64),
                np.empty(_OUT_ROWS, np.int32),
            )
        return self._out


class Defragmenter:
    """All incomplete datagrams of one sensor. What it gives is valid until the next batch.

    decode: turns the whole datagrams, as a batch of raw IP packets, into rows; it may reuse its
    columns. trackers, memory: how much may be incomplete at a time; the oldest datagram makes room.
    hosts: whose bytes count where fragments overlap, by destination; None = the default's everywhere.
    """

    def __init__(
        self,
        decode: Callable[[PacketBatch], DecodedBatch],
        *,
        trackers: int = TRACKERS,
        memory: int = MEMORY,
        timeout_ns: int = TIMEOUT_NS,
        hosts: HostPolicies | None = None,
    ) -> None:
        self._decode = decode
        self._limits = Limits(timeout_ns, np.uint64(secrets.randbits(64)))
        self._hosts = hosts or host_policies()
        self._sizes = (max(trackers, 1), max(memory // kernels.PAGE, kernels.PAGES_A_DATAGRAM))
        self._pools: Pools | None = None
        """None = there was no fragment yet, and nothing is taken for them."""
        self._scratch = [_Scratch() for _ in range(NESTING + 1)]
        """By how deep nesting may still go."""

    def update(self, packets: PacketBatch, decoded: DecodedBatch) -> tuple[PacketBatch, DecodedBatch]:
        """Put the rows of datagrams that became whole right behind the fragments that completed them.

        Their `fragment` is REBUILT, their `packet` that of the last fragment. What is given is what was
        taken when no datagram became whole; else a copy, in which all offsets are new.
        """
        return self._update(packets, decoded, NESTING)

    def stats(self) -> dict[str, float]:
        """Counters since the start and present sizes, under their EVE paths."""
        numbers = self._pools.numbers if self._pools is not None else np.zeros(kernels.N_NUMBERS, np.int64)
        stats = {name: float(numbers[at]) for name, at in _COUNTERS.items()}
        stats["defrag.ipv4.fragments"] = float(numbers[kernels.N_FRAGMENTS] - numbers[kernels.N_FRAGMENTS6])
        whole = numbers[kernels.N_REASSEMBLED] - numbers[kernels.N_REASSEMBLED6]
        stats["defrag.ipv4.reassembled"] = float(whole)
        stats["defrag.memuse"] = float(numbers[kernels.N_PAGES_USED] * kernels.PAGE)
        return stats

    def filled(self) -> float:
        """How much of the room for fragments is in use, 0 to 1: of bytes or of datagrams, the more."""
        if self._pools is None:
            return 0.0
        trackers, pages = self._sizes
        used = self._pools.numbers
        return max(float(used[kernels.N_USED]) / trackers, float(used[kernels.N_PAGES_USED]) / pages)

    def _update(
        self, packets: PacketBatch, decoded: DecodedBatch, nesting: int
    ) -> tuple[PacketBatch, DecodedBatch]:
        if nesting == 0 or not decoded.fragment.any():
            return packets, decoded
        scratch = self._scratch[nesting]
        whole = self._collect(packets, decoded, scratch.out())
        if not whole.row.size:
            return packets, decoded
        inner = _as_packets(packets, decoded, whole)
        rows = DecodedBatch._make(column.copy() for column in self._decode(inner))
        inner, rows = self._update(inner, rows, nesting - 1)
        return _merged(packets, decoded, inner, rows, whole.row, scratch)

    def _collect(self, packets: PacketBatch, decoded: DecodedBatch, out: Out) -> Out:
        if self._pools is None:
            self._pools = _pools(*self._sizes)
        numbers = self._pools.numbers
        found: list[Out] = []
        row, rows = 0, decoded.packet.size
        while row < rows:
            numbers[kernels.N_OUT] = numbers[kernels.N_OUT_BYTES] = 0
            row = kernels.collect(self._pools, packets, decoded, row, self._limits, self._hosts, out)
            count, size = int(numbers[kernels.N_OUT]), int(numbers[kernels.N_OUT_BYTES])
            found.append(out.taken(size, count))
        return found[0] if len(found) == 1 else _joined(found)


def _joined(parts: list[Out]) -> Out:
    base = np.cumsum([0, *(part.buf.size for part in parts[:-1])])
    return Out(
        np.concatenate([part.buf for part in parts]),
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.start + at for part, at in zip(parts, base, strict=True)]),
        np.concatenate([part.length for part in parts]),
    )


def _pools(trackers: int, pages: int) -> Pools:
    made = Pools(
        trackers=np.zeros(trackers, _TRACKER),
        buckets=np.zeros(2 * trackers, np.int32),
        present=np.zeros((trackers, kernels.WORDS), np.uint64),
        page_of=np.zeros((trackers, kernels.PAGES_A_DATAGRAM), np.int32),
        headers=np.zeros((trackers, kernels.MOST_HEADER), np.uint8),
        pages=np.zeros((pages + 1) * kernels.PAGE, np.uint8),
        owners=np.zeros(((pages + 1) * kernels.UNITS_A_PAGE, 2), np.uint16),
        page_after=np.arange(1, pages + 2, dtype=np.int32),
        numbers=np.zeros(kernels.N_NUMBERS, np.int64),
    )
    made.page_after[pages] = 0
    made.trackers["following"][:-1] = np.arange(2, trackers + 1)
    made.numbers[kernels.N_FREE] = made.numbers[kernels.N_FREE_PAGE] = 1
    return made


def _as_packets(packets: PacketBatch, decoded: DecodedBatch, whole: Out) -> PacketBatch:
    """The whole datagrams as raw IP packets of the same moment and port."""
    at = decoded.packet[whole.row]
    link = np.where(decoded.ip_v[whole.row] == 4, LinkType.IPV4, LinkType.IPV6).astype(np.uint16)
    return PacketBatch(
        buf=whole.buf,
        offset=whole.start,
        caplen=whole.length,
        length=whole.length,
        ts_ns=packets.ts_ns[at],
        link_type=link,
        ifindex=packets.ifindex[at],
        vlan_tci=np.zeros(at.size, np.uint32),
        flags=packets.flags[at],
        kernel_packets=0,
        kernel_drops=0,
    )


_FROM_FRAGMENT: Final = ("src_mac", "dest_mac", "vlan_layers", "tunnel")
_OFFSETS: Final = ("ip_off", "l4_off", "payload_off")


def _merged(
    packets: PacketBatch,
    decoded: DecodedBatch,
    inner: PacketBatch,
    rows: DecodedBatch,
    fragment_row: I32,
    scratch: _Scratch,
) -> tuple[PacketBatch, DecodedBatch]:
    """One batch of both. fragment_row: for each datagram the row of the fragment that completed it."""
    buf, offset = _with_room(packets, inner.buf.size, scratch)
    frames = buf.size - inner.buf.size
    buf[frames:] = inner.buf
    behind = fragment_row[rows.packet]
    values = {name: getattr(rows, name) for name in DecodedBatch._fields}
    values["packet"] = decoded.packet[behind]
    outermost = rows.tunnel == 0
    for name in _FROM_FRAGMENT:
        values[name] = np.where(outermost, getattr(decoded, name)[behind], values[name])
    untagged = rows.vlan[:, :1] == 0
    values["vlan"] = np.where(untagged, decoded.vlan[behind], rows.vlan)
    fragments = (rows.fragment == Fragment.FIRST) | (rows.fragment == Fragment.LATER)
    values["fragment"] = np.where(fragments, rows.fragment, np.uint8(Fragment.REBUILT))
    outer = decoded._asdict()
    for name in _OFFSETS:
        values[name] = np.where(values[name] >= 0, values[name] + frames, values[name])
    if offset is not packets.offset:
        moved = (offset - packets.offset)[decoded.packet]
        for name in _OFFSETS:
            outer[name] = np.where(outer[name] >= 0, outer[name] + moved, outer[name])
    places = (behind + 1).tolist()
    merged = DecodedBatch(**{name: _inserted(outer[name], places, values[name]) for name in outer})
    return packets._replace(buf=buf, offset=offset), merged


def _with_room(packets: PacketBatch, room: int, scratch: _Scratch) -> tuple[U8, I64]:
    """The frames in a buffer of their own with so much room behind them, and where they begin in it."""
    first, end = int(packets.offset.min()), int((packets.offset + packets.caplen).max())
    frames = int(packets.caplen.sum())
    if end <= _LOOSE * frames:
        first = 0  # all stays where it is
    if end - first <= _LOOSE * frames:
        buf = scratch.frames(end - first + room)
        buf[: end - first] = packets.buf[first:end]
        return buf, packets.offset - first if first else packets.offset
    offset = np.cumsum(packets.caplen, dtype=np.int64) - packets.caplen
    buf = scratch.frames(frames + room)
    buf[:frames] = packets.buf[np.arange(frames) + np.repeat(packets.offset - offset, packets.caplen)]
    return buf, offset


def _inserted(column: Columns, places: list[int], values: Columns) -> Columns:
    """np.insert along the first axis; many times quicker for a few places, which ascend."""
    if len(places) > _FEW:
        return np.insert(column, places, values, axis=0)
    parts, before = [], 0
    for number, place in enumerate(places):
        parts += [column[before:place], values[number : number + 1]]
        before = place
    return np.concatenate((*parts, column[before:]))


_COUNTERS: Final = {
    "defrag.ipv6.fragments": kernels.N_FRAGMENTS6,
    "defrag.ipv6.reassembled": kernels.N_REASSEMBLED6,
    "defrag.tracker_hard_reuse": kernels.N_TAKEN,
    "defrag.timeouts": kernels.N_TIMEOUT,
    "defrag.evicted": kernels.N_EVICTED,
    "defrag.ignored": kernels.N_IGNORED,
    "defrag.overlap": kernels.N_OVERLAP,
    "defrag.trackers": kernels.N_USED,
}
