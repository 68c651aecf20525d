"""What is seen of each port, as rows; and the one sentence that goes with every "no alerts"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vpi_tui.model.coverage import PortCoverage, Verdict
from vpi_tui.model.snapshot import Snapshot
from vpi_tui.view import humanize
from vpi_tui.view.cells import Cell, Row, Rows
from vpi_tui.view.escape import safe
from vpi_tui.view.filters import NOTHING, Fields, Filter, matches
from vpi_tui.view.scope import Scope

MISSING = frozenset({Verdict.PARTIAL, Verdict.ONE_WAY, Verdict.BLIND})
"""Verdicts on a port of which something is not seen."""
FIELDS = Fields(
    keys=frozenset({"switch", "guest", "if", "cause"}),
    flags=frozenset({*map(str, Verdict), "missing", "idle"}),
    bare=frozenset(map(str, Verdict)),
)
WORST_FIRST = (Verdict.BLIND, Verdict.ONE_WAY, Verdict.PARTIAL, Verdict.UNKNOWN, Verdict.SEEN)
_NUMBER = re.compile(r"([0-9]{1,18})")
Marks = Mapping[str, str]
"""A sign for each verdict."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Of many ports. percent: share of the true bytes that was seen; None = nobody counts, nothing passed."""

    percent: float | None
    verdicts: Mapping[Verdict, int]

    @property
    def missing(self) -> int:
        return sum(self.verdicts.get(verdict, 0) for verdict in MISSING)


def totals(ports: Iterable[PortCoverage]) -> Totals:
    """Ports weigh as much as passes them."""
    verdicts: dict[Verdict, int] = {}
    true = seen = 0.0
    for port in ports:
        verdicts[port.verdict] = verdicts.get(port.verdict, 0) + 1
        if port.truth and port.window_s > 0:
            true += (port.true_in + port.true_out) / port.window_s
            both = min(port.seen_in, port.true_in) + min(port.seen_out, port.true_out)
            seen += both / port.window_s
    return Totals(100.0 * seen / true if true else None, verdicts)


def percent_text(percent: float | None) -> str:
    """Rounded down, so that 100 % is said of all alone; "-" = not known."""
    if percent is None:
        return "-"
    if 0 < percent < 1:
        return "<1 %"
    # Whole bytes were divided: what is within a millionth of 100 is all.
    return f"{math.floor(percent + 1e-6)} %"


def of_scope(snapshot: Snapshot, scope: Scope) -> list[PortCoverage]:
    if scope.kind == "switch":
        return [port for port in snapshot.coverage if port.switch == scope.name]
    if scope.kind == "guest":
        return [port for port in snapshot.coverage if port.guest == scope.name]
    return list(snapshot.coverage)


# Sentences --------------------------------------------------------------------------------------


def no_alerts(snapshot: Snapshot, scope: Scope) -> str:
    """How much "no alerts" is worth: of what share of the traffic it is said."""
    told = totals(of_scope(snapshot, scope))
    if told.percent is None:
        if told.missing:  # concluded from what the traffic looks like
            return f"No alerts in the traffic that is seen; {_missing(told)}: 7 says why."
        if scope.kind == "all":
            return "No alerts; how much of the traffic is seen is not known: 7 says why."
        return f"No alerts; how much of {scope.label} is seen is not known: 7."
    share = percent_text(told.percent)
    if not told.missing:
        return f"No alerts in the {share} of the traffic that is seen."
    return f"No alerts in the {share} of the traffic that is seen; {_missing(told)}: 7."


_COUNTED = ((Verdict.BLIND, "blind"), (Verdict.ONE_WAY, "seen one way"), (Verdict.PARTIAL, "seen in part"))


def _missing(told: Totals) -> str:
    """`2 ports are blind`; short enough for 80 columns also where several verdicts are bad."""
    kinds = [(told.verdicts[verdict], word) for verdict, word in _COUNTED if verdict in told.verdicts]
    if len(kinds) > 1:
        return f"{told.missing} ports miss traffic"
    ((count, word),) = kinds
    return f"{count} port{'' if count == 1 else 's'} {'is' if count == 1 else 'are'} {word}"


def summary(ports: Sequence[PortCoverage], marks: Marks) -> list[tuple[str, str]]:
    """`○ 2 blind  ● 12 seen  97 % of the bytes`: spans for the title of a panel."""
    told = totals(ports)
    spans = [
        (f"{marks[verdict]} {told.verdicts[verdict]} {verdict}  ", f"coverage.{verdict}")
        for verdict in WORST_FIRST
        if verdict in told.verdicts
    ]
    if told.percent is not None:
        return [*spans, (f"{percent_text(told.percent)} of the bytes seen", "muted")]
    return [*spans[:-1], *((text.rstrip(), style) for text, style in spans[-1:])]


def why_empty(snapshot: Snapshot | None, *, filtered: bool, scope: Scope) -> tuple[str, ...]:
    if snapshot is None or snapshot.state == "starting":
        return ("The engine is starting; ports are judged a few seconds after it runs.",)
    if filtered:
        return ("No port fits the filter.", "Esc takes it away.")
    if snapshot.coverage and scope.kind != "all":
        return (f"No port of {scope.label} is known.", "Esc shows all.")
    if snapshot.mode == "replay":
        return (
            "A capture file does not say which ports there were, nor what passed them.",
            "`vpi-tui audit -r FILE` concludes from the traffic what may be missing.",
        )
    return (
        "There is no port of a virtual switch here to judge.",
        "On a host with guests run `sudo vpi-tui`; what each probe found: `vpi-tui doctor`.",
    )


# Rows -------------------------------------------------------------------------------------------


def _natural(name: str) -> list[tuple[int, str]]:
    """vnet9 before vnet10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(name)]


def _share(port: PortCoverage) -> float:
    """What nobody counted comes last."""
    return 101.0 if port.percent is None else math.floor(port.percent)


ORDERS: Mapping[str, Callable[[PortCoverage], Any]] = {
    "verdict": lambda port: (WORST_FIRST.index(port.verdict), _share(port)),
    "port": lambda port: (port.switch, _natural(port.port)),
    "guest": lambda port: port.guest.lower(),
    "seen": _share,
    "in": lambda port: -_rate(port, port.true_in),
    "out": lambda port: -_rate(port, port.true_out),
}
"""What ports can be sorted by, each with what matters most first."""


def select(
    ports: Iterable[PortCoverage], wanted: Filter = NOTHING, sort: str = "verdict", *, reverse: bool = False
) -> list[PortCoverage]:
    """Ports that fit, worst first unless asked otherwise; ties by name, so that lines stay where they are."""
    chosen = [port for port in ports if not wanted or _holds(port, wanted)]
    chosen.sort(key=ORDERS["port"])
    chosen.sort(key=ORDERS[sort], reverse=reverse)
    return chosen


def _holds(port: PortCoverage, wanted: Filter) -> bool:
    fields = {
        "switch": (port.switch.lower(),),
        "guest": (port.guest.lower(),),
        "if": (port.port.lower(),),
        "cause": (port.cause.lower(), port.mend.lower()),
    }
    flags = {str(port.verdict)}
    if port.verdict in MISSING:
        flags.add("missing")
    if port.quiet:
        flags.add("idle")
    return matches(wanted, fields, frozenset(flags))


def port_rows(ports: Sequence[PortCoverage], marks: Marks) -> Rows:
    """Columns: verdict, port, guest, share seen, rates in and out (true), cause. The port stands before its
    switch, so that the switch is cut first where there is no room."""
    return Rows([Row(key_of(port), _cells(port, marks)) for port in ports])


Key = tuple[str, str, str]
"""Switch, port and guest: without ports, as in a capture file, the guest alone tells one row from another."""


def key_of(port: PortCoverage) -> Key:
    return port.switch, port.port, port.guest


def name_of(key: Key) -> str:
    """What a row is about, in a word, escaped: its port, else its guest, else its switch."""
    switch, port, guest = key
    return safe(port or guest or switch, 60)


def _place(port: PortCoverage, limit: int) -> str:
    """The port before its switch; the switch alone where there is no port, or it is its own."""
    switch = safe(port.switch, limit)
    return f"{safe(port.port, limit)} of {switch}" if port.port not in ("", port.switch) else switch


def _cells(port: PortCoverage, marks: Marks) -> tuple[Cell, ...]:
    style = f"coverage.{port.verdict}"
    return (
        (word(port, marks), style),
        (_place(port, 40), "text"),
        (safe(port.guest, 60) or "-", "guest" if port.guest else "muted"),
        (percent_text(port.percent), style if port.percent is not None else "muted"),
        (_rate_text(port, port.true_in), "number"),
        (_rate_text(port, port.true_out), "number"),
        (safe(port.cause, 300), "text" if port.verdict in MISSING else "muted"),
    )


def word(port: PortCoverage, marks: Marks) -> str:
    """Sign and word of the verdict; `~` = concluded, not counted."""
    return f"{marks[port.verdict]} {port.verdict}{'~' if port.inferred else ''}"


def _rate(port: PortCoverage, size: int) -> float:
    return size / port.window_s if port.window_s > 0 else 0.0


def _rate_text(port: PortCoverage, size: int) -> str:
    return humanize.bit_rate(_rate(port, size)) if port.truth and port.window_s > 0 else "-"


# One port ---------------------------------------------------------------------------------------

Entry = tuple[str, tuple[Cell, ...]]


def cause_entries(port: PortCoverage) -> list[Entry]:
    """Why, and what mends it: for the panel under the list."""
    entries: list[Entry] = [("why", ((safe(port.cause, 500), "text"),))]
    if port.mend:
        entries.append(("fix", ((safe(port.mend, 1000), "accent"),)))
    return entries


def port_entries(port: PortCoverage, marks: Marks) -> list[Entry]:
    """All that is known of one port."""
    entries: list[Entry] = [
        ("verdict", ((word(port, marks), f"coverage.{port.verdict}"), (f"  {_how(port)}", "muted"))),
        ("port", ((_place(port, 60), "text"),)),
        ("guest", ((safe(port.guest, 80) or "none is known behind it", "guest" if port.guest else "muted"),)),
    ]
    if port.truth and port.window_s > 0:
        entries += [
            ("in", _way(port, port.seen_in, port.true_in, "enters the switch here")),
            ("out", _way(port, port.seen_out, port.true_out, "leaves it here")),
        ]
    entries += [("", ()), *cause_entries(port)]
    return entries


def _how(port: PortCoverage) -> str:
    if port.inferred:
        return "concluded from what the traffic looks like, as nobody else counts"
    if not port.truth:
        return "nobody else counts this port"
    if port.window_s <= 0:
        return f"counted by {safe(port.truth, 40)}"
    return f"held against {safe(port.truth, 40)}, over the last {humanize.duration(port.window_s)}"


def _way(port: PortCoverage, seen: int, true: int, words: str) -> tuple[Cell, ...]:
    share = percent_text(100.0 * min(seen, true) / true if true else None)
    return (
        (f"{humanize.size(seen)} of {humanize.size(true)}", "number"),
        (f"  {share:>5}  " if true else "      -  ", f"coverage.{port.verdict}" if true else "muted"),
        (f"{humanize.bit_rate(_rate(port, true))} {words}", "muted"),
    )
