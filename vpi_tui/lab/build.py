"""`lab up`: from a plan to a lab that answers."""

from __future__ import annotations

import ipaddress
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from vpi_tui.lab import cables, remove, state
from vpi_tui.lab.commands import Shell, launch, require
from vpi_tui.lab.guest import sshd
from vpi_tui.lab.guest.ready import answers
from vpi_tui.lab.names import Names
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import Guest, Network, Plan, SwitchKind, inventory_text, make_plan
from vpi_tui.lab.state import State
from vpi_tui.lab.switches import KINDS
from vpi_tui.model.errors import VpiError

READY_SECONDS: Final = 30.0
Tell = Callable[[str], None]
"""Takes one line about what is being done."""


def up(names: Names, kinds: Sequence[SwitchKind], extra: int, tell: Tell) -> State:
    """Build a lab, after removing what a killed one has left. kinds: empty = all that this machine can have.

    Gives the one that is up already when there is one. Raises VpiError; nothing is left behind then.
    """
    require()
    with state.locked(names) as lock:
        found = state.read(names)
        if found is not None and found.phase == "up":
            tell(f"The lab {names.lab} is up already.")
            return found
        shell = Shell(lock)
        if remove.clean(shell, names):
            tell("Removed what an earlier lab has left.")
        plan = make_plan(names, _possible(kinds, tell), extra, _routed(shell))
        try:
            return _build(shell, names, plan, tell)
        except BaseException:
            remove.clean(shell, names)
            raise


def _build(shell: Shell, names: Names, plan: Plan, tell: Tell) -> State:
    began = time.time()
    state.write(names, State("building", plan, began))
    cables.make(shell, plan)
    spans: list[str] = []
    for switch in plan.switches:
        tell(f"{switch.name}: {KINDS[switch.kind].title}, {len(switch.guests)} guests in {switch.network}")
        if KINDS[switch.kind].make(shell, names, switch):
            spans.append(switch.span)
    sshd.prepare(names.folder)
    for guest in plan.guests:
        _start(names, guest)
    names.inventory.write_text(inventory_text(plan))
    _await(names, plan)
    done = State("up", plan, began, tuple(spans))
    state.write(names, done)
    return done


def _possible(kinds: Sequence[SwitchKind], tell: Tell) -> list[SwitchKind]:
    """The kinds that were asked for; without any, those that this machine can have."""
    reasons = {kind: KINDS[kind].missing() for kind in kinds or KINDS}
    for kind, reason in reasons.items():
        if reason and kind in kinds:
            raise VpiError(f"{KINDS[kind].title}: {reason}", hint="Or start the lab without it.")
        if reason:
            tell(f"Without a second switch: {reason}")
    return [kind for kind, reason in reasons.items() if not reason]


def _routed(shell: Shell) -> list[Network]:
    """Networks to which this host has a route (the default route aside)."""
    routes = json.loads(shell.run("ip", "-j", "-4", "route", "show", "table", "all") or "[]")
    found = []
    for route in routes:
        try:
            network = ipaddress.IPv4Network(route["dst"], strict=False)
        except (ValueError, KeyError):
            continue
        if network.prefixlen:
            found.append(network)
    return found


def _start(names: Names, guest: Guest) -> None:
    words = [sys.executable, "-m", "vpi_tui.lab.guest", str(names.folder / "state.json"), guest.name]
    if guest.services or guest.talks_to:
        launch(words, names.folder / f"{guest.name}.log", guest.namespace)


def _await(names: Names, plan: Plan) -> None:
    """Until every service answers, asked through the switch by a guest that is allowed to ask."""
    until = time.monotonic() + READY_SECONDS
    for switch in plan.switches:
        asker = switch.guest("app")
        for guest in switch.guests:
            while not inside(asker.namespace, partial(answers, guest)):
                if time.monotonic() > until:
                    raise VpiError(
                        f"{guest.name} does not answer {asker.name} on {switch.name}.",
                        hint=_why_silent(names, guest),
                    )
                time.sleep(0.05)


def _why_silent(names: Names, guest: Guest) -> str:
    log = names.folder / f"{guest.name}.log"
    said = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    if said:
        return f"It said: {said[-1][:200]}"
    return (
        "A firewall of this host may drop what passes a bridge; `sysctl net.bridge.bridge-nf-call-iptables=0`"
        " keeps it out."
    )
