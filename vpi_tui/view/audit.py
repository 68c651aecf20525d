"""The report of `vpi-tui audit`: text, Markdown or JSON, of the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from vpi_tui.model.coverage import PortCoverage, Verdict
from vpi_tui.model.snapshot import Snapshot
from vpi_tui.view import humanize
from vpi_tui.view.coverage import MISSING, percent_text, select, totals
from vpi_tui.view.escape import safe

_PORT_HEADS = ("verdict", "switch", "port", "guest", "seen", "in", "out")
_GUEST_HEADS = ("", "guest", "verdict", "seen", "demanded")
_MOST_NAMES = 20
"""Ports named after the first that share its cause."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A guest and what the policy says of it."""

    guest: str
    verdict: str
    percent: float | None
    minimum: float
    passes: bool


def as_text(snapshot: Snapshot, guests: Sequence[Judged], *, policy: bool) -> str:
    """For people: a table of ports, then causes and commands, then guests that fail."""
    ports = select(snapshot.coverage)
    parts = [_head(snapshot), _aligned(_PORT_HEADS, [_port_row(port) for port in ports])]
    parts += _whys([port for port in ports if port.verdict in MISSING or not port.truth or port.mend])
    silent = [port for port in ports if port.quiet and port.verdict is Verdict.UNKNOWN and not port.mend]
    parts.append(_quiet(silent))
    if policy:
        rows = [_guest_row(guest) for guest in guests]
        parts.append(_aligned(_GUEST_HEADS, rows) if rows else "No guest is known, so none can fail.\n")
    parts.append(_last_word(guests, policy=policy))
    return "\n".join(part for part in parts if part)


def as_markdown(snapshot: Snapshot, guests: Sequence[Judged], *, policy: bool) -> str:
    ports = select(snapshot.coverage)
    parts = ["# Coverage\n", _head(snapshot)]
    rows = [(*_port_row(port), port.cause, f"`{port.mend}`" if port.mend else "") for port in ports]
    parts.append(_markdown((*_PORT_HEADS, "why", "what fixes it"), rows))
    if policy:
        parts.append(_markdown(_GUEST_HEADS, [_guest_row(guest) for guest in guests]))
    parts.append(_last_word(guests, policy=policy))
    return "\n".join(parts)


def as_json(snapshot: Snapshot, guests: Sequence[Judged], *, policy: bool) -> str:
    told = totals(snapshot.coverage)
    whole: Mapping[str, Any] = {
        "mode": snapshot.mode,
        "source": snapshot.source,
        "verdict": snapshot.total.coverage,
        "percent": told.percent,
        "passes": all(guest.passes for guest in guests),
        "policy": policy,
        "guests": guests,
        "ports": [
            {**{name: getattr(port, name) for name in PortCoverage.__slots__}, "percent": port.percent}
            for port in select(snapshot.coverage)
        ],
        "notices": snapshot.notices,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _head(snapshot: Snapshot) -> str:
    told = totals(snapshot.coverage)
    share = (
        f"{percent_text(told.percent)} of the bytes at {sum(told.verdicts.values())} ports are seen"
        if told.percent is not None
        else "how much is seen is not known, as nobody counts or nothing passed"
    )
    return f"{snapshot.mode} of {safe(snapshot.source, 200)}: {share}.\n"


def _port_row(port: PortCoverage) -> tuple[str, ...]:
    return (
        f"{port.verdict}{' (inferred)' if port.inferred else ''}",
        safe(port.switch, 60),
        safe(port.port, 60) or "-",
        safe(port.guest, 80) or "-",
        percent_text(port.percent),
        humanize.size(port.true_in) if port.truth else "-",
        humanize.size(port.true_out) if port.truth else "-",
    )


def _whys(ports: Sequence[PortCoverage]) -> list[str]:
    """Ports of one cause and one remedy are told together."""
    alike: dict[tuple[str, str, str], list[PortCoverage]] = {}
    for port in ports:
        cause = port.cause.replace(port.port, "") if port.port else port.cause
        alike.setdefault((port.switch, cause, port.mend), []).append(port)
    return [_why(*group) for group in alike.values()]


def _quiet(ports: Sequence[PortCoverage]) -> str:
    if not ports:
        return ""
    return f"Too little traffic to judge (a longer --seconds may show more): {_names(ports)}.\n"


def _names(ports: Sequence[PortCoverage]) -> str:
    names = ", ".join(safe(port.port or port.guest, 60) for port in ports[:_MOST_NAMES])
    return names if len(ports) <= _MOST_NAMES else f"{names} and {len(ports) - _MOST_NAMES:,} more"


def _why(port: PortCoverage, *others: PortCoverage) -> str:
    name = safe(port.port or port.guest, 60)
    remedy = f"  {safe(port.mend, 1000)}\n" if port.mend else ""
    same = f"  The same goes for {_names(others)}.\n" if others else ""
    return f"{name}: {safe(port.cause, 500)}\n{same}{remedy}"


def _guest_row(guest: Judged) -> tuple[str, ...]:
    demanded = f"{guest.minimum:g} %" if guest.minimum else "-"
    mark = "ok" if guest.passes else "FAIL"
    return mark, safe(guest.guest, 80), guest.verdict, percent_text(guest.percent), demanded


def _last_word(guests: Sequence[Judged], *, policy: bool) -> str:
    if not policy:
        return "No policy was given (--policy), so nothing is demanded.\n"
    failed = [guest for guest in guests if not guest.passes]
    if failed:
        names = ", ".join(safe(guest.guest, 60) for guest in failed[:8])
        more = f" and {len(failed) - 8} more" if len(failed) > 8 else ""
        return f"Seen less than the policy demands: {names}{more}.\n"
    return "The policy is kept.\n"


def _aligned(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "There is no port to judge.\n"
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in (heads, *rows)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    table = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in table) + "\n"


def _cell(text: str) -> str:
    return safe(text, 1200).replace("|", "\\|") or " "


class Seen(Protocol):
    """Where a canary was seen, as the engine tells it."""

    @property
    def switch(self) -> str: ...
    @property
    def port(self) -> str: ...
    @property
    def guest(self) -> str: ...
    @property
    def after_ms(self) -> float: ...


class Proof(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def sent_from(self) -> tuple[str, ...]: ...
    @property
    def sightings(self) -> Sequence[Seen]: ...


def canary_as_text(proof: Proof) -> str:
    through = ", ".join(safe(name, 20) for name in proof.sent_from)
    lines = [f"One marked frame was sent from {safe(proof.namespace, 60)} through {through}."]
    for seen in proof.sightings:
        place = f"at {safe(seen.port, 60)} of {safe(seen.switch, 60)}"
        whose = f", the port of {safe(seen.guest, 80)}" if seen.guest else ""
        lines.append(f"Seen {place}{whose}, after {seen.after_ms:.2f} ms.")
    if not proof.sightings:
        lines.append("It was not seen anywhere: what this guest says does not reach the sensor.")
        lines.append("Why: vpi-tui audit, or key 7 of the dashboard.")
    return "\n".join(lines) + "\n"


def canary_as_json(proof: Proof) -> str:
    seen = [
        {"switch": one.switch, "port": one.port, "guest": one.guest, "after_ms": one.after_ms}
        for one in proof.sightings
    ]
    told = {"name": proof.name, "namespace": proof.namespace, "sent_from": proof.sent_from, "seen": seen}
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"
