"""What an inline sensor inspects of a stream: each packet, with the bytes around it.

A packet is let through when it was inspected, so nothing waits for more of the stream; instead rules see it
once more with what came before, and with what was there already behind it. The same bytes are in the windows
of several packets, and a rule alerts on each of these. Source: StreamReassembleRawInline of Suricata's
stream-tcp-reassemble.c.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vpi_tui.model.batch import DecodedBatch, FlowBatch, StreamBatch
from vpi_tui.model.stream_events import INVALID

CHUNK: Final = 2560
"""Bytes of a window: Suricata's toserver-chunk-size and toclient-chunk-size."""
BESIDE: Final = CHUNK // 3
"""Bytes around a packet that nearly fills a window by itself."""


def around_packets(streams: StreamBatch, decoded: DecodedBatch, flows: FlowBatch) -> StreamBatch:
    """The stretches cut to windows, each of which counts from its own start and is all new to the rules.

    Where a packet's first byte is, the `window` of its stretch says.

    Empty is what came with no packet of its own: rules saw its packets when these came.
    """
    row = np.maximum(streams.row, 0)
    known = decoded.payload_len.size > 0
    payload = decoded.payload_len[row].astype(np.int64) if known else np.zeros(row.size, np.int64)
    own = (streams.row >= 0) & (payload > 0)
    if known:
        own &= (flows.flow[row] == streams.flow) & (flows.direction[row] == streams.direction)
    left = streams.window
    right = np.minimum(left + payload, streams.end)
    whole = streams.end - streams.start
    chunk = np.where(payload > 2 * BESIDE, payload + BESIDE, CHUNK)
    room = np.where(whole > chunk, chunk - (right - left), 2 * whole)
    before, after = left - streams.start, streams.end - right
    start = left - np.minimum(before, np.where(after >= room // 2, room // 2, room - after))
    end = np.where(own, right + np.minimum(after, room - (left - start)), start)
    return streams._replace(
        start=start, fresh=start - 1, end=end, stream_offset=np.zeros_like(start), window=start
    )


def without_dropped(decoded: DecodedBatch) -> DecodedBatch:
    """No rule looks at what a segment says that an inline sensor drops; its headers and events are there."""
    dropped = decoded.stream_events & np.uint64(INVALID) != 0
    return (
        decoded._replace(payload_off=np.where(dropped, -1, decoded.payload_off)) if dropped.any() else decoded
    )
