"""Sizes of TCP streams, kept only while a rule asks for them."""

from __future__ import annotations

import numpy as np

from vpi_tui.detect.match.kernels_rules import Subject
from vpi_tui.detect.match.kernels_sizes import follow_sizes, sizes_with
from vpi_tui.model.batch import I32, U32, DecodedBatch, FlowBatch


class StreamSizes:
    """What client and server of each flow have sent; 24 bytes a slot."""

    def __init__(self, *, midstream: bool = False) -> None:
        self._midstream = midstream
        self._state: U32 = np.zeros((1, 2, 3), np.uint32)

    def of_rows(self, decoded: DecodedBatch, flows: FlowBatch, born: U32, slots: int) -> U32:
        """uint32[2, m] for the rows of a batch; to be called once for each. slots: of the flow table."""
        known = self._state.shape[0]
        if known < slots:
            old, self._state = self._state, np.zeros((slots, 2, 3), np.uint32)
            self._state[:known] = old
        out = np.empty((2, decoded.packet.size), np.uint32)
        follow_sizes(decoded, flows, born, self._state, out, self._midstream)
        return out

    def of_stretches(self, sizes: U32, row: I32, flow: I32, born: U32) -> U32:
        """The same for stretches: at the row that came with them, else as it is now."""
        out = np.empty((2, row.size), np.uint32)
        sizes_with(row, flow, born, sizes, self._state, out)
        return out


def with_sizes(subject: Subject, sizes: U32) -> Subject:
    return subject._replace(client_size=sizes[0], server_size=sizes[1])
