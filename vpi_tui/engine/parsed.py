"""What parsers, reassembly and the judging of first bytes know of a whole flow, also of one that has just
ended."""

from __future__ import annotations

from typing import Any

from vpi_tui.engine.endings import TCP, states_by_flags
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.flow.records import EndReason
from vpi_tui.model.applications import APP_FAILED, APP_PROTOS
from vpi_tui.model.batch import I32, U8, Direction
from vpi_tui.model.event import NO_LOOKS, Looks


class ParsedFlow:
    """Asks the stages that a pipeline has at the moment. Slots are those of its flow table."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def count(self, slot: int) -> int:
        """How many transactions have begun; 0 = none, or nobody follows it."""
        layer = self._pipeline.app_layer
        return layer.parsed(slot).transactions if layer is not None else 0

    def states(self, rows: Any) -> U8:
        """uint8[n], numbers in STATES: those of connections that ended. rows: structured[n] of FLOW_DTYPE."""
        found, sessions = states_by_flags(rows), self._pipeline.sessions
        if sessions is None:
            return found
        followed = (rows["proto"] == TCP) & (rows["reason"] != EndReason.EVICTED)
        found[followed] = sessions.states(rows["slot"][followed])
        return found

    def lost(self, slots: I32) -> list[list[bool]]:
        """Of each flow: are bytes missing of what was said to the server, and to the client?

        slots: below 0 = it has none any more. Where nobody looks at streams, nobody knows.
        """
        streams = self._pipeline.streams
        if streams is None:
            return [[False, False]] * len(slots)
        found: list[list[bool]] = (streams.lost(slots) & (slots >= 0)[:, None]).tolist()
        return found

    def looks(self, slot: int) -> Looks:
        """What each direction looks like is known while rules ask for it, and until the flow changes."""
        layer, recognised = self._pipeline.app_layer, self._pipeline.matcher.recognised
        origin = layer.parsed(slot).origin if layer is not None else ""
        if origin:
            return Looks(origin=origin)
        if recognised is None:
            return NO_LOOKS
        sides = recognised.sides[slot].tolist()
        return Looks(_name(sides[Direction.TO_SERVER]), _name(sides[Direction.TO_CLIENT]))


def _name(app: int) -> str:
    """As the log calls it; "" = not known."""
    return "failed" if app == APP_FAILED else APP_PROTOS[app]
