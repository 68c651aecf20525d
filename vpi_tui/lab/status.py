"""`lab status`: what there is of a lab, and whether it lives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from vpi_tui.lab import remove, state
from vpi_tui.lab.commands import Shell, require
from vpi_tui.lab.guest.ready import answers
from vpi_tui.lab.names import Names
from vpi_tui.lab.namespaces import dwellers, inside, named
from vpi_tui.lab.plan import Guest
from vpi_tui.lab.state import State


@dataclass(frozen=True, slots=True)
class GuestStatus:
    guest: Guest
    processes: int
    answers: bool


@dataclass(frozen=True, slots=True)
class Status:
    """state: None when none is up. remains: what a killed `up` or `down` has left."""

    state: State | None
    guests: tuple[GuestStatus, ...]
    remains: tuple[str, ...]


def status(names: Names) -> Status:
    """Raises VpiError without root: what happens inside a namespace is nobody else's business."""
    require()
    with state.locked(names) as lock:
        found = state.read(names)
        if found is None or found.phase != "up":
            return Status(None, (), tuple(remove.remains(Shell(lock), names)))
        living = dwellers(named(names.prefix))
        guests = []
        for switch in found.plan.switches:
            asker = switch.guest("app")
            for guest in switch.guests:
                here = guest.namespace in living and asker.namespace in living
                well = here and inside(asker.namespace, partial(answers, guest))
                guests.append(GuestStatus(guest, len(living.get(guest.namespace, ())), well))
        return Status(found, tuple(guests), ())
