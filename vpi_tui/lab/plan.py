"""What a lab consists of. Pure: nothing here touches the machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from vpi_tui.lab.names import Names
from vpi_tui.model.errors import VpiError

Network = ipaddress.IPv4Network
SwitchKind = Literal["bridge", "ovs"]
DOMAIN: Final = "lab.test"
"""Names of the lab's own DNS; .test is nobody's (RFC 6761)."""
CANDIDATES: Final = tuple(ipaddress.IPv4Network(f"10.{second}.0.0/16") for second in (213, 177, 98, 239))
"""Private networks of which few are in use; a lab takes the first that this host has no route to."""
MAX_EXTRA: Final = 40
"""Guests on top of those with a role; each is a process of some 10 MB."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a guest is for. host: last part of its address; services: modules of lab.guest."""

    name: str
    host: int
    tags: tuple[str, ...]
    services: tuple[str, ...] = ()
    talks_to: tuple[str, ...] = ()
    """Roles that it asks for something now and then."""


ROLES: Final = (
    Role("web", 11, ("web", "dmz"), ("http", "ssh"), ("app", "dns")),
    Role("app", 21, ("app",), ("http", "ssh", "windows"), ("db", "dns")),
    Role("db", 31, ("db",), ("database", "ssh"), ("dns",)),
    Role("dns", 53, ("infra",), ("dns",)),
    Role("mgmt", 2, ("mgmt",), ("management", "docker", "ssh"), ("dns",)),
    Role("rogue", 66, ("untrusted",), (), ("web", "dns")),
)
DESK: Final = Role("desk", 100, ("desktop",), (), ("web", "dns"))
"""Of the extra guests; their addresses go on from there."""
DARK: Final = (
    Role("bkup", 81, ("storage",), ("database",)),
    Role("nas", 82, ("storage",), (), ("bkup",)),
)
"""Their ports are left out when the switch copies its traffic to the span port: a sensor there is blind to
what these two say to each other."""


@dataclass(frozen=True, slots=True)
class Guest:
    """namespace: of its own, and the name of its port on the switch."""

    name: str
    role: str
    switch: str
    namespace: str
    ip: str
    mac: str
    tags: tuple[str, ...]
    services: tuple[str, ...]
    talks_to: tuple[str, ...]
    dark: bool = False
    """Its port is not copied to the span port."""


@dataclass(frozen=True, slots=True)
class LabSwitch:
    name: str
    kind: SwitchKind
    network: str
    guests: tuple[Guest, ...]
    span: str
    """Gets a copy of what enters at the ports, as the capture card of a sensor does."""
    copies: str
    """Where the kernel sends the copies, when the span port is a cable of its own."""

    @property
    def ports(self) -> tuple[str, ...]:
        return tuple(guest.namespace for guest in self.guests)

    @property
    def copied_ports(self) -> tuple[str, ...]:
        return tuple(guest.namespace for guest in self.guests if not guest.dark)

    def guest(self, role: str) -> Guest:
        """The first guest of a role. Raises VpiError when there is none."""
        for guest in self.guests:
            if guest.role == role:
                return guest
        raise VpiError(
            f"The switch {self.name} has no guest that is {role}.", hint="See `vpi-tui lab status`."
        )


@dataclass(frozen=True, slots=True)
class Plan:
    lab: str
    switches: tuple[LabSwitch, ...]

    @property
    def names(self) -> Names:
        return Names(self.lab)

    @property
    def guests(self) -> tuple[Guest, ...]:
        return tuple(guest for switch in self.switches for guest in switch.guests)

    def switch(self, name: str = "") -> LabSwitch:
        """By name or kind; the first for "". Raises VpiError when there is none."""
        for switch in self.switches:
            if name in ("", switch.name, switch.kind):
                return switch
        known = ", ".join(switch.name for switch in self.switches)
        raise VpiError(f"The lab has no switch {name[:40]!r}.", hint=f"It has: {known}.")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def make_plan(names: Names, kinds: Sequence[SwitchKind], extra: int, used: Iterable[Network]) -> Plan:
    """used: networks that this host has a route to. Raises VpiError when no candidate is free."""
    space = _free(list(used))
    nets = list(space.subnets(new_prefix=24))
    switches = []
    for number, kind in enumerate(kinds, 1):
        name = names.bridge if kind == "bridge" else names.ovs
        guests = tuple(_guests(names, name, number, nets[number], extra))
        span, copies = names.of(f"span-{number}"), names.of(f"copy-{number}")
        switches.append(LabSwitch(name, kind, str(nets[number]), guests, span, copies))
    return Plan(names.lab, tuple(switches))


def _guests(names: Names, switch: str, number: int, net: Network, extra: int) -> Iterable[Guest]:
    for role in ROLES:
        yield _guest(names, switch, number, net, role, f"{role.name}-{number}", role.host)
    for role in DARK:
        yield _guest(names, switch, number, net, role, f"{role.name}-{number}", role.host, dark=True)
    for one in range(extra):
        host = DESK.host + one
        yield _guest(names, switch, number, net, DESK, f"desk{one + 1}-{number}", host)


def _guest(
    names: Names, switch: str, number: int, net: Network, role: Role, name: str, host: int, dark: bool = False
) -> Guest:
    mac = f"02:76:70:00:{number:02x}:{host:02x}"  # locally administered
    address = str(net[host])
    return Guest(
        name, role.name, switch, names.of(name), address, mac, role.tags, role.services, role.talks_to, dark
    )


def _free(used: list[Network]) -> Network:
    for candidate in CANDIDATES:
        if not any(candidate.overlaps(net) for net in used):
            return candidate
    tried = ", ".join(map(str, CANDIDATES))
    raise VpiError(f"This host has routes into all of {tried}, so no network is left for a lab.")


def plan_of(data: dict[str, Any]) -> Plan:
    """The plan that `to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
    switches = tuple(
        LabSwitch(**(one | {"guests": tuple(_known(guest) for guest in one["guests"])}))
        for one in data["switches"]
    )
    return Plan(data["lab"], switches)


def _known(data: dict[str, Any]) -> Guest:
    listed: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
    }
    return Guest(**listed)


def inventory_text(plan: Plan) -> str:
    """inventory.yaml for the lab."""
    lines = ["# Written by `vpi-tui lab up`; removed by `vpi-tui lab down`.", "switches:"]
    lines += [f"  - {{name: {switch.name}}}" for switch in plan.switches]
    lines.append("guests:")
    for guest in plan.guests:
        lines.append(
            f"  - {{name: {guest.name}, switch: {guest.switch}, port: {guest.namespace},"
            f' mac: "{guest.mac}", ip: {guest.ip}, tags: [{", ".join(guest.tags)}]}}'
        )
    return "\n".join([*lines, ""])
