"""What a lab consists of, and what is refused: no root, no network."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys

import pytest

from vpi_tui.inventory.static import read_inventory
from vpi_tui.lab.attacks.registry import ATTACKS, BY_NAME
from vpi_tui.lab.names import IFNAME_MAX, Names
from vpi_tui.lab.plan import CANDIDATES, MAX_EXTRA, ROLES, inventory_text, make_plan, plan_of
from vpi_tui.model.errors import ConfigError, VpiError

NAMES = Names("vpilab")


def test_addresses_and_names_are_unique_and_fit() -> None:
    plan = make_plan(NAMES, ("bridge", "ovs"), MAX_EXTRA, [])
    guests = plan.guests
    assert len(guests) == 2 * (len(plan.switches[0].guests))
    for values in (
        [guest.ip for guest in guests],
        [guest.mac for guest in guests],
        [guest.name for guest in guests],
    ):
        assert len(set(values)) == len(values)
    links = [*(guest.namespace for guest in guests), *(switch.span for switch in plan.switches)]
    assert all(len(link) <= IFNAME_MAX and NAMES.owns_link(link) for link in links)
    assert all(
        ipaddress.ip_address(guest.ip) in ipaddress.ip_network(switch.network)
        for switch in plan.switches
        for guest in switch.guests
    )


def test_networks_in_use_are_kept_clear_of() -> None:
    used = [ipaddress.IPv4Network("10.213.7.0/24"), ipaddress.IPv4Network("10.176.0.0/12")]
    plan = make_plan(NAMES, ("bridge",), 0, used)
    assert not any(ipaddress.ip_network(plan.switches[0].network).overlaps(net) for net in used)
    with pytest.raises(VpiError, match="no network is left"):
        make_plan(NAMES, ("bridge",), 0, CANDIDATES)


def test_a_plan_survives_its_file_and_is_an_inventory(tmp_path) -> None:
    plan = make_plan(NAMES, ("bridge", "ovs"), 1, [])
    assert plan_of(plan.to_json() | {"more": 1}) == plan
    file = tmp_path / "inventory.yaml"
    file.write_text(inventory_text(plan))
    known = read_inventory(file)
    assert [guest.name for guest in known.guests] == [guest.name for guest in plan.guests]
    assert [guest.port for guest in known.guests] == [guest.namespace for guest in plan.guests]
    assert {guest.switch for guest in known.guests} == {NAMES.bridge, NAMES.ovs}


@pytest.mark.parametrize("name", ["", "ab", "toolong", "Lab", "1ab", "a-b", "../x", "lab\n"])
def test_names_that_could_not_be_cleaned_up_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name for a lab"):
        Names(name)


def test_a_lab_owns_only_its_own_links() -> None:
    names = Names("lab1")
    assert all(map(names.owns_link, ("lab1-web-1", "br-lab1", "ovs-lab1")))
    assert not any(map(names.owns_link, ("lab12-web-1", "br-lab12", "xlab1-web", "eth0", "lab1")))


def test_attacks_name_roles_that_there_are() -> None:
    roles = {role.name for role in ROLES}
    assert len(BY_NAME) == len(ATTACKS)
    for attack in ATTACKS:
        assert attack.attacker in roles
        assert attack.target in roles | {""}
        assert attack.technique.startswith("T1")


UNPRIVILEGED = """
import os, sys
import vpi_tui.lab.build, vpi_tui.lab.remove, vpi_tui.lab.status, vpi_tui.lab.commands
from vpi_tui.cli.main import main
if os.geteuid() == 0:
    os.setuid(65534)
sys.exit(main(["lab", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("words", [["up"], ["status"], ["attack", "scan"], ["down"]])
def test_without_root_it_says_so(words: list[str]) -> None:
    command = [sys.executable, "-c", UNPRIVILEGED, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=os.environ)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "vpi-tui: A lab needs root: it makes network namespaces and a switch.",
        "  Run it with sudo. Without rights there is `vpi-tui demo`.",
    ]
