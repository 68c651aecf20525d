"""Bridges, ports and mirrors of a real Open vSwitch: found, watched, followed, and told when it fails."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.conftest import serve
from tests.lab.frames import collect, send
from tests.lab.net import Lab, fetch, inside, ip, until
from tests.lab.ovs import OpenVSwitch, without_offload
from tests.lab.sensor import Sensor
from vpi_tui.engine.sources.live import LiveFeed
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.inventory.kind import Setup
from vpi_tui.inventory.openvswitch.probe import OpenVSwitchProbe
from vpi_tui.inventory.openvswitch.rows import SOURCE
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import CaptureError, VpiError
from vpi_tui.model.topology import Mirror, Port, Topology

pytestmark = pytest.mark.lab

Switched = tuple[Lab, OpenVSwitch]


@contextmanager
def watching(made: Switched, *names: str) -> Iterator[LiveFeed]:
    lab, switch = made
    spec = EngineSpec(
        "live", interfaces=names, ring_memory=16 << 20, options={"probes.ovs.socket": str(switch.socket)}
    )
    feed = inside(lab.host, lambda: LiveFeed(spec))
    try:
        feed.start()
        yield feed
    finally:
        feed.close()


def ports(topology: Topology) -> dict[str, Port]:
    return {port.name: port for port in topology.ports}


def follow(feed: LiveFeed, wanted: object, seconds: float = 5.0) -> Topology:
    """The topology once `wanted` is true of it."""

    def look() -> bool:
        feed.poll_topology()
        return bool(wanted(feed.topology))  # type: ignore[operator]

    assert until(look, seconds), feed.topology
    return feed.topology


def test_guests_reach_each_other(ovs_lab: Switched, tmp_path: Path) -> None:
    """Of the fixture itself: without this nothing else here would mean anything."""
    lab, _ = ovs_lab
    serve(lab, lab.guests[1].name, tmp_path)
    assert b"200 OK" in fetch(lab.guests[0].name, (lab.guests[1].ip4, 8080), "/")


def test_each_frame_is_seen_once_where_it_enters(ovs_lab: Switched) -> None:
    lab, _ = ovs_lab
    with watching(ovs_lab) as feed:
        for guest in lab.guests[:2]:
            send(guest.name, f"from {guest.port}")
        send(lab.host, "from the host", "ovs0")
        assert collect(feed) == [
            ("port1", "from port1", 0),
            ("port2", "from port2", 0),
            ("ovs0", "from the host", 0),
        ]
        assert feed.describe() == "ovs0"
        assert not feed.topology.notices
        (switch,) = feed.topology.switches
        assert (switch.kind, switch.ifindex) == ("ovs", lab.ifindex("ovs0"))
        found = ports(feed.topology)
        assert (found["port1"].kind, found["port1"].guest) == ("veth", lab.guests[0].name)


@pytest.mark.parametrize("names", [("ovs0",), ("port3", "port1", "port2")])
def test_a_switch_named_by_hand(ovs_lab: Switched, names: tuple[str, ...]) -> None:
    lab, _ = ovs_lab
    with watching(ovs_lab, *names) as feed:
        send(lab.guests[2].name, "whole")
        send(lab.host, "from the host", "ovs0")
        assert collect(feed) == [("port3", "whole", 0), ("ovs0", "from the host", 0)]
        assert not feed.topology.notices


def test_a_port_named_by_hand_shows_one_direction_and_that_is_told(ovs_lab: Switched) -> None:
    lab, _ = ovs_lab
    with watching(ovs_lab, "port1") as feed:
        for guest in lab.guests[:2]:
            send(guest.name, f"from {guest.port}")
        assert collect(feed) == [("port1", "from port1", 0)]
        assert "-i ovs0" in " ".join(feed.topology.notices)


def test_from_another_namespace_it_is_said_where_the_switch_is(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    spec = EngineSpec("live", options={"probes.ovs.socket": str(switch.socket)})
    with pytest.raises(CaptureError, match="another network namespace: ovs0; start vpi-tui there"):
        inside(lab.guests[0].name, lambda: LiveFeed(spec))
    switched_off = EngineSpec("live", options={"probes.ovs.enabled": "no"})
    with pytest.raises(CaptureError) as caught:
        inside(lab.guests[0].name, lambda: LiveFeed(switched_off))
    assert "ovs0" not in str(caught.value)


def test_an_internal_port_is_the_end_of_who_uses_it(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    switch.add_port("ovs0", "inner1", kind="internal")
    try:
        with watching(ovs_lab) as feed:
            assert ports(feed.topology)["inner1"].inner
            send(lab.host, "from within", "inner1")
            send(lab.guests[0].name, "to all")
            assert collect(feed) == [("inner1", "from within", 0), ("port1", "to all", 0)]
    finally:
        switch.vsctl("del-port", "inner1")


def test_a_port_that_comes_is_watched_and_one_that_goes_is_not(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    with watching(ovs_lab) as feed:
        guest = lab.guest(9, "")
        without_offload(guest.name, "eth0")
        switch.add_port("ovs0", guest.port)
        # Two seconds is what the operator is promised.
        follow(feed, lambda topology: guest.port in ports(topology), 2.0)
        send(guest.name, "hello")
        assert collect(feed) == [(guest.port, "hello", 0)]
        switch.vsctl("del-port", guest.port)
        follow(feed, lambda topology: guest.port not in ports(topology), 2.0)
    lab.unplug(guest)


def test_vlans_and_how_a_flow_keeps_its_own(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    switch.vsctl("set", "port", "port1", "tag=20", "--", "set", "port", "port2", "trunks=[20,30]")
    try:
        with watching(ovs_lab) as feed:
            found = ports(feed.topology)
            assert (found["port1"].pvid, found["port1"].trunks) == (20, ())
            assert (found["port2"].pvid, found["port2"].trunks) == (0, (20, 30))
            send(lab.guests[0].name, "untagged")
            send(lab.guests[1].name, "tagged", vlan=20)
            assert collect(feed) == [("port1", "untagged", 20), ("port2", "tagged", 20)]
    finally:
        switch.vsctl("clear", "port", "port1", "tag", "--", "clear", "port", "port2", "trunks")


def test_what_crosses_a_patch_is_seen_once(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    switch.add_bridge("ovs1")
    switch.patch("ovs0", "ovs1")
    far = lab.guest(8, "")
    without_offload(far.name, "eth0")
    switch.add_port("ovs1", far.port)
    try:
        with watching(ovs_lab) as feed:
            patch = ports(feed.topology)["patch-ovs0"]
            assert (patch.kind, patch.ifindex, patch.uplink, patch.guest) == ("patch", 0, True, "")
            send(lab.guests[0].name, "there")
            send(far.name, "back")
            assert collect(feed) == [("port1", "there", 0), ("port8", "back", 0)]
    finally:
        switch.vsctl("del-br", "ovs1", "--", "del-port", "patch-ovs0")
        lab.unplug(far)


def test_what_crosses_into_a_linux_bridge_is_seen_once(ovs_lab: Switched) -> None:
    """As OpenStack joins them: a veth pair, one end on each."""
    lab, switch = ovs_lab
    lab.bridge("br5")
    ip("-n", lab.host, "link", "add", "qvo5", "type", "veth", "peer", "qvb5")
    ip("-n", lab.host, "link", "set", "qvb5", "master", "br5", "up")
    ip("-n", lab.host, "link", "set", "qvo5", "up")
    switch.add_port("ovs0", "qvo5")
    far = lab.guest(6, "br5")
    try:
        with watching(ovs_lab) as feed:
            found = ports(feed.topology)
            assert (found["qvo5"].kind, found["qvo5"].peer) == ("patch", found["qvb5"].ifindex)
            assert found["qvb5"].peer == found["qvo5"].ifindex
            send(lab.guests[0].name, "there")
            send(far.name, "back")
            assert collect(feed) == [("port1", "there", 0), ("port6", "back", 0)]
    finally:
        switch.vsctl("del-port", "qvo5")
        lab.unplug(far)
        for name in ("qvo5", "br5"):
            ip("-n", lab.host, "link", "del", name)


def test_a_bond_a_tunnel_and_what_passes_the_host_by(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    for name in ("slave1", "slave2"):
        ip("-n", lab.host, "link", "add", name, "type", "veth", "peer", f"{name}b")
        ip("-n", lab.host, "link", "set", name, "up")
    switch.vsctl("add-bond", "ovs0", "bond9", "slave1", "slave2")
    switch.add_port("ovs0", "tunnel9", kind="vxlan", options=["remote_ip=192.0.2.1"])
    # Built without DPDK it refuses the port, and keeps it in its database.
    switch.vsctl(
        "--no-wait", "add-port", "ovs0", "vhu9", "--", "set", "interface", "vhu9", "type=dpdkvhostuser"
    )
    try:
        with watching(ovs_lab) as feed:
            found = ports(follow(feed, lambda topology: any("vhu9" in told for told in topology.notices)))
            assert (found["slave1"].kind, found["slave1"].uplink) == ("bond", True)
            assert found["slave2"].ifindex == lab.ifindex("slave2")
            assert (found["tunnel9"].kind, found["tunnel9"].ifindex) == ("vxlan", 0)
            assert (found["tunnel9"].uplink, found["tunnel9"].bypass) == (True, "")
            assert (found["vhu9"].kind, found["vhu9"].bypass) == ("vhost-user", "vhost-user")
            assert found["vhu9"].guest == "vhu9"
            (told,) = feed.topology.notices
            assert "Open vSwitch cannot use vhu9 of ovs0" in told
            assert "ovs-vsctl del-port ovs0 vhu9" in told
    finally:
        for name in ("bond9", "tunnel9", "vhu9"):
            switch.vsctl("--no-wait", "del-port", "ovs0", name)
        for name in ("slave1", "slave2"):
            ip("-n", lab.host, "link", "del", name)


def test_the_output_of_a_mirror_shows_both_directions(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    switch.add_port("ovs0", "span", kind="internal")
    switch.mirror("ovs0", "copies", "span", ["port1"])
    try:
        with watching(ovs_lab, "span") as feed:
            assert feed.topology.mirrors == (Mirror("copies", "ovs0", "span", ("port1",), ("port1",)),)
            send(lab.guests[0].name, "out")
            send(lab.guests[1].name, "in")
            assert collect(feed) == [("span", "out", 0), ("span", "in", 0)]
            assert feed.learns
        with watching(ovs_lab) as feed:
            send(lab.guests[0].name, "out")
            assert collect(feed) == [("port1", "out", 0)], "the copy is not counted again"
            switch.vsctl("del-port", "span")
            topology = follow(feed, lambda topology: topology.mirrors and not topology.mirrors[0].output)
            assert any("copies to nowhere" in told for told in topology.notices)
            switch.remove_mirror("ovs0", "copies")
            follow(feed, lambda topology: not topology.mirrors and not topology.notices)
    finally:
        if "span" in switch.vsctl("list-ports", "ovs0").split():
            switch.vsctl("del-port", "span")
        switch.vsctl("clear", "bridge", "ovs0", "mirrors")


def test_what_the_switch_counted(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    switch.vsctl("set", "Open_vSwitch", ".", "other_config:stats-update-interval=1000")
    switch.add_port("ovs0", "span", kind="internal")
    switch.mirror("ovs0", "copies", "span")

    def told(feed: LiveFeed) -> dict[str, TrueCount]:
        return {count.port: count for count in feed.counts() if count.truth == SOURCE}

    try:
        with watching(ovs_lab) as feed:
            assert until(lambda: "copies" in told(feed) and "port1" in told(feed), 5.0)
            before = told(feed)
            for _ in range(20):
                send(lab.guests[0].name, "x" * 500)
                send(lab.host, "y" * 500, "ovs0")

            def grown(name: str, way: str) -> int:
                return int(getattr(told(feed)[name], way)) - int(getattr(before[name], way))

            assert until(lambda: grown("port1", "in_packets") >= 20, 5.0)
            assert until(lambda: grown("ovs0", "in_packets") >= 20, 5.0), "the host sends into the switch"
            assert until(lambda: grown("port2", "out_bytes") >= 40 * 514, 5.0)
            assert until(lambda: grown("copies", "out_packets") >= 40, 5.0)
            assert grown("port2", "in_packets") < 20
            assert told(feed)["port1"].at_ns > before["port1"].at_ns
    finally:
        switch.vsctl("clear", "bridge", "ovs0", "mirrors", "--", "del-port", "span")


def test_addresses_that_the_switch_has_learned(ovs_lab: Switched) -> None:
    lab, _ = ovs_lab
    guest = lab.guests[1]
    mac = int(guest.mac.replace(":", ""), 16)

    def speak() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", (lab.guests[0].ip4, 9))

    with watching(ovs_lab) as feed:
        inside(guest.name, speak)
        topology = follow(feed, lambda topology: mac in ports(topology)[guest.port].macs)
        assert mac in next(known.macs for known in topology.guests if known.name == guest.name)


def test_an_engine_without_root_follows_and_alerts(ovs_lab: Switched, tmp_path: Path) -> None:
    """The whole program: it connects as root, becomes nobody, and takes up a guest that comes later."""
    lab, switch = ovs_lab
    rules = tmp_path / "lab.rules"
    rules.write_text('alert udp any any -> any 9 (msg:"to discard"; content:"at your service"; sid:1;)')
    options = {"probes.ovs.socket": str(switch.socket)}
    switch.directory.chmod(0o700)
    with Sensor(lab.host, rules=(str(rules),), options=options) as sensor:
        guest = lab.guest(7, "")
        without_offload(guest.name, "eth0")
        switch.add_port("ovs0", guest.port)
        try:
            assert until(lambda: sensor.guest(guest.name), 3.0)

            def speak() -> None:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.sendto(b"at your service", (lab.guests[0].ip4, 9))

            inside(guest.name, speak)
            alert = sensor.first(1, 3.0)
            assert (alert.switch, alert.src_guest, alert.dest_guest) == (
                "ovs0",
                guest.name,
                lab.guests[0].name,
            )
            assert len(sensor.settled(1)) == 1
            assert not sensor.snapshot().notices
        finally:
            switch.vsctl("del-port", guest.port)
            lab.unplug(guest)


# What can go wrong ---------------------------------------------------------------------------------


def test_a_bridge_deleted_in_between(ovs_lab: Switched) -> None:
    _, switch = ovs_lab
    switch.add_bridge("ovs7")
    with watching(ovs_lab) as feed:
        assert {one.name for one in feed.topology.switches if one.ifindex} == {"ovs0", "ovs7"}
        switch.vsctl("del-br", "ovs7")
        follow(feed, lambda topology: {one.name for one in topology.switches if one.ifindex} == {"ovs0"})


def test_a_database_that_ends_is_told_and_what_it_said_stays(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    with watching(ovs_lab) as feed:
        before = feed.topology.ports
        switch.stop_database()
        try:
            topology = follow(feed, lambda topology: topology.notices)
            follow(
                feed, lambda topology: any("ovsdb-server does not run" in told for told in topology.notices)
            )
            assert "systemctl start openvswitch-switch" in " ".join(feed.topology.notices)
            assert topology.ports == before
            send(lab.guests[0].name, "still seen")
            assert collect(feed) == [("port1", "still seen", 0)]
        finally:
            switch.start_database()
        follow(feed, lambda topology: not topology.notices)


def test_a_switch_that_ends_is_told(ovs_lab: Switched) -> None:
    _, switch = ovs_lab
    with watching(ovs_lab) as feed:
        switch.stop_switch()
        try:
            topology = follow(feed, lambda topology: topology.notices)
            assert "ovs-vswitchd does not run" in " ".join(topology.notices)
            assert "port1" in ports(topology)
        finally:
            switch.start_switch()
        follow(feed, lambda topology: not topology.notices)


def test_a_database_that_hangs_does_not_stop_the_engine(ovs_lab: Switched) -> None:
    lab, switch = ovs_lab
    with watching(ovs_lab) as feed:
        switch.signal_database(signal.SIGSTOP)
        try:
            send(lab.guests[0].name, "still seen")
            assert collect(feed) == [("port1", "still seen", 0)]
        finally:
            switch.signal_database(signal.SIGCONT)
        assert ports(feed.topology)["port1"]


@contextmanager
def as_nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_it_is_followed_without_root_but_not_opened(ovs_lab: Switched) -> None:
    """The engine connects before it gives up root."""
    _, switch = ovs_lab
    setup = Setup({"probes.ovs.socket": str(switch.socket)})
    switch.directory.chmod(0o755)
    switch.socket.chmod(0o600)
    early, late = OpenVSwitchProbe(setup), OpenVSwitchProbe(setup)
    try:
        assert early.changed(0.0)
        early.read()
        with as_nobody():
            assert late.changed(0.0)
            with pytest.raises(VpiError, match=r"may not be opened by this user\. .* sudo"):
                late.read()
        switch.add_bridge("ovs6")
        with as_nobody():
            assert until(lambda: early.changed(1.0), 5.0)
            assert {one.name for one in early.read().switches} == {"ovs0", "ovs6"}
    finally:
        switch.vsctl("--if-exists", "del-br", "ovs6")
        early.close()
        late.close()
