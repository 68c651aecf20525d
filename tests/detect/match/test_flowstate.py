"""Flowbits: which candidates cannot hold by them is told from 64 bits a flow, and never too often.

Rules that match once: what is remembered of them is bounded.
"""

from __future__ import annotations

import random

import numpy as np

from tests.detect.match.build import Packet, content, matcher_of, rule, run
from vpi_tui.detect.match.flowstate import MOST_MATCHES, BitSieve, FlowState, bit_plans
from vpi_tui.model.signature import FlowBits


def sieve_of(*rules: tuple[FlowBits, ...]) -> BitSieve:
    plans, _ = bit_plans({n: rule(n + 1, flowbits=bits) for n, bits in enumerate(rules)})
    return BitSieve(plans, len(rules))


def told(sieve: BitSieve, state: FlowState, *candidates: tuple[int, int]) -> list[bool]:
    """candidates: (rule, flow)."""
    rules, flows = zip(*candidates, strict=True)
    found: list[bool] = sieve.hopeless(state, np.array(rules, np.int32), np.array(flows, np.int64)).tolist()
    return found


def state_with(**bits: int) -> FlowState:
    """flow_<slot>=bits that its flow has."""
    state = FlowState()
    state.make_room(8)
    for name, value in bits.items():
        state.set_bits(int(name.removeprefix("flow_")), 1, value)
    return state


A, B = FlowBits("isset", ("a",)), FlowBits("isset", ("b",))
EITHER = FlowBits("isset", ("a", "b"))


def test_another_bit_is_not_the_one() -> None:
    sieve = sieve_of((A,), (B,), (A, B), (EITHER,), ())
    state = state_with(flow_1=0b01, flow_2=0b11)
    assert told(sieve, state, *((n, 0) for n in range(5))) == [True, True, True, True, False]
    assert told(sieve, state, *((n, 1) for n in range(5))) == [False, True, True, False, False]
    assert told(sieve, state, *((n, 2) for n in range(5))) == [False] * 5


def test_a_candidate_of_the_same_flow_may_set_it_first() -> None:
    sieve = sieve_of(
        (A,), (FlowBits("set", ("a",)),), (FlowBits("toggle", ("a",)),), (FlowBits("set", ("b",)),)
    )
    state = state_with()
    assert told(sieve, state, (1, 3), (0, 3), (0, 4)) == [False, False, True]
    assert told(sieve, state, (2, 3), (0, 3)) == [False, False]
    assert told(sieve, state, (3, 3), (0, 3)) == [False, True]


def test_what_holds_is_never_hopeless() -> None:
    """More names than fit in 64 bits."""
    draw = random.Random(3)
    names = [f"bit{n}" for n in range(150)]
    rules = [
        tuple(
            FlowBits(
                draw.choice(("isset", "isnotset", "set")), tuple(draw.sample(names, draw.choice((1, 1, 2))))
            )
            for _ in range(draw.randint(1, 3))
        )
        for _ in range(300)
    ]
    plans, _ = bit_plans({n: rule(n + 1, flowbits=bits) for n, bits in enumerate(rules)})
    sieve = BitSieve(plans, len(rules))
    few = 0
    for _ in range(20):
        bits = sum(1 << n for n in draw.sample(range(150), draw.choice((1, 20, 60))))
        state = state_with(flow_1=bits)
        hopeless = {n for n in plans if told(sieve, state, (n, 1))[0]}
        assert not any(plans[n].allows(bits) for n in hopeless)
        few += len(hopeless)
    assert few > 1_000


def test_bits_are_found_again_by_other_rules_that_name_fewer() -> None:
    setting = [
        rule(n, steps=(content(name.encode()),), flowbits=(FlowBits("set", (name,)),))
        for n, name in enumerate("ba", 1)
    ]
    before, after = matcher_of(*setting), matcher_of(rule(3, flowbits=(A,)))
    assert len(run(before, [Packet(b"a", first=1)])) == 1
    after.take_over(before)
    assert len(run(after, [Packet(b"x")])) == 1


def test_a_rule_matches_once_in_a_window() -> None:
    state, rule_ = FlowState(), (1, 7)
    assert [state.is_first(3, 1, rule_, 1, window) for window in (4, 4, 5, 5)] == [True, False] * 2
    asked = [
        (3, 1, rule_, 1, 5),
        (3, 1, rule_, 1, 4),
        (3, 1, rule_, 2, 5),
        (3, 2, rule_, 1, 5),
        (4, 1, rule_, 1, 5),
    ]
    assert [state.has_matched(*one) for one in asked] == [True] + [False] * 4
    assert state.is_first(3, 1, rule_, 2, 5), "the other direction"
    assert state.is_first(3, 2, rule_, 1, 5), "another flow in the same slot"
    state.forget(np.array([3], np.int32))
    assert state.is_first(3, 2, rule_, 1, 5)


def test_matches_of_few_flows_are_bounded() -> None:
    state = FlowState()
    for number in range(MOST_MATCHES):
        state.is_first(number % 4, 1, (1, number), 1)
    assert not state.is_first(0, 1, (1, 0), 1)
    assert state.evicted == 0
    assert state.is_first(4, 1, (1, 0), 1)
    assert state.evicted == 1
    assert not state.is_first(1, 1, (1, 1), 1)
    assert state.is_first(0, 1, (1, 0), 1), "the flow with the oldest match made room"
    state.forget(np.array([1], np.int32))
    for number in range(MOST_MATCHES // 4):
        state.is_first(5, 1, (1, number), 1)
    assert state.evicted == 1
