"""Switching a rule acts on the next batch, however many rules are loaded."""

from __future__ import annotations

import pytest

from tests.detect.match.build import Packet, content, ports, rule, run
from vpi_tui.detect.match.matcher import Matcher
from vpi_tui.detect.match.ruleset import RuleSet

RULES = 25_000
CHOSEN = 12_345


def _pattern(number: int) -> bytes:
    """Distinct, of bytes that look random."""
    return (number * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8, "big") + b"%d" % number


@pytest.fixture(scope="module")
def ruleset() -> RuleSet:
    some_ports = [ports(80), ports(443), ports(25), ports(8080)]
    return RuleSet.compile(
        [
            rule(number, dest_port=some_ports[number % 4], steps=(content(_pattern(number)),))
            for number in range(RULES)
        ]
    )


def test_a_switch_acts_on_the_next_batch_and_no_packet_is_lost(ruleset: RuleSet) -> None:
    port = (80, 443, 25, 8080)[CHOSEN % 4]
    other = CHOSEN + 4
    packets = [Packet(b".." + _pattern(n) + b"..", dest_port=port) for n in (CHOSEN, other, CHOSEN)]
    matcher = Matcher(ruleset)
    both = [(0, CHOSEN), (1, other), (2, CHOSEN)]
    for on in (True, False, True, False, True):
        ruleset.set_enabled([CHOSEN], on)
        found = [(match.row, match.rule) for match in run(matcher, packets)]
        assert found == (both if on else both[1:2])
