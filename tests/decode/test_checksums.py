"""Checksums: right ones pass, each wrong byte is found, and those that cannot be judged are left alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scapy.layers.inet import TCP, UDP
from scapy.layers.vxlan import VXLAN

from tests.compiled import from_python
from tests.decode.batches import decode, decode_one
from tests.decode.samples import DATA, ODD, SAMPLES, ether, ip, ip6, tcp, udp
from vpi_tui.decode import kernels_bytes
from vpi_tui.model.batch import PacketFlag

word_sum, fold16 = from_python(kernels_bytes.word_sum), from_python(kernels_bytes.fold16)

SUMS = {
    "tcp": "TCP_CSUM_INVALID",
    "tcp6": "TCP_CSUM_INVALID",
    "tcp_timestamps": "TCP_CSUM_INVALID",
    "udp": "UDP_CSUM_INVALID",
    "udp_odd": "UDP_CSUM_INVALID",
    "udp6": "UDP_CSUM_INVALID",
    "icmp_echo": "ICMPV4_CSUM_INVALID",
    "icmp_timestamp": "ICMPV4_CSUM_INVALID",
    "icmp6_echo": "ICMPV6_CSUM_INVALID",
    "icmp6_ns": "ICMPV6_CSUM_INVALID",
    "ip6_hop_by_hop": "UDP_CSUM_INVALID",
    "ip6_chain": "TCP_CSUM_INVALID",
    "ip6_fragment_atomic": "UDP_CSUM_INVALID",
    "vlan": "TCP_CSUM_INVALID",
}
CHECKSUM_EVENTS = {*SUMS.values(), "IPV4_CSUM_INVALID"}


def changed(frame: bytes, at: int, mask: int = 0x5A) -> bytes:
    return frame[:at] + bytes([frame[at] ^ mask]) + frame[at + 1 :]


@pytest.mark.parametrize("name", SUMS)
def test_every_wrong_payload_byte_is_found(name: str) -> None:
    frame = SAMPLES[name][1]
    first = decode_one(frame)["payload_off"]
    rows = decode([changed(frame, at) for at in range(first, len(frame))])
    assert [row["events"] - ODD.get(name, set()) for row in rows] == [{SUMS[name]}] * (len(frame) - first)


@pytest.mark.parametrize("name", SUMS)
def test_wrong_addresses_are_found_by_the_pseudo_header(name: str) -> None:
    frame = SAMPLES[name][1]
    at = decode_one(frame)["ip_off"] + (15 if decode_one(frame)["ip_v"] == 4 else 23)
    events = decode_one(changed(frame, at))["events"]
    assert events - {"IPV4_CSUM_INVALID"} - ODD.get(name, set()) == (
        set() if SUMS[name] == "ICMPV4_CSUM_INVALID" else {SUMS[name]}
    )


@pytest.mark.parametrize("at", [8, 10, 11, 12, 19])
def test_wrong_ipv4_header(at: int) -> None:
    assert "IPV4_CSUM_INVALID" in decode_one(changed(SAMPLES["ip_other_protocol"][1], 14 + at))["events"]


def test_wrong_sums_inside_a_tunnel() -> None:
    frame = SAMPLES["gre_ip"][1]
    outer, inner = decode([changed(frame, len(frame) - 1)])
    assert (outer["events"], inner["events"]) == (set(), {"TCP_CSUM_INVALID"})


def test_nothing_is_verified_when_nobody_asks() -> None:
    bad = bytes(ether() / ip(chksum=1) / tcp(chksum=1) / DATA)
    assert decode_one(bad)["events"] == {"IPV4_CSUM_INVALID", "TCP_CSUM_INVALID"}
    assert decode_one(bad, verify=False)["events"] == set()
    assert decode_one(bad, flags=int(PacketFlag.CHECKSUM_NOT_READY))["events"] == set()


def test_a_wrong_sum_changes_nothing_else() -> None:
    good, bad = (bytes(ether() / ip() / udp(**sums) / DATA) for sums in ({}, {"chksum": 1}))
    assert {**decode_one(bad), "events": set()} == decode_one(good)


def test_no_sum_is_allowed_for_udp_over_ipv4_and_for_tunnels_over_ipv6() -> None:
    inner = bytes(ether() / ip() / TCP(dport=80))
    vxlan = bytes(VXLAN(vni=1)) + inner
    assert decode_one(bytes(ether() / ip() / udp(chksum=0) / DATA))["events"] == set()
    assert decode_one(bytes(ether() / ip6() / udp(chksum=0) / DATA))["events"] == {"UDP_CSUM_INVALID"}
    assert decode([bytes(ether() / ip6() / UDP(dport=4789, chksum=0) / vxlan)])[0]["events"] == set()


def test_what_is_not_whole_is_not_judged() -> None:
    frame = bytes(ether() / ip() / tcp(chksum=1) / DATA)
    assert decode_one(frame[:-5], lengths=[len(frame)])["events"] == set()
    first = bytes(ether() / ip(flags="MF") / udp(chksum=1) / DATA)
    assert decode_one(first)["events"] == set()


@pytest.mark.parametrize("seed", range(4))
def test_word_sum_is_the_ones_complement_sum(seed: int) -> None:
    rng = random.Random(seed)
    data = rng.randbytes(200) if seed else b"\xff" * 200
    buf = np.frombuffer(data, np.uint8).copy()
    for size in range(120):
        at = rng.randrange(len(data) - size)
        part = data[at : at + size] + b"\0" * (size % 2)
        expected = sum(int.from_bytes(part[k : k + 2], "big") for k in range(0, len(part), 2))
        while expected > 0xFFFF:
            expected = (expected & 0xFFFF) + (expected >> 16)
        assert int(word_sum(buf, at, size)) == expected


@pytest.mark.parametrize("total", [0, 0xFFFF, 0x10000, 0x1FFFF, 0xFFFE_FFFF, 1 << 48, (1 << 64) - 1])
def test_folding_ends_below_17_bits(total: int) -> None:
    expected = total
    while expected > 0xFFFF:
        expected = (expected & 0xFFFF) + (expected >> 16)
    assert int(fold16(np.uint64(total))) == expected
