"""Who sends as whom, and where: on frames as they enter a switch."""

from __future__ import annotations

import random

import pytest

from tests.detect.behaviour.places import (
    DB,
    DB_MAC,
    HOST,
    HOST_MAC,
    NEW,
    NEW_MAC,
    SECOND_UPLINK,
    START,
    UPLINK,
    WEB,
    WEB_MAC,
    WORLD_MAC,
    Watched,
    frame,
    number,
    raw_batch,
    topology,
)
from vpi_tui.decode.decoder import Decoder
from vpi_tui.detect.behaviour.base import QUIET_NS
from vpi_tui.detect.behaviour.bindings import AT_BOTH, BORROWED, MOST_A_BATCH, MOVED, STRANGER, MacBindings
from vpi_tui.detect.behaviour.settings import LEARNING_TIME
from vpi_tui.detect.behaviour.sightings import Sightings
from vpi_tui.detect.behaviour.strangers import GRACE_NS, KNOWN_A_PORT
from vpi_tui.detect.behaviour.whereabouts import ADDRESSES_A_PORT
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.topology import Guest, Topology

QUIET, GRACE, LEARNING = QUIET_NS / 1e9, GRACE_NS / 1e9, 300.0


@pytest.fixture
def watched() -> Watched:
    return Watched(MacBindings())


def test_everybody_at_home_is_nothing(watched: Watched) -> None:
    home = [(WEB, frame(WEB_MAC)), (DB, frame(DB_MAC)), (UPLINK, frame(WORLD_MAC)), (HOST, frame(HOST_MAC))]
    assert watched.sees(*home * 3) == []
    assert watched.sees(*home, at=1000) == []


def test_a_move_is_told_once_and_a_return_is_a_double(watched: Watched) -> None:
    here, there = (NEW, frame(NEW_MAC)), (UPLINK, frame(NEW_MAC))
    watched.sees(here)
    assert watched.sees(there, at=1) == [(MOVED, f"MAC {NEW_MAC} moved on br0 from vnet9 to eno1")]
    assert watched.sees(here, at=2) == [
        (AT_BOTH, f"MAC {NEW_MAC} is at two ports of br0 at once: eno1 and vnet9")
    ]
    assert watched.sees(there, here, there, at=3) == []
    assert watched.sids(there, here, at=3 + QUIET) == [AT_BOTH]


def test_a_quarrel_within_one_batch_is_found(watched: Watched) -> None:
    assert watched.sids((NEW, frame(NEW_MAC)), (UPLINK, frame(NEW_MAC))) == [MOVED]
    assert watched.sids((NEW, frame(NEW_MAC)), (UPLINK, frame(NEW_MAC)), at=1) == [AT_BOTH]


def test_a_guest_that_borrows_the_address_of_another(watched: Watched) -> None:
    watched.sees((DB, frame(DB_MAC)))
    assert watched.sees((WEB, frame(DB_MAC)), at=1) == [
        (MOVED, f"MAC {DB_MAC} moved on br0 from vnet1 (db) to vnet0 (web)"),
        (BORROWED, f"web sends as {DB_MAC} at vnet0; its own is {WEB_MAC}"),
    ]


def test_the_address_of_this_host_is_borrowed_too(watched: Watched) -> None:
    watched.sees((HOST, frame(HOST_MAC)))
    found = watched.sees((NEW, frame(HOST_MAC)), at=1)
    assert (MOVED, f"MAC {HOST_MAC} moved on br0 from br0 (this host) to vnet9") in found


def test_a_borrowed_address_is_told_once_a_port(watched: Watched) -> None:
    forged = [(WEB, frame(f"02:00:00:00:01:{n:02x}")) for n in range(200)]
    assert watched.sids(*forged) == [BORROWED]
    assert watched.sids((WEB, frame("02:00:00:00:02:00")), at=QUIET) == [BORROWED]


def test_no_move_where_there_is_none(watched: Watched) -> None:
    """Beyond two uplinks there is one world; VLANs and ports that are gone are no places to move from."""
    watched.sees((UPLINK, frame(WORLD_MAC)), (NEW, frame(NEW_MAC, vlan=1)), (NEW, frame(NEW_MAC)))
    assert watched.sids((SECOND_UPLINK, frame(WORLD_MAC)), at=1) == []
    assert watched.sids((UPLINK, frame(NEW_MAC, vlan=2)), at=1) == []
    watched.behaviour.follow(topology(without=[NEW]))
    assert watched.sids((UPLINK, frame(NEW_MAC)), at=2) == []


def test_group_addresses_and_unknown_ports_say_nothing(watched: Watched) -> None:
    odd = [(port, frame(mac)) for mac in ("ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00") for port in (NEW, UPLINK)]
    assert watched.sees(*odd, (99, frame(NEW_MAC)), (NEW, frame(NEW_MAC))) == []


def test_an_unknown_guest_is_told_once_after_learning(watched: Watched) -> None:
    watched.sees((NEW, frame(NEW_MAC)))
    late = "52:54:00:00:00:10"
    assert watched.sids((NEW, frame(late)), at=LEARNING) == []  # its manager may name it yet
    assert watched.sees((NEW, frame(late)), at=LEARNING + GRACE) == [
        (STRANGER, f"Unknown guest {late} (KVM) at vnet9 of br0: no inventory names it")
    ]
    assert watched.sids((NEW, frame(late)), (NEW, frame(NEW_MAC)), at=LEARNING + 1000) == []


def test_a_guest_that_is_named_meanwhile_is_none(watched: Watched) -> None:
    watched.sees((WEB, frame(WEB_MAC)))
    late = "52:54:00:00:00:10"
    watched.sees((NEW, frame(late)), at=LEARNING)
    watched.behaviour.follow(topology(new=Guest("mail", "br0", uuid="u-1")))
    assert watched.sids((NEW, frame(late)), at=LEARNING + GRACE) == []


def test_the_world_and_the_host_are_no_guests(watched: Watched) -> None:
    watched.sees((WEB, frame(WEB_MAC)))
    for at in (LEARNING, LEARNING + GRACE):
        assert (
            watched.sids((UPLINK, frame("52:54:00:00:00:10")), (HOST, frame("52:54:00:00:00:11")), at=at)
            == []
        )


def test_without_an_inventory_nobody_is_unknown() -> None:
    watched = Watched(MacBindings(), topology(known=False))
    watched.sees((WEB, frame(WEB_MAC)))
    for at in (LEARNING, LEARNING + GRACE):
        assert watched.sids((NEW, frame("52:54:00:00:00:10")), at=at) == []


def test_at_a_capture_card_only_a_hypervisors_address_is_a_guest() -> None:
    card = topology(new=Guest("x", "br0"))
    ports = tuple(port for port in card.ports if port.ifindex == UPLINK)
    card = Topology(1, card.switches, (ports[0].__class__(UPLINK, "ens4", "ens4"),), card.guests)
    watched = Watched(MacBindings(), card)
    watched.sees((UPLINK, frame(WEB_MAC)))
    senders = [(UPLINK, frame(mac)) for mac in ("00:50:56:00:00:07", "00:11:22:00:00:01", DB_MAC)]
    watched.sees(*senders, at=LEARNING)
    assert watched.sees(*senders, at=LEARNING + GRACE) == [
        (STRANGER, "Unknown guest 00:50:56:00:00:07 (VMware) at ens4 of ens4: no inventory names it")
    ]


def test_the_learning_time_is_a_setting() -> None:
    watched = Watched(MacBindings({LEARNING_TIME: "0"}))
    watched.sees((NEW, frame(NEW_MAC)))
    assert watched.sids((NEW, frame(NEW_MAC)), at=GRACE) == [STRANGER]
    with pytest.raises(ConfigError, match="Write seconds"):
        MacBindings({LEARNING_TIME: "soon"})


def flood(port: int, count: int, seed: int) -> tuple[list[bytes], list[int]]:
    drawn = random.Random(seed)
    plain = bytes(frame(WEB_MAC))
    return [
        plain[:6] + (drawn.getrandbits(48) & ~(1 << 40)).to_bytes(6, "big") + plain[12:] for _ in range(count)
    ], [port] * count


def test_a_flood_costs_a_bounded_part_and_hides_nobody_at_other_ports(watched: Watched) -> None:
    watched.sees((DB, frame(DB_MAC)), (NEW, frame(NEW_MAC)))
    for round_ in range(20):
        found = watched.take(raw_batch(*flood(NEW, 4000, round_)))
        assert len(found) <= MOST_A_BATCH
    behaviour = watched.behaviour
    assert isinstance(behaviour, MacBindings)
    assert len(behaviour._whereabouts) <= ADDRESSES_A_PORT + 2
    assert len(behaviour._strangers._known) <= KNOWN_A_PORT + 2
    assert MOVED in watched.sids((WEB, frame(DB_MAC)), at=1)


def test_a_thousand_forged_at_once_give_few_findings(watched: Watched) -> None:
    data, _ = flood(UPLINK, 1000, 1)
    watched.take(raw_batch(data, [UPLINK] * 1000))
    assert len(watched.take(raw_batch(data, [NEW] * 1000, START + 1))) == MOST_A_BATCH


def test_a_pair_that_was_never_seen_is_always_looked_at() -> None:
    """The table in front is direct-mapped and holds 8,192: whatever falls together takes turns, nothing is
    passed over."""
    sightings = Sightings()
    macs = [number(f"52:54:00:01:{n >> 8:02x}:{n & 255:02x}") for n in range(1000)]
    data, _ = flood(WEB, 1000, 7)
    data = [one[:6] + mac.to_bytes(6, "big") + one[12:] for one, mac in zip(data, macs, strict=True)]
    for port in range(2, 30):
        packets = raw_batch(data, [port] * 1000)
        taken = sightings.take(packets, Decoder().decode(packets))
        assert [(one.mac, one.ifindex) for one in taken] == [(mac, port) for mac in macs]
    again = sightings.take(packets, Decoder().decode(packets))
    assert len(again) < 200
