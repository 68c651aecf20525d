"""How each port is watched: at its switch, by copies that reach a sensor's interface, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vpi_tui.coverage.facts import Plan, Sensor
from vpi_tui.coverage.seen import PortKey, Watched
from vpi_tui.model.topology import Mirror, Port, Switch, Topology

MOST_MIRRORS = 256


@dataclass(frozen=True, slots=True)
class SensorLink:
    """A watched interface that is no port of a watched switch. peer: ifindex of its other end, 0 = none."""

    name: str
    ifindex: int = 0
    peer: int = 0
    promiscuous: bool = True


@dataclass(frozen=True, slots=True)
class Setting:
    """What the arrangement is judged from, beside the topology. named: by -i."""

    watched: Watched = field(default_factory=Watched)
    named: tuple[str, ...] = ()
    sensors: tuple[SensorLink, ...] = ()
    copied: frozenset[str] = frozenset()
    """Switches of which copies were ever seen."""


class Arrangement:
    """Plans by port. Remembers mirrors, to know which one a blind port has lost."""

    def __init__(self) -> None:
        self._mirrors: dict[tuple[str, str], Mirror] = {}
        self._lost: dict[tuple[str, str], Mirror] = {}

    def plans(self, topology: Topology, setting: Setting) -> dict[PortKey, Plan]:
        self._remember(topology)
        switches = {switch.name: switch for switch in topology.switches}
        by_switch: dict[str, list[Port]] = {}
        for port in topology.ports:
            by_switch.setdefault(port.switch, []).append(port)
        found: dict[PortKey, Plan] = {}
        for name, ports in by_switch.items():
            if name in switches:
                common = self._of_switch(switches[name], ports, topology, setting)
                found |= {(name, port.name): self._of_port(port, common, setting) for port in ports}
        return found

    def _remember(self, topology: Topology) -> None:
        now = {(mirror.switch, mirror.name): mirror for mirror in topology.mirrors}
        present = {switch.name for switch in topology.switches}
        gone = {key: mirror for key, mirror in self._mirrors.items() if key not in now and key[0] in present}
        self._lost |= {key: mirror for key, mirror in gone.items() if mirror.output}
        outputs = {(mirror.switch, mirror.output) for mirror in now.values()}
        kept = {
            key: m for key, m in self._lost.items() if (m.switch, m.output) not in outputs and key not in now
        }
        self._lost = dict(list(kept.items())[-MOST_MIRRORS:])
        self._mirrors = dict(list(now.items())[-MOST_MIRRORS:])

    def _of_switch(self, switch: Switch, ports: Sequence[Port], topology: Topology, setting: Setting) -> Plan:
        watched = setting.watched
        here = [port for port in ports if port.ifindex]
        whole = bool(here) and all(
            _taken(port, watched) or _handed_on(port, topology, watched) for port in here
        )
        mirrors = tuple(mirror for mirror in topology.mirrors if mirror.switch == switch.name)
        ageing = (watched.ageing or {}).get(switch.name)
        return Plan(
            whole=whole and switch.ifindex in watched.outgoing | {0},
            named=setting.named,
            sensor=_sensor_of(switch, ports, mirrors, setting),
            mirrors=mirrors,
            hub=ageing == 0,
            copied=switch.name in setting.copied,
        )

    def _of_port(self, port: Port, common: Plan, setting: Setting) -> Plan:
        direct = _taken(port, setting.watched)
        lost = [m for m in self._lost.values() if m.switch == port.switch and covers(m, port.name)]
        return replace(
            common,
            direct=direct,
            lost=lost[-1] if lost else None,
            own=common.sensor is not None and common.sensor.port == port.name,
            output=any(mirror.output == port.name for mirror in common.mirrors),
        )


def covers(mirror: Mirror, port: str) -> bool:
    return mirror.all_ports or port in mirror.ports_in or port in mirror.ports_out


def watched_ways(port: Port, plan: Plan) -> tuple[bool, bool]:
    """Is what enters at the port, and what leaves there, taken or copied, as far as the arrangement tells?"""
    if plan.direct or plan.whole:
        return True, plan.whole
    if plan.sensor is None or plan.lost is not None:
        return False, False
    if port.far:
        return plan.copied, plan.copied
    mirrors = [m for m in plan.mirrors if m.output in (plan.sensor.port, plan.sensor.name)]
    if mirrors:
        into = any(m.all_ports or port.name in m.ports_in for m in mirrors)
        return into, any(m.all_ports or port.name in m.ports_out for m in mirrors)
    copied = plan.hub or not plan.sensor.port
    return copied, copied


def _taken(port: Port, watched: Watched) -> bool:
    """Where a port's device is the guest's own end, what is sent through it enters the switch."""
    return port.ifindex in watched.incoming or port.ifindex in watched.outgoing


def _handed_on(port: Port, topology: Topology, watched: Watched) -> bool:
    """A patch: what enters there has entered the other switch before, and is taken there."""
    if not port.peer:
        return False
    far = next((other for other in topology.ports if other.ifindex == port.peer), None)
    if far is None:
        return False
    others = [one for one in topology.ports if one.switch == far.switch and one.ifindex != far.ifindex]
    return all(_taken(one, watched) for one in others if one.ifindex and not one.peer)


def _sensor_of(
    switch: Switch,
    ports: Sequence[Port],
    mirrors: tuple[Mirror, ...],
    setting: Setting,
) -> Sensor | None:
    """The watched interface that gets the switch's traffic, or could: by a link, a mirror, or copies seen."""
    if switch.kind == "interface":
        return None
    by_ifindex = {port.ifindex: port.name for port in ports if port.ifindex}
    outputs = {mirror.output for mirror in mirrors}
    far = any(port.far for port in ports)
    for link in setting.sensors:
        port = by_ifindex.get(link.ifindex) or by_ifindex.get(link.peer) or ""
        if port or link.name in outputs or switch.name in setting.copied or far:
            return Sensor(
                link.name, port or (link.name if link.name in outputs else ""), link.name, link.promiscuous
            )
    return None
