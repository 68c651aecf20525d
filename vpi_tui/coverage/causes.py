"""Why a port is not seen, and what mends it: a list of causes, the first one that applies is told.

A new cause is a function with `@cause` over it, at its place in the order: the surest knowledge first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vpi_tui.coverage import mend
from vpi_tui.coverage.facts import Facts, Sensor, Share, Way
from vpi_tui.model.coverage import Verdict
from vpi_tui.model.topology import Mirror


@dataclass(frozen=True, slots=True)
class Told:
    """cause: a whole sentence. mend: the command, or what to do where there is none; "" = nothing to mend."""

    cause: str
    mend: str = ""


Look = Callable[[Facts], Told | None]
"""What a cause says of a port; None = it is not this."""


@dataclass(frozen=True, slots=True)
class Cause:
    name: str
    of: frozenset[Verdict]
    """Verdicts that it can explain."""
    look: Look


CAUSES: list[Cause] = []
MISSING = (Verdict.PARTIAL, Verdict.ONE_WAY, Verdict.BLIND)


def cause(*verdicts: Verdict) -> Callable[[Look], Look]:
    """Register the function as the next cause of these verdicts."""

    def register(look: Look) -> Look:
        CAUSES.append(Cause(look.__name__, frozenset(verdicts), look))
        return look

    return register


def explain(verdict: Verdict, facts: Facts) -> Told:
    """The first cause that applies; the last of the list always does."""
    for one in CAUSES:
        if verdict in one.of and (told := one.look(facts)) is not None:
            return told
    raise LookupError(verdict)  # the test of the registry sees to it that this is never reached


# What cannot be judged --------------------------------------------------------------------------

_BYPASS = {
    "SR-IOV": "Mirror it at the physical switch, or give the guest a port of the virtual switch (virtio).",
    "vhost-user": "Mirror it inside the switch to a port of the sensor: {mirror}",
    "DPDK": "Mirror it inside the switch to a port of the sensor: {mirror}",
}


@cause(Verdict.UNKNOWN)
def bypass(facts: Facts) -> Told | None:
    """Its frames never pass the kernel."""
    how = facts.port.bypass
    if not how:
        return None
    remedy = _BYPASS.get(how, "Mirror it at the next switch that it passes.")
    mirror = mend.make_mirror(
        facts.switch.name, facts.plan.sensor.name if facts.plan.sensor else "SENSOR_PORT"
    )
    return Told(
        f"Its traffic bypasses the network stack of this host ({how}): it cannot be seen here, nor counted.",
        remedy.format(mirror=mirror),
    )


_STATES = {
    "down": "The port is down: nothing passes it.",
    "disabled": "The port is disabled: nothing passes it.",
    "no-carrier": "Nothing is connected to the port (no carrier).",
    "blocking": "Spanning tree blocks the port: nothing passes it.",
    "listening": "Spanning tree has not opened the port yet.",
    "learning": "Spanning tree has not opened the port yet.",
}


@cause(Verdict.UNKNOWN)
def closed(facts: Facts) -> Told | None:
    """Nothing passes it, and that is why nothing was counted."""
    if facts.port.state not in _STATES or not facts.quiet:
        return None
    return Told(
        _STATES[facts.port.state], mend.link_up(facts.port.name) if facts.port.state == "down" else ""
    )


@cause(Verdict.UNKNOWN)
def no_device(facts: Facts) -> Told | None:
    """A patch or a tunnel inside Open vSwitch."""
    if facts.port.ifindex or facts.port.far:
        return None
    if facts.port.kind == "patch":
        return Told(
            "A patch to another bridge has no device: what passes it is judged where it enters or leaves."
        )
    return Told(
        f"The port has no device on this host{f' ({facts.port.kind})' if facts.port.kind else ''}, so that no"
        " frame can be taken there; what it brings is missed at the ports where that leaves.",
        f"Let the switch copy it: {mend.make_mirror(facts.switch.name, 'SENSOR_PORT')}",
    )


@cause(Verdict.UNKNOWN)
def nobody_counts(facts: Facts) -> Told | None:
    if facts.truth:
        return None
    if facts.port.far:
        return Told(f"Nobody tells now what passes this port of {facts.port.far}: the notices say why.")
    return Told("Nobody else counts this port, so there is nothing to compare with.")


@cause(Verdict.UNKNOWN)
def begins(facts: Facts) -> Told | None:
    if facts.counted:
        return None
    anew = "began anew" if facts.reset else "begin"
    return Told(f"The counts of this port {anew} just now; a verdict follows in a few seconds.")


@cause(Verdict.UNKNOWN)
def only_copies(facts: Facts) -> Told | None:
    if not (facts.plan.output and facts.quiet):
        return None
    return Told("The copies of a mirror leave there: they are no traffic of the switch, and nothing enters.")


@cause(Verdict.UNKNOWN)
def silent(facts: Facts) -> Told | None:
    if not facts.quiet:
        return None
    passed, span = facts.into.true + facts.out.true, _seconds(facts.window_s)
    few = f"Too little traffic to judge: {passed:,} bytes in the last {span}."
    return Told(few if passed else f"No traffic in the last {span}.")


# What is missing --------------------------------------------------------------------------------


@cause(*MISSING)
def ring_overflow(facts: Facts) -> Told | None:
    """We dropped it ourselves."""
    if not facts.drops or not (facts.into.watched or facts.out.watched or facts.plan.sensor):
        return None
    return Told(
        f"The sensor itself dropped {facts.drops:,} packets in the last {_seconds(facts.window_s)}: "
        "its ring was full.",
        mend.more_ring(facts.ring_bytes),
    )


@cause(*MISSING)
def mirror_removed(facts: Facts) -> Told | None:
    lost, sensor = facts.plan.lost, facts.plan.sensor
    if lost is None or facts.plan.direct:
        return None
    output = lost.output or (sensor.port or sensor.name if sensor else "SENSOR_PORT")
    return Told(
        f"The mirror {lost.name} of {facts.switch.name}, which copied this port to {output}, was removed.",
        mend.make_mirror(facts.switch.name, output, lost),
    )


@cause(*MISSING)
def mirror_without_output(facts: Facts) -> Told | None:
    sensor, broken = facts.plan.sensor, _first(facts, lambda mirror: not mirror.output)
    if broken is None or sensor is None or facts.plan.direct:
        return None
    return Told(
        f"The mirror {broken.name} of {facts.switch.name} has no port to send its copies to.",
        mend.send_mirror_to(broken, sensor.port or sensor.name),
    )


@cause(*MISSING)
def mirror_leaves_it_out(facts: Facts) -> Told | None:
    """A mirror is there, and does not select this port in both directions."""
    mirror = _first(facts, lambda mirror: not mirror.all_ports)
    if mirror is None or facts.plan.direct:
        return None
    name = facts.port.name
    into, out = name not in mirror.ports_in, name not in mirror.ports_out
    if not (into or out):
        return None
    what = "this port" if into and out else f"what {'enters at' if into else 'leaves through'} this port"
    return Told(
        f"The mirror {mirror.name} of {facts.switch.name} does not copy {what}.",
        mend.add_to_mirror(mirror, name, into=into, out=out),
    )


@cause(*MISSING)
def mirror_of_some_vlans(facts: Facts) -> Told | None:
    mirror = _first(facts, lambda mirror: bool(mirror.vlans))
    if mirror is None or facts.plan.direct:
        return None
    vlans = ", ".join(map(str, mirror.vlans[:8]))
    return Told(
        f"The mirror {mirror.name} of {facts.switch.name} copies VLAN {vlans} only.", mend.all_vlans(mirror)
    )


@cause(*MISSING)
def no_mirror(facts: Facts) -> Told | None:
    sensor = facts.plan.sensor
    if facts.plan.direct or sensor is None or not sensor.port or facts.switch.kind != "ovs":
        return None
    if _first(facts, lambda _: True) is not None:
        return None
    return Told(
        f"{facts.switch.name} has no mirror that copies this port to {sensor.port}.",
        mend.make_mirror(facts.switch.name, sensor.port),
    )


@cause(*MISSING)
def not_promiscuous(facts: Facts) -> Told | None:
    sensor = facts.plan.sensor
    if facts.plan.direct or sensor is None or sensor.promiscuous:
        return None
    return Told(
        f"{sensor.name} is not promiscuous: it takes only what is sent to its own address.",
        mend.promiscuous(sensor.name),
    )


@cause(*MISSING)
def on_another_host(facts: Facts) -> Told | None:
    """Nothing of this host reaches it: there something has to copy to the sensor."""
    host, sensor = facts.port.far, facts.plan.sensor
    if not host:
        return None
    switch = facts.switch.name.removesuffix(f"@{host}")
    to = f" to {sensor.name}" if sensor else ": no watched interface gets copies"
    way = _missing_way(facts).replace("the switch", switch)
    return Told(f"{switch} of {host} does not copy {way}{to}.", mend.copy_there(host, switch))


@cause(*MISSING)
def bridge_learns(facts: Facts) -> Told | None:
    """The sensor sits at a port of the bridge, which hands it only what is meant for it."""
    sensor = facts.plan.sensor
    if facts.plan.direct or sensor is None or not sensor.port or facts.plan.hub or facts.switch.kind == "ovs":
        return None
    return Told(
        f"{facts.switch.name} hands {sensor.name} only broadcasts and what is meant for it, as it has learned"
        " where this guest is.",
        mend.flood(facts.switch.name),
    )


@cause(*MISSING)
def nobody_known(facts: Facts) -> Told | None:
    """The sensor gets all frames, and cannot tell whose they are."""
    sensor = facts.plan.sensor
    if facts.plan.direct or sensor is None or not sensor.port:
        return None
    return Told(
        f"{facts.switch.name} hands {sensor.name} copies, but which address lives behind {facts.port.name} is"
        " not known.",
        f"Name it in inventory.yaml: guests: [{{name: GUEST, port: {facts.port.name}, mac: MAC}}]",
    )


@cause(*MISSING)
def no_copy(facts: Facts) -> Told | None:
    """A capture card to which something has to copy."""
    sensor = facts.plan.sensor
    if facts.plan.direct or sensor is None or not sensor.device or not facts.port.ifindex:
        return None
    way = _missing_way(facts)
    return Told(f"Nothing copies {way} to {sensor.name}.", mend.copy_port(facts.port.name, sensor.device))


@cause(*MISSING)
def switch_not_named(facts: Facts) -> Told | None:
    """Other switches or ports were named by hand, and this one was not."""
    named, port, switch = facts.plan.named, facts.port, facts.switch
    if not named or facts.plan.direct or not switch.name:
        return None
    return Told(
        f"{port.name} is not watched: -i named {_list(named)} alone.",
        mend.watch((*(name for name in named if name != port.name), switch.name)),
    )


@cause(*MISSING)
def only_this_port(facts: Facts) -> Told | None:
    """One port of a switch is watched: what is sent to it enters at others."""
    plan, switch = facts.plan, facts.switch
    if not plan.direct or plan.whole or not plan.named:
        return None
    return Told(
        f"Only what enters {switch.name} at {_list(plan.named)} is watched; what is sent to {facts.port.name}"
        " enters at other ports.",
        mend.watch((*(n for n in plan.named if n != facts.port.name), switch.name)),
    )


@cause(*MISSING)
def enters_elsewhere(facts: Facts) -> Told | None:
    """All that is known is watched, and yet more leaves."""
    if not facts.plan.whole or _way_share(facts, facts.out) in (Share.FULL, Share.IDLE):
        return None
    return Told(
        f"More leaves through {facts.port.name} than entered {facts.switch.name} anywhere that is known: a "
        "program of this host sends it there directly, or a port of the switch is hidden from the sensor.",
        "Look for the port that the sensor does not list: bridge link; ovs-vsctl show",
    )


@cause(*MISSING)
def not_taken(facts: Facts) -> Told | None:
    """The last resort of what is watched at its port."""
    return Told(
        f"Frames that the counters know of {facts.port.name} do not reach the sensor, for a reason that it"
        " cannot tell.",
        mend.watch((facts.switch.name,)),
    )


# What is well -----------------------------------------------------------------------------------


@cause(Verdict.SEEN)
def all_is_seen(facts: Facts) -> Told | None:
    plan = facts.plan
    if plan.own and plan.sensor:
        return Told(f"What leaves there are the copies that {plan.sensor.name} takes.")
    if plan.direct:
        how = "taken where it enters the switch"
    elif plan.sensor:
        how = f"copied to {plan.sensor.name}"
    elif facts.port.far:
        how = "they pass switches of this host"
    else:
        how = "taken where it enters other ports of the switch"
    return Told(f"Both directions are seen: {how}.")


@cause(Verdict.UNKNOWN)
def not_to_tell(_facts: Facts) -> Told | None:
    return Told("What is seen of this port cannot be told yet.")


# Words ------------------------------------------------------------------------------------------


def _way_share(facts: Facts, way: Way) -> Share:
    return way.share(facts.window_s, wire=facts.wire)


def _missing_way(facts: Facts) -> str:
    into = _way_share(facts, facts.into) in (Share.FULL, Share.IDLE)
    out = _way_share(facts, facts.out) in (Share.FULL, Share.IDLE)
    name = facts.port.name
    if into and not out:
        return f"what leaves the switch through {name}"
    return f"what enters the switch at {name}" if out and not into else f"the traffic of {name}"


def _first(facts: Facts, wanted: Callable[[Mirror], bool]) -> Mirror | None:
    """A mirror that concerns the sensor: it sends its copies there, or nowhere."""
    sensor: Sensor | None = facts.plan.sensor
    ours = {"", sensor.port, sensor.name} if sensor else {""}
    return next((m for m in facts.plan.mirrors if m.output in ours and wanted(m)), None)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")


def _seconds(seconds: float) -> str:
    return f"{max(seconds, 1.0):.0f} s"
