"""What keeps the flows of two tenants apart, and those of one tunnel together, whatever is inside."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet

from tests.decode.batches import decode, packet_batch
from tests.decode.samples import IN_L2, SAMPLES, ether
from vpi_tui.decode.decoder import Decoder
from vpi_tui.flow.table import FlowTable
from vpi_tui.model.batch import Direction, TunnelKind

A, B, C = "10.9.0.1", "10.9.0.2", "10.9.0.3"
WEB = IP(src="192.168.0.1", dst="192.168.0.2") / TCP(sport=40000, dport=80, flags="S")
ANSWER = IP(src="192.168.0.2", dst="192.168.0.1") / TCP(sport=80, dport=40000, flags="SA")
Wrap = Callable[[str, str, Packet], Packet]


def vxlan(vni: int) -> Wrap:
    return lambda src, dst, inner: IP(src=src, dst=dst) / UDP(dport=4789) / VXLAN(vni=vni) / inner


def over_ip6(src: str, dst: str) -> IPv6:
    return IPv6(src=f"::ffff:0:{src}", dst=f"::ffff:0:{dst}")


KINDS: dict[str, tuple[int, Wrap]] = {
    "ip_in_ip": (TunnelKind.IP_IN_IP, lambda src, dst, inner: IP(src=src, dst=dst) / inner),
    "ip_in_ip6": (TunnelKind.IP_IN_IP, lambda src, dst, inner: over_ip6(src, dst) / inner),
    "gre": (TunnelKind.GRE, lambda src, dst, inner: IP(src=src, dst=dst) / GRE() / inner),
    "gre_bridge": (
        TunnelKind.GRE,
        lambda src, dst, inner: IP(src=src, dst=dst) / GRE(proto=0x6558) / Ether(**IN_L2) / inner,
    ),
}
SEPARATE: dict[str, tuple[Packet, Packet]] = {
    **{f"{name}, other ends": (wrap(A, B, WEB), wrap(A, C, WEB)) for name, (_, wrap) in KINDS.items()},
    **{
        f"{name}, other vlan": (Dot1Q(vlan=10) / wrap(A, B, WEB), Dot1Q(vlan=20) / wrap(A, B, WEB))
        for name, (_, wrap) in KINDS.items()
    },
    "vxlan, other vni": (vxlan(1)(A, B, Ether(**IN_L2) / WEB), vxlan(2)(A, B, Ether(**IN_L2) / WEB)),
    "vxlan, other vlan": (
        Dot1Q(vlan=10) / vxlan(1)(A, B, Ether(**IN_L2) / WEB),
        Dot1Q(vlan=20) / vxlan(1)(A, B, Ether(**IN_L2) / WEB),
    ),
    "ip_in_ip inside vxlan": (
        vxlan(1)(A, B, Ether(**IN_L2) / IP(src=A, dst=B) / WEB),
        vxlan(2)(A, B, Ether(**IN_L2) / IP(src=A, dst=B) / WEB),
    ),
    "keyed gre inside vxlan": (
        vxlan(1)(A, B, Ether(**IN_L2) / IP(src=A, dst=B) / GRE(key_present=1, key=5) / WEB),
        vxlan(2)(A, B, Ether(**IN_L2) / IP(src=A, dst=B) / GRE(key_present=1, key=5) / WEB),
    ),
}


def flows_of(*packets: Packet) -> list[tuple[int, int]]:
    """(slot of the flow, direction) of the innermost row of each packet."""
    batch = packet_batch([bytes(ether() / packet) for packet in packets])
    decoded = Decoder().decode(batch)
    flows = FlowTable(64).update(batch, decoded)
    last = {int(packet): row for row, packet in enumerate(decoded.packet)}
    return [(int(flows.flow[row]), int(flows.direction[row])) for row in last.values()]


@pytest.mark.parametrize("name", SEPARATE)
def test_two_tenants_with_the_same_addresses_have_two_flows(name: str) -> None:
    one, other = flows_of(*SEPARATE[name])
    assert one[0] != other[0]
    assert min(one[0], other[0]) >= 0


@pytest.mark.parametrize("name", KINDS)
def test_both_directions_of_a_tunnel_are_one_flow(name: str) -> None:
    kind, wrap = KINDS[name]
    there, back = flows_of(wrap(A, B, WEB), wrap(B, A, ANSWER))
    assert there[0] == back[0] >= 0
    assert (there[1], back[1]) == (Direction.TO_SERVER, Direction.TO_CLIENT)
    rows = decode([bytes(ether() / wrap(A, B, WEB))])
    assert [row["tunnel"] >> 24 for row in rows] == [TunnelKind.NONE, kind]


def test_both_directions_of_a_tunnel_in_a_tunnel_are_one_flow() -> None:
    there = vxlan(7)(A, B, Ether(**IN_L2) / IP(src=B, dst=C) / WEB)
    back = vxlan(7)(B, A, Ether(**IN_L2) / IP(src=C, dst=B) / ANSWER)
    assert len({slot for slot, _ in flows_of(there, back)}) == 1


def test_a_tag_that_the_kernel_stripped_tells_the_tenant_of_what_is_inside() -> None:
    outer, inner = decode([SAMPLES["vxlan"][1]], vlan_tci=0x1000A)
    assert (outer["vlan"], outer["vlan_layers"]) == ([10, 0], 1)
    assert (inner["vlan"], inner["vlan_layers"]) == ([10, 0], 0)


def test_tags_inside_a_tunnel_replace_those_around_it() -> None:
    _, inner = decode([SAMPLES["vxlan_vlan_inside"][1]], vlan_tci=0x1000A)
    assert (inner["vlan"], inner["vlan_layers"]) == ([7, 0], 1)


def test_ids_that_headers_name_are_kept_as_they_are() -> None:
    numbers = [decode([SAMPLES[name][1]])[1]["tunnel"] for name in ("vxlan", "gre_key_checksum_ip6")]
    assert numbers == [TunnelKind.VXLAN << 24 | 0x123456, TunnelKind.GRE << 24 | 0xABCDEF]
