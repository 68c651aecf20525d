"""Frames that are copied to a sensor more than once; what is really sent again stays."""

from __future__ import annotations

import random

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether

from tests.capture.test_routed import Sighting, batch
from vpi_tui.capture.doubled import KEYS, WINDOW_NS, DoubledCopies

CARD, OTHER = 7, 8
MACS = [f"02:00:00:00:00:0{n}" for n in range(1, 6)]
FRAME_NS = 3_000_000
"""Between two frames of one sender: more than the window, so that each one tells."""


def told(number: int, ends: tuple[int, int] = (0, 1)) -> bytes:
    """IPv4 with an identification of its own."""
    head = Ether(src=MACS[ends[0]], dst=MACS[ends[1]])
    tag = Dot1Q(vlan=7) if number % 2 else None
    segment = IP(src="10.0.0.1", dst="10.0.0.2", id=1 + number % 65535) / TCP(seq=number) / b"data"
    return bytes(head / tag / segment if tag else head / segment)


def vague(number: int = 0, ends: tuple[int, int] = (0, 1)) -> bytes:
    """IPv6, which has no identification: a retransmission is the same frame."""
    head = Ether(src=MACS[ends[0]], dst=MACS[ends[1]])
    return bytes(head / IPv6(src="fd00::1", dst="fd00::2") / TCP(seq=number) / b"data")


def kept(copies: DoubledCopies, *sightings: Sighting) -> list[Sighting]:
    found = copies.remove_from(batch(list(sightings)))
    if found is None:
        return []
    columns = zip(found.ifindex, found.ts_ns, found.offset, found.caplen, strict=True)
    return [(int(i), int(t), found.buf[o : o + n].tobytes()) for i, t, o, n in columns]


def known(times: int = 2, ends: tuple[int, int] = (0, 1)) -> tuple[DoubledCopies, int]:
    """A sensor that has learned how often frames between two addresses arrive, and the time of the next."""
    copies = DoubledCopies()
    copies.set_sensors((CARD,))
    now = 10**9
    for number in range(12):
        now += FRAME_NS
        kept(copies, *((CARD, now + 1000 * view, told(number, ends)) for view in range(times)))
    return copies, now + FRAME_NS


@pytest.mark.parametrize("times", [1, 2, 3])
def test_each_frame_once_from_the_first_that_are_sure(times: int) -> None:
    copies, now = known(times)
    before = copies.removed
    assert before >= 7 * (times - 1)
    frame = told(99)
    assert len(kept(copies, *((CARD, now + view, frame) for view in range(times)))) == 1
    assert copies.removed == before + times - 1


def test_what_is_really_sent_again_stays() -> None:
    copies, now = known()
    frame = vague()
    views = [(CARD, now + 100_000 * n, frame) for n in range(6)]  # sent three times, each copied twice
    assert kept(copies, *views) == views[::2]


def test_where_nothing_is_copied_twice_nothing_is_removed() -> None:
    copies, now = known(times=1)
    again = [(CARD, now + n, frame) for n, frame in enumerate([vague()] * 3 + [told(77)] * 3)]
    assert kept(copies, *again) == again
    assert not copies.removed


def test_ends_that_are_copied_once_beside_others_that_are_copied_twice() -> None:
    """The uplink is not mirrored: what comes from there is seen where it leaves alone."""
    copies, now = known()
    plain = []
    for number in range(20):
        now += FRAME_NS
        plain.append((CARD, now, told(number, (2, 1))))
        plain += [(CARD, now + n, vague(number, (2, 1))) for n in (10, 20)]
    assert kept(copies, *plain) == plain


def test_a_copy_that_ceases_is_believed_at_once() -> None:
    copies, now = known()
    kept(copies, (CARD, now, told(500)))
    kept(copies, (CARD, now + FRAME_NS, told(501)))
    twice = [(CARD, now + 2 * FRAME_NS + n, vague(7)) for n in range(2)]
    assert kept(copies, *twice) == twice


@pytest.mark.parametrize(
    "frame",
    [
        bytes(Ether(src=MACS[3], dst="ff:ff:ff:ff:ff:ff") / ARP(psrc="10.0.0.1", pdst="10.0.0.2")),
        bytes(Ether(src=MACS[3], dst=MACS[4]) / IPv6(hlim=255) / ICMPv6ND_NS(tgt="fd00::2")),
        bytes(Ether(src=MACS[3], dst=MACS[4]) / IPv6(hlim=255) / ICMPv6ND_NA(tgt="fd00::2")),
    ],
)
def test_questions_for_addresses_tell_too(frame: bytes) -> None:
    copies, now = known()
    assert len(kept(copies, *((CARD, now + n, frame) for n in range(3)))) == 1
    late = (CARD, now + WINDOW_NS + 10, frame)
    assert kept(copies, late) == [late]


def test_other_interfaces_and_what_is_cut_short_stay() -> None:
    copies, now = known()
    views = [(OTHER, now + n, told(5)) for n in range(2)]
    views += [(CARD, now + 10 + n, told(5)[:cut]) for cut in (0, 13) for n in range(2)]
    assert len(kept(copies, *views)) == len(views)
    cut_views = [(CARD, now + 20 + n, told(5)[:cut]) for cut in (14, 16, 18, 20, 33, 34) for n in range(2)]
    assert len(kept(copies, *cut_views)) == len(cut_views) // 2


@pytest.mark.parametrize("seed", range(4))
def test_any_mix_loses_no_frame(seed: int) -> None:
    """Of whatever comes, each different frame stays at least once."""
    rng = random.Random(seed)
    copies, now = known()
    views: list[Sighting] = []
    for number in range(600):
        now += rng.choice((1_000, 50_000, FRAME_NS))
        ends = rng.sample(range(4), 2)
        make = rng.choice((told, vague))
        frame = make(number, (ends[0], ends[1]))
        if rng.random() < 0.1:
            frame = bytes(Ether(frame[:14]) / UDP(sport=number))
        views += [(CARD, now + n, frame) for n in range(rng.choice((1, 2, 2, 2, 3)))]
    left = {frame for _, _, frame in kept(copies, *views)}
    assert left == {frame for _, _, frame in views}
    assert copies.removed > 200


def test_a_frame_that_differs_at_its_end_alone_stays() -> None:
    """A guest must not hide a segment behind one with the same head and checksum, as nobody would take it."""
    copies, now = known()
    head = told(99) + bytes(1400)
    other = [head[:-place] + b"x" + head[len(head) - place + 1 :] for place in range(1, 1400, 97)]
    views = [(CARD, now + n, frame) for n, frame in enumerate([head, *other])]
    assert kept(copies, *views) == views


def test_a_flood_of_one_frame_is_no_copies() -> None:
    copies, now = known()
    kept(copies, *((CARD, now + n, told(1, (2, 3))) for n in range(100)))
    flood = [(CARD, now + FRAME_NS + 10_000 * n, told(5)) for n in range(1000)]
    assert len(kept(copies, *flood)) > 900


def test_a_frame_to_all_may_be_copied_at_each_port() -> None:
    copies, now = known()
    frame = bytes(Ether(src=MACS[0], dst="ff:ff:ff:ff:ff:ff") / ARP(psrc="10.0.0.1", pdst="10.0.0.2"))
    assert len(kept(copies, *((CARD, now + n, frame) for n in range(49)))) == 1


def test_a_frame_that_is_too_long_to_compare_stays() -> None:
    copies, now = known()
    views = [(CARD, now + n, told(5) + bytes(4 * KEYS)) for n in range(3)]
    assert kept(copies, *views) == views
