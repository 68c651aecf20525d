"""The scope: everything, one switch, or one guest. It holds on every screen until it is cleared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vpi_tui.model.snapshot import Counters, GuestStat, Snapshot, SwitchStat
from vpi_tui.view import unwatched
from vpi_tui.view.escape import safe

Kind = Literal["all", "switch", "guest"]


@dataclass(frozen=True, slots=True)
class Scope:
    """`key` is how the feed and the history name it: "", "switch:NAME" or "guest:NAME"."""

    kind: Kind = "all"
    name: str = ""

    @property
    def key(self) -> str:
        return "" if self.kind == "all" else f"{self.kind}:{self.name}"

    @property
    def label(self) -> str:
        return "all switches" if self.kind == "all" else f"{self.kind} {safe(self.name)}"


ALL = Scope()


def parse(key: str) -> Scope:
    """The inverse of `Scope.key`; anything else is everything."""
    kind, colon, name = key.partition(":")
    if colon and name and kind == "switch":
        return Scope("switch", name)
    if colon and name and kind == "guest":
        return Scope("guest", name)
    return ALL


def switch_of(snapshot: Snapshot, scope: Scope) -> SwitchStat:
    """The switch of the scope: its own, that of its guest, or the total. One that is gone has zeros."""
    name = scope.name
    if scope.kind == "guest":
        guest = find_guest(snapshot, scope.name)
        name = guest.switch if guest else ""
    nothing = SwitchStat(name, "", 0, Counters(), (0, 0, 0)) if scope.kind == "switch" else snapshot.total
    return snapshot.total if scope.kind == "all" else find_switch(snapshot, name) or nothing


def find_switch(snapshot: Snapshot, name: str) -> SwitchStat | None:
    watched = (s for s in snapshot.switches if s.name == name)
    return next(watched, None) or next((s for s in unwatched.switches(snapshot) if s.name == name), None)


def find_guest(snapshot: Snapshot, name: str) -> GuestStat | None:
    watched = (g for g in snapshot.guests if g.name == name)
    return next(watched, None) or next((g for g in unwatched.guests(snapshot) if g.name == name), None)


def counters_of(snapshot: Snapshot, scope: Scope) -> Counters:
    """Counters of the scope; zeros when it is gone."""
    if scope.kind == "guest":
        guest = find_guest(snapshot, scope.name)
        return guest.counters if guest else Counters()
    return switch_of(snapshot, scope).counters


def guests_in(snapshot: Snapshot, scope: Scope) -> tuple[GuestStat, ...]:
    if scope.kind == "all":
        return snapshot.guests
    if scope.kind == "switch":
        return tuple(g for g in snapshot.guests if g.switch == scope.name)
    return tuple(g for g in snapshot.guests if g.name == scope.name)


def exists(snapshot: Snapshot, scope: Scope) -> bool:
    """False when the switch or guest that the scope names is no longer there."""
    if scope.kind == "all":
        return True
    if scope.kind == "switch":
        return find_switch(snapshot, scope.name) is not None
    return find_guest(snapshot, scope.name) is not None


def absence(guest: GuestStat) -> str:
    """Why a guest is not here, in a word or two: what its manager says of it, that it is gone, or that it
    never sent anything."""
    if guest.state not in ("", "running"):
        return safe(guest.state, 16)
    return "gone" if guest.counters.pkts_in else "not seen"
