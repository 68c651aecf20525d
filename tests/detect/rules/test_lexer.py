from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.rules.ast import Option, Refused
from vpi_tui.detect.rules.lexer import MAX_RULE, rules_in, split_options, split_rule


def test_lines_comments_and_continuation():
    text = "# comment\n\nalert a (x;)\n  alert b \\\n (y;\\  \n z;)\r\n#alert c (z;)\nalert d (q;)"
    assert [(rule.line, rule.text) for rule in rules_in(text)] == [
        (3, "alert a (x;)"),
        (4, "alert b  (y; z;)"),
        (8, "alert d (q;)"),
    ]


def test_commented_out_rules_are_given_when_asked_for():
    text = "# a comment (with brackets)\n## alert tcp any any -> any any (sid:1;)\n#alert me when done"
    assert [(rule.line, rule.enabled) for rule in rules_in(text, with_disabled=True)] == [(2, False)]


def test_a_commented_out_rule_takes_its_indented_lines_along():
    text = "#alert a (m; \\\n\tx; \\\r\n  sid:1;)\n  alert b (y;)\n"
    text += "# ends in \\\nalert c (z;)\n# \\\n\nalert d (q;)"
    assert [(rule.line, rule.text) for rule in rules_in(text)] == [
        (4, "alert b (y;)"),
        (6, "alert c (z;)"),
        (9, "alert d (q;)"),
    ]


def test_a_rule_that_ends_in_a_backslash_is_still_given():
    assert [rule.text for rule in rules_in("alert a (x;)\\")] == ["alert a (x;)"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a; b:1;", [("a", None), ("b", "1")]),
        ('m:"x;y"; n;', [("m", '"x;y"'), ("n", None)]),
        (r'm:"x\"y;"; n;', [("m", r'"x\"y;"'), ("n", None)]),
        (r"r:url,x\;y;", [("r", r"url,x\;y")]),
        (r'c:!  "x" ;', [("c", '!  "x"')]),
        (r'p:"/a"b"/";', [("p", r'"/a"b"/"')]),
        (r'c:"a\\"; d;', [("c", r'"a\\"'), ("d", None)]),
        ("  NoCase ; ", [("nocase", None)]),
        ("a:b:c;", [("a", "b:c")]),
    ],
)
def test_options(body, expected):
    assert split_options(body) == [Option(*pair) for pair in expected]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("alert tcp any any -> any any", "no options"),
        ("alert tcp any any -> any any (sid:1;", "not closed"),
        ("alert tcp any any -> any any (sid:1)", "not ended with `;`"),
        ("alert tcp any any -> any (sid:1;)", "6 words"),
        ("alert tcp any any -> any any (sid:1;) x", "after the closing bracket"),
        ("alert tcp any any -> any any ()", "at least `sid`"),
        ("alert tcp any any -> any any (;sid:1;)", "empty option"),
        ("alert tcp any any -> any any (sid:1;\0)", "NUL"),
        ("x" * (MAX_RULE + 1), "the limit is"),
    ],
)
def test_what_is_no_rule(text, reason):
    with pytest.raises(Refused, match=reason):
        split_rule(text)


def test_header_words_keep_lists_with_blanks_together():
    header = split_rule("alert tcp [10.0.0.1, ![ 10.0.0.2 ]] any -> ![1.1.1.1] 80 (sid:1;)").header
    assert header.src == "[10.0.0.1,![10.0.0.2]]"
    assert (header.dest, header.dest_port) == ("![1.1.1.1]", "80")


def test_a_blank_behind_an_exclamation_mark_parts_no_word():
    header = split_rule("alert any ! 10.0.0.1 any -> ! [10.0.0.2, ! 10.0.0.3] !  80 (sid:1;)").header
    assert (header.src, header.src_port) == ("!10.0.0.1", "any")
    assert (header.dest, header.dest_port) == ("![10.0.0.2,!10.0.0.3]", "!80")


@pytest.mark.parametrize(
    "filler", ["(", ")", '"', "\\", " ", ";", ":", '"a', '\\"', "[", "]", "a;", '!"', ' "x']
)
def test_long_runs_take_linear_time(filler):
    text = "alert tcp any any -> any any (" + filler * (60_000 // len(filler)) + ")"
    # A quadratic scan would run for minutes here and trip the test runner's patience, not a stopwatch.
    with contextlib.suppress(Refused):
        split_rule(text)
    list(rules_in("#alert x " + filler * 30_000, with_disabled=True))


_VALUE = st.text(st.characters(codec="ascii", exclude_characters='"\\;\n\r'), min_size=1, max_size=20).map(
    str.strip
)


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z._]{1,8}", fullmatch=True), st.none() | _VALUE.filter(bool)), min_size=1
    )
)
def test_options_survive_a_round_trip(pairs):
    body = " ".join(f"{name};" if value is None else f"{name}:{value};" for name, value in pairs)
    assert split_options(body) == [Option(*pair) for pair in pairs]
