"""Sizes of TCP streams, kept only while a rule asks for them."""

from __future__ import annotations

import numpy as np

from vpi_tui.detect.match.kernels_rules import Subject
from vpi_tui.detect.match.kernels_sizes import follow_sizes
from vpi_tui.model.batch import I32, U32, DecodedBatch, FlowBatch


class StreamSizes:
    """What client and server of each flow have sent; 24 bytes a slot."""

    def __init__(self) -> None:
        self._known: U32 = np.zeros((1, 2), np.uint32)
        self._first: U32 = np.zeros((1, 2), np.uint32)
        self._next: U32 = np.zeros((1, 2), np.uint32)

    def of_rows(self, decoded: DecodedBatch, flows: FlowBatch, born: U32, slots: int) -> U32:
        """uint32[m, 2] for the rows of a batch; to be called once for each. slots: of the flow table."""
        if self._known.shape[0] < slots:
            self._known, self._first, self._next = (
                np.concatenate((old, np.zeros((slots - old.shape[0], 2), np.uint32)))
                for old in (self._known, self._first, self._next)
            )
        out = np.empty((decoded.packet.size, 2), np.uint32)
        follow_sizes(decoded, flows, born, self._known, self._first, self._next, out)
        return out

    def of_stretches(self, sizes: U32, row: I32, flow: I32, born: U32) -> U32:
        """The same for stretches: at the row that came with them, else as it is now."""
        slot = np.clip(flow, 0, self._known.shape[0] - 1)
        now = np.where(self._known[slot] == born[:, None], self._next[slot] - self._first[slot], 0)
        if not sizes.size:
            return now.astype(np.uint32)
        at_row = sizes[np.maximum(row, 0)]
        return np.where((row >= 0)[:, None], at_row, now).astype(np.uint32)


def with_sizes(subject: Subject, sizes: U32) -> Subject:
    return subject._replace(
        client_size=np.ascontiguousarray(sizes[:, 0]), server_size=np.ascontiguousarray(sizes[:, 1])
    )
