"""The engine on a real bridge: what guests do to each other is told on the feed, at once and once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.handmade import tagged_request
from tests.lab.net import Lab, fetch, inside, ip, until
from tests.lab.sensor import Sensor
from vpi_tui.feed.messages import (
    AlertDetail,
    FlowDetail,
    GetAlert,
    GetFlow,
    GetRule,
    GetRules,
    RuleDetail,
    RulesMessage,
    Watch,
)

pytestmark = pytest.mark.lab

UNION_SELECT, STEPS_UP = 9000300, 9000310
ATTACK = "/items?id=1%20UNION%20SELECT%20password%20FROM%20users"
TRAVERSAL = "/static/../../../../etc/shadow"
WEB = 8080
COUNTED = ("capture.kernel_packets", "capture.kernel_drops", "decoder.pkts", "capture.routed_copies")
NO_RIGHTS = "0" * 16


@pytest.mark.parametrize("version", ["ip4", "ip6"])
def test_an_attack_is_told_at_once_and_once(lab: Lab, sensor: Sensor, web: int, version: str) -> None:
    attacker, victim, _ = lab.guests[:3]
    fetch(attacker.name, (getattr(victim, version), web), ATTACK)
    alert = sensor.first(UNION_SELECT, seconds=1.0)
    assert (alert.switch, alert.src_guest, alert.dest_guest) == ("br0", attacker.name, victim.name)
    assert (alert.in_iface, alert.locality) == (attacker.port, "east-west")
    assert (alert.src_ip, alert.dest_ip) == (getattr(attacker, version), getattr(victim, version))
    assert len(sensor.settled(UNION_SELECT)) == 1


def test_path_traversal_between_other_guests(lab: Lab, sensor: Sensor, web: int) -> None:
    _, victim, attacker = lab.guests[:3]
    fetch(attacker.name, (victim.ip4, web), TRAVERSAL)
    assert sensor.first(STEPS_UP).src_guest == attacker.name
    assert not sensor.alerts(UNION_SELECT)


def test_a_rule_is_switched_off_and_on(lab: Lab, sensor: Sensor, web: int) -> None:
    attacker, victim, _ = lab.guests[:3]
    sensor.switch(UNION_SELECT, enabled=False)
    try:
        fetch(attacker.name, (victim.ip4, web), ATTACK)
        fetch(attacker.name, (victim.ip4, web), TRAVERSAL)
        sensor.first(STEPS_UP)  # came after the one that is off
        assert not sensor.settled(UNION_SELECT)
    finally:
        sensor.switch(UNION_SELECT, enabled=True)
    fetch(attacker.name, (victim.ip4, web), ATTACK)
    sensor.first(UNION_SELECT)
    assert len(sensor.settled(UNION_SELECT)) == 1


def test_guests_in_a_vlan(lab: Lab, sensor: Sensor) -> None:
    attacker, victim, _ = lab.guests[:3]
    tagged_request(attacker, victim, 42, ATTACK, (40042, WEB))
    alert = sensor.first(UNION_SELECT)
    assert alert.vlan == (42,)
    assert (alert.switch, alert.src_guest, alert.dest_guest) == ("br0", attacker.name, victim.name)
    assert len(sensor.settled(UNION_SELECT)) == 1


def test_a_capture_card_that_gets_mirrored_traffic(lab: Lab) -> None:
    """A sensor's interface: both directions are received, no port tells the hosts, so they are learned."""
    attacker, victim = lab.guests[:2]
    mirror = lab.guest(21)
    ip("-n", lab.host, "link", "set", mirror.port, "nomaster")
    with Sensor(lab.host, interfaces=(mirror.port,)) as sensor:
        for turn in range(2):
            sensor.forget()
            ports = (41000 + turn, WEB)
            tagged_request(attacker, victim, 99, ATTACK, ports, mirror=mirror.name)
            alert = sensor.first(UNION_SELECT)
            assert len(sensor.settled(UNION_SELECT)) == 1
        assert (alert.switch, alert.in_iface, alert.vlan) == (mirror.port, mirror.port, (99,))
        assert (alert.src_guest, alert.dest_guest) == (attacker.ip4, victim.ip4)
        # The far end of the mirror has a link-local address of its own and may speak with it at any time.
        guests = [guest for guest in sensor.snapshot().guests if not guest.name.startswith("fe80:")]
        learned = {guest.name: guest.source for guest in guests}
        assert learned == {attacker.ip4: "learned", victim.ip4: "learned"}


def test_a_guest_goes_and_comes_back(lab: Lab, sensor: Sensor, web: int) -> None:
    _, victim, traveller = lab.guests[:3]
    before = lab.ifindex(traveller.port)
    lab.unplug(traveller)
    assert until(lambda: not _present(sensor, traveller.name), 2.0)
    lab.guest(3)
    assert lab.ifindex(traveller.port) != before
    assert until(lambda: _present(sensor, traveller.name), 2.0)
    fetch(traveller.name, (victim.ip4, web), ATTACK)
    alert = sensor.first(UNION_SELECT)
    assert (alert.in_iface, alert.src_guest) == (traveller.port, traveller.name)
    assert len(sensor.settled(UNION_SELECT)) == 1
    assert [guest.name for guest in sensor.snapshot().guests].count(traveller.name) == 1


def _present(sensor: Sensor, name: str) -> bool:
    guest = sensor.guest(name)
    return guest is not None and guest.present


def test_a_bridge_that_comes_later(lab: Lab, sensor: Sensor) -> None:
    lab.bridge("br1")
    attacker, victim = lab.guest(11, "br1"), lab.guest(12, "br1")
    assert until(lambda: _present(sensor, victim.name), 2.0)
    tagged_request(attacker, victim, 7, ATTACK, (40007, WEB))
    alert = sensor.first(UNION_SELECT)
    assert (alert.switch, alert.src_guest, alert.dest_guest) == ("br1", attacker.name, victim.name)


def test_what_the_host_sends_into_the_switch_is_seen_once(lab: Lab, sensor: Sensor, web: int) -> None:
    victim = lab.guests[1]
    ip("-n", lab.host, "addr", "add", "10.77.0.254/24", "dev", "br0")
    assert until(lambda: "10.77.0.254" in _own_addresses(lab), 2.0)
    fetch(lab.host, (victim.ip4, web), ATTACK)
    alert = sensor.first(UNION_SELECT)
    assert (alert.switch, alert.src_guest, alert.dest_guest) == ("br0", "", victim.name)
    assert alert.in_iface == "br0"
    assert len(sensor.settled(UNION_SELECT)) == 1


def _own_addresses(lab: Lab) -> str:
    done = subprocess.run(
        ["ip", "-n", lab.host, "-4", "addr", "show", "dev", "br0"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_what_the_host_routes_between_switches_is_told_once(lab: Lab, sensor: Sensor, web: int) -> None:
    victim, elsewhere = lab.guests[1], lab.guest(13, "br1")
    inside(lab.host, lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1"))
    for switch, guest, net in (("br0", victim, "10.78.0"), ("br1", elsewhere, "10.79.0")):
        ip("-n", lab.host, "addr", "add", f"{net}.254/24", "dev", switch)
        ip("-n", guest.name, "addr", "add", f"{net}.1/24", "dev", "eth0")
        ip("-n", guest.name, "route", "add", "default", "via", f"{net}.254")
    ip("-n", elsewhere.name, "addr", "del", f"{elsewhere.ip4}/24", "dev", "eth0")
    assert until(lambda: _present(sensor, elsewhere.name), 2.0)
    fetch(elsewhere.name, ("10.78.0.1", web), ATTACK)
    alert = sensor.first(UNION_SELECT)
    assert (alert.switch, alert.src_guest, alert.dest_guest) == ("br1", elsewhere.name, victim.name)
    assert (alert.in_iface, alert.locality) == (elsewhere.port, "east-west")
    assert len(sensor.settled(UNION_SELECT)) == 1
    flow = sensor.command(GetFlow(alert.flow_id), FlowDetail)
    assert isinstance(flow, FlowDetail)
    assert flow.flow is not None
    copies = sensor.snapshot().stats["capture.routed_copies"]
    assert copies >= flow.flow.pkts_toserver + flow.flow.pkts_toclient >= 8


def test_offloaded_frames_are_whole_and_counted_once(lab: Lab, sensor: Sensor, web: int) -> None:
    reader, server, _ = lab.guests[:3]
    before = sensor.snapshot()
    size = len(fetch(reader.name, (server.ip4, web), "/big"))
    assert size > 3_000_000
    after = sensor.snapshot()
    seen = after.total.counters.bytes_in - before.total.counters.bytes_in
    frames = after.total.counters.pkts_in - before.total.counters.pkts_in
    assert size < seen < 1.1 * size
    assert seen / frames > 1514, "no frame was larger than the wire's: nothing was offloaded"
    assert not [name for name in after.stats if name.startswith("decoder.event.") and "csum" in name]


def test_no_right_is_left_in_any_thread(sensor: Sensor) -> None:
    threads = sensor.thread_status()
    assert len(threads) >= 2
    for status in threads:
        assert status["Uid"].split() == ["65534"] * 4
        assert status["NoNewPrivs"] == "1"
        assert {status[key] for key in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {NO_RIGHTS}, status[
            "Name"
        ]


def test_questions_are_answered_without_rights(lab: Lab, sensor: Sensor, web: int) -> None:
    """Nothing that an answer needs may be imported only now: nobody may not be able to read it."""
    attacker, victim = lab.guests[:2]
    fetch(attacker.name, (victim.ip4, web), ATTACK)
    alert = sensor.first(UNION_SELECT)
    detail = sensor.command(GetAlert(alert.number), AlertDetail)
    assert isinstance(detail, AlertDetail)
    assert b"UNION%20SELECT" in detail.frame
    assert detail.flow is not None
    assert detail.flow.client_guest == attacker.name
    flow = sensor.command(GetFlow(alert.flow_id), FlowDetail)
    assert isinstance(flow, FlowDetail)
    assert flow.flow is not None
    sensor.command(GetRule(1, UNION_SELECT), RuleDetail)
    sensor.command(GetRules(), RulesMessage)
    sensor.client.send(Watch(scope=f"guest:{victim.name}", flows=True, interval=0.1))
    assert until(lambda: sensor.snapshot().flows.count, 2.0)


def test_what_the_kernel_drops_is_counted(lab: Lab, sensor: Sensor) -> None:
    flood = 8_000
    before = sensor.snapshot().stats
    subprocess.run(["kill", "-STOP", str(sensor.client.pid)], check=True)
    try:
        inside(lab.guests[0].name, lambda: _flood(flood))
    finally:
        subprocess.run(["kill", "-CONT", str(sensor.client.pid)], check=True)

    def complete() -> dict[str, float]:
        """What was gained, once all that was offered is either dropped or decoded."""
        now = sensor.snapshot().stats
        gained = {name: now[name] - before[name] for name in COUNTED}
        offered, *others = gained.values()
        return gained if offered >= flood and offered == sum(others) else {}

    gained = until(complete, 5.0)
    assert gained, sensor.snapshot().stats
    assert 0 < gained["capture.kernel_drops"] < flood


def _flood(count: int) -> None:
    """Large frames of a type for local experiments to everybody: 12 MB, three times the ring."""
    import socket

    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        frame = b"\xff" * 6 + b"\2\x77\0\0\0\1" + b"\x88\xb5" + b"x" * 1486
        for _ in range(count):
            sock.send(frame)


def test_the_report_of_a_run_without_a_terminal(lab: Lab, web: int) -> None:
    attacker, victim, _ = lab.guests[:3]
    run = inside(
        lab.host,
        lambda: subprocess.Popen(
            [sys.executable, "-m", "vpi_tui", "live", "--duration", "3"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ),
    )

    def attack() -> bool:
        fetch(attacker.name, (victim.ip4, web), ATTACK)
        return run.poll() is not None

    try:
        assert until(attack, 60.0, step=0.3)
        text, errors = run.communicate(timeout=5)
    finally:
        run.kill()
        run.wait()
    assert (run.returncode, errors) == (0, "")
    for part in ("live of br0", attacker.name, victim.name, "UNION SELECT", "0 dropped"):
        assert part in text
