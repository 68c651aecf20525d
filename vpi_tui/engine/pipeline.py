"""The stages in order: what happens to a batch of packets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from vpi_tui.decode.decoder import Decoder
from vpi_tui.decode.neighbours import Neighbours
from vpi_tui.detect.applayer.costs import Costs
from vpi_tui.detect.applayer.describe.registry import Describer
from vpi_tui.detect.applayer.parts import Part
from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.detect.match.matcher import Matcher
from vpi_tui.detect.match.profile import Clock
from vpi_tui.engine.alerted import AlertedFlows
from vpi_tui.engine.alerts import Alerter
from vpi_tui.engine.anomalies import Found, packet_anomalies
from vpi_tui.engine.checksums import ChecksumSample
from vpi_tui.engine.closed import ClosedFlows
from vpi_tui.engine.flow_columns import view_of
from vpi_tui.engine.flowless import count_without_flow
from vpi_tui.engine.learning import Learning
from vpi_tui.engine.ledger import AlertLedger
from vpi_tui.engine.names import FlowPlaces, Names
from vpi_tui.engine.options import inspection_options, stream_options, tunnel_ports
from vpi_tui.engine.pace import Pace
from vpi_tui.engine.parsing import Parsing
from vpi_tui.engine.pressure import Pressure
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.seen import SeenBatch
from vpi_tui.engine.segments import Segments
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.engine.stages import Stages
from vpi_tui.engine.stopwatch import Stopwatch
from vpi_tui.engine.stream_counts import StreamCounts
from vpi_tui.engine.tagged import Tagged, tagged_packets
from vpi_tui.engine.transactions import NOTHING_LOGGED, Logged, Place, charged, to_transactions
from vpi_tui.flow.records import EndReason
from vpi_tui.flow.table import FlowTable
from vpi_tui.flow.talkers import Talkers
from vpi_tui.inventory.attribute import Attributor
from vpi_tui.model.batch import I32, DecodedBatch, FlowBatch, PacketBatch, StreamBatch
from vpi_tui.model.event import Alert, TransactionRecord
from vpi_tui.model.neighbours import Said
from vpi_tui.model.topology import Topology
from vpi_tui.record.evidence import EvidenceStore
from vpi_tui.stream.defrag import Defragmenter
from vpi_tui.stream.reassembly import Reassembler
from vpi_tui.stream.sessions import SessionTracker

CLOCK = Clock(time.perf_counter_ns, time.thread_time_ns)
"""For the profile of the rules."""


class _Batches(NamedTuple):
    """One batch as the first stages know it."""

    packets: PacketBatch
    decoded: DecodedBatch
    flows: FlowBatch


class Pipeline:
    """One sensor's stages and what they remember. Time is that of the packets unless the source is live.

    talkers: add up who talks most; `tick` must then be called now and then. logged: whose transactions are
    told of once they are whole.
    """

    def __init__(
        self,
        spec: EngineSpec,
        rules: RuleBook,
        source: EngineSource,
        *,
        stopwatch: Stopwatch | None = None,
        talkers: bool = True,
        logged: Logged = NOTHING_LOGGED,
    ) -> None:
        streams = stream_options(spec.options)
        self.rules = rules
        self.source = source
        self.stopwatch = stopwatch or Stopwatch()
        self._stages = Stages(spec, rules.ruleset, logged)
        verify = self._stages.verifies_checksums(rules.ruleset)
        tunnels = tunnel_ports(spec.options)
        judged = spec.checksums == "auto" and spec.mode == "replay"
        self.checksums = ChecksumSample(tunnels) if judged else None
        """None = what was asked for holds, whatever the packets are like."""
        self.decoder = Decoder(verify_checksums=verify, zero_length_is_rest=source.live, tunnels=tunnels)
        self.whole_decoder = Decoder(verify_checksums=verify, tunnels=tunnels)
        """For the datagrams that `defrag` puts together."""
        self.defrag = Defragmenter(self.whole_decoder.decode, hosts=streams.hosts)
        self.table = FlowTable(
            spec.max_flows,
            midstream=streams.midstream,
            one_sided=streams.one_sided,
            bad_events=self._stages.bad_events,
            talkers=talkers,
            dated=True,
        )
        self.talkers = Talkers()
        self._counts_talkers = talkers
        self.attributor = Attributor(source.topology)
        self.names = Names(source.topology)
        rules.follow(source.topology)
        self.talkers.follow(self.names.guests, self.names.closed)
        self._places = FlowPlaces(self.names, self.table.records)
        self.segments = Segments(spec, rules.segmentation, self.table, self.talkers.pairs)
        self._neighbours = Neighbours()
        self._learning = Learning(hosts=source.learns)
        self.describe = Describer()
        self._no_packets: _Batches | None = None
        """What goes with stretches that no packet released; None = there was no batch yet."""
        self._inspection = inspection_options(spec.options)
        self._parsing = Parsing(self._stages, self.table)
        self.matcher = self._new_matcher(rules)
        self.evidence = EvidenceStore(spec.evidence_memory)
        self.alerter = Alerter(rules, source, self.evidence)
        self.ledger = AlertLedger()
        self.closed = ClosedFlows()
        self._alerted = AlertedFlows(self.table.records, self.closed)
        self.on_closed: Callable[[Any], None] | None = None
        """Told of every flow that ended, as records of flow.FLOW_DTYPE."""
        self.on_transactions: Callable[[list[TransactionRecord]], None] | None = None
        """Told of the transactions of logged protocols that are whole."""
        self.also_counted: Callable[[], dict[str, float]] | None = None
        """Counters of what stands beside the stages, by EVE path."""
        self.on_odd: Callable[[Found], None] | None = None
        """Told of what is odd in the packets of a batch."""
        self.on_tagged: Callable[[Tagged], None] | None = None
        """Told of the packets behind alerts that rules ask for."""
        self._stream_counts = StreamCounts()
        self._pressure = Pressure()
        self.pace = Pace(is_live=spec.mode == "live")
        self.batches = 0
        self.packets = 0
        self.packet_ns = 0
        self.first_ns = 0
        self.kernel_packets = 0
        self.kernel_drops = 0

    @property
    def streams(self) -> Reassembler | None:
        """None = nobody looks at streams."""
        return self._stages.streams

    @property
    def sessions(self) -> SessionTracker | None:
        """None = nobody asks for the states of connections."""
        return self._stages.sessions

    @property
    def app_layer(self) -> AppLayer | None:
        """None = nobody looks at transactions."""
        return self._stages.app_layer

    @property
    def parse_costs(self) -> Costs | None:
        """What it costs to parse, and to log what comes of it; None = nobody asks."""
        return self._stages.costs

    def switch_rules(self, rules: RuleBook) -> None:
        """Go on with another set from the next batch on; what is remembered of flows and rules lives on."""
        matcher = self._new_matcher(rules)
        matcher.take_over(self.matcher)
        self._stages.serve(rules.ruleset)
        self._verify_checksums(rules)
        self.matcher = matcher
        self.rules = self.alerter.rules = rules

    def _verify_checksums(self, rules: RuleBook) -> None:
        """From the next batch on, if somebody wants to know."""
        verify = self._stages.verifies_checksums(rules.ruleset)
        self.decoder.verify_checksums = self.whole_decoder.verify_checksums = verify

    def _new_matcher(self, rules: RuleBook) -> Matcher:
        made = Matcher(rules.ruleset, self._places, clock=CLOCK, options=self._inspection)
        made.recognised = self._parsing.serve(rules.ruleset)
        return made

    # Packets ----------------------------------------------------------------------------------

    def process(self, packets: PacketBatch) -> list[Alert]:
        """Run one batch through all stages."""
        measure = self.stopwatch.measure
        self.pace.begin(packets)
        with measure("decode"):
            packets, decoded = self.defrag.update(packets, self.decoder.decode(packets))
            if self.checksums is not None and self.checksums.look(decoded, self.source.ahead):
                self._stages.ignore_checksums()
                self.table.ignore_checksums()
                self._verify_checksums(self.rules)
        with measure("flow"):
            flows = self.table.update(packets, decoded)
            ended = self._ended_slots(flows.closed)
            alerts = self._finish_flows(ended)
        with measure("attribute"):
            self.attributor.attribute(flows, self.table.records)
            said = self._neighbours.hear(packets, decoded)
            self._learning.learn(packets, decoded, flows, said.claims)
            if self._learning.is_due(self.packets):
                self._follow_learned()
            self._end(flows.closed, ended)
        with measure("stream"):
            sessions, streams = self._stages.sessions, None
            foreign = sessions.update(packets, decoded, flows) if sessions is not None else None
            if self.streams is not None:
                streams = self.streams.update(packets, decoded, flows, ended, foreign)
        if sessions is not None:
            self._stream_counts.add(decoded.stream_events)
        if self.on_odd is not None:
            self.on_odd(packet_anomalies(self._seen(packets, decoded, flows)))
        with measure("app_layer"):
            self._parsing.begin(flows, streams)
        rest: Part | None = Part(decoded, flows, streams)
        while rest is not None:
            with measure("app_layer"):
                part, progress, rest = self._parsing.update(packets, rest)
                self._tell_transactions(packets, part.decoded)
            with measure("detect"):
                alerts += self._alerts_of_rules(packets, *part, progress)
        with measure("detect"):
            alerts += self._alerts_of_others(packets, decoded, flows, said)
        self._count(packets)
        if self._counts_talkers:
            count_without_flow(self.talkers, self.names, packets, decoded, flows)
        if self.streams is not None:
            self._no_packets = self._no_packets or _without_rows(packets, decoded, flows)
            alerts += self._detect_released(lambda s: s.release(self.packet_ns))
        self._tally(alerts)
        self.pace.end()
        return alerts

    def idle(self) -> list[Alert]:
        """No packet came: what time has ended need not wait for the next."""
        self.pace.idle()
        alerts = self._detect_released(lambda streams: streams.release(self.now_ns()))
        alerts += self._hand_out(self.table.drain_closed())
        alerts += self._of_living(self.now_ns())
        self._tally(alerts)
        return alerts

    def finish(self) -> list[Alert]:
        """The source has come to its end: nothing is waited for any more."""
        alerts = self._detect_released(lambda streams: streams.release_all())
        if self.app_layer is not None:
            alerts += self._detect_finished(self.app_layer.finish_all())
        self._tally(alerts)
        return alerts + self.idle()

    def _tally(self, alerts: list[Alert]) -> None:
        self.ledger.add(alerts)
        if self._counts_talkers and self.alerter.flows:
            self._alerted.add(self.alerter.flows)
        self.alerter.flows.clear()

    def end_all_flows(self) -> None:
        """End the flows that still live; for who wants a record of each."""
        self._hand_out(self.table.close_all())

    def now_ns(self) -> int:
        return self.source.now_ns(self.packet_ns)

    def _seen(self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch) -> SeenBatch:
        return SeenBatch(packets, decoded, flows, self.table.records, self.source, self.packets + 1)

    def _tell_transactions(self, packets: PacketBatch, decoded: DecodedBatch) -> None:
        finished = self._parsing.take_finished()
        if finished and self.on_transactions is not None:
            place = Place(packets, decoded, self.packets + 1, self.packet_ns)
            of_flow = self.table.records, self.names, self.source
            with charged(self.parse_costs, finished, self.table.records):
                self.on_transactions(to_transactions(finished, self.describe, place, *of_flow))

    def _alerts_of_others(
        self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch, said: Said
    ) -> list[Alert]:
        """Of what looks for more than rules do."""
        records, first = self.table.records, self.packets + 1
        alerts = [
            self.alerter.from_finding(number, f, packets, decoded, flows, records, self.names, first)
            for number, f in self.rules.observe(packets, decoded, flows, said)
        ]
        return alerts + self._of_living(int(packets.ts_ns.max()))

    def _of_living(self, now_ns: int) -> list[Alert]:
        """What flows that lived already do against a policy that has come into force."""
        return [
            self.alerter.from_living(number, slot, detail, self.table.records, self.names, now_ns)
            for number, slot, detail in self.rules.of_living(now_ns)
        ]

    def _alerts_of_rules(
        self,
        packets: PacketBatch,
        decoded: DecodedBatch,
        flows: FlowBatch,
        streams: StreamBatch | None,
        progress: Sequence[Progress] = (),
    ) -> list[Alert]:
        records, first = self.table.records, self.packets + 1
        sealed = self._parsing.sealed if streams is not None else ()
        matches = self.matcher.match(packets, decoded, flows, streams, view_of(records), progress, sealed)
        if self.on_tagged is not None and self.matcher.tags:
            rows = self.matcher.tags.follow(packets, decoded, flows, view_of(records), matches)
            self.on_tagged(tagged_packets(self._seen(packets, decoded, flows), rows))
        return self.alerter.from_matches(
            matches, packets, decoded, streams, records, self.names, first, self.packet_ns, progress
        )

    def _detect_released(self, release: Callable[[Reassembler], StreamBatch | None]) -> list[Alert]:
        """Inspect stretches that were held back, as long as there are some."""
        alerts: list[Alert] = []
        if self.streams is None or self._no_packets is None:
            return alerts
        with self.stopwatch.measure("detect"):
            while (stretches := release(self.streams)) is not None:
                packets, decoded, flows = self._no_packets
                self._parsing.begin_released(stretches)
                rest: Part | None = Part(decoded, flows, stretches)
                while rest is not None:
                    part, progress, rest = self._parsing.released(rest)
                    self._tell_transactions(packets, part.decoded)
                    alerts += self._alerts_of_rules(packets, *part, progress)
        return alerts

    def _finish_flows(self, ended: I32) -> list[Alert]:
        """Flows ended: what their transactions still lack will not come."""
        if self.app_layer is None or not ended.size:
            return []
        return self._detect_finished(self.app_layer.finish(ended.tolist()))

    def _detect_finished(self, progress: Sequence[Progress]) -> list[Alert]:
        if self._no_packets is None:
            return []
        self._tell_transactions(self._no_packets.packets, self._no_packets.decoded)
        if not progress:
            return []
        with self.stopwatch.measure("detect"):
            return self._alerts_of_rules(*self._no_packets, None, progress)

    def _hand_out(self, closed: Any) -> list[Alert]:
        """Flows that ended outside of a batch. What their end completed may alert."""
        ended = self._ended_slots(closed)
        alerts = self._finish_flows(ended)
        self.attributor.attribute_closed(closed)
        self._end(closed, ended)
        if self.streams is not None:  # who is told of them asks what was lost of their streams
            self.streams.forget_flows(ended)
        return alerts

    @staticmethod
    def _ended_slots(closed: Any) -> I32:
        """Slots of flows that ended; that of an evicted flow is another flow's already."""
        slots: I32 = closed["slot"][closed["reason"] != EndReason.EVICTED]
        return slots

    def _end(self, closed: Any, ended: I32) -> None:
        """Tell of flows that ended, then forget them. ended: their slots."""
        if not len(closed):
            return
        self.closed.add(closed)
        if self.on_closed is not None:
            self.on_closed(closed)
        self.matcher.forget_flows(ended)

    def _follow_learned(self) -> None:
        topology = self._learning.news(self.source.topology, self.packets, self.table.active())
        if topology is not None:
            self.follow(topology)

    def _count(self, packets: PacketBatch) -> None:
        self.batches += 1
        self.packets += len(packets.ts_ns)
        newest = int(packets.ts_ns.max())
        self.first_ns = self.first_ns or int(packets.ts_ns[0])
        self.packet_ns = max(self.packet_ns, newest)
        self.kernel_packets, self.kernel_drops = packets.kernel_packets, packets.kernel_drops
        bounded = self.table, self.defrag, self.streams, self.app_layer
        self._pressure.look(*(stage.filled() for stage in bounded if stage is not None))

    # Time -------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a snapshot: count talkers, end silent flows."""
        with self.stopwatch.measure("tick"):
            self._follow_learned()
            self.talkers.pairs.alerted(self._alerted.take())
            self.talkers.tick(self.table, self.now_ns())
            self.expire()
            self._hand_out(self.table.drain_closed())  # no batch may come any more that would

    def expire(self) -> None:
        """End flows that were silent for too long."""
        self.table.expire(self.now_ns())

    def follow_source(self) -> None:
        """Ask the source whether its ports changed. To be done before each read, so that no packet of a new
        port comes before its name."""
        topology = self.source.poll_topology()
        if topology is not None:
            self.follow(self._learning.added_to(topology))

    def follow(self, topology: Topology) -> None:
        """The topology changed: name by it from now on, and place the flows that live already."""
        before, self.names = self.names, Names(topology)
        if self._counts_talkers and self.talkers.moves(self.names.guests):
            self.talkers.tick(self.table, self.now_ns())
        self._stages.renumber_guests(self.names.numbers_since(before))
        self.rules.follow(topology)
        self.ledger.follow(before.guests, self.names.guests)
        self._places.names = self.names
        self.talkers.follow(self.names.guests, self.names.closed)
        self.attributor.retopology(topology)
        self.attributor.attribute_all(self.table.used())
        self.segments.attributed()

    # Figures ----------------------------------------------------------------------------------

    def stats(self) -> dict[str, float]:
        """All counters by EVE path."""
        stats = {
            "capture.kernel_packets": float(self.kernel_packets),
            "capture.kernel_drops": float(self.kernel_drops),
        }
        stages = (self.decoder, self.defrag, self.table, self.streams, self.app_layer, self.matcher)
        for stage in (*stages, self._stream_counts, self._pressure, self.stopwatch, self.pace):
            stats.update(stage.stats() if stage is not None else {})
        stats["record.memuse"] = float(self.evidence.bytes)
        stats["detect.rules"] = float(self.rules.enabled_count)
        stats["engine.batches"] = float(self.batches)
        stats["output.eve.undescribed"] = float(self.describe.errors)
        stats["detect.alert"] = float(self.alerter.count)
        if self.also_counted is not None:
            stats |= self.also_counted()
        return stats


def _without_rows(*batches: Any) -> _Batches:
    """The same columns with nothing in them, of the same types for the compiled loops."""
    return _Batches(
        *(type(b)(*(c[:0].copy() if isinstance(c, np.ndarray) else c for c in b)) for b in batches)
    )
