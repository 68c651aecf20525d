"""Who is who on a real bridge: forged, doubled and unknown guests, and what guests call themselves."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from scapy.packet import Packet

from tests.detect.behaviour.places import arp, frame
from tests.inventory.wire.samples import carried, discover, mdns
from tests.lab.net import Guest, Lab, inside, ip, until
from tests.lab.sensor import Sensor
from vpi_tui.model.event import Alert

pytestmark = pytest.mark.lab

MOVED, AT_BOTH, CLAIMED_TWICE, BORROWED, STRANGER, MANAGEMENT = range(2, 8)
HOST_IP = "10.77.0.254"


@pytest.fixture(scope="module")
def sensor(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    """Two guests are in the inventory, with their MACs; the third nobody knows."""
    web, db, _ = lab.guests[:3]
    ip("-n", lab.host, "addr", "add", f"{HOST_IP}/24", "dev", "br0")
    path = tmp_path_factory.mktemp("inventory") / "inventory.yaml"
    entries = [f'  - {{name: {name}, mac: "{guest.mac}"}}' for name, guest in (("web", web), ("db", db))]
    path.write_text("\n".join(["guests:", *entries, ""]))
    path.chmod(0o644)
    path.parent.chmod(0o755)
    options = {"behaviour.learning-time": "0"}
    with Sensor(lab.host, inventory=str(path), options=options) as made:
        for guest in (web, db):
            send(guest, frame(guest.mac))
        assert until(lambda: {"web", "db"} <= {guest.name for guest in made.snapshot().guests}, 5.0)
        assert until(lambda: len(named_ports(made)) == 2, 5.0)
        yield made


def named_ports(sensor: Sensor) -> dict[str, str]:
    return {g.name: g.port for g in sensor.snapshot().guests if g.name in ("web", "db") and g.port}


def send(guest: Guest, packet: Packet) -> None:
    def work() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.bind(("eth0", 0))
            sock.send(bytes(packet))

    inside(guest.name, work)


def place(alert: Alert) -> tuple[str, str, str]:
    return alert.switch, alert.in_iface, alert.src_guest


def test_a_guest_that_borrows_anothers_mac(lab: Lab, sensor: Sensor) -> None:
    web, db, _ = lab.guests[:3]
    send(web, frame(db.mac))
    borrowed = sensor.first(BORROWED)
    assert place(borrowed) == ("br0", web.port, "web")
    assert borrowed.msg == f"web sends as {db.mac} at {web.port}; its own is {web.mac}"
    assert sensor.first(MOVED).msg == f"MAC {db.mac} moved on br0 from {db.port} (db) to {web.port} (web)"
    send(db, frame(db.mac))
    assert sensor.first(AT_BOTH).in_iface == db.port
    assert [len(sensor.settled(sid)) for sid in (MOVED, AT_BOTH, BORROWED)] == [1, 1, 1]


def test_an_address_that_is_claimed_twice(lab: Lab, sensor: Sensor) -> None:
    web, db, _ = lab.guests[:3]
    send(web, arp(web.mac, "10.77.0.9"))
    send(db, arp(db.mac, "10.77.0.9"))
    alert = sensor.first(CLAIMED_TWICE)
    assert place(alert) == ("br0", db.port, "db")
    assert alert.msg == (
        f"10.77.0.9 is claimed at two ports of br0 at once: {web.port} (web) and {db.port} (db)"
    )


def test_a_guest_at_the_hosts_management(lab: Lab, sensor: Sensor) -> None:
    db = lab.guests[1]

    def knock() -> int:
        with socket.socket() as sock:
            sock.settimeout(1.0)
            return sock.connect_ex((HOST_IP, 16509))

    inside(db.name, knock)
    alert = sensor.first(MANAGEMENT)
    assert place(alert) == ("br0", db.port, "db")
    assert (alert.dest_ip, alert.dest_port, alert.technique) == (HOST_IP, 16509, "T1021")
    assert len(sensor.settled(MANAGEMENT)) == 1


def test_an_unknown_guest(lab: Lab, sensor: Sensor) -> None:
    stranger = lab.guests[2]

    def speaks_until_told() -> list[Alert]:
        send(stranger, frame(stranger.mac))
        return sensor.alerts(STRANGER)

    found = until(speaks_until_told, 15.0, step=0.3)
    assert [place(alert) for alert in found] == [("br0", stranger.port, stranger.name)]
    assert stranger.mac in found[0].msg


def test_what_a_guest_calls_itself_is_told_as_learned(lab: Lab, sensor: Sensor) -> None:
    stranger = lab.guests[2]
    told = carried(
        discover(("hostname", b"mail-7"), mac=stranger.mac), 67, mac=stranger.mac, source="0.0.0.0"
    )
    send(stranger, told)
    send(stranger, carried(mdns("shop.local", "10.77.0.3"), 5353, mac=stranger.mac, source="10.77.0.3"))

    def learned() -> tuple[tuple[str, str], ...]:
        guest = sensor.guest(stranger.name)
        return guest.learned if guest and len(guest.learned) == 2 else ()

    assert until(learned, 5.0) == (("mail-7", "DHCP"), ("shop", "mDNS"))
    found = sensor.guest(stranger.name)
    assert found is not None
    assert found.name == stranger.name
