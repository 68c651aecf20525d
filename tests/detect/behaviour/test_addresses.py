"""IP addresses that are claimed at two ports."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from tests.detect.behaviour.places import (
    DB,
    DB_MAC,
    NEW,
    NEW_MAC,
    SECOND_UPLINK,
    UPLINK,
    WEB,
    WEB_IP,
    WEB_MAC,
    WORLD_MAC,
    Watched,
    advertisement,
    arp,
    batch,
    raw_batch,
    solicitation,
    topology,
)
from vpi_tui.detect.behaviour.addresses import MOST_A_BATCH, NEAR_NS, AddressAtTwoPorts
from vpi_tui.detect.behaviour.base import QUIET_NS

NEAR, QUIET = NEAR_NS / 1e9, QUIET_NS / 1e9


@pytest.fixture
def watched() -> Watched:
    return Watched(AddressAtTwoPorts())


def test_two_claims_at_once_though_the_mac_is_the_same(watched: Watched) -> None:
    """The one who claims forges the MAC too, so that no cache of ARP changes."""
    assert watched.sees((WEB, arp(WEB_MAC, WEB_IP)), (WEB, arp(WEB_MAC, WEB_IP, 1))) == []
    assert watched.sees((DB, arp(WEB_MAC, WEB_IP)), at=1) == [
        (4, f"{WEB_IP} is claimed at two ports of br0 at once: vnet0 (web) and vnet1 (db)")
    ]
    assert watched.sees((WEB, arp(WEB_MAC, WEB_IP)), at=2) == []
    assert watched.sids((DB, arp(WEB_MAC, WEB_IP)), at=QUIET + 1) == [4]


def test_an_address_that_moves_is_not_at_both(watched: Watched) -> None:
    watched.sees((WEB, arp(WEB_MAC, WEB_IP)))
    assert watched.sees((DB, arp(DB_MAC, WEB_IP)), at=NEAR + 1) == []
    assert watched.sids((WEB, arp(WEB_MAC, WEB_IP)), at=60) == [4]  # it is back: one of them took turns


def test_neighbour_discovery_claims_as_well(watched: Watched) -> None:
    watched.sees((WEB, solicitation(WEB_MAC, "fe80::1")), (DB, advertisement(DB_MAC, "2001:db8::2")))
    assert watched.sees((NEW, advertisement(NEW_MAC, "fe80::1")), at=1) == [
        (4, "fe80::1 is claimed at two ports of br0 at once: vnet0 (web) and vnet9")
    ]
    assert watched.sids((NEW, solicitation(NEW_MAC, "2001:db8::2")), at=1) == [4]


def test_what_claims_nothing(watched: Watched) -> None:
    """Probes for doubles, neighbours that a router passed on, packets that a router forwards, two uplinks."""
    watched.sees(
        (WEB, arp(WEB_MAC, WEB_IP)),
        (WEB, advertisement(WEB_MAC, "fe80::1")),
        (UPLINK, arp(WORLD_MAC, "10.0.0.9")),
    )
    routed = Ether(src=DB_MAC) / IP(src=WEB_IP, dst="10.0.0.7") / UDP()
    assert watched.sees(
        *((port, arp(NEW_MAC, "0.0.0.0")) for port in (WEB, DB)),
        *((port, solicitation(NEW_MAC, "::")) for port in (WEB, DB)),
        (DB, advertisement(DB_MAC, "fe80::1", hop_limit=64)),
        (DB, routed),
        (SECOND_UPLINK, arp(WORLD_MAC, "10.0.0.9")),
    ) == []  # fmt: skip


def test_cut_frames_claim_nothing(watched: Watched) -> None:
    whole = bytes(advertisement(WEB_MAC, "fe80::1"))
    watched.take(batch([(WEB, advertisement(WEB_MAC, "fe80::1"))]))
    for length in range(len(whole) - 8):
        assert watched.take(raw_batch([whole[:length] or b"\0"], [DB])) == []


def test_a_flood_is_bounded(watched: Watched) -> None:
    claims = [arp(WEB_MAC, f"10.1.{n >> 8}.{n & 255}") for n in range(3000)]
    for port in (WEB, DB):
        assert len(watched.take(batch([(port, claim) for claim in claims]))) <= MOST_A_BATCH
    assert len(watched.behaviour._whereabouts) <= 2048  # type: ignore[attr-defined]


def test_a_port_that_is_gone_is_no_second_one(watched: Watched) -> None:
    watched.sees((WEB, arp(WEB_MAC, WEB_IP)))
    watched.behaviour.follow(topology(without=[WEB]))
    assert watched.sees((DB, arp(WEB_MAC, WEB_IP)), at=1) == []
