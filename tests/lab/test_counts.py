"""The kernel's counters of ports, against known traffic."""

from __future__ import annotations

import pytest

from tests.lab.frames import send
from tests.lab.net import Lab, inside, ip
from vpi_tui.inventory.bridge import BridgeProbe
from vpi_tui.inventory.counts import INTERFACE
from vpi_tui.inventory.watch import Inventory
from vpi_tui.model.coverage import TrueCount

pytestmark = pytest.mark.lab


def counts(inventory: Inventory) -> dict[str, TrueCount]:
    return {count.port: count for count in inventory.counts()}


def test_what_enters_and_leaves_is_counted_at_its_port(lab: Lab) -> None:
    sender = lab.guests[0]

    def look() -> Inventory:
        made = Inventory([BridgeProbe()])
        made.first_look(0.0, 1.0)
        made.counts()
        return made

    inventory = inside(lab.host, look)
    try:
        before = counts(inventory)
        for _ in range(60):
            send(sender.name, "x" * 400)
        for _ in range(5):
            send(lab.host, "y" * 100, "br0")
        after = counts(inventory)
    finally:
        inventory.close()
    grown = {
        name: (
            after[name].in_packets - before[name].in_packets,
            after[name].out_packets - before[name].out_packets,
        )
        for name in ("port1", "port2", "br0")
    }
    # A little of the kernel's own (IPv6 neighbours, multicast) may be among them.
    least = {"port1": (60, 5), "port2": (0, 65), "br0": (5, 60)}
    for name, (entered, left) in least.items():
        assert entered <= grown[name][0] < entered + 40
        assert left <= grown[name][1] < left + 40
    frame = (after["port1"].in_bytes - before["port1"].in_bytes) / 60
    assert 400 < frame < 500
    assert after["port2"].out_bytes - before["port2"].out_bytes > 60 * frame
    assert {count.truth for count in after.values()} == {INTERFACE}
    assert after["port1"].ifindex == lab.ifindex("port1")


def test_who_wants_all_frames(lab: Lab) -> None:
    inventory = inside(lab.host, lambda: Inventory([BridgeProbe()]))
    number = lab.ifindex("port1")
    try:
        before = inside(lab.host, inventory.promiscuity)[number]
        ip("-n", lab.host, "link", "set", "port1", "promisc", "on")
        assert inventory.promiscuity()[number] == before + 1
    finally:
        ip("-n", lab.host, "link", "set", "port1", "promisc", "off")
        inventory.close()
