"""`vpi-tui lab`: up, status and down; and that nothing is left, whatever happens in between."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.lab.net import inside, ip
from tests.lab.product import Product
from vpi_tui.inventory.static import read_inventory
from vpi_tui.lab import state
from vpi_tui.lab.attacks import wire
from vpi_tui.lab.attacks.registry import ATTACKS
from vpi_tui.lab.plan import Guest

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def product(possible: None) -> Iterator[Product]:
    with Product("product") as made:
        yield made


def test_up_status_down(product: Product) -> None:
    code, text, errors = product.lab("up", "--bridge", "--guests", "2")
    assert code == 0, errors
    inventory = str(product.names.inventory)
    assert f"sudo vpi-tui --inventory {inventory}\n" in text
    assert f"lab attack scan --name {product.names.lab}" in text
    known = {guest.name: guest for guest in read_inventory(product.names.inventory).guests}
    assert known["db-1"].port == product.names.of("db-1") in product.links()

    code, text, _ = product.lab("status", "--json")
    status = json.loads(text)
    assert (code, status["up"]) == (0, True)
    assert {guest["guest"] for guest in status["guests"]} == set(known) >= {"web-1", "desk2-1"}
    assert all(guest["answers"] and int(guest["procs"]) for guest in status["guests"])

    code, text, errors = product.lab("up")
    assert code == 0
    assert "is up already" in errors
    assert len(text) > 100

    assert product.lab("down")[:2] == (0, "The lab is gone.\n")
    assert product.remains() == []
    assert product.lab("down")[:2] == (0, "There was no lab.\n")
    assert product.remains() == []


def test_without_a_lab_it_says_how_to_start_one(product: Product) -> None:
    assert product.lab("status") == (1, "No lab is up. Start one with `sudo vpi-tui lab up`.\n", "")
    code, _, errors = product.lab("attack", ATTACKS[0].name)
    assert (code, errors) == (1, "vpi-tui: No lab is up.\n  Start one with `sudo vpi-tui lab up`.\n")


def test_a_guest_that_died_is_told(product: Product) -> None:
    assert product.lab("up", "--bridge")[0] == 0
    subprocess.run(["ip", "-n", product.names.of("db-1"), "link", "set", "eth0", "down"], check=True)
    code, text, _ = product.lab("status")
    assert code == 1
    told = [line for line in text.splitlines() if "does not answer" in line]
    assert [line.split()[0] for line in told] == ["db-1"]
    product.lab("down")


def test_the_host_is_out_of_reach(product: Product) -> None:
    """A router by trade, whose addresses every one of its interfaces would answer for."""
    ip("-n", product.host, "addr", "add", "192.0.2.7/32", "dev", "lo")
    inside(product.host, lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1"))
    assert product.lab("up")[0] == 0
    switches = state.standing(product.names).plan.switches
    for switch in switches:
        rogue = switch.guest("rogue")
        assert inside(rogue.namespace, partial(asked_for, "192.0.2.7", rogue)) == []
        assert inside(rogue.namespace, partial(asked_for, switch.guest("web").ip, rogue))
    links = [name for switch in switches for name in (switch.name, *switch.ports)]
    paths = [f"/proc/sys/net/ipv4/conf/{name}/forwarding" for name in links]
    assert inside(product.host, lambda: {Path(path).read_text() for path in paths}) == {"0\n"}
    product.lab("down")
    ip("-n", product.host, "addr", "del", "192.0.2.7/32", "dev", "lo")


def asked_for(address: str, asker: Guest) -> list[bytes]:
    """Answers to an ARP request for the address within half a second, to be asked from inside a guest."""
    question = wire.arp(wire.REQUEST, (asker.mac, asker.ip), ("00:00:00:00:00:00", address))
    found = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(wire.ETH_P_ARP)) as sock:
        sock.bind(("eth0", wire.ETH_P_ARP))
        sock.settimeout(0.5)
        sock.send(wire.frame(wire.BROADCAST, asker.mac, wire.ETH_P_ARP, question))
        with suppress(TimeoutError):
            while True:
                answer = sock.recv(2048)
                if answer[20:22] == b"\0\2" and answer[28:32] == socket.inet_aton(address):
                    found.append(answer)
    return found


def test_nothing_is_left_of_a_killed_lab(product: Product) -> None:
    began = time.monotonic()
    assert product.lab("up")[0] == 0
    whole = time.monotonic() - began
    product.lab("down")
    chance = random.Random(4)
    for turn in range(5):
        process = product.start("up")
        time.sleep(chance.uniform(0.1, 1.0) * whole)
        process.kill()
        process.communicate()
        if turn % 2:  # the next `up` cleans as well as `down` does
            code, _, errors = product.lab("up")
            assert code == 0, errors
        code, text, errors = product.lab("down")
        assert code == 0, errors
        assert product.remains() == [], (turn, text)


def test_a_killed_down_is_finished_by_the_next(product: Product) -> None:
    assert product.lab("up")[0] == 0
    for delay in (0.2, 0.4, 0.6):
        process = product.start("down")
        time.sleep(delay)
        process.kill()
        process.communicate()
    assert product.lab("down")[0] == 0
    assert product.remains() == []
