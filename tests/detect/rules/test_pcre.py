from __future__ import annotations

import contextlib
import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.perlre import Translator
from vpi_tui.model.signature import Pcre

from .rule_text import parse, refused


def step(options):
    (made,) = parse(options).steps
    assert isinstance(made, Pcre)
    return made


def found(expression, data, flags=""):
    made = step(f'pcre:"/{expression}/{flags}";')
    return re.compile(made.pattern, made.flags).search(data) is not None


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
        (r"x{,3}", "", b"x{,3}", b"xxx"),
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
    ],
)
def test_expressions_mean_what_they_mean_in_perl(expression, flags, yes, no):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found(expression, yes, flags)
        assert not found(expression, no, flags)


def test_ungreedy_swaps_every_quantifier():
    made = step('pcre:"/a.+b.*?c{1,2}/G";')
    assert made.pattern == b"a.+?b.*c{1,2}?"


def test_flags_and_negation():
    made = step('pcre:!"/x/Ri";')
    assert made.negated
    assert made.relative
    assert made.flags == re.IGNORECASE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('pcre:"abc";', "must read"),
        ('pcre:"/abc";', "must read"),
        ('pcre:"/a/UH";', "several buffers: http.header, http.uri"),
        ('http.method; pcre:"/a/U";', "http.method is named before it"),
        ('pcre:"/a/k";', "unknown flag 'k'"),
        ('pcre:"/(a/";', "not closed"),
        ('pcre:"/a)/";', "without its"),
        ('pcre:"/[a/";', "not closed"),
        (r'pcre:"/a\Kb/";', "not supported"),
        ('pcre:"/(?R)/";', "not supported"),
        ('pcre:"/(?1)/";', "not supported"),
        ('pcre:"/(*SKIP)a/";', "verbs"),
        (r'pcre:"/\x{263a}/";', "more than a byte"),
        ('pcre:"/(?<=a+)b/";', "look-behind"),
        ('pcre:"/a{5,2}/";', "min repeat"),
        ('pcre:"/(a)/, flow:x";', "capturing"),
        ('pcre:"/' + "(" * 5000 + ")" * 5000 + '/";', "nested"),
        ('pcre:"/' + "a" * 20_000 + '/";', "the limit"),
    ],
)
def test_what_is_refused(text, reason):
    assert re.search(reason, refused(text))


_PIECES = [
    "a",
    "b",
    ".",
    "\\d",
    "[ab]",
    "[^a]",
    "(?:",
    "(",
    ")",
    "|",
    "*",
    "+",
    "?",
    "{1,2}",
    "\\",
    "^",
    "$",
    "(?i)",
    "[",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_plain_expressions_are_left_alone_in_meaning(expression):
    """Where `re` reads the expression as it stands, the translation finds the same."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            direct = re.compile(expression.encode())
        translated = re.compile(Translator(expression).translate().encode("latin-1"))
    except (re.error, Refused):
        return
    for data in (b"", b"ab", b"ba1", b"aab\n", b"AB"):
        ours, theirs = translated.search(data), direct.search(data)
        assert (ours and ours.span()) == (theirs and theirs.span())


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_translated_or_refused(expression):
    with contextlib.suppress(Refused):
        Translator(expression).translate()
