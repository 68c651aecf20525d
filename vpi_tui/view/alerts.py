"""The inbox: alerts grouped by signature and guest, with what the operator said of each group.

Memory is bounded: the newest alerts are kept, all are counted; when there are too many groups the one
that was quiet longest makes room, and that is counted too.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from vpi_tui.model.event import Alert
from vpi_tui.view import humanize
from vpi_tui.view.cells import SEVERITY_STYLES, SEVERITY_WORDS, Cell, LazyRows, Row, Rows, severity_index
from vpi_tui.view.escape import safe
from vpi_tui.view.filters import NOTHING, Fields, Filter, matches
from vpi_tui.view.scope import ALL, Scope

GroupKey = tuple[int, int, str]
"""gid, sid, subject"""

_PEERS = 32
_NOTE = 500
FIELDS = Fields(
    keys=frozenset(
        {"src", "dst", "ip", "net", "port", "app", "guest", "switch", "sev", "sid", "tech", "pack"}
    ),
    flags=frozenset({"new", "acked", "noted"}),
)


@dataclass(slots=True)
class Group:
    """All alerts of one signature about one subject: the guest that caused it, or that suffered it."""

    key: GroupKey
    newest: Alert
    first_ns: int
    last_ns: int
    count: int = 0
    acknowledged: int = 0
    """Value of `count` when it was acknowledged; what comes later is new again."""
    note: str = ""
    peers: OrderedDict[str, None] = field(default_factory=OrderedDict)
    kept: deque[Alert] = field(default_factory=deque)

    @property
    def open(self) -> int:
        """Alerts that nobody has acknowledged."""
        return self.count - self.acknowledged

    @property
    def severity(self) -> int:
        """0 = high, 1 = medium, 2 = low."""
        return severity_index(self.newest.priority)


class Inbox:
    """Takes alerts as they come; at most `most_alerts` are kept whole, in at most `most_groups` groups."""

    def __init__(self, *, most_alerts: int = 10_000, most_groups: int = 2_000) -> None:
        self._most_alerts = most_alerts
        self._most_groups = most_groups
        self._groups: OrderedDict[GroupKey, Group] = OrderedDict()
        self._order: deque[tuple[GroupKey, int]] = deque()
        self.total = 0
        self.dropped = 0
        """Alerts that the engine raised and could not deliver, as it says."""

    def add(self, alerts: Iterable[Alert], dropped: int = 0) -> None:
        self.dropped = max(self.dropped, dropped)
        for alert in alerts:
            self._add(alert)

    def _add(self, alert: Alert) -> None:
        key = (alert.gid, alert.sid, subject(alert))
        group = self._groups.get(key)
        if group is None:
            self._make_room()
            group = self._groups[key] = Group(key, alert, alert.ts_ns, alert.ts_ns)
        self._groups.move_to_end(key)
        group.count += 1
        group.newest = alert
        group.first_ns = min(group.first_ns, alert.ts_ns)
        group.last_ns = max(group.last_ns, alert.ts_ns)
        peer = other(alert)
        group.peers[peer] = None
        group.peers.move_to_end(peer)
        if len(group.peers) > _PEERS:
            group.peers.popitem(last=False)
        group.kept.append(alert)
        self._order.append((key, alert.number))
        self.total += 1
        if len(self._order) > self._most_alerts:
            self._drop_oldest()

    def _make_room(self) -> None:
        if len(self._groups) >= self._most_groups:
            self._groups.popitem(last=False)

    def _drop_oldest(self) -> None:
        key, number = self._order.popleft()
        group = self._groups.get(key)
        if group and len(group.kept) > 1 and group.kept[0].number == number:
            group.kept.popleft()

    def clear(self) -> None:
        """Forget all alerts: another engine counts anew."""
        self._groups.clear()
        self._order.clear()
        self.total = self.dropped = 0

    @property
    def kept(self) -> int:
        """Alerts that are still there whole."""
        return sum(len(group.kept) for group in self._groups.values())

    def __len__(self) -> int:
        return len(self._groups)

    def get(self, key: object) -> Group | None:
        return self._groups.get(key)  # type: ignore[call-overload,no-any-return]

    def groups(self) -> list[Group]:
        """Newest first."""
        return list(reversed(self._groups.values()))

    def of_flow(self, flow_id: int) -> list[Alert]:
        """Alerts of one flow that are still there whole, oldest first."""
        found = [a for group in self._groups.values() for a in group.kept if flow_id and a.flow_id == flow_id]
        return sorted(found, key=lambda alert: alert.number)

    def of_rule(self, gid: int, sid: int) -> list[Group]:
        """Groups of one rule, newest first."""
        return [group for group in self.groups() if group.key[:2] == (gid, sid)]

    def find(self, alert: Alert) -> Group | None:
        """The group that an alert belongs to; None when it was forgotten."""
        return self._groups.get((alert.gid, alert.sid, subject(alert)))

    def acknowledge(self, key: object) -> str:
        """Acknowledge what is open, or take that back when nothing is. Says what happened."""
        group = self.get(key)
        if group is None:
            return "No alert is chosen."
        if group.open:
            done, group.acknowledged = group.open, group.count
            return f"acknowledged {done} x {safe(group.newest.msg, 80)}; a new one opens it again"
        group.acknowledged = 0
        return f"opened again: {safe(group.newest.msg, 80)}"

    def annotate(self, key: object, note: str) -> str:
        group = self.get(key)
        if group is None:
            return "No alert is chosen."
        group.note = note.strip()[:_NOTE]
        return "note kept for this session" if group.note else "note removed"

    def open_by_severity(self, scope: Scope = ALL) -> tuple[int, int, int]:
        """Alerts that nobody acknowledged, in the scope."""
        counts = [0, 0, 0]
        for group in self._groups.values():
            if covers(scope, group):
                counts[group.severity] += group.open
        return counts[0], counts[1], counts[2]


def subject(alert: Alert) -> str:
    """The guest that an alert is about: the source when it is one of ours, else the one it was aimed at."""
    return alert.src_guest or alert.dest_guest or alert.src_ip


def other(alert: Alert) -> str:
    """The other end: its guest name, or its address."""
    if alert.src_guest:
        return alert.dest_guest or alert.dest_ip
    if alert.dest_guest:
        return alert.src_ip
    return alert.dest_ip


def covers(scope: Scope, group: Group) -> bool:
    if scope.kind == "all":
        return True
    if scope.kind == "switch":
        return group.newest.switch == scope.name
    alert = group.newest
    return scope.name in (group.key[2], alert.src_guest, alert.dest_guest) or scope.name in group.peers


# Rows -----------------------------------------------------------------------------------------

Order = Callable[[Group], object]
ORDERS: dict[str, Order] = {
    "last": lambda g: g.last_ns,
    "severity": lambda g: (-g.severity, g.last_ns),
    "count": lambda g: (g.count, g.last_ns),
    "first": lambda g: g.first_ns,
    "signature": lambda g: g.newest.msg.lower(),
    "guest": lambda g: g.key[2].lower(),
    "technique": lambda g: g.newest.technique,
}
"""What an inbox can be sorted by."""


def select(
    inbox: Inbox,
    *,
    scope: Scope = ALL,
    wanted: Filter = NOTHING,
    acknowledged: bool = False,
    sort: str = "severity",
    descending: bool = True,
) -> list[Group]:
    """Groups of the scope that hold the filter. acknowledged: also those with nothing open."""
    ask_acked = acknowledged or any(t.key == "is" and t.value == "acked" for t in wanted.terms)
    chosen = [
        group
        for group in inbox.groups()
        if covers(scope, group) and (ask_acked or group.open) and (not wanted or holds(group, wanted))
    ]
    chosen.sort(key=ORDERS.get(sort, ORDERS["last"]), reverse=descending)  # type: ignore[arg-type]
    return chosen


def holds(group: Group, wanted: Filter) -> bool:
    flags = {"new" if group.open else "acked"} | ({"noted"} if group.note else set())
    return matches(wanted, _fields(group), frozenset(flags))


def _fields(group: Group) -> dict[str, Sequence[str]]:
    alert = group.newest
    ends = (alert.src_ip.lower(), alert.dest_ip.lower())
    guests = tuple(name.lower() for name in (alert.src_guest, alert.dest_guest, *group.peers) if name)
    return {
        "msg": (alert.msg.lower(),),
        "src": (ends[0], alert.src_guest.lower()),
        "dst": (ends[1], alert.dest_guest.lower()),
        "ip": ends,
        "port": (str(alert.src_port), str(alert.dest_port)),
        "app": (alert.app_proto.lower(),),
        "guest": guests,
        "switch": (alert.switch.lower(),),
        "sev": (str(group.severity + 1),),
        "sid": (str(alert.sid),),
        "tech": (alert.technique.lower(),),
        "pack": (alert.pack.lower(),),
        "note": (group.note.lower(),),
    }


def parties(group: Group) -> str:
    """`web-1 > db-1 +3`: who did it to whom, the newest first. `<` = it was done to the subject."""
    alert = group.newest
    more = f" +{len(group.peers) - 1}" if len(group.peers) > 1 else ""
    sign = ">" if alert.src_guest or not alert.dest_guest else "<"
    return f"{safe(group.key[2], 64)} {sign} {safe(other(alert), 64)}{more}"


def inbox_rows(
    groups: Sequence[Group],
    marks: Sequence[str],
    now_ns: int,
    zone: tzinfo = UTC,
    *,
    off: Container[tuple[int, int]] = (),
) -> LazyRows:
    """Columns: severity, count, signature, guest and peer, age, technique, first, last, state and note.

    marks: the signs of high, medium and low. off: rules (gid, sid) that are switched off. Times bear the date
    when the alerts are of more than one day.
    """
    first = min((group.first_ns for group in groups), default=0)
    last = max((group.last_ns for group in groups), default=0)
    one_day = humanize.day(first, zone) == humanize.day(last, zone)
    tell = humanize.clock if one_day else humanize.moment
    return LazyRows(
        [group.key for group in groups],
        lambda index: _cells(groups[index], marks, now_ns, zone, tell, off),
    )


def _cells(
    group: Group,
    marks: Sequence[str],
    now_ns: int,
    zone: tzinfo,
    tell: Callable[[int, tzinfo], str],
    off: Container[tuple[int, int]],
) -> tuple[Cell, ...]:
    level = group.severity
    style = SEVERITY_STYLES[level] if group.open else "muted"
    shade = "text" if group.open else "muted"
    return (
        (f"{marks[level]} {SEVERITY_WORDS[level]}", style),
        (humanize.count(group.count), shade),
        (safe(group.newest.msg, 120), "signature" if group.open else "muted"),
        (parties(group), "guest" if group.open else "muted"),
        (humanize.ago(group.last_ns, now_ns), "time"),
        (safe(group.newest.technique, 16) or "-", "muted"),
        (tell(group.first_ns, zone), "time"),
        (tell(group.last_ns, zone), "time"),
        _state(group, group.key[:2] in off),
    )


def _state(group: Group, rule_off: bool) -> Cell:
    """`open`, `acked`, `rule off`, and the operator's note."""
    words = [] if group.open else ["acked"]
    words += ["rule off"] if rule_off else []
    words += [safe(group.note, 80)] if group.note else []
    return (", ".join(words) or "open", "accent" if group.note else "muted" if words else "text")


def hit_rows(groups: Sequence[Group], now_ns: int) -> Rows:
    """Groups of one rule. Columns: count, guest and peer, age, state and note."""
    return Rows(
        [
            Row(
                group.key,
                (
                    (humanize.count(group.count), "number"),
                    (parties(group), "guest"),
                    (humanize.ago(group.last_ns, now_ns), "time"),
                    _state(group, rule_off=False),
                ),
            )
            for group in groups
        ]
    )


def single_rows(alerts: Sequence[Alert], marks: Sequence[str], zone: tzinfo = UTC) -> Rows:
    """Alerts one by one. Columns: severity, time, signature, from and to, technique."""
    return Rows([Row(alert.number, _single(alert, marks, zone)) for alert in alerts])


def _single(alert: Alert, marks: Sequence[str], zone: tzinfo) -> tuple[Cell, ...]:
    level = severity_index(alert.priority)
    ends = (alert.src_guest or alert.src_ip, alert.dest_guest or alert.dest_ip)
    return (
        (f"{marks[level]} {SEVERITY_WORDS[level]}", SEVERITY_STYLES[level]),
        (humanize.clock(alert.ts_ns, zone), "time"),
        (safe(alert.msg, 120), "signature"),
        (f"{safe(ends[0], 64)} > {safe(ends[1], 64)}", "guest"),
        (safe(alert.technique, 16) or "-", "muted"),
    )
