"""What `vpi-tui doctor` says of a real host: what each probe finds, and what contradicts inventory.yaml."""

from __future__ import annotations

import pytest

from tests.lab.net import Lab, inside, ip
from vpi_tui.inventory.bridge import BridgeProbe
from vpi_tui.inventory.static import StaticGuest, StaticInventory
from vpi_tui.inventory.survey import ProbeLine, Survey, survey
from vpi_tui.inventory.watch import Inventory

pytestmark = pytest.mark.lab

ALONE = {f"probes.{key}.enabled": "no" for key in ("ovs", "libvirt", "docker", "vmware", "machines")}


def test_what_is_here_and_what_contradicts_it(lab: Lab) -> None:
    static = StaticInventory(guests=(StaticGuest("web", switch="br9", port="port1"),))
    found: Survey = inside(lab.host, lambda: survey(ALONE, static))
    assert found.probes == (ProbeLine("Linux bridges", "1 switch, 3 ports"),)
    (told,) = found.topology.conflicts
    assert "web is on br9, but port1, which would be its port, is on br0" in told


def test_a_bridge_deleted_in_between(lab: Lab) -> None:
    """While its ports live on: they are no ports any more."""
    lab.bridge("br8")
    ip("-n", lab.host, "link", "add", "left8", "type", "veth", "peer", "right8")
    ip("-n", lab.host, "link", "set", "left8", "master", "br8")
    inventory = inside(lab.host, lambda: Inventory([BridgeProbe()]))
    try:
        assert "left8" in {port.name for port in inventory.first_look(0.0, 1.0).ports}
        ip("-n", lab.host, "link", "del", "br8")
        changed = next(found for step in range(1, 50) if (found := inventory.poll(float(step))))
        assert "left8" not in {port.name for port in changed.ports}
        assert {switch.name for switch in changed.switches if switch.ifindex} == {"br0"}
    finally:
        inventory.close()
        ip("-n", lab.host, "link", "del", "left8")


def test_a_kernel_that_does_not_answer_is_told(lab: Lab) -> None:
    probe = inside(lab.host, BridgeProbe)
    inventory = Inventory([probe])
    try:
        before = inside(lab.host, lambda: inventory.first_look(0.0, 1.0))
        probe._requests.close()
        after = inventory.poll(60.0)
        assert after is not None
        assert after.ports == before.ports
        assert "Interfaces cannot be listed by netlink: Bad file descriptor" in after.notices[0]
    finally:
        inventory.close()
