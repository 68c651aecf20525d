"""ARP spoofing on frames as they are on the wire."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from tests.detect.behaviour.places import raw_batch
from vpi_tui.decode.decoder import Decoder
from vpi_tui.decode.neighbours import MOST, Neighbours
from vpi_tui.detect.behaviour.arp import ArpSpoofing
from vpi_tui.detect.behaviour.base import QUIET_NS
from vpi_tui.model.batch import PacketBatch

OWNER, FORGER = 0x525400000001, 0x525400000002


def arp(ip: str, mac: int, operation: int = 2) -> bytes:
    sender = mac.to_bytes(6, "big")
    ethernet = b"\xff" * 6 + sender + b"\x08\x06"
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + sender + IPv4Address(ip).packed
    return ethernet + body + bytes(6) + IPv4Address("10.0.0.1").packed


def batch(frames: list[bytes], ts_ns: int = 0) -> PacketBatch:
    """All from one port."""
    return raw_batch(frames, [0] * len(frames), ts_ns)


def observe(behaviour: ArpSpoofing, frames: list[bytes], ts_ns: int = 0) -> list[str]:
    packets = batch(frames, ts_ns)
    return [f.detail for f in behaviour.heed(Neighbours().hear(packets, Decoder().decode(packets)))]


def test_a_change_of_owner_is_found_once() -> None:
    behaviour = ArpSpoofing()
    assert observe(behaviour, [arp("10.0.0.9", OWNER)] * 3) == []
    assert observe(behaviour, [arp("10.0.0.9", FORGER)]) == [
        "ARP spoofing: 10.0.0.9 moved from 52:54:00:00:00:01 to 52:54:00:00:00:02"
    ]
    assert observe(behaviour, [arp("10.0.0.9", OWNER), arp("10.0.0.9", FORGER)], QUIET_NS - 1) == []
    assert len(observe(behaviour, [arp("10.0.0.9", OWNER)], QUIET_NS)) == 1


def test_quarrel_within_one_batch_is_found() -> None:
    assert len(observe(ArpSpoofing(), [arp("10.0.0.9", OWNER), arp("10.0.0.9", FORGER)])) == 1


def test_probes_and_truncated_frames_claim_nothing() -> None:
    behaviour = ArpSpoofing()
    observe(behaviour, [arp("10.0.0.9", OWNER)])
    assert observe(behaviour, [arp("0.0.0.0", OWNER), arp("0.0.0.0", FORGER)]) == []
    assert observe(behaviour, [arp("10.0.0.9", FORGER)[:30]]) == []


def test_a_flood_is_bounded() -> None:
    behaviour = ArpSpoofing()
    first = [arp(str(IPv4Address(0x0A000000 + i)), OWNER) for i in range(5000)]
    second = [arp(str(IPv4Address(0x0A000000 + i)), FORGER) for i in range(5000)]
    observe(behaviour, first)
    assert len(observe(behaviour, second)) <= MOST
