"""Who speaks to whom: pairs as a list, and as a grid of guests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from vpi_tui.model.matrix import ELSEWHERE, GROUPS, PairStat
from vpi_tui.model.snapshot import Snapshot
from vpi_tui.model.topology import Locality
from vpi_tui.view import humanize
from vpi_tui.view.cells import LazyRows
from vpi_tui.view.escape import is_safe, safe
from vpi_tui.view.filters import NOTHING, Fields, Filter, matches

MEASURES = ("bytes", "flows", "alerts")
FIELDS = Fields(
    keys=frozenset({"src", "dest", "guest", "switch", "alert"}),
    flags=frozenset({"new", "broken", "alerted", "east-west", "north-south", "host", "external", "unknown"}),
    bare=frozenset({"new", "broken"}),
)
SHADES = 4
"""Steps of the heat of a cell, from 1; each is a factor of ten below the next."""
PLACES = {place: place.name.lower().replace("_", "-") for place in Locality}
PATHS = {
    Locality.EAST_WEST: "e-w",
    Locality.NORTH_SOUTH: "n-s",
    Locality.HOST: "host",
    Locality.EXTERNAL: "ext",
    Locality.UNKNOWN: "?",
}
"""The same in at most four cells."""


Pairs = Mapping[tuple[str, str], PairStat]
"""By source and destination: all that one end opened to another, whatever switch it ran on."""


def joined(stats: Iterable[PairStat], wanted: Filter = NOTHING) -> Pairs:
    """One entry for each two ends, those that hold the filter. Most ends are on one switch only."""
    pairs: dict[tuple[str, str], PairStat] = {}
    for stat in stats:
        key = stat.src, stat.dest
        before = pairs.get(key)
        pairs[key] = stat if before is None else _sum(before, stat)
    return {key: pair for key, pair in pairs.items() if _holds(pair, wanted)} if wanted else pairs


def _sum(one: PairStat, other: PairStat) -> PairStat:
    return PairStat(
        one.src, one.dest, one.switch, one.locality, one.bytes + other.bytes, one.flows + other.flows,
        one.alerts + other.alerts, min(one.first_ns or other.first_ns, other.first_ns),
        max(one.last_ns, other.last_ns), one.new or other.new, one.broken or other.broken,
    )  # fmt: skip


def _holds(pair: PairStat, wanted: Filter) -> bool:
    src, dest = pair.src.lower(), pair.dest.lower()
    fields = {"src": [src], "dest": [dest], "guest": [src, dest], "switch": [pair.switch.lower()]}
    flags = {PLACES[pair.locality], *(_marks(pair))}
    return matches(wanted, {**fields, "alert": [str(pair.alerts)]}, frozenset(flags))


def _marks(pair: PairStat) -> list[str]:
    held = {"new": pair.new, "broken": bool(pair.broken), "alerted": pair.alerts > 0}
    return [name for name, holds in held.items() if holds]


# The list -------------------------------------------------------------------------------------

WORDS = frozenset({"src", "dest"})
"""Columns that begin at A when they are chosen; all others begin with the most."""
SORTS: dict[str, Callable[[PairStat], object]] = {
    "bytes": lambda p: -p.bytes,
    "flows": lambda p: -p.flows,
    "alerts": lambda p: -p.alerts,
    "src": lambda p: p.src.lower(),
    "dest": lambda p: p.dest.lower(),
    "mark": lambda p: (not p.broken, not p.new),
    "first": lambda p: -p.first_ns,
    "last": lambda p: -p.last_ns,
}


def pair_rows(pairs: Pairs, sort: str, descending: bool, now_ns: int, broken: str) -> LazyRows:
    """Columns: mark, source, destination, bytes, flows, alerts, path, age of the first packet, of the last,
    and the line that is broken. broken: the sign of a pair that breaks the policy."""
    order = SORTS[sort]
    turned = descending if sort in WORDS else not descending
    ranked = sorted(pairs.values(), key=lambda p: (order(p), p.src, p.dest), reverse=turned)

    def cells(index: int) -> tuple[tuple[str, str], ...]:
        pair = ranked[index]
        return (
            mark_of(pair, broken),
            (safe(pair.src, 64), end_style(pair.src)),
            (safe(pair.dest, 64), end_style(pair.dest)),
            (humanize.size(pair.bytes), "number"),
            (humanize.count(pair.flows), "number"),
            (f"!{humanize.count(pair.alerts)}" if pair.alerts else "-", _alert_style(pair)),
            ("-" if pair.dest in GROUPS else PATHS[pair.locality], "muted"),
            (humanize.ago(pair.first_ns, now_ns), "time"),
            (humanize.ago(pair.last_ns, now_ns), "time"),
            (safe(pair.broken, 80), "warning"),
        )

    return LazyRows([(pair.src, pair.dest) for pair in ranked], cells)


def mark_of(pair: PairStat, broken: str) -> tuple[str, str]:
    """A sign and a word: it breaks the policy, or it is new."""
    if pair.broken:
        return f"{broken} policy", "error"
    return ("+ new", "new") if pair.new else ("", "muted")


def end_style(name: str) -> str:
    return "muted" if name in ELSEWHERE else "guest"


def _alert_style(pair: PairStat) -> str:
    return "severity.high" if pair.alerts else "muted"


# The grid -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GridCell:
    """text: a humanised number. shade: 0 = nothing, to SHADES = the most."""

    text: str
    shade: int
    new: bool
    broken: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """Who opened connections to whom. Only ends with traffic; those with the most first, no guests last."""

    sources: tuple[str, ...] = ()
    dests: tuple[str, ...] = ()
    pairs: Pairs = field(default_factory=dict)
    measure: str = "bytes"
    peak: int = 0

    def cell(self, src: str, dest: str) -> GridCell | None:
        """None = they did not speak."""
        pair = self.pairs.get((src, dest))
        if pair is None:
            return None
        value = int(getattr(pair, self.measure))
        text = humanize.count(value) if value else "-"
        return GridCell(text, shade(value, self.peak), pair.new, bool(pair.broken))


def grid(pairs: Pairs, measure: str) -> Grid:
    """Order by bytes whatever the measure is, so that rows and columns stay when it is switched."""
    sums: tuple[dict[str, int], dict[str, int]] = ({}, {})
    opened, taken = sums
    for (src, dest), pair in pairs.items():
        opened[src] = opened.get(src, 0) + pair.bytes
        taken[dest] = taken.get(dest, 0) + pair.bytes
    sources, dests = (
        tuple(sorted(side, key=lambda name: (name in ELSEWHERE, -side[name], name))) for side in sums
    )
    peak = max(map(attrgetter(measure), pairs.values()), default=0)
    return Grid(sources, dests, pairs, measure, peak)


def shade(value: int, peak: int) -> int:
    """How hot a cell is: 1 to SHADES by powers of ten below the peak; 0 = nothing."""
    if value <= 0 or peak <= 0:
        return 0
    return max(1, SHADES - int(math.log10(max(peak, value) / value)))


def told(pair: PairStat, now_ns: int) -> str:
    """One pair in a line."""
    parts = [
        f"{safe(pair.src, 48)} > {safe(pair.dest, 48)}",
        humanize.size(pair.bytes),
        f"{humanize.count(pair.flows)} flow{'s' * (pair.flows != 1)}",
        f"{humanize.count(pair.alerts)} alert{'s' * (pair.alerts != 1)}" if pair.alerts else "",
        "" if pair.dest in GROUPS else PLACES[pair.locality],
        f"first {_since(pair.first_ns, now_ns)}",
    ]
    return "  ".join(part for part in parts if part)


def told_nothing(src: str, dest: str) -> str:
    """What is said of two ends that did not speak."""
    if src == dest:
        return f"What {safe(src, 48)} says to itself crosses no switch."
    return f"{safe(src, 48)} has opened nothing to {safe(dest, 48)} in this window."


def _since(then_ns: int, now_ns: int) -> str:
    age = humanize.ago(then_ns, now_ns)
    return age if age in ("-", "now") else f"{age} ago"


# Flows of a pair ------------------------------------------------------------------------------


def flows_filter(src: str, dest: str) -> str:
    """What to type after `/` on the Flows screen for the flows of a pair; "" = no filter can say it."""
    terms = [_end_term("src", "client", src), _end_term("dst", "server", dest)]
    return " ".join(terms) if all(terms) else ""


def _end_term(key: str, side: str, name: str) -> str:
    if name in ELSEWHERE:
        return f"is:{side}-{name}"
    if not name or '"' in name or not is_safe(name):
        return ""
    return f'{key}:="{name}"' if " " in name else f"{key}:={name}"


def inside_share(inside: int, whole: int) -> float:
    """Share of bytes that no sensor on the wire could have seen, 0..1."""
    return min(inside / whole, 1.0) if whole > 0 else 0.0


def inside_words(mode: str) -> str:
    """What is said of that share. Of a capture nobody knows which hosts had a wire between them."""
    return "passed between hosts of this capture" if mode == "replay" else "never left this host"


def empty_text(
    snapshot: Snapshot | None, window: str, filtered: bool, *, unasked: bool = False
) -> tuple[str, str]:
    """Why no pair is shown, and what to do. unasked: the picture was frozen before this screen was opened."""
    if unasked:
        return "The picture was frozen before pairs were looked at.", "p goes on, and they are shown."
    if snapshot is not None and not snapshot.has_matrix:
        return "Pairs are being fetched.", "They come with the next picture."
    if filtered:
        return "No pair fits the filter.", "Esc takes it away."
    if snapshot is not None and snapshot.flows.total and not snapshot.guests:
        return "No guest is known here.", "Name them in inventory.yaml; see --inventory."
    if window != "all":
        return "Nobody spoke in this window.", "w chooses a longer one."
    return "Nobody has spoken yet.", "Pairs appear with the first flows."
