"""What a candidate is evaluated on: bytes of a stream, of a packet, or a transaction."""

from __future__ import annotations

from functools import partial

import numpy as np

from vpi_tui.detect.match.buffers import Context, TransactionContext
from vpi_tui.detect.match.candidates import Batch


def context_of(
    batch: Batch, row: int, stream: int, entry: int, windowed: bool | np.bool_
) -> Context | TransactionContext:
    """What a candidate is evaluated on.

    windowed: its rule counts from where the window of a stream begins.
    """
    progress = batch.progress_of(entry)
    if progress is not None:
        return TransactionContext(progress, partial(_context_of_packet, batch, row))
    if stream >= 0 and batch.streams is not None:
        streams = batch.streams
        start = int(streams.start[stream])
        if windowed:
            start = max(start, int(streams.window[stream]))
        fresh = int(streams.fresh[stream]) - start
        return Context(streams.buf, start, int(streams.end[stream]), fresh, batch.packets, batch.decoded, row)
    return _context_of_packet(batch, row)


def _context_of_packet(batch: Batch, row: int) -> Context:
    """row -1 = no packet, and so no payload."""
    packets, decoded = batch.packets, batch.decoded
    start = max(int(decoded.payload_off[row]), 0) if row >= 0 else 0
    length = max(int(decoded.payload_len[row]), 0) if row >= 0 else 0
    return Context(packets.buf, start, start + length, -1, packets, decoded, row)
