"""Windows of a stream of which no parser tells where a message ends.

Suricata inspects such a stream in windows of 2,560 bytes, or all of it at the end of the connection. So a
rule that counts from the first byte may find one content in the first message and another in the next, and
several matches in one window are one alert. Here each message is inspected when it is there, the first ones
with all before them; what a rule says again about the same window is left out. Source:
StreamTcpReassembleRawCheckLimit of Suricata's stream-tcp-reassemble.c.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.candidates import Batch, Candidates
from vpi_tui.detect.match.flowstate import NOWHERE
from vpi_tui.model.applications import APP_FAILED, APP_PROTOS
from vpi_tui.model.batch import I64, U8, StreamBatch

WINDOW: Final = 2560
"""Bytes: Suricata's toserver-chunk-size and toclient-chunk-size."""
_UNDIVIDED: Final = (
    "", "imap", "redis", "mysql", "mssql", "rtsp", "irc", "vmware-auth", "iscsi", "rpc", "smb",
)  # fmt: skip
"""Applications of which no parser of Suricata's tells the inspection of streams where a message ends: there
is none, or it does not, as that of SMB. "" = none is known."""


def _undivided() -> U8:
    made = np.zeros(256, np.uint8)
    made[[APP_FAILED, *(APP_PROTOS.index(name) for name in _UNDIVIDED)]] = 1
    return made


UNDIVIDED: Final[U8] = _undivided()


def with_beginnings(streams: StreamBatch, app: U8) -> StreamBatch:
    """Undivided streams from their first byte on, as long as all up to there is kept. app: of each slot."""
    if not app.size:
        return streams
    whole = (streams.beginning < streams.start) & (UNDIVIDED[app[streams.flow]] != 0)
    if not whole.any():
        return streams
    start = np.where(whole, streams.beginning, streams.start)
    return streams._replace(start=start, stream_offset=streams.stream_offset - (streams.start - start))


def windows_of(batch: Batch, found: Candidates, flow: NDArray[np.integer], *, divided: bool = False) -> I64:
    """int64 per candidate: the window of its stream that it is about, NOWHERE for what is in none.

    divided: every stream comes in pieces that are inspected each for itself.
    """
    windows = np.full(len(found), NOWHERE, np.int64)
    if divided or batch.streams is None or not batch.view.app.size:
        return windows
    at = np.flatnonzero((found.stream >= 0) & (found.entry < 0) & (flow >= 0))
    at = at[UNDIVIDED[batch.view.app[flow[at]]] != 0]
    streams, stretch = batch.streams, found.stream[at]
    position = streams.stream_offset[stretch] + streams.fresh[stretch] - streams.start[stretch]
    windows[at] = position // WINDOW
    return windows
