"""Concludes from the traffic itself what a sensor does not get, where nobody counts for it."""

from __future__ import annotations

import numpy as np

from vpi_tui.coverage import signs
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.sources import EngineSource
from vpi_tui.model.coverage import PortCoverage

ENDED_FLOWS = 5_000
"""The newest flows that have ended are looked at with those that live."""


class SignReader:
    """`frames` is fed with every batch; `conclude` looks at these and at the flows."""

    def __init__(self, source: EngineSource) -> None:
        self._source = source
        self.frames = signs.Frames()

    def conclude(self, pipeline: Pipeline) -> tuple[PortCoverage, ...]:
        """A row for each interface that is watched, or for the capture file; then guests."""
        self.frames.set_own(self._source.own_macs)
        table = pipeline.table.used()
        records = np.concatenate((table[table["flow_id"] != 0], pipeline.closed.newest(ENDED_FLOWS)))
        whole = signs.of_flows(records)
        asked = self.frames.only_asked_for
        wanted = {link.name: link.promiscuous for link in self._source.arrangement().sensors}
        places = [
            signs.of_place(name, frames, whole, asked, promiscuous=wanted.get(name, True))
            for name, frames in self._places()
        ]
        switches, guests = pipeline.names.topology.switches, pipeline.names.topology.guests
        default = switches[0].name if switches else self._source.describe()
        return (
            *places,
            *(
                signs.of_guest(guests[number].switch or default, guests[number].name, found)
                for number, found in list(signs.by_guest(records).items())[: signs.MOST_GUESTS]
                if number < len(guests)
            ),
        )

    def _places(self) -> list[tuple[str, signs.FrameSigns]]:
        """Live: interfaces. Of a file the interfaces say nothing: it is one place."""
        if self._source.live:
            names = {port.ifindex: port.name for port in self._source.topology.ports}
            return [(names[at], self.frames.places.get(at, signs.FrameSigns())) for at in names if at]
        found = signs.FrameSigns()
        for place in self.frames.places.values():
            found.frames += place.frames
            found.group += place.group
            found.own += place.own
            found.others += place.others
        switches = self._source.topology.switches
        return [(switches[0].name if switches else self._source.describe(), found)]
