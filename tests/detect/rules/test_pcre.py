from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpi_tui.detect import bounded, regex
from vpi_tui.detect.match.units import unit_kinds
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.model.signature import Capture, Pcre

from .rule_text import parse, refused


def step(options):
    (made,) = parse(options).steps
    assert isinstance(made, Pcre)
    return made


def found(expression, data, flags=""):
    made = step(f'pcre:"/{expression}/{flags}";')
    return bounded.search(made.pattern, made.flags, data) is not None


@pytest.mark.parametrize(
    ("expression", "flags", "yes", "no"),
    [
        ("abc", "i", b"xABCx", b"ab"),
        ("^abc", "", b"abc", b"xabc"),
        ("bc", "A", b"bcd", b"abc"),
        ("a|b", "A", b"b", b"xb"),
        ("a.c", "s", b"a\nc", b"ac"),
        ("^b", "m", b"a\nb", b"ab"),
        ("b$", "", b"ab\n", b"b\n\n"),
        ("b$", "E", b"ab", b"ab\n"),
        ("a b # x", "x", b"ab", b"a b"),
        (r"\x{41}\x42\x4", "", b"AB\x04", b"A"),
        (r"[[:alpha:]_]{3}", "", b"a_b", b"a1b"),
        (r"[^[:digit:]]", "", b"a", b"1"),
        (r"[[:^alpha:]]", "", b"1", b"a"),
        (r"a(?i)b|c", "", b"C", b"A"),
        (r"(?:a(?i)b)c", "", b"aBc", b"aBC"),
        (r"(?i:a)b", "", b"Ab", b"AB"),
        (r"(?<=a|bcd)x", "", b"bcdx", b"cx"),
        (r"(?<!a|bcd)x", "", b"cdx", b"bcdx"),
        (r"a\Q.*\Eb", "", b"a.*b", b"axxb"),
        (r"a\hb", "", b"a\tb", b"a\nb"),
        (r"a\Rb", "", b"a\r\nb", b"ab"),
        (r"a\z", "", b"a", b"a\n"),
        (r"a\Z", "", b"a\n", b"a\n\n"),
        (r"(?<n>a)\k<n>", "", b"aa", b"ab"),
        (r"(a)\g{1}", "", b"aa", b"ab"),
        (r"(a)(b)?(?(2)c|d)", "", b"abc", b"abd"),
        (r"a++b", "", b"aab", b"b"),
        (r"(?>a|ab)c", "", b"ac", b"abc"),
        (r"[\w-]\/\_\"\;", "", b'-/_";', b"x"),
        (r"[a[&&b]", "", b"[", b"x"),
        (r"[]a]", "", b"]", b"x"),
        (r"\101\0", "", b"A\x00", b"101"),
        (r"[\b\e\x00-\x1f]", "", b"\x08", b"b"),
        (r"\cA", "", b"\x01", b"A"),
        (r"(?#note)a", "", b"a", b"b"),
        (r"^(\((?:[^()]|(?1))*\))$", "", b"((a)b)", b"((a)b"),
        (r"(?(?=a)ab|cd)", "", b"cd", b"ad"),
        (r"a\Kb", "", b"ab", b"b"),
    ],
)
def test_expressions_mean_what_they_mean_in_perl(expression, flags, yes, no):
    assert found(expression, yes, flags)
    assert not found(expression, no, flags)


def test_ungreedy_swaps_every_quantifier():
    made = step('pcre:"/a.+b/G";')
    assert bounded.search(made.pattern, made.flags, b"axbxb").span() == (0, 3)
    made = step('pcre:"/a.+?b/G";')
    assert bounded.search(made.pattern, made.flags, b"axbxb").span() == (0, 5)


def test_what_stands_in_front_of_the_first_slash_is_passed_over():
    assert step('pcre:"m/a/i";') == step('pcre:"/a/i";')


def test_flags_and_negation():
    made = step('pcre:!"/x/Ri";')
    assert made.negated
    assert made.relative
    assert made.flags == regex.Flag.CASELESS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('pcre:"abc";', "must read"),
        ('pcre:"/abc";', "must read"),
        ('pcre:"/a/UH";', "several buffers: http.header, http.uri"),
        ('http.method; pcre:"/a/U";', "http.method is named before it"),
        ('pcre:"/a/k";', "unknown flag 'k'"),
        ('pcre:"/(a/";', "missing closing parenthesis"),
        ('pcre:"/a)/";', "unmatched closing parenthesis"),
        ('pcre:"/[a/";', "missing terminating"),
        (r'pcre:"/\x{263a}/";', "more than a byte"),
        ('pcre:"/(?<=a+)b/";', "lookbehind"),
        ('pcre:"/a{5,2}/";', "numbers out of order"),
        ('pcre:"/(a)/, flow:x, flow:y";', "2 names for the 1 groups"),
        ('pcre:"/(a)/, var:x";', "captures, not 'var:x'"),
        ('pcre:!"/(a)/, flow:x";', "captures nothing"),
        ('pcre:"/' + "(" * 5000 + ")" * 5000 + '/";', "nested"),
        ('pcre:"/' + "a" * 20_000 + '/";', "the limit"),
    ],
)
def test_what_is_refused(text, reason):
    assert re.search(reason, refused(text))


def test_captures_by_names_behind_the_flags_and_by_names_of_groups():
    assert step('pcre:"/(a)(b)/i, flow:one, pkt:two";').captures == (
        Capture(1, "flow", "one"),
        Capture(2, "pkt", "two"),
    )
    slashes = step(r'pcre:"/(a+)\/(b)$/Gi, flow:ua/ubuntu/repo, alert:ua/pkg";')
    assert (slashes.pattern, slashes.flags) == (rb"(a+)\/(b)$", regex.Flag.UNGREEDY | regex.Flag.CASELESS)
    assert slashes.captures == (Capture(1, "flow", "ua/ubuntu/repo"), Capture(2, "pkt", "ua/pkg"))
    assert step('pcre:"/a, flow:b/";').pattern == b"a, flow:b"
    assert step('pcre:"/(x)(?P<flow_name>b)(?P<other>c)/";').captures == (Capture(2, "flow", "name"),)


@pytest.mark.parametrize(
    ("expression", "flags", "anchored"),
    [
        ("^a", "", True),
        ("^a(b|c)[|]\\|", "", True),
        ("a|b", "A", True),
        ("(?i)^a", "", True),
        ("^a|b", "", False),
        ("^a", "m", False),
        ("a^", "", False),
    ],
)
def test_an_anchored_expression_looks_at_the_start_of_the_payload(expression, flags, anchored):
    made = step(f'pcre:"/{expression}/{flags}";')
    assert regex.is_anchored(made.pattern, made.flags) == anchored
    later = 1 << 3
    assert bool(unit_kinds(parse(f'pcre:"/{expression}/{flags}";')) & later) != anchored


@pytest.mark.parametrize(
    ("expression", "data"),
    [
        (rb"(a+)+b$", b"a" * 100_000 + b"b "),
        (rb"(?:a|a)*c\d", b"a" * 100_000 + b"c"),
        (rb"([a-z]+[_-])+[a-z]+\.jar$", b"abc_" * 25_000 + b".jar "),
        (rb"a.*b.*c.*d.*e\d", b"abcde" * 20_000),
        (rb"((.*)*)*\d", b"x" * 100_000),
        (rb"^(?:(?1)|a|(a))*$", b"a" * 100_000 + b"b"),
    ],
)
def test_no_expression_takes_long_on_any_subject(expression, data):
    before = time.process_time()
    bounded.search(expression, regex.Flag.DOTALL, data)
    assert time.process_time() - before < 2


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab\\()[]{}|*+?^$.,:<>=!-12dwsQERKx"), max_size=30), st.binary(max_size=40))
def test_any_text_is_searched_for_or_refused(expression, data):
    with contextlib.suppress(Refused):
        made = parse(f'pcre:"/{expression.replace(";", "")}/";').steps
        assert isinstance(made[0], Pcre)
        bounded.search(made[0].pattern, made[0].flags, data)
