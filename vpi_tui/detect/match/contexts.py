"""What a candidate is evaluated on: bytes of a stream, of a packet, or a transaction."""

from __future__ import annotations

from functools import partial

from vpi_tui.detect.match.buffers import Context, TransactionContext
from vpi_tui.detect.match.candidates import Batch
from vpi_tui.model.batch import LinkType


def context_of(batch: Batch, row: int, stream: int, entry: int) -> Context | TransactionContext:
    """What a candidate is evaluated on."""
    progress = batch.progress_of(entry)
    if progress is not None:
        return TransactionContext(progress, partial(_context_of_packet, batch, row))
    decoded, buf = batch.decoded, batch.packets.buf
    if stream >= 0 and batch.streams is not None:
        streams = batch.streams
        start = int(streams.start[stream])
        fresh = int(streams.fresh[stream]) - start
        return Context(streams.buf, start, int(streams.end[stream]), fresh, buf, decoded, row)
    return _context_of_packet(batch, row)


def _context_of_packet(batch: Batch, row: int) -> Context:
    """row -1 = no packet, and so no payload."""
    decoded, buf = batch.decoded, batch.packets.buf
    start = max(int(decoded.payload_off[row]), 0) if row >= 0 else 0
    length = max(int(decoded.payload_len[row]), 0) if row >= 0 else 0
    packets, packet = batch.packets, int(decoded.packet[row]) if row >= 0 else -1
    now_ns = int(packets.ts_ns[packet]) if row >= 0 else 0
    # What is inside a tunnel has no Ethernet header of its own, or not this one.
    ethernet = row >= 0 and packets.link_type[packet] == LinkType.ETHERNET and decoded.tunnel[row] == 0
    frame = int(packets.offset[packet]) if ethernet else -1
    return Context(buf, start, start + length, -1, buf, decoded, row, now_ns=now_ns, frame=frame)
