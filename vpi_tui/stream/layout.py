"""What is remembered of each direction of a TCP connection, and the pools that hold its bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import I32, I64, U8, U32, U64

CELL = 512
"""Bytes of a cell; what patterns across an edge need of the bytes inspected before fits in one, but where
the sensor inspects inline."""
CHUNK = 2560
"""Bytes that are inspected at the latest, as Suricata's toserver-chunk-size; a window of a stream has so many
at least, but for the last."""
HOLD_NS = 1_000_000_000
"""Packet time after which what waits is looked at again."""
PATIENCE = 5
"""Such looks until a hole is given up of a direction whose peer is not heard. One that acknowledges, and does
not have what is missing, has made nothing of what is behind it either: the hole may be filled late."""
EARLY_SEGMENTS = 2048
"""Segments that wait behind a hole, of one direction; EARLY_BYTES: their bytes."""
EARLY_BYTES = 512 << 10
MOST_OVERLAPS = 64
"""Segments behind a hole that one more may overlap, which is what it costs to settle whose bytes count."""
MOST_PARKED = 32
"""Segments of a direction of which the receiver's acknowledgement is to say whether it took them."""
BEGINNINGS = 7
"""Segments in order of which is known where they began."""
FARTHEST = 1 << 26
"""A segment that begins farther ahead than this belongs to no window (RFC 7323: below 2^30)."""
ROW_ROOM = 2 << 20
"""Bytes that one row can release at most."""
ROW_STRETCHES = 2 * EARLY_SEGMENTS + 16
"""Stretches that one row can release at most."""

# Bits of `flags`. GAP: bytes are missing before the next stretch; LOST: some ever were. LOOKS_BACK: the
# first bytes kept, as many as patterns across an edge need, are of an earlier window of the stream.
SYNCED, ACKED, HELD, GAP, FULL, LOOKS_BACK, LOST = (1 << k for k in range(7))

DIRECTION_DTYPE = np.dtype(
    [
        ("offset", np.int64),  # stream position of next_seq
        ("since", np.int64),  # ns: when it began to wait
        ("next_seq", np.uint32),
        ("acked", np.uint32),  # highest acknowledgement of the peer; with ACKED
        ("message", np.uint32),  # low bits of the position behind what was sent when the peer last spoke
        ("chain", np.int32),  # first cell of the bytes kept: window, then pending; 0 = none
        ("last", np.int32),  # last cell
        ("kept", np.int32),  # bytes in the chain
        ("window", np.uint16),  # of these the first so many were inspected before
        ("wanted", np.uint16),  # 0 = no rule does, else 1 + bytes of its window
        ("early", np.int32),  # first segment behind a hole; 0 = none
        ("early_last", np.int32),
        ("early_bytes", np.int32),
        ("held_before", np.int32),  # neighbours in the queue: direction + 1; 0 = none
        ("held_after", np.int32),
        ("early_count", np.uint16),
        ("flags", np.uint8),
        ("waited", np.uint8),
    ]
)
"""68 bytes, all zero but `wanted` = nothing known. Number of a direction: slot * 2, + 1 to the client."""

SEGMENT_DTYPE = np.dtype(
    [
        ("seq", np.uint32),
        ("length", np.int32),
        ("chain", np.int32),
        ("following", np.int32),
        ("reach", np.uint32),
    ]
)
"""A segment behind a hole, in a list sorted by seq. Where two overlap, both have the bytes that count.
reach: no segment up to this one in its list ends behind it; of a parked one what is said of it."""

# Places in `numbers`, int64: state of the pools and queue, then counters.
(
    N_CELLS_USED,
    N_CELLS_TOP,  # cells ever used
    N_CELLS_FREE,  # first of the list of free cells; 0 = none
    N_SEGMENTS_TOP,
    N_SEGMENTS_FREE,
    N_HELD_FIRST,
    N_HELD_LAST,
    N_DUE,  # ns: when the first of the queue is to be looked at
    N_NOW,  # ns: the newest packet
    N_TOP_DIRECTION,  # directions ever used
    N_EVICT_HAND,
    N_ARENA,  # bytes of the arena in use
    N_STRETCHES,
    N_SESSIONS,
    N_MIDSTREAM,
    N_GAPS,
    N_OVERLAP,
    N_DIFFERENT,  # overlaps with other bytes than the first copy
    N_RETRANSMITTED,
    N_EARLY,  # segments that came too early
    N_DROPPED,  # segments for which there was no memory
    N_OUTSIDE,  # segments far outside the window
    N_EVICTED,  # directions whose bytes made room for others
    N_LOST,  # bytes that were never inspected: evicted, or their flow was taken away
    N_OVER,  # of N_SESSIONS, those that are forgotten
    N_DEEP,  # directions of which no more is followed, as they have come to the depth
    N_URGENT,  # bytes that went past the stream
    N_NUMBERS,
) = range(28)


class Pools(NamedTuple):
    """All memory of the reassembly; the kernels' one argument for it."""

    directions: NDArray[Any]
    """structured[2 * flows] of DIRECTION_DTYPE"""
    cells: U8
    """uint8[(cells + 1) * CELL]; cell 0 is never used."""
    following: I32
    """int32[cells + 1]: next cell of a chain or of the free list; 0 = the last."""
    segments: NDArray[Any]
    """structured[segments + 1] of SEGMENT_DTYPE; 0 is never used."""
    begun: U32
    """uint32[2 * flows, BEGINNINGS + 1]: a ring of where segments of pending bytes begin, and how many were
    written into it."""
    parked: I32
    """int32[2 * flows]: first of the segments that may not be taken, the newest; 0 = none."""
    numbers: I64


class Limits(NamedTuple):
    """What the operator and the rules ask for."""

    depth: int
    """Bytes of a direction that are followed."""
    midstream: int
    """1 = follow connections whose beginning was not seen."""
    bad_events: int
    """Bits of DecoderEvent with which a segment is not taken."""
    tells_different: int
    """1 = a copy with other bytes is an event."""
    out_of_band: int
    """1 = the last byte of urgent data is no part of the stream."""
    inline: int
    """1 = each segment is inspected when it comes, as by a sensor that lets it through only then, and that
    rewrites copies that say something else."""


class Output(NamedTuple):
    """Columns of the StreamBatch under construction, with room to spare."""

    arena: U8
    row: I32
    flow: I32
    direction: U8
    start: I64
    fresh: I64
    end: I64
    stream_offset: I64
    window: I64
    gap: U8
    events: U64
    """uint64[rows]: DecodedBatch.stream_events of the batch, added to."""
    undivided: U8
    """uint8[rows]: applications.UNDIVIDED of each row's flow."""
