"""Windows of a stream: from where the positions of rules count.

Where a parser tells where messages end, a window begins with each message, and again in it once 2,560 bytes
are there. Suricata inspects a stream of which none does in windows of that size and more, each of which
begins where the one before it ended, or all that is left at the end of the connection. Rules count from the
first byte of a window: one may find a content there in one message and another in the next, and several
matches in one window are one alert. Here each message is inspected when it is there, with all of its window
before it; what a rule says again about the same window is left out. Source:
StreamTcpReassembleRawCheckLimit and StreamReassembleRawDo of Suricata's stream-tcp-reassemble.c.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.candidates import Batch, Candidates
from vpi_tui.detect.match.flowstate import NOWHERE
from vpi_tui.model.applications import UNDIVIDED
from vpi_tui.model.batch import I64, U8, StreamBatch


def with_windows(streams: StreamBatch, app: U8) -> StreamBatch:
    """Streams from where their window begins, or the bytes before it that patterns across its edge need.

    app: of each slot; empty when no protocol is recognised: nobody knows of windows then.
    """
    if not app.size:
        return streams._replace(window=np.full_like(streams.start, -1))
    start = np.where(streams.window >= 0, np.minimum(streams.window, streams.start), streams.start)
    return streams._replace(start=start, stream_offset=streams.stream_offset - (streams.start - start))


def windows_of(batch: Batch, found: Candidates, *, divided: bool = False) -> I64:
    """int64 per candidate: the window of its undivided stream that it is about, by its first byte; NOWHERE
    for what is in none.

    divided: every stream comes in pieces that are inspected each for itself.
    """
    windows = np.full(len(found), NOWHERE, np.int64)
    if divided or batch.streams is None:
        return windows
    streams = batch.streams
    at = np.flatnonzero(found.stream >= 0)
    at = at[_are_undivided(batch, streams)[found.stream[at]]]
    if at.size:
        stretch = found.stream[at]
        windows[at] = streams.stream_offset[stretch] + streams.window[stretch] - streams.start[stretch]
    return windows


def _are_undivided(batch: Batch, streams: StreamBatch) -> NDArray[np.bool_]:
    """bool per stretch."""
    app = batch.view.app
    made: NDArray[np.bool_] = (streams.window >= 0) & (UNDIVIDED[app[streams.flow]] != 0)
    return made
