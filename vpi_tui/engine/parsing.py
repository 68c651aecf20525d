"""Parsing: what a batch brings of transactions, of what flows are, and of what becomes encrypted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from vpi_tui.detect.applayer.parts import Part
from vpi_tui.detect.applayer.progress import Finished, Progress, Sealed
from vpi_tui.detect.match.flow_checks import Recognised
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.engine.flow_columns import ends_of
from vpi_tui.engine.stages import Stages
from vpi_tui.flow.recognition import Recognition
from vpi_tui.flow.table import FlowTable
from vpi_tui.model.batch import FlowBatch, PacketBatch, StreamBatch

_NONE_CHANGED: Final[Mapping[int, int]] = {}


class Parsing:
    """What the parsers say of one batch after the other, and what else is known then."""

    def __init__(self, stages: Stages, table: FlowTable) -> None:
        self._stages, self._table = stages, table
        self._recognition: Recognition | None = None
        """None = no rule has asked yet what each direction looks like."""
        self.sealed: Sequence[Sealed] = ()
        """Connections that are encrypted from what was given last on."""

    def serve(self, rules: RuleSet) -> Recognised | None:
        """What these rules may ask of each direction of flows; None = nothing."""
        if self._recognition is None and rules.upstream.recognition:
            self._recognition = Recognition(self._table.max_flows, self._table.recognise_starts)
        found = self._recognition
        if found is None:
            return None
        return Recognised(found.seen, found.since, lambda: found.telling)

    def begin(self, flows: FlowBatch, streams: StreamBatch | None) -> None:
        """A batch comes: to be called before `update` is."""
        if streams is not None and (self._stages.app_layer or self._stages.encryption) is not None:
            self._table.recognise(streams, flows)

    def update(self, packets: PacketBatch, rest: Part) -> tuple[Part, list[Progress], Part | None]:
        """What of the rest of a batch can be looked at now, what progressed in it, and what is still left."""
        app_layer, encryption = self._stages.app_layer, self._stages.encryption
        records = self._table.records
        app_of, progress = records["app_proto"], list[Progress]()
        if app_layer is not None:
            progress = app_layer.update(packets, *rest, app_of, ends_of(records))
        part, left = self._divided(rest)
        if encryption is not None:
            encryption.begin(part.flows)
        progress += self._find_sealed(part.streams)
        if self._recognition is not None and part.streams is not None:  # behind what may change protocols
            changed = app_layer.changed if app_layer is not None else _NONE_CHANGED
            self._recognition.update(part.decoded, part.flows, part.streams, app_of, changed)
        return part, progress, left

    def begin_released(self, streams: StreamBatch) -> None:
        """Stretches come that no packet released: to be called before `released` is."""
        if self._recognition is not None:
            self._recognition.released(streams, self._table.records["app_proto"])
        if (self._stages.app_layer or self._stages.encryption) is not None:
            self._table.recognise(streams)

    def released(self, rest: Part) -> tuple[Part, list[Progress], Part | None]:
        """As `update`, of what no packet released."""
        app_layer, records = self._stages.app_layer, self._table.records
        progress = list[Progress]()
        if app_layer is not None and rest.streams is not None:
            progress = app_layer.released(rest.streams, records["app_proto"], ends_of(records))
        part, left = self._divided(rest)
        return part, progress + self._find_sealed(part.streams), left

    def _divided(self, rest: Part) -> tuple[Part, Part | None]:
        """What the parsers have gone through, and what they have not."""
        cut = self._stages.app_layer.cut if self._stages.app_layer is not None else None
        return (rest, None) if cut is None else rest.divided(cut)

    def take_finished(self) -> list[Finished]:
        """Transactions that are whole since the last call."""
        return self._stages.app_layer.take_finished() if self._stages.app_layer is not None else []

    def _find_sealed(self, streams: StreamBatch | None) -> list[Progress]:
        """Set `sealed`, behind the parsers, as they change protocols. What progressed because of it."""
        app_layer, encryption = self._stages.app_layer, self._stages.encryption
        self.sealed = ()
        if encryption is None or streams is None:
            return []
        app_of = self._table.records["app_proto"]
        if app_layer is None:
            self.sealed = encryption.look(streams, app_of)
            return []
        self.sealed = encryption.look(streams, app_of, app_layer.begun)
        bypassed = [one for one in self.sealed if one.bypassed]
        return app_layer.seal(bypassed) if bypassed else []
