"""The flattened automata, with and without the sieve, find what pyahocorasick finds."""

from __future__ import annotations

import ahocorasick
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.match.build import Packet, Stretch, content, hits, matcher_of, rule, run
from vpi_tui.detect.match.automata import AutomataBuilder
from vpi_tui.detect.match.kernels_scan import LONGEST
from vpi_tui.detect.match.ruleset import RuleSet

ALPHABET = st.sampled_from(b"abAB@`\x00\xff ")
"""Few bytes, so that patterns overlap; @ and ` differ in the bit that makes letters small."""


def words(low: int, high: int) -> st.SearchStrategy[bytes]:
    return st.lists(ALPHABET, min_size=low, max_size=high).map(bytes)


def found_by_pyahocorasick(patterns: list[bytes], payload: bytes) -> set[int]:
    """Numbers of the patterns (any case) in the payload."""
    automaton = ahocorasick.Automaton()
    numbers: dict[str, list[int]] = {}
    for number, pattern in enumerate(patterns):
        numbers.setdefault(pattern.lower().decode("latin-1"), []).append(number)
    for word, of_word in numbers.items():
        automaton.add_word(word, of_word)
    automaton.make_automaton()
    ends = automaton.iter(payload.lower().decode("latin-1"))
    return {number for _, of_word in ends for number in of_word}


def found_by_us(patterns: list[bytes], payloads: list[bytes]) -> list[set[int]]:
    matcher = matcher_of(*(rule(n, steps=(content(p, nocase=True),)) for n, p in enumerate(patterns)))
    found: list[set[int]] = [set() for _ in payloads]
    for match in run(matcher, [Packet(payload) for payload in payloads]):
        found[match.row].add(match.rule)
    return found


@pytest.mark.parametrize("shortest", [1, 3, 4, 5, 6, 7, 8, 11])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_finds_what_pyahocorasick_finds(shortest: int, data: st.DataObject) -> None:
    """shortest: each length has a sieve of its own; below four there is none."""
    patterns = data.draw(st.lists(words(shortest, 14), min_size=1, max_size=12))
    hidden = st.one_of(words(0, 12), st.sampled_from(patterns))
    payloads = data.draw(st.lists(st.lists(hidden, max_size=6).map(b"".join), min_size=1, max_size=9))
    expected = [found_by_pyahocorasick(patterns, payload) for payload in payloads]
    assert found_by_us(patterns, payloads) == expected


@pytest.mark.parametrize("shortest", [1, 4, 5, 6, 7, 8])
def test_a_pattern_is_found_wherever_it_lies(shortest: int) -> None:
    patterns = [bytes(range(100, 100 + shortest)), b"zzzzzzzzzz"]
    payloads = [b"." * before + patterns[0] + b"." * after for before in range(12) for after in range(12)]
    assert found_by_us(patterns, payloads) == [{0}] * len(payloads)


def test_bytes_that_all_pass_the_sieve_hide_nothing() -> None:
    """A sender who knows the patterns floods the sieve; the plain walk goes on where it gave up."""
    pattern = b"needle-in-hay"
    piece = pattern[:LONGEST]
    for offset in range(10):
        payload = b"x" * offset + piece[:6] * 500 + pattern + piece[:6] * 3
        assert found_by_us([pattern], [payload]) == [{0}]


def test_the_states_are_those_of_pyahocorasick() -> None:
    patterns = [b"he", b"she", b"his", b"hers"]
    builder = AutomataBuilder(patterns)
    builder.add(frozenset(range(4)))
    automata = builder.finish([[0], [1], [2], [3]])
    state, ends = int(automata.start[0]), []
    for at, byte in enumerate(b"ushers"):
        state = int(automata.table[(state & ~1) + automata.classes[byte]])
        if state & 1:
            listed = int(automata.table[(state & ~1) + automata.width[0] - 1])
            first, last = automata.out_start[listed], automata.out_start[listed + 1]
            ends += [(at, int(pattern)) for pattern in automata.out_pattern[first:last]]
    oracle = ahocorasick.Automaton()
    for number, pattern in enumerate(patterns):
        oracle.add_word(pattern.decode(), number)
    oracle.make_automaton()
    assert sorted(ends) == sorted(oracle.iter("ushers"))


def test_a_match_in_a_stream_ends_in_fresh_bytes() -> None:
    rules = [rule(1, steps=(content(b"secret-word"),))]
    packets = [Packet(b"", taken=True)]
    assert hits(rules, packets, [Stretch(b"..secret-word", fresh=12)]) == [(0, 1)]
    assert hits(rules, packets, [Stretch(b"..secret-word", fresh=13), Stretch(b"..", fresh=0)]) == []


def test_patterns_near_the_start_are_not_sought_elsewhere() -> None:
    rules = [rule(1, steps=(content(b"early-word", depth=10),)), rule(2, steps=(content(b"anywhere"),))]
    assert hits(rules, [Packet(b"early-word anywhere")]) == [(0, 1), (0, 2)]
    assert hits(rules, [Packet(b"-early-word anywhere")]) == [(0, 2)]


def test_an_empty_set_of_patterns_has_no_automaton() -> None:
    builder = AutomataBuilder([])
    assert builder.add(frozenset()) == -1
    assert not RuleSet.compile([]).automata.start.size
    assert np.array_equal(builder.finish([]).table, np.zeros(1, np.uint32))
