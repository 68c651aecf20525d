"""coverage.yaml: how much of each guest has to be seen, for `vpi-tui audit`.

    minimum: 95                    # percent of every guest's traffic, unless said otherwise below
    allow: [seen]                  # verdicts that pass whatever the percent
    tags:
      - {name: prod, minimum: 99}
    guests:
      - {name: legacy-1, minimum: 0, allow: [seen, blind, unknown]}

What a guest's own entry says holds, else the strictest of its tags, else the first two lines. A guest of
which nothing passed in the window, or too little to judge by, passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from pathlib import Path

from vpi_tui.config.document import Mapping, Node, read_document
from vpi_tui.coverage.board import worst
from vpi_tui.model.coverage import PortCoverage, Verdict

Tags = AnyMapping[str, Sequence[str]]
_TOP = ("minimum", "allow", "tags", "guests")
_ENTRY = ("name", "minimum", "allow")


@dataclass(frozen=True, slots=True)
class Demand:
    """minimum: percent of the true bytes. allow: verdicts that pass anyway. None = not said."""

    minimum: float | None = None
    allow: frozenset[Verdict] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    default: Demand = field(default_factory=lambda: Demand(0.0, frozenset(Verdict)))
    tags: dict[str, Demand] = field(default_factory=dict)
    guests: dict[str, Demand] = field(default_factory=dict)

    def of(self, guest: str, tags: Iterable[str]) -> Demand:
        """What is demanded of a guest, nothing left unsaid."""
        own = self.guests.get(guest, Demand())
        of_tags = [self.tags[tag] for tag in tags if tag in self.tags]
        minimum = own.minimum
        if minimum is None:
            minimum = max((d.minimum for d in of_tags if d.minimum is not None), default=self.default.minimum)
        allow = own.allow
        if allow is None:
            said = [demand.allow for demand in of_tags if demand.allow is not None]
            allow = frozenset.intersection(*said) if said else self.default.allow
        return Demand(minimum, allow)


@dataclass(frozen=True, slots=True)
class Finding:
    """One guest held against the policy. percent: None = nobody counts, or nothing passed."""

    guest: str
    verdict: Verdict
    percent: float | None
    minimum: float
    passes: bool
    ports: tuple[PortCoverage, ...]


def audit(ports: Iterable[PortCoverage], tags: Tags, policy: Policy) -> tuple[Finding, ...]:
    """Every guest that has a port, by name. tags: by guest."""
    by_guest: dict[str, list[PortCoverage]] = {}
    for port in ports:
        if port.guest:
            by_guest.setdefault(port.guest, []).append(port)
    return tuple(
        _finding(guest, found, policy.of(guest, tags.get(guest, ())))
        for guest, found in sorted(by_guest.items())
    )


def _finding(guest: str, ports: list[PortCoverage], demand: Demand) -> Finding:
    verdict = worst(ports)
    told = [port for port in ports if port.truth and not port.quiet]
    true = sum(port.true_in + port.true_out for port in told)
    seen = sum(min(port.seen_in, port.true_in) + min(port.seen_out, port.true_out) for port in told)
    percent = 100.0 * seen / true if true else None
    silent = percent is None and all(port.truth for port in ports) and verdict is Verdict.UNKNOWN
    minimum, allow = demand.minimum or 0.0, demand.allow or frozenset()
    enough = verdict in allow or silent or (percent is not None and minimum > 0 and percent >= minimum)
    return Finding(guest, verdict, percent, minimum, enough, tuple(ports))


# The file ---------------------------------------------------------------------------------------


def read_policy(path: Path) -> Policy:
    """Read a file. Raises ConfigError with file and line."""
    root = read_document(path)
    if root is None:
        return Policy(Demand(95.0, frozenset({Verdict.SEEN})))
    top = root.mapping("a policy of coverage")
    top.only(_TOP, "a policy of coverage")
    said = _demand(top)
    return Policy(
        Demand(
            95.0 if said.minimum is None else said.minimum,
            frozenset({Verdict.SEEN}) if said.allow is None else said.allow,
        ),
        _entries(top.get("tags"), "a tag"),
        _entries(top.get("guests"), "a guest"),
    )


def _entries(node: Node | None, what: str) -> dict[str, Demand]:
    found: dict[str, Demand] = {}
    for item in node.items() if node else ():
        mapping = item.mapping(what)
        mapping.only(_ENTRY, what)
        named = mapping.get("name")
        if named is None:
            raise item.error(f"{what} without a name.", "Add `name:`.")
        name = named.text("name")
        if name in found:
            raise named.error(f"{what} named {name[:60]} is listed twice.", "Keep one of the two.")
        found[name] = _demand(mapping)
    return found


def _demand(mapping: Mapping) -> Demand:
    minimum, allow = mapping.get("minimum"), mapping.get("allow")
    return Demand(
        _percent(minimum) if minimum is not None else None,
        frozenset(_verdict(item) for item in allow.items()) if allow is not None else None,
    )


def _percent(node: Node) -> float:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise node.error("minimum must be a percentage from 0 to 100.", "Write it as a number: 95")
    return float(value)


def _verdict(node: Node) -> Verdict:
    text = node.text("allow")
    try:
        return Verdict(text)
    except ValueError:
        known = ", ".join(Verdict)
        raise node.error(f"{text[:40]!r} is no verdict.", f"Known: {known}.") from None
