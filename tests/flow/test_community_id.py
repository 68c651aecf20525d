"""Community ID beside the reference implementation (package communityid)."""

from __future__ import annotations

import random
from ipaddress import ip_address

import communityid
import pytest
from communityid import FlowTuple

from tests.decode.batches import packet_batch
from tests.decode.samples import SAMPLES
from vpi_tui.decode.decoder import Decoder
from vpi_tui.flow.community_id import address_bytes, community_id
from vpi_tui.flow.render import to_record
from vpi_tui.flow.table import FlowTable
from vpi_tui.inventory.addresses import halves
from vpi_tui.model.icmp import ANSWER_V4, ANSWER_V6

WITH_PORTS = {6: FlowTuple.make_tcp, 17: FlowTuple.make_udp, 132: FlowTuple.make_sctp}


def addresses(rng: random.Random, version: int) -> tuple[str, str]:
    bits = 32 if version == 4 else 128
    make = [rng.getrandbits(bits), rng.getrandbits(bits)]
    make[1] = rng.choice((make[1], make[0], make[0] ^ 1))
    return tuple(str(ip_address(n.to_bytes(bits // 8, "big"))) for n in make)  # type: ignore[return-value]


def ours(src: str, dest: str, sport: int, dport: int, proto: int, seed: int = 0) -> str:
    version = ip_address(src).version
    client, server = (address_bytes(*halves(text), version) for text in (src, dest))
    return community_id(client, server, sport, dport, proto, seed)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("proto", [6, 17, 132, 47, 50])
def test_both_directions_have_the_label_of_the_package(proto: int, version: int) -> None:
    rng = random.Random(proto * version)
    for _ in range(100):
        src, dest = addresses(rng, version)
        sport, dport = (rng.choice((1, 80, 0x1234, 65535)) for _ in range(2))
        seed = rng.choice((0, 1, 40000))
        make = WITH_PORTS.get(proto)
        flow = make(src, dest, sport, dport) if make else FlowTuple.make_ip(src, dest, proto)
        expected = communityid.CommunityID(seed=seed).calc(flow)
        assert ours(src, dest, sport, dport, proto, seed) == expected
        assert ours(dest, src, dport, sport, proto, seed) == expected


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("kind", range(256))
def test_every_icmp_type(kind: int, version: int) -> None:
    """Ports as decode gives them: the type, and what answers it or else the code."""
    rng = random.Random(kind)
    src, dest = addresses(rng, version)
    proto, make = (1, FlowTuple.make_icmp) if version == 4 else (58, FlowTuple.make_icmp6)
    answer = (ANSWER_V4 if version == 4 else ANSWER_V6)[kind]
    for code in (0, 3, 200):
        expected = communityid.CommunityID().calc(make(src, dest, kind, code))
        second = answer if answer >= 0 else code
        assert ours(src, dest, kind, second, proto) == expected
        if answer >= 0:
            assert ours(dest, src, answer, kind, proto) == expected
        else:
            assert src == dest or ours(dest, src, kind, code, proto) != expected


@pytest.mark.parametrize(
    ("name", "flow"),
    [
        ("tcp", FlowTuple.make_tcp("10.1.2.3", "192.0.2.77", 40000, 443)),
        ("vlan", FlowTuple.make_tcp("10.1.2.3", "192.0.2.77", 40000, 443)),
        ("udp6", FlowTuple.make_udp("2001:db8::1:2", "2001:db8:ffff::9", 5353, 53)),
        ("sctp", FlowTuple.make_sctp("10.1.2.3", "192.0.2.77", 2905, 3868)),
        ("icmp_echo", FlowTuple.make_icmp("10.1.2.3", "192.0.2.77", 8, 0)),
        ("icmp_unreachable", FlowTuple.make_icmp("10.1.2.3", "192.0.2.77", 3, 1)),
        ("icmp6_ns", FlowTuple.make_icmp6("2001:db8::1:2", "2001:db8:ffff::9", 135, 0)),
        ("ip_other_protocol", FlowTuple.make_ip("10.1.2.3", "192.0.2.77", 89)),
    ],
)
def test_from_a_frame_to_the_label(name: str, flow: FlowTuple) -> None:
    packets = packet_batch([SAMPLES[name][1]])
    table = FlowTable(16)
    table.update(packets, Decoder().decode(packets))
    assert to_record(table.columns(1)[0]).community_id == communityid.CommunityID().calc(flow)
