"""Hosts learned from the wire, and what bounds them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vpi_tui.capture.columns import allocate, as_batch
from vpi_tui.decode.columns import Columns
from vpi_tui.inventory.addresses import halves
from vpi_tui.inventory.learned import ADDRESSES_A_HOST, MAX_HOSTS, LearnedHosts
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.topology import Guest, Port, Switch, Topology

BASE = Topology(switches=(Switch("a.pcap", "file"),))


def batch(
    senders: Iterable[tuple[int, str]], first: int = 3, entered: int = 0
) -> tuple[PacketBatch, DecodedBatch, FlowBatch]:
    """One row a sender: MAC and address. entered: the ifindex of all."""
    rows = list(senders)
    packets = as_batch(np.zeros(0, np.uint8), allocate(len(rows)), len(rows))
    packets.ifindex[:] = entered
    decoded = Columns(len(rows)).rows(len(rows))
    for row, (mac, address) in enumerate(rows):
        decoded.packet[row] = row
        decoded.ip_v[row] = 6 if ":" in address else 4
        decoded.src_mac[row] = mac
        decoded.src_ip[row] = halves(address)
    count = len(rows)
    flows = FlowBatch(
        flow=np.arange(count, dtype=np.int32),
        direction=np.ones(count, np.uint8),
        state=np.zeros(count, np.uint8),
        first=np.full(count, first, np.uint8),
        app=np.zeros(count, np.uint8),
        new_rows=np.arange(count, dtype=np.int32),
        closed=np.zeros(0, np.uint8),
    )
    return packets, decoded, flows


def learned(*batches: list[tuple[int, str]]) -> dict[str, tuple[tuple[int, ...], tuple[str, ...]]]:
    hosts = LearnedHosts()
    for senders in batches:
        hosts.learn(*batch(senders))
    topology = hosts.topology(BASE)
    return {guest.name: (guest.macs, guest.ips) for guest in topology.guests} if topology else {}


def test_a_mac_with_its_addresses_is_a_host() -> None:
    assert learned([(0x02, "10.0.0.1"), (0x02, "fe80::1"), (0x04, "10.0.0.2"), (0x02, "10.0.0.1")]) == {
        "10.0.0.1": ((0x02,), ("10.0.0.1", "fe80::1")),
        "10.0.0.2": ((0x04,), ("10.0.0.2",)),
    }


def test_a_mac_with_many_addresses_is_a_router_without_addresses() -> None:
    world = [(0x0A, f"198.51.100.{n}") for n in range(1, ADDRESSES_A_HOST + 2)]
    hosts = LearnedHosts()
    for senders in (world[:1], [(0x02, "10.0.0.1")], world, [(0x0A, "203.0.113.1")]):
        hosts.learn(*batch(senders))
    topology = hosts.topology(BASE)
    assert topology is not None
    # It keeps its position: counters are kept by position.
    assert topology.guests == (
        Guest("198.51.100.1", "a.pcap", tags=("router",), source="learned"),
        Guest("10.0.0.1", "a.pcap", (0x02,), ("10.0.0.1",), source="learned"),
    )


def test_a_host_belongs_to_the_interface_where_it_was_seen() -> None:
    base = Topology(
        switches=(Switch("eth1", "interface"), Switch("eth2", "interface")),
        ports=(Port(7, "eth1", "eth1"), Port(8, "eth2", "eth2")),
        host_ips=("10.0.0.9",),
    )
    hosts = LearnedHosts()
    hosts.learn(*batch([(0x02, "10.0.0.1"), (0x06, "10.0.0.9")], entered=7))
    hosts.learn(*batch([(0x04, "10.0.0.2"), (0x02, "10.0.0.1")], entered=8))
    topology = hosts.topology(base)
    assert topology is not None
    assert [(guest.name, guest.switch) for guest in topology.guests] == [
        ("10.0.0.1", "eth1"),
        ("10.0.0.2", "eth2"),
    ]


def test_without_macs_private_addresses_are_hosts() -> None:
    assert set(learned([(0, "10.0.0.1"), (0, "8.8.8.8"), (0, "fd00::1")])) == {"10.0.0.1", "fd00::1"}


def test_groups_and_nobody_are_no_hosts() -> None:
    assert not learned([(0x010000000000, "10.0.0.1"), (0x02, "0.0.0.0"), (0x02, "224.0.0.1")])


def test_rows_that_are_not_the_first_are_not_looked_at() -> None:
    hosts = LearnedHosts()
    hosts.learn(*batch([(0x02, "10.0.0.1")], first=0))
    assert hosts.topology(BASE) is None


def test_nothing_new_gives_no_topology() -> None:
    hosts = LearnedHosts()
    hosts.learn(*batch([(0x02, "10.0.0.1")]))
    assert hosts.topology(BASE) is not None
    hosts.learn(*batch([(0x02, "10.0.0.1")]))
    assert hosts.topology(BASE) is None


def test_a_flood_of_made_up_hosts_is_bounded() -> None:
    flood = [(2 + 2 * n, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(1, 3 * MAX_HOSTS)]
    found = learned(flood[:700], flood[700:])
    assert len(found) == MAX_HOSTS
    assert found["10.0.0.1"] == ((4,), ("10.0.0.1",))
