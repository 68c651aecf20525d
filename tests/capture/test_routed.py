"""Second sightings of routed packets, beside a plain rendering of the rule."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether

from vpi_tui.capture.columns import allocate, as_batch
from vpi_tui.capture.routed import WINDOW_NS, RoutedCopies
from vpi_tui.model.batch import LinkType, PacketBatch

BR0, BR1, PORT0, PORT1 = 2, 3, 10, 11
Sighting = tuple[int, int, bytes]
"""ifindex, time, frame."""


def batch(sightings: list[Sighting]) -> PacketBatch:
    columns = allocate(len(sightings))
    for row, (ifindex, when, frame) in enumerate(sightings):
        columns.ifindex[row], columns.ts_ns[row] = ifindex, when
        columns.caplen[row] = columns.length[row] = len(frame)
        columns.offset[row] = sum(len(one) for _, _, one in sightings[:row])
        columns.link_type[row] = LinkType.ETHERNET
    data = np.frombuffer(b"".join(frame for _, _, frame in sightings), np.uint8).copy()
    return as_batch(data, columns, len(sightings))


def kept(sightings: list[Sighting], copies: RoutedCopies | None = None) -> list[Sighting]:
    if copies is None:
        copies = RoutedCopies()
        copies.set_outgoing((BR0, BR1))
    found = copies.remove_from(batch(sightings))
    if found is None:
        return []
    return [
        (int(i), int(t), found.buf[o : o + n].tobytes())
        for i, t, o, n in zip(found.ifindex, found.ts_ns, found.offset, found.caplen, strict=True)
    ]


def packet(number: int, ttl: int = 64, mac: str = "02:00:00:00:00:01", **ip: str) -> bytes:
    head = Ether(src=mac, dst="02:00:00:00:00:fe")
    if number % 3 == 2:
        ask = UDP(sport=number, dport=53) / b"ask"
        return bytes(head / IPv6(src="fd00::1", dst="fd01::1", hlim=ttl) / ask)
    if number % 3 == 1:
        head /= Dot1Q(vlan=7)
    segment = TCP(sport=40000, dport=80, seq=number) / b"request"
    return bytes(head / IP(src="10.0.0.1", dst="10.1.0.1", id=number, ttl=ttl, **ip) / segment)


def routed(number: int) -> bytes:
    return packet(number, ttl=63, mac="02:00:00:00:00:fd")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_first_sighting_stays(number: int) -> None:
    first, second = (PORT0, 0, packet(number)), (BR1, 1000, routed(number))
    assert kept([first, second]) == [first]


def test_also_when_they_are_in_two_batches() -> None:
    copies = RoutedCopies()
    copies.set_outgoing((BR0, BR1))
    assert kept([(PORT0, 0, packet(0))], copies) == [(PORT0, 0, packet(0))]
    assert kept([(BR1, 1000, routed(0))], copies) == []
    assert copies.removed == 1


@pytest.mark.parametrize(
    "second",
    [
        (BR1, 1000, packet(3, ttl=63)),  # another packet
        (BR1, WINDOW_NS + 1, routed(0)),  # too late
        (PORT1, 1000, routed(0)),  # sent by a guest, not by the host
        (BR1, 1000, bytes(Ether() / ARP())),
        (BR1, 1000, b"\xff" * 13),
    ],
)
def test_what_is_no_copy_stays(second: Sighting) -> None:
    sightings = [(PORT0, 0, packet(0)), second]
    assert kept(sightings) == sightings


def test_each_reception_takes_away_one_sending() -> None:
    copy = (BR1, 1000, routed(0))
    assert kept([(PORT0, 0, packet(0)), copy, copy]) == [(PORT0, 0, packet(0)), copy]


def test_with_one_switch_nothing_can_be_a_copy() -> None:
    copies = RoutedCopies()
    copies.set_outgoing((BR1,))
    sightings = [(PORT0, 0, packet(0)), (BR1, 1000, routed(0))]
    assert kept(sightings, copies) == sightings


def test_many_as_the_rule_says() -> None:
    rng = random.Random(5)
    sightings: list[Sighting] = []
    for step in range(3000):
        number = rng.randrange(60)
        where = rng.choice((PORT0, PORT1, BR0, BR1))
        sightings.append((where, step * WINDOW_NS // 40, packet(number) if where > BR1 else routed(number)))
    expected, received = [], {}
    for where, when, frame in sightings:
        number = next(n for n in range(60) if frame in (_PACKETS[n], _ROUTED[n]))
        if where in (BR0, BR1) and when - received.pop(number, -WINDOW_NS - when - 1) <= WINDOW_NS:
            continue
        if where not in (BR0, BR1):
            received[number] = when
        expected.append((where, when, frame))
    found = []
    copies = RoutedCopies()
    copies.set_outgoing((BR0, BR1))
    for start in range(0, len(sightings), 700):
        found += kept(sightings[start : start + 700], copies)
    assert found == expected


_PACKETS = [packet(number) for number in range(60)]
_ROUTED = [routed(number) for number in range(60)]


def test_cut_frames_stay_in_their_bytes() -> None:
    whole = packet(0)
    for size in range(len(whole)):
        sightings = [(PORT0, 0, whole[:size]), (BR1, 1, b"\xee" * 20)]
        assert kept(sightings) == sightings
