"""What is seen of each port, in many arrangements, against the kernel's own counters.

No port that is seen is called blind, none is called seen that is not; where the verdict is SEEN bytes agree
within 2 %. What is taken away (a mirror, a filter, hub mode) is told in 5 s; the printed command mends it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.lab.judged import BROADCAST, agrees, comes, mended, port, settle, watching
from tests.lab.net import Guest, Lab, ip, until
from tests.lab.ovs import OpenVSwitch, why_no_ovs
from tests.lab.sensor import Sensor
from tests.lab.traffic import End, both_ways, by_hand, datagrams, running, sink, stream, vxlan
from vpi_tui.model.coverage import Verdict

pytestmark = pytest.mark.lab

MULTICAST = "01:00:5e:00:00:fb"

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
