"""Conversations laid out in time: each template copied many times into one arena of frames.

A copy gets its own client port, sequence numbers and, if asked, client address. The work for a
copy is a memory copy and a few numpy columns, so that 100,000 frames take a fraction of a second.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from vpi_tui.capture.demo import checksum
from vpi_tui.capture.demo.conversation import Conversation
from vpi_tui.model.batch import I32, I64, U8, U16, U32

PORT_LOW, PORT_COUNT = 32768, 28232
"""The ephemeral ports of Linux: 32768 to 60999."""
_PORT_STEP, _SEQ_STEP = 7919, 0x1003_9B21
"""What a loop adds to every client port and sequence number; odd and prime to their ranges."""


class Reel(NamedTuple):
    """All frames of one loop in the order of time."""

    arena: U8
    offset: I64
    length: I32
    at_ns: I64
    """int64[n]: nanoseconds since the start of the loop."""
    ifindex: I32
    port_at: I64
    """int64[n]: position of the client's port in the arena; -1 = never changed."""
    seq_at: I64
    """int64[n]: position of the TCP sequence number; -1 = no TCP."""
    sum_at: I64
    """int64[n]: position of the transport checksum; -1 = none."""
    acks: np.ndarray[tuple[int], np.dtype[np.bool_]]
    """bool[n]: the ACK bit is set."""
    length_ns: int


class _Piece(NamedTuple):
    """One conversation and the times at which it starts."""

    talk: Conversation
    starts: np.ndarray[Any, np.dtype[np.float64]]
    stretch: np.ndarray[Any, np.dtype[np.float64]]
    ports: U16
    clients: U32


class Timeline:
    """Collects conversations and turns them into a Reel. seconds: length of the loop."""

    def __init__(self, seconds: float, seed: int) -> None:
        self.seconds = seconds
        self.random = np.random.default_rng(seed)
        self._pieces: list[_Piece] = []
        self._next_port: dict[int, int] = {}

    def at(self, start: float, talk: Conversation, *, keep_port: bool = False) -> None:
        """One conversation, as it is, at `start` seconds."""
        port = 0 if keep_port else talk.client_port
        self._add(talk._replace(client_port=port), np.array([start]), np.ones(1), ())

    def often(
        self,
        talk: Conversation,
        count: int,
        *,
        rate: Callable[[Any], Any] | None = None,
        clients: Sequence[str] = (),
        stretch: float = 0.3,
    ) -> None:
        """`count` copies spread by `rate`, a density over the loop; clients: addresses to draw from.

        stretch: how much slower or faster, at most, a copy runs (0.3 = 0.7 to 1.3 times).
        """
        room = max(self.seconds - talk.duration * (1 + stretch) - 0.05, 0.05)
        grid = np.linspace(0.0, room, 512)
        weight = np.ones(512) if rate is None else np.maximum(rate(grid / self.seconds), 0.02)
        cumulated = np.cumsum(weight)
        draws = (np.arange(count) + self.random.random(count)) / max(count, 1)
        starts = np.interp(draws * cumulated[-1], cumulated, grid)
        self._add(talk, starts, 1 + stretch * (2 * self.random.random(count) - 1), clients)

    def _add(self, talk: Conversation, starts: Any, stretch: Any, clients: Sequence[str]) -> None:
        if not talk.frames or not len(starts):
            return
        count = len(starts)
        ports = np.zeros(count, np.uint16)
        if talk.client_port:
            port = talk.frames[0].ifindex
            first = self._next_port.get(port, port * 97)
            self._next_port[port] = first + count
            ports[:] = PORT_LOW + (first + np.arange(count)) % PORT_COUNT
        drawn = np.zeros(count, np.uint32)
        if clients:
            pool = np.array([int(ipaddress.IPv4Address(c)) for c in clients], np.uint32)
            drawn[:] = pool[self.random.integers(0, len(pool), count)]
        self._pieces.append(_Piece(talk, starts, stretch, ports, drawn))

    def reel(self) -> Reel:
        """Lay everything out, stamp each copy, fill in the checksums, sort by time."""
        columns = _Columns(self._pieces)
        rng = self.random
        _stamp(columns, rng)
        where = checksum.layout(columns.arena, columns.offset, columns.length)
        checksum.fill(columns.arena, where)
        order = np.argsort(columns.at_ns, kind="stable")
        tcp = where.proto == 6
        stamped = (columns.port != 0) & ((where.proto == 6) | (where.proto == 17))
        sums = np.zeros(256, np.int64)
        for proto, at in checksum.CHECKSUM_AT.items():
            sums[proto] = at
        port_at = np.where(stamped, where.l4 + np.where(columns.to_server, 0, 2), -1)
        return Reel(
            columns.arena,
            columns.offset[order],
            columns.length[order].astype(np.int32),
            columns.at_ns[order],
            columns.ifindex[order],
            port_at[order],
            np.where(tcp, where.l4 + 4, -1)[order],
            np.where(stamped | tcp, where.l4 + sums[where.proto], -1)[order],
            (tcp & (columns.arena[where.l4 + 13] & 0x10 != 0))[order],
            round(self.seconds * 1e9),
        )


class _Columns:
    """The arena and a row for each frame, in the order of the arena."""

    def __init__(self, pieces: list[_Piece]) -> None:
        sizes = [sum(len(f.data) + (len(f.data) & 1) for f in p.talk.frames) for p in pieces]
        rows = sum(len(p.talk.frames) * len(p.starts) for p in pieces)
        self.arena = np.zeros(
            sum(s * len(p.starts) for s, p in zip(sizes, pieces, strict=True)) + 8, np.uint8
        )
        self.offset = np.empty(rows, np.int64)
        self.length = np.empty(rows, np.int64)
        self.at_ns = np.empty(rows, np.int64)
        self.ifindex = np.empty(rows, np.int32)
        self.to_server = np.empty(rows, np.bool_)
        self.port = np.empty(rows, np.uint16)
        self.client = np.empty(rows, np.uint32)
        self.copy = np.empty(rows, np.int64)
        """Number of the copy, for what must differ between copies."""
        self.copies = row = position = 0
        for size, piece in zip(sizes, pieces, strict=True):
            row, position = self._place(piece, size, row, position)

    def _place(self, piece: _Piece, size: int, row: int, position: int) -> tuple[int, int]:
        frames, count = piece.talk.frames, len(piece.starts)
        blob = b"".join(f.data + b"\0" * (len(f.data) & 1) for f in frames)
        end = position + size * count
        self.arena[position:end].reshape(count, size)[:] = np.frombuffer(blob, np.uint8)
        length = np.array([len(f.data) for f in frames], np.int64)
        padded = length + (length & 1)
        inner = np.cumsum(padded) - padded
        rows = slice(row, row + len(frames) * count)
        copies = np.arange(count)[:, None]
        relative = np.array([f.at for f in frames])
        self.offset[rows] = (position + copies * size + inner).reshape(-1)
        self.length[rows] = np.tile(length, count)
        when = piece.starts[:, None] + relative * piece.stretch[:, None]
        self.at_ns[rows] = (when.reshape(-1) * 1e9).astype(np.int64)
        self.ifindex[rows] = np.tile(np.array([f.ifindex for f in frames], np.int32), count)
        self.to_server[rows] = np.tile(np.array([f.to_server for f in frames]), count)
        self.port[rows] = np.repeat(piece.ports, len(frames))
        self.client[rows] = np.repeat(piece.clients, len(frames))
        self.copy[rows] = np.repeat(self.copies + np.arange(count), len(frames))
        self.copies += count
        return rows.stop, end


def _stamp(columns: _Columns, rng: np.random.Generator) -> None:
    """Give each copy its ports, addresses, sequence numbers and IP identifications."""
    where = checksum.layout(columns.arena, columns.offset, columns.length)
    words = columns.arena.view(">u2")
    v4 = where.l4 >= 0
    v4 &= ~where.v6
    words[(where.l3[v4] + 4) // 2] = rng.integers(1, 0xFFFF, int(v4.sum()))
    ported = (columns.port != 0) & ((where.proto == 6) | (where.proto == 17))
    side = np.where(columns.to_server, 0, 2)
    words[(where.l4 + side)[ported] // 2] = columns.port[ported]
    moved = v4 & (columns.client != 0)
    at = (where.l3 + np.where(columns.to_server, 12, 16))[moved] // 2
    words[at] = columns.client[moved] >> 16
    words[at + 1] = columns.client[moved] & 0xFFFF
    tcp = (where.proto == 6) & (columns.port != 0)
    isn = rng.integers(0, 1 << 32, (2, max(columns.copies, 1)), dtype=np.uint64)
    mine = isn[columns.to_server.astype(np.int64), columns.copy]
    other = isn[(~columns.to_server).astype(np.int64), columns.copy]
    add32(words, where.l4[tcp] + 4, mine[tcp])
    acked = tcp & (columns.arena[where.l4 + 13] & 0x10 != 0)
    add32(words, where.l4[acked] + 8, other[acked])


def add32(words: Any, at: I64, delta: Any) -> None:
    """Add to big-endian 32-bit fields at even positions, modulo 2^32. words: the arena as >u2."""
    place = at // 2
    value = words[place].astype(np.uint64) << np.uint64(16) | words[place + 1]
    value += delta
    words[place] = (value >> np.uint64(16)) & np.uint64(0xFFFF)
    words[place + 1] = value & np.uint64(0xFFFF)


def shift(reel: Reel, rows: slice) -> None:
    """Make the flows of these frames new: other client ports, other sequence numbers.

    The same constants for every frame, so that a conversation stays consistent when all its
    frames were shifted equally often. Checksums follow by RFC 1624.
    """
    words = reel.arena.view(">u2")
    port_at, seq_at, sum_at = reel.port_at[rows], reel.seq_at[rows], reel.sum_at[rows]
    ported = port_at >= 0
    sequenced = (seq_at >= 0) & ported
    acked = sequenced & reel.acks[rows]
    delta = np.zeros(len(sum_at), np.int64)

    place = port_at[ported] // 2
    old = words[place].astype(np.int64)
    new = PORT_LOW + (old - PORT_LOW + _PORT_STEP) % PORT_COUNT
    words[place] = new
    delta[ported] += new - old
    for chosen, at in ((sequenced, 0), (acked, 4)):
        field = seq_at[chosen] + at
        before = words[field // 2].astype(np.int64) + words[field // 2 + 1]
        add32(words, field, np.uint64(_SEQ_STEP))
        delta[chosen] += words[field // 2].astype(np.int64) + words[field // 2 + 1] - before

    place = sum_at[ported] // 2
    total = (~words[place]).astype(np.int64) + delta[ported]
    total %= 0xFFFF
    # A true sum is never 0: the checksum 0xffff exists for UDP alone, where 0 says "none".
    total[(total == 0) & sequenced[ported]] = 0xFFFF
    words[place] = (~total & 0xFFFF).astype(np.uint16)
