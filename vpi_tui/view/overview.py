"""The overview: the header's figures, the tree, the mix of protocols, the top talkers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from vpi_tui.model.snapshot import (
    GuestStat,
    Severities,
    Snapshot,
    SwitchStat,
    TalkerKind,
    TalkerTable,
    Window,
)
from vpi_tui.view import humanize, unwatched
from vpi_tui.view.alerts import Group, inbox_rows
from vpi_tui.view.cells import Cell, LazyRows, Row, Rows
from vpi_tui.view.escape import safe
from vpi_tui.view.history import History
from vpi_tui.view.learned import shown_name
from vpi_tui.view.scope import Scope, absence, counters_of

SPARK_POINTS = 7
KINDS: tuple[TalkerKind, ...] = ("guest", "peer", "port", "application")
WINDOWS: tuple[Window, ...] = ("10s", "1m", "10m", "all")
WINDOW_WORDS: dict[str, str] = {
    "10s": "10 s",
    "1m": "1 min",
    "10m": "10 min",
    "all": "since start",
}


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a whole. share: 0..1."""

    name: str
    bytes: int
    share: float


def protocol_mix(snapshot: Snapshot, most: int = 5) -> list[Share]:
    """The largest protocols of the watched scope, the rest summed up as `other`."""
    whole = sum(amount for _, amount in snapshot.protocols)
    if whole <= 0:
        return []
    ranked = [(name, amount) for name, amount in snapshot.protocols if amount > 0]
    room = most if len(ranked) <= most else most - 1
    rows = [Share(safe(name, 24), amount, amount / whole) for name, amount in ranked[:room]]
    rest = whole - sum(row.bytes for row in rows)
    return [*rows, Share("other", rest, rest / whole)] if rest > 0 and len(ranked) > room else rows


def east_west(snapshot: Snapshot, scope: Scope) -> Share:
    """Bytes that never left this host, of all bytes of the scope since the start."""
    counters = counters_of(snapshot, scope)
    whole = counters.bytes_in + (counters.bytes_out if scope.kind == "guest" else 0)
    share = counters.inside_bytes / whole if whole else 0.0
    return Share("east-west", counters.inside_bytes, min(share, 1.0))


def talkers(snapshot: Snapshot, kind: TalkerKind, window: Window) -> TalkerTable | None:
    return next((t for t in snapshot.talkers if t.kind == kind and t.window == window), None)


def talker_rows(table: TalkerTable | None, rows: int) -> Rows:
    """Columns: name, share, bytes, packets, flows."""
    if table is None:
        return Rows()
    whole = table.total_bytes or sum(row.bytes for row in table.rows) or 1
    style = {"guest": "guest", "peer": "text", "port": "protocol", "application": "protocol"}[table.kind]
    return Rows(
        [
            Row(
                (table.kind, row.label),
                (
                    (safe(row.label, 80), style),
                    humanize.percent(row.bytes / whole),
                    humanize.size(row.bytes),
                    humanize.count(row.pkts),
                    humanize.count(row.flows),
                ),
            )
            for row in table.rows[:rows]
        ]
    )


# The tree -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One line of the tree. key: the scope. depth: 0 = all, 1 = switch, 2 = guest. last: of its siblings.

    expanded: None = it has no children. style: name of a theme style. away: why it has no rate. What
    moves is read when it is looked at: of hundreds of guests few lines are on the screen.
    """

    history: History = field(repr=False, compare=False)
    key: str
    name: str
    depth: int
    style: str
    alerts: Severities
    coverage: str
    last: bool = False
    parent_last: bool = False
    expanded: bool | None = None
    away: str = ""

    @property
    def rate(self) -> str:
        """Or why there is none: it is not here, or nobody looks; no name is cut for the reason so."""
        if self.away:
            return self.away
        moving = self.history.rates(self.key).bytes
        return humanize.bit_rate(moving) if moving >= 1 else "-"

    @property
    def spark(self) -> tuple[float, ...]:
        ways = (self.history.series(self.key, way, SPARK_POINTS).values for way in ("bytes_in", "bytes_out"))
        return tuple(a + b for a, b in zip(*ways, strict=True))


def tree(snapshot: Snapshot, history: History, folded: Collection[str] = ()) -> list[TreeNode]:
    """Everything, the switches, and the guests of those that are not folded; loose guests come last. What is
    not watched is there too."""
    nodes = [
        _node(history, "", "all", 0, "title", snapshot.total.alerts, snapshot.total.coverage, expanded=True)
    ]
    by_switch: dict[str, list[GuestStat]] = {}
    for guest in (*snapshot.guests, *unwatched.guests(snapshot)):
        by_switch.setdefault(guest.switch, []).append(guest)
    switches = (*snapshot.switches, *unwatched.switches(snapshot))
    known = {switch.name for switch in switches}
    loose = [g for name, guests in by_switch.items() if name not in known for g in guests]
    for place, switch in enumerate(switches):
        last = place == len(switches) - 1 and not loose
        nodes += _branch(history, switch, by_switch.get(switch.name, []), folded, last=last)
    nodes += [_guest(history, guest, 1, last=guest is loose[-1]) for guest in loose]
    return nodes


def _branch(
    history: History, switch: SwitchStat, guests: list[GuestStat], folded: Collection[str], *, last: bool
) -> list[TreeNode]:
    key = f"switch:{switch.name}"
    opened = key not in folded
    expanded = opened if guests else None
    name = safe(switch.name, 64)
    node = _node(
        history, key, name, 1, "switch", switch.alerts, switch.coverage, last=last, expanded=expanded
    )
    if switch.kind == unwatched.STATE:
        node = replace(node, away=unwatched.STATE)
    if not opened:
        return [node]
    return [node, *(_guest(history, g, 2, last=g is guests[-1], parent_last=last) for g in guests)]


def _guest(
    history: History, guest: GuestStat, depth: int, *, last: bool, parent_last: bool = False
) -> TreeNode:
    style = "guest" if guest.present else "guest.gone"
    node = _node(
        history,
        f"guest:{guest.name}",
        shown_name(guest, 64),
        depth,
        style,
        guest.alerts,
        guest.coverage,
        last=last,
        parent_last=parent_last,
    )
    return node if guest.present else replace(node, away=absence(guest))


def _node(
    history: History,
    key: str,
    name: str,
    depth: int,
    style: str,
    alerts: Severities,
    coverage: str,
    *,
    last: bool = False,
    parent_last: bool = False,
    expanded: bool | None = None,
) -> TreeNode:
    return TreeNode(history, key, name, depth, style, alerts, coverage, last, parent_last, expanded)


# Traffic over time ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Traffic:
    """Two curves in bits a second, one above the other. now: their newest rates in bytes a second."""

    names: tuple[str, str]
    short_names: tuple[str, str]
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    now: tuple[float, float]
    step: float
    """Seconds that one value covers."""
    number: int
    """Number of the newest value; grows by one each time the curves move on."""


def traffic(history: History, scope: Scope, points: int) -> Traffic:
    """A guest: what it sent above what it received. A switch or all, where each frame counts once: what
    stayed on this host above what left or entered it."""
    key = scope.key
    into = history.series(key, "bytes_in", points)
    rates = history.rates(key)
    number = history.column_number(points)
    if scope.kind == "guest":
        out = history.series(key, "bytes_out", points)
        names, short, lower = ("sent", "received"), ("tx", "rx"), out.values
        upper, now = into.values, (rates.bytes_in, rates.bytes_out)
    else:
        inside = history.series(key, "inside_bytes", points)
        names, short, upper = ("east-west", "north-south"), ("e-w", "n-s"), inside.values
        lower = tuple(max(0.0, a - b) for a, b in zip(into.values, inside.values, strict=True))
        now = (rates.inside_bytes, max(0.0, rates.bytes_in - rates.inside_bytes))
    bits = tuple(8 * v for v in upper), tuple(8 * v for v in lower)
    return Traffic(names, short, *bits, now, float(into.step), number)


def alert_rows(groups: Sequence[Group], marks: Sequence[str], now_ns: int, zone: tzinfo) -> LazyRows:
    """The inbox in short. Columns: severity, count, signature, guest and peer, technique, age."""
    whole = inbox_rows(groups, marks, now_ns, zone)

    def cells(index: int) -> tuple[Cell, ...]:
        severity, count, signature, parties, age, technique, *_ = whole.row(index)
        return severity, count, signature, parties, technique, age

    return LazyRows([group.key for group in groups], cells)
