"""Frames that have no flow: what is no IP, or is broken. A flow's bytes are counted where it is kept."""

from __future__ import annotations

from typing import Final

import numpy as np

from vpi_tui.engine.names import Names
from vpi_tui.flow.talkers import Talkers
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch

MOST_PORTS: Final = 256
"""Ports told apart in one batch; a file may claim any number of interfaces."""


def count_without_flow(
    talkers: Talkers, names: Names, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch
) -> None:
    """Add a batch's frames without a flow to the tally of their ports, each frame once."""
    rows = np.flatnonzero((flows.flow < 0) & (decoded.tunnel == 0))
    if not rows.size:
        return
    at = decoded.packet[rows]
    ports, place = np.unique(packets.ifindex[at], return_inverse=True)
    counts = np.bincount(place).tolist()
    sizes = np.bincount(place, weights=packets.length[at]).astype(np.int64).tolist()
    tally = talkers.tally
    for port, pkts, size in zip(ports[:MOST_PORTS].tolist(), counts, sizes, strict=False):
        tally.add_without_flow(*names.numbers_of_port(port), pkts, size)
    tally.add_without_flow(-1, -1, sum(counts[MOST_PORTS:]), sum(sizes[MOST_PORTS:]))
