"""Matcher: a batch in, matches out. What the compiled loops could not decide is decided here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.progress import Progress, Sealed
from vpi_tui.detect.applayer.transaction import Parts
from vpi_tui.detect.match.app_rules import OF_FILES
from vpi_tui.detect.match.both_ways import BothWays
from vpi_tui.detect.match.buffers import Context, TransactionContext
from vpi_tui.detect.match.candidates import Batch, Candidates, Finder
from vpi_tui.detect.match.captured import CapturedTexts
from vpi_tui.detect.match.contexts import context_of
from vpi_tui.detect.match.evaluate import Tally
from vpi_tui.detect.match.flow_checks import FlowChecks, Recognised, known_sides
from vpi_tui.detect.match.flow_counters import Counted, FlowCounters
from vpi_tui.detect.match.flowstate import NOWHERE, BitSieve, FlowState, bit_plans, names_of, scope_holds
from vpi_tui.detect.match.inline import around_packets, without_dropped
from vpi_tui.detect.match.kernels_threshold import ThresholdTable, apply_thresholds
from vpi_tui.detect.match.limits import AlertLimits
from vpi_tui.detect.match.most_alerts import MOST_OF_A_PACKET, within_most
from vpi_tui.detect.match.pass_scopes import Passes
from vpi_tui.detect.match.passing import not_passed, pass_late
from vpi_tui.detect.match.profile import NO_CLOCK, Clock, Meter, RuleProfile
from vpi_tui.detect.match.remembered import HostState, Memory, remembered_plans
from vpi_tui.detect.match.renumber import Renumbering, new_numbers
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.match.sealed import Seals
from vpi_tui.detect.match.steps import Captured
from vpi_tui.detect.match.subjects import Subjects, halves, subjects_of, who_of
from vpi_tui.detect.match.threshold_windows import take_over_windows
from vpi_tui.detect.match.types import FlowView, Match, Remembered, ScopeResolver
from vpi_tui.detect.match.windows import windows_of, with_windows
from vpi_tui.model.batch import I32, I64, DecodedBatch, FlowBatch, PacketBatch, StreamBatch
from vpi_tui.model.signature import ANYWHERE

THRESHOLD_PLACES = 1 << 16
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
        passes_midstream: bool = False,
        bypasses_encrypted: bool = False,
        most_alerts: int = MOST_OF_A_PACKET,
        inline: bool = False,
        drops_invalid: bool = False,
    ) -> None:
        """threshold_places: how many counts are kept at a time, a multiple of 8. clock: for the profile.

        passes_midstream: no rule looks at TCP connections whose start was not seen. bypasses_encrypted: none
        looks at any more of those that are encrypted. most_alerts: of a packet. inline: a stream is inspected
        around each of its packets. drops_invalid: what segments say that belong to no connection is not.
        """
        self.rules = rules
        self._clock = clock
        self._passes_midstream = passes_midstream
        self._inline = inline
        self._drops_invalid = drops_invalid
        self.judge: Callable[[], Iterable[int]] = tuple
        """Asked now and then, also within a batch, which rules shall not be tried any more."""
        self.scope = scope
        self.hits: I64 = np.zeros(rules.count, np.int64)
        """int64[n]: Matches given out."""
        self.last_hit_ns: I64 = np.zeros(rules.count, np.int64)
        self.profile = RuleProfile(rules.count)
        self._finder = Finder(rules)
        self._state = FlowState()
        self._seals = Seals(bypasses=bypasses_encrypted, inline=inline)
        special = rules.special_rules()
        self._bits, self._bit_names = bit_plans(special)
        self._bit_sieve = BitSieve(self._bits, rules.count)
        self._hosts = HostState()
        self._texts = CapturedTexts()
        self._memory = Memory(self._state, self._hosts, self._texts)
        self._remembered = remembered_plans(special)
        self._tally = Tally()
        self._bypassing = [n for n, s in special.items() if s.bypass]
        self._scopes = {n: s.scope for n, s in special.items() if s.scope != ANYWHERE}
        self._packet_too = rules.packet_too & (not inline)
        self._both_ways = BothWays(special)
        self._limits = AlertLimits(special)
        self._flow_checks = FlowChecks(special)
        self.recognised: Recognised | None = None
        """None = nobody looks."""
        self._counters = FlowCounters()
        self._suppressed = 0
        self._passed = 0
        self._most_alerts = most_alerts
        self._left_out = 0
        places = max(8, threshold_places) if rules.has_threshold else 8
        self._thresholds = ThresholdTable(
            key=np.zeros((places, 5), np.uint64),
            begin=np.zeros(places, np.int64),
            counted=np.zeros(places, np.int64),
            evicted=np.zeros(1, np.int64),
        )
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
        self.judge = before.judge
        self._finder.take_over(before._finder)
        self._seals.take_over(before._seals)
        self._state, self._hosts, self._texts = before._state, before._hosts, before._texts
        self._memory = Memory(self._state, self._hosts, self._texts)
        self._bits, self._bit_names = bit_plans(self.rules.special_rules(), before._bit_names)
        self._tally, self._counters = before._tally, before._counters
        self._suppressed, self._passed = before._suppressed, before._passed
        self._left_out = before._left_out
        self._limits.take_over(before._limits, numbers.tolist())
        self._salt = before._salt
        take_over_windows(
            self._thresholds, self.rules.thresholds, before._thresholds, before.rules.thresholds, numbers,
            self._salt,
        )  # fmt: skip
        self._renumbering = before._renumbering.then(numbers)

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
        self._texts.new_batch()
        self._renumbering.update(progress)
        enabled = self.rules.enabled.copy()
        if streams is not None:
            streams = self._windows_in(streams, decoded, flows, flow_view)
        if self._drops_invalid:
            decoded = without_dropped(decoded)
        if self._passes_midstream:
            pass_late(self._state, decoded, flows)
        batch = self._finder.prepare(packets, decoded, flows, streams, flow_view, self._state, progress)
        self._seals.mark(batch, sealed, self._state.generation)
        found = self._finder.find(batch, enabled)
        subjects = subjects_of(batch, found)
        found, subjects = self._checked(batch, found, subjects)
        if not len(found):
            return []
        self.profile.checked(found.rule)
        held = self._decide(batch, found, subjects)
        held &= self._not_passed(batch, found, subjects, held)
        held &= self._not_bypassed(found, subjects, held)
        held &= self.rules.noalert[found.rule] == 0
        kept = np.flatnonzero(held)
        kept = kept[_first_of_each(found, kept, self._packet_too)]
        if self._both_ways:
            kept = self._both_ways.twice(batch, found, kept)
        if self._limits:
            kept = self._not_suppressed(found, subjects, kept)
        if self.rules.has_threshold:
            kept = self._within_thresholds(found, subjects, kept)
        within = within_most(found, subjects, kept, self.rules.rank, self._most_alerts)
        self._left_out += int(kept.size - np.count_nonzero(within))
        kept = kept[within]
        return self._give_out(found, subjects, kept)

    def forget_flows(self, slots: I32) -> None:
        """Drop what is remembered of flows that ended. slots: int32[n]."""
        self._state.forget(slots)
        self._texts.forget(slots)

    def stats(self) -> dict[str, float]:
        """Counts since the matcher was made, by EVE path."""
        return {
            "detect.alert": int(self.hits.sum()),
            "detect.alert_queue_overflow": self._left_out,
            "detect.candidates": int(self.profile.checks.sum()),
            "detect.evaluated": self._tally.evaluated,
            "detect.budget_exhausted": self._tally.exhausted,
            "detect.matched": int(self.profile.matches.sum()),
            "detect.suppressed": self._suppressed,
            "detect.passed": self._passed,
            "detect.candidates_dropped": self._finder.dropped,
            "detect.threshold_evicted": int(self._thresholds.evicted[0]),
            "detect.flowbits_flows": self._state.flows,
            "detect.flowbits_evicted": self._state.evicted,
            "detect.hostbits": self._hosts.count,
            "detect.hostbits_evicted": self._hosts.evicted,
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
        sides = partial(known_sides, recognised, batch, found, subjects) if recognised is not None else None
        held = self._flow_checks.hold(found.rule, subjects, counted, sides)
        if held is None or held.all():
            return found, subjects
        return found.where(held), subjects.where(held)

    def _decide(self, batch: Batch, found: Candidates, subjects: Subjects) -> Bools:
        """bool per candidate: does all of the rule hold? Flowbits change on the way, in order."""
        windows = windows_of(batch, found, divided=self._inline)
        decided: Bools = self.rules.plain[found.rule] != 0
        held = decided.copy()
        whose = (subjects.flow, subjects.born, found.rule, subjects.direction, windows)
        inside = np.flatnonzero(decided & (windows != NOWHERE))
        held[inside] = [
            self._is_first(*one) for one in zip(*(c[inside].tolist() for c in whose), strict=True)
        ]
        again = _packet_after_stretch(found, self._packet_too)
        done: tuple[int, int] | None = None
        hopeless = self._bit_sieve.hopeless(self._state, found.rule, subjects.flow)
        waiting = np.flatnonzero(~(decided | hopeless))
        meter = Meter(self.profile, self._clock, found.rule[waiting], self.judge)
        whats = (found.row, found.stream, found.entry)
        each = zip(waiting.tolist(), *(c[waiting].tolist() for c in (*whats, *whose)), strict=True)
        for i, row, stream, entry, flow, born, rule, direction, window in each:
            meter.next()
            if rule in meter.stopped:
                continue
            progress = batch.progress_of(entry)
            if progress is not None:
                if not self._is_due(rule, progress):
                    continue
            elif done == (rule, row) and row >= 0 and not again[i]:
                continue  # the rule matched on the stretch already; its packet is not tried
            plan = self._bits.get(rule)
            if plan is not None and not (flow >= 0 and plan.allows(self._state.bits(flow, born))):
                continue
            memory = self._remembered.get(rule)
            who = who_of(subjects, i, row, progress) if memory is not None else None
            if memory is not None and who is not None and not memory.allows(self._memory, who):
                continue
            captured: Captured | None = None
            if self.rules.plans[rule] is not None:
                captured = self._captured(
                    rule, context_of(batch, row, stream, entry, self.rules.windowed[rule])
                )
                if captured is None:
                    continue
            scope = self._scopes.get(rule)
            if scope is not None and not scope_holds(scope, self.scope, flow):
                continue
            if rule in self.rules.once_a_flow:
                if not self._is_first(flow, born, rule, direction, NOWHERE):
                    continue
            elif window != NOWHERE and not self._is_first(flow, born, rule, direction, window):
                continue
            if plan is not None and plan.changes:
                self._state.set_bits(flow, born, plan.change(self._state.bits(flow, born)))
            if memory is not None and who is not None:
                memory.change(self._memory, who)
            if captured:
                self._texts.keep(flow, born, row, captured)
            held[i] = True
            if progress is not None:
                self._note_alert(rule, progress)
            else:
                done = rule, row
        meter.pause()
        self.profile.matched(found.rule[held])
        return held

    def _windows_in(
        self, streams: StreamBatch, decoded: DecodedBatch, flows: FlowBatch, view: FlowView
    ) -> StreamBatch:
        """What rules see at once of each stream."""
        return around_packets(streams, decoded, flows) if self._inline else with_windows(streams, view.app)

    def _is_first(self, flow: int, born: int, rule: int, direction: int, window: int) -> bool:
        return self._state.is_first(flow, born, self.rules.identity.key(rule), direction, window)

    def _captured(self, rule: int, context: Context | TransactionContext) -> Captured | None:
        """What the steps of a rule captured, None = they do not hold."""
        plan = self.rules.plans[rule]
        assert plan is not None
        if not isinstance(context, TransactionContext) or not self.rules.app.grows[rule]:
            return plan.match(context, self._tally)
        key = rule, context.progress.direction
        parts = context.progress.transaction.parts.setdefault(key, Parts())
        context.first_file = parts.files
        return plan.match_parts(context, self._tally, parts.held)

    def _note_alert(self, rule: int, progress: Progress) -> None:
        """The rule is done with the transaction, but for files that are still to come."""
        transaction, direction = progress.transaction, progress.direction
        transaction.alert(direction, rule)
        if progress.files and self.rules.app.grows[rule]:
            transaction.parts[rule, direction] = Parts(files=progress.files)

    def _is_due(self, rule: int, progress: Progress) -> bool:
        """Is now the time to evaluate a rule on a transaction?"""
        transaction, direction = progress.transaction, progress.direction
        if transaction.is_frame != bool(self.rules.app.of_frames[rule]):
            return False
        stage = int(self.rules.app.stage[rule, direction])
        if not self.rules.app.grows[rule]:
            return rule not in transaction.alerted[direction] and progress.before < stage <= progress.stage
        if rule in transaction.alerted[direction]:
            if self.rules.app.grows[rule] != OF_FILES:
                return False
            parts = transaction.parts.get((rule, direction))
            if parts is None or progress.files <= parts.files:
                return False
        return 0 < stage <= progress.stage

    def _not_passed(self, batch: Batch, found: Candidates, subjects: Subjects, held: Bools) -> Bools:
        """bool per candidate: it is no pass rule, and none lets it through."""
        alerts: Bools = self.rules.passes[found.rule] == Passes.NOTHING
        allowed = not_passed(self.rules.passes, batch, found, subjects, held, self._state)
        self._passed += int(np.count_nonzero(held & ~allowed & alerts))
        return allowed & alerts

    def _not_bypassed(self, found: Candidates, subjects: Subjects, held: Bools) -> Bools:
        """bool per candidate: its flow was not passed by after an earlier packet."""
        allowed = np.ones(len(found), np.bool_)
        for i in np.flatnonzero(held & np.isin(found.rule, self._bypassing)) if self._bypassing else ():
            flow, born = int(subjects.flow[i]), int(subjects.born[i])
            if flow >= 0 and self._state.passed[flow] != born:
                self._state.passed[flow] = born
                allowed &= ~((subjects.flow == flow) & (subjects.born == born) & (found.row > found.row[i]))
        return allowed

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
            np.arange(kept.size, dtype=np.int64),
            subjects.ts_ns[kept],
            subjects.src_ip[kept],
            subjects.dest_ip[kept],
            subjects.flow[kept],
            subjects.born[kept],
            keep,
        )
        self._suppressed += int(kept.size - np.count_nonzero(keep))
        within: I64 = kept[keep != 0]
        return within

    def _give_out(self, found: Candidates, subjects: Subjects, kept: I64) -> list[Match]:
        rule = found.rule[kept]
        if not rule.size:
            return []
        self.hits += np.bincount(rule, minlength=self.hits.size)
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
        if not (self._state.remembers or self._texts):
            return [Match(*one) for one in values]
        return [
            Match._make((*one, self._remembered_of(one[1], one[2], born)))
            for one, born in zip(values, subjects.born[kept].tolist(), strict=True)
        ]

    def _remembered_of(self, row: int, flow: int, born: int) -> Remembered | None:
        """What rules have left with the flow and the packet of a match; None = nothing."""
        found = Remembered(
            names_of(self._state.bits(flow, born), self._bit_names),
            tuple(self._state.numbers(flow, born).items()),
            tuple(self._texts.of("flow", flow, born, row).items()),
            tuple(self._texts.of("pkt", flow, born, row).items()),
        )
        return found if any(found) else None


def _first_of_each(found: Candidates, kept: I64, packet_too: Bools) -> Bools:
    """bool per kept candidate: not the same rule on the same packet again."""
    rule, row = found.rule[kept], found.row[kept]
    fresh = np.ones(kept.size, np.bool_)
    fresh[1:] = (rule[1:] != rule[:-1]) | (row[1:] != row[:-1]) | (row[1:] < 0)
    fresh |= (found.entry[kept] >= 0) | _packet_after_stretch(found.where(kept), packet_too)
    return fresh


def _packet_after_stretch(found: Candidates, packet_too: Bools) -> Bools:
    """bool per candidate: a packet that counts besides the stretch before it. As in Suricata, a rule with
    offset or depth alerts on a packet's own payload and on the stream that begins with it.

    packet_too: bool per rule.
    """
    counts = packet_too[found.rule] & (found.stream < 0) & (found.entry < 0)
    counts[:1] = False
    counts[1:] &= found.stream[:-1] >= 0
    return counts
