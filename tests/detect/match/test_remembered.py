"""What rules remember between packets: flowbits, thresholds, passed flows; and which packets they see."""

from __future__ import annotations

import pytest

from tests.detect.match.build import SECOND, Packet, content, hits, ip, matcher_of, rule, run
from tests.detect.rules.rule_text import PARSER, parse
from vpi_tui.detect.match.most_alerts import MOST_OF_A_PACKET
from vpi_tui.detect.match.remembered import MOST_BITS, HostState
from vpi_tui.detect.rules.parser import Parser
from vpi_tui.detect.rules.variables import ADDRESS_KEY, Variables
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.signature import Action, FlowBits, Origin, Signature

A, B = ip("10.0.0.1"), ip("10.0.0.9")


def _login(**more: object) -> Packet:
    return Packet(b"login", **more)  # type: ignore[arg-type]


def test_a_flowbit_set_by_one_packet_is_asked_by_the_next_of_the_flow() -> None:
    rules = [
        rule(1, steps=(content(b"login"),), flowbits=(FlowBits("set", ("in",)),), noalert=True),
        rule(2, steps=(content(b"drop"),), flowbits=(FlowBits("isset", ("in",)),)),
        rule(3, steps=(content(b"drop"),), flowbits=(FlowBits("isnotset", ("in",)),)),
    ]
    packets = [_login(flow=0), Packet(b"drop", flow=0), Packet(b"drop", flow=1)]
    assert hits(rules, packets) == [(1, 2), (2, 3)]


def test_of_several_bits_one_that_is_set_or_is_not_set_is_enough() -> None:
    rules = [
        rule(1, steps=(content(b"login"),), flowbits=(FlowBits("set", ("in",)),), noalert=True),
        rule(2, steps=(content(b"drop"),), flowbits=(FlowBits("isset", ("in", "out")),)),
        rule(3, steps=(content(b"drop"),), flowbits=(FlowBits("isnotset", ("in", "out")),)),
        rule(4, steps=(content(b"both"),), flowbits=(FlowBits("set", ("out",)),), noalert=True),
    ]
    packets = [_login(), Packet(b"drop"), Packet(b"both"), Packet(b"drop")]
    assert hits(rules, packets) == [(1, 2), (1, 3), (3, 2)]


def test_who_asks_for_a_bit_of_a_flow_without_bits_is_not_evaluated() -> None:
    asks = rule(
        1, steps=(content(b"login"), content(b"x", negated=True)), flowbits=(FlowBits("isset", ("a",)),)
    )
    sets = rule(2, steps=(content(b"hello"),), flowbits=(FlowBits("set", ("a",)),))
    matcher = matcher_of(asks, sets)
    assert run(matcher, [_login()]) == []
    assert matcher.stats()["detect.evaluated"] == 0
    found = run(matcher, [Packet(b"hello"), _login(), Packet(b"login", flow=1)])
    assert [(m.row, m.rule) for m in found] == [(0, 1), (1, 0)]
    assert [m.row for m in run(matcher, [_login()])] == [0], "kept from batch to batch"


def test_a_flow_in_the_same_slot_starts_without_bits() -> None:
    rules = [
        rule(1, steps=(content(b"login"),), flowbits=(FlowBits("set", ("in",)),), noalert=True),
        rule(2, steps=(content(b"drop"),), flowbits=(FlowBits("isset", ("in",)),)),
    ]
    assert hits(rules, [_login(first=1), Packet(b"drop", first=1)]) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("threshold:type limit, track by_src, count 2, seconds 60;", [0, 1]),
        ("threshold:type threshold, track by_src, count 3, seconds 60;", [2, 5]),
        ("threshold:type both, track by_src, count 3, seconds 60;", [2]),
        ("detection_filter:track by_src, count 4, seconds 60;", [4, 5, 6]),
    ],
)
def test_thresholds(options: str, expected: list[int]) -> None:
    rules = [parse(f'content:"login"; {options}')]
    packets = [_login(src=A, ts_ns=n * SECOND) for n in range(7)]
    assert [row for row, _ in hits(rules, packets)] == expected
    two = [_login(src=(A, B)[n % 2], ts_ns=n * SECOND) for n in range(14)]
    assert [row for row, _ in hits(rules, two)] == sorted(
        [2 * row for row in expected] + [2 * row + 1 for row in expected]
    )


def test_what_is_in_no_flow_is_counted_by_none() -> None:
    rules = [parse('content:"login"; threshold:type limit, track by_flow, count 1, seconds 60;')]
    assert [row for row, _ in hits(rules, [_login(flow=-1), _login(flow=0), _login(flow=0)])] == [1]


def test_a_window_of_a_threshold_ends() -> None:
    rules = [parse('content:"login"; threshold:type limit, track by_src, count 1, seconds 10;')]
    packets = [_login(ts_ns=n * 6 * SECOND) for n in range(5)]
    assert [row for row, _ in hits(rules, packets)] == [0, 2, 4]


def test_a_window_of_no_seconds_is_one_moment() -> None:
    rules = [parse('content:"login"; threshold:type limit, track by_src, count 1, seconds 0;')]
    packets = [_login(ts_ns=at * SECOND) for at in (1, 1, 2, 3, 3)]
    assert [row for row, _ in hits(rules, packets)] == [0, 2, 3]


def test_a_pass_rule_silences_others_on_its_packet() -> None:
    rules = [
        rule(1, steps=(content(b"login"),)),
        rule(2, steps=(content(b"login"),), src=parse("").header.src, action=Action.PASS),
    ]
    assert hits(rules, [_login()]) == []
    assert hits(rules[:1], [_login()]) == [(0, 1)]


def test_a_rule_about_addresses_alone_speaks_once_a_flow_and_direction() -> None:
    rules = [rule(1, protocol="ip")]
    packets = [Packet(first=3), Packet(), Packet(direction=2, first=2), Packet(direction=2)]
    assert [row for row, _ in hits(rules, packets)] == [0, 2]


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        ("ip any any -> any any", [0, 2]),
        ("tcp any any -> any 80", [0, 2]),
        ("tcp any 40000 <> any [80,!81]", [0, 2]),
        ("tcp any any -> any !80", []),
        ("ip !10.9.9.9 any -> any any", [0, 1, 2, 3]),
        ("tcp any any -> [0.0.0.0/0,!10.9.9.9] any", [0, 1, 2, 3]),
        ("ip [$EXTERNAL_NET,$HOME_NET] any -> any any", [0, 1, 2, 3]),
        ("tcp $HOME_NET any -> any any", [0, 2]),
    ],
)
def test_one_that_says_which_addresses_are_not_meant_looks_at_each_packet(head: str, rows: list[int]) -> None:
    packets = [Packet(first=3), Packet(), Packet(direction=2, first=2), Packet(direction=2)]
    settings = {ADDRESS_KEY + "HOME_NET": "0.0.0.0/0", ADDRESS_KEY + "EXTERNAL_NET": "!192.0.2.1"}
    asked = Parser(Variables(settings)).parse(f"alert {head} (sid:1;)", Origin("a.rules", 1))
    assert [row for row, _ in hits([asked], packets)] == rows


def test_a_broken_transport_header_leaves_an_ip_packet() -> None:
    """As in Suricata: rules about IP see it, rules about TCP do not."""
    broken = Packet(flow=-1, more={"events": 1 << DecoderEvent.TCP_HLEN_TOO_SMALL})
    assert hits([rule(1, protocol="ip"), rule(2, protocol="tcp")], [broken]) == [(0, 1)]


def test_a_malformed_packet_is_seen_by_rules_about_that_alone() -> None:
    broken = Packet(b"login", flow=-1, more={"events": 1 << DecoderEvent.IPV4_TRUNC_PKT})
    rules = [
        rule(1, steps=(content(b"login"),)),
        parse("decode-event:ipv4.trunc_pkt;", head="alert pkthdr any any -> any any"),
    ]
    assert [row for row, _ in hits(rules, [broken])] == [0]


def test_counts_of_matches_survive_between_batches() -> None:
    matcher = matcher_of(parse('content:"login"; threshold:type both, track by_rule, count 4, seconds 60;'))
    found = [len(run(matcher, [_login(), _login()])) for _ in range(3)]
    assert found == [0, 1, 0]
    assert matcher.stats()["detect.alerts_suppressed"] == 5


def test_matches_that_are_not_told_are_counted() -> None:
    matcher = matcher_of(parse('content:"login"; noalert;'), rule(2, steps=(content(b"login"),)))
    assert len(run(matcher, [_login(), _login(), Packet(b"other")])) == 2
    assert matcher.stats()["detect.alerts_suppressed"] == 2


def test_a_backoff_alerts_ever_more_seldom() -> None:
    rules = [parse('content:"login"; threshold:type backoff, track by_flow, count 2, multiplier 3;')]
    packets = [_login(ts_ns=n * 3600 * SECOND) for n in range(60)]
    assert [row + 1 for row, _ in hits(rules, packets)] == [2, 6, 18, 54]


def _sid(number: int, options: str) -> Signature:
    return PARSER.parse(f"alert tcp any any -> any any ({options} sid:{number};)", Origin("t.rules", number))


def test_a_flowint_counts_by_flow_and_is_compared() -> None:
    rules = [
        _sid(1, 'content:"login"; flowint:tries,+,1; noalert;'),
        _sid(2, 'content:"drop"; flowint:tries,>=,2;'),
        _sid(3, 'content:"drop"; flowint:tries,isnotset;'),
        _sid(4, 'content:"drop"; flowint:tries,==,limit;'),
        _sid(5, 'content:"cap"; flowint:limit,=,3; flowint:tries,-,1; noalert;'),
    ]
    packets = [
        *(_login(flow=0) for _ in range(2)),
        Packet(b"drop", flow=0),
        Packet(b"drop", flow=1),
        _login(flow=1),
        Packet(b"drop", flow=1),
        *(_login(flow=0) for _ in range(2)),
        Packet(b"cap", flow=0),
        Packet(b"drop", flow=0),
    ]
    assert hits(rules, packets) == [(2, 2), (3, 3), (9, 2), (9, 4)]


def test_a_flowint_that_is_not_set_counts_as_0_beside_another_and_is_not_taken_from() -> None:
    rules = [
        _sid(1, 'content:"take"; flowint:n,-,1; noalert;'),
        _sid(2, 'content:"take"; flowint:n,isset;'),
        _sid(3, 'content:"set"; flowint:n,=,nobody; noalert;'),
        _sid(4, 'content:"ask"; flowint:n,==,nobody;'),
        _sid(5, 'content:"ask"; flowint:n,==,4294967295;'),
    ]
    words = [b"take", b"ask", b"set", b"ask", b"take", b"ask"]
    assert hits(rules, [Packet(word) for word in words]) == [(3, 4), (4, 2), (5, 5)]


def test_rules_of_equal_rank_come_by_their_sids() -> None:
    """So the rule with the lower sid, though later in the files, is the one that takes the bit."""
    once = 'content:"login"; flowbits:isnotset,seen; flowbits:set,seen;'
    assert hits([_sid(7, once), _sid(3, once)], [_login()]) == [(0, 3)]


def test_who_captures_a_text_comes_before_who_asks_for_it() -> None:
    asks = _sid(1, 'content:"login"; flowvar:word,"log";')
    writes = _sid(2, r'content:"login"; pcre:"/(l\w+)/, flow:word";')
    assert hits([asks, writes], [_login()]) == [(0, 2), (0, 1)]


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ("xbits:{},seen,track ip_src;", [(0, 1), (1, 2), (1, 1)]),
        ("xbits:{},seen,track ip_pair;", [(0, 1), (1, 2), (1, 1)]),
        ("hostbits:{},seen;", [(0, 1), (0, 2), (1, 1), (1, 2)]),
    ],
)
def test_who_asks_with_xbits_comes_before_who_sets(bits: str, expected: list[tuple[int, int]]) -> None:
    rules = [_sid(n, f'content:"login"; {bits.format(op)}') for n, op in ((1, "set"), (2, "isset"))]
    assert hits(rules, [_login(), _login()]) == expected


def test_a_rule_about_addresses_and_bits_of_hosts_is_inspected_once_a_flow_and_direction() -> None:
    rule_ = _sid(1, "xbits:set,seen,track ip_src;")
    others = _sid(2, "flowint:n,+,1;")
    packets = [_login(first=3), _login(), _login(direction=2, first=2), _login(direction=2)]
    assert hits([rule_], packets) == [(0, 1), (2, 1)]
    assert hits([others], packets) == [(n, 2) for n in range(4)]


def test_a_rule_about_the_state_of_flows_looks_at_each_packet_of_one() -> None:
    """As in Suricata: it is no rule about addresses alone, and OSPF and the like have no flows there."""
    rules = [
        PARSER.parse(f"alert ip any any -> any any ({options} sid:{sid};)", Origin("t.rules", sid))
        for sid, options in enumerate(("", "flow:stateless;", "flow:not_established;", "flow:to_server;"), 1)
    ]
    tcp = [_login(first=3, state=0), _login(state=1), _login(state=2)]
    found = hits(rules, [*tcp, *(Packet(flow=1, proto=89, state=0) for _ in range(2))])
    assert [row for row, sid in found if sid == 1] == [0, 3, 4]
    assert [row for row, sid in found if sid == 2] == [0, 1, 2]
    assert [row for row, sid in found if sid == 3] == [0]
    assert [row for row, sid in found if sid == 4] == [0, 1, 2, 3, 4]


def test_one_packet_raises_so_many_alerts_at_most() -> None:
    rules = [_sid(n, 'content:"login";') for n in range(30, 0, -1)]
    matcher = matcher_of(*rules, most_alerts=MOST_OF_A_PACKET)
    found = [(m.row, rules[m.rule].sid) for m in run(matcher, [_login(), _login()])]
    assert found == [(row, sid) for row in range(2) for sid in range(1, 16)]
    assert matcher.stats()["detect.alert_queue_overflow"] == 30
    silent = [_sid(n, 'content:"login"; noalert;') for n in range(1, 30)]
    one = matcher_of(*silent, _sid(99, 'content:"login";'), most_alerts=1)
    assert [m.rule for m in run(one, [_login()])] == [29], "those that say nothing do not count"


def test_a_flowint_of_an_earlier_flow_in_the_slot_is_gone() -> None:
    rules = [_sid(1, 'content:"login"; flowint:n,=,1; noalert;'), _sid(2, 'content:"drop"; flowint:n,isset;')]
    assert hits(rules, [_login(first=1), Packet(b"drop"), Packet(b"drop", first=1)]) == [(1, 2)]


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ("xbits:{},seen,track ip_src,expire 10;", [1, 2]),
        ("xbits:{},seen,track ip_dst;", []),
        ("xbits:{},seen,track ip_pair,expire 10;", [1, 3]),
        ("hostbits:{},seen;", [1, 2, 5]),
        ("hostbits:{},seen,dst;", []),
    ],
)
def test_bits_of_hosts_and_pairs(bits: str, expected: list[int]) -> None:
    other, last = ip("10.0.0.3"), ip("10.0.0.4")
    rules = [
        _sid(1, 'content:"login"; ' + bits.format("set") + " noalert;"),
        _sid(2, 'content:"drop"; ' + bits.format("isset")),
    ]
    packets = [
        _login(src=A, dest=B, flow=0, ts_ns=0),
        Packet(b"drop", src=A, dest=B, flow=1, ts_ns=5 * SECOND),
        Packet(b"drop", src=A, dest=other, flow=2, ts_ns=6 * SECOND),
        Packet(b"drop", src=B, dest=A, flow=3, ts_ns=7 * SECOND),
        Packet(b"drop", src=other, dest=last, flow=4, ts_ns=8 * SECOND),
        Packet(b"drop", src=A, dest=B, flow=5, ts_ns=11 * SECOND),
    ]
    if "dst" in bits:
        expected = [1, 5]
    assert [row for row, _ in hits(rules, packets)] == expected


def test_the_ends_of_bits_are_told_in_whole_seconds() -> None:
    rules = [
        _sid(1, 'content:"login"; xbits:set,t,track ip_src,expire 5; noalert;'),
        _sid(2, 'content:"drop"; xbits:isset,t,track ip_src;'),
    ]
    times = [1.9, 6.0, 6.95, 7.0]
    packets = [Packet(b"drop", ts_ns=int(time * SECOND)) for time in times]
    packets[0] = _login(ts_ns=int(1.9 * SECOND))
    assert [row for row, _ in hits(rules, packets)] == [1, 2]


def test_a_bit_that_nobody_asked_for_since_it_ended_is_turned_over() -> None:
    rules = [
        _sid(1, 'content:"login"; xbits:toggle,t,track ip_src,expire 5; noalert;'),
        _sid(2, 'content:"drop"; xbits:isset,t,track ip_src;'),
    ]
    packets = [_login(ts_ns=0), _login(ts_ns=9 * SECOND), Packet(b"drop", ts_ns=9 * SECOND)]
    assert hits(rules, packets) == []


def test_who_only_changes_bits_and_numbers_of_flows_alerts_where_there_is_no_flow() -> None:
    rules = [
        _sid(1, 'content:"x"; flowbits:set,b;'),
        _sid(2, 'content:"x"; flowint:n,+,1;'),
        _sid(3, 'content:"x"; flowbits:isnotset,b;'),
        _sid(4, 'content:"x"; flowint:n,notset;'),
    ]
    assert [sid for _, sid in hits(rules, [Packet(b"x", flow=-1)])] == [1, 2]


def test_bits_of_hosts_are_taken_back_and_turned_over() -> None:
    track = "track ip_src;"
    rules = [
        _sid(1, f'content:"login"; xbits:toggle,t,{track} noalert;'),
        _sid(2, f'content:"gone"; xbits:unset,t,{track} noalert;'),
        _sid(3, f'content:"drop"; xbits:isset,t,{track}'),
        _sid(4, f'content:"drop"; xbits:isnotset,t,{track}'),
    ]
    words = [b"drop", b"login", b"drop", b"login", b"drop", b"login", b"gone", b"drop"]
    packets = [Packet(word, flow=n) for n, word in enumerate(words)]
    assert hits(rules, packets) == [(0, 4), (2, 3), (4, 4), (7, 4)]


def test_bits_of_hosts_are_bounded() -> None:
    state = HostState()
    for number in range(MOST_BITS + 10):
        state.set(("name", (0, number), (0, 0)), 0, 1)
    assert (state.count, state.evicted) == (MOST_BITS, 10)
    assert not state.is_set(("name", (0, 9), (0, 0)), 0)
    assert state.is_set(("name", (0, 10), (0, 0)), SECOND)
    assert not state.is_set(("name", (0, 10), (0, 0)), 2 * SECOND)
