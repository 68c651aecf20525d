"""RuleSet: signatures compiled for the loops. Immutable but for the switches."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vpi_tui.detect.match import fast_pattern
from vpi_tui.detect.match.app_classes import AppClasses
from vpi_tui.detect.match.app_rules import AppRules, compile_app_rules, needs_of
from vpi_tui.detect.match.checks import why_unusable
from vpi_tui.detect.match.evaluate import Plans
from vpi_tui.detect.match.fast_contents import FastBuilder
from vpi_tui.detect.match.gates import gate_of
from vpi_tui.detect.match.grouping import ScanRule, build_selectors, lanes_of, narrow_ports
from vpi_tui.detect.match.identity import Identity, identity_of, is_special
from vpi_tui.detect.match.kernels_listed import PacketRules
from vpi_tui.detect.match.kernels_rules import RuleTable
from vpi_tui.detect.match.kernels_scan import FastContents, PatternSets
from vpi_tui.detect.match.kernels_threshold import ThresholdRules
from vpi_tui.detect.match.kernels_units import Selectors
from vpi_tui.detect.match.listing import ListedRule, build_packet_rules
from vpi_tui.detect.match.ordering import is_ip_only, rule_order
from vpi_tui.detect.match.pass_scopes import what_passes
from vpi_tui.detect.match.pattern_sets import Patterns, PatternSetBuilder
from vpi_tui.detect.match.rule_table import build_rule_table
from vpi_tui.detect.match.units import UnitKind, is_relative, mask, unit_kinds
from vpi_tui.detect.match.upstream import Upstream, reach_of, reads_payload
from vpi_tui.detect.match.ways import Ways, most_named
from vpi_tui.model.batch import I32, I64, U8
from vpi_tui.model.errors import RuleError
from vpi_tui.model.signature import (
    ANY_ADDRESS,
    ANY_PORT,
    ANYWHERE,
    Action,
    Content,
    Header,
    Signature,
    Threshold,
)

_WINDOWS: Final = mask(UnitKind.STREAM_WINDOW)
_THRESHOLD_KIND: Final = {"limit": 1, "threshold": 2, "both": 3, "detection_filter": 4, "backoff": 5}
_FOREVER_NS: Final = 1 << 62
_THRESHOLD_TRACK: Final = {"by_src": 0, "by_dst": 1, "by_both": 2, "by_rule": 3, "by_flow": 4}
_NEUTRAL: Final = Header("ip", ANY_ADDRESS, ANY_PORT, ANY_ADDRESS, ANY_PORT)


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """`n` rules. Made by `compile`; `enabled` is all that changes afterwards."""

    signatures: Sequence[Signature]
    identity: Identity
    special: I32
    """int32[m]: numbers of the rules with parts that Python keeps: bits, checks, limits, a scope ..."""
    enabled: U8
    """uint8[n]: live switches; read once a batch."""
    refused: dict[int, RuleError]
    """Rules that cannot be run, by number; they never match and cannot be switched on."""
    table: RuleTable
    patterns: PatternSets
    fast: FastContents
    selectors: Selectors
    packet_rules: PacketRules
    app: AppRules
    """The rules about transactions; all other tables leave them out."""
    thresholds: ThresholdRules
    rank: I32
    """int32[n]: place of a rule in the order of evaluation."""
    plain: U8
    """uint8[n]: 1 = what the compiled loops found is a match; nothing is left for Python to check."""
    once: U8
    """uint8[n]: 1 = inspected once a flow and direction."""
    plans: Plans
    packet_too: NDArray[np.bool_]
    """bool[n]: the rule looks at each packet by itself as well as at the stream."""
    windowed: NDArray[np.bool_]
    """bool[n]: the rule counts from where the stream begins, or a window of it."""
    passes: U8
    """uint8[n]: a Passes."""
    speaks: U8
    """uint8[n]: 1 = a pass rule that alerts."""
    noalert: U8
    has_threshold: bool
    upstream: Upstream
    """What the rules ask of the stages before these."""

    @classmethod
    def compile(cls, signatures: Sequence[Signature]) -> RuleSet:
        """Compile rules. Those that cannot be run are listed in `refused`, not raised."""
        refused = {
            number: RuleError(s.origin.path, s.origin.line, reason, sid=s.sid)
            for number, s in enumerate(signatures)
            if (reason := why_unusable(s))
        }
        usable = [_neutral(s) if n in refused else s for n, s in enumerate(signatures)]
        table = build_rule_table(usable)
        table.kinds[list(refused)] = 0
        needs = [None if n in refused else needs_of(s) for n, s in enumerate(usable)]
        ways = Ways(most_named(s.header for s in usable))
        app = compile_app_rules(usable, needs, table, ways)
        units = [0 if need else unit_kinds(s) for s, need in zip(usable, needs, strict=True)]
        pieces = [
            None if need else fast_pattern.choose(s.steps) for s, need in zip(usable, needs, strict=True)
        ]
        simple = [_is_simple(s) for s in usable]
        once = [is_ip_only(s) for s in usable]
        patterns, fast, selectors = _compile_scan(usable, table, units, pieces, simple, ways)
        enabled = np.array([s.enabled for s in signatures], np.uint8)
        kept = tuple(signatures)
        enabled[list(refused)] = 0
        return cls(
            signatures=kept,
            identity=identity_of(signatures),
            special=np.array([n for n, s in enumerate(signatures) if is_special(s)], np.int32),
            enabled=enabled,
            refused=refused,
            table=table,
            patterns=patterns,
            fast=fast,
            selectors=selectors,
            packet_rules=_list_rules(
                usable, table, units, pieces, once, {*refused, *(n for n, need in enumerate(needs) if need)}
            ),
            app=app,
            thresholds=_thresholds(usable),
            rank=_rank(usable),
            plain=np.array([_is_plain(s, done) for s, done in zip(usable, simple, strict=True)], np.uint8),
            once=np.array(once, np.uint8),
            plans=Plans(
                kept,
                np.array([s.steps != () and not d for s, d in zip(usable, simple, strict=True)], np.bool_),
            ),
            # One that counts events is about events, not about how often an engine looks at the same bytes.
            packet_too=np.array([s.packet_too and not s.threshold for s in signatures], np.bool_),
            windowed=np.array(units, np.int64) & _WINDOWS != 0,
            passes=np.array([what_passes(s) for s in usable], np.uint8),
            speaks=np.array([s.alerts and s.action is Action.PASS for s in usable], np.uint8),
            noalert=np.array([s.noalert for s in usable], np.uint8),
            has_threshold=any(s.threshold for s in usable),
            upstream=Upstream.of(usable, units, table.kinds, transactions=bool(app)),
        )

    def set_enabled(self, rules: Iterable[int], on: bool) -> None:
        """Switch rules by number; acts on the next batch. A refused rule stays off."""
        self.enabled[[number for number in rules if number not in self.refused]] = on

    @property
    def count(self) -> int:
        return self.enabled.size

    def special_rules(self) -> dict[int, Signature]:
        """Those of `special`, by number."""
        return {number: self.signatures[number] for number in self.special.tolist()}

    @property
    def memory(self) -> int:
        """Bytes of the compiled tables."""
        scanned = (self.patterns, self.fast, self.selectors, self.app.patterns, self.app.fast)
        return sum(map(_bytes_of, (self.table, *scanned, self.packet_rules, self.thresholds)))


def _neutral(signature: Signature) -> Signature:
    """What stands in the tables for a rule that cannot be run."""
    return replace(
        signature,
        header=_NEUTRAL,
        columns=(),
        steps=(),
        flowbits=(),
        flowints=(),
        hostbits=(),
        variables=(),
        checks=(),
        threshold=None,
        scope=ANYWHERE,
    )


def _is_simple(signature: Signature) -> bool:
    """Is a single content with fixed positions all that the rule asks of the payload?"""
    if len(signature.steps) != 1:
        return False
    step = signature.steps[0]
    return (
        isinstance(step, Content)
        and step.buffer == "payload"
        and not step.negated
        and bool(step.pattern)
        and not is_relative(step)
        and not isinstance(step.offset, str)
        and not isinstance(step.depth, str)
    )


def _is_plain(signature: Signature, simple: bool) -> bool:
    scope = signature.scope
    named = scope.switches or scope.guests or scope.tags
    remembers = signature.flowbits or signature.flowints or signature.hostbits or signature.variables
    return not (remembers or named or (signature.steps and not simple))


def _compile_scan(
    signatures: Sequence[Signature],
    table: RuleTable,
    units: Sequence[int],
    pieces: Sequence[fast_pattern.FastPattern | None],
    simple: Sequence[bool],
    ways: Ways,
) -> tuple[PatternSets, FastContents, Selectors]:
    """Pattern sets, groups, and what to compare after a hit."""
    count = len(signatures)
    patterns = Patterns()
    fast = FastBuilder(count)
    classes = AppClasses(s.header.protocol for s, piece in zip(signatures, pieces, strict=True) if piece)
    scanned = []
    for number, (signature, piece) in enumerate(zip(signatures, pieces, strict=True)):
        if piece is None or not table.kinds[number]:
            continue
        content = signature.steps[piece.step]
        assert isinstance(content, Content)
        places = fast_pattern.places(signature.steps, content.buffer)
        place = places[piece.step]
        limit = fast.add(number, content, piece, place, kinds=units[number], simple=simple[number])
        fast.add_others(number, signature.steps, piece.step, places)
        pattern = patterns.add(piece.piece, number, limit)
        ports, to_port, from_port = narrow_ports(signature)
        kinds, directions = int(table.kinds[number]), int(table.directions[number])
        extent = reach_of(signature)
        lanes = lanes_of(signature.header, classes, ways)
        side = ports, to_port, from_port, lanes, gate_of(signature)
        scanned.append(ScanRule(pattern, kinds, directions, units[number], limit, extent, *side))
    builder = PatternSetBuilder(patterns)
    selectors = build_selectors(scanned, classes, ways, builder)
    return builder.finish(), fast.finish(), selectors


def _list_rules(
    signatures: Sequence[Signature],
    table: RuleTable,
    units: Sequence[int],
    pieces: Sequence[fast_pattern.FastPattern | None],
    once: Sequence[bool],
    left_out: Container[int],
) -> PacketRules:
    """The rules that have no fast pattern and are checked against each packet (or stretch)."""
    listed = []
    for number, signature in enumerate(signatures):
        if pieces[number] is None and number not in left_out:
            payload = reads_payload(signature)
            kinds, directions = int(table.kinds[number]), int(table.directions[number])
            wanted = units[number] if payload else 0
            listed.append(ListedRule(number, signature, kinds, directions, once[number], wanted))
    return build_packet_rules(listed, len(signatures))


def _thresholds(signatures: Sequence[Signature]) -> ThresholdRules:
    found = [s.threshold for s in signatures]
    return ThresholdRules(
        kind=np.array([_THRESHOLD_KIND[t.kind] if t else 0 for t in found], np.uint8),
        track=np.array([_THRESHOLD_TRACK[t.track] if t else 0 for t in found], np.uint8),
        limit=np.array([t.count if t else 0 for t in found], np.int64),
        window_ns=np.array([_window_ns(t) if t else 0 for t in found], np.int64),
        multiplier=np.array([t.multiplier if t else 0 for t in found], np.int64),
    )


def _window_ns(threshold: Threshold) -> int:
    return _FOREVER_NS if threshold.kind == "backoff" else threshold.seconds * 1_000_000_000


def _rank(signatures: Sequence[Signature]) -> I32:
    rank = np.zeros(len(signatures), np.int32)
    order: I64 = np.array(rule_order(signatures), np.int64)
    rank[order] = np.arange(len(signatures), dtype=np.int32)
    return rank


def _bytes_of(table: NDArray[Any] | tuple[Any, ...]) -> int:
    """A table is an array, or made of some."""
    return sum(map(_bytes_of, table)) if isinstance(table, tuple) else table.nbytes
