"""Packs and rules: what is on, what it hit, where it stands, and what did not load."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import PurePosixPath
from typing import Any

from msgspec import structs

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


@dataclass(frozen=True, slots=True)
class Order:
    """key: one of ORDERS."""

    key: str
    descending: bool


ORDERS: Mapping[str, Callable[[RuleRow, RuleStat | None], Any]] = {
    "sid": lambda rule, _: (rule.gid, rule.sid),
    "name": lambda rule, _: rule.msg.lower(),
    "severity": lambda rule, _: -severity_index(rule.priority),
    "hits": lambda _, stat: stat.hits if stat else 0,
    "checks": lambda _, stat: stat.checks if stat else 0,
    "matches": lambda _, stat: stat.matches if stat else 0,
    "cpu": lambda _, stat: stat.cpu_ns if stat else 0,
    "last": lambda _, stat: stat.last_hit_ns if stat else 0,
}
"""What rules can be sorted by."""
TITLES: Mapping[str, str] = {
    "sid": "sid",
    "name": "name",
    "severity": "severity",
    "hits": "hits",
    "checks": "checks",
    "matches": "matches",
    "cpu": "CPU",
    "last": "last hit",
}
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
        self.has_reasons = any(rule.why_off for rule in rules)
        """Is some rule off though the operator has not switched it off?"""
        self.by_pack: dict[str, list[RuleRow]] = {pack.name: [] for pack in self.packs}
        for rule in rules:
            self.by_pack.setdefault(rule.pack, []).append(rule)
        self.hits: dict[tuple[int, int], RuleStat] = {}
        self.busy_seconds = 0.0
        """CPU time that the engine has spent on packets, of which the rules have their shares."""

    def __len__(self) -> int:
        return len(self.by_id)

    def set_hits(self, stats: Iterable[RuleStat], busy_seconds: float = 0.0) -> None:
        self.hits = {(stat.gid, stat.sid): stat for stat in stats}
        self.busy_seconds = busy_seconds

    def share(self, cpu_ns: int) -> float | None:
        """Of the engine's work on packets; None = nothing to compare with."""
        return cpu_ns / 1e9 / self.busy_seconds if cpu_ns and self.busy_seconds else None

    def find(self, text: str) -> tuple[tuple[int, int], ...]:
        """Rules by sid or `gid:sid`; () when there is none."""
        gid, colon, sid = text.partition(":")
        number = sid if colon else gid
        if not number.isascii() or not number.isdigit() or len(number) > 12 or (colon and not gid.isdigit()):
            return ()
        wanted = int(number)
        return tuple(key for key in self.by_id if key[1] == wanted and (not colon or key[0] == int(gid)))

    def switched(self, enabled: bool, sids: Iterable[tuple[int, int]], pack: str = "") -> RuleBook:
        """As the engine will list them once it has obeyed, so that the next key switches the other way."""
        chosen = {*sids, *((rule.gid, rule.sid) for rule in self.by_pack.get(pack, ()) if pack)}
        rules = tuple(
            structs.replace(rule, enabled=enabled, why_off="") if key in chosen else rule
            for key, rule in self.by_id.items()
        )
        book = RuleBook(RulesMessage(self.serial, self.packs, rules, self.refused))
        book.hits, book.busy_seconds = self.hits, self.busy_seconds
        return book

    def on_in(self, pack: str) -> int:
        return sum(rule.enabled for rule in self.by_pack.get(pack, ()))

    def entries(
        self, opened: frozenset[str], wanted: Filter = NOTHING, order: Order | None = None
    ) -> list[Entry]:
        """The list: packs, with their rules where opened; a filter opens all that have a match.

        order: None = packs as they were loaded; else all rules without their packs, in this order.
        """
        if order is not None:
            return self._ordered(wanted, order)
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

    def _ordered(self, wanted: Filter, order: Order) -> list[Entry]:
        described = {pack.name: pack for pack in self.packs}
        rules = [rule for rule in self.by_id.values() if not wanted or self._holds(rule, wanted)]
        value = ORDERS[order.key]
        rules.sort(
            key=lambda rule: value(rule, self.hits.get((rule.gid, rule.sid))), reverse=order.descending
        )
        return [Entry(("rule", r.gid, r.sid), pack=described.get(r.pack), rule=r) for r in rules]

    def _refused(self, opened: frozenset[str], wanted: Filter) -> list[Entry]:
        chosen = [row for row in self.refused if not wanted or self._holds_refused(row, wanted)]
        if not chosen:
            return []
        head = Entry(("pack", REFUSED), pack=PackRow(REFUSED, "did not load", "", ""))
        if not (wanted or REFUSED in opened):
            return [head]
        return [head, *(Entry(("refused", i), refused=row) for i, row in enumerate(chosen))]

    def _holds(self, rule: RuleRow, wanted: Filter) -> bool:
        state = "on" if rule.enabled else f"off {rule.why_off}".strip()
        hit = self.hits.get((rule.gid, rule.sid))
        flag = "on" if rule.enabled else "off"
        flags = frozenset({flag, "hit"} if hit and hit.hits else {flag})
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

    Columns: on/off, sid, name, severity, technique, hits, checks, matches, CPU share, last hit, origin.
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
        hits, checks, matches, cpu_ns = (
            sum(getattr(stat, name) for stat in stats) for name in ("hits", "checks", "matches", "cpu_ns")
        )
        last = max((stat.last_hit_ns for stat in stats), default=0)
        state = "rule.on" if on else "rule.off"
        about = f"{safe(pack.name, 60)}  {safe(pack.description, 200)}".strip()
        return (
            (f"{fold} {'on' if on == len(rules) else 'part' if on else 'off'}", state),
            (_share_on(on, len(rules)), "number"),
            (about, "title"),
            "",
            "",
            (_count(hits), "number"),
            (_count(checks), "muted"),
            (_count(matches), "muted"),
            (self._share(cpu_ns), "number"),
            (humanize.clock(last, self._zone), "time"),
            (safe(_short(pack.path), 60), "muted"),
        )

    def _rule(self, rule: RuleRow) -> Sequence[Cell]:
        level = severity_index(rule.priority)
        stat = self._book.hits.get((rule.gid, rule.sid))
        hits = stat.hits if stat else 0
        on = rule.enabled
        off = f"off: {safe(rule.why_off, 6)}" if rule.why_off else f"  {self._signs.off} off"
        return (
            (f"  {self._signs.on} on" if on else off, "rule.on" if on else "rule.off"),
            (str(rule.sid) if rule.gid == 1 else f"{rule.gid}:{rule.sid}", "number" if on else "rule.off"),
            (safe(rule.msg, 200), "signature" if on else "rule.off"),
            (SEVERITY_WORDS[level], SEVERITY_STYLES[level] if on else "rule.off"),
            (safe(rule.technique, 16) or "-", "muted"),
            (_count(hits), "number" if on else "rule.off"),
            (_count(stat.checks if stat else 0), "muted"),
            (_count(stat.matches if stat else 0), "muted"),
            (self._share(stat.cpu_ns if stat else 0), "number" if on else "rule.off"),
            (humanize.clock(stat.last_hit_ns, self._zone) if hits and stat else "-", "time"),
            (safe(_short(rule.origin), 60), "muted"),
        )

    def _share(self, cpu_ns: int) -> str:
        share = self._book.share(cpu_ns)
        return "-" if share is None else humanize.percent(share)

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


def busy_seconds(stats: Mapping[str, float]) -> float:
    """CPU time of all stages, of Snapshot.stats."""
    return sum(
        value for name, value in stats.items() if name.startswith("stage.") and name.endswith(".seconds")
    )


def _share_on(on: int, all_of_them: int) -> str:
    """`15/16`; of thousands, for which there is no room, those that are on."""
    both = f"{on}/{all_of_them}"
    return both if len(both) <= 8 else f"{on:,}"


def _count(number: int) -> str:
    return humanize.count(number) if number else "-"


def _short(path: str) -> str:
    """The last part of a path: the rest is the same on every line."""
    return PurePosixPath(path).name
