"""Rules that no pattern finds are sorted by what they name; none is missed, and none is found twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.detect.match.build import Packet, column, hits, ip, rule
from vpi_tui.detect.match.kernels_listed import RuleLists
from vpi_tui.detect.match.listing import FEW_PORTS, MOST_ADDRESSES, ListBuilder
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.model.signature import ANY_ADDRESS, ANY_PORT, IP_MAX, Ranges, Signature

FEW = [ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3"), ip("192.0.2.9"), 1 << 120, (1 << 120) + 5]
SETS = st.one_of(
    st.sampled_from(
        [
            ANY_ADDRESS,
            Ranges(((ip("10.0.0.0"), ip("10.255.255.255")),)),
            Ranges(((0, ip("10.0.0.1")), (ip("10.0.0.3"), IP_MAX))),
            Ranges(((1 << 120, (1 << 120) + (1 << 64)),)),
        ]
    ),
    st.lists(st.sampled_from(FEW), min_size=1, max_size=4, unique=True).map(
        lambda chosen: Ranges(tuple((one, one) for one in sorted(chosen)))
    ),
)
PORTS = st.sampled_from([ANY_PORT, Ranges(((80, 80),)), Ranges(((79, 81), (4000, 4000))), Ranges(((0, 79),))])
PACKETS = st.builds(
    Packet,
    src=st.sampled_from(FEW),
    dest=st.sampled_from(FEW),
    src_port=st.sampled_from([79, 80, 4000]),
    dest_port=st.sampled_from([79, 80, 4000]),
    proto=st.sampled_from([6, 17]),
    direction=st.sampled_from([0, 1, 2]),
    first=st.sampled_from([0, 2, 3]),
    flow=st.sampled_from([-1, 0]),
    more=st.fixed_dictionaries({"tcp_flags": st.sampled_from([2, 18, 24])}),
)
RULES = st.builds(
    rule,
    protocol=st.sampled_from(["ip", "tcp", "udp"]),
    src=SETS,
    dest=SETS,
    src_port=PORTS,
    dest_port=PORTS,
    both=st.booleans(),
    columns=st.sampled_from([(), (column("tcp_flags", 2),), (column("direction", 1),)]),
)


def _names(signature: Signature, packet: Packet, swapped: bool) -> bool:
    h = signature.header
    src, dest, src_port, dest_port = packet.src, packet.dest, packet.src_port, packet.dest_port
    if swapped:
        src, dest, src_port, dest_port = dest, src, dest_port, src_port
    return src in h.src and dest in h.dest and src_port in h.src_port and dest_port in h.dest_port


def _times(signature: Signature, packet: Packet) -> int:
    """The naive evaluator: a rule with `<>` is two, one for each way, unless both are the same."""
    header = signature.header
    if packet.proto not in {"ip": (6, 17), "tcp": (6,), "udp": (17,)}[header.protocol]:
        return 0
    named = {test.column for test in signature.columns}
    if "tcp_flags" in named and (packet.proto != 6 or packet.more["tcp_flags"] != 2):
        return 0
    if "direction" in named and packet.direction != 1:
        return 0
    if not named and packet.flow >= 0 and not packet.first & 2:
        return 0
    ways = [_names(signature, packet, False)]
    if header.bidirectional and (header.src, header.src_port) != (header.dest, header.dest_port):
        ways.append(_names(signature, packet, True))
    return sum(ways)


@settings(max_examples=300, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=12), st.lists(PACKETS, min_size=1, max_size=8))
def test_finds_what_trying_each_rule_finds(rules: list[Signature], packets: list[Packet]) -> None:
    numbered = [replace(one, sid=sid) for sid, one in enumerate(rules, 1)]
    for packet in packets:
        packet.version = 4 if packet.src < 1 << 64 else 6
    expected = [(row, r.sid) for row, p in enumerate(packets) for r in numbered for _ in range(_times(r, p))]
    assert hits(numbered, packets) == expected


@pytest.mark.parametrize("both", [False, True])
def test_a_packet_meets_only_the_rules_that_name_its_ends(both: bool) -> None:
    """However long the list: what decides is where the rules are filed."""
    listed = [
        rule(n, protocol="ip", dest=Ranges(((ip("10.0.0.0") + n, ip("10.0.0.0") + n),)), both=both)
        for n in range(2000)
    ]
    wide = rule(2000, protocol="ip", dest=Ranges(((ip("10.0.0.0"), ip("10.0.0.0") + MOST_ADDRESSES),)))
    ports = rule(2001, dest_port=Ranges(((0, FEW_PORTS),)))
    builder = ListBuilder((r.sid, r.header) for r in [*listed, wide, ports])
    number = builder.add(tuple(range(2002)))
    lists = builder.finish()
    runs = np.diff(lists.run_start)
    whole = lists.whole[number]
    assert lists.rule[lists.run_start[whole] : lists.run_start[whole + 1]].tolist() == [2000, 2001]
    assert max(np.delete(runs, whole)) == 1


def test_a_rule_about_the_last_address_of_all_is_filed() -> None:
    signature = rule(1, src=Ranges(((ip("10.0.0.1"), ip("10.0.0.1")), (IP_MAX - 1, IP_MAX))), protocol="ip")
    packets = [Packet(src=IP_MAX - n, dest=ip("2001:db8::1"), version=6, flow=n, first=7) for n in range(3)]
    assert [row for row, _ in hits([signature], packets)] == [0, 1]


def test_equal_lists_and_runs_are_kept_once() -> None:
    builder = ListBuilder([(0, rule(dest=Ranges(((5, 5), (7, 7)))).header)])
    assert builder.add((0,)) == builder.add((0,)) == 1
    assert builder.add(()) == 0
    assert builder.finish().rule.tolist() == [0]


def test_rules_about_events_are_tried_on_packets_that_have_one() -> None:
    rules = [
        rule(1, columns=(column("oddities1", (1, 1 << 60), mask=4),)),
        rule(2, columns=(column("events", (1, 1 << 60), mask=8),)),
        rule(3, columns=(column("events", (1, 1 << 60), mask=8, negated=True),)),
    ]
    odd = np.array([0, 4], np.uint64)
    packets = [
        Packet(),
        Packet(more={"oddities": odd}),
        Packet(more={"events": 8}),
        Packet(more={"events": 16}),
    ]
    assert hits(rules, packets) == [(0, 3), (1, 1), (1, 3), (2, 2), (3, 3)]
    made = RuleSet.compile(rules).packet_rules
    tried = [made.list_of[0, 1, 16], made.odd_of[0, 1]]
    assert [len(_rules_of(made.lists, number)) for number in tried] == [1, 2]
    assert made.events.tolist() == [8, 0, 4, 0]


def _rules_of(lists: RuleLists, number: int) -> list[int]:
    run = lists.whole[number]
    return lists.rule[lists.run_start[run] : lists.run_start[run + 1]].tolist()
