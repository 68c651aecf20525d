"""How many alerts one packet may raise: Suricata's packet-alert-max. What comes behind them in the order of
the rules is left out, so that one packet cannot drown all others."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.candidates import Candidates
from vpi_tui.detect.match.subjects import Subjects
from vpi_tui.model.batch import I32, I64

MOST_OF_A_PACKET: Final = 15
"""Suricata's default."""


def within_most(found: Candidates, subjects: Subjects, kept: I64, rank: I32, most: int) -> NDArray[np.bool_]:
    """bool per kept candidate: it is among the first `most` alerts of its packet.

    rank: of each rule, its place in the order of rules. What no packet brought about (the end of a flow, a
    time-out) counts together for each flow and direction. Alerts on several transactions all count.
    """
    allowed = np.ones(kept.size, np.bool_)
    if kept.size <= most:
        return allowed
    row = found.row[kept].astype(np.int64)
    if row[0] >= 0 and (row[most:] != row[: kept.size - most]).all():
        return allowed  # rows are in order: none has so many
    nowhere = -2 - (subjects.flow[kept].astype(np.int64) * 4 + subjects.direction[kept])
    packet = np.where(row >= 0, row, nowhere)
    order = np.lexsort((found.entry[kept], rank[found.rule[kept]], packet))
    begins = np.flatnonzero(np.diff(packet[order], prepend=np.iinfo(np.int64).min))
    place = np.arange(kept.size) - np.repeat(begins, np.diff(begins, append=kept.size))
    allowed[order] = place < most
    return allowed
