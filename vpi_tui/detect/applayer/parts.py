"""Parts of a batch: floods of tiny messages are handed out in turns, so that not all of them live at once.

A part is a batch like any other: some rows and the stretches that they released. Where one ends changes
nothing but what is in memory. Only a stretch that is too much for one part is divided itself: what is left of
it is then inspected as what a time-out releases, with some bytes before and without its packet.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from vpi_tui.model.batch import DecodedBatch, FlowBatch, StreamBatch

SEEN_AGAIN: Final = 4_096
"""Bytes of a stretch that is divided which rules see with what is behind the cut."""


class Cut(NamedTuple):
    """Where the next part begins."""

    row: int
    """Its first row."""
    stretch: int
    """Its first stretch."""
    at: int = 0
    """Where in the arena that one goes on: some of it belongs to the part before. 0 = it is whole."""


class Part(NamedTuple):
    """Some rows of a batch; their columns are views on the batch's."""

    decoded: DecodedBatch
    flows: FlowBatch
    streams: StreamBatch | None
    """None = nobody looks at streams."""

    def divided(self, cut: Cut) -> tuple[Part, Part]:
        """What is in front of a cut, and what is behind it."""
        return self._between(Cut(0, 0), cut), self._between(cut, None)

    def _between(self, begin: Cut, end: Cut | None) -> Part:
        rows = slice(begin.row, None if end is None else end.row)
        flows = self.flows
        new_rows = flows.new_rows[flows.new_rows >= begin.row]
        if end is not None:
            new_rows = new_rows[new_rows < end.row]
        return Part(
            DecodedBatch._make(column[rows] for column in self.decoded),
            FlowBatch(
                flows.flow[rows], flows.direction[rows], flows.state[rows], flows.first[rows],
                flows.app[rows], (new_rows - begin.row).astype(np.int32), flows.closed,
            ),
            None if self.streams is None else _stretches(self.streams, begin, end),
        )  # fmt: skip


def cut_before(streams: StreamBatch, stretch: int) -> Cut:
    """The cut in front of a stretch, or of the first one of the same row."""
    row = int(streams.row[stretch])
    if row < 0:  # it belongs to no row, and follows those of the stretches before it
        return Cut(int(streams.row[:stretch].max(initial=-1)) + 1, stretch)
    return Cut(row, int(np.argmax(streams.row == row)))


def cut_inside(streams: StreamBatch, stretch: int, at: int) -> Cut:
    """The cut in a stretch that is too much for one part. What is left of its row belongs to none."""
    row = int(streams.row[stretch])
    return Cut(row + 1 if row >= 0 else cut_before(streams, stretch).row, stretch, at)


def _stretches(streams: StreamBatch, begin: Cut, end: Cut | None) -> StreamBatch:
    which = slice(begin.stretch, None if end is None else end.stretch + (end.at > 0))
    row = streams.row[which]
    made = StreamBatch(
        streams.buf, np.where(row < 0, row, row - np.int32(begin.row)), streams.flow[which],
        streams.direction[which], streams.start[which], streams.fresh[which], streams.end[which],
        streams.stream_offset[which], streams.window[which], streams.gap[which],
        streams.reassembled[begin.row : None if end is None else end.row],
    )  # fmt: skip
    if begin.at:
        made = _from(made, begin.at)
    if end is not None and end.at:
        made = made._replace(end=np.append(made.end[:-1], end.at))
    return made


def _from(streams: StreamBatch, at: int) -> StreamBatch:
    """The first stretch from a place in it on, with some bytes before for patterns that span the edge."""
    start, fresh = streams.start.copy(), streams.fresh.copy()
    offset, gap = streams.stream_offset.copy(), streams.gap.copy()
    before, start[0], fresh[0] = int(start[0]), max(at - SEEN_AGAIN, int(start[0])), at
    offset[0] += start[0] - before
    if start[0] > before:
        gap[0] = 0
    return streams._replace(start=start, fresh=fresh, stream_offset=offset, gap=gap)
