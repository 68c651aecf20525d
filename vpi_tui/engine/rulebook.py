"""The loaded rules, their switches, and the set that the matcher runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import overload

import numpy as np

import vpi_tui.detect.behaviour  # noqa: F401 (they register themselves)
from vpi_tui.detect.behaviour.base import GID, NO_OPTIONS, PACK, REGISTRY, Behaviour, Finding
from vpi_tui.detect.behaviour.segmentation import SID as SEGMENTATION_SID
from vpi_tui.detect.behaviour.segmentation import Segmentation
from vpi_tui.detect.match.identity import Identity, identity_of, joined, keys_of, numbers_of
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.explain import describe
from vpi_tui.detect.rules.loader import LoadResult
from vpi_tui.detect.rules.state import RuleSwitches, ShippedRule
from vpi_tui.detect.stored.signatures import Listed, listed
from vpi_tui.engine.rulecache import compiled_rules
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import (
    PackRow,
    RefusedRow,
    RuleDetail,
    RuleRow,
    RulesMessage,
    Toggle,
    ToggledMessage,
)
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.errors import RuleError, VpiError
from vpi_tui.model.neighbours import Said
from vpi_tui.model.signature import Signature
from vpi_tui.model.topology import Topology

SWITCHES_FILE = "rules.json"
Key = tuple[int, int]
"""(gid, sid)"""


class RuleBook:
    """Signatures and behaviours under one numbering: the matcher's rules first, behaviours behind them."""

    def __init__(
        self,
        loaded: LoadResult,
        switches: RuleSwitches,
        *,
        ruleset: RuleSet | None = None,
        before: RuleBook | None = None,
        options: Mapping[str, str] = NO_OPTIONS,
    ) -> None:
        """ruleset: what was compiled of them already. before: the book whose place this one takes.

        options: settings of the behaviours. Raises ConfigError for one that makes no sense.
        """
        self.behaviours: list[Behaviour] = (
            before.behaviours if before else [behaviour(options) for behaviour in REGISTRY]
        )
        built_in = [signature for behaviour in self.behaviours for signature in behaviour.signatures]
        self.built_in = len(built_in)
        """Signatures that no file has: those of the behaviours, the last ones of `signatures`."""
        self.segmentation = next(b for b in self.behaviours if isinstance(b, Segmentation))
        self.ruleset = ruleset or RuleSet.compile(loaded.signatures)
        self.signatures: Sequence[Signature] = Joined(self.ruleset.signatures, built_in)
        self.identity = joined(self.ruleset.identity, identity_of(built_in))
        self.refused: list[RuleError] = [*loaded.errors, *self.ruleset.refused.values()]
        self.serial: int = before.serial if before else 1
        self.hits: dict[int, tuple[int, int]] = {}
        """Rule number to (alerts raised, time of the last); only rules that raised one."""
        self._of_behaviour = {s.sid: self.ruleset.count + place for place, s in enumerate(built_in)}
        """Numbers of the behaviours' signatures by sid: asked for with every batch."""
        self._packs = loaded.packs
        self._switches = switches
        self._keys = self.identity.keys()
        self._shipped = _shipped(self.identity)
        self._enabled: list[bool] = [
            *self.ruleset.enabled.astype(bool).tolist(),
            *(True for _ in built_in),
        ]
        self._over_budget: set[Key] = set()
        """Switched off for what they cost, as long as their text and the operator leave them so."""
        if before is not None:
            self._take_over(before)
        self._apply(range(len(self.signatures)))

    @classmethod
    def load(cls, spec: EngineSpec) -> RuleBook:
        """Rules of the order, or the bundled packs. A rule that is refused is listed, never raised."""
        compiled = compiled_rules(spec)
        switches = _switches(spec.state_dir)
        return cls(compiled.loaded, switches, ruleset=compiled.ruleset, options=spec.options)

    def succeeded_by(self, loaded: LoadResult, ruleset: RuleSet) -> RuleBook:
        """A book of other rules with these switches, behaviours and hits."""
        return RuleBook(loaded, self._switches, ruleset=ruleset, before=self)

    def _take_over(self, before: RuleBook) -> None:
        now = numbers_of(before._keys, self._keys).tolist()
        self.hits = {now[number]: hits for number, hits in before.hits.items() if now[number] >= 0}
        for key in before._over_budget:
            old = before.number(*key)
            if now[old] >= 0 and self.signatures[now[old]].raw == before.signatures[old].raw:
                self._over_budget.add(key)

    # Looking up -------------------------------------------------------------------------------

    @property
    def notices(self) -> list[str]:
        return list(self._switches.notices)

    @property
    def loaded(self) -> int:
        """Rules that can run."""
        return len(self.signatures) - len(self.ruleset.refused)

    @property
    def of_files(self) -> int:
        """Those of them that files have."""
        return self.loaded - self.built_in

    def lacking(self, files: Sequence[str]) -> str:
        """What to say when those files hold not one rule, not even a refused one; "" when they do."""
        if self.refused or self.loaded > self.built_in:
            return ""
        return f"There is no rule in {', '.join(files)}. Files of rules end in .rules, packs in .yaml."

    @property
    def enabled_count(self) -> int:
        return sum(self._enabled)

    def number(self, gid: int, sid: int) -> int:
        """Number of a rule. Raises KeyError."""
        found = self._numbers([(gid, sid)])
        if not found:
            raise KeyError((gid, sid))
        return found[0]

    def observe(
        self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch, said: Said
    ) -> Iterator[tuple[int, Finding]]:
        """What the behaviours find in a batch, with the number of the rule. Those that are off go on learning
        and stay silent. said: what its senders say of addresses."""
        for behaviour in self.behaviours:
            for finding in (*behaviour.observe(packets, decoded, flows), *behaviour.heed(said)):
                number = self._of_behaviour[finding.sid]
                if self._enabled[number]:
                    yield number, finding

    def of_living(self, now_ns: int) -> Iterator[tuple[int, int, str]]:
        """Rule, slot and sentence for flows that broke a policy when it came into force."""
        number = self._of_behaviour[SEGMENTATION_SID]
        for slot, detail in self.segmentation.tell_living(now_ns):
            if self._enabled[number]:
                yield number, slot, detail

    def follow(self, topology: Topology) -> None:
        """Tell the behaviours which switches, ports and guests there are."""
        for behaviour in self.behaviours:
            behaviour.follow(topology)

    def hit(self, number: int, ts_ns: int) -> None:
        count, _ = self.hits.get(number, (0, 0))
        self.hits[number] = (count + 1, ts_ns)

    def rows(self) -> RulesMessage:
        """All that the Rules screen lists."""
        rows = [
            *listed(self.ruleset.signatures),
            *(Listed.of(s) for b in self.behaviours for s in b.signatures),
        ]
        rules = tuple(self._row(n, row) for n, row in enumerate(rows) if n not in self.ruleset.refused)
        packs = tuple(PackRow(p.name, p.description, p.version, p.path) for p in self._packs)
        built_in = PackRow(PACK, "What no signature says; part of the program.", "", "built in")
        refused = tuple(RefusedRow(e.path, e.line, e.sid, e.reason) for e in self.refused)
        return RulesMessage(self.serial, (*packs, built_in), rules, refused)

    def _row(self, number: int, row: Listed) -> RuleRow:
        gid, sid, pack, _ = self._shipped[number]
        origin = f"{row.path}:{row.line}" if gid != GID else row.path
        return RuleRow(
            gid, sid, row.rev, row.msg, pack, origin, row.classtype, row.priority, row.technique,
            self._enabled[number], "budget" if (gid, sid) in self._over_budget else "",
        )  # fmt: skip

    def detail(self, gid: int, sid: int) -> RuleDetail:
        """One rule, whole and in words; empty when it is not loaded."""
        found = self._numbers([(gid, sid)])
        if not found:
            return RuleDetail(gid, sid, "", "")
        s = self.signatures[found[0]]
        origin = s.origin.path if s.gid == GID else f"{s.origin.path}:{s.origin.line}"
        words = "" if s.gid == GID else describe(s)
        return RuleDetail(gid, sid, s.raw, origin, words, s.metadata, s.reference)

    def _numbers(self, keys: Iterable[Key]) -> list[int]:
        """Of those that are loaded."""
        found = numbers_of(keys_of(keys), self._keys)
        return [number for number in found.tolist() if number >= 0]

    def _of_pack(self, name: str) -> list[int]:
        if name not in self.identity.packs:
            return []
        found: list[int] = np.flatnonzero(self.identity.pack == self.identity.packs.index(name)).tolist()
        return found

    # Switching --------------------------------------------------------------------------------

    def toggle(self, command: Toggle) -> ToggledMessage:
        """Switch rules; acts on the next batch. A switch that cannot be kept still acts, and says so."""
        single = self._numbers(dict.fromkeys(command.sids))
        packed = self._of_pack(command.pack) if command.pack else []
        chosen = sorted({*single, *packed})
        if not chosen:
            return ToggledMessage("No loaded rule is meant by that.", 0, self.serial)
        self._over_budget -= {self._shipped[n][:2] for n in chosen}
        problem = self._keep(command.enabled, single, [command.pack] if packed else [])
        changed = self._apply(chosen)
        return ToggledMessage(self._what(command, chosen) + problem, changed, self.serial)

    def undo(self) -> ToggledMessage:
        """Take the last switch back."""
        try:
            label = self._switches.undo()
        except VpiError as error:
            label = f"the last switch ({error})"
        if not label:
            return ToggledMessage("Nothing to undo.", 0, self.serial)
        changed = self._apply(range(len(self.signatures)))
        effect = "" if changed else "; no loaded rule changes"
        return ToggledMessage(f"Undone: {label}{effect}.", changed, self.serial)

    def stop_for_budget(self, number: int) -> None:
        """Switch a rule off for what it costs; until the program ends, or somebody switches it."""
        self._over_budget.add(self.identity.key(number))
        self._apply([number])

    def _keep(self, enabled: bool, rules: Iterable[int], packs: Iterable[str]) -> str:
        """Remember the switches; a sentence when they cannot be saved."""
        keys = [self._shipped[n][:2] for n in rules]
        try:
            self._switches.set(enabled, rules=keys, packs=packs)
        except VpiError as error:
            return f" It will not outlast this session: {error}"
        return ""

    def _what(self, command: Toggle, chosen: list[int]) -> str:
        word = "On" if command.enabled else "Off"
        raised = sum(self.hits.get(n, (0, 0))[0] for n in chosen)
        alerts = f"{raised:,} alert{'s' * (raised != 1)}"
        had = f"{'it' if len(chosen) == 1 else 'they'} had raised {alerts}"
        if len(chosen) == 1:
            return f"{word}: sid {self.identity.key(chosen[0])[1]}; {had}."
        return f"{word}: {len(chosen):,} rules{f' of {command.pack}' if command.pack else ''}; {had}."

    def _apply(self, numbers: Sequence[int]) -> int:
        """Let the matcher follow the switches of these rules; how many changed."""
        chosen = [self._shipped[n] for n in numbers]
        over = self._over_budget
        wanted = [
            on and rule[:2] not in over for rule, on in zip(chosen, self._switches.apply(chosen), strict=True)
        ]
        changed = 0
        for state in (True, False):
            flipped = [
                n
                for n, on in zip(numbers, wanted, strict=True)
                if on is state and self._enabled[n] is not state and n not in self.ruleset.refused
            ]
            for n in flipped:
                self._enabled[n] = state
            self.ruleset.set_enabled((n for n in flipped if n < self.ruleset.count), state)
            changed += len(flipped)
        self.serial += 1
        return changed


class Joined(Sequence[Signature]):
    """Two sequences as one."""

    def __init__(self, first: Sequence[Signature], second: Sequence[Signature]) -> None:
        self._first = first
        self._second = second
        self._split = len(first)

    def __len__(self) -> int:
        return self._split + len(self._second)

    @overload
    def __getitem__(self, number: int) -> Signature: ...
    @overload
    def __getitem__(self, number: slice) -> list[Signature]: ...
    def __getitem__(self, number: int | slice) -> Signature | list[Signature]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        at = number if number >= 0 else number + len(self)
        return self._first[at] if at < self._split else self._second[at - self._split]


def _shipped(identity: Identity) -> list[ShippedRule]:
    packs = [identity.packs[number] for number in identity.pack.tolist()]
    columns = (identity.gid.tolist(), identity.sid.tolist(), packs, identity.shipped.astype(bool).tolist())
    return [ShippedRule(*values) for values in zip(*columns, strict=True)]


def _switches(state_dir: str) -> RuleSwitches:
    """The switches kept there. What cannot be read must not keep the sensor from watching."""
    if not state_dir:
        return RuleSwitches(None)
    try:
        return RuleSwitches.load(Path(state_dir) / SWITCHES_FILE)
    except VpiError as error:
        return RuleSwitches(None, notices=[f"All rules are as shipped, and switches are not kept. {error}"])
