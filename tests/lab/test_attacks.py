"""Every attack of the lab, on a real bridge and a real Open vSwitch: the right alert, switch, port, guest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.lab.net import until
from tests.lab.ovs import why_no_ovs
from tests.lab.product import Product
from tests.lab.sensor import SETTLE, Sensor
from vpi_tui.lab import state
from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.registry import ATTACKS, BY_NAME
from vpi_tui.lab.plan import LabSwitch, Plan
from vpi_tui.model.event import Alert

pytestmark = pytest.mark.lab

KINDS = ("bridge", "ovs")
SECONDS = 4.0
"""An alert comes within a batch; the rest is for a machine that has other things to do."""


class Running(NamedTuple):
    product: Product
    plan: Plan
    sensor: Sensor


@pytest.fixture(scope="module")
def running(possible: None) -> Iterator[Running]:
    with Product("attacks") as product:
        code, _, errors = product.lab("up")
        assert code == 0, errors
        plan = state.standing(product.names).plan
        socket = str(product.names.folder / "ovs/db.sock")
        with Sensor(
            product.host, inventory=str(product.names.inventory), options={"probes.ovs.socket": socket}
        ) as sensor:
            yield Running(product, plan, sensor)


@pytest.fixture
def switch(request: pytest.FixtureRequest, running: Running) -> LabSwitch:
    if request.param == "ovs" and (reason := why_no_ovs()):
        pytest.skip(reason)
    running.sensor.forget()
    return running.plan.switch(request.param)


def test_everyday_traffic_raises_nothing(running: Running) -> None:
    before = running.sensor.snapshot().total.counters.pkts_in
    time.sleep(3.0)
    assert running.sensor.snapshot().total.counters.pkts_in - before > 50
    assert [alert.msg for alert in running.sensor.alerts()] == []


@pytest.mark.parametrize("switch", KINDS, indirect=True)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_right_alert(running: Running, switch: LabSwitch, attack: Attack) -> None:
    did = attack.run(switch)
    assert switch.guest(attack.attacker).name in did
    for expected in attack.alerts:
        found = until(lambda e=expected: _of(running.sensor, e), SECONDS)
        assert found, f"no alert {expected}; others: {[one.msg for one in running.sensor.alerts()]}"
    time.sleep(SETTLE)
    for expected in attack.alerts:
        found = _of(running.sensor, expected)
        assert len(found) == expected.times, [one.msg for one in found]
    raised = running.sensor.alerts()
    assert {(one.gid, one.sid) for one in raised} == {(one.gid, one.sid) for one in attack.alerts}
    for alert in raised:
        _is_placed(alert, switch)
    told = [alert for alert in raised if switch.guest(attack.attacker).name == alert.src_guest]
    assert told, "no alert is about the attacker"
    if attack.target:
        target = switch.guest(attack.target)
        assert any(target.name == alert.dest_guest or target.mac in alert.msg for alert in told)


def _of(sensor: Sensor, expected: Expected) -> list[Alert]:
    return [one for one in sensor.alerts(expected.sid) if one.gid == expected.gid]


def _is_placed(alert: Alert, switch: LabSwitch) -> None:
    """The switch, and the port of the guest that sent."""
    port = {guest.name: guest.namespace for guest in switch.guests}
    assert alert.switch == switch.name
    assert alert.in_iface == port[alert.src_guest], alert
    assert alert.dest_guest in {"", *port}
    assert alert.locality in ("east-west", "unknown")


def test_each_packet_is_counted_once(running: Running) -> None:
    """Against the kernel's own counters of all ports of all switches: everyday traffic and two attacks."""
    product, plan, _ = running
    ports = [port for one in plan.switches for port in one.ports]
    product.hold()
    try:
        sent, seen = _counts(running, ports)
        product.go_on()
        for switch in plan.switches:
            BY_NAME["sqli"].run(switch)
            BY_NAME["dnstunnel"].run(switch)
        time.sleep(1.0)
        product.hold()
        sent_then, seen_then = _counts(running, ports)
        assert seen_then - seen == sent_then - sent > 100
    finally:
        product.go_on()


def _counts(running: Running, ports: list[str]) -> tuple[int, int]:
    """Frames that the kernel received at the ports, and those that the sensor saw, of the same moment.

    The kernels of silent guests still ask for neighbours and send again: both are read until nothing
    came between.
    """

    def still() -> tuple[int, int] | None:
        before = running.product.received(ports)
        time.sleep(SETTLE)
        seen = _seen(running.sensor)
        return (before, seen) if running.product.received(ports) == before else None

    found = until(still, 30.0)
    assert found, "the guests do not fall silent"
    return found


def _seen(sensor: Sensor) -> int:
    stats = sensor.snapshot().stats
    assert stats["capture.kernel_drops"] == 0
    return int(stats["decoder.pkts"])
