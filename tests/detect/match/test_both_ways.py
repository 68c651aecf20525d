"""Rules with `<>` that hold for a packet both ways: two alerts, as of two signatures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detect.match.build import Packet, addresses, hits, ip, ports, rule
from vpi_tui.detect.rules.loader import load
from vpi_tui.model.signature import Threshold

LOOPBACK = addresses(("127.0.0.0", "127.255.255.255"))
WITHIN = Packet(src=ip("127.0.0.1"), dest=ip("127.0.0.2"), first=7)
OUT = Packet(src=ip("127.0.0.1"), flow=1, first=7)
BACK = Packet(dest=ip("127.0.0.1"), flow=2, first=7)
PACKETS = [WITHIN, OUT, BACK, Packet(flow=3, first=7)]


def test_a_packet_that_fits_both_ways_alerts_twice() -> None:
    assert hits([rule(dest=LOOPBACK, both=True)], PACKETS) == [(0, 1), (0, 1), (1, 1), (2, 1)]


def test_a_rule_with_one_direction_alerts_once() -> None:
    assert hits([rule(dest=LOOPBACK)], PACKETS) == [(0, 1), (2, 1)]


def test_two_sides_that_are_written_the_same_are_one_signature() -> None:
    assert hits([rule(src=LOOPBACK, dest=LOOPBACK, both=True)], PACKETS) == [(0, 1)]


@pytest.mark.parametrize(("source", "times"), [(80, 2), (81, 1)])
def test_ports_count_as_well(source: int, times: int) -> None:
    packet = Packet(src_port=source, dest_port=80, first=7)
    assert hits([rule(dest_port=ports(80), both=True)], [packet]) == [(0, 1)] * times


def test_a_threshold_counts_both() -> None:
    once = Threshold("limit", "by_src", 1, 60)
    assert hits([rule(dest=LOOPBACK, both=True, threshold=once)], [WITHIN]) == [(0, 1)]
    third = Threshold("threshold", "by_src", 3, 60)
    assert hits([rule(dest=LOOPBACK, both=True, threshold=third)], [WITHIN, WITHIN]) == [(1, 1)]


def test_a_list_of_either_address_is_no_second_signature(tmp_path: Path) -> None:
    for name, text in {"cats": "1,bad,bad hosts\n", "scores": "127.0.0.1,1,50\n127.0.0.2,1,50\n"}.items():
        (tmp_path / name).write_text(text)
    rules = tmp_path / "t.rules"
    rules.write_text("alert tcp any any -> any any (iprep:any,bad,>,10; sid:1;)\n")
    options = {
        "reputation-categories-file": str(tmp_path / "cats"),
        "reputation-files": str(tmp_path / "scores"),
    }
    loaded = load([rules], options=options)
    assert not loaded.errors
    assert hits(loaded.signatures, [WITHIN]) == [(0, 1)]
