"""Packs and rules: what is on, what it hit, where it stands, and what did not load."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import PurePosixPath

from vpi_tui.feed.messages import PackRow, RefusedRow, RuleRow, RulesMessage
from vpi_tui.model.snapshot import RuleStat
from vpi_tui.view import humanize
from vpi_tui.view.cells import SEVERITY_STYLES, SEVERITY_WORDS, Cell, severity_index
from vpi_tui.view.escape import safe
from vpi_tui.view.filters import NOTHING, Fields, Filter, matches

FIELDS = Fields(
    keys=frozenset({"sid", "pack", "sev", "tech", "class", "file", "state"}),
    flags=frozenset({"on", "off", "hit", "refused"}),
    bare=frozenset({"on", "off"}),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list: a pack, a rule, the heading of the refused, or a refused rule."""

    key: Hashable
    pack: PackRow | None = None
    rule: RuleRow | None = None
    refused: RefusedRow | None = None


REFUSED = "\0refused"
"""Name under which the refused rules are folded; no pack can have it."""


class RuleBook:
    """One list of rules as the engine sent it, with hits laid over it."""

    def __init__(self, message: RulesMessage | None = None) -> None:
        rules = message.rules if message else ()
        self.serial = message.serial if message else -1
        self.packs = message.packs if message else ()
        self.refused = message.refused if message else ()
        self.by_id = {(rule.gid, rule.sid): rule for rule in rules}
        self.off = frozenset(key for key, rule in self.by_id.items() if not rule.enabled)
        """(gid, sid) of the rules that are switched off."""
        self.by_pack: dict[str, list[RuleRow]] = {pack.name: [] for pack in self.packs}
        for rule in rules:
            self.by_pack.setdefault(rule.pack, []).append(rule)
        self.hits: dict[tuple[int, int], RuleStat] = {}

    def __len__(self) -> int:
        return len(self.by_id)

    def set_hits(self, stats: Iterable[RuleStat]) -> None:
        self.hits = {(stat.gid, stat.sid): stat for stat in stats}

    def find(self, text: str) -> tuple[tuple[int, int], ...]:
        """Rules by sid or `gid:sid`; () when there is none."""
        gid, colon, sid = text.partition(":")
        number = sid if colon else gid
        if not number.isascii() or not number.isdigit() or len(number) > 12 or (colon and not gid.isdigit()):
            return ()
        wanted = int(number)
        return tuple(key for key in self.by_id if key[1] == wanted and (not colon or key[0] == int(gid)))

    def on_in(self, pack: str) -> int:
        return sum(rule.enabled for rule in self.by_pack.get(pack, ()))

    def entries(self, opened: frozenset[str], wanted: Filter = NOTHING) -> list[Entry]:
        """The list: packs, with their rules where opened; a filter opens all that have a match."""
        out: list[Entry] = []
        described = {pack.name: pack for pack in self.packs}
        for name, rules in self.by_pack.items():
            pack = described.get(name) or PackRow(name, "", "", "")
            chosen = [rule for rule in rules if self._holds(rule, wanted)] if wanted else rules
            if wanted and not chosen:
                continue
            out.append(Entry(("pack", name), pack=pack))
            if wanted or name in opened:
                out += [Entry(("rule", rule.gid, rule.sid), pack=pack, rule=rule) for rule in chosen]
        out += self._refused(opened, wanted)
        return out

    def _refused(self, opened: frozenset[str], wanted: Filter) -> list[Entry]:
        chosen = [row for row in self.refused if not wanted or self._holds_refused(row, wanted)]
        if not chosen:
            return []
        head = Entry(("pack", REFUSED), pack=PackRow(REFUSED, "did not load", "", ""))
        if not (wanted or REFUSED in opened):
            return [head]
        return [head, *(Entry(("refused", i), refused=row) for i, row in enumerate(chosen))]

    def _holds(self, rule: RuleRow, wanted: Filter) -> bool:
        state = "on" if rule.enabled else "off"
        hit = self.hits.get((rule.gid, rule.sid))
        flags = frozenset({state, "hit"} if hit and hit.hits else {state})
        fields: dict[str, Sequence[str]] = {
            "msg": (rule.msg.lower(),),
            "sid": (str(rule.sid),),
            "pack": (rule.pack.lower(),),
            "sev": (str(severity_index(rule.priority) + 1),),
            "tech": (rule.technique.lower(),),
            "class": (rule.classtype.lower(),),
            "file": (rule.origin.lower(),),
            "state": (state,),
        }
        return matches(wanted, fields, flags)

    @staticmethod
    def _holds_refused(row: RefusedRow, wanted: Filter) -> bool:
        fields: dict[str, Sequence[str]] = {
            "msg": (row.reason.lower(),),
            "sid": (str(row.sid),),
            "file": (f"{row.path}:{row.line}".lower(),),
            "state": ("refused",),
        }
        return matches(wanted, fields, frozenset({"refused"}))


class RuleRows:
    """Lines for a table; cells are made when they are looked at, because there may be 25,000.

    Columns: on/off, sid, name, severity, technique, hits, last hit, origin.
    """

    def __init__(
        self,
        book: RuleBook,
        entries: Sequence[Entry],
        opened: frozenset[str],
        signs: Signs,
        zone: tzinfo = UTC,
    ) -> None:
        self._book = book
        self._entries = entries
        self._opened = opened
        self._signs = signs
        self._zone = zone
        self._places: dict[Hashable, int] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, index: int) -> Entry | None:
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def key(self, index: int) -> Hashable:
        return self._entries[index].key

    def find(self, key: Hashable) -> int | None:
        if self._places is None:
            self._places = {entry.key: index for index, entry in enumerate(self._entries)}
        return self._places.get(key)

    def row(self, index: int) -> Sequence[Cell]:
        entry = self._entries[index]
        if entry.rule:
            return self._rule(entry.rule)
        if entry.refused:
            return self._refused(entry.refused)
        return self._pack(entry.pack) if entry.pack else ()

    def _pack(self, pack: PackRow) -> Sequence[Cell]:
        fold = self._signs.opened if pack.name in self._opened else self._signs.closed
        if pack.name == REFUSED:
            count = len(self._book.refused)
            return (
                (f"{fold}", "rule.refused"),
                (f"{count}", "rule.refused"),
                (f"{'rule' if count == 1 else 'rules'} refused", "rule.refused"),
            )
        rules = self._book.by_pack.get(pack.name, [])
        on = sum(rule.enabled for rule in rules)
        stats = [self._book.hits[key] for rule in rules if (key := (rule.gid, rule.sid)) in self._book.hits]
        hits = sum(stat.hits for stat in stats)
        last = max((stat.last_hit_ns for stat in stats), default=0)
        state = "rule.on" if on else "rule.off"
        about = f"{safe(pack.name, 60) or 'rules without a pack'}  {safe(pack.description, 200)}".strip()
        return (
            (f"{fold} {'on' if on == len(rules) else 'part' if on else 'off'}", state),
            (f"{on}/{len(rules)}", "number"),
            (about, "title"),
            "",
            "",
            (humanize.count(hits) if hits else "-", "number"),
            (humanize.clock(last, self._zone), "time"),
            (safe(_short(pack.path), 60), "muted"),
        )

    def _rule(self, rule: RuleRow) -> Sequence[Cell]:
        level = severity_index(rule.priority)
        stat = self._book.hits.get((rule.gid, rule.sid))
        hits = stat.hits if stat else 0
        on = rule.enabled
        return (
            (f"  {self._signs.on} on" if on else f"  {self._signs.off} off", "rule.on" if on else "rule.off"),
            (str(rule.sid) if rule.gid == 1 else f"{rule.gid}:{rule.sid}", "number" if on else "rule.off"),
            (safe(rule.msg, 200), "signature" if on else "rule.off"),
            (SEVERITY_WORDS[level], SEVERITY_STYLES[level] if on else "rule.off"),
            (safe(rule.technique, 16) or "-", "muted"),
            (humanize.count(hits) if hits else "-", "number" if on else "rule.off"),
            (humanize.clock(stat.last_hit_ns, self._zone) if stat else "-", "time"),
            (safe(_short(rule.origin), 60), "muted"),
        )

    @staticmethod
    def _refused(row: RefusedRow) -> Sequence[Cell]:
        return (
            ("  refused", "rule.refused"),
            (str(row.sid) if row.sid else "-", "number"),
            (safe(row.reason, 300), "text"),
            "",
            "",
            "",
            "",
            (f"{safe(_short(row.path), 60)}:{row.line}", "muted"),
        )


@dataclass(frozen=True, slots=True)
class Signs:
    """Characters for on, off, an opened and a closed pack."""

    on: str = "*"
    off: str = "o"
    opened: str = "-"
    closed: str = "+"


def _short(path: str) -> str:
    """The last part of a path: the rest is the same on every line."""
    return PurePosixPath(path).name
