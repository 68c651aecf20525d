"""Rules are sorted by the way they look across the edge of the network that most of them name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.match.build import Packet, content, hits, ip, rule
from vpi_tui.detect.match.ways import NOWHERE, Edge, Ways, most_named, outside, returning
from vpi_tui.model.signature import ANY_ADDRESS, IP_MAX, Ranges, Signature

HOME = Ranges(((ip("10.0.0.0"), ip("10.255.255.255")), (1 << 120, (1 << 120) + 9)))
FEW = Ranges(((ip("10.0.0.7"), ip("10.0.0.7")), (ip("192.0.2.9"), ip("192.0.2.9"))))
INNER = Ranges(((ip("10.0.0.0"), ip("10.0.0.255")),))
SETS = st.sampled_from([ANY_ADDRESS, HOME, HOME, outside(HOME), FEW, INNER])
ADDRESSES = st.sampled_from([ip("10.0.0.7"), ip("10.9.9.9"), ip("192.0.2.9"), ip("198.51.100.1")])


def test_the_set_that_counts_is_named_most_as_it_is_or_negated() -> None:
    headers = [rule(src=FEW).header, rule(src=FEW).header, rule(src=HOME).header]
    assert most_named(headers) == FEW
    assert most_named([*headers, *(rule(dest=outside(HOME)).header for _ in range(2))]) in (
        HOME,
        outside(HOME),
    )
    assert most_named([rule().header]) == NOWHERE == outside(ANY_ADDRESS)
    others = Ranges(((ip("0.0.0.0"), ip("10.0.0.6")), (ip("10.0.0.8"), ip("255.255.255.255"))))
    one = Ranges(((ip("10.0.0.7"), ip("10.0.0.7")),))
    assert most_named([*headers, *(rule(src=one, dest=others).header for _ in range(2))]) in (one, others)
    assert outside(outside(HOME)) == HOME
    assert outside(NOWHERE) == Ranges(((0, IP_MAX),))


@pytest.mark.parametrize(
    ("src", "dest", "both", "ways"),
    [
        (ANY_ADDRESS, ANY_ADDRESS, False, 0b1111),
        (HOME, outside(HOME), False, 0b0100),
        (HOME, outside(HOME), True, 0b0110),
        (INNER, ANY_ADDRESS, False, 0b1100),
        (FEW, HOME, False, 0b1010),
        (HOME, HOME, False, 0b1000),
    ],
)
def test_a_rule_is_kept_for_the_ways_that_its_addresses_allow(
    src: Ranges, dest: Ranges, both: bool, ways: int
) -> None:
    assert Ways(HOME).of(rule(src=src, dest=dest, both=both).header) == ways


@given(SETS, ADDRESSES, ADDRESSES)
def test_two_addresses_tell_the_way_that_a_rule_about_just_them_allows(
    home: Ranges, src: int, dest: int
) -> None:
    ways = Ways(home)
    between = Edge(*ways.bounds())
    header = rule(src=Ranges(((src, src),)), dest=Ranges(((dest, dest),))).header
    there, back = 2 * (src in home) + (dest in home), 2 * (dest in home) + (src in home)
    assert (between.way(src, dest), between.way(dest, src)) == (there, back)
    assert ways.of(header) == 1 << there
    assert returning(1 << there) == 1 << back


def holds(one: Signature, packet: Packet) -> bool:
    ends = one.header.src, one.header.dest
    there = packet.src in ends[0] and packet.dest in ends[1]
    return there or (one.header.bidirectional and packet.dest in ends[0] and packet.src in ends[1])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(SETS, SETS, st.booleans()), min_size=1, max_size=8),
    st.lists(st.tuples(ADDRESSES, ADDRESSES), min_size=1, max_size=6),
)
def test_whatever_way_a_packet_goes_its_rules_find_it(
    named: list[tuple[Ranges, Ranges, bool]], ends: list[tuple[int, int]]
) -> None:
    rules = [
        rule(sid, src=src, dest=dest, both=both, steps=(content(b"word-%d" % (sid % 3)),))
        for sid, (src, dest, both) in enumerate(named, 1)
    ]
    packets = [Packet(b"word-0 word-1 word-2", src=src, dest=dest) for src, dest in ends]
    expected = {(row, one.sid) for row, packet in enumerate(packets) for one in rules if holds(one, packet)}
    assert set(hits(rules, packets)) == expected
