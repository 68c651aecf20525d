"""From the stages' memory to one Snapshot. Columns are packed by numpy; Python touches no single flow."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.engine.checksums import NOTICE
from vpi_tui.engine.coverage import Coverage
from vpi_tui.engine.keeping import ValueKeeper
from vpi_tui.engine.log import NoLog
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.rulestats import rule_stats
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.engine.vitals import Vitals
from vpi_tui.feed.messages import Watch
from vpi_tui.flow.render import to_columns
from vpi_tui.flow.talkers import KINDS, Names
from vpi_tui.flow.windows import SPANS
from vpi_tui.inventory.picture import mac_text
from vpi_tui.model.coverage import Verdict
from vpi_tui.model.matrix import PairStat
from vpi_tui.model.snapshot import (
    Counters,
    FlowColumns,
    GuestStat,
    Snapshot,
    SwitchStat,
    TalkerTable,
    Window,
)
from vpi_tui.model.topology import Guest, Topology

WINDOWS: tuple[Window, ...] = (*SPANS, "all")
CLOSED_SHARE = 5
"""One in so many flows sent may be one that has ended."""
NOTICES = 50
PEER_WINDOW: Window = "1m"
NOBODY = -1 << 15
"""No position in a topology, and no model.topology.End."""
UNKNOWN = str(Verdict.UNKNOWN)
_NOTHING = SwitchStat("all", "", 0, Counters(), (0, 0, 0))


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the ui watches as positions in the topology; None = no limit."""

    switch: int | None = None
    guest: int | None = None


class Publisher:
    """Numbers snapshots. `attach` names the parts once they are there; until then it says what goes on."""

    def __init__(self, spec: EngineSpec) -> None:
        self._mode = spec.mode
        self._seq = 0
        self._vitals = Vitals()
        self._told: deque[str] = deque(maxlen=NOTICES)
        self.coverage: Coverage | None = None
        """None = nobody judges what is seen."""
        self.keeper: ValueKeeper | None = None
        """None = nobody keeps datasets."""
        self.reloading = ""
        """As Snapshot.reloading."""
        self._had_port: set[str] = set()
        """Guests that have, or had, a port here."""

    def attach(self, pipeline: Pipeline, rules: RuleBook, source: EngineSource) -> None:
        self._pipeline, self._rules, self._source = pipeline, rules, source

    def note(self, text: str) -> None:
        """Something that happened and that every later snapshot shall tell."""
        if text not in self._told:
            self._told.append(text)

    def starting(self, doing: str) -> Snapshot:
        """A snapshot of an engine that does not see anything yet."""
        return Snapshot(
            self._next(), time.time_ns(), 0, self._mode, "", "starting", doing, _NOTHING,
            stats=self._vitals.stats(),
        )  # fmt: skip

    def snapshot(self, state: Any, text: str, watch: Watch, alerts_dropped: int, log: NoLog) -> Snapshot:
        pipeline, rules, source, coverage = self._pipeline, self._rules, self._source, self.coverage
        topology = pipeline.names.topology
        if coverage is not None:
            coverage.refresh(pipeline)
        names = Names(pipeline.names.switches, pipeline.names.guests)
        scope = _scope(watch.scope, names)
        stats = {**pipeline.stats(), **source.stats(), **self._vitals.stats(), **log.counters()}
        stats["feed.alerts_dropped"] = float(alerts_dropped)
        return Snapshot(
            seq=self._next(),
            taken_ns=time.time_ns(),
            packet_ns=pipeline.packet_ns,
            mode=self._mode,
            source=source.describe(),
            state=state,
            state_text=text,
            total=SwitchStat(
                "all",
                "",
                len(topology.ports),
                pipeline.talkers.tally.total(),
                pipeline.ledger.total(),
                coverage.total() if coverage else UNKNOWN,
            ),
            switches=_switches(pipeline, topology, coverage),
            guests=self._guests(topology, names),
            talkers=_talkers(pipeline, scope, names),
            protocols=pipeline.talkers.protocols(scope.switch, scope.guest),
            flows=_flows(pipeline, watch, scope),
            has_flows=watch.flows,
            rules=rule_stats(rules, pipeline.matcher.profile),
            rules_enabled=rules.enabled_count,
            rules_loaded=rules.loaded,
            rules_refused=len(rules.refused),
            ruleset_serial=rules.serial,
            reloading=self.reloading,
            stats=stats,
            matrix=_matrix(pipeline, watch, scope, names),
            has_matrix=watch.matrix,
            segmentation=pipeline.segments.state(),
            notices=(
                *topology.notices,
                *topology.conflicts,
                *rules.notices,
                *source.notices,
                *pipeline.segments.judge.notices,
                *self._told,
                *log.notices,
                *(self.keeper.notices if self.keeper else ()),
                *_checksums(pipeline),
                *((coverage.notice,) if coverage and coverage.notice else ()),
            )[-NOTICES:],
            coverage=coverage.ports if coverage else (),
        )

    def _guests(self, topology: Topology, names: Names) -> tuple[GuestStat, ...]:
        pipeline, coverage = self._pipeline, self.coverage
        verdicts = coverage.by_guest() if coverage else {}
        ports = {port.guest: port.name for port in topology.ports if port.guest}
        self._had_port = (self._had_port & set(names.guests)) | ports.keys()
        peers = pipeline.talkers.top_peers(PEER_WINDOW, names)
        return tuple(
            _guest(
                pipeline,
                number,
                guest,
                ports.get(guest.name, ""),
                peers.get(number, ""),
                present=guest.name in ports or self._is_there(number, guest, topology),
                coverage=verdicts.get(guest.name, UNKNOWN),
            )
            for number, guest in enumerate(topology.guests)
        )

    def _is_there(self, number: int, guest: Guest, topology: Topology) -> bool:
        """Whether a guest without a port is here all the same: where there are no ports, as in a capture
        file, none can have gone away; a sensor on a span port has none of its guests', and sees them."""
        if guest.source == "learned" or not topology.ports:
            return True
        return (
            guest.name not in self._had_port and self._pipeline.talkers.tally.guests.get(number).pkts_in > 0
        )

    def _next(self) -> int:
        self._seq += 1
        return self._seq


def _checksums(pipeline: Pipeline) -> tuple[str, ...]:
    sample = pipeline.checksums
    return (NOTICE,) if sample is not None and sample.wrong else ()


def _scope(key: str, names: Names) -> _Scope:
    """A scope that is gone (or was never there) matches nothing."""
    kind, _, name = key.partition(":")
    if kind == "switch":
        return _Scope(switch=_position(names.switches, name))
    if kind == "guest":
        return _Scope(guest=_position(names.guests, name))
    return _Scope()


def _position(names: Any, name: str) -> int:
    return names.index(name) if name in names else NOBODY


def _switches(pipeline: Pipeline, topology: Topology, coverage: Coverage | None) -> tuple[SwitchStat, ...]:
    ports: dict[str, int] = {}
    for port in topology.ports:
        ports[port.switch] = ports.get(port.switch, 0) + 1
    counters, ledger = pipeline.talkers.tally.switches, pipeline.ledger
    return tuple(
        SwitchStat(
            s.name,
            s.kind,
            ports.get(s.name, 0),
            counters.get(number),
            ledger.of_switch(s.name),
            coverage.of_switch(s.name) if coverage else UNKNOWN,
        )
        for number, s in enumerate(topology.switches)
    )


def _guest(
    pipeline: Pipeline, number: int, guest: Guest, port: str, peer: str, *, present: bool, coverage: str
) -> GuestStat:
    return GuestStat(
        name=guest.name,
        switch=guest.switch,
        port=port,
        ips=guest.ips,
        macs=tuple(mac_text(mac) for mac in guest.macs),
        tags=guest.tags,
        source=guest.source,
        present=present,
        counters=pipeline.talkers.tally.guests.get(number),
        alerts=pipeline.ledger.of_guest(guest.name),
        last_alert=pipeline.ledger.last_of_guest(guest.name),
        top_peer=peer,
        coverage=coverage,
        learned=guest.learned,
        state=guest.state,
    )


def _talkers(pipeline: Pipeline, scope: _Scope, names: Names) -> tuple[TalkerTable, ...]:
    return tuple(
        pipeline.talkers.top(kind, window, scope.switch, scope.guest, names=names)
        for kind, window in product(KINDS, WINDOWS)
    )


def _matrix(pipeline: Pipeline, watch: Watch, scope: _Scope, names: Names) -> tuple[PairStat, ...]:
    if not watch.matrix:
        return ()
    return pipeline.talkers.pairs.told(
        watch.matrix_window,
        names.switches,
        names.guests,
        scope_switch=scope.switch,
        scope_guest=scope.guest,
        broken=pipeline.segments.judge.broken,
    )


def _flows(pipeline: Pipeline, watch: Watch, scope: _Scope) -> FlowColumns:
    """Live flows, the latest when there are too many, and those that ended last; none when not watched."""
    if not watch.flows:
        return FlowColumns(total=pipeline.table.active())
    limit = max(0, watch.flow_limit)
    ended = pipeline.closed.newest(limit // CLOSED_SHARE, scope.switch, scope.guest)
    live = pipeline.table.columns(limit - len(ended), _in_scope(pipeline, scope))
    total = pipeline.table.active() + len(ended)
    return to_columns(
        np.concatenate((live, ended)) if len(ended) else live,
        total,
        pipeline.names.switches,
        pipeline.names.guests,
    )


def _in_scope(pipeline: Pipeline, scope: _Scope) -> NDArray[np.bool_] | None:
    """bool by slot of the flow table; None = all."""
    records = pipeline.table.used()
    if scope.switch is not None:
        return np.asarray(records["switch"] == scope.switch)
    if scope.guest is not None:
        return np.asarray((records["src_guest"] == scope.guest) | (records["dest_guest"] == scope.guest))
    return None
