"""What is watched for each way to name it, followed while it changes, and with which rights."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.frames import collect, send
from tests.lab.net import Lab, inside, ip, until
from vpi_tui.engine.sources.live import LiveFeed
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.inventory.links import MACS_A_PORT

pytestmark = pytest.mark.lab


@contextmanager
def watching(namespace: str, *names: str, **options: str) -> Iterator[LiveFeed]:
    spec = EngineSpec("live", interfaces=names, ring_memory=16 << 20, **options)
    feed = inside(namespace, lambda: LiveFeed(spec))
    try:
        feed.start()
        yield feed
    finally:
        feed.close()


def exchange(lab: Lab) -> None:
    """A frame from guest 1, one from guest 2, and one from the host into the bridge."""
    for guest in lab.guests[:2]:
        send(guest.name, f"from {guest.port}")
    send(lab.host, "from the host", "br0")


WHOLE = [("port1", "from port1", 0), ("port2", "from port2", 0), ("br0", "from the host", 0)]


@pytest.mark.parametrize("names", [(), ("br0",), ("port3", "port1", "port2")])
def test_a_whole_switch(lab: Lab, names: tuple[str, ...]) -> None:
    with watching(lab.host, *names) as feed:
        exchange(lab)
        assert collect(feed) == WHOLE
        assert feed.describe() == "br0"
        assert not feed.topology.notices
        assert not feed.learns


def test_one_port_and_what_it_cannot_show(lab: Lab) -> None:
    with watching(lab.host, "port1") as feed:
        exchange(lab)
        assert collect(feed) == WHOLE[:1]
        assert "-i br0" in " ".join(feed.topology.notices)


def test_an_interface_of_no_switch_is_seen_in_both_directions(lab: Lab) -> None:
    guest = lab.guests[0]
    with watching(guest.name, "eth0") as feed:
        exchange(lab)
        assert collect(feed) == [("eth0", text, 0) for _, text, _ in WHOLE]
        assert feed.learns
        assert [(switch.name, switch.kind) for switch in feed.topology.switches] == [("eth0", "interface")]
        assert not feed.topology.guests


def test_the_loopback_is_seen_once(lab: Lab) -> None:
    with watching(lab.host, "lo") as feed:
        send(lab.host, "to myself", "lo")
        assert collect(feed) == [("lo", "to myself", 0)]


def test_a_named_interface_that_is_gone_and_comes_back(lab: Lab) -> None:
    guest = lab.guests[2]
    with watching(lab.host, "br0", "extra1") as feed:
        assert "no interface extra1" in " ".join(feed.topology.notices)
        numbers = set()
        for turn in ("first", "second"):
            ip("link", "add", "extra1", "netns", lab.host, "type", "veth", "peer", "out", "netns", guest.name)
            ip("-n", lab.host, "link", "set", "extra1", "up")
            ip("-n", guest.name, "link", "set", "out", "up")
            assert until(lambda: collect(feed, 0.05) or "extra1" in feed.describe(), 2.0)
            collect(feed, 0.3)
            assert not feed.topology.notices
            numbers.add(lab.ifindex("extra1"))
            send(guest.name, turn, "out")
            assert collect(feed) == [("extra1", turn, 0)]
            ip("-n", lab.host, "link", "del", "extra1")
            assert until(lambda: collect(feed, 0.05) or "extra1" not in feed.describe(), 2.0)
        assert len(numbers) == 2


def test_what_is_watched_keeps_its_name_when_it_has_gone(lab: Lab) -> None:
    guest = lab.guests[2].name
    ip("link", "add", "extra2", "netns", lab.host, "type", "veth", "peer", "out2", "netns", guest)
    with watching(lab.host, "extra2") as feed:
        ip("-n", lab.host, "link", "del", "extra2")
        assert until(lambda: collect(feed, 0.05) or not feed.topology.ports, 2.0)
        assert feed.describe() == "extra2"


def test_nothing_is_lost_or_doubled_while_ports_come_and_go(lab: Lab) -> None:
    sent = []
    with watching(lab.host) as feed:
        found = []
        for turn in range(6):
            if turn % 2:
                ip("-n", lab.host, "link", "add", "passing", "type", "veth", "peer", "by")
                ip("-n", lab.host, "link", "set", "passing", "master", "br0", "up")
            for number in range(20):
                send(lab.guests[0].name, f"{turn}:{number}")
                sent.append(("port1", f"{turn}:{number}", 0))
            if turn % 2:
                ip("-n", lab.host, "link", "del", "passing")
            found += collect(feed, 0.25)
    assert found == sent


def test_what_crosses_a_patch_between_two_switches_is_seen_once(lab: Lab) -> None:
    lab.bridge("br7")
    far = lab.guest(7, "br7")
    try:
        ip("-n", lab.host, "link", "add", "patch0", "type", "veth", "peer", "patch7")
        for end, switch in (("patch0", "br0"), ("patch7", "br7")):
            ip("-n", lab.host, "link", "set", end, "master", switch, "up")
        with watching(lab.host) as feed:
            send(lab.guests[0].name, "there")
            send(far.name, "back")
            assert collect(feed) == [("port1", "there", 0), ("port7", "back", 0)]
        with watching(lab.host, "br7") as feed:
            send(lab.guests[0].name, "there")
            send(far.name, "back")
            assert collect(feed) == [("patch7", "there", 0), ("port7", "back", 0)]
    finally:
        lab.unplug(far)
        ip("-n", lab.host, "link", "del", "br7")
        ip("-n", lab.host, "link", "del", "patch0")


def test_an_interface_that_is_down_or_unplugged(lab: Lab) -> None:
    guest = lab.guests[2]
    ip("link", "add", "idle1", "netns", lab.host, "type", "veth", "peer", "far", "netns", guest.name)
    try:
        with watching(lab.host, "idle1") as feed:
            assert "ip link set idle1 up" in " ".join(feed.topology.notices)
            ip("-n", lab.host, "link", "set", "idle1", "up")
            assert until(lambda: collect(feed, 0.05) or "no carrier" in " ".join(feed.topology.notices), 2.0)
    finally:
        ip("-n", lab.host, "link", "del", "idle1")


def test_guests_by_namespace_inventory_and_neighbour_table(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, second, third = lab.guests[:3]
    file = tmp_path_factory.mktemp("inventory") / "inventory.yaml"
    file.write_text(
        f"guests:\n  - {{name: web-1, port: {first.port}, tags: [web]}}\n"
        f"  - {{name: db-1, ip: {second.ip4}}}\n"
    )
    ip("-n", lab.host, "addr", "replace", "10.77.0.254/24", "dev", "br0")
    ip("-n", lab.host, "neigh", "replace", second.ip4, "lladdr", second.mac, "dev", "br0")
    for guest in lab.guests[:3]:
        send(guest.name, "hello")
        _own_mac(guest.name)
    with watching(lab.host, inventory=str(file)) as feed:
        owners = {port.name: port.guest for port in feed.topology.ports}
        assert owners == {first.port: "web-1", second.port: "db-1", third.port: third.name}
        known = {guest.name: guest for guest in feed.topology.guests}
        assert (known["web-1"].tags, known["web-1"].source) == (("web",), "static")
        assert second.ip4 in known["db-1"].ips
        assert known[third.name].source == "probe"


def _own_mac(namespace: str) -> None:
    """Lets the bridge learn where the guest is."""
    import socket

    def work() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", ("10.77.0.254", 9))

    inside(namespace, work)


def test_access_ports_of_a_vlan_aware_bridge(lab: Lab) -> None:
    try:
        ip("-n", lab.host, "link", "set", "br0", "type", "bridge", "vlan_filtering", "1")
    except RuntimeError as reason:
        pytest.skip(f"this kernel has no VLAN-aware bridges: {reason}")
    try:
        vlan = ["vlan", "add", "dev", "port1", "vid", "30", "pvid", "untagged"]
        subprocess.run(["bridge", "-n", lab.host, *vlan], check=True, capture_output=True)
        with watching(lab.host) as feed:
            exchange(lab)
            vlans = {port: vlan for port, _, vlan in collect(feed)}
        assert vlans == {"port1": 30, "port2": 1, "br0": 1}
    finally:
        ip("-n", lab.host, "link", "set", "br0", "type", "bridge", "vlan_filtering", "0")


def test_what_the_spanning_tree_lets_a_port_do(lab: Lab) -> None:
    with watching(lab.host) as feed:

        def states() -> dict[str, str]:
            feed.poll_topology()
            return {port.name: port.state for port in feed.topology.ports}

        assert states() == {"port1": "forwarding", "port2": "forwarding", "port3": "forwarding"}
        ip("-n", lab.host, "link", "set", "br0", "type", "bridge", "stp_state", "1")
        try:
            ip("-n", lab.host, "link", "set", "port2", "down")
            ip("-n", lab.host, "link", "set", "port2", "up")
            assert until(lambda: states()["port2"] == "listening", 2.0)
        finally:
            ip("-n", lab.host, "link", "set", "br0", "type", "bridge", "stp_state", "0")
            ip("-n", lab.host, "link", "set", "port2", "down")
            ip("-n", lab.host, "link", "set", "port2", "up")
        assert until(lambda: states()["port2"] == "forwarding", 2.0)
        ip("-n", lab.host, "link", "set", "port3", "down")
        try:
            assert until(lambda: states()["port3"] == "down", 2.0)
            assert "ports that are down: port3" in " ".join(feed.topology.notices)
        finally:
            ip("-n", lab.host, "link", "set", "port3", "up")


def test_a_flooded_forwarding_table_costs_little(lab: Lab) -> None:
    guest = lab.guests[1]
    inside(guest.name, _flood_macs)
    with watching(lab.host) as feed:
        began = time.thread_time()
        collect(feed, 1.5)
        assert time.thread_time() - began < 0.3
        (macs,) = [known.macs for known in feed.topology.guests if known.name == guest.name]
        assert len(macs) == MACS_A_PORT, "the table was not flooded, or more is kept than is bounded"


def _flood_macs() -> None:
    import socket

    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        for number in range(20_000):
            source = b"\2\1" + number.to_bytes(4, "big")
            sock.send(b"\2\xff\xff\xff\xff\xff" + source + b"\x88\xb6" + b"\0" * 46)


# Rights ---------------------------------------------------------------------------------------


@contextmanager
def unprivileged(lab: Lab, kept: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.lab.unprivileged", lab.host, kept],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().split()


def told(process: subprocess.Popen[str]) -> list[str]:
    """What it says once a frame has come: on a busy machine it may not have been given time to read any."""
    found: list[str] = []

    def has_come() -> bool:
        found[:] = ask(process)
        return len(found) > 1

    assert until(has_come, 5.0), found
    return found


def test_without_rights_it_says_what_to_do(lab: Lab) -> None:
    with unprivileged(lab, "none") as process:
        assert process.stdout
        said = process.stdout.readline()
    assert "CAP_NET_RAW" in said
    assert "sudo setcap cap_net_raw+ep /" in said
    assert "vpi-tui demo" in said


def test_net_raw_is_enough_to_open_and_nothing_is_needed_to_follow(lab: Lab) -> None:
    with unprivileged(lab, "net_raw") as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        send(lab.guests[0].name, "one")
        assert told(process) == ["port1,port2,port3", "port1:one"]
        newcomer = lab.guest(9)
        try:
            assert until(lambda: ask(process) == ["port1,port2,port3,port9"], 5.0)
            send(newcomer.name, "two")
            assert told(process) == ["port1,port2,port3,port9", "port9:two"]
            assert _promiscuity(lab, newcomer.port) == 2  # the bridge's wish and ours
        finally:
            lab.unplug(newcomer)
    assert until(lambda: _promiscuity(lab, "port1") == 1, 2.0), "the port is as it was before"


def _promiscuity(lab: Lab, port: str) -> int:
    command = ["ip", "-n", lab.host, "-d", "-j", "link", "show", "dev", port]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout)[0]["promiscuity"])
