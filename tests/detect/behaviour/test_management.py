"""Guests that speak to what manages them."""

from __future__ import annotations

import pytest

from tests.detect.behaviour.places import (
    BMC_IP,
    DB,
    DB_IP,
    DB_MAC,
    HOST,
    HOST_IP,
    HOST_MAC,
    NEW,
    NEW_MAC,
    UPLINK,
    WEB,
    WEB_IP,
    WEB_MAC,
    WORLD_MAC,
    Watched,
    datagram,
    syn,
    topology,
)
from vpi_tui.detect.behaviour.management import ManagementPlane
from vpi_tui.detect.behaviour.settings import MANAGEMENT_ADDRESSES, MANAGEMENT_PORTS
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.topology import Guest, Topology

BMC = Guest("bmc", "br0", ips=(BMC_IP,), tags=("mgmt",), source="static")


@pytest.fixture
def watched() -> Watched:
    return Watched(ManagementPlane(), topology(more=[BMC]))


@pytest.mark.parametrize("port", [443, 902, 16509, 16514, 5900, 5999, 2375, 2376, 3260, 2049])
def test_this_host_by_tcp(watched: Watched, port: int) -> None:
    (found,) = watched.sees((WEB, syn(WEB_MAC, WEB_IP, HOST_IP, port)))
    assert found[0] == 7
    assert found[1].startswith(f"web speaks to the management plane: {HOST_IP} port {port}/tcp (")


def test_a_controller_that_the_inventory_tags(watched: Watched) -> None:
    assert watched.sees((DB, datagram(DB_MAC, DB_IP, BMC_IP, 623))) == [
        (7, f"db speaks to the management plane: {BMC_IP} port 623/udp (IPMI)")
    ]


def test_the_same_is_said_once(watched: Watched) -> None:
    assert watched.sids(*[(WEB, syn(WEB_MAC, WEB_IP, HOST_IP, 5900))] * 3) == [7]
    other = syn(WEB_MAC, WEB_IP, HOST_IP, 5900)
    other["TCP"].sport = 40001
    assert watched.sids((WEB, other), at=1) == []
    other["TCP"].sport = 40002
    assert watched.sids((WEB, other), at=100) == [7]


def test_what_is_allowed(watched: Watched) -> None:
    """Other ports, other guests, the world and the host itself, answers, and guests of the plane."""
    assert watched.sees(
        (WEB, syn(WEB_MAC, WEB_IP, HOST_IP, 53)),
        (WEB, syn(WEB_MAC, WEB_IP, HOST_IP, 6000)),
        (WEB, syn(WEB_MAC, WEB_IP, DB_IP, 443)),
        (UPLINK, syn(WORLD_MAC, "192.0.2.1", HOST_IP, 443)),
        (HOST, syn(HOST_MAC, HOST_IP, BMC_IP, 623)),
    ) == []  # fmt: skip
    managing = topology(new=Guest("jump", "br0", tags=("mgmt",), source="static"))
    watched.behaviour.follow(managing)
    assert watched.sees((NEW, syn(NEW_MAC, "10.0.0.50", HOST_IP, 443))) == []


def test_a_guest_that_forges_its_address_is_named_by_its_port(watched: Watched) -> None:
    (found,) = watched.sees((DB, syn(DB_MAC, WEB_IP, HOST_IP, 16509)))
    assert found[1].startswith("db speaks")


def test_in_a_capture_the_address_tells_the_guest() -> None:
    known = Topology(guests=(Guest("web", "", ips=(WEB_IP,), source="static"), BMC))
    watched = Watched(ManagementPlane(), known)
    assert watched.sids(
        (0, syn(WEB_MAC, WEB_IP, BMC_IP, 443)), (0, syn(WEB_MAC, "10.9.9.9", BMC_IP, 443))
    ) == [7]


def test_the_lists_are_settings() -> None:
    options = {MANAGEMENT_PORTS: "[8006, 9000-9001]", MANAGEMENT_ADDRESSES: "[192.0.2.0/24, 2001:db8::1]"}
    watched = Watched(ManagementPlane(options))
    assert watched.sees(
        (WEB, syn(WEB_MAC, WEB_IP, "192.0.2.9", 9001)),
        (WEB, syn(WEB_MAC, WEB_IP, HOST_IP, 443)),
        (DB, syn(DB_MAC, DB_IP, "198.51.100.1", 8006)),
        (DB, syn(DB_MAC, DB_IP, HOST_IP, 8006)),
    ) == [
        (7, "web speaks to the management plane: 192.0.2.9 port 9001/tcp"),
        (7, f"db speaks to the management plane: {HOST_IP} port 8006/tcp"),
    ]  # fmt: skip
    for key, text in (
        (MANAGEMENT_PORTS, "443,https"),
        (MANAGEMENT_PORTS, "9-1"),
        (MANAGEMENT_ADDRESSES, "esx1"),
    ):
        with pytest.raises(ConfigError, match=key):
            ManagementPlane({key: text})
