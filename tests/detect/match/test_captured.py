"""What expressions capture: asked by later rules, given with matches, bounded."""

from __future__ import annotations

import numpy as np

from tests.detect.match.build import Packet, hits, matcher_of, run
from tests.detect.rules.rule_text import PARSER
from vpi_tui.detect.match.captured import MEMORY, MOST_FLOWS, MOST_NAMES, CapturedTexts
from vpi_tui.detect.match.types import Remembered
from vpi_tui.model.signature import Origin, Signature


def _rules(*options: str) -> list[Signature]:
    head = "alert tcp any any -> any any"
    return [
        PARSER.parse(f"{head} ({text} sid:{sid};)", Origin("t.rules", sid))
        for sid, text in enumerate(options, 1)
    ]


def test_a_later_packet_of_the_flow_is_asked_for_what_was_captured() -> None:
    rules = _rules(
        r'pcre:"/user=(\w+)/, flow:user"; noalert;',
        'content:"drop"; flowvar:user,"root";',
        'content:"drop"; flowvar:user,!"root";',
    )
    packets = [
        Packet(b"user=toor root"),
        Packet(b"user=root", flow=1),
        Packet(b"drop"),
        Packet(b"drop", flow=1),
        Packet(b"drop", flow=2),
    ]
    assert hits(rules, packets) == [(2, 3), (3, 2)]


def test_what_was_captured_of_a_packet_is_gone_with_it() -> None:
    rules = _rules(r'pcre:"/(?P<pkt_user>r\w+)/"; noalert;', 'content:"o"; pktvar:user,"root";')
    assert hits(rules, [Packet(b"root"), Packet(b"oo")]) == [(0, 2)]


def test_a_match_tells_what_is_remembered() -> None:
    rules = _rules(
        r'pcre:"/(\w+)=(\w+)/, flow:key, flow:value"; pcre:"/(=)/, pkt:sign"; flowbits:set,b; flowint:n,=,7;'
    )
    (match,) = run(matcher_of(*rules), [Packet(b"name=alice")])
    assert match.memory == Remembered(("b",), (("n", 7),), (("name", b"alice"),), (("sign", b"="),))


def test_nothing_is_captured_by_a_rule_that_does_not_hold() -> None:
    rules = _rules(r'pcre:"/(\w+)/, flow:x"; content:"absent"; noalert;', 'content:"b"; flowvar:x,"a";')
    assert hits(rules, [Packet(b"a b")]) == []


def test_captures_are_bounded() -> None:
    texts = CapturedTexts()
    for slot in range(MOST_FLOWS + 2):
        texts.keep(slot, 1, -1, {("flow", "x"): b"1"})
    assert texts.evicted == 2
    assert not texts.of("flow", 0, 1, -1)
    for number in range(MOST_NAMES + 5):
        texts.keep(9, 1, -1, {("flow", str(number)): b"1"})
    assert len(texts.of("flow", 9, 1, -1)) == MOST_NAMES
    assert not texts.of("flow", 9, 2, -1), "a later flow in the same slot"


def test_long_captures_are_bounded_by_their_bytes() -> None:
    texts, each = CapturedTexts(), 1 << 20
    for slot in range(2 * MEMORY // each):
        texts.keep(slot, 1, -1, {("flow", "x"): bytes(each - 1)})
        texts.keep(slot, 1, -1, {("flow", "x"): bytes(each - 2)})
    kept = [slot for slot in range(2 * MEMORY // each) if texts.of("flow", slot, 1, -1)]
    assert kept == list(range(MEMORY // each, 2 * MEMORY // each))
    texts.forget(np.array(kept, np.int32))
    texts.keep(1, 1, -1, {("flow", "x"): bytes(MEMORY - 1)})
    assert texts.of("flow", 1, 1, -1)
