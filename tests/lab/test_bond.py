"""A bond of Open vSwitch as the uplink: real members, real traffic, both directions, each frame once."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.lab.judged import SECONDS, agrees, comes
from tests.lab.net import Lab, ip, until
from tests.lab.ovs import OpenVSwitch
from tests.lab.sensor import SETTLE, Sensor
from tests.lab.traffic import End, by_hand, running
from vpi_tui.model.coverage import Verdict

pytestmark = pytest.mark.lab

OUTSIDE = "02:77:00:00:01:01"
Bonded = tuple[Lab, OpenVSwitch]
MEMBERS = ("mem1", "mem2")


@pytest.fixture
def bonded(ovs_lab: Bonded) -> Iterator[Bonded]:
    """ovs0 with bond9 over two veth pairs; their other ends are outside."""
    lab, switch = ovs_lab
    for name in MEMBERS:
        ip(
            "-n",
            lab.host,
            "link",
            "add",
            name,
            "type",
            "veth",
            "peer",
            f"{name}o",
            "netns",
            lab.guests[2].name,
        )
        ip("-n", lab.host, "link", "set", name, "up")
        ip("-n", lab.guests[2].name, "link", "set", f"{name}o", "up")
    switch.vsctl("add-bond", "ovs0", "bond9", *MEMBERS, "bond_mode=active-backup")
    yield lab, switch
    switch.vsctl("del-port", "ovs0", "bond9")
    for name in MEMBERS:
        ip("-n", lab.host, "link", "del", name)


def active(switch: OpenVSwitch) -> str:
    told = switch.appctl("bond/show", "bond9").split("\n")
    lines = [at for at, line in enumerate(told) if line.strip() == "active member"]
    return next((name for at in lines for name in MEMBERS if name in told[at - 1]), "")


def test_a_bond_is_an_uplink_and_what_passes_it_counts_once(bonded: Bonded) -> None:
    lab, switch = bonded
    first = lab.guests[0]
    assert until(lambda: active(switch), 10.0)
    member = active(switch)
    sends = (
        by_hand(End(first.name), first.mac, OUTSIDE),
        by_hand(End(lab.guests[2].name, f"{member}o"), OUTSIDE, first.mac, size=400),
    )

    def entered() -> int:
        files = [f"/sys/class/net/{name}/statistics/rx_packets" for name in (first.port, member)]
        run = ["ip", "netns", "exec", lab.host, "cat", *files]
        return sum(map(int, subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()))

    options = {"probes.ovs.socket": str(switch.socket)}
    with Sensor(lab.host, interfaces=("ovs0",), options=options, ring_memory=64 << 20) as sensor:
        before, counted = entered(), sensor.snapshot().total.counters.pkts_in
        with running(*sends):
            time.sleep(SECONDS)
            agrees(comes(sensor, first.port, Verdict.SEEN))
            agrees(comes(sensor, member, Verdict.SEEN))
        time.sleep(SETTLE)
        found = sensor.snapshot()
        passed = entered() - before
        assert passed > 500
        assert abs(found.total.counters.pkts_in - counted - passed) <= 0.01 * passed
        places = {port.port: port.guest for port in found.coverage}
        assert (places[member], places[first.port] != "") == ("", True)
        guest = sensor.guest(places[first.port])
        assert guest is not None
        assert guest.counters.bytes_in > 0
        other = next(port for port in found.coverage if port.port == next(m for m in MEMBERS if m != member))
        assert other.verdict in (Verdict.UNKNOWN, Verdict.SEEN)
