"""The wall: one pane for each virtual switch, or for each guest of the scope."""

from __future__ import annotations

from dataclasses import dataclass, field

from vpi_tui.model.snapshot import GuestStat, Severities, Snapshot, SwitchStat
from vpi_tui.view import humanize
from vpi_tui.view.escape import safe
from vpi_tui.view.history import History, Rates
from vpi_tui.view.learned import learned_words, shown_name
from vpi_tui.view.matrix import inside_share, inside_words
from vpi_tui.view.overview import Traffic, traffic
from vpi_tui.view.scope import ALL, Scope, absence, guests_in, parse

SENSOR = "interface"
"""Kind of what is no switch, but an interface that was named to be watched."""
GAP = 1
"""Cells between two panes side by side."""


@dataclass(frozen=True, slots=True)
class Pane:
    """One pane. key: the scope that Enter narrows to. lines: what stands under the graph, label and text.

    points: of its curves. What moves is read when the pane is drawn: of hundreds few are on the screen.
    """

    history: History = field(repr=False, compare=False)
    points: int
    key: str
    title: str
    kind: str
    alerts: Severities
    coverage: str
    present: bool
    lines: tuple[tuple[str, str], ...]

    @property
    def rates(self) -> Rates:
        return self.history.rates(self.key)

    @property
    def traffic(self) -> Traffic:
        """Its curves and their newest rates, as the Overview has them for its scope."""
        return traffic(self.history, parse(self.key), self.points)


def panes(
    snapshot: Snapshot,
    history: History,
    points: int,
    *,
    by_guest: bool,
    scope: Scope = ALL,
    wanted: str = "",
    limit: int = 256,
) -> list[Pane]:
    """Switches in the order of the snapshot, or guests, those with the most traffic ever first: an order in
    which panes seldom change places. wanted: words of their names; a word after `!` must not stand there."""
    if not by_guest:
        shown = [s for s in snapshot.switches if scope.kind == "all" or s.name == scope.name]
        shown = [s for s in shown if _holds(s.name, wanted)]
        return [_switch_pane(snapshot, switch, history, points) for switch in shown[:limit]]
    ranked = sorted(
        (g for g in guests_in(snapshot, scope) if _holds(f"{g.name} {' '.join(g.ips)}", wanted)),
        key=lambda g: (-(g.counters.bytes_in + g.counters.bytes_out), g.name),
    )
    return [_guest_pane(guest, history, points) for guest in ranked[:limit]]


def _holds(text: str, wanted: str) -> bool:
    text = text.lower()
    words = [word.lower() for word in wanted.split()]
    return all((word.lstrip("!") in text) != word.startswith("!") for word in words)


def _switch_pane(snapshot: Snapshot, switch: SwitchStat, history: History, points: int) -> Pane:
    guests = _guests_at(snapshot, switch)
    busiest = max(guests, key=lambda g: history.rates(f"guest:{g.name}", 10).bytes, default=None)
    alerted = [g for g in guests if g.last_alert]
    worst = min(alerted, key=lambda g: next((i for i, n in enumerate(g.alerts) if n), 3), default=None)
    present = sum(g.present for g in guests)
    lines = (
        ("guests", _guests_words(snapshot, switch, present, len(guests))),
        ("inside", _inside(switch, snapshot.mode)),
        ("busiest", safe(busiest.name, 64) if busiest else "-"),
        ("alert", f"{safe(worst.name, 32)}: {safe(worst.last_alert, 100)}" if worst else "none"),
    )
    return Pane(
        history,
        points,
        f"switch:{switch.name}",
        safe(switch.name, 64),
        safe(switch.kind, 16),
        switch.alerts,
        switch.coverage,
        True,
        lines,
    )


def _guests_at(snapshot: Snapshot, switch: SwitchStat) -> list[GuestStat]:
    """Its guests. What an interface of its own shows, as a span port does, are guests of switches that are
    not watched; of which of several interfaces nothing tells."""
    if switch.kind != SENSOR or sum(s.kind == SENSOR for s in snapshot.switches) > 1:
        return [g for g in snapshot.guests if g.switch == switch.name]
    others = {s.name for s in snapshot.switches if s is not switch}
    return [g for g in snapshot.guests if g.switch not in others]


def _guests_words(snapshot: Snapshot, switch: SwitchStat, present: int, known: int) -> str:
    """Where no port tells who is there: those that spoke, of those that are named. They are not called seen,
    which is said of what is seen of them."""
    if switch.kind == SENSOR:
        named = {one.name for one in snapshot.switches if not one.ports}
        others = sum(guest.present for guest in snapshot.guests if guest.switch in named)
        return f"{present} active" if present or not others else f"{others} active, of switches elsewhere"
    if not switch.ports:
        return f"{present} of {known} active"
    return f"{present} on {humanize.counted(switch.ports, 'port')}"


def _inside(switch: SwitchStat, mode: str) -> str:
    """The share of its bytes that no sensor on the wire could have seen."""
    counters = switch.counters
    if not counters.bytes_in:
        return "-"
    share = humanize.percent(inside_share(counters.inside_bytes, counters.bytes_in))
    return f"{share} of {humanize.size(counters.bytes_in)} {inside_words(mode)}"


def _guest_pane(guest: GuestStat, history: History, points: int) -> Pane:
    lines = (
        ("on", f"{safe(guest.switch, 32)} {safe(guest.port, 32)}".strip()),
        ("peer", safe(guest.top_peer, 64) or "-"),
        ("alert", safe(guest.last_alert, 100) or "none"),
        *([("learned", told)] if (told := learned_words(guest)) else []),
    )
    return Pane(
        history,
        points,
        f"guest:{guest.name}",
        shown_name(guest, 64),
        "guest" if guest.present else absence(guest),
        guest.alerts,
        guest.coverage,
        guest.present,
        lines,
    )


def grid(count: int, width: int, height: int, *, least: tuple[int, int] = (36, 7)) -> tuple[int, int, int]:
    """(columns, pane width, pane height) for `count` panes: as large as they can be and still all be seen,
    not smaller than `least`; then the rest is reached by scrolling."""
    if count < 1:
        return 1, width, height
    best = (1, width, least[1])
    for columns in range(1, min(max((width + GAP) // (least[0] + GAP), 1), count) + 1):
        rows = -(-count // columns)
        pane = (
            columns,
            (width - GAP * (columns - 1)) // columns,
            max((height - rows + 1) // rows, least[1]),
        )
        if _worth(pane, rows, height) > _worth(best, -(-count // best[0]), height):
            best = pane
    return best


def _worth(pane: tuple[int, int, int], rows: int, height: int) -> tuple[bool, int]:
    """All in sight first; then the shape that is closest to four to one, which suits a curve."""
    fits = rows * pane[2] + rows - 1 <= height
    return fits, -abs(pane[1] - 4 * pane[2]) if fits else pane[0]
