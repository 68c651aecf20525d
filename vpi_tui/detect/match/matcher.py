"""Matcher: a batch in, matches out. What the compiled loops could not decide is decided here."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.progress import Progress, Sealed
from vpi_tui.detect.match.both_ways import BothWays
from vpi_tui.detect.match.candidates import Batch, Candidates, Finder
from vpi_tui.detect.match.decide import Decider, packet_after_stretch
from vpi_tui.detect.match.flow_checks import FlowChecks, Recognised, known_sides
from vpi_tui.detect.match.flow_counters import Counted, FlowCounters
from vpi_tui.detect.match.inline import around_packets, without_dropped
from vpi_tui.detect.match.inspection import InspectionOptions
from vpi_tui.detect.match.kernels_threshold import apply_thresholds
from vpi_tui.detect.match.limits import AlertLimits
from vpi_tui.detect.match.most_alerts import within_most
from vpi_tui.detect.match.pass_scopes import Passes
from vpi_tui.detect.match.passing import first_to_pass, not_passed, pass_late
from vpi_tui.detect.match.profile import NO_CLOCK, Clock, RuleProfile
from vpi_tui.detect.match.renumber import Renumbering, new_numbers
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.match.sealed import Seals
from vpi_tui.detect.match.subjects import Subjects, halves, in_order
from vpi_tui.detect.match.tags import Tags
from vpi_tui.detect.match.threshold_windows import take_over_windows, threshold_table
from vpi_tui.detect.match.types import FlowView, Match, Remembered, ScopeResolver
from vpi_tui.detect.match.windows import with_windows
from vpi_tui.model.batch import I32, I64, DecodedBatch, FlowBatch, PacketBatch, StreamBatch

THRESHOLD_PLACES = 1 << 18
"""56 bytes each, taken as they are used."""
_USUAL = InspectionOptions()
Bools = NDArray[np.bool_]


class Matcher:
    """Keeps what rules remember between packets: flowbits, thresholds, passed flows, counts."""

    def __init__(
        self,
        rules: RuleSet,
        scope: ScopeResolver | None = None,
        *,
        threshold_places: int = THRESHOLD_PLACES,
        clock: Clock = NO_CLOCK,
        options: InspectionOptions = _USUAL,
    ) -> None:
        """threshold_places: how many counts are kept at a time, a multiple of 8. clock: for the profile."""
        self.rules = rules
        self._options = options
        self.hits: I64 = np.zeros(rules.count, np.int64)
        """int64[n]: Matches given out."""
        self.last_hit_ns: I64 = np.zeros(rules.count, np.int64)
        self.profile = RuleProfile(rules.count)
        self._finder = Finder(rules, midstream=options.midstream)
        self._packet_too = rules.packet_too & (not options.inline)
        self.decider = Decider(rules, scope, self.profile, clock, self._packet_too, inline=options.inline)
        self._seals = Seals(inline=options.inline)
        special = rules.special_rules()
        self._bypassing = [n for n, s in special.items() if s.bypass]
        self._has_passes = bool((rules.passes != Passes.NOTHING).any())
        self._both_ways = BothWays(special)
        self._limits = AlertLimits(special)
        self._flow_checks = FlowChecks(special, rules.count)
        self.tags = Tags(special)
        self.recognised: Recognised | None = None
        """None = nobody looks."""
        self._counters = FlowCounters()
        self._suppressed = 0
        self._passed = 0
        self._left_out = 0
        places = max(8, threshold_places) if rules.has_threshold else 8
        self._thresholds = threshold_table(places)
        self._salt = np.uint64(secrets.randbits(64))
        self._renumbering = Renumbering()

    def take_over(self, before: Matcher) -> None:
        """Go on, from the next batch on, where the matcher of an earlier set of rules stopped.

        Flows, hosts and transactions keep what they remember; counts, profiles and rates stay with the
        rules of the same gid and sid, and with them the windows of thresholds that are the same.
        """
        numbers = new_numbers(before.rules.identity, self.rules.identity)
        stays = np.flatnonzero(numbers >= 0)
        self.hits[numbers[stays]] = before.hits[stays]
        self.last_hit_ns[numbers[stays]] = before.last_hit_ns[stays]
        self.profile.take_over(before.profile, numbers)
        self.decider.take_over(before.decider)
        self._finder.take_over(before._finder)
        self._seals.take_over(before._seals)
        self._counters = before._counters
        self._suppressed, self._passed = before._suppressed, before._passed
        self._left_out = before._left_out
        self._limits.take_over(before._limits, numbers.tolist())
        self._salt = before._salt
        take_over_windows(
            self._thresholds, self.rules.thresholds, before._thresholds, before.rules.thresholds, numbers,
            self._salt,
        )  # fmt: skip
        self._renumbering = before._renumbering.then(numbers)
        self.tags.take_over(before.tags)

    def match(
        self,
        packets: PacketBatch,
        decoded: DecodedBatch,
        flows: FlowBatch,
        streams: StreamBatch | None,
        flow_view: FlowView,
        progress: Sequence[Progress] = (),
        sealed: Sequence[Sealed] = (),
    ) -> list[Match]:
        """Matches of one batch, in packet order, then rule order. The batch is not kept.

        progress: of transactions, in the order in which it came about. sealed: flows that became encrypted.
        """
        if not decoded.packet.size and not progress and (streams is None or not streams.row.size):
            return []
        state = self.decider.memory.flows
        self.decider.memory.texts.new_batch()
        self._renumbering.update(progress)
        enabled = self.rules.enabled.copy()
        if streams is not None:
            streams = self._windows_in(streams, decoded, flows, flow_view)
        if self._options.drops_invalid:
            decoded = without_dropped(decoded)
        if self._options.passes_midstream:
            pass_late(state, decoded, flows)
        batch = self._finder.prepare(packets, decoded, flows, streams, flow_view, state, progress)
        self._seals.mark(batch, sealed, state.generation)
        found, subjects = in_order(batch, self._finder.find(batch, enabled), self.rules.rank)
        found, subjects = self._checked(batch, found, subjects)
        if not len(found):
            return []
        self.profile.checked(found.rule)
        held = self.decider.decide(batch, found, subjects)
        if self._has_passes:
            held &= self._not_passed(batch, found, subjects, held)
        if self._bypassing:
            held &= self._not_bypassed(found, subjects, held)
        silent = held & (self.rules.noalert[found.rule] != 0)
        self._suppressed += self._packets_of(found, np.flatnonzero(silent))
        kept = np.flatnonzero(held & ~silent)
        kept = kept[_first_of_each(found, kept, self._packet_too)]
        if self._both_ways:
            kept = self._both_ways.twice(batch, found, kept)
        if self._limits:
            kept = self._not_suppressed(found, subjects, kept)
        if self.rules.has_threshold:
            kept = self._within_thresholds(found, subjects, kept)
        within = within_most(found, subjects, kept, self.rules.rank, self._options.most_alerts)
        self._left_out += int(kept.size - np.count_nonzero(within))
        kept = kept[within]
        return self._give_out(found, subjects, kept)

    def forget_flows(self, slots: I32) -> None:
        """Drop what is remembered of flows that ended. slots: int32[n]."""
        self.decider.forget_flows(slots)
        self.tags.forget_flows(slots.tolist())

    def left_with(self, slot: int) -> Remembered | None:
        """What rules have left with a flow, also with one that has just ended; None = nothing."""
        return self.decider.left_with(slot)

    def stats(self) -> dict[str, float]:
        """Counts since the matcher was made, by EVE path."""
        tally, (flows, hosts, _) = self.decider.tally, self.decider.memory
        return {
            "detect.alert": int(self.hits.sum()),
            "detect.alert_queue_overflow": self._left_out,
            "detect.candidates": int(self.profile.checks.sum()),
            "detect.evaluated": tally.evaluated,
            "detect.budget_exhausted": tally.exhausted,
            "detect.matched": int(self.profile.matches.sum()),
            "detect.alerts_suppressed": self._suppressed,
            "detect.passed": self._passed,
            "detect.candidates_dropped": self._finder.dropped,
            "detect.threshold_evicted": int(self._thresholds.evicted[0]),
            "detect.flowbits_flows": flows.flows,
            "detect.flowbits_evicted": flows.evicted,
            "detect.hostbits": hosts.count,
            "detect.hostbits_evicted": hosts.evicted,
            "detect.memuse": self.rules.memory,
        }

    def _checked(self, batch: Batch, found: Candidates, subjects: Subjects) -> tuple[Candidates, Subjects]:
        """Those whose counters and addresses are what their rules ask for."""
        of_rows = None
        if self._flow_checks.needs_counters:
            of_rows = self._counters.of_rows(batch.packets, batch.decoded, batch.flows, batch.born)

        def counted() -> Counted | None:
            if of_rows is None:
                return None
            now = self._counters.now(subjects.flow, subjects.born)
            at, here = np.maximum(found.row, 0), found.row >= 0
            if not of_rows.age.size:
                return now
            return Counted(
                np.where(here[:, None], of_rows.pkts[at], now.pkts),
                np.where(here[:, None], of_rows.bytes[at], now.bytes),
                np.where(here, of_rows.age[at], now.age),
            )

        recognised = self.recognised
        due = self._flow_checks.told(found, recognised)
        if due is not None and not due.all():
            found, subjects = found.where(due), subjects.where(due)
        sides = partial(known_sides, recognised, batch, found, subjects) if recognised is not None else None
        held = self._flow_checks.hold(found.rule, subjects, counted, sides)
        if held is None or held.all():
            return found, subjects
        return found.where(held), subjects.where(held)

    def _windows_in(
        self, streams: StreamBatch, decoded: DecodedBatch, flows: FlowBatch, view: FlowView
    ) -> StreamBatch:
        """What rules see at once of each stream."""
        return (
            around_packets(streams, decoded, flows)
            if self._options.inline
            else with_windows(streams, view.app)
        )

    def _not_passed(self, batch: Batch, found: Candidates, subjects: Subjects, held: Bools) -> Bools:
        """bool per candidate: it is no pass rule, and none lets it through; or one that alerts, too."""
        alerts: Bools = self.rules.passes[found.rule] == Passes.NOTHING
        allowed = not_passed(self.rules.passes, batch, found, subjects, held, self.decider.memory.flows)
        self._passed += int(np.count_nonzero(held & ~allowed & alerts))
        speaks = held & (self.rules.speaks[found.rule] != 0)
        if not speaks.any():
            return allowed & alerts
        speaks &= first_to_pass(self.rules.passes, found, subjects, held)
        given: Bools = (allowed & alerts) | speaks
        return given

    def _not_bypassed(self, found: Candidates, subjects: Subjects, held: Bools) -> Bools:
        """bool per candidate: its flow was not passed by after an earlier packet."""
        allowed, passed = np.ones(len(found), np.bool_), self.decider.memory.flows.passed
        for i in np.flatnonzero(held & np.isin(found.rule, self._bypassing)):
            flow, born = int(subjects.flow[i]), int(subjects.born[i])
            if flow >= 0 and passed[flow] != born:
                passed[flow] = born
                allowed &= ~((subjects.flow == flow) & (subjects.born == born) & (found.row > found.row[i]))
        return allowed

    def _packets_of(self, found: Candidates, matched: I64) -> int:
        """How often these rules matched, a packet once for each."""
        return int(np.count_nonzero(_first_of_each(found, matched, self._packet_too))) if matched.size else 0

    def _not_suppressed(self, found: Candidates, subjects: Subjects, kept: I64) -> I64:
        src, dest, ts_ns = subjects.src_ip, subjects.dest_ip, subjects.ts_ns
        allowed = [
            self._limits.allow(int(found.rule[i]), halves(src[i]), halves(dest[i]), int(ts_ns[i]))
            for i in kept.tolist()
        ]
        self._suppressed += len(allowed) - sum(allowed)
        left: I64 = kept[np.array(allowed, np.bool_)]
        return left

    def _within_thresholds(self, found: Candidates, subjects: Subjects, kept: I64) -> I64:
        keep = np.ones(kept.size, np.uint8)
        apply_thresholds(
            self.rules.thresholds,
            self._thresholds,
            self._salt,
            found.rule[kept],
            kept,
            subjects.ts_ns,
            subjects.src_ip,
            subjects.dest_ip,
            subjects.flow,
            subjects.born,
            keep,
        )
        self._suppressed += int(kept.size - np.count_nonzero(keep))
        within: I64 = kept[keep != 0]
        return within

    def _give_out(self, found: Candidates, subjects: Subjects, kept: I64) -> list[Match]:
        rule = found.rule[kept]
        if not rule.size:
            return []
        np.add.at(self.hits, rule, 1)
        np.maximum.at(self.last_hit_ns, rule, subjects.ts_ns[kept])
        columns = (
            rule,
            found.row[kept],
            subjects.flow[kept],
            subjects.direction[kept],
            found.stream[kept],
            subjects.ts_ns[kept],
            found.entry[kept],
        )
        values = list(zip(*(column.tolist() for column in columns), strict=True))
        memory = self.decider.memory
        if not (memory.flows.remembers or memory.texts or self.decider.contexts):
            return [Match(*one) for one in values]
        return [
            Match._make((*one, self.decider.remembered_of(at, one[1], one[2], born)))
            for at, one, born in zip(kept.tolist(), values, subjects.born[kept].tolist(), strict=True)
        ]


def _first_of_each(found: Candidates, kept: I64, packet_too: Bools) -> Bools:
    """bool per kept candidate: not the same rule on the same packet again."""
    rule, row = found.rule[kept], found.row[kept]
    fresh = np.ones(kept.size, np.bool_)
    fresh[1:] = (rule[1:] != rule[:-1]) | (row[1:] != row[:-1]) | (row[1:] < 0)
    fresh |= (found.entry[kept] >= 0) | packet_after_stretch(found.where(kept), packet_too)
    return fresh
