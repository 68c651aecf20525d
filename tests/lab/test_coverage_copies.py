"""What is seen of ports whose frames come as copies: by tc, to a promiscuous card, in two views."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.lab.judged import SECONDS, agrees, comes, copied, mended, on_host, port, settle, watching
from tests.lab.net import Lab, ip
from tests.lab.sensor import SETTLE
from tests.lab.traffic import both_ways, datagrams, running
from vpi_tui.model.coverage import Verdict

pytestmark = pytest.mark.lab


@pytest.fixture
def card(lab: Lab) -> Iterator[str]:
    """An interface of the host to which something copies; its far end hears them too."""
    ip("-n", lab.host, "link", "add", "mon0", "type", "veth", "peer", "mon1")
    for end in ("mon0", "mon1"):
        ip("-n", lab.host, "link", "set", end, "up")
    yield "mon0"
    ip("-n", lab.host, "link", "del", "mon0")


def test_copies_by_tc_are_counted_once_and_missed_when_they_stop(lab: Lab, card: str) -> None:
    first, second, third = lab.guests[:3]
    copied(lab, first, second, to=card)
    try:
        sends = (*both_ways(first, second), *both_ways(second, third, size=200))
        with running(*sends), watching(lab, card) as sensor:
            settle()
            for guest in (first, second):
                agrees(comes(sensor, guest.port, Verdict.SEEN))
            # Of the first two each frame comes twice, where it enters and where it leaves.
            assert sensor.snapshot().stats["coverage.duplicate_factor"] > 1.2
            on_host(lab, f"tc qdisc del dev {first.port} clsact")
            on_host(lab, f"tc qdisc del dev {second.port} clsact")
            for guest in (first, third):
                judged = comes(sensor, guest.port, Verdict.BLIND)
                assert f"to {card}" in judged.cause
                mended(judged, lab)
            agrees(comes(sensor, first.port, Verdict.SEEN))
            agrees(comes(sensor, third.port, Verdict.SEEN))
    finally:
        for guest in (first, second, third):
            on_host(lab, f"tc qdisc del dev {guest.port} clsact", check=False)


def test_what_is_copied_where_it_enters_and_where_it_leaves_counts_once(lab: Lab, card: str) -> None:
    first, second = lab.guests[:2]
    ways = [datagrams(a.name, b.ip6) for a, b in ((first, second), (second, first))]

    def entered() -> int:
        read = "cat /sys/class/net/{0}/statistics/rx_packets /sys/class/net/{1}/statistics/rx_packets"
        run = ["ip", "netns", "exec", lab.host, "sh", "-c", read.format(first.port, second.port)]
        return sum(map(int, subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()))

    copied(lab, first, second, to=card)
    try:
        with watching(lab, card) as sensor:
            with running(*both_ways(first, second), *ways):
                time.sleep(1.0)
            time.sleep(SETTLE)
            before, counted = entered(), sensor.snapshot().total.counters.pkts_in
            with running(*both_ways(first, second), *ways):
                settle()
            time.sleep(SETTLE)
            passed, found = entered() - before, sensor.snapshot()
            assert passed > 1_000
            assert abs(found.total.counters.pkts_in - counted - passed) <= 0.002 * passed
            assert found.stats["capture.doubled_copies"] > 0.95 * passed
    finally:
        for guest in (first, second):
            on_host(lab, f"tc qdisc del dev {guest.port} clsact", check=False)


@pytest.fixture
def seat(lab: Lab) -> Iterator[str]:
    """An interface of the host that is plugged into its bridge, as a sensor's virtual card is."""
    ip("-n", lab.host, "link", "add", "sens0", "type", "veth", "peer", "seat0")
    ip("-n", lab.host, "link", "set", "seat0", "master", "br0", "up")
    ip("-n", lab.host, "link", "set", "sens0", "up")
    yield "sens0"
    ip("-n", lab.host, "link", "set", "br0", "type", "bridge", "ageing_time", "30000")
    ip("-n", lab.host, "link", "del", "sens0")


def test_a_promiscuous_card_and_a_switch_that_ceases_to_hand_it_all(lab: Lab, seat: str) -> None:
    first, second = lab.guests[:2]
    with running(*both_ways(first, second)), watching(lab, seat) as sensor:
        settle()
        for _ in range(2):
            judged = comes(sensor, first.port, Verdict.BLIND, Verdict.ONE_WAY)
            assert f"br0 hands {seat} only broadcasts" in judged.cause
            mended(judged, lab)
            agrees(comes(sensor, first.port, Verdict.SEEN))
            agrees(port(sensor, "seat0"))
            on_host(lab, "ip link set br0 type bridge ageing_time 30000")


def test_two_views_of_one_frame_are_one(lab: Lab, seat: str) -> None:
    """The bridge and a card that gets all of it: nothing is counted twice, and the factor is told."""
    first, second = lab.guests[:2]
    on_host(lab, "ip link set br0 type bridge ageing_time 0")
    with watching(lab, "br0", seat) as sensor:
        before = sensor.snapshot().total.counters.bytes_in
        with running(*both_ways(first, second)):
            settle()
            agrees(port(sensor, first.port))
            found = sensor.snapshot()
            both = [p for p in found.coverage if p.port in (first.port, second.port)]
            rate = sum(p.true_in for p in both) / both[0].window_s
        assert found.stats["coverage.duplicate_factor"] > 1.5
        assert found.total.counters.bytes_in - before < 1.6 * rate * (SECONDS + 1.5)
