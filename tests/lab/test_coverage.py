"""What is seen of each port, in many arrangements, against the kernel's own counters.

No port that is seen is called blind, none is called seen that is not; where the verdict is SEEN bytes agree
within 2 %. What is taken away (a mirror, a filter, hub mode) is told in 5 s; the printed command mends it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.net import Guest, Lab, fetch, ip, until
from tests.lab.ovs import OpenVSwitch, why_no_ovs
from tests.lab.sensor import SETTLE, Sensor
from tests.lab.traffic import End, both_ways, by_hand, datagrams, running, sink, stream, vxlan
from vpi_tui.model.coverage import PortCoverage, Verdict

pytestmark = pytest.mark.lab

SECONDS = float(os.environ.get("VPI_TUI_COVERAGE_SECONDS", "3"))
"""How long known traffic runs before it is judged; a benchmark gives 30."""
TOLD_WITHIN = 5.0
AGREE = 0.02
BROADCAST = "ff:ff:ff:ff:ff:ff"
MULTICAST = "01:00:5e:00:00:fb"
RING = 64 << 20


@contextmanager
def watching(lab: Lab, *names: str, **more: object) -> Iterator[Sensor]:
    with Sensor(lab.host, interfaces=names, ring_memory=RING, **more) as sensor:
        yield sensor


def port(sensor: Sensor, name: str) -> PortCoverage:
    found = sensor.client.latest()
    assert found is not None
    return next(one for one in found.coverage if one.port == name)


def comes(sensor: Sensor, name: str, *verdicts: Verdict, seconds: float = TOLD_WITHIN) -> PortCoverage:
    """The port once its verdict is one of these; fails when it does not become so in time."""
    until(lambda: port(sensor, name).verdict in verdicts, seconds, step=0.1)
    judged = port(sensor, name)
    assert judged.verdict in verdicts, judged
    return judged


def agrees(judged: PortCoverage) -> None:
    """Seen, and the bytes of both directions are what the counters say."""
    assert judged.verdict is Verdict.SEEN, judged
    assert judged.truth == "interface counters"
    agrees_with(judged, AGREE)


def agrees_with(judged: PortCoverage, share: float) -> None:
    slack = 2_000  # the switch's own frames
    assert abs(judged.seen_in - judged.true_in) <= share * judged.true_in + slack, judged
    assert abs(judged.seen_out - judged.true_out) <= share * judged.true_out + slack, judged


def mended(judged: PortCoverage, lab: Lab, environment: dict[str, str] | None = None) -> None:
    """Run the command that is printed, as the operator would, on the host."""
    run = ["ip", "netns", "exec", lab.host, "sh", "-c", judged.mend]
    surroundings = {**os.environ, **(environment or {})}
    done = subprocess.run(run, check=False, capture_output=True, text=True, env=surroundings)
    assert done.returncode == 0, (judged.mend, done.stderr)


def settle() -> None:
    time.sleep(SECONDS)


# A whole bridge -----------------------------------------------------------------------------------


def unicast(a: Guest, b: Guest) -> list[Callable[[], object]]:
    return both_ways(a, b)


def small_frames(a: Guest, b: Guest) -> list[Callable[[], object]]:
    return both_ways(a, b, size=60)


def tagged(a: Guest, b: Guest) -> list[Callable[[], object]]:
    return both_ways(a, b, vlan=42, size=200)


def over_ip6(a: Guest, b: Guest) -> list[Callable[[], object]]:
    return [datagrams(a.name, b.ip6), datagrams(b.name, a.ip6)]


def inside_vxlan(a: Guest, b: Guest) -> list[Callable[[], object]]:
    return [vxlan(a.name, b.ip4), vxlan(b.name, a.ip4)]


def to_all(a: Guest, b: Guest) -> list[Callable[[], object]]:
    return [by_hand(End(a.name), a.mac, BROADCAST), by_hand(End(b.name), b.mac, MULTICAST)]


def to_nobody_known(a: Guest, b: Guest) -> list[Callable[[], object]]:
    """Flooded: the bridge has not learned where it is."""
    return [by_hand(End(g.name), g.mac, "02:77:00:00:00:fe") for g in (a, b)]


KINDS = (unicast, small_frames, tagged, over_ip6, inside_vxlan, to_all, to_nobody_known)


@pytest.fixture(scope="module")
def whole(lab: Lab) -> Iterator[Sensor]:
    with watching(lab) as sensor:
        yield sensor


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_traffic_agrees_with_the_counters(
    lab: Lab, whole: Sensor, kind: Callable[[Guest, Guest], list[Callable[[], object]]]
) -> None:
    first, second, third = lab.guests[:3]
    with running(*kind(first, second)):
        settle()
        for guest in (first, second):
            agrees(comes(whole, guest.port, Verdict.SEEN))
        assert port(whole, third.port).verdict in (Verdict.SEEN, Verdict.UNKNOWN)


@pytest.mark.parametrize("version", ["ip4", "ip6"])
def test_offloaded_streams_at_full_speed(lab: Lab, whole: Sensor, version: str) -> None:
    """Where the machine is too slow for that the ring overflows, and this is what is said."""
    first, second = lab.guests[:2]
    family = socket.AF_INET6 if version == "ip6" else socket.AF_INET
    with sink(second.name, family), running(stream(first.name, getattr(second, version))):
        settle()
        judged = [port(whole, guest.port) for guest in (first, second)]
    assert judged[0].true_in > 10_000_000
    for one in judged:
        if one.verdict is Verdict.PARTIAL:
            assert "its ring was full" in one.cause
            assert "memory.ring" in one.mend
        else:
            agrees(one)


def test_what_the_host_says_and_hears(lab: Lab, whole: Sensor) -> None:
    first = lab.guests[0]
    ip("-n", lab.host, "addr", "replace", "10.77.0.254/24", "dev", "br0")
    with running(datagrams(lab.host, first.ip4), datagrams(first.name, "10.77.0.254")):
        settle()
        agrees(comes(whole, first.port, Verdict.SEEN, seconds=15.0))  # until the streams before are read


def test_an_idle_port_is_not_blind(lab: Lab, whole: Sensor) -> None:
    quiet = lab.guest(8)
    try:
        assert until(lambda: any(p.port == quiet.port for p in whole.snapshot().coverage), 3.0)
        time.sleep(2.5)
        judged = port(whole, quiet.port)
        assert judged.verdict in (Verdict.UNKNOWN, Verdict.SEEN)  # its own neighbour discovery may be enough
    finally:
        lab.unplug(quiet)


def test_a_guest_that_is_plugged_in_while_it_speaks(lab: Lab, whole: Sensor) -> None:
    first, late = lab.guests[0], lab.guest(9)
    try:
        with running(*both_ways(first, late)):
            assert until(lambda: any(p.port == late.port for p in whole.snapshot().coverage), 3.0)
            settle()
            agrees(comes(whole, late.port, Verdict.SEEN))
    finally:
        lab.unplug(late)


def test_frames_that_enter_nowhere_are_missed_and_that_is_told(lab: Lab, whole: Sensor) -> None:
    """A program of the host sends through the port itself: nothing that watches the switch sees that."""
    first, second, third = lab.guests[:3]
    hidden = by_hand(End(lab.host, third.port), second.mac, third.mac)
    with running(hidden, *both_ways(first, third, size=300)):
        judged = comes(whole, third.port, Verdict.PARTIAL, Verdict.ONE_WAY)
        assert f"More leaves through {third.port}" in judged.cause
        agrees(port(whole, first.port))


# Parts of a host ------------------------------------------------------------------------------------


def test_one_port_of_a_bridge_and_what_it_does_not_show(lab: Lab) -> None:
    first, second, third = lab.guests[:3]
    with running(*both_ways(first, second), *both_ways(second, third)):
        with watching(lab, first.port) as sensor:
            settle()
            judged = comes(sensor, first.port, Verdict.ONE_WAY)
            assert judged.mend == "vpi-tui -i br0"
            blind = comes(sensor, third.port, Verdict.BLIND)
            assert f"-i named {first.port} alone" in blind.cause
            assert port(sensor, second.port).verdict in (Verdict.PARTIAL, Verdict.ONE_WAY)
        with watching(lab, *judged.mend.split()[2::2]) as sensor:
            settle()
            for guest in (first, second, third):
                agrees(port(sensor, guest.port))


def test_a_switch_that_was_not_named(lab: Lab) -> None:
    lab.bridge("br5")
    pair = lab.guest(51, "br5"), lab.guest(52, "br5")
    try:
        with running(*both_ways(*pair), *both_ways(*lab.guests[:2])), watching(lab, "br0") as sensor:
            settle()
            judged = comes(sensor, pair[0].port, Verdict.BLIND)
            assert judged.mend == "vpi-tui -i br0 -i br5"
            agrees(port(sensor, lab.guests[0].port))
            assert sensor.snapshot().total.coverage == "partial"
    finally:
        for guest in pair:
            lab.unplug(guest)
        ip("-n", lab.host, "link", "del", "br5")


def test_two_bridges_joined_by_a_patch(lab: Lab) -> None:
    lab.bridge("br6")
    far, near = lab.guest(61, "br6"), lab.guests[0]
    try:
        ip("-n", lab.host, "link", "add", "patch0", "type", "veth", "peer", "patch6")
        for end, switch in (("patch0", "br0"), ("patch6", "br6")):
            ip("-n", lab.host, "link", "set", end, "master", switch, "up")
        with running(*both_ways(near, far)), watching(lab) as sensor:
            settle()
            for name in (near.port, far.port, "patch0", "patch6"):
                agrees(comes(sensor, name, Verdict.SEEN))
    finally:
        lab.unplug(far)
        ip("-n", lab.host, "link", "del", "br6")
        ip("-n", lab.host, "link", "del", "patch0")


# Copies ---------------------------------------------------------------------------------------------


@pytest.fixture
def card(lab: Lab) -> Iterator[str]:
    """An interface of the host to which something copies; its far end hears them too."""
    ip("-n", lab.host, "link", "add", "mon0", "type", "veth", "peer", "mon1")
    for end in ("mon0", "mon1"):
        ip("-n", lab.host, "link", "set", end, "up")
    yield "mon0"
    ip("-n", lab.host, "link", "del", "mon0")


def copied(lab: Lab, *guests: Guest, to: str) -> None:
    """Both directions of the ports, by tc."""
    for guest in guests:
        on_host(lab, f"tc qdisc replace dev {guest.port} clsact")
        for way in ("ingress", "egress"):
            what = "protocol all u32 match u32 0 0 action mirred egress mirror"
            on_host(lab, f"tc filter add dev {guest.port} {way} {what} dev {to}")


def test_copies_by_tc_are_counted_once_and_missed_when_they_stop(lab: Lab, card: str) -> None:
    first, second, third = lab.guests[:3]
    copied(lab, first, second, to=card)
    try:
        sends = (*both_ways(first, second), *both_ways(second, third, size=200))
        with running(*sends), watching(lab, card) as sensor:
            settle()
            for guest in (first, second):
                agrees(comes(sensor, guest.port, Verdict.SEEN))
            # Of the first two each frame comes twice, where it enters and where it leaves.
            assert sensor.snapshot().stats["coverage.duplicate_factor"] > 1.2
            on_host(lab, f"tc qdisc del dev {first.port} clsact")
            on_host(lab, f"tc qdisc del dev {second.port} clsact")
            for guest in (first, third):
                judged = comes(sensor, guest.port, Verdict.BLIND)
                assert f"to {card}" in judged.cause
                mended(judged, lab)
            agrees(comes(sensor, first.port, Verdict.SEEN))
            agrees(comes(sensor, third.port, Verdict.SEEN))
    finally:
        for guest in (first, second, third):
            on_host(lab, f"tc qdisc del dev {guest.port} clsact", check=False)


def test_what_is_copied_where_it_enters_and_where_it_leaves_counts_once(lab: Lab, card: str) -> None:
    first, second = lab.guests[:2]
    ways = [datagrams(a.name, b.ip6) for a, b in ((first, second), (second, first))]

    def entered() -> int:
        read = "cat /sys/class/net/{0}/statistics/rx_packets /sys/class/net/{1}/statistics/rx_packets"
        run = ["ip", "netns", "exec", lab.host, "sh", "-c", read.format(first.port, second.port)]
        return sum(map(int, subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()))

    copied(lab, first, second, to=card)
    try:
        with watching(lab, card) as sensor:
            with running(*both_ways(first, second), *ways):
                time.sleep(1.0)
            time.sleep(SETTLE)
            before, counted = entered(), sensor.snapshot().total.counters.pkts_in
            with running(*both_ways(first, second), *ways):
                settle()
            time.sleep(SETTLE)
            passed, found = entered() - before, sensor.snapshot()
            assert passed > 1_000
            assert abs(found.total.counters.pkts_in - counted - passed) <= 0.002 * passed
            assert found.stats["capture.doubled_copies"] > 0.95 * passed
    finally:
        for guest in (first, second):
            on_host(lab, f"tc qdisc del dev {guest.port} clsact", check=False)


@pytest.fixture
def seat(lab: Lab) -> Iterator[str]:
    """An interface of the host that is plugged into its bridge, as a sensor's virtual card is."""
    ip("-n", lab.host, "link", "add", "sens0", "type", "veth", "peer", "seat0")
    ip("-n", lab.host, "link", "set", "seat0", "master", "br0", "up")
    ip("-n", lab.host, "link", "set", "sens0", "up")
    yield "sens0"
    ip("-n", lab.host, "link", "set", "br0", "type", "bridge", "ageing_time", "30000")
    ip("-n", lab.host, "link", "del", "sens0")


def test_a_promiscuous_card_and_a_switch_that_ceases_to_hand_it_all(lab: Lab, seat: str) -> None:
    first, second = lab.guests[:2]
    with running(*both_ways(first, second)), watching(lab, seat) as sensor:
        settle()
        for _ in range(2):
            judged = comes(sensor, first.port, Verdict.BLIND, Verdict.ONE_WAY)
            assert f"br0 hands {seat} only broadcasts" in judged.cause
            mended(judged, lab)
            agrees(comes(sensor, first.port, Verdict.SEEN))
            agrees(port(sensor, "seat0"))
            on_host(lab, "ip link set br0 type bridge ageing_time 30000")


def test_two_views_of_one_frame_are_one(lab: Lab, seat: str) -> None:
    """The bridge and a card that gets all of it: nothing is counted twice, and the factor is told."""
    first, second = lab.guests[:2]
    on_host(lab, "ip link set br0 type bridge ageing_time 0")
    with watching(lab, "br0", seat) as sensor:
        before = sensor.snapshot().total.counters.bytes_in
        with running(*both_ways(first, second)):
            settle()
            agrees(port(sensor, first.port))
            found = sensor.snapshot()
            both = [p for p in found.coverage if p.port in (first.port, second.port)]
            rate = sum(p.true_in for p in both) / both[0].window_s
        assert found.stats["coverage.duplicate_factor"] > 1.5
        assert found.total.counters.bytes_in - before < 1.6 * rate * (SECONDS + 1.5)


def on_host(lab: Lab, command: str, *, check: bool = True) -> None:
    run = ["ip", "netns", "exec", lab.host, "sh", "-c", command]
    done = subprocess.run(run, check=False, capture_output=True, text=True)
    assert not check or done.returncode == 0, (command, done.stderr)


# Open vSwitch ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def virtual(possible: None) -> Iterator[tuple[Lab, OpenVSwitch]]:
    """Two guests on ovs0, and its port mon0 on which a mirror may copy."""
    if reason := why_no_ovs():
        pytest.skip(reason)
    with Lab("covovs") as made, OpenVSwitch(made.host) as switch:
        switch.add_bridge("ovs0")
        for number in (1, 2):
            guest = made.guest(number)
            ip("-n", made.host, "link", "set", guest.port, "nomaster")
            switch.add_port("ovs0", guest.port)
            # As libvirt writes it: Open vSwitch tells nobody which addresses it has learned.
            switch.vsctl("set", "interface", guest.port, f'external_ids:attached-mac="{guest.mac}"')
        switch.add_port("ovs0", "mon0", kind="internal")
        yield made, switch


def test_open_vswitch_port_by_port(virtual: tuple[Lab, OpenVSwitch]) -> None:
    lab, switch = virtual
    first, second = lab.guests[:2]
    options = {"probes.ovs.socket": str(switch.socket)}
    with running(*both_ways(first, second)), watching(lab, options=options) as sensor:
        settle()
        for guest in (first, second):
            agrees(comes(sensor, guest.port, Verdict.SEEN))


def test_bridges_of_open_vswitch_joined_by_patches(virtual: tuple[Lab, OpenVSwitch]) -> None:
    lab, switch = virtual
    first, far = lab.guests[0], lab.guest(3)
    switch.add_bridge("ovs1")
    try:
        switch.patch("ovs0", "ovs1")
        ip("-n", lab.host, "link", "set", far.port, "nomaster")
        switch.add_port("ovs1", far.port)
        options = {"probes.ovs.socket": str(switch.socket)}
        with running(*both_ways(first, far)), watching(lab, options=options) as sensor:
            settle()
            for guest in (first, far):
                agrees(comes(sensor, guest.port, Verdict.SEEN))
            assert port(sensor, "patch-ovs0").verdict is Verdict.UNKNOWN
    finally:
        switch.vsctl("del-br", "ovs1", "--", "--if-exists", "del-port", "ovs0", "patch-ovs0")
        lab.unplug(far)


def test_a_mirror_of_open_vswitch_that_is_removed_and_made_again(virtual: tuple[Lab, OpenVSwitch]) -> None:
    lab, switch = virtual
    first, second = lab.guests[:2]
    options = {"probes.ovs.socket": str(switch.socket)}
    switch.mirror("ovs0", "watch", "mon0")
    try:
        with running(*both_ways(first, second)), watching(lab, "mon0", options=options) as sensor:
            settle()
            agrees(comes(sensor, first.port, Verdict.SEEN))
            switch.remove_mirror("ovs0", "watch")
            judged = comes(sensor, first.port, Verdict.BLIND)
            assert judged.cause == "The mirror watch of ovs0, which copied this port to mon0, was removed."
            mended(judged, lab, {"OVS_RUNDIR": str(switch.directory)})
            agrees(comes(sensor, first.port, Verdict.SEEN))
            agrees(comes(sensor, second.port, Verdict.SEEN))
    finally:
        switch.vsctl("clear", "bridge", "ovs0", "mirrors")


# Where nobody counts --------------------------------------------------------------------------------


def test_a_sensor_inside_a_guest_concludes_from_the_traffic(lab: Lab, web: int) -> None:
    """It sees no port of the bridge. Whether the bridge hands it the others' traffic, the traffic tells."""
    first, second = lab.guests[:2]
    sensor_guest = lab.guest(15)

    def ask() -> None:
        fetch(first.name, (second.ip4, web), "/")
        time.sleep(0.05)

    try:
        on_host(lab, "ip link set br0 type bridge ageing_time 0")
        arps = by_hand(End(first.name), first.mac, BROADCAST, size=60, pause=0.02)
        with running(ask, arps), Sensor(sensor_guest.name, interfaces=("eth0",)) as sensor:
            settle()
            told = comes(sensor, "eth0", Verdict.UNKNOWN)
            assert until(lambda: "Both directions" in port(sensor, "eth0").cause, 8.0), told
            assert port(sensor, "eth0").inferred
        on_host(lab, "ip link set br0 type bridge ageing_time 30000")
        with running(ask, arps), Sensor(sensor_guest.name, interfaces=("eth0",)) as sensor:
            judged = comes(sensor, "eth0", Verdict.BLIND, seconds=10.0)
            assert judged.inferred
            assert "Only broadcasts" in judged.cause
            command = judged.mend.partition("Linux bridge: ")[2].partition(".")[0]
            on_host(lab, command.replace("BRIDGE", "br0"))
            assert until(lambda: port(sensor, "eth0").verdict is not Verdict.BLIND, TOLD_WITHIN)
    finally:
        on_host(lab, "ip link set br0 type bridge ageing_time 30000")
        lab.unplug(sensor_guest)


# The command ----------------------------------------------------------------------------------------


def run(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["ip", "netns", "exec", lab.host, sys.executable, "-m", "vpi_tui", "audit", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def test_audit_holds_guests_against_a_policy(lab: Lab, tmp_path: Path) -> None:
    first, second, third = lab.guests[:3]
    policy = tmp_path / "coverage.yaml"
    policy.write_text("minimum: 95\n")
    with running(*both_ways(first, second), *both_ways(first, third)):
        kept = run(lab, "--seconds", "5", "--policy", str(policy), "--json")
        assert kept.returncode == 0, kept.stdout + kept.stderr
        told = json.loads(kept.stdout)
        assert told["percent"] > 98
        assert {p["verdict"] for p in told["ports"] if p["port"] == first.port} == {"seen"}
        broken = run(lab, "--seconds", "5", "-i", first.port, "--policy", str(policy))
        assert broken.returncode == 1, broken.stdout + broken.stderr
        assert "vpi-tui -i br0" in broken.stdout
        assert f"demands: {first.name}" in broken.stdout
    unable = run(lab, "-i", "nothing0")
    assert unable.returncode in (2, 3)
    assert "nothing0" in unable.stderr


def test_a_canary_proves_the_path(lab: Lab) -> None:
    first = lab.guests[0]
    proven = run(lab, "--canary", first.name, "--json")
    assert proven.returncode == 0, proven.stdout + proven.stderr
    (seen,) = json.loads(proven.stdout)["seen"]
    assert (seen["switch"], seen["port"], seen["guest"]) == ("br0", first.port, first.name)
    assert seen["after_ms"] < 1000
    lab.bridge("br4")
    try:
        missed = run(lab, "--canary", first.name, "-i", "br4")
        assert missed.returncode == 1, missed.stdout + missed.stderr
        assert "not seen anywhere" in missed.stdout
    finally:
        ip("-n", lab.host, "link", "del", "br4")
    nobody = run(lab, "--canary", "vpt-nobody")
    assert nobody.returncode == 2
    assert "Namespaces here" in nobody.stderr
