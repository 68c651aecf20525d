"""What ARP and neighbour discovery say, against the same found row by row in plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np
import pytest
from scapy.layers.inet import GRE, IP, UDP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet

from tests.detect.behaviour.places import START, raw_batch
from vpi_tui.decode.decoder import Decoder
from vpi_tui.decode.neighbours import MOST, Neighbours
from vpi_tui.model.batch import DecodedBatch, PacketBatch
from vpi_tui.model.neighbours import Claim, Owner, Question, Said

MACS = ("52:54:00:00:00:01", "52:54:00:00:00:02")


def frame(random: np.random.Generator) -> bytes:
    """Any of what neighbours say, and of what only looks so; now and then cut."""
    mac, other = MACS[random.integers(2)], MACS[random.integers(2)]
    ether = Ether(src=mac, dst="ff:ff:ff:ff:ff:ff")
    tagged = ether / Dot1Q(vlan=7) if random.integers(2) else ether
    ips = [f"10.0.0.{n}" for n in random.integers(3, size=2)] + ["0.0.0.0"]
    source, target = ips[random.integers(3)], ips[random.integers(2)]
    arp = ARP(op=int(random.integers(1, 3)), hwsrc=other, psrc=source, pdst=target)
    six = IPv6(src=f"fe80::{random.integers(2)}", dst="ff02::1", hlim=255 - int(random.integers(5) == 0))
    carrier = IP(src="10.9.0.1", dst="10.9.0.2") / GRE()
    kinds: list[Packet] = [
        tagged / arp,
        tagged / arp,
        ether / carrier / Ether(src=other) / arp,
        tagged / six / ICMPv6ND_NS(tgt="fe80::9"),
        tagged / six / ICMPv6ND_NA(tgt=("::", "fe80::2", "2001:db8::1")[random.integers(3)]),
        ether / carrier / six / ICMPv6ND_NS(tgt="fe80::9"),
        tagged / IP(src=source, dst="10.0.0.9") / UDP(dport=9) / b"nothing",
    ]
    data = bytes(kinds[random.integers(len(kinds))])
    return data[: random.integers(10, len(data))] if random.integers(10) == 0 else data


def batch(frames: list[bytes], random: np.random.Generator) -> tuple[PacketBatch, DecodedBatch]:
    packets = raw_batch(frames, random.integers(1, 3, len(frames)).tolist())
    packets = packets._replace(ts_ns=START + np.arange(len(frames), dtype=np.int64))
    return packets, Decoder().decode(packets)


def claims(packets: PacketBatch, d: DecodedBatch, *, answers: bool) -> Iterator[Claim]:
    for row in range(len(d.packet)):
        frame = d.packet[row]
        high, low = (int(half) for half in d.src_ip[row])
        neighbour = d.proto[row] == 58 and d.ttl[row] == 255
        if answers:
            at = int(d.l4_off[row])
            fits = at >= 0 and at + 24 <= packets.offset[frame] + packets.caplen[frame]
            says = neighbour and d.icmp_type[row] == 136 and fits
            target = int.from_bytes(packets.buf[at + 8 : at + 24].tobytes(), "big")
            high, low = target >> 64, target & (1 << 64) - 1
        else:
            arp = d.ethertype[row] == 0x0806 and d.ip_off[row] >= 0
            says = arp or (neighbour and d.icmp_type[row] == 135)
        if says and not d.tunnel[row] and (high or low & 0xFFFF_FFFF):
            where = int(packets.ifindex[frame]), int(d.vlan[row, 0]), int(d.src_mac[row])
            yield Claim(row, int(packets.ts_ns[frame]), high, low, *where)


def arps(packets: PacketBatch, d: DecodedBatch) -> Iterator[tuple[Owner, Question | None]]:
    """Each ARP packet; a question only if it is one."""
    for row in range(len(d.packet)):
        if d.ethertype[row] != 0x0806 or d.ip_off[row] < 0:
            continue
        body = packets.buf[d.ip_off[row] : d.ip_off[row] + 28].tobytes()
        mac, sender, target = (int.from_bytes(body[a:b], "big") for a, b in ((8, 14), (14, 18), (24, 28)))
        when, vlan = int(packets.ts_ns[d.packet[row]]), int(d.vlan[row, 0])
        asked = Question(row, when, int(packets.ifindex[d.packet[row]]), vlan, mac, target, sender)
        asks = body[6:8] == b"\0\1" and sender != target
        yield Owner(row, when, vlan, sender, mac), asked if asks else None


T = TypeVar("T", Claim, Owner, Question)


def firsts(all_: Iterable[T], words: int) -> list[T]:
    """Those that differ in the words behind row and time."""
    found: dict[tuple[int, ...], T] = {}
    for one in all_:
        found.setdefault(one[2 : 2 + words], one)
    return list(found.values())


def twin(packets: PacketBatch, decoded: DecodedBatch) -> Said:
    told = list(arps(packets, decoded))
    asking, answering = (firsts(claims(packets, decoded, answers=of), 5) for of in (False, True))
    return Said(
        asking + answering,
        firsts((owner for owner, _ in told if owner.ip), 3),
        firsts((asked for _, asked in told if asked), 4),
    )


@pytest.mark.parametrize("seed", range(6))
def test_each_statement_is_heard_once_a_batch(seed: int) -> None:
    random, neighbours = np.random.default_rng(seed), Neighbours()
    for size in (300, 1, 40):
        packets, decoded = batch([frame(random) for _ in range(size)], random)
        said = neighbours.hear(packets, decoded)
        assert said == twin(packets, decoded)
        assert size < 300 or all(said)


def test_of_a_flood_the_beginning_is_heard_and_the_next_batch_whole() -> None:
    neighbours, random = Neighbours(), np.random.default_rng(0)
    ether = Ether(src=MACS[0], dst="ff:ff:ff:ff:ff:ff")
    flood = [
        bytes(ether / ARP(psrc=f"10.1.{n >> 8}.{n & 255}", pdst=f"10.2.{n >> 8}.{n & 255}"))
        for n in range(MOST + 50)
    ]
    packets, decoded = batch(flood, random)
    said, all_ = neighbours.hear(packets, decoded), twin(packets, decoded)
    assert [len(heard) for heard in said] == [MOST] * 3
    assert said == Said(*(heard[:MOST] for heard in all_))
    packets, decoded = batch(flood[-50:], random)
    assert neighbours.hear(packets, decoded) == twin(packets, decoded)
