"""Decider: which candidates hold, one by one and in order, as what a rule remembers counts for the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.files import MOST_FILES
from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.applayer.transaction import Parts
from vpi_tui.detect.match.app_rules import OF_FILES
from vpi_tui.detect.match.buffers import Context, TransactionContext
from vpi_tui.detect.match.candidates import Batch, Candidates
from vpi_tui.detect.match.captured import CapturedTexts, contexts_in
from vpi_tui.detect.match.contexts import context_of
from vpi_tui.detect.match.evaluate import Tally
from vpi_tui.detect.match.file_tests import is_undecided
from vpi_tui.detect.match.flowstate import NOWHERE, BitSieve, FlowState, bit_plans, names_of, scope_holds
from vpi_tui.detect.match.identity import lasting_sets
from vpi_tui.detect.match.profile import Clock, Meter, RuleProfile
from vpi_tui.detect.match.remembered import HostState, Memory, remembered_plans
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.match.run import Captured
from vpi_tui.detect.match.subjects import Subjects, who_of
from vpi_tui.detect.match.types import Remembered, ScopeResolver
from vpi_tui.detect.match.windows import windows_of
from vpi_tui.model.batch import I32
from vpi_tui.model.signature import ANYWHERE
from vpi_tui.model.valueset import ValueSet, are_alike

Bools = NDArray[np.bool_]


class Decider:
    """Keeps what rules remember of flows, hosts and packets.

    packet_too: bool per rule, as of `packet_after_stretch`. inline: each stretch is inspected for itself.
    """

    def __init__(
        self,
        rules: RuleSet,
        scope: ScopeResolver | None,
        profile: RuleProfile,
        clock: Clock,
        packet_too: Bools,
        *,
        inline: bool,
    ) -> None:
        self._rules, self._scope = rules, scope
        self._profile, self._clock = profile, clock
        self._packet_too, self._inline = packet_too, inline
        self.judge: Callable[[], Iterable[int]] = tuple
        """Asked now and then, also within a batch, which rules shall not be tried any more."""
        self.memory = Memory(FlowState(), HostState(), CapturedTexts())
        self.contexts: dict[int, tuple[tuple[str, bytes], ...]] = {}
        """By candidate of the last batch: what sets tell of the values that its rule found."""
        self.tally = Tally()
        special = rules.special_rules()
        self._bits, self._bit_names = bit_plans(special)
        self._bit_sieve = BitSieve(self._bits, rules.count)
        self._remembered = remembered_plans(special)
        self._scopes = {n: s.scope for n, s in special.items() if s.scope != ANYWHERE}
        sets = (values for signature in special.values() for values in lasting_sets(signature))
        self.lasting_sets: dict[str, ValueSet] = {values.name.lower(): values for values in sets}
        """By name, those of these rules first; then those that rules of before have left."""

    def take_over(self, before: Decider) -> None:
        """Go on with the memory of an earlier set of rules."""
        self.judge, self.memory, self.tally = before.judge, before.memory, before.tally
        self._bits, self._bit_names = bit_plans(self._rules.special_rules(), before._bit_names)
        self._bit_sieve = BitSieve(self._bits, self._rules.count)
        for name, former in before.lasting_sets.items():
            values = self.lasting_sets.setdefault(name, former)
            if values is not former and are_alike(values.kind, former.kind):
                values.go_on(former)

    def forget_flows(self, slots: I32) -> None:
        """Drop what is remembered of flows that ended. slots: int32[n]."""
        self.memory.flows.forget(slots)
        self.memory.texts.forget(slots)

    def decide(self, batch: Batch, found: Candidates, subjects: Subjects) -> Bools:
        """bool per candidate: does all of the rule hold? Flowbits change on the way, in order."""
        self.contexts.clear()
        state, key_of = self.memory.flows, self._rules.identity.key
        windows = windows_of(batch, found, divided=self._inline)
        decided: Bools = self._rules.plain[found.rule] != 0
        held = decided.copy()
        whose = (subjects.flow, subjects.born, found.rule, subjects.direction, windows)
        inside = np.flatnonzero(decided & (windows != NOWHERE))
        if inside.size:
            each = zip(*(c[inside].tolist() for c in whose), strict=True)
            held[inside] = [self._is_first(*one) for one in each]
        again = packet_after_stretch(found, self._packet_too)
        done: tuple[int, int] | None = None
        hopeless = self._bit_sieve.hopeless(state, found.rule, subjects.flow)
        waiting = np.flatnonzero(~(decided | hopeless))
        meter = Meter(self._profile, self._clock, found.rule[waiting], self.judge)
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
            bits = state.bits(flow, born) if flow >= 0 else None
            if plan is not None and not plan.allows(bits):
                continue
            memory = self._remembered.get(rule)
            who = who_of(subjects, i, row, progress) if memory is not None else None
            if memory is not None and who is not None and not memory.allows(self.memory, who):
                continue
            if window != NOWHERE and state.has_matched(flow, born, key_of(rule), direction, window):
                continue
            captured: Captured | None = None
            if self._rules.plans[rule] is not None:
                context = context_of(batch, row, stream, entry, self._rules.windowed[rule])
                captured = self._captured(rule, context)
                if captured is None:
                    continue
            scope = self._scopes.get(rule)
            if scope is not None and not scope_holds(scope, self._scope, flow):
                continue
            if window != NOWHERE and not self._is_first(flow, born, rule, direction, window):
                continue
            if plan is not None and plan.changes and flow >= 0:
                state.set_bits(flow, born, plan.change(state.bits(flow, born)))
            if memory is not None and who is not None:
                memory.change(self.memory, who)
            if captured:
                self.memory.texts.keep(flow, born, row, captured)
                if told := contexts_in(captured):
                    self.contexts[i] = told
            held[i] = True
            if progress is not None:
                self._note_alert(rule, progress)
            else:
                done = rule, row
        meter.pause()
        self._profile.matched(found.rule[held])
        return held

    def remembered_of(self, candidate: int, row: int, flow: int, born: int) -> Remembered | None:
        """What rules have left with the flow and the packet of a match, what sets tell; None = nothing."""
        context = self.contexts.get(candidate, ())
        flows, texts = self.memory.flows, self.memory.texts
        bits, numbers = flows.bits(flow, born), flows.numbers(flow, born)
        if not (bits or numbers or texts or context):
            return None
        found = Remembered(
            names_of(bits, self._bit_names),
            tuple(numbers.items()),
            tuple(texts.of("flow", flow, born, row).items()),
            tuple(texts.of("pkt", flow, born, row).items()),
            context,
        )
        return found if any(found) else None

    def left_with(self, flow: int) -> Remembered | None:
        """Bits and numbers that rules have left with the flow that a slot was, or is, given to last, and
        whether one lets it through."""
        flows = self.memory.flows
        if flow >= flows.generation.size:
            return None
        born = int(flows.generation[flow])
        bits, numbers = flows.bits(flow, born), flows.numbers(flow, born)
        passed = bool(flows.passed[flow] == born)
        if not bits and not numbers and not passed:
            return None
        return Remembered(names_of(bits, self._bit_names), tuple(numbers.items()), passed=passed)

    def _is_first(self, flow: int, born: int, rule: int, direction: int, window: int) -> bool:
        return self.memory.flows.is_first(flow, born, self._rules.identity.key(rule), direction, window)

    def _captured(self, rule: int, context: Context | TransactionContext) -> Captured | None:
        """What the steps of a rule captured, None = they do not hold."""
        plan = self._rules.plans[rule]
        assert plan is not None
        if not isinstance(context, TransactionContext) or not self._rules.app.grows[rule]:
            return plan.match(context, self.tally)
        key = rule, context.progress.direction
        parts = context.progress.transaction.parts.setdefault(key, Parts())
        return plan.match_parts(context, self.tally, parts.held)

    def _note_alert(self, rule: int, progress: Progress) -> None:
        """The rule is done with the transaction. One about files as a whole looks at all of them again when
        there is another, unless the last one was undecided: as in Suricata."""
        transaction, direction = progress.transaction, progress.direction
        transaction.alert(direction, rule)
        if self._rules.app.grows[rule] != OF_FILES:
            return
        plan, key = self._rules.plans[rule], (rule, direction)
        files = progress.files_then()
        assert plan is not None
        parts = transaction.parts.setdefault(key, Parts())
        parts.held.discard(plan.file_group)
        parts.files = MOST_FILES if files and is_undecided(plan.file_tests, *files[-1]) else len(files)

    def _is_due(self, rule: int, progress: Progress) -> bool:
        """Is now the time to evaluate a rule on a transaction?"""
        transaction, direction, app = progress.transaction, progress.direction, self._rules.app
        if transaction.is_frame != bool(app.of_frames[rule]):
            return False
        stage = int(app.stage[rule, direction])
        if not app.grows[rule]:
            return rule not in transaction.alerted[direction] and progress.before < stage <= progress.stage
        if rule in transaction.alerted[direction]:
            if app.grows[rule] != OF_FILES:
                return False
            parts = transaction.parts.get((rule, direction))
            if parts is None or len(progress.files_then()) <= parts.files:
                return False
        return 0 < stage <= progress.stage


def packet_after_stretch(found: Candidates, packet_too: Bools) -> Bools:
    """bool per candidate: a packet that counts besides the stretch before it. As in Suricata, a rule with
    offset or depth alerts on a packet's own payload and on the stream that begins with it.

    packet_too: bool per rule.
    """
    counts = packet_too[found.rule] & (found.stream < 0) & (found.entry < 0)
    counts[:1] = False
    counts[1:] &= found.stream[:-1] >= 0
    return counts
