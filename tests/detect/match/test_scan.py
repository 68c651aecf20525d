"""Sets of patterns, behind a sieve and without one, find what pyahocorasick finds."""

from __future__ import annotations

import ahocorasick
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.match.build import Packet, Stretch, content, hits, matcher_of, rule, run
from vpi_tui.detect.match.kernels_scan import LONGEST
from vpi_tui.detect.match.pattern_sets import Patterns, PatternSetBuilder
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.model.signature import Ranges, Step

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


def crowd(length: int) -> list[bytes]:
    """So many patterns of a length, found nowhere, that a sieve is made for it."""
    return [bytes((0xE0 + n, *range(0xC1, 0xC0 + length))) for n in range(31)]


@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.parametrize("shortest", [1, 3, 4, 5, 6, 7, 8, 11])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_finds_what_pyahocorasick_finds(shortest: int, crowded: bool, data: st.DataObject) -> None:
    """shortest: each length has a sieve of its own; below four, and of few patterns, each is sought."""
    patterns = data.draw(st.lists(words(shortest, 14), min_size=1, max_size=12))
    hidden = st.one_of(words(0, 12), st.sampled_from(patterns))
    payloads = data.draw(st.lists(st.lists(hidden, max_size=6).map(b"".join), min_size=1, max_size=9))
    expected = [found_by_pyahocorasick(patterns, payload) for payload in payloads]
    assert found_by_us(patterns + crowd(max(shortest, 4)) * crowded, payloads) == expected


@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.parametrize("shortest", [1, 4, 5, 6, 7, 8])
def test_a_pattern_is_found_wherever_it_lies(shortest: int, crowded: bool) -> None:
    patterns = [bytes(range(100, 100 + shortest)), b"zzzzzzzzzz", *crowd(max(shortest, 4)) * crowded]
    payloads = [b"." * before + patterns[0] + b"." * after for before in range(12) for after in range(12)]
    assert found_by_us(patterns, payloads) == [{0}] * len(payloads)


def test_bytes_that_all_pass_the_sieve_hide_nothing() -> None:
    """A sender who knows the patterns floods the sieve."""
    pattern = b"needle-in-hay"
    piece = pattern[:LONGEST]
    for offset in range(10):
        payload = b"x" * offset + piece[:6] * 500 + pattern + piece[:6] * 3
        assert found_by_us([pattern, *crowd(LONGEST)], [payload]) == [{0}]
        assert found_by_us([pattern], [payload]) == [{0}]


def test_few_patterns_are_sought_one_by_one_and_many_behind_a_sieve() -> None:
    patterns = Patterns()
    numbers = [patterns.add(piece, n, -1) for n, piece in enumerate([b"four", b"ab", *crowd(8)])]
    builder = PatternSetBuilder(patterns)
    for chosen in (numbers, numbers[:3], numbers[2:]):
        builder.add(frozenset(chosen))
    sets = builder.finish()
    assert sets.gram.tolist() == [4, 0, 4]
    assert sets.short_start.tolist() == [0, 2, 5, 5]
    assert sorted(sets.short_pattern[:2].tolist()) == [0, 1]


@pytest.mark.parametrize(
    ("text", "rows"),
    [(b"ab", [0, 1, 2]), (b"xab", [1, 2]), (b"xxab", [1, 2]), (b"xxxab", [2]), (b"." * 200 + b"ab", [2])],
)
def test_a_short_pattern_is_sought_no_farther_than_some_rule_wants_it(text: bytes, rows: list[int]) -> None:
    near, far = content(b"ab", depth=2), content(b"ab", distance=0, within=4)
    anywhere = content(b"ab", nocase=True)
    wanted = [
        n for n, one in enumerate((near, far, anywhere)) if hits([rule(1, steps=(one,))], [Packet(text)])
    ]
    together = [rule(n, steps=(one,)) for n, one in enumerate((near, far, anywhere))]
    assert wanted == rows == [n for _, n in hits(together, [Packet(text)])]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_short_pattern_is_found_at_any_place_of_its_blocks(length: int) -> None:
    pattern = b"\x00Qz"[:length]
    for before in (0, 1, 62, 63, 64, 65, 127, 200):
        payloads = [b"." * before + pattern.lower() + b"." * after for after in (0, 1, 63, 64, 130)]
        assert found_by_us([pattern, b"a longer pattern"], payloads) == [{0}] * len(payloads)


def test_other_contents_of_a_rule_have_to_be_there() -> None:
    """They are sought before Python looks at the rule; what the bytes allow is never left out."""
    steps = (content(b"fast-and-rare"), content(b"OTHER", nocase=True, distance=0), content(b"a", depth=3))
    payloads = [b"xxa fast-and-rare oTheR", b"xxxa fast-and-rare other", b"a fast-and-rare", b"a other"]
    matcher = matcher_of(rule(1, steps=steps))
    assert [m.row for m in run(matcher, [Packet(payload) for payload in payloads])] == [0]
    assert matcher.stats()["detect.evaluated"] == 1


def test_a_match_in_a_stream_ends_in_fresh_bytes() -> None:
    rules = [rule(1, steps=(content(b"secret-word"),))]
    packets = [Packet(b"", taken=True)]
    assert hits(rules, packets, [Stretch(b"..secret-word", fresh=12)]) == [(0, 1)]
    assert hits(rules, packets, [Stretch(b"..secret-word", fresh=13), Stretch(b"..", fresh=0)]) == []


def test_a_rule_that_matched_in_a_window_is_not_tried_there_again() -> None:
    matcher = matcher_of(rule(1, steps=(content(b"first"), content(b"second"))))
    stretches = [Stretch(b"first second"), Stretch(b"first second second", row=1, fresh=12)]
    assert [m.row for m in run(matcher, [Packet(taken=True)] * 2, stretches)] == [0]
    assert matcher.stats()["detect.evaluated"] == 1


@pytest.mark.parametrize("more", [(), (content(b"!", negated=True),)])
def test_an_anchored_rule_alerts_on_the_packet_and_on_the_stream_that_begins_with_it(
    more: tuple[Step, ...],
) -> None:
    """With more than one step Python decides, else the loops alone do."""
    text = b"early-word"
    anchored = rule(1, steps=(content(text, depth=10), *more), packet_too=True)
    free = rule(2, steps=(content(text), *more))
    packets = [Packet(text, taken=True)]
    assert hits([anchored, free], packets, [Stretch(text)]) == [(0, 1), (0, 1), (0, 2)]
    assert hits([anchored, free], packets, [Stretch(b"." + text, offset=99)]) == [(0, 1), (0, 2)]
    of_window = Stretch(b"." + text, offset=99, fresh=1, window=1)
    assert hits([anchored, free], packets, [of_window]) == [(0, 1), (0, 1), (0, 2)]
    assert hits([anchored], [Packet(text, proto=17), Packet(text)]) == [(1, 1)]


def test_patterns_near_the_start_are_not_sought_elsewhere() -> None:
    rules = [rule(1, steps=(content(b"early-word", depth=10),)), rule(2, steps=(content(b"anywhere"),))]
    assert hits(rules, [Packet(b"early-word anywhere")]) == [(0, 1), (0, 2)]
    assert hits(rules, [Packet(b"-early-word anywhere")]) == [(0, 2)]


def test_an_empty_set_of_patterns_is_none() -> None:
    builder = PatternSetBuilder(Patterns())
    assert builder.add(frozenset()) == -1
    assert not RuleSet.compile([]).patterns.gram.size
    assert not builder.finish().sieve.size


@pytest.mark.parametrize("early", [False, True])
def test_rules_of_either_port_and_of_any_port_find_their_packets(early: bool) -> None:
    """Whichever of a packet's ports some rule names, all that is looked for there is found."""
    port = {name: Ranges(((number, number),)) for name, number in (("dest", 80), ("src", 53))}
    steps = [
        (content(word, depth=40) if early else content(word),) for word in (b"any-port", b"to-80", b"from-53")
    ]
    rules = [
        rule(1, steps=steps[0]),
        rule(2, steps=steps[1], dest_port=port["dest"]),
        rule(3, steps=steps[2], src_port=port["src"]),
        rule(4, steps=steps[2], dest_port=port["src"], both=True),
    ]
    text = b"any-port to-80 from-53"
    packets = [Packet(text, src_port=src, dest_port=dest) for src in (53, 9) for dest in (80, 9)]
    expected = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 1), (1, 3), (1, 4), (2, 1), (2, 2), (3, 1)]
    assert hits(rules, packets) == expected
