"""What is remembered of each TCP connection to judge its segments."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import U8, DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.stream import kernels_sessions

SESSION_DTYPE = np.dtype(
    [
        ("state", np.uint8),  # kernels_session_words.NONE, SYN_SENT, ...
        ("flags", np.uint8),  # MIDSTREAM, ... FAST_OPEN, LOST_...
        ("queued", np.uint8),  # in SYN_SENT other SYNs than the last, then other SYN/ACKs than the first
        ("before", np.uint8),  # the state that a reset ended
        ("other_isn", np.uint32),  # of the latest SYN/ACK that is other than the first, if any was queued
    ]
)

SIDE_DTYPE = np.dtype(
    [
        ("isn", np.uint32),
        ("next_seq", np.uint32),
        ("last_ack", np.uint32),  # of the peer
        ("next_win", np.uint32),  # up to here the peer takes data
        ("window", np.uint32),  # bytes, scaled: what the peer takes
        ("last_ts", np.uint32),
        ("scale", np.uint8),  # of the windows that this side announces
        ("flags", np.uint8),  # SENT_TS, GOT_RST, PROBED, SEEN, AHEAD, SIGNED
        ("next_mac", np.uint64),  # where its SYN was sent to
    ]
)


STATES: Final = (
    "none", "syn_sent", "syn_recv", "established", "fin_wait1", "fin_wait2", "closing", "close_wait",
    "last_ack", "time_wait", "closed",
)  # fmt: skip
"""What EVE calls the states of a connection, by their numbers in kernels_session_words."""


class SessionOptions(NamedTuple):
    midstream: bool
    one_sided: bool
    bad_events: int
    """Bits of DecoderEvent with which a segment is not looked at."""
    inline: bool = False
    """All segments pass by, in order: one from the server before the handshake is over was not lost."""


class Sessions(NamedTuple):
    sessions: NDArray[Any]
    """structured[flows] of SESSION_DTYPE"""
    sides: NDArray[Any]
    """structured[2 * flows] of SIDE_DTYPE: client, then server."""


class SessionTracker:
    """Follows the state of every connection and sets `DecodedBatch.stream_events`."""

    def __init__(self, max_flows: int, options: SessionOptions) -> None:
        self._options = options
        self._sessions = Sessions(np.zeros(max_flows, SESSION_DTYPE), np.zeros(2 * max_flows, SIDE_DTYPE))
        self._foreign: U8 = np.zeros(0, np.uint8)

    def ignore_checksums(self) -> None:
        """Look at segments whose checksum is wrong too, from now on."""
        self._options = self._options._replace(bad_events=0)

    def states(self, slots: NDArray[Any]) -> U8:
        """uint8[n]: numbers in STATES of the connections in these slots, until others begin there."""
        found: U8 = self._sessions.sessions["state"][slots]
        return found

    def update(self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch) -> U8:
        """Judge the segments of a batch.

        Returns uint8[rows], overwritten by the next call: TAKEN, THROWN_AWAY, ... of kernels_session_words.
        """
        rows = len(decoded.packet)
        if len(self._foreign) < rows:
            self._foreign = np.zeros(rows, np.uint8)
        kernels_sessions.judge_rows(self._sessions, packets, decoded, flows, self._options, self._foreign)
        return self._foreign[:rows]
