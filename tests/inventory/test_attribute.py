"""Attribution beside a plain rendering of its rule: port, then MAC and address."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from vpi_tui.flow.table import FLOW_DTYPE
from vpi_tui.inventory.addresses import halves
from vpi_tui.inventory.attribute import Attributor
from vpi_tui.model.batch import FlowBatch
from vpi_tui.model.topology import End, Guest, Locality, Port, Switch, Topology

ADDRESSES = [f"10.0.0.{n}" for n in range(8)] + [f"2001:db8::{n}" for n in range(8)]
MACS = [*range(1, 9), 0, 0xFFFFFFFFFFFF, 0x01005E000001]


def topology_of(rng: random.Random) -> Topology:
    switches = tuple(Switch(f"br{n}", "bridge", ifindex=50 + n) for n in range(rng.randint(0, 3)))
    guests = tuple(
        Guest(
            f"vm{n}",
            rng.choice(switches).name if switches else "",
            macs=tuple(rng.sample(MACS, rng.randint(0, 2))),
            ips=tuple(rng.sample(ADDRESSES, rng.randint(0, 3))),
        )
        for n in range(rng.randint(0, 5))
    )
    ports = tuple(
        Port(
            n,
            f"tap{n}",
            rng.choice(switches).name if switches else "",
            guest=rng.choice(guests).name if guests and rng.random() < 0.6 else "",
            uplink=rng.random() < 0.2,
        )
        for n in rng.sample(range(1, 9), rng.randint(0, 5))
    )
    host_ips = tuple(rng.sample(ADDRESSES, rng.randint(0, 2)))
    return Topology(1, switches, ports, guests, host_ips=host_ips)


def flows_of(rng: random.Random, count: int) -> Any:
    flows = np.zeros(count, FLOW_DTYPE)
    for flow in flows:
        flow["flow_id"] = rng.randint(0, 9)
        flow["src_ip"], flow["dest_ip"] = halves(rng.choice(ADDRESSES)), halves(rng.choice(ADDRESSES))
        flow["src_mac"], flow["dest_mac"] = rng.choice(MACS), rng.choice(MACS)
        flow["ifindex_client"], flow["ifindex_server"] = rng.choice([0, *range(1, 9), 50]), rng.randint(0, 9)
        flow["switch"] = flow["src_guest"] = flow["dest_guest"] = -1
    return flows


def expected(topology: Topology, flow: Any) -> tuple[int, int, int, int]:
    """(switch, src_guest, dest_guest, locality)."""
    names = [switch.name for switch in topology.switches]
    ports = {port.ifindex: port for port in topology.ports}

    def guest_of(side: str, ifindex: int) -> int:
        port = ports.get(ifindex)
        if port is not None and port.uplink:
            return -1
        if port is not None and port.guest:
            return [guest.name for guest in topology.guests].index(port.guest)
        mac = int(flow[f"{side}_mac"])
        high, low = map(int, flow[f"{side}_ip"])
        by_mac = [n for n, guest in enumerate(topology.guests) if mac and mac in guest.macs]
        by_ip = [n for n, guest in enumerate(topology.guests) if (high, low) in map(halves, guest.ips)]
        if side == "dest" and by_ip and not by_mac:
            here, guest = switch_of(int(flow["ifindex_client"])), topology.guests[by_ip[0]]
            if here >= 0 and any(guest.macs) and guest.switch == names[here]:
                return -1
        found = by_mac + by_ip if side == "src" else by_ip + by_mac
        return found[0] if found else -1

    def switch_of(ifindex: int) -> int:
        if ifindex in ports:
            return names.index(ports[ifindex].switch) if ports[ifindex].switch else -1
        own = [n for n, switch in enumerate(topology.switches) if switch.ifindex == ifindex]
        return own[0] if own else -1

    src = guest_of("src", int(flow["ifindex_client"]))
    dest = guest_of("dest", int(flow["ifindex_server"]))
    answers = [switch_of(int(flow["ifindex_client"])), switch_of(int(flow["ifindex_server"]))]
    answers += [names.index(topology.guests[n].switch) if names else -1 for n in (src, dest) if n >= 0]
    switch = next((answer for answer in answers if answer >= 0), -1)
    hosts = [halves(ip) for ip in topology.host_ips]
    ends = [tuple(int(half) for half in flow[name]) for name in ("src_ip", "dest_ip")]
    knows = bool(topology.guests or topology.ports or topology.switches)
    if src >= 0 and dest >= 0:
        locality = Locality.EAST_WEST
    elif any(guest < 0 and end in hosts for guest, end in zip((src, dest), ends, strict=True)):
        locality = Locality.HOST
    elif dest < 0 and int(flow["dest_mac"]) >> 40 & 1:
        locality = Locality.UNKNOWN
    elif src >= 0 or dest >= 0:
        locality = Locality.NORTH_SOUTH
    else:
        locality = Locality.EXTERNAL if knows else Locality.UNKNOWN
    mac = int(flow["dest_mac"])
    group = int(End.BROADCAST if mac == (1 << 48) - 1 else End.MULTICAST) if mac >> 40 & 1 else 0
    nowhere = int(End.WORLD) if knows else int(End.UNKNOWN)
    if src < 0:
        src = int(End.HOST) if ends[0] in hosts else nowhere
    if dest < 0:
        dest = int(End.HOST) if ends[1] in hosts else group or nowhere
    return switch, src, dest, int(locality)


def written(flow: Any) -> tuple[int, int, int, int]:
    return tuple(int(flow[name]) for name in ("switch", "src_guest", "dest_guest", "locality"))  # type: ignore[return-value]


@pytest.mark.parametrize("seed", range(40))
def test_all_flows_as_the_rule_says(seed: int) -> None:
    rng = random.Random(seed)
    topology = topology_of(rng)
    flows = flows_of(rng, 60)
    before = flows.copy()
    Attributor(topology).attribute_all(flows)
    for flow, old in zip(flows, before, strict=True):
        assert written(flow) == (expected(topology, old) if old["flow_id"] else written(old))


def test_only_first_rows_are_attributed_and_closed_ones_that_were_not() -> None:
    rng = random.Random(7)
    topology = Topology(switches=(Switch("br0", "bridge"),))
    records, closed = flows_of(rng, 6), flows_of(rng, 3)
    records["flow_id"], closed["flow_id"] = 1, 1
    closed["locality"] = [0, int(Locality.HOST), 0]
    flows = FlowBatch(
        flow=np.array([2, -1, 4, 5], np.int32),
        direction=np.ones(4, np.uint8),
        state=np.zeros(4, np.uint8),
        first=np.array([3, 3, 2, 0], np.uint8),
        app=np.zeros(4, np.uint8),
        new_rows=np.array([0], np.int32),
        closed=closed,
    )
    Attributor(topology).attribute(flows, records)
    assert records["switch"].tolist() == [-1, -1, 0, -1, 0, -1]
    assert closed["switch"].tolist() == [0, -1, 0]


def test_the_only_switch_of_a_capture_is_everybodys() -> None:
    flows = flows_of(random.Random(1), 4)
    flows["flow_id"] = 1
    Attributor(Topology(switches=(Switch("a.pcap", "file"),))).attribute_all(flows)
    assert set(flows["switch"].tolist()) == {0}


def test_a_port_that_has_gone_still_tells_whose_its_flows_were() -> None:
    before = Topology(
        1,
        (Switch("br0", "bridge"),),
        (Port(3, "tap0", "br0", "vm0"), Port(4, "tap1", "br0", "vm1")),
        (Guest("vm0", "br0"), Guest("vm1", "br0")),
    )
    flows = np.zeros(1, FLOW_DTYPE)
    flows["flow_id"], flows["ifindex_client"], flows["ifindex_server"] = 1, 3, 4
    attributor = Attributor(before)
    attributor.retopology(Topology(2, before.switches, before.ports[1:], before.guests))
    attributor.attribute_all(flows)
    assert (flows["src_guest"][0], flows["dest_guest"][0]) == (0, 1)
    assert flows["locality"][0] == Locality.EAST_WEST
    reused = Port(3, "tap9", "br0", "vm1")
    attributor.retopology(Topology(3, before.switches, (reused, before.ports[1]), before.guests))
    attributor.attribute_all(flows)
    assert flows["src_guest"][0] == 1


def routed(*, answered: bool) -> Any:
    """web on br0 speaks to db on br1 through the guest `router`, as br0 shows it."""
    flows = np.zeros(1, FLOW_DTYPE)
    flows["flow_id"], flows["ifindex_client"], flows["ifindex_server"] = 1, 1, 4 if answered else 0
    flows["src_ip"], flows["dest_ip"] = halves("10.0.0.1"), halves("10.0.1.1")
    flows["src_mac"], flows["dest_mac"] = 0x11, 0x22
    return flows


@pytest.mark.parametrize("answered", [False, True])
def test_a_router_guest_is_not_the_end_of_what_it_forwards(answered: bool) -> None:
    topology = Topology(
        1,
        (Switch("br0", "bridge"), Switch("br1", "bridge")),
        (
            Port(1, "tap0", "br0", "web"),
            Port(2, "tap1", "br0", "router"),
            Port(3, "tap2", "br1", "router"),
            Port(4, "tap3", "br1", "db"),
        ),
        (
            Guest("web", "br0", (0x11,), ("10.0.0.1",)),
            Guest("router", "br0", (0x22, 0x23), ("10.0.0.254", "10.0.1.254")),
            Guest("db", "br1", (0x33,), ("10.0.1.1",)),
        ),
    )
    flows = routed(answered=answered)
    Attributor(topology).attribute_all(flows)
    assert written(flows[0]) == (0, 0, 2, int(Locality.EAST_WEST))


def test_private_addresses_make_no_flow_east_west() -> None:
    """Both ends are of RFC 1918; one came through the uplink, and nobody's port is the other's."""
    topology = Topology(
        1,
        (Switch("br0", "bridge"),),
        (Port(1, "tap0", "br0", "web"), Port(2, "eno1", "br0", uplink=True)),
        (Guest("web", "br0", ips=("198.51.100.7",)),),
    )
    flows = np.zeros(2, FLOW_DTYPE)
    flows["flow_id"] = 1
    flows["src_ip"], flows["dest_ip"] = halves("10.0.0.1"), halves("10.0.0.2")
    flows["ifindex_client"], flows["ifindex_server"] = [2, 2], [1, 0]
    Attributor(topology).attribute_all(flows)
    assert written(flows[0]) == (0, int(End.WORLD), 0, int(Locality.NORTH_SOUTH))
    assert written(flows[1]) == (0, int(End.WORLD), int(End.WORLD), int(Locality.EXTERNAL))


@pytest.mark.parametrize(("mac", "end"), [(0x77, int(End.WORLD)), (0x22, 1)])
def test_an_address_that_a_guest_claims_is_not_enough(mac: int, end: int) -> None:
    """vm1 says to have the gateway's address: it has what is sent to its own MAC, not to the gateway's."""
    topology = Topology(
        1,
        (Switch("br0", "bridge"),),
        (Port(1, "tap0", "br0", "vm0"), Port(2, "tap1", "br0", "vm1"), Port(3, "eno1", "br0", uplink=True)),
        (
            Guest("vm0", "br0", (0x11,), ("10.0.0.1",)),
            Guest("vm1", "br0", (0x22,), ("10.0.0.2", "10.0.0.254")),
        ),
    )
    flows = np.zeros(1, FLOW_DTYPE)
    flows["flow_id"], flows["ifindex_client"], flows["dest_mac"] = 1, 1, mac
    flows["src_ip"], flows["dest_ip"] = halves("10.0.0.1"), halves("10.0.0.254")
    Attributor(topology).attribute_all(flows)
    assert int(flows["dest_guest"][0]) == end


@pytest.mark.parametrize(
    ("source", "dest", "switch"),
    [
        (1, 2, "br-prod"),  # both are guests of the inventory
        (9, 2, "br-prod"),  # the one that answers is
        (3, 2, "br-prod"),  # the one that asks was learned at the card itself
        (3, 9, "cap0"),
        (9, 8, "cap0"),
    ],
)
def test_what_a_sensor_sees_belongs_to_the_switch_of_its_guests(source: int, dest: int, switch: str) -> None:
    topology = Topology(
        1,
        (Switch("cap0", "interface", ifindex=7), Switch("br-prod", "static")),
        (Port(7, "cap0", "cap0"),),
        (Guest("a", "br-prod", (1,)), Guest("b", "br-prod", (2,)), Guest("c", "cap0", (3,))),
    )
    flows = np.zeros(1, FLOW_DTYPE)
    flows["flow_id"], flows["ifindex_client"], flows["ifindex_server"] = 1, 7, 7
    flows["src_mac"], flows["dest_mac"] = source, dest
    Attributor(topology).attribute_all(flows)
    assert topology.switches[int(flows["switch"][0])].name == switch
