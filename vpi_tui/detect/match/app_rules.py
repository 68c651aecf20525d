"""Rules about transactions of an application layer: which, when to inspect them, and how to find them.

They never meet packets or streams: a rule is looked for in the buffers of a protocol's transactions, by
one set of patterns for each buffer, and evaluated once the last of its buffers is complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.detect.applayer import registry
from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER
from vpi_tui.detect.applayer.files import DIGESTS, FILE, FILE_DATA, FileNeeds
from vpi_tui.detect.applayer.frame_names import PREFIX
from vpi_tui.detect.applayer.names import plain_name, side_of
from vpi_tui.detect.applayer.transaction import EVENTS, Stage
from vpi_tui.detect.match import fast_pattern
from vpi_tui.detect.match.due import Due, DueBuilder
from vpi_tui.detect.match.fast_contents import FastBuilder
from vpi_tui.detect.match.kernels_listed import PacketRules
from vpi_tui.detect.match.kernels_rules import RuleTable
from vpi_tui.detect.match.kernels_scan import FastContents, PatternSets
from vpi_tui.detect.match.kernels_units import WAYS
from vpi_tui.detect.match.listing import one_list
from vpi_tui.detect.match.pattern_sets import Patterns, PatternSetBuilder
from vpi_tui.detect.match.rule_table import directions_of
from vpi_tui.detect.match.ways import Ways, returning
from vpi_tui.detect.transforms import base_of, raw_piece
from vpi_tui.model.applications import RULE_WORDS
from vpi_tui.model.batch import U8, Direction
from vpi_tui.model.signature import Absent, Content, FileTest, Signature, Step

DIRECTIONS: Final = (Direction.TO_SERVER, Direction.TO_CLIENT)
OF_FILES: Final = 2


class Needs(NamedTuple):
    """What one rule asks of transactions."""

    applications: tuple[str, ...]
    directions: int
    """Bits 1 << Direction in which all its buffers exist."""
    buffers: tuple[str, ...]
    """Buffers of application layers that it looks at."""


def needs_of(signature: Signature) -> Needs | None:
    """None = the rule looks at no buffer of an application layer."""
    names = tuple(dict.fromkeys(plain_name(step.buffer) for step in signature.steps))
    buffers = tuple(name for name in names if registry.with_buffer(name))
    if not buffers:
        return None
    found = set(registry.by_name())
    if signature.header.protocol in RULE_WORDS:
        found &= set(registry.meant_by(signature.header.protocol))
    if signature.application:
        found &= {signature.application}
    for name in buffers:
        found &= registry.with_buffer(name)
    if signature.header.transactional:
        return Needs(tuple(sorted(found)), TO_CLIENT, buffers)
    directions = directions_of(signature) & BOTH
    able = 0
    for application in found:
        own = BOTH
        for name in buffers:
            own &= registry.by_name()[application].buffers[name].directions
        able |= own
    return Needs(tuple(sorted(found)), directions & able, buffers)


def why_unusable(signature: Signature) -> str:
    """Why a rule about an application layer can never hold; "" when it can."""
    needs = needs_of(signature)
    if needs is None:
        return ""
    named = ", ".join(needs.buffers)
    if (
        0
        < sum(name.startswith(PREFIX) for name in needs.buffers)
        < len({plain_name(step.buffer) for step in signature.steps})
    ):
        return f"frames stand alone in a rule, not beside other buffers: {named}"
    if not needs.applications:
        return f"no protocol has all of {named} in rules for {signature.header.protocol}"
    if not needs.directions:
        return f"no direction has all of {named} (and the rule's flow direction)"
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class AppRules:
    """Compiled rules about transactions; `n` = all rules, the others have empty entries."""

    applications: frozenset[str]
    """Protocols that have to be parsed."""
    set_of: dict[tuple[str, str], tuple[int, ...]]
    """(protocol, buffer) -> by way (ways.py) the number of a set of patterns; -1 = there are none."""
    patterns: PatternSets
    fast: FastContents
    listed: dict[str, PacketRules]
    """By protocol: the rules without a fast pattern."""
    stage: U8
    """uint8[n, 3]: by Direction, from which stage on a rule can be evaluated; 0 = not about this
    direction, or not about transactions."""
    grows: U8
    """uint8[n]: 1 = the rule looks at a buffer that grows: it is evaluated whenever one has; 2 = and at
    files as a whole: it may hold again when there is another."""
    stays: U8
    """uint8[n]: 1 = such a rule, which is not decided where it was found: it waits for other buffers."""
    of_frames: U8
    """uint8[n]: 1 = the rule looks at frames, so at no transactions."""
    buffers: dict[str, tuple[frozenset[str], ...]]
    """By protocol, then by way (ways.py) from client to server: the buffers that rules about such flows look
    at."""
    events: frozenset[str]
    """The anomalies that rules look for."""
    files: FileNeeds
    """What they ask of files."""
    frames: dict[str, frozenset[str]]
    """By protocol: the frames that rules look at."""
    mixed: frozenset[str]
    """Protocols with a rule that looks at payload beside their buffers."""

    due: dict[str, Due]
    """By protocol: at which stages some rule has to look at each transaction."""

    def __bool__(self) -> bool:
        return bool(self.applications)


def compile_app_rules(
    signatures: Sequence[Signature], needs: Sequence[Needs | None], table: RuleTable, ways: Ways
) -> AppRules:
    """needs: for each rule, None for those that are not about transactions."""
    used = {n: need for n, need in enumerate(needs) if need is not None and table.kinds[n]}
    building = _Building(signatures, ways)
    for number, need in used.items():
        table.directions[number] &= need.directions
        building.add(number, need)
    builder = PatternSetBuilder(building.patterns)
    sets = building.sets.items()
    return AppRules(
        applications=frozenset(name for need in used.values() for name in need.applications),
        set_of={key: tuple(builder.add(frozenset(one)) for one in by_way) for key, by_way in sets},
        patterns=builder.finish(),
        fast=building.fast.finish(),
        listed={
            name: one_list(((n, signatures[n].header) for n in rules), len(signatures))
            for name, rules in building.unfiltered.items()
        },
        stage=building.stage,
        grows=building.grows,
        stays=building.stays,
        of_frames=building.of_frames,
        buffers=_buffers(signatures, used, ways),
        events=_events(signatures),
        files=_file_needs(signatures, used.values()),
        frames=_frames(used.values()),
        mixed=_mixed(signatures, used),
        due=building.due.finish(),
    )


class _Building:
    """What the rules are found by and when, while they are added one by one."""

    def __init__(self, signatures: Sequence[Signature], ways: Ways) -> None:
        self._signatures, self._ways = signatures, ways
        count = len(signatures)
        self.stage: U8 = np.zeros((count, 3), np.uint8)
        self.grows: U8 = np.zeros(count, np.uint8)
        self.stays: U8 = np.zeros(count, np.uint8)
        self.of_frames: U8 = np.zeros(count, np.uint8)
        self.patterns = Patterns()
        self.fast = FastBuilder(count)
        self.due = DueBuilder()
        self.sets: dict[tuple[str, str], tuple[set[int], ...]] = {}
        """(protocol, buffer) -> by way the patterns that are sought there."""
        self.unfiltered: dict[str, list[int]] = {}
        """By protocol: rules that are sought by no pattern."""

    def add(self, number: int, need: Needs) -> None:
        stage = self.stage[number]
        _set_stages(stage, need)
        found = _fast_pattern(self._signatures[number], need)
        self.of_frames[number] = any(name.startswith(PREFIX) for name in need.buffers)
        grows = any(_grows(name, need) for name in need.buffers)
        if grows:
            self.grows[number] = OF_FILES if FILE in need.buffers else 1
            self.stays[number] = found is None or _waits(need, found[0])
            stage[stage > Stage.HEAD] = Stage.HEAD
        self.due.add(need, stage, found[0] if found else None, grows=grows)
        if found is None:
            for name in need.applications:
                self.unfiltered.setdefault(name, []).append(number)
        else:
            self._seek(number, need, *found)

    def _seek(self, number: int, need: Needs, buffer: str, piece: fast_pattern.FastPattern) -> None:
        """Let the rule be sought by a piece of a content in this buffer."""
        pattern = self._pattern(number, piece, grows=_grows(buffer, need))
        allowed = self._ways.of(self._signatures[number].header)
        for name in need.applications:
            sets = self.sets.setdefault((name, buffer), tuple(set() for _ in range(WAYS)))
            for way in range(WAYS):
                if allowed >> way & 1:
                    sets[way].add(pattern)

    def _pattern(self, number: int, piece: fast_pattern.FastPattern, *, grows: bool) -> int:
        """Number of the pattern, with the places at which it can be and what else is checked at once."""
        steps = self._signatures[number].steps
        content = _raw_step(steps[piece.step])
        assert isinstance(content, Content)
        if base_of(content.buffer) != content.buffer:  # places in a transformed buffer say nothing of it
            self.fast.add(number, content, piece, (0, -1), kinds=1, simple=False)
            return self.patterns.add(piece.piece, number, -1)
        places = fast_pattern.places(steps, content.buffer)
        limit = -1 if content.endswith else places[piece.step][1]
        if grows:  # a relative step counts from the start of each window
            places = fast_pattern.places(steps, content.buffer, -1)
        self.fast.add(number, content, piece, places[piece.step], kinds=1, simple=False)
        self.fast.add_others(number, steps, piece.step, places)
        return self.patterns.add(piece.piece, number, limit)


def _grows(buffer: str, need: Needs) -> bool:
    return any(registry.by_name()[name].buffers[buffer].grows for name in need.applications)


def _waits(need: Needs, found_in: str) -> bool:
    """Must a rule that is found in one buffer wait for others?"""
    others = [name for name in need.buffers if name != found_in]
    if not _grows(found_in, need):
        return True
    late = any(
        registry.by_name()[application].buffers[name].stage > Stage.HEAD
        for name in others
        for application in need.applications
    )
    return late or any(_grows(name, need) for name in others)


def _events(signatures: Sequence[Signature]) -> frozenset[str]:
    contents = (step for s in signatures for step in s.steps if isinstance(step, Content))
    return frozenset(one.pattern.decode("ascii") for one in contents if plain_name(one.buffer) == EVENTS)


def _mixed(signatures: Sequence[Signature], used: Mapping[int, Needs]) -> frozenset[str]:
    return frozenset(
        name
        for number, need in used.items()
        if len({plain_name(step.buffer) for step in signatures[number].steps}) > len(need.buffers)
        for name in need.applications
    )


def _file_needs(signatures: Sequence[Signature], used: Iterable[Needs]) -> FileNeeds:
    asked = {step.kind for s in signatures for step in s.steps if isinstance(step, FileTest)}
    return FileNeeds(frozenset(asked.intersection(DIGESTS)), any(FILE_DATA in need.buffers for need in used))


def _buffers(
    signatures: Sequence[Signature], used: Mapping[int, Needs], ways: Ways
) -> dict[str, tuple[frozenset[str], ...]]:
    found: dict[str, tuple[set[str], ...]] = {}
    for number, need in used.items():
        allowed = ways.of(signatures[number].header)
        flows = allowed if need.directions & TO_SERVER else 0
        flows |= returning(allowed) if need.directions & TO_CLIENT else 0
        for application in need.applications:
            names = found.setdefault(application, tuple(set() for _ in range(WAYS)))
            for way in range(WAYS):
                if flows >> way & 1:
                    names[way].update(need.buffers)
    return {application: tuple(map(frozenset, names)) for application, names in found.items()}


def _frames(used: Iterable[Needs]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for need in used:
        for buffer in need.buffers:
            if buffer.startswith(PREFIX):
                protocol, _, name = buffer.removeprefix(PREFIX).partition(".")
                found.setdefault(protocol, set()).add(name)
    return {protocol: frozenset(names) for protocol, names in found.items()}


def _set_stages(stages: U8, need: Needs) -> None:
    """The latest stage of the rule's buffers."""
    for direction in DIRECTIONS:
        if need.directions >> direction & 1:
            buffers = registry.by_name()[need.applications[0]].buffers
            stages[direction] = max([Stage.HEAD, *(buffers[name].stage for name in need.buffers)])


def _fast_pattern(signature: Signature, need: Needs) -> tuple[str, fast_pattern.FastPattern] | None:
    """(buffer, piece) to look for a rule by: an explicit one, or the rarest."""
    found = []
    steps = [_raw_step(step) for step in signature.steps]
    names = dict.fromkeys(step.buffer for step in steps)
    if signature.header.transactional:  # it is looked for when the response is there, so in the response
        names = {name: None for name in names if _is_of_response(name, need)}
    unsure = {step.buffer for step in steps if isinstance(step, Absent)}
    for name in names:
        if plain_name(name) in need.buffers and name not in unsure:
            piece = fast_pattern.choose(steps, name)
            if piece is not None:
                found.append((plain_name(name), piece))
    for buffer, piece in found:
        content = signature.steps[piece.step]
        if isinstance(content, Content) and content.fast_pattern:
            return buffer, piece
    return max(found, key=lambda one: fast_pattern.surprise(one[1].piece)) if found else None


def _raw_step(step: Step) -> Step:
    """What a content of a transformed buffer says of the bytes before: they are scanned, wherever it is."""
    if not isinstance(step, Content) or base_of(step.buffer) == step.buffer:
        return step
    piece = b"" if step.negated else raw_piece(step.buffer, step.pattern)
    # Without a pattern it is no candidate for the scan.
    return Content(step.buffer, piece, nocase=True, fast_pattern=bool(piece) and step.fast_pattern)


def _is_of_response(name: str, need: Needs) -> bool:
    plain = plain_name(name)
    if plain not in need.buffers:
        return False
    directions = registry.by_name()[need.applications[0]].buffers[plain].directions
    return directions == TO_CLIENT or (directions == BOTH and side_of(name) == Direction.TO_CLIENT)
